"""Find an intent by its id wherever a note holds it, and write its next revision there.

An intent may stand on several commits, and in public notes as well as in private ones. A revision goes to
each of them: who reads one commit finds what is asked for now.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from regen_git.domain.ids import IntentId
from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.ledger.revisions import newest
from regen_git.ledger.sources import ids_in
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger, view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.domain.intent import Binding, Intent
    from regen_git.git.repository import Repository
    from regen_git.ledger.codec import Record

__all__ = ["Held", "Holdings", "append_to", "write_revision"]


@dataclass(frozen=True)
class Held:
    """One intent: every document of it by digest, and, by notes ref, the commits that hold it.

    ``bindings`` are by notes ref and commit.
    """

    id: IntentId
    documents: Mapping[str, Intent]
    places: Mapping[str, tuple[Oid, ...]]
    bindings: Mapping[tuple[str, Oid], tuple[Binding, ...]] = field(default_factory=dict)

    @cached_property
    def claims(self) -> tuple[Intent, ...]:
        """What claims to be its newest revision; more than one is a conflict."""
        return newest(self.documents)

    @property
    def commits(self) -> tuple[Oid, ...]:
        """The commits that hold it, whatever the ref."""
        return tuple(dict.fromkeys(oid for some in self.places.values() for oid in some))

    @property
    def is_private(self) -> bool:
        """Whether nothing but private notes has it."""
        return set(self.places) == {PRIVATE_REF}


class Holdings:
    """Which note holds which intent: found by pattern in one pass, and parsed only where it is wanted."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._notes: dict[str, dict[Oid, Oid]] = {}
        self._where: dict[str, dict[str, list[Oid]]] = {}
        for ref in (INTENTS_REF, PRIVATE_REF):
            blobs = {oid: blob for oid, (_, blob) in note_blobs(repo, read_ref(repo, ref)).items()}
            repo.objects.bring(blobs.values())
            self._notes[ref] = blobs
            for oid, blob in blobs.items():
                for one in ids_in(repo.objects.blob(blob)):
                    self._where.setdefault(one, {}).setdefault(ref, []).append(oid)

    def beginning(self, text: str) -> list[IntentId]:
        """Return the intents whose ids begin like this."""
        if text in self._where:
            return [IntentId(text)]
        return sorted(IntentId(one) for one in self._where if one.startswith(text))

    def on(self, commit: Oid) -> list[Held]:
        """Return the intents of one commit, in the order of its notes."""
        ids = (
            one
            for ref in self._notes
            if commit in self._notes[ref]
            for one in ids_in(self._repo.objects.blob(self._notes[ref][commit]))
        )
        held = (self.held(IntentId(one)) for one in dict.fromkeys(ids))
        return [each for each in held if each.documents]

    def held(self, one: IntentId) -> Held:
        """Return one intent; without documents where no reader of this version understands any."""
        documents: dict[str, Intent] = {}
        places: dict[str, tuple[Oid, ...]] = {}
        bindings: dict[tuple[str, Oid], tuple[Binding, ...]] = {}
        for ref, commits in self._where.get(one, {}).items():
            places[ref] = tuple(commits)
            for oid in commits:
                note = view(self._repo.objects.blob(self._notes[ref][oid]))
                documents.update(note.revisions.get(one, {}))
                bindings[ref, oid] = tuple(each for each in note.bindings if each.intent == one)
        return Held(one, documents, places, bindings)


def write_revision(repo: Repository, held: Held, new: Intent, message: str) -> None:
    """Write an intent's next revision to every note that holds the intent."""
    append_to(repo, {(ref, oid): [new] for ref, some in held.places.items() for oid in some}, message)


def append_to(repo: Repository, records: Mapping[tuple[str, Oid], Sequence[Record]], message: str) -> None:
    """Add records to notes, each named by its ref and commit; public ones first."""
    for ref in (INTENTS_REF, PRIVATE_REF):
        mine = {oid: some for (where, oid), some in records.items() if where == ref}
        if mine:
            Ledger(repo, ref).append(mine, message)
