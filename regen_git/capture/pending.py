"""What the sh hooks may read: for each worktree, one small file with the ids that wait and their paths.

Lines, words parted by one space, so that a shell reads them without starting anything::

    regen 1 <number of the inbox's last entry>
    set <name> <value>                     a setting the hooks need: flush now, trailers off, policy require
    always <id> <agent> <prompts>          recorded by hand: the next commit has it
    edits <id> <agent> <prompts> <session> its paths follow
    path <path as git prints it>
    blob <id>                              what the agent left there, if it is not empty: it may be moved
    unknown <agent>                        edits of which no prompt is known; its paths follow
    inside <id> <agent> <prompts> <session>           only for a commit made from the session's own shell
    idle <id> <agent> <prompts> <session> <seconds>   no edits known: counts until this time, if nothing else
    does

An empty or missing file means: nothing waits.
"""

from __future__ import annotations

import contextlib
import os
from itertools import islice
from typing import TYPE_CHECKING

from regen_git.capture.clock import seconds
from regen_git.capture.loose import blob_id
from regen_git.capture.matching import is_idle, read_sessions, records_waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.capture.inbox import Entry
    from regen_git.capture.matching import Group, Session
    from regen_git.domain.ids import RepoPath

__all__ = ["IDLE_FOR", "quote", "refresh", "render"]

IDLE_FOR = 12 * 3600
"""Seconds for which prompts without known edits count for the next commit."""

_NOTHING = ("blob ", *(f"blob {blob_id(b'', name)}" for name in ("sha1", "sha256")))

_SHOWN = 16
"""Sessions without known edits that hooks are told of, the newest: a shell reads byte by byte."""

_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


_BLANK, _DELETE = 32, 127
"""The ASCII codes around what is shown as it is."""


def quote(path: RepoPath) -> str:
    """Return a path as ``git diff --name-only`` prints it with ``core.quotePath=true``."""
    raw = os.fsencode(path)
    if all(_BLANK <= b < _DELETE and b not in _ESCAPES for b in raw):
        return path
    return (
        '"'
        + "".join(_ESCAPES.get(b) or (chr(b) if _BLANK <= b < _DELETE else f"\\{b:03o}") for b in raw)
        + '"'
    )


def render(entries: Sequence[Entry], worktree: str, settings: Mapping[str, str]) -> str:
    """Return the pending file of one worktree; empty when nothing waits there."""
    lines = [
        f"always {entry.id} {_word(entry.agent or 'you')} 1" for entry in records_waiting(entries, worktree)
    ]
    without: list[Session] = []
    for session in read_sessions(entries):
        if session.wrote:
            for group in session.groups:
                lines += _edits(group, worktree)
        if session.worktree == worktree:
            without.append(session)
    # The newest first: an agent that does not say which session commits is in the last one.
    without.sort(key=lambda one: one.last_n, reverse=True)
    found = (_without_edits(session, worktree) for session in without)
    lines += islice((line for line in found if line), _SHOWN)
    if not lines:
        return ""
    head = [f"regen 1 {entries[-1].n}", *(f"set {name} {value}" for name, value in settings.items())]
    return "\n".join([*head, *lines]) + "\n"


def _edits(group: Group, worktree: str) -> list[str]:
    left = group.left(worktree)
    if not left:
        return []
    head = f"edits {_named(group)}" if group.id else f"unknown {_word(group.agent)}"
    blobs = {
        path: edit.blob for turn in group.turns for (w, path), edit in turn.edits.items() if w == worktree
    }
    lines = ((f"path {quote(path)}", f"blob {blobs[path]}") for path in left)
    return [head, *(line for pair in lines for line in pair if line not in _NOTHING)]


def _without_edits(session: Session, worktree: str) -> str:
    """Return the line that tells of a session for the sake of its last prompts; empty where none waits."""
    groups = session.groups
    if is_idle(session, worktree):
        return f"idle {_named(groups[-1])} {seconds(session.last_at) + IDLE_FOR}"
    if not groups or not groups[-1].id or (groups[-1].is_bound and groups[-1].turns[-1].ended):
        return ""
    return f"inside {_named(groups[-1])}"


def _named(group: Group) -> str:
    return f"{group.id} {_word(group.agent)} {len(group.prompts)} {_word(group.session)}"


def _word(text: str) -> str:
    """Return text that is one harmless word for a shell to read and for a terminal to show."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text) or "-"


def refresh(data: str, entries: Sequence[Entry], settings: Mapping[str, str]) -> None:
    """Write the pending file of every worktree that has something waiting; empty the others.

    The caller holds the inbox. Hooks read these files at any time, so each is replaced as a whole.
    """
    folder = data + "/pending"
    keys = {entry.worktree for entry in entries if entry.worktree}
    keys |= _written(folder)
    for key in keys:
        path = f"{folder}/{key}"
        text = render(entries, key, settings)
        if not text:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108 - an agent waits
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - an agent waits
        scratch = f"{path}.new{os.getpid()}"
        with open(scratch, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - an agent waits
            file.write(text)
        os.replace(scratch, path)  # noqa: PTH105 - an agent waits


def _written(folder: str) -> set[str]:
    """Return the keys that have a pending file."""
    found: set[str] = set()
    for prefix in ("", "worktrees/"):
        with contextlib.suppress(OSError):
            found |= {
                prefix + entry.name
                for entry in os.scandir(f"{folder}/{prefix}")
                if entry.is_file() and ".new" not in entry.name
            }
    return found
