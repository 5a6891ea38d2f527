"""Plugins: files of ours in the folder of an agent that runs scripts instead of commands."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from regen_git import agents

if TYPE_CHECKING:
    from regen_git.agents import Settings

__all__ = ["SCRIPTS", "is_our_plugin", "plugin_text"]

SCRIPTS = (".js", ".ts")
"""How the names of plugins end."""

_OURS = re.compile(r"^// .*`git regen agents remove \w+`", re.MULTILINE)


def plugin_text(name: str, settings: Settings) -> str:
    """Return the plugin for an agent: one file, with what all of ours share put in where it says so."""
    suffix = PurePosixPath(settings.project or settings.user).suffix
    folder = Path(agents.__file__).with_name("plugins")
    shared = (folder / "deliver.js").read_text("utf-8")
    return (folder / (name + suffix)).read_text("utf-8").replace("/* deliver.js */\n", shared)


def is_our_plugin(text: str) -> bool:
    """Return whether a file is a plugin of ours, of whatever version: it says how it is taken out."""
    return _OURS.search(text) is not None
