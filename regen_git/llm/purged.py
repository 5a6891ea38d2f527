"""Replies that were purged: a mark stands where each was, in all the history of the replies, and wins.

The mark has the name of the reply that it stands for, ``<request digest>/<reply id>``, and a content of its
own; readers that do not know it pass over a file that is not named by its own id.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.git.rewriting import blobs_of_history, rewritten
from regen_git.git.trees import REGULAR, Leaf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository

__all__ = ["MARK", "marked", "purged_in", "replies_of_history", "without"]

MARK = b"purged\n"

_PATH = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})/([0-9a-f]{40}|[0-9a-f]{64})")


def marked(store: ObjectStore, entries: dict[bytes, Leaf]) -> list[Oid]:
    """Return the ids of the replies to one request that were purged, from the folder's entries."""
    mark = store.hash("blob", MARK)
    return [name.decode("ascii") for name, leaf in entries.items() if leaf == Leaf(REGULAR, mark)]


def replies_of_history(repo: Repository, tip: Oid) -> Iterator[tuple[RepoPath, Oid]]:
    """Yield every reply that commits up to a tip have, with ``<request digest>/<reply id>``."""
    for path, blob in blobs_of_history(repo, tip):
        match = _PATH.fullmatch(path)
        if match and match[3] == blob:
            yield f"{match[1]}{match[2]}/{match[3]}", blob


def purged_in(repo: Repository, tips: Iterable[Oid]) -> frozenset[Oid]:
    """Return the ids of all replies that these commits of replies say were purged."""
    mark = repo.objects.hash("blob", MARK)
    found: set[Oid] = set()
    for tip in tips:
        if mark not in repo.objects:
            break
        # Names only, and no name is quoted: all are digits.
        for line in repo.git("ls-tree", "-r", "--full-tree", tip).splitlines():
            about, _, name = line.decode("utf-8", "replace").partition("\t")
            match = _PATH.fullmatch(name)
            if match and about.split()[2] == mark:
                found.add(match[3])
    return frozenset(found)


def without(repo: Repository, tip: Oid, dead: Collection[Oid]) -> Oid:
    """Return this history with a mark for each of these replies; the same tip where it has none of them."""
    if not dead:
        return tip
    mark = repo.objects.write("blob", MARK)
    return rewritten(repo, tip, dict.fromkeys(dead, mark))
