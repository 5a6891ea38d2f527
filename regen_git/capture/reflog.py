"""What HEAD's reflog says happened since we last looked: commits that no hook has told us of.

How far each worktree's reflog was read stands in ``seen/<key>``: a byte offset, or a number of entries where
refs are kept in tables.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from regen_git.capture.reftable import is_reftable, is_unchanged, reflog

if TYPE_CHECKING:
    from regen_git.capture.place import Place
    from regen_git.domain.ids import Oid

__all__ = ["Moved", "anything_new", "forward", "read_new", "size"]

_MADE = ("commit: ", "commit (initial): ", "commit (amend): ", "commit (merge): ", "cherry-pick: ")
_MOVED = re.compile(
    r"(?:checkout|reset|rebase|pull|merge|clone|am|applypatch|revert|bisect|switch|branch|fetch|regen)\b",
    re.IGNORECASE,
)
"""How git, and this program, say that HEAD went to a commit that is not to be bound."""
_MOST = 1 << 18
"""Bytes read at once; after a very long absence the oldest are left to ``repair``."""


class Moved(NamedTuple):
    """One commit that was made in a worktree, and when: seconds since 1970 as the reflog has them.

    ``unsure_since`` is where HEAD was before, when the reflog does not say how it moved (``update-ref``): the
    commit was made there only if that is its parent. Else it is empty.
    """

    commit: Oid
    time: int
    is_pick: bool
    unsure_since: str = ""


def size(place: Place, key: str) -> int:
    """Return how long the worktree's reflog is now, as ``seen`` counts; 0 when it has none."""
    if is_reftable(place):
        return len(reflog(place, key))
    try:
        return os.stat(place.other(key) + "/logs/HEAD").st_size  # noqa: PTH116 - on the capture path
    except OSError:
        return 0


def _seen(place: Place, key: str) -> int | None:
    try:
        with open(f"{place.data}/seen/{key}", encoding="ascii") as file:  # noqa: PTH123 - on the capture path
            return int(file.read())
    except (OSError, ValueError):
        return None


def forward(place: Place, key: str, offset: int) -> None:
    """Remember up to where the worktree's reflog is read."""
    path = f"{place.data}/seen/{key}"
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - on the capture path
    scratch = f"{path}.new{os.getpid()}"
    with open(scratch, "w", encoding="ascii") as file:  # noqa: PTH123 - on the capture path
        file.write(str(offset))
    os.replace(scratch, path)  # noqa: PTH105 - on the capture path


def anything_new(place: Place) -> bool:
    """Return whether this worktree's reflog has grown since it was read, at the price of a look at it."""
    start = _seen(place, place.key)
    if start is None:
        return False
    if is_reftable(place):
        return not is_unchanged(place, place.key, f"{place.data}/seen/{place.key}")
    return size(place, place.key) != start


def read_new(place: Place, key: str) -> tuple[list[Moved], int]:
    """Return the commits made since we last looked, oldest first, and the offset up to which that is.

    The first look finds nothing: what was committed before us is not ours. So does a reflog that shrank.
    """
    start = _seen(place, key)
    if is_reftable(place):
        return _read_tables(place, key, start)
    end = size(place, key)
    if start is None or start >= end:
        return [], end
    start = max(start, end - _MOST)
    try:
        with open(place.other(key) + "/logs/HEAD", "rb") as file:  # noqa: PTH123 - on the capture path
            file.seek(start)
            data = file.read(end - start)
    except OSError:
        return [], end
    return [moved for line in data.splitlines() if (moved := _read(line)) is not None], end


def _read_tables(place: Place, key: str, start: int | None) -> tuple[list[Moved], int]:
    if start is not None and is_unchanged(place, key, f"{place.data}/seen/{key}"):
        return [], start
    lines = reflog(place, key)
    new = [] if start is None else lines[start:]
    return [moved for line in new if (moved := _read(line)) is not None], len(lines)


def _read(line: bytes) -> Moved | None:
    """Return what a reflog line tells of a new commit: ``<old> <new> <who> <time> <zone>``, a tab, what."""
    head, _, what = line.decode("utf-8", "replace").partition("\t")
    words = head.split()
    if len(words) < 4 or (not what.startswith(_MADE) and _MOVED.match(what)):  # noqa: PLR2004 - old, new, time, zone
        return None
    when = words[-2]
    time = int(when) if when.isdecimal() else 0
    since = "" if what.startswith(_MADE) else words[0]
    return Moved(words[1], time, what.startswith("cherry-pick"), since)
