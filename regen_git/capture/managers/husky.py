"""husky: ``core.hooksPath`` leads to stubs that run the files of the folder above (9), or to those files (8).

These files are tracked, so they are shared with people who do not have this program.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.capture.managers.lines import (
    MARK,
    appended,
    calls,
    change,
    place_scripts,
    state_of_call,
    without_ours,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from regen_git.capture.install import HookState
    from regen_git.git.repository import Repository

__all__ = ["folder_of", "install", "line", "state"]

_FIRST = "#!/usr/bin/env sh\n"
_LEAVES = re.compile(r"^(?:exit|exec)\b", re.MULTILINE)


def folder_of(hooks: Path) -> Path | None:
    """Return the folder with the team's hooks, when ``hooks`` is where husky has git look."""
    if (hooks / "_" / "husky.sh").is_file():
        return hooks
    is_stubs = hooks.name == "_" and ((hooks / "h").is_file() or hooks.parent.name == ".husky")
    return hooks.parent if is_stubs and hooks.parent.is_dir() else None


def line(event: str) -> str:
    """Return the line of a team's hook. It does nothing for a colleague without git regen."""
    return f"{calls(event, chr(34) + '$@' + chr(34))}  {MARK}"


def install(repo: Repository, folder: Path, events: Sequence[str]) -> list[str]:
    """Add one line to each hook; return what was done. Doing it again changes nothing."""
    place_scripts(repo, events)
    are_programs = not (folder / "_" / "h").is_file()
    changed: list[str] = []
    for event in events:
        path = folder / event
        before = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
        after = _with_line(before or (_FIRST if are_programs else ""), event)
        if after != before:
            change(repo, path, after)
            if are_programs:
                path.chmod(0o755)
            changed.append(event)
    done = [f"hooks run by husky, from '{folder}'"]
    if changed:
        done.append(f"one line each in {', '.join(changed)} there: commit them; they do nothing for others")
    return done


def _with_line(text: str, event: str) -> str:
    if line(event) in text.splitlines():
        return text
    rest = without_ours(text)
    text = text if rest is None else rest
    ours = line(event) + "\n"
    if not _LEAVES.search(text):
        # Last, so that what a hook of the team's writes into the message is there before ours.
        return appended(text, ours)
    # What follows 'exit' or 'exec' would not run.
    first, newline, more = text.partition("\n")
    return first + newline + ours + more if first.startswith("#!") and newline else ours + text


def state(repo: Repository, folder: Path, event: str) -> HookState:
    """Return whether husky runs ours for this event."""
    return state_of_call(repo, event, [folder / event])
