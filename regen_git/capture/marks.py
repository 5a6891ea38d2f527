"""The record log: what the sh hooks say has happened, one line each, until a flush has made notes of it.

Lines, words parted by one space::

    commit <id> <worktree> <number of the inbox's last entry then> <session or -> [<intent id>…]
    rewrite <old id> <new id>
    merge <worktree>

A commit's ids are those to bind when the trailers are switched off; else its message is asked.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from regen_git.domain.ids import is_intent_id

if TYPE_CHECKING:
    from regen_git.capture.place import Place
    from regen_git.domain.ids import Oid

__all__ = ["CommitMark", "Marks", "anything_marked", "drop_marks", "start_flush", "take_marks"]


class CommitMark(NamedTuple):
    """A commit that hooks have seen, and how much of the inbox they knew."""

    commit: Oid
    worktree: str
    upto: int
    session: str = ""
    ids: tuple[str, ...] = ()


class Marks(NamedTuple):
    """All that the hooks have said, in order. ``size`` is how many bytes of the log that was."""

    commits: tuple[CommitMark, ...]
    rewrites: tuple[tuple[Oid, Oid], ...]
    merges: tuple[str, ...]
    size: int = 0


def anything_marked(data: str) -> bool:
    """Return whether hooks have told of anything that no flush has dealt with."""
    for name in ("marks", "marks.taken", "marks.next"):
        with contextlib.suppress(OSError):
            if os.stat(f"{data}/{name}").st_size > 0:  # noqa: PTH116 - on the capture path
                return True
    return False


def take_marks(data: str) -> Marks:
    """Return what is in the log, holding the flush lock; until ``drop_marks`` the next call does so again."""
    taken, following = data + "/marks.taken", data + "/marks.next"
    with contextlib.suppress(FileNotFoundError):
        if os.path.exists(taken) or os.path.exists(following):  # noqa: PTH110 - beside the rest
            _add_to(taken, following)
            # Renamed before it is read: a hook that writes meanwhile starts a new log.
            os.rename(data + "/marks", following)  # noqa: PTH104 - beside the rest
            _add_to(taken, following)
        else:
            os.rename(data + "/marks", taken)  # noqa: PTH104 - beside the rest
    try:
        with open(taken, "rb") as file:  # noqa: PTH123 - beside the rest
            raw = file.read()
    except FileNotFoundError:
        raw = b""
    return _read(raw.decode("ascii", "replace").splitlines())._replace(size=len(raw))


def _add_to(taken: str, following: str) -> None:
    """Move what stands in one log to the end of another; a kill in between only says it twice."""
    try:
        with open(following, "rb") as new:  # noqa: PTH123 - beside the rest
            raw = new.read()
    except FileNotFoundError:
        return
    with open(taken, "ab") as old:  # noqa: PTH123 - beside the rest
        old.write(b"\n" + raw)
        old.flush()
        os.fsync(old.fileno())
    os.unlink(following)  # noqa: PTH108 - beside the rest


def drop_marks(data: str, size: int) -> None:
    """Forget what ``take_marks`` returned, unless a hook that had the log open has added to it."""
    with contextlib.suppress(FileNotFoundError):
        if os.stat(data + "/marks.taken").st_size <= size:  # noqa: PTH116 - beside the rest
            os.unlink(data + "/marks.taken")  # noqa: PTH108 - beside the rest


def _read(lines: list[str]) -> Marks:
    commits: dict[Oid, CommitMark] = {}
    rewrites: list[tuple[Oid, Oid]] = []
    merges: dict[str, None] = {}
    for line in lines:
        match line.split():
            case ["commit", oid, worktree, upto, session, *ids] if _is_oid(oid) and upto.isdecimal():
                good = tuple(word for word in ids if is_intent_id(word))
                name = "" if session == "-" else session
                commits[oid] = CommitMark(oid, worktree, int(upto), name, good)
            case ["rewrite", old, new] if _is_oid(old) and _is_oid(new):
                rewrites.append((old, new))
            case ["merge", worktree]:
                merges[worktree] = None
            case _:
                # A line torn by a crash; the reflog still has the commit.
                continue
    return Marks(tuple(commits.values()), tuple(rewrites), tuple(merges))


def _is_oid(word: str) -> bool:
    return len(word) in (40, 64) and all(c in "0123456789abcdef" for c in word)


def start_flush(place: Place) -> None:
    """Start a flush in a process of its own, away from this terminal and from the folder we are in."""
    import subprocess

    with contextlib.suppress(OSError):
        # Started from '/', so that nothing in somebody's working tree can be imported.
        subprocess.Popen(
            [sys.executable, "-m", "regen_git", "hook", "flush", place.top or place.git_dir],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
