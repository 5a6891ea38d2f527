"""How our ledger stands to what was last fetched from a remote: from local refs, without the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.capture.setup import wanted_refspec
from regen_git.errors import RegenError
from regen_git.git.refs import peek_ref
from regen_git.ledger.store import INTENTS_REF
from regen_git.ledger.uniting import lacking
from regen_git.sharing.remotes import remotes
from regen_git.sharing.wire import tracking_ref

if TYPE_CHECKING:
    from regen_git.git.repository import Repository

__all__ = ["Standing", "standing", "standings"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One remote: notes of ours with something that it lacks (``ahead``), and the other way (``behind``).

    ``is_known``: its ledger was fetched, so that it has one. ``is_fetched``: every fetch brings it.
    """

    remote: str
    ahead: int
    behind: int
    is_known: bool
    is_fetched: bool

    def __str__(self) -> str:
        """Say what is to be exchanged; empty for nothing."""
        parts = []
        if self.ahead:
            notes = "1 note" if self.ahead == 1 else f"{self.ahead:,} notes"
            parts.append(f"'{self.remote}' lacks {notes} of ours")
        if self.behind:
            notes = "1 note" if self.behind == 1 else f"{self.behind:,} notes"
            parts.append(f"{notes} of '{self.remote}' {'is' if self.behind == 1 else 'are'} not taken over")
        return "; ".join(parts)


def standing(repo: Repository, remote: str) -> Standing:
    """Return how we stand to one remote."""
    ours = peek_ref(repo, INTENTS_REF)
    theirs = peek_ref(repo, tracking_ref(remote, INTENTS_REF))
    is_fetched = wanted_refspec(remote) in repo.config_all(f"remote.{remote}.fetch")
    if ours == theirs:
        return Standing(remote, 0, 0, theirs is not None, is_fetched)
    try:
        ahead, behind = len(lacking(repo, ours, theirs)), len(lacking(repo, theirs, ours))
    except RegenError:
        # What was fetched is no ledger; a sync says so.
        ahead, behind = 0, 0
    return Standing(remote, ahead, behind, theirs is not None, is_fetched)


def standings(repo: Repository) -> list[Standing]:
    """Return how we stand to every remote."""
    return [standing(repo, name) for name in remotes(repo)]
