"""Which agents are on this machine, or used in this tree, and what keeps them from running hooks."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.capture.telling.files import SCOPES, home_folder, settings_file
from regen_git.capture.telling.jsonc import parse
from regen_git.capture.undo import read_bytes

if TYPE_CHECKING:
    from regen_git.agents.contract import Agent
    from regen_git.git.repository import Repository

__all__ = ["installed_as", "is_used_in", "switched_off"]

_SWITCHES = {
    "claude": ("disableAllHooks", True),
    "gemini": ("hooksConfig.enabled", False),
}
"""The setting, in the file that has the hooks, and the value of it with which an agent runs none."""


def installed_as(agent: Agent) -> str:
    """Return the program of an agent that would run here, else its folder at home; empty without both."""
    for name in agent.PROGRAMS:
        program = shutil.which(name)
        if program:
            return program
    home = home_folder()
    folders = (home / name for name in agent.FOLDERS) if home else ()
    return next((str(folder) for folder in folders if folder.is_dir()), "")


def is_used_in(repo: Repository, agent: Agent) -> bool:
    """Return whether the working tree has the folder of an agent's settings."""
    if repo.worktree is None or agent.SETTINGS is None or not agent.SETTINGS.project:
        return False
    first, *more = Path(agent.SETTINGS.project).parts[:-1] or [""]
    # Nearly every tree has this one.
    folder = "/".join([first, *more]) if first == ".github" else first
    return bool(folder) and (repo.worktree / folder).is_dir()


def switched_off(repo: Repository, agent: Agent) -> str:
    """Return which setting keeps an agent from running any hook; empty if none is known to."""
    settings = agent.SETTINGS
    if settings is None:
        return ""
    for scope in SCOPES:
        path = settings_file(repo, settings, scope)
        if path is None:
            continue
        if agent.NAME == "codex" and _codex_is_off(path.with_name("config.toml")):
            return f"features.hooks in '{path.with_name('config.toml')}'"
        if agent.NAME in _SWITCHES and _is_off(path, *_SWITCHES[agent.NAME]):
            return f"{_SWITCHES[agent.NAME][0]} in '{path}'"
    return ""


def _is_off(path: Path, switch: str, off: object) -> bool:
    try:
        node = parse((read_bytes(path) or b"").decode("utf-8"))
    except (OSError, ValueError):
        return False
    for name in switch.split("."):
        below = node.member(name)
        if below is None:
            return False
        node = below
    return node.value is off


def _codex_is_off(path: Path) -> bool:
    """Return whether other settings of Codex say so. Python reads TOML since 3.11; before, nobody knows."""
    if sys.version_info < (3, 11):
        return False
    import tomllib

    try:
        features = tomllib.loads((read_bytes(path) or b"").decode("utf-8")).get("features")
    except (OSError, ValueError):
        return False
    return isinstance(features, dict) and False in (features.get("hooks"), features.get("codex_hooks"))
