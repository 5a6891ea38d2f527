"""Every note that this repository holds: ours, private ones, fetched ones, and those that a ref has lost.

Git's own writers of notes can overwrite a tip; its reflog still names it. Blobs are read once; what they say
is found by pattern, and only documents that are wanted are parsed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from regen_git.domain.intent import Binding, Intent, Part, Tombstone
from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.ledger.codec import parse_note
from regen_git.ledger.decoding import read_document
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.codec import Document

__all__ = ["Found", "Sources", "fetched_refs", "ids_in", "lost_tips"]

_ID = re.compile(rb"^intent: \"?([0-9a-f]{16})\"?[ \t\r]*$", re.MULTILINE)
_PURGE = re.compile(rb"^purge: ", re.MULTILINE)
_PAIR = re.compile(rb"^base: \"?([0-9a-f]{40,64})\"?\nresult: \"?([0-9a-f]{40,64})\"?$", re.MULTILINE)
_MOST_LOST = 50
"""Tips of the reflog that are read, the newest first."""


@dataclass(frozen=True, slots=True)
class Found:
    """Every document of one intent. ``is_private``: nothing but private notes has it."""

    documents: tuple[Document, ...]
    is_private: bool


def ids_in(note: bytes) -> tuple[str, ...]:
    """Return the ids of the intents whose documents a note holds, by their first line; nothing is parsed."""
    return tuple(dict.fromkeys(match[1].decode("ascii") for match in _ID.finditer(note)))


def fetched_refs(repo: Repository) -> list[str]:
    """Return the refs under which the ledgers of remotes were fetched."""
    out = repo.git("for-each-ref", "--format=%(refname)", "refs/notes/remotes/")
    return [name for name in out.decode("utf-8", "surrogateescape").split() if name.endswith("/regen")]


def lost_tips(repo: Repository, ref: str = INTENTS_REF) -> list[Oid]:
    """Return tips that the ref had, that its tip does not hold, newest first; empty where nothing is lost."""
    tip = read_ref(repo, ref)
    status, out = repo.git_status("rev-list", "-g", "--ignore-missing", ref, "--", ok=(0, 128))
    had = dict.fromkeys(out.decode("ascii").split()) if status == 0 else {}
    had.pop(tip or "", None)
    if not had:
        return []
    held = set(repo.git("rev-list", tip or ref, "--").decode("ascii").split())
    lost = [one for one in had if one not in held][:_MOST_LOST]
    if len(lost) < 2:  # noqa: PLR2004 - one needs no choice
        return lost
    return repo.git("merge-base", "--independent", *lost).decode("ascii").split()


class Sources:
    """What all notes say, read when first asked for."""

    def __init__(self, repo: Repository, *, with_lost: bool = True) -> None:
        self._repo = repo
        self._with_lost = with_lost
        self._tombstones: set[str] = set()

    @cached_property
    def notes(self) -> dict[Oid, dict[Oid, bool]]:
        """By commit, the blobs of its notes and whether each is private."""
        found: dict[Oid, dict[Oid, bool]] = defaultdict(dict)
        repo = self._repo
        tips = [(read_ref(repo, ref), False) for ref in (INTENTS_REF, *fetched_refs(repo))]
        tips += [(tip, False) for tip in (lost_tips(repo) if self._with_lost else [])]
        tips.append((read_ref(repo, PRIVATE_REF), True))
        tips += [(tip, True) for tip in (lost_tips(repo, PRIVATE_REF) if self._with_lost else [])]
        for tip, is_private in tips:
            for commit, (_, blob) in note_blobs(repo, tip).items():
                # What stands in a public note is public, wherever else it stands.
                found[commit][blob] = found[commit].get(blob, True) and is_private
        return dict(found)

    @cached_property
    def _facts(self) -> dict[Oid, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]]:
        """By blob, the ids of its intents and the pairs of trees of its bindings."""
        found: dict[Oid, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {}
        self._repo.objects.bring(blob for blobs in self.notes.values() for blob in blobs)
        for blobs in self.notes.values():
            for blob in blobs:
                if blob in found:
                    continue
                raw = self._repo.objects.blob(blob)
                pairs = {(m[1].decode("ascii"), m[2].decode("ascii")): None for m in _PAIR.finditer(raw)}
                found[blob] = ids_in(raw), tuple(pairs)
                if _PURGE.search(raw):
                    records = (document.record for document in parse_note(raw)[0])
                    self._tombstones.update(r.digest for r in records if isinstance(r, Tombstone))
        return found

    def ids_of(self, commit: Oid) -> tuple[str, ...]:
        """Return the intents on a commit, in order."""
        blobs = self.notes.get(commit, {})
        return tuple(dict.fromkeys(one for blob in blobs for one in self._facts[blob][0]))

    @cached_property
    def by_id(self) -> dict[str, dict[Oid, bool]]:
        """By intent, the blobs that hold documents of it and whether each is private."""
        found: dict[str, dict[Oid, bool]] = defaultdict(dict)
        for blobs in self.notes.values():
            for blob, is_private in blobs.items():
                for one in self._facts[blob][0]:
                    found[one][blob] = found[one].get(blob, True) and is_private
        return dict(found)

    @cached_property
    def by_trees(self) -> dict[tuple[str, str], list[Oid]]:
        """By (base, result), the commits whose notes have a binding that made the one of the other."""
        found: dict[tuple[str, str], list[Oid]] = defaultdict(list)
        for commit, blobs in self.notes.items():
            for pair in dict.fromkeys(pair for blob in blobs for pair in self._facts[blob][1]):
                found[pair].append(commit)
        return dict(found)

    def documents(self, ids: Iterable[str]) -> dict[str, Found]:
        """Return every document of these intents that nobody has purged; unknown ones are missing.

        Where public notes have the intent, what only private ones say of it is left out. What the same note
        asks for in its place comes along: no message names that, and the old words must not come back.
        """
        found: dict[str, Found] = {}
        for one in ids:
            public: dict[str, Document] = {}
            private: dict[str, Document] = {}
            for blob, is_private in self.by_id.get(one, {}).items():
                kept = private if is_private else public
                mine = self._of_intent(one, parse_note(self._repo.objects.blob(blob))[0])
                kept.update((document.digest, document) for document in mine)
            for documents, is_private in ((public, False), (private, True)):
                if any(_is_intent(document) for document in documents.values()):
                    found[one] = Found(tuple(documents.values()), is_private)
                    break
        return found

    def _of_intent(self, one: str, documents: Sequence[Document]) -> list[Document]:
        instead = _superseding(one, documents)
        return [
            document
            for document in documents
            if document.digest not in self._tombstones
            and (
                (about := _intent_of(document)) == one
                or (about in instead and not isinstance(document.record, Binding))
            )
        ]


def _superseding(one: str, documents: Sequence[Document]) -> set[str]:
    """Return the intents of a note that supersede one of its intents, also those that supersede these."""
    found = {one}
    records = [document.record for document in documents if isinstance(document.record, Intent)]
    above = [(record.id, set(record.supersedes)) for record in records if record.supersedes]
    grew = bool(above)
    while grew:
        new = {each for each, olds in above if each not in found and olds & found}
        found |= new
        grew = bool(new)
    return found - {one}


def _intent_of(document: Document) -> str:
    """Return the intent that a document is about; empty for other documents and broken ones."""
    record = document.record
    if isinstance(record, Intent):
        return record.id
    if isinstance(record, Binding | Part):
        return record.intent
    return ids_in(document.raw)[0] if record is None and _is_intent(document) else ""


def _is_intent(document: Document) -> bool:
    """Return whether a document is an intent, be it of a version that nobody here can read."""
    if isinstance(document.record, Intent):
        return True
    if document.record is not None or not ids_in(document.raw):
        return False
    try:
        return read_document(document.raw) is None
    except ValueError:
        return False
