"""The ledger of one repository: read and append records over notes.

Appending is a union under compare-and-swap: nothing that another program wrote meanwhile is lost, and
writing the same record twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from regen_git.domain.intent import Binding, Intent
from regen_git.git.notes import read_note, scan_notes, update_notes
from regen_git.git.refs import peek_ref
from regen_git.ledger.codec import Document, Record, encode, parse_note, union
from regen_git.ledger.guard import guard_ref
from regen_git.ledger.revisions import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from regen_git.domain.ids import IntentId, Oid
    from regen_git.git.repository import Repository

__all__ = ["INTENTS_REF", "PRIVATE_REF", "PROVENANCE_REF", "Ledger", "NoteView", "guard"]

INTENTS_REF = "refs/notes/regen"
"""Intents and bindings, on the commits they made. Travels."""

PRIVATE_REF = "refs/notes/private/regen"
"""Intents that somebody recorded as private. Never published."""

PROVENANCE_REF = "refs/notes/regen-provenance"
"""How rebuilt commits came to be. Travels."""


@dataclass(frozen=True)
class NoteView:
    """What one note holds, in the order in which it was written."""

    documents: tuple[Document, ...]
    warnings: tuple[str, ...] = ()

    @cached_property
    def versions(self) -> dict[IntentId, tuple[Intent, ...]]:
        """What the documents claim for each intent's newest revision, in the order of first appearance.

        More than one is a conflict. The order of the claims is the same in every clone, whoever united the
        notes.
        """
        return {one: newest(claims) for one, claims in self.revisions.items()}

    @cached_property
    def revisions(self) -> dict[IntentId, dict[str, Intent]]:
        """Every document of each intent by its digest, in the order of first appearance."""
        found: dict[IntentId, dict[str, Intent]] = {}
        for doc in self.documents:
            record = doc.record
            if type(record) is Intent:
                found.setdefault(record.id, {})[doc.digest] = record
        return found

    @cached_property
    def intents(self) -> dict[IntentId, Intent]:
        """Each intent in its newest revision, in the order of first appearance."""
        return {one: claims[0] for one, claims in self.versions.items()}

    @cached_property
    def bindings(self) -> tuple[Binding, ...]:
        """Every binding, oldest first."""
        return tuple(doc.record for doc in self.documents if isinstance(doc.record, Binding))

    @property
    def conflicts(self) -> tuple[IntentId, ...]:
        """Intents of which two documents claim to be the newest."""
        return tuple(one for one, claims in self.versions.items() if len(claims) > 1)

    @property
    def unknown(self) -> tuple[IntentId, ...]:
        """Intents that are bound here and of which the note holds no document."""
        return tuple(dict.fromkeys(b.intent for b in self.bindings if b.intent not in self.intents))

    @property
    def troubles(self) -> tuple[str, ...]:
        """What somebody should look at, each in one line."""
        return (*self.warnings, *(_clash(one, self.versions[one]) for one in self.conflicts))

    def binding(self, intent: IntentId, result: Oid) -> Binding | None:
        """Return what the intent did in a commit with this tree; else its last binding, else ``None``."""
        mine = [b for b in self.bindings if b.intent == intent]
        exact = [b for b in mine if b.result == result]
        found = exact or mine
        return found[-1] if found else None


def _clash(one: IntentId, claims: Sequence[Intent]) -> str:
    """Say that documents claim to be the newest of an intent."""
    numbers = sorted({intent.revision for intent in claims})
    if len(numbers) == 1:
        return f"{len(claims)} documents claim revision {numbers[0]} of intent {one}"
    shown = " and ".join(map(str, numbers))
    return f"revisions {shown} of intent {one} do not know of each other"


class Ledger:
    """Records on commits, in one notes ref."""

    def __init__(self, repo: Repository, ref: str = INTENTS_REF) -> None:
        self._repo = repo
        self.ref = ref

    def of(self, commit: Oid) -> NoteView:
        """Return what the ledger says of one commit; empty if nothing."""
        return view(read_note(self._repo, self.ref, commit))

    def scan(self, revs: Sequence[str], *, by_parents: bool = False) -> Iterator[tuple[Oid, NoteView]]:
        """Yield every commit of these revisions, newest first, with what the ledger says of it.

        ``by_parents``: no parent before its children, whatever the dates say.
        """
        for oid, note in scan_notes(self._repo, self.ref, revs, by_parents=by_parents):
            yield oid, view(note)

    def append(self, records: Mapping[Oid, Sequence[Record]], message: str = "regen: record") -> Oid | None:
        """Add records to the notes of these commits, all in one commit, and return the ref's tip."""
        return self.append_raw(
            {oid: b"".join(encode(record) for record in some) for oid, some in records.items()}, message
        )

    def append_raw(self, notes: Mapping[Oid, bytes], message: str = "regen: record") -> Oid | None:
        """Unite documents, as bytes, with the notes of these commits."""

        def united_with(added: bytes) -> Callable[[bytes], bytes]:
            return lambda old: union(old, added)

        changes = {oid: united_with(added) for oid, added in notes.items()}
        tip = update_notes(self._repo, self.ref, changes, message)
        if tip is not None and guard_ref(self._repo, self.ref, tip):
            return peek_ref(self._repo, self.ref)
        return tip


def guard(repo: Repository) -> bool:
    """See that no note which was ever here is lost to a careless writer; return whether one was.

    To be called before the ledger is read. Costs a look at some small files where nothing has happened.
    """
    restored = [guard_ref(repo, ref) for ref in (INTENTS_REF, PRIVATE_REF, PROVENANCE_REF)]
    return any(restored)


def view(note: bytes) -> NoteView:
    """Return a note's bytes as records."""
    if not note:
        return NoteView(())
    documents, warnings = parse_note(note)
    return NoteView(tuple(documents), tuple(warnings))
