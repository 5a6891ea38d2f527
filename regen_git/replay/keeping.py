"""A ref that holds what a replay has made so far, so that ``git gc`` in its middle collects none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.errors import RefMovedError
from regen_git.git.refs import read_ref, update_ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["Keeper", "progress_ref"]

_WHO = "git regen <regen@localhost> 0 +0000"


def progress_ref(name: str) -> str:
    """Return the ref that holds what an unfinished replay has made."""
    return f"refs/regen/progress/{name}"


class Keeper:
    """Moves the ref along. ``is_going_on``: what an earlier run made is held, too, until the end."""

    def __init__(self, repo: Repository, name: str, *, is_going_on: bool) -> None:
        self._repo = repo
        self._ref = progress_ref(name)
        self._at = read_ref(repo, self._ref)
        self._heads: dict[Oid, None] = {self._at: None} if self._at and is_going_on else {}
        self._is_new = False

    def add(self, commit: Oid, parents: Iterable[Oid]) -> None:
        """Take note of a commit that was made, or that an earlier run made; parents come first."""
        for parent in parents:
            self._heads.pop(parent, None)
        self._heads[commit] = None
        self._is_new = True

    def gather(self) -> Oid | None:
        """Return a commit that reaches all there is, ``None`` when that is held already; to be flushed."""
        if not self._is_new:
            return None
        self._is_new = False
        heads = list(self._heads)
        if len(heads) == 1:
            return heads[0]
        store = self._repo.objects
        lines = [f"tree {store.write('tree', b'')}", *(f"parent {head}" for head in heads)]
        text = "\n".join([*lines, f"author {_WHO}", f"committer {_WHO}", "", "regen: a replay's progress\n"])
        return store.write("commit", text.encode("ascii"))

    def hold(self, commit: Oid | None) -> None:
        """Point the ref at what ``gather`` returned, once that is on disk."""
        if commit is None or commit == self._at:
            return
        try:
            update_ref(self._repo, self._ref, commit, self._at, "regen: progress")
        except RefMovedError:
            # Somebody tidied up. The replay's own lock keeps other replays away from it.
            update_ref(self._repo, self._ref, commit, read_ref(self._repo, self._ref), "regen: progress")
        self._at = commit

    def let_go(self) -> None:
        """Remove the ref: the branch holds everything now."""
        if read_ref(self._repo, self._ref) is not None:
            update_ref(self._repo, self._ref, None, None if self._at is None else self._at)
            self._at = None
