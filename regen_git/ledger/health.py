"""Look through every note for what somebody should mend: documents that nobody can read, and conflicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.ledger.store import view

if TYPE_CHECKING:
    from regen_git.domain.ids import IntentId, Oid
    from regen_git.git.repository import Repository

__all__ = ["Health", "examine"]

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Health:
    """How many notes there are, in how many something is broken or in conflict, and the first few of each."""

    notes: int = 0
    broken: int = 0
    conflicting: int = 0
    first_broken: tuple[tuple[Oid, str], ...] = ()
    first_conflicts: tuple[tuple[Oid, IntentId], ...] = ()


def examine(repo: Repository, ref: str) -> Health:
    """Read all notes of a ref, also those of commits that are not here. Raises ``RegenError``."""
    broken: list[tuple[Oid, str]] = []
    conflicts: list[tuple[Oid, IntentId]] = []
    counts = [0, 0]
    blobs = note_blobs(repo, read_ref(repo, ref))
    for oid, (_, blob) in blobs.items():
        found = view(repo.objects.blob(blob))
        if found.warnings:
            counts[0] += 1
            broken += [(oid, warning) for warning in found.warnings if len(broken) < _SHOWN]
        if found.conflicts:
            counts[1] += 1
            conflicts += [(oid, one) for one in found.conflicts if len(conflicts) < _SHOWN]
    return Health(len(blobs), counts[0], counts[1], tuple(broken), tuple(conflicts))
