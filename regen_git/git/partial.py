"""Partial clones: fetch what was left out, many objects at once where that is known beforehand.

Git would do it too, one fetch for each object that it misses.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RegenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["absent", "fetch_objects", "promisors"]

# What git itself runs for a missing object, and nothing that would tidy up meanwhile.
# Source: fetch_objects() in promisor-remote.c.
_SETTINGS = (
    "fetch.negotiationAlgorithm=noop",
    "maintenance.auto=false",
    "gc.auto=0",
    "fetch.writeCommitGraph=false",
)
_OPTIONS = (
    "--quiet",
    "--no-tags",
    "--no-prune",
    "--no-write-fetch-head",
    "--recurse-submodules=no",
    "--filter=blob:none",
    "--stdin",
)


def promisors(repo: Repository) -> list[str]:
    """Return the remotes that have promised what this clone left out."""
    listed = repo.git("config", "-z", "--get-regexp", r"^remote\..*\.promisor$", ok=(0, 1))
    found: dict[str, None] = {}
    for item in listed.split(b"\0"):
        name, _, value = item.partition(b"\n")
        if name and value.lower() in (b"", b"true", b"yes", b"on", b"1"):
            found[os.fsdecode(name).removeprefix("remote.").removesuffix(".promisor")] = None
    old_style = repo.config("extensions.partialClone")
    if old_style:
        found[old_style] = None
    return list(found)


def absent(repo: Repository, oids: Sequence[Oid]) -> list[Oid]:
    """Return which of these objects are not here, for a reader that pays much for each miss."""
    listed = repo.git("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
    present = set(listed.decode("ascii").split())
    return [oid for oid in oids if oid not in present]


def fetch_objects(repo: Repository, oids: Sequence[Oid]) -> None:
    """Fetch these objects; a tree comes with all trees below it. Raises ``RegenError`` when none can."""
    failure: GitError | None = None
    wanted = "".join(f"{oid}\n" for oid in oids).encode()
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    for remote in promisors(repo):
        repo.on_fetch(len(oids), remote)
        try:
            repo.git(*settings, "fetch", remote, *_OPTIONS, stdin=wanted)
        except GitError as error:
            failure = error
            continue
        return
    what = f"object '{oids[0]}'" if len(oids) == 1 else f"{len(oids)} objects"
    said = os.fsdecode(failure.stderr).strip().splitlines() if failure is not None else []
    why = f": {said[-1].removeprefix('fatal: ')}" if said else ""
    raise RegenError(
        f"{what} of this partial clone cannot be fetched{why}",
        hint="make the remote reachable, or fetch all with 'git fetch --refetch --no-filter'",
    ) from failure
