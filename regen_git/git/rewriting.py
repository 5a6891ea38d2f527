"""Rewrite a history so that some blobs were never in it; the same history always gives the same commits.

Nothing but the blobs changes: names, modes, authors, dates and messages stay. So two clones that do this each
on their own end with the same ids, and what comes before the first of the blobs keeps its own.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from regen_git.git.commits import read_commit, rewrite
from regen_git.git.trees import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository

__all__ = ["blobs_of_history", "rewritten"]

_DEEPEST = 40
"""Folders within each other that are entered; notes and replies have three."""

_TREE_MODE = re.compile(rb"0?40000")


def blobs_of_history(repo: Repository, tip: Oid, since: Oid | None = None) -> Iterator[tuple[RepoPath, Oid]]:
    """Yield the blobs that commits up to a tip have, each once, with a path that one of them has it at.

    ``since``: what leads to this commit is left out. A partial clone fetches what is missing, all at once.
    """
    asked = f"{tip}\n" + (f"^{since}\n" if since else "")
    args = ["rev-list", "--objects", "--missing=allow-any", "--stdin"]
    listed: dict[Oid, RepoPath] = {}
    for line in repo.git(*args, stdin=asked.encode("ascii")).split(b"\n"):
        oid, _, name = line.partition(b" ")
        if name:
            listed[oid.decode("ascii")] = os.fsdecode(name)
    if not listed:
        return
    repo.objects.bring(listed)
    stdin = "".join(f"{oid}\n" for oid in listed).encode("ascii")
    for line in repo.git("cat-file", "--batch-check", stdin=stdin).splitlines():
        if line.endswith(b" missing"):
            continue
        blob, kind, _ = line.decode("ascii").split()
        if kind == "blob":
            yield listed[blob], blob


def rewritten(repo: Repository, tip: Oid, swaps: Mapping[Oid, Oid], since: Oid | None = None) -> Oid:
    """Return the tip of the same history with other blobs; the tip itself where none of them is in it.

    What leads to ``since`` stays as it is. The new objects reach the disk with the next flush.
    """
    if not swaps:
        return tip
    trees = _Trees(repo, swaps)
    asked = f"{tip}\n" + (f"^{since}\n" if since else "")
    out = repo.git("rev-list", "--topo-order", "--reverse", "--stdin", stdin=asked.encode("ascii"))
    new: dict[Oid, Oid] = {}
    store = repo.objects
    for oid in out.decode("ascii").split():
        commit = read_commit(store, oid)
        tree = trees.swapped(commit.tree)
        parents = tuple(new.get(parent, parent) for parent in commit.parents)
        if tree == commit.tree and parents == commit.parents:
            new[oid] = oid
        else:
            raw = rewrite(commit, tree=tree, parents=parents, message=commit.message)
            new[oid] = store.write("commit", raw)
    return new.get(tip, tip)


class _Trees:
    """Trees with other blobs, each made once."""

    def __init__(self, repo: Repository, swaps: Mapping[Oid, Oid]) -> None:
        self._store = repo.objects
        self._size = len(repo.null_oid) // 2
        self._swaps = {bytes.fromhex(old): bytes.fromhex(new) for old, new in swaps.items()}
        self._made: dict[Oid, Oid] = {}

    def swapped(self, tree: Oid, depth: int = 0) -> Oid:
        if tree not in self._made:
            data = self._store.read(tree)[1]
            changed = self._changed(data, depth)
            self._made[tree] = tree if changed == data else self._store.write("tree", changed)
        return self._made[tree]

    def _changed(self, data: bytes, depth: int) -> bytes:
        # Only to see that it is a tree; it is written again as it stands, however it is sorted.
        parse(data, self._size)
        out: list[bytes] = []
        at = 0
        while at < len(data):
            end = data.index(b"\0", at) + 1
            oid = data[end : end + self._size]
            if not _TREE_MODE.match(data, at):
                oid = self._swaps.get(oid, oid)
            elif depth < _DEEPEST:
                oid = bytes.fromhex(self.swapped(oid.hex(), depth + 1))
            out += (data[at:end], oid)
            at = end + self._size
        return b"".join(out)
