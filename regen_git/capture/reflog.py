"""What HEAD's reflog says happened since we last looked: commits that no hook has told us of.

How far each worktree's reflog was read stands in ``seen/<key>``, a byte offset.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from regen_git.capture.place import Place
    from regen_git.domain.ids import Oid

__all__ = ["Moved", "forward", "read_new", "size"]

_MADE = ("commit: ", "commit (initial): ", "commit (amend): ", "commit (merge): ", "cherry-pick: ")
_MOST = 1 << 18
"""Bytes read at once; after a very long absence the oldest are left to ``repair``."""


class Moved(NamedTuple):
    """One commit that was made in a worktree, and when: seconds since 1970 as the reflog has them."""

    commit: Oid
    time: int
    is_pick: bool


def size(place: Place, key: str) -> int:
    """Return how long the worktree's reflog is now, in bytes; 0 when it has none."""
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
    """Remember that the worktree's reflog is read up to this byte."""
    path = f"{place.data}/seen/{key}"
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - on the capture path
    scratch = f"{path}.new{os.getpid()}"
    with open(scratch, "w", encoding="ascii") as file:  # noqa: PTH123 - on the capture path
        file.write(str(offset))
    os.replace(scratch, path)  # noqa: PTH105 - on the capture path


def read_new(place: Place, key: str) -> tuple[list[Moved], int]:
    """Return the commits made since we last looked, oldest first, and the offset up to which that is.

    The first look finds nothing: what was committed before us is not ours. So does a reflog that shrank.
    """
    end = size(place, key)
    start = _seen(place, key)
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


def _read(line: bytes) -> Moved | None:
    """Return what a reflog line tells of a new commit: ``<old> <new> <who> <time> <zone>``, a tab, what."""
    head, tab, what = line.decode("utf-8", "replace").partition("\t")
    words = head.split()
    if not tab or len(words) < 4 or not what.startswith(_MADE):  # noqa: PLR2004 - old, new, time, zone
        return None
    when = words[-2]
    return Moved(words[1], int(when) if when.isdecimal() else 0, what.startswith("cherry-pick"))
