"""What many commits changed, asked of git in one process: it compares trees faster than we can."""

from __future__ import annotations

import os
import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository

__all__ = ["touched_paths"]

_AT_ONCE = 4096
_PAIR = re.compile(rb"[0-9a-f]+ [0-9a-f]+\n")


def touched_paths(
    repo: Repository, pairs: Iterable[tuple[Oid | None, Oid]]
) -> Iterator[tuple[RepoPath, ...]]:
    """Yield, for each pair of an old and a new tree, the paths that differ, ordered by their bytes.

    ``None`` stands for the empty tree. No renames; the trees must be in the repository itself.
    """
    empty = repo.objects.hash("tree", b"")
    left = iter(pairs)
    while chunk := list(islice(left, _AT_ONCE)):
        asked = "".join(f"{old or empty} {new}\n" for old, new in chunk)
        argv = ("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--ignore-submodules=none")
        yield from _read(repo.git(*argv, stdin=asked.encode("ascii")), len(chunk))


def _read(out: bytes, number: int) -> Iterator[tuple[RepoPath, ...]]:
    """Take the answer apart: a line for each pair, then what changed and the path, each ended by NUL."""
    paths: list[bytes] | None = None
    told = 0
    records = iter(out.split(b"\0"))
    for record in records:
        at = 0
        while found := _PAIR.match(record, at):
            if paths is not None:
                yield _ordered(paths)
            paths, at, told = [], found.end(), told + 1
        name = next(records, None)
        if name is not None and paths is not None:
            paths.append(name)
    if paths is not None:
        yield _ordered(paths)
    if told != number:
        raise AssertionError(f"git compared {told} pairs of trees instead of {number}")


def _ordered(paths: list[bytes]) -> tuple[RepoPath, ...]:
    return tuple(os.fsdecode(path) for path in sorted(set(paths)))
