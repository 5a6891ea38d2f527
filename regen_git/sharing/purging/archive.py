"""Every document that any history of notes here has ever had, and the replies beside them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.domain.intent import Intent, Tombstone
from regen_git.git.rewriting import blobs_of_history
from regen_git.ledger.codec import parse_note, split
from regen_git.ledger.decoding import Head, read_document
from regen_git.ledger.encoding import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import IntentId, Oid
    from regen_git.git.repository import Repository

__all__ = ["Archive", "home_of", "intent_of", "ledger_refs", "parts_of", "reply_refs", "whole"]

_NOTES = re.compile(r"refs/notes/(?:private/|remotes/.+/)?regen[^/]*")
_REPLIES = re.compile(r"refs/regen/(?:remotes/.+/)?replies[^/]*")
_FETCHED = re.compile(r"(refs/(?:notes|regen))/remotes/(.+)/([^/]+)")
_ABOUT = re.compile(rb"^(?:intent|part): \"?([0-9a-f]{16})\"?[ \t\r]*$", re.MULTILINE)


def ledger_refs(repo: Repository) -> dict[str, Oid]:
    """Return every notes ref of ours with its tip: the own ones, private ones, and what was fetched."""
    return _refs(repo, "refs/notes/", _NOTES)


def reply_refs(repo: Repository) -> dict[str, Oid]:
    """Return every ref of recorded replies with its tip."""
    return _refs(repo, "refs/regen/", _REPLIES)


def _refs(repo: Repository, prefix: str, pattern: re.Pattern[str]) -> dict[str, Oid]:
    out = repo.git("for-each-ref", "--format=%(refname)%00%(objectname)%00%(objecttype)", prefix)
    rows = (line.split("\0") for line in out.decode("utf-8", "surrogateescape").splitlines())
    return {ref: oid for ref, oid, kind in rows if kind == "commit" and pattern.fullmatch(ref)}


def home_of(ref: str) -> tuple[str, str]:
    """Return the remote that a ref was fetched from, empty for our own, and the ref's name there."""
    match = _FETCHED.fullmatch(ref)
    return (match[2], f"{match[1]}/{match[3]}") if match else ("", ref)


def intent_of(raw: bytes) -> str:
    """Return whose words a document holds; empty for bindings, tombstones and all others."""
    match = _ABOUT.search(raw)
    return match[1].decode("ascii") if match else ""


@dataclass(slots=True)
class Archive:
    """Documents by digest, and by ref on which objects each ever stood. ``stones``: what is buried."""

    raws: dict[str, bytes] = field(default_factory=dict)
    where: dict[str, dict[str, set[Oid]]] = field(default_factory=dict)
    stones: dict[str, IntentId] = field(default_factory=dict)

    def read(self, repo: Repository, refs: Iterable[tuple[str, Oid]]) -> None:
        """Read the whole history of these refs."""
        known: dict[Oid, tuple[str, ...]] = {}
        for ref, tip in refs:
            found: dict[str, set[Oid]] = defaultdict(set)
            for path, blob in blobs_of_history(repo, tip):
                if blob not in known:
                    known[blob] = self.add(repo.objects.blob(blob))
                for digest in known[blob]:
                    found[digest].add(path.replace("/", ""))
            self.where[ref] = dict(found)

    def add(self, note: bytes, *, is_stored_only: bool = False) -> tuple[str, ...]:
        """Take the documents of one note; return their digests.

        Of a note that is only stored no tombstone counts: nobody has ever moved a ref to it.
        """
        digests = []
        for raw in split(note):
            digest = digest_of(raw)
            digests.append(digest)
            if digest not in self.raws:
                self.raws[digest] = raw
                if raw.startswith(b"---\npurge:") and not is_stored_only:
                    self._bury(raw)
        return tuple(digests)

    def _bury(self, raw: bytes) -> None:
        try:
            record = read_document(raw)
        except ValueError:
            return
        if isinstance(record, Tombstone):
            self.stones[record.digest] = record.intent

    def of(self, one: str) -> dict[str, bytes]:
        """Return the documents with the words of an intent, its parts among them, by digest."""
        return {digest: raw for digest, raw in self.raws.items() if intent_of(raw) == one}

    def ids(self) -> set[str]:
        """Return the intents that have words here, or had them."""
        return {one for raw in self.raws.values() if (one := intent_of(raw))} | set(self.stones.values())


def whole(raws: dict[str, bytes]) -> dict[str, Intent]:
    """Return what the documents of one intent say, each revision whole, by digest; not the broken ones."""
    note = b"".join(raws.values())
    return {doc.digest: doc.record for doc in parse_note(note)[0] if isinstance(doc.record, Intent)}


def parts_of(raw: bytes) -> tuple[str, ...]:
    """Return the digests of the further documents that an intent's own document names."""
    try:
        record = read_document(raw)
    except ValueError:
        return ()
    return record.parts if isinstance(record, Head) else ()
