"""What history says about each commit of a range, copied into plain values before anything is planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.config import Kind, Ownership
from regen_git.git.commits import read_commit
from regen_git.git.trailers import values
from regen_git.git.trees import Change, diff
from regen_git.ledger.marks import marked_as
from regen_git.ledger.store import Ledger, NoteView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from regen_git.domain.ids import IntentId, Oid, RepoPath
    from regen_git.domain.intent import Binding, Intent, LineRange
    from regen_git.git.commits import Commit
    from regen_git.git.history import Span
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.ledger.marks import Maker

__all__ = ["ADOPTS", "INTENT", "MODEL", "SOURCE", "CommitFacts", "read_facts"]

INTENT = "Regen-Intent"
SOURCE = "Regen-Source"
MODEL = "Regen-Model"
ADOPTS = "Regen-Adopts"


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """One commit of the range.

    ``changes`` are against the first parent. ``kinds`` says whose each path is, judged on this commit's tree
    (on the parent's for what is gone). ``intents`` are those bound to it, in the order they were asked.
    ``mark`` is who made it, where a person has said so.
    """

    commit: Commit
    changes: tuple[Change, ...]
    kinds: Mapping[RepoPath, Kind]
    intents: tuple[Intent, ...] = ()
    bindings: tuple[Binding, ...] = ()
    mark: Maker | None = None

    @property
    def wrote(self) -> tuple[RepoPath, ...]:
        """The paths that a model may be asked for: its kind of file, and written by what the intents did.

        Where the bindings name what an agent wrote, every other path of the commit is somebody else's.
        """
        known = {path for binding in self.bindings for path in binding.wrote}
        everything = any(not binding.wrote for binding in self.bindings) or not self.bindings
        return tuple(
            change.path
            for change in self.changes
            if self.kinds[change.path] is Kind.MODEL and (everything or change.path in known)
        )

    @property
    def hand(self) -> dict[RepoPath, tuple[LineRange, ...]]:
        """The lines, in this commit's files, that a person mended after the agent's last write."""
        mine = set(self.wrote)
        return {
            path: ranges
            for binding in self.bindings
            for path, ranges in (binding.hand or {}).items()
            if ranges and path in mine
        }

    @property
    def frozen(self) -> tuple[RepoPath, ...]:
        """The changed paths that come from history byte for byte."""
        return tuple(change.path for change in self.changes if self.kinds[change.path].is_frozen)


def read_facts(repo: Repository, span: Span, ownership: Ownership) -> list[CommitFacts]:
    """Read every commit of the span, oldest first, with its notes and changes. One pass over the ledger."""
    notes = _notes_of(repo, span.commits)
    by_id = _intents_by_id(notes.values())
    return [_facts(repo.objects, oid, notes.get(oid, NoteView(())), by_id, ownership) for oid in span.commits]


def _notes_of(repo: Repository, commits: Sequence[Oid]) -> dict[Oid, NoteView]:
    # The whole history of the tip is read: a trailer may name an intent whose note stands on a commit
    # before the base.
    tip = commits[-1]
    return {oid: view for oid, view in Ledger(repo).scan([tip]) if view.documents}


def _intents_by_id(views: Iterable[NoteView]) -> dict[IntentId, Intent]:
    found: dict[IntentId, Intent] = {}
    for view in views:
        for intent in view.intents.values():
            known = found.get(intent.id)
            if known is None or intent.revision > known.revision:
                found[intent.id] = intent
    return found


def _facts(
    store: ObjectStore,
    oid: Oid,
    note: NoteView,
    by_id: Mapping[IntentId, Intent],
    ownership: Ownership,
) -> CommitFacts:
    commit = read_commit(store, oid)
    parent = read_commit(store, commit.parents[0]).tree if commit.parents else None
    changes = tuple(diff(store, parent, commit.tree))
    named = [by_id[found] for value in values(commit.message, INTENT) if (found := _known(value, by_id))]
    intents = {intent.id: intent for intent in [*note.intents.values(), *named]}
    current = tuple(by_id[intent] for intent in intents)
    bindings = tuple(
        binding for intent in intents if (binding := note.binding(intent, commit.tree)) is not None
    )
    kinds = {change.path: _kind(store, ownership, change) for change in changes}
    return CommitFacts(commit, changes, kinds, current, bindings, marked_as(note.documents))


def _known(value: str, by_id: Mapping[IntentId, Intent]) -> IntentId | None:
    return next((intent for intent in (value.strip(),) if intent in by_id), None)  # type: ignore[return-value]


def _kind(store: ObjectStore, ownership: Ownership, change: Change) -> Kind:
    """Judge a path on the commit's own tree, and also on the parent's: what was frozen there stays so."""
    leaf = change.new or change.old
    if leaf is None:
        raise ValueError(f"'{change.path}' changes from nothing to nothing")
    kind = ownership.classify(change.path, leaf.mode, lambda: store.blob(leaf.oid))
    if kind is Kind.MODEL and change.old is not None and change.new is not None:
        # A file that turns from data into text, or a link into a file, is not a model's to invent.
        before = change.old
        kind = ownership.classify(change.path, before.mode, lambda: store.blob(before.oid))
    return kind
