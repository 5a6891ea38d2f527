"""Hooks in git's own configuration, which git 2.54 and newer runs beside the script of the hooks folder.

They need nothing of a hook manager and nothing of ``core.hooksPath``, and what another program does in the
hooks folder cannot displace them. They are in this repository's own configuration, since some agents hide
the user's from their shell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.capture.install import render, script_state, write_script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from regen_git.capture.install import HookState
    from regen_git.git.repository import Repository

__all__ = ["FOLDER", "are_known_to", "configure", "forget", "line", "name_of", "state"]

FOLDER = "configured"
"""Where the scripts lie, below our data; no hook manager looks here."""

_FIRST = (2, 54)
_NAMES = r"^hook\.regen-[a-z-]+\.(command|event)$"

# Read into the shell that git starts for the line, which saves a process. A missing file must be no failure:
# git gives up a commit whose hook cannot be started.
_LINE = (
    'd=${{GIT_DIR:-.git}}; [ -d "$d" ] || read -r _ d <"$d"; [ ! -f "$d/commondir" ] || d=$d/../..; '
    'd=$d/regen/{folder}/{event}; [ -f "$d" ] || exit 0; . "$d"'
)


def are_known_to(version: str) -> bool:
    """Return whether the git that calls itself so (``git version 2.54.0 …``) runs configured hooks."""
    found = re.search(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= _FIRST


def name_of(event: str) -> str:
    """Return the name under which a hook is configured: one for each event, since git tells no hook which."""
    return f"regen-{event}"


def line(event: str) -> str:
    """Return what git hands to a shell, with the hook's arguments behind it."""
    return _LINE.format(folder=FOLDER, event=event)


def configure(repo: Repository, events: Sequence[str]) -> None:
    """Have git run these hooks, and none of ours for another event. Doing it again changes nothing."""
    folder = repo.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    present = _present(repo)
    for event in events:
        write_script(folder / event, render(event))
        name = f"hook.{name_of(event)}"
        for key, value in ((f"{name}.event", event), (f"{name}.command", line(event))):
            if present.pop(key, None) != [value]:
                repo.git("config", "--local", "--replace-all", key, value)
    forget(repo, {key.split(".")[1] for key in present})


def forget(repo: Repository, names: set[str] | None = None) -> None:
    """Take these hooks (default: all of ours) out of the configuration; the scripts stay."""
    for name in sorted(names if names is not None else {key.split(".")[1] for key in _present(repo)}):
        repo.git("config", "--local", "--remove-section", f"hook.{name}", ok=(0, 128))


def _present(repo: Repository) -> dict[str, list[str]]:
    """Return every setting of ours in this repository's own configuration, with its values."""
    out = repo.git("config", "--local", "--null", "--get-regexp", _NAMES, ok=(0, 1))
    found: dict[str, list[str]] = {}
    for item in out.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = item.partition("\n")
        if key:
            found.setdefault(key, []).append(value)
    return found


def state(repo: Repository, events: Sequence[str]) -> dict[str, HookState]:
    """Return by event whether ours is configured and current."""
    present = _present(repo)
    return {event: _state(present, event, repo.data_dir / FOLDER / event) for event in events}


def _state(present: dict[str, list[str]], event: str, path: Path) -> HookState:
    name = f"hook.{name_of(event)}"
    commands, events = present.get(f"{name}.command"), present.get(f"{name}.event")
    if not commands or not events:
        return "missing"
    if (commands, events) != ([line(event)], [event]):
        return "outdated"
    return script_state(path, event)
