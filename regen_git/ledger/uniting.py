"""Two ledgers become one: the union of their documents, whose commit has both histories as parents.

What arrives was written by others. Documents are taken as bytes, never written anew; a note beyond all
measure is left out and said so; a tombstone wins wherever its document stands. Nothing is ever taken out for
being absent on the other side.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.domain.intent import Tombstone
from regen_git.errors import RegenError
from regen_git.git.commits import parse_commit
from regen_git.git.notes import commit_notes, move_notes
from regen_git.git.notestrees import differing_notes, find_note, list_notes
from regen_git.git.refs import read_ref
from regen_git.git.trees import REGULAR, Leaf, edit
from regen_git.ledger.burying import buried_in, bury
from regen_git.ledger.codec import parse_note, split, union
from regen_git.ledger.encoding import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sized

    from regen_git.domain.ids import Oid
    from regen_git.git.notestrees import NotePlace, Notes
    from regen_git.git.repository import Repository

__all__ = [
    "MAX_TAKEN",
    "Documents",
    "United",
    "documents_in",
    "is_ancestor",
    "lacking",
    "unite",
    "with_added",
]

MAX_TAKEN = 32 << 20
"""Bytes of one note that is taken over from others; a longer one stays in their history only."""

_FEW = 500
_MOST_IDS = 200
"""Intents that are looked for at once."""

Documents = dict[str, bytes]
"""Documents by digest, in order."""


@dataclass(frozen=True, slots=True)
class United:
    """What a union brought: the ref's tip, the documents that are new here by object, and warnings.

    ``dropped`` are digests of documents that our history had, and that theirs says were purged.
    """

    tip: Oid | None
    gained: Mapping[Oid, Documents]
    warnings: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def documents(self) -> int:
        """How many documents are new here."""
        return sum(len(some) for some in self.gained.values())


def documents_in(repo: Repository, places: Iterable[NotePlace]) -> Documents:
    """Return the documents of one note, whatever can be read of them."""
    return {digest_of(raw): raw for place in places for raw in split(repo.objects.blob(place.blob))}


def is_ancestor(repo: Repository, old: Oid, new: Oid) -> bool:
    """Return whether ``new`` is ``old`` or comes after it."""
    return old == new or repo.git_status("merge-base", "--is-ancestor", old, new, ok=(0, 1))[0] == 0


def lacking(repo: Repository, ours: Oid | None, theirs: Oid | None) -> dict[Oid, Documents]:
    """Return, by object, the documents of our commit of notes that theirs lacks."""
    mine, other = differing_notes(repo.objects, _tree(repo, ours), _tree(repo, theirs))
    repo.objects.bring(place.blob for notes in (mine, other) for places in notes.values() for place in places)
    found: dict[Oid, Documents] = {}
    for oid, places in mine.items():
        known = documents_in(repo, other.get(oid, ()))
        missing = {d: raw for d, raw in documents_in(repo, places).items() if d not in known}
        if missing:
            found[oid] = missing
    return found


def unite(repo: Repository, ref: str, theirs: Oid, message: str = "regen: unite") -> United:
    """Unite a notes ref with a commit of notes that was fetched.

    Where ours adds nothing the ref moves to their commit; else to a new one with both as parents. What one
    side has purged leaves the other's history, too. Raises ``RegenError`` when theirs is no commit or cannot
    be read.
    """
    _tree(repo, theirs)
    gained: dict[Oid, Documents] = {}
    warnings: dict[str, None] = {}
    dropped: dict[str, None] = {}

    def make(tip: Oid | None) -> Oid | None:
        gained.clear()
        if tip is not None and is_ancestor(repo, theirs, tip):
            return None
        # First, since it refuses trees that nobody can walk to their end.
        differing_notes(repo.objects, _tree(repo, tip), _tree(repo, theirs))
        pair = _without_purged(repo, tip, theirs)
        dropped.update(dict.fromkeys(pair.dropped))
        new = _united(repo, pair, gained, warnings, message)
        return pair.ours if new is None else new

    tip = move_notes(repo, ref, make, message)
    return United(tip, gained, tuple(warnings), tuple(dropped))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both sides, neither with anything that one of them has purged, and all digests that are buried."""

    ours: Oid | None
    theirs: Oid
    buried: frozenset[str]
    dropped: tuple[str, ...] = ()


def _without_purged(repo: Repository, ours: Oid | None, theirs: Oid) -> _Pair:
    all_of_it = buried_in(repo, [theirs, ours] if ours else [theirs])
    if not all_of_it:
        return _Pair(ours, theirs, frozenset())
    dropped: tuple[str, ...] = ()
    if ours is not None:
        done = bury(repo, ours, all_of_it)
        ours, dropped = done.tip, tuple(done.found)
        repo.objects.flush()
    theirs = bury(repo, theirs, all_of_it, since=ours).tip
    return _Pair(ours, theirs, frozenset(all_of_it), dropped)


def _united(
    repo: Repository, pair: _Pair, gained: dict[Oid, Documents], warnings: dict[str, None], message: str
) -> Oid | None:
    """Return the commit that has both sides, ``None`` where ours has theirs already."""
    tip, theirs, buried = pair.ours, pair.theirs, pair.buried
    # What was made a moment ago is in no database that git reads.
    repo.objects.flush()
    if tip is not None and is_ancestor(repo, theirs, tip):
        return None
    ours = _tree(repo, tip)
    mine, other = differing_notes(repo.objects, ours, _tree(repo, theirs))
    other, left_out = _within_measure(repo, other)
    warnings.update(dict.fromkeys(left_out))
    added = _added(repo, ours, other)
    gained.update({oid: rest for oid, some in added.items() if (rest := _without(some, buried))})
    holding = _holding(repo, tip, gained)
    is_whole = not left_out and not holding and gained == added and not _beyond(repo, mine, other)
    if is_whole and (tip is None or is_ancestor(repo, tip, theirs)):
        return theirs
    tree = with_added(repo, ours, {**holding, **gained}, buried)
    return commit_notes(repo, tree, [tip, theirs] if tip else [theirs], message)


def with_added(
    repo: Repository, tree: Oid | None, added: Mapping[Oid, Documents], buried: frozenset[str] = frozenset()
) -> Oid:
    """Return a tree of notes with these documents, and without what is buried on the same objects."""
    store = repo.objects
    edits: dict[str, Leaf | None] = {}
    present = _places(repo, tree, added)
    for oid, documents in added.items():
        places = present(oid)
        old = store.blob(places[0].blob) if places else b""
        known = documents_in(repo, places[1:])
        new = union(old, *(raw for digest, raw in documents.items() if digest not in known))
        if buried:
            kept = [raw for raw in split(new) if digest_of(raw) not in buried]
            new = new if len(kept) == len(split(new)) else b"".join(kept)
        if new != old:
            path = places[0].path if places else f"{oid[:2]}/{oid[2:]}"
            edits[path] = Leaf(REGULAR, store.write("blob", new)) if new else None
    if not edits:
        return tree or store.write("tree", b"")
    return edit(store, tree, edits)


def _tree(repo: Repository, tip: Oid | None) -> Oid | None:
    if tip is None:
        return None
    kind, data = repo.objects.read(tip)
    if kind != "commit":
        raise RegenError(f"notes must be a commit, and '{tip[:12]}' is a {kind}")
    return parse_commit(tip, data).tree


def _places(repo: Repository, tree: Oid | None, wanted: Sized) -> Callable[[Oid], list[NotePlace]]:
    """Return what finds the notes of a tree, in the way that suits their number."""
    if tree is None or len(wanted) < _FEW:
        return lambda oid: find_note(repo.objects, tree, oid)
    listed = list_notes(repo.objects, tree)
    return lambda oid: listed.get(oid, [])


def _added(repo: Repository, ours: Oid | None, other: Notes) -> dict[Oid, Documents]:
    """Return the documents of these notes that ours lacks."""
    found: dict[Oid, Documents] = {}
    present = _places(repo, ours, other)
    for oid, places in other.items():
        known = documents_in(repo, present(oid))
        new = {digest: raw for digest, raw in documents_in(repo, places).items() if digest not in known}
        if new:
            found[oid] = new
    return found


def _beyond(repo: Repository, mine: Notes, other: Notes) -> bool:
    """Return whether our notes have a document that theirs lack."""
    for oid, places in mine.items():
        known = documents_in(repo, other.get(oid, ()))
        if any(digest not in known for digest in documents_in(repo, places)):
            return True
    return False


def _without(documents: Documents, buried: frozenset[str]) -> Documents:
    return {digest: raw for digest, raw in documents.items() if digest not in buried}


def _within_measure(repo: Repository, notes: Notes) -> tuple[Notes, list[str]]:
    """Leave out what is no blob and what is too long; say so."""
    repo.objects.bring(place.blob for places in notes.values() for place in places)
    blobs = list(dict.fromkeys(place.blob for places in notes.values() for place in places))
    if not blobs:
        return notes, []
    asked = "".join(f"{blob}\n" for blob in blobs).encode("ascii")
    out = repo.git("cat-file", "--batch-check", stdin=asked)
    good: set[str] = set()
    for line in out.decode("utf-8", "replace").splitlines():
        oid, kind, *size = line.split()
        if kind == "blob" and int(size[0]) <= MAX_TAKEN:
            good.add(oid)
    kept: Notes = {}
    warnings: list[str] = []
    for oid, places in notes.items():
        fine = [place for place in places if place.blob in good]
        if fine:
            kept[oid] = fine
        if len(fine) < len(places):
            warnings.append(
                f"the note of '{oid[:12]}' is left out: it is longer than {MAX_TAKEN >> 20} MiB, or no text"
            )
    return kept, warnings


def _grep(repo: Repository, pattern: list[str], tip: Oid) -> list[bytes]:
    """Return the texts of the notes that have a line like one of the patterns."""
    args = [arg for one in pattern for arg in ("-e", one)]
    out = repo.git("grep", "-l", "-z", "-a", "-G", *args, tip, "--", ok=(0, 1))
    return [name for name in out.split(b"\0") if name]


def _holding(repo: Repository, tip: Oid | None, added: Mapping[Oid, Documents]) -> dict[Oid, Documents]:
    """Return our objects whose notes may hold a document that one of the new tombstones buries."""
    ids: dict[str, None] = {}
    for documents in added.values():
        for raw in documents.values():
            if raw.startswith(b"---\npurge:"):
                records = (one.record for one in parse_note(raw)[0])
                ids.update((one.intent, None) for one in records if isinstance(one, Tombstone))
    found: dict[Oid, Documents] = {}
    wanted = list(ids)
    for at in range(0, len(wanted) if tip else 0, _MOST_IDS):
        patterns = [f'^intent: "\\{{0,1\\}}{one}"\\{{0,1\\}}' for one in wanted[at : at + _MOST_IDS]]
        for name in _grep(repo, patterns, tip or ""):
            found[os.fsdecode(name).partition(":")[2].replace("/", "")] = {}
    return found


def current(repo: Repository, ref: str) -> dict[Oid, Documents]:
    """Return all documents of a notes ref, by object."""
    listed = list_notes(repo.objects, _tree(repo, read_ref(repo, ref)))
    repo.objects.bring(place.blob for places in listed.values() for place in places)
    return {oid: documents_in(repo, places) for oid, places in listed.items()}
