"""Tell an agent, in one of its files, to report to us; what was there before comes back to the byte."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from regen_git.capture.telling.entries import Told, told, with_entries, without_entries
from regen_git.capture.telling.plugins import SCRIPTS, is_our_plugin, plugin_text
from regen_git.capture.undo import (
    forget,
    read_bytes,
    read_changes,
    recorded,
    remove_empty,
    replace_file,
    restore,
)
from regen_git.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.agents import Settings
    from regen_git.agents.contract import Agent
    from regen_git.git.repository import Repository

__all__ = [
    "SCOPES",
    "Scope",
    "Standing",
    "add",
    "home_folder",
    "remove",
    "settings_file",
    "standing",
    "take_out_of",
]

Scope = Literal["project", "user"]
"""Whom a settings file is for: everybody who works in this tree, or one person everywhere."""

SCOPES: tuple[Scope, ...] = ("project", "user")

_MARK = re.compile(rb"git.regen")
"""Without it nothing in a file is ours, whether the file can be understood or not."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one settings file of an agent stands; ``problem`` says why it cannot be understood, else empty."""

    path: Path
    told: Told
    problem: str = ""

    @property
    def state(self) -> str:
        """Say it in a word: all, some, none or unreadable."""
        return "unreadable" if self.problem else self.told.state


def settings_file(repo: Repository, settings: Settings, scope: Scope) -> Path | None:
    """Return an agent's file for a scope; ``None`` where it has none, or there is no working tree."""
    if scope == "project":
        return repo.worktree / settings.project if repo.worktree and settings.project else None
    if not settings.user:
        return None
    first, _, rest = settings.user.partition("/")
    base = os.environ.get(settings.variable) if settings.variable else None
    home = home_folder()
    if base:
        return Path(base) / rest
    return home / first / rest if home else None


def home_folder() -> Path | None:
    """Return the person's home; ``None`` where HOME does not name one, or nothing says where it is."""
    home = os.environ.get("HOME")
    try:
        folder = Path(home) if home is not None else Path.home()
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def standing(repo: Repository, agent: Agent, scope: Scope) -> Standing | None:
    """Return how an agent's file for a scope stands; ``None`` where it has none. Changes nothing."""
    settings = agent.SETTINGS
    path = settings_file(repo, settings, scope) if settings else None
    if settings is None or path is None:
        return None
    try:
        return Standing(path, _told(_text(read_bytes(path)), agent.NAME, settings))
    except (OSError, ValueError) as error:
        reason = (error.strerror or "") if isinstance(error, OSError) else str(error)
        return Standing(path, _nothing(settings), reason)


def add(repo: Repository, agent: Agent, scope: Scope) -> Path | None:
    """Add our entries to an agent's file; return it, or ``None`` when there is nothing to do.

    Raises ``ConfigError`` when the file cannot be understood, read or written; it is left as it is.
    """
    settings = agent.SETTINGS
    path = settings_file(repo, settings, scope) if settings else None
    if settings is None or path is None:
        return None
    _check_inside(repo, path, scope)
    try:
        return _add(repo, agent, settings, path)
    except OSError as error:
        raise ConfigError(
            f"cannot tell {agent.TITLE} in '{path}': {error.strerror or error}",
            hint="make it a file that you may write, or leave this agent out",
        ) from error


def _add(repo: Repository, agent: Agent, settings: Settings, path: Path) -> Path | None:
    present = read_bytes(path)
    try:
        before = _text(present)
        after = _with(before, agent.NAME, settings)
    except ValueError as error:
        raise ConfigError(
            f"cannot tell {agent.TITLE} in '{path}': {error}",
            hint="the file is as it was; mend it, or leave this agent out",
        ) from error
    if after == before:
        return None
    with recorded(repo, path, lambda data: _without(path, _text(data)).encode() or None):
        replace_file(path, after.encode())
    return path


def remove(repo: Repository, agent: Agent, scope: Scope) -> Path | None:
    """Take our entries out of an agent's file; return it, or ``None`` when there are none.

    Gives the file its bytes from before where nothing else has changed. Raises as ``add``.
    """
    settings = agent.SETTINGS
    path = settings_file(repo, settings, scope) if settings else None
    if path is None:
        return None
    try:
        return _remove(repo, path, repo.worktree if scope == "project" else None)
    except OSError as error:
        raise ConfigError(
            f"cannot take entries out of '{path}': {error.strerror or error}",
            hint="make it a file that you may read and write, or take it away by hand",
        ) from error


def _remove(repo: Repository, path: Path, top: Path | None) -> Path | None:
    present = read_bytes(path)
    if present is None or not _MARK.search(present):
        return None
    change = next((c for c in read_changes(repo) if c.path == str(path)), None)
    try:
        own = _without(path, _text(present))
    except ValueError as error:
        hint = "the file is as it was; take the lines with 'git-regen capture' out by hand"
        raise ConfigError(f"cannot take entries out of '{path}': {error}", hint=hint) from error
    if own.encode() == present:
        return None
    if change is not None and change.after == present:
        restore(change)
    else:
        made = change.made if change else _folders_below(path, top)
        _write_or_unlink(path, own, made)
    forget(repo, path)
    return path


def take_out_of(path: Path, made: Iterable[str]) -> bool:
    """Take our entries out of a settings file that others have changed; false if it cannot be understood."""
    data = read_bytes(path) or b""
    if not _MARK.search(data):
        return True
    try:
        text = _text(data)
        own = _without(path, text)
    except ValueError:
        return False
    if own != text:
        _write_or_unlink(path, own, made)
    return True


def _write_or_unlink(path: Path, text: str, made: Iterable[str]) -> None:
    if text:
        replace_file(path, text.encode())
        return
    path.unlink()
    remove_empty(made)


def _folders_below(path: Path, top: Path | None) -> list[str]:
    """Return the folders of a file that may go when they are empty: those below the top of a tree."""
    return [str(folder) for folder in path.parents if top is not None and top in folder.parents]


def _check_inside(repo: Repository, path: Path, scope: Scope) -> None:
    """Refuse a project's file that a link leads out of the tree: others chose where it leads."""
    if scope != "project" or repo.worktree is None:
        return
    real = os.path.realpath(path)
    if not real.startswith(os.path.realpath(repo.worktree) + os.sep):
        raise ConfigError(
            f"'{path}' leads out of the working tree, to '{real}'", hint="make it a file of its own"
        )


def _text(data: bytes | None) -> str:
    """Return what a file holds as text, line ends and byte order mark kept. Raises ``ValueError``."""
    try:
        return (data or b"").decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error


def _told(text: str, name: str, settings: Settings) -> Told:
    if settings.shape != "plugin":
        return told(text, settings)
    return Told(("plugin",), () if text == plugin_text(name, settings) else ("plugin",))


def _nothing(settings: Settings) -> Told:
    events = tuple(settings.events) or ("plugin",)
    return Told(events, events)


def _with(text: str, name: str, settings: Settings) -> str:
    if settings.shape != "plugin":
        return with_entries(text, name, settings)
    if text and not is_our_plugin(text):
        raise ValueError("it is not ours")
    return plugin_text(name, settings)


def _without(path: Path, text: str) -> str:
    """Return the text without what is ours; a script that is not ours stays as it is."""
    if path.suffix in SCRIPTS:
        return "" if is_our_plugin(text) else text
    return without_entries(text)
