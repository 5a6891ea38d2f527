"""What was released: the last tag at or before a commit, for one commit or along a whole history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.git.commits import read_commit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["last_release", "releases_along"]


def last_release(repo: Repository, commit: Oid) -> Oid | None:
    """Return the tree of the last tag at or before this commit; ``None`` where there is no tag.

    Source: git-describe(1), "SEARCH STRATEGY".
    """
    status, out = repo.git_status("describe", "--tags", "--abbrev=0", commit, ok=(0, 128))
    if status != 0:
        return None
    # A branch may have the name of the tag.
    name = out.decode("utf-8", "surrogateescape").strip()
    return read_commit(repo.objects, repo.resolve(f"refs/tags/{name}")).tree


def releases_along(repo: Repository, commits: Iterable[tuple[Oid, Oid, tuple[Oid, ...]]]) -> dict[Oid, Oid]:
    """Return, for each commit that has a tag at or before it, the tree of the last one.

    ``commits`` are (id, tree, parents), parents first. Of the two sides of a merge the first parent's
    counts where it has one.
    """
    tagged = _tagged(repo)
    if not tagged:
        return {}
    known: dict[Oid, Oid | None] = {}
    found: dict[Oid, Oid] = {}
    for commit, own, parents in commits:
        for parent in parents[:1]:
            if parent not in known:
                known[parent] = last_release(repo, parent)
        before = (known.get(parent) for parent in parents)
        tree = own if commit in tagged else next((each for each in before if each is not None), None)
        known[commit] = tree
        if tree is not None:
            found[commit] = tree
    return found


def _tagged(repo: Repository) -> set[Oid]:
    """Return what tags name; an annotated tag names what it stands on."""
    listed = repo.git("for-each-ref", "--format=%(objectname) %(*objectname)", "refs/tags").decode("ascii")
    return {line.split()[-1] for line in listed.splitlines() if line.split()}
