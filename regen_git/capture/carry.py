"""Take what the ledger knows along when commits are copied: picked, squashed, rebased, pulled.

Documents are copied byte for byte. The trailer says which; where it stood first is found in the notes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.capture.binding import binding_of
from regen_git.capture.hand import moved
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent
from regen_git.errors import RegenError
from regen_git.git.commits import read_commit
from regen_git.git.notes import note_blobs, read_note
from regen_git.git.refs import read_ref
from regen_git.git.trees import lookup
from regen_git.ledger.codec import encode, parse_note, split, union
from regen_git.ledger.links import named_in
from regen_git.ledger.sources import Sources, fetched_refs
from regen_git.ledger.store import INTENTS_REF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.intent import LineRange
    from regen_git.git.commits import Commit
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Leaf
    from regen_git.ledger.codec import Document
    from regen_git.ledger.links import Named

__all__ = ["Pulled", "copied_notes", "has_intent", "payload", "pulled_notes"]


def payload(
    repo: Repository,
    commit: Commit,
    one: str,
    documents: Iterable[Document],
    by_hand: Mapping[RepoPath, Sequence[LineRange]] | None = None,
) -> bytes:
    """Return what a copy of a commit gets: the intents as they are, and a binding of its own.

    What is asked in the place of the intent comes along, with the same binding: no trailer names it. Lines
    that a person had mended stay known where they stand in the copy. ``by_hand`` has further ones.
    """
    docs = list(documents)
    # Parts of a long intent, and what a later version wrote, go along.
    intents = [doc.raw for doc in docs if not isinstance(doc.record, Binding)]
    bindings = [doc.record for doc in docs if isinstance(doc.record, Binding)]
    wrote = [path for each in bindings for path in each.wrote]
    binding = binding_of(repo, one, commit, wrote, {})
    hand = _hand_in(repo, commit, bindings, binding.wrote)
    for path, ranges in (by_hand or {}).items():
        if path in binding.wrote or not binding.wrote:
            hand = {**(hand or {}), path: tuple(sorted({*(hand or {}).get(path, ()), *ranges}))}
    binding = replace(binding, hand=hand)
    instead = dict.fromkeys(doc.record.id for doc in docs if isinstance(doc.record, Intent))
    instead.pop(IntentId(one), None)
    bound = [binding, *(replace(binding, intent=other) for other in instead)]
    return b"".join([*intents, *map(encode, bound)])


def _hand_in(
    repo: Repository, commit: Commit, bindings: Sequence[Binding], wrote: Sequence[RepoPath]
) -> dict[RepoPath, tuple[LineRange, ...]] | None:
    """Return a person's lines in a copy; ``None`` when nothing is known of them."""
    found: dict[RepoPath, set[LineRange]] = {}
    is_known = bool(bindings)
    for binding in bindings:
        if binding.hand is None:
            is_known = False
            continue
        for path, ranges in binding.hand.items():
            there = _leaf(repo, binding.result, path)
            here = _leaf(repo, commit.tree, path)
            stay = moved(repo, there.oid, here.oid, ranges) if there and here and path in wrote else ()
            if stay is None:
                is_known = False
            elif stay:
                found.setdefault(path, set()).update(stay)
    kept = {path: tuple(sorted(ranges)) for path, ranges in found.items()}
    return kept if kept or is_known else None


def _leaf(repo: Repository, tree: Oid | None, path: RepoPath) -> Leaf | None:
    try:
        return lookup(repo.objects, tree, path) if tree else None
    except RegenError:
        # The tree is of a commit that is gone.
        return None


def copied_notes(repo: Repository, rewrites: Sequence[tuple[Oid, Oid]], ref: str) -> dict[Oid, bytes]:
    """Return what the rewritten commits miss from the notes of the commits they replace, by new commit.

    Each old commit is followed to the newest that stands for it.
    """
    if not rewrites:
        return {}
    step = dict(rewrites)
    blobs = note_blobs(repo, read_ref(repo, ref))
    found: dict[Oid, bytes] = {}
    for old, first in step.items():
        if old not in blobs:
            continue
        new, passed = first, {old}
        while new in step and new not in passed:
            passed.add(new)
            new = step[new]
        if new in passed:
            continue
        have = repo.objects.blob(blobs[new][1]) if new in blobs else b""
        theirs = repo.objects.blob(blobs[old][1])
        known = set(split(have))
        if any(raw not in known for raw in split(theirs)):
            found[new] = union(found.get(new, b""), theirs)
    return found


@dataclass(slots=True)
class Pulled:
    """What commits that came in get, and those of them that name an intent which nobody knows."""

    public: dict[Oid, bytes] = field(default_factory=dict)
    private: dict[Oid, bytes] = field(default_factory=dict)
    lost: list[Oid] = field(default_factory=list)


def pulled_notes(repo: Repository, commits: Sequence[Oid]) -> Pulled:
    """Return what is known of commits that came in, and the commits that lost their notes."""
    by_ref = [note_blobs(repo, read_ref(repo, ref)) for ref in fetched_refs(repo)]
    mine = note_blobs(repo, read_ref(repo, INTENTS_REF))
    done = Pulled()
    missing: dict[Oid, Named] = {}
    for oid in commits:
        theirs = [repo.objects.blob(blobs[oid][1]) for blobs in by_ref if oid in blobs]
        if theirs:
            done.public[oid] = union(*theirs)
        elif oid not in mine:
            named = named_in(read_commit(repo.objects, oid).message)
            if named.ids:
                missing[oid] = named
    wanted = dict.fromkeys(one for named in missing.values() for one in named.ids)
    known = Sources(repo, with_lost=False).documents(wanted) if wanted else {}
    for oid, named in missing.items():
        commit = read_commit(repo.objects, oid)
        for one in named.ids:
            if one in known:
                notes = done.private if known[one].is_private else done.public
                raw = payload(repo, commit, one, known[one].documents)
                notes[oid] = union(notes.get(oid, b""), raw)
        # An indented line that nobody knows may be an example in the text.
        if not any(one in known for one in named.ids) and len(named.ids) > len(named.indented):
            done.lost.append(oid)
    return done


def has_intent(repo: Repository, commit: Oid, one: str, ref: str = INTENTS_REF) -> bool:
    """Return whether the commit's note holds this intent already."""
    note = read_note(repo, ref, commit)
    return any(isinstance(d.record, Intent) and d.record.id == one for d in parse_note(note)[0])
