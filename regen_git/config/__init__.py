"""Read git config and ``.regen/config.yaml`` into one frozen `Settings`, handed down as a value.

Importing this costs nothing: YAML and pattern matching are loaded when they are first needed.
"""

from __future__ import annotations

from regen_git.config.detection import detect
from regen_git.config.ownership import LONGEST_TEXT, Kind, Ownership
from regen_git.config.reading import CONFIG_PATH, load_settings, read_settings
from regen_git.config.settings import Check, PathRules, Settings, State, User

__all__ = [
    "CONFIG_PATH",
    "LONGEST_TEXT",
    "Check",
    "Kind",
    "Ownership",
    "PathRules",
    "Settings",
    "State",
    "User",
    "detect",
    "load_settings",
    "read_settings",
]
