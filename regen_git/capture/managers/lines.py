"""Lines of ours in files of others: one that ends in a mark, or a block between two."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from regen_git.capture.install import render, script_state, write_script
from regen_git.capture.undo import recorded, remove_empty, replace_file
from regen_git.errors import RegenError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from regen_git.capture.install import HookState
    from regen_git.git.repository import Repository

__all__ = [
    "BEGIN",
    "END",
    "FOLDER",
    "MARK",
    "appended",
    "block",
    "calls",
    "change",
    "place_scripts",
    "state_of_call",
    "take_lines_out",
    "without_ours",
]

FOLDER = "managed"
"""Where the scripts lie that such lines call, below our data. Only where ``init`` ran with this manager."""

MARK = "# git regen"
BEGIN = "# git regen: begin"
END = "# git regen: end"


def calls(event: str, arguments: str) -> str:
    """Return a shell command that runs our script where there is one, and does nothing elsewhere."""
    path = f'"$(git rev-parse --git-common-dir)/regen/{FOLDER}/{event}"'
    return f'regen={path}; [ ! -x "$regen" ] || "$regen" {arguments}'.rstrip()


def block(lines: Sequence[str]) -> str:
    """Return lines between our marks."""
    return "\n".join([BEGIN, *lines, END, ""])


def appended(text: str, more: str) -> str:
    """Return a file's text with more lines at its end."""
    return text + ("\n" if text and not text.endswith("\n") else "") + more


def change(repo: Repository, path: Path, text: str) -> None:
    """Give a file of somebody else's a new text, written down so that it can be undone.

    Raises ``RegenError`` where a link leads out of the repository: whoever made that chose where to.
    """
    real = os.path.realpath(path)
    inside = [repo.common_dir, *([repo.worktree] if repo.worktree else [])]
    if not any(real.startswith(os.path.realpath(folder) + os.sep) for folder in inside):
        raise RegenError(
            f"'{path}' leads out of the repository, to '{real}'", hint="make it a file of its own"
        )
    with recorded(repo, path):
        replace_file(path, text.encode("utf-8", "surrogateescape"))


def take_lines_out(path: Path, made: Iterable[str]) -> bool:
    """Take our lines out of a file that others have changed too; false if there are none."""
    rest = without_ours(path.read_text("utf-8", "surrogateescape"))
    if rest is None:
        return False
    if rest.strip():
        replace_file(path, rest.encode("utf-8", "surrogateescape"))
    else:
        path.unlink()
        remove_empty(made)
    return True


def without_ours(text: str) -> str | None:
    """Return a file without what we added, or ``None`` if there is nothing of ours in it."""
    kept: list[str] = []
    inside = found = False
    for one in text.splitlines(keepends=True):
        bare = one.strip()
        inside = inside or bare == BEGIN
        if inside or bare.endswith(MARK):
            found = True
        else:
            kept.append(one)
        inside = inside and bare != END
    return "".join(kept) if found else None


def place_scripts(repo: Repository, events: Sequence[str]) -> None:
    """Put our scripts where such lines look for them."""
    folder = repo.data_dir / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for event in events:
        write_script(folder / event, render(event))


def state_of_call(repo: Repository, event: str, files: Sequence[Path]) -> HookState:
    """Return whether one of the files runs our hook, and whether that is current."""
    ways = (f"regen/{FOLDER}/{event}", f"git-regen hook {event}", f"git regen hook {event}")
    for path in files:
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        if ways[0] in text:
            return script_state(repo.data_dir / FOLDER / event, event)
        if any(way in text for way in ways[1:]):
            return "installed"
    return "missing"
