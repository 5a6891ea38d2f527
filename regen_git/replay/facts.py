"""What history says about each commit of a range, copied into plain values before anything is planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from regen_git.config import LONGEST_TEXT, Kind, Ownership
from regen_git.git.commits import read_commit
from regen_git.git.difftree import touched_paths
from regen_git.git.trailers import values
from regen_git.git.trees import Change, lookup
from regen_git.ledger.effective import standing
from regen_git.ledger.links import named_in
from regen_git.ledger.marks import marked_as
from regen_git.ledger.store import Ledger, NoteView
from regen_git.replay.people.regions import united
from regen_git.replay.reply.paths import path_problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from regen_git.domain.ids import IntentId, Oid, RepoPath
    from regen_git.domain.intent import Binding, Intent, LineRange
    from regen_git.git.commits import Commit
    from regen_git.git.history import Span
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Leaf
    from regen_git.ledger.marks import Maker

_Value = TypeVar("_Value")

__all__ = ["ADOPTS", "INTENT", "MODEL", "SOURCE", "CommitFacts", "Source", "in_force", "read_facts"]

INTENT = "Regen-Intent"
SOURCE = "Regen-Source"
MODEL = "Regen-Model"
ADOPTS = "Regen-Adopts"

_REMEMBERED = 64


class Source:
    """Reads what facts are made of, and remembers what was read last: steps ask for the same again."""

    def __init__(self, store: ObjectStore, ownership: Ownership) -> None:
        self._store = store
        self._ownership = ownership
        self._commits: dict[Oid, Commit] = {}
        self._changes: dict[Oid, tuple[tuple[Change, ...], dict[RepoPath, Kind]]] = {}
        self._asked: dict[Oid, tuple[tuple[Change, ...], dict[RepoPath, Kind]]] = {}

    def commit(self, oid: Oid) -> Commit:
        """Return a commit."""
        found = self._commits.get(oid)
        if found is None:
            found = _remember(self._commits, oid, read_commit(self._store, oid))
        return found

    def changes(self, facts: CommitFacts) -> tuple[tuple[Change, ...], dict[RepoPath, Kind]]:
        """Return what a commit changed, and whose each path is."""
        known = self._asked if facts.intents else self._changes
        found = known.get(facts.id)
        if found is None:
            found_at = (
                Change(path, self._at(facts.parent_tree, path), self._at(facts.tree, path))
                for path in facts.touched
            )
            # Broken trees, with a name twice, show git more changes than there are.
            changes = tuple(change for change in found_at if change.old != change.new)
            kinds = {change.path: _kind(self._store, self._ownership, change) for change in changes}
            # What may be asked for is wanted when the plan is made, and again when its turn comes.
            found = _remember(known, facts.id, (changes, kinds), without_end=bool(facts.intents))
        return found

    def _at(self, tree: Oid | None, path: RepoPath) -> Leaf | None:
        return lookup(self._store, tree, path) if tree is not None else None


def _remember(known: dict[Oid, _Value], oid: Oid, value: _Value, *, without_end: bool = False) -> _Value:
    if len(known) >= _REMEMBERED and not without_end:
        del known[next(iter(known))]
    known[oid] = value
    return value


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """One commit of the range, with what every plan needs of it; the rest is read when it is asked for.

    ``touched`` are the paths that differ from the first parent, whose tree is ``parent_tree``. ``intents``
    are those bound to it, in the order they were asked. ``mark`` is who made it, where a person has said so.
    ``adopted`` names the commits whose rebuilt code this one took over. ``missing`` are intents that its
    message names and the ledger does not hold for it, ``troubles`` what is wrong with its note. ``retracted``
    are intents that are not asked any more, ``void`` what they did here. ``is_whole``: its own note holds all
    of its intents.
    """

    source: Source
    id: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    subject: str
    parent_tree: Oid | None
    touched: tuple[RepoPath, ...]
    intents: tuple[Intent, ...] = ()
    bindings: tuple[Binding, ...] = ()
    mark: Maker | None = None
    adopted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    retracted: tuple[IntentId, ...] = ()
    void: tuple[Binding, ...] = ()
    is_whole: bool = True

    @property
    def commit(self) -> Commit:
        """The commit itself."""
        return self.source.commit(self.id)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What it changed against its first parent."""
        return self.source.changes(self)[0]

    @property
    def kinds(self) -> Mapping[RepoPath, Kind]:
        """Whose each changed path is, judged on this commit's tree, and on the parent's for what is gone."""
        return self.source.changes(self)[1]

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
        return _mended(self.bindings, set(self.wrote))

    @property
    def dropped(self) -> tuple[RepoPath, ...]:
        """The model's paths that only retracted intents wrote: what was done to them is not done again."""
        if not self.retracted:
            return ()
        known = {path for binding in self.void for path in binding.wrote}
        everything = any(not binding.wrote for binding in self.void) or not self.void
        asked = set(self.wrote) if self.intents else set()
        return tuple(
            change.path
            for change in self.changes
            if self.kinds[change.path] is Kind.MODEL
            and change.path not in asked
            and (everything or change.path in known)
        )

    @property
    def dropped_hand(self) -> dict[RepoPath, tuple[LineRange, ...]]:
        """The lines that a person mended in what is dropped: the person's, whatever becomes of the rest."""
        return _mended(self.void, set(self.dropped)) if self.void else {}

    @property
    def frozen(self) -> tuple[RepoPath, ...]:
        """The changed paths that come from history byte for byte."""
        return tuple(change.path for change in self.changes if self.kinds[change.path].is_frozen)


def _mended(
    bindings: Iterable[Binding], paths: Collection[RepoPath]
) -> dict[RepoPath, tuple[LineRange, ...]]:
    """Return the lines of these paths that a person mended after the agent's last write."""
    found: dict[RepoPath, tuple[LineRange, ...]] = {}
    for binding in bindings:
        for path, ranges in (binding.hand or {}).items():
            if ranges and path in paths:
                found[path] = united((*found.get(path, ()), *ranges))
    return found


def in_force(facts: CommitFacts) -> CommitFacts:
    """Return the facts without what is not asked any more: retracted intents, and superseded ones.

    Only an intent of the same commit supersedes another there: what a later commit asks for instead is asked
    when its turn comes. It takes over the paths of the one in whose place it stands.
    """
    if not any(intent.retracted or intent.supersedes for intent in facts.intents):
        return facts
    stands = standing({intent.id: intent for intent in facts.intents})
    retracted = tuple(one for one, (status, _) in stands.items() if status == "retracted")
    gone = set(retracted)
    return replace(
        facts,
        intents=tuple(intent for intent in facts.intents if stands[intent.id][0] == "in force"),
        bindings=tuple(binding for binding in facts.bindings if binding.intent not in gone),
        retracted=retracted,
        void=tuple(binding for binding in facts.bindings if binding.intent in gone),
    )


class _Head(NamedTuple):
    """What is kept of a commit from its one reading: whole messages would be most of a long history."""

    id: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    subject: str
    named: tuple[str, ...]
    buried: tuple[str, ...]
    adopted: tuple[str, ...]


def read_facts(repo: Repository, span: Span, ownership: Ownership) -> list[CommitFacts]:
    """Read every commit of the span, oldest first, with its notes and the paths it touched."""
    store = repo.objects
    # One string for each id, however many commits name it.
    ids = {oid: oid for oid in span.commits}
    heads = [_head(read_commit(store, oid), ids) for oid in span.commits]
    trees = {head.id: head.tree for head in heads}
    parent_trees = [_first_parent_tree(store, head, trees) for head in heads]
    touched = touched_paths(repo, zip(parent_trees, trees.values(), strict=True))
    notes, by_id = _recorded(repo, span, heads)
    source = Source(store, ownership)
    shared: dict[str, str] = {}
    facts = []
    for head, parent_tree, paths in zip(heads, parent_trees, touched, strict=True):
        note = notes.get(head.id, NoteView(()))
        bound_or_named = dict.fromkeys([*note.intents, *(one for one in head.named if one in by_id)])
        current = tuple(by_id[one] for one in bound_or_named)  # type: ignore[index]
        bound = (note.binding(intent.id, head.tree) for intent in current)
        facts.append(
            CommitFacts(
                source,
                head.id,
                head.tree,
                head.parents,
                head.subject,
                parent_tree,
                # The same few names come again and again.
                tuple(shared.setdefault(path, path) for path in paths),
                current,
                tuple(binding for binding in bound if binding is not None),
                marked_as(note.documents),
                head.adopted,
                tuple(one for one in (*head.named, *head.buried) if one not in bound_or_named),
                note.troubles,
                is_whole=len(bound_or_named) == len(note.intents),
            )
        )
    return facts


def _head(commit: Commit, ids: Mapping[Oid, Oid]) -> _Head:
    message = commit.message
    named = named_in(message)
    buried = [one for one in named.buried if one not in named.indented] if len(commit.parents) < 2 else []  # noqa: PLR2004 - a merge has two
    adopted = tuple(values(message, SOURCE)) if values(message, ADOPTS) else ()
    parents = tuple(ids.get(parent, parent) for parent in commit.parents)
    return _Head(commit.id, commit.tree, parents, commit.subject, named.trailers, tuple(buried), adopted)


def _first_parent_tree(store: ObjectStore, head: _Head, trees: Mapping[Oid, Oid]) -> Oid | None:
    if not head.parents:
        return None
    first = head.parents[0]
    return trees[first] if first in trees else read_commit(store, first).tree


def _recorded(
    repo: Repository, span: Span, heads: Sequence[_Head]
) -> tuple[dict[Oid, NoteView], dict[IntentId, Intent]]:
    """Return the notes of the range, and every intent that its notes hold or its trailers name."""
    wanted = set(span.commits)
    outside = {parent for head in heads for parent in head.parents} - wanted
    scan = Ledger(repo).scan([span.tip, *(f"^{oid}" for oid in outside)])
    notes = {oid: view for oid, view in scan if view.documents and oid in wanted}
    by_id = _intents_by_id(notes.values())
    if {one for head in heads for one in head.named} - by_id.keys():
        # A trailer may name an intent whose note stands on a commit before the base.
        older = Ledger(repo).scan([span.tip])
        by_id = _intents_by_id([*notes.values(), *(view for oid, view in older if oid not in wanted)])
    return notes, by_id


def _intents_by_id(views: Iterable[NoteView]) -> dict[IntentId, Intent]:
    found: dict[IntentId, Intent] = {}
    for view in views:
        for intent in view.intents.values():
            known = found.get(intent.id)
            if known is None or intent.revision > known.revision:
                found[intent.id] = intent
    return found


def _kind(store: ObjectStore, ownership: Ownership, change: Change) -> Kind:
    """Judge a path on the commit's own tree, and also on the parent's: what was frozen there stays so."""
    leaf = change.new or change.old
    if leaf is None:
        raise ValueError(f"'{change.path}' changes from nothing to nothing")
    kind = ownership.classify(change.path, leaf.mode, lambda: store.short_blob(leaf.oid, LONGEST_TEXT))
    if kind is Kind.MODEL and change.old is not None and change.new is not None:
        # A file that turns from data into text, or a link into a file, is not a model's to invent.
        before = change.old
        kind = ownership.classify(
            change.path, before.mode, lambda: store.short_blob(before.oid, LONGEST_TEXT)
        )
    # A name that no reply may write: what has it comes from history.
    return Kind.FROZEN if kind is Kind.MODEL and path_problem(change.path) is not None else kind
