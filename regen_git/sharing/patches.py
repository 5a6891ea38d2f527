"""Compare what commits and ranges change: by their entries first, which is cheap, then by patch id.

A change is a pair of trees. Trees are compared by one process for all, and only those that touch the same
paths are ever made into patches. Source: git-patch-id(1), git-diff-tree(1).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["Pair", "Shape", "patch_ids", "shapes"]

Pair: TypeAlias = "tuple[Oid, Oid]"
"""A tree and the tree that a change makes of it."""

_HEAD = re.compile(rb"^([0-9a-f]{40,64}) ([0-9a-f]{40,64})$", re.MULTILINE)
_MOST = 200
"""Patches in memory at once."""

_MOST_COMPARED = 5000
"""Comparisons of trees in memory at once."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A change by digests: of the paths it touches, and of every entry before and after."""

    paths: bytes
    entries: bytes


def shapes(repo: Repository, pairs: Iterable[Pair]) -> dict[Pair, Shape]:
    """Return the shape of each change; one process for thousands. A change of nothing has none."""
    wanted = list(dict.fromkeys(pair for pair in pairs if pair[0] != pair[1]))
    found: dict[Pair, Shape] = {}
    for start in range(0, len(wanted), _MOST_COMPARED):
        found.update(_shapes(repo, wanted[start : start + _MOST_COMPARED]))
    return found


def _shapes(repo: Repository, pairs: Sequence[Pair]) -> dict[Pair, Shape]:
    out = repo.git("diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", stdin=_lines(pairs))
    found: dict[Pair, Shape] = {}
    position = 0
    for pair in pairs:
        # The trees stand on a line of their own, then entries and paths, each ended by NUL.
        head = f"{pair[0]} {pair[1]}".encode("ascii")
        if not out.startswith(head, position):
            continue
        position += len(head) + 1
        paths, entries = hashlib.sha1(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
        while out.startswith(b":", position):
            middle = out.index(b"\0", position)
            end = out.index(b"\0", middle + 1)
            paths.update(out[middle : end + 1])
            entries.update(out[position : end + 1])
            position = end + 1
        found[pair] = Shape(paths.digest(), entries.digest())
    return found


def patch_ids(repo: Repository, pairs: Iterable[Pair]) -> dict[Pair, str]:
    """Return the patch id of each change; none for those with binary files, of which a patch says nothing."""
    wanted = list(dict.fromkeys(pairs))
    found: dict[Pair, str] = {}
    for start in range(0, len(wanted), _MOST):
        found.update(_patch_ids(repo, wanted[start : start + _MOST]))
    return found


def _patch_ids(repo: Repository, pairs: Sequence[Pair]) -> Iterator[tuple[Pair, str]]:
    out = repo.git(
        "diff-tree",
        "--stdin",
        "-r",
        "-p",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        "--unified=3",
        "--diff-algorithm=myers",
        stdin=_lines(pairs),
    )
    heads = list(_HEAD.finditer(out))
    ends = [head.start() for head in heads[1:]] + [len(out)]
    parts: list[bytes] = []
    known: dict[bytes, Pair] = {}
    for number, (head, end) in enumerate(zip(heads, ends, strict=True), start=1):
        patch = out[head.end() : end]
        if b"\nBinary files " in patch:
            continue
        # Each patch gets a made-up name, since many changes may begin or end in the same tree.
        name = b"%0*x" % (len(head[1]), number)
        known[name] = head[1].decode("ascii"), head[2].decode("ascii")
        parts.append(b"commit " + name + patch)
    if not parts:
        return
    for line in repo.git("patch-id", "--stable", stdin=b"".join(parts)).splitlines():
        digest, _, name = line.partition(b" ")
        yield known[name], digest.decode("ascii")


def _lines(pairs: Sequence[Pair]) -> bytes:
    return "".join(f"{old} {new}\n" for old, new in pairs).encode("ascii")
