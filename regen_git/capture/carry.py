"""Take what the ledger knows along when commits are copied: picked, squashed, rebased, pulled.

Documents are copied byte for byte. The trailer says which; where it stood first is found in the notes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.capture.binding import binding_of
from regen_git.domain.ids import is_intent_id
from regen_git.domain.intent import Binding, Intent
from regen_git.git.commits import read_commit
from regen_git.git.notes import note_blobs, read_note
from regen_git.git.refs import read_ref
from regen_git.git.trailers import values
from regen_git.ledger.codec import encode, parse_note, split, union
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.commits import Commit
    from regen_git.git.repository import Repository
    from regen_git.ledger.codec import Document

__all__ = ["TRAILER", "copied_notes", "find_documents", "named_intents", "payload", "pulled_notes"]

TRAILER = "Regen-Intent"
_BURIED = re.compile(rb"^[ \t]*Regen-Intent:[ \t]*([0-9a-f]{16})[ \t]*$", re.MULTILINE | re.IGNORECASE)


def named_intents(message: bytes) -> tuple[list[str], list[str]]:
    """Return the ids in the trailers, and those on lines buried in the body, without repetitions."""
    trailers = list(dict.fromkeys(v for v in values(message, TRAILER) if is_intent_id(v)))
    buried = dict.fromkeys(match[1].decode("ascii") for match in _BURIED.finditer(message))
    return trailers, [one for one in buried if one not in trailers]


def find_documents(repo: Repository, ids: Sequence[str]) -> dict[str, list[Document]]:
    """Return, by intent, every document that any notes of ours hold of it; intents nobody knows are missing.

    One search over the notes' tree, whatever their number.
    """
    found: dict[str, dict[str, Document]] = {}
    if not ids:
        return {}
    for ref in _sources(repo):
        patterns = [arg for one in ids for arg in ("-e", f'^intent: "\\{{0,1\\}}{one}"\\{{0,1\\}}')]
        out = repo.git("grep", "-l", "-z", "-G", *patterns, ref, "--", ok=(0, 1))
        for name in out.split(b"\0"):
            if not name:
                continue
            for document in parse_note(repo.git("cat-file", "blob", name.decode("ascii")))[0]:
                record = document.record
                if isinstance(record, Intent | Binding):
                    one = record.id if isinstance(record, Intent) else record.intent
                    found.setdefault(one, {})[document.digest] = document
    return {one: list(some.values()) for one, some in found.items() if one in ids}


def _sources(repo: Repository) -> list[str]:
    """Return the notes refs that exist: ours, the private ones, and what was fetched."""
    out = repo.git("for-each-ref", "--format=%(refname)", INTENTS_REF, PRIVATE_REF, "refs/notes/remotes/")
    names = out.decode("utf-8", "surrogateescape").split()
    return [n for n in names if n in (INTENTS_REF, PRIVATE_REF) or n.endswith("/regen")]


def payload(repo: Repository, commit: Commit, one: str, documents: Iterable[Document]) -> bytes:
    """Return what a copy of a commit gets: the intents as they are, and a binding of its own."""
    docs = list(documents)
    intents = [doc.raw for doc in docs if isinstance(doc.record, Intent)]
    wrote = [path for doc in docs if isinstance(doc.record, Binding) for path in doc.record.wrote]
    binding = binding_of(repo, one, commit, wrote, {})
    return b"".join([*intents, encode(binding)])


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


def pulled_notes(repo: Repository, commits: Sequence[Oid]) -> tuple[dict[Oid, bytes], list[Oid]]:
    """Return what is known of commits that came in, and the commits that lost their notes.

    A commit has lost its note when its message names an intent that nobody knows.
    """
    fetched = [ref for ref in _sources(repo) if ref.startswith("refs/notes/remotes/")]
    by_ref = [note_blobs(repo, read_ref(repo, ref)) for ref in fetched]
    mine = note_blobs(repo, read_ref(repo, INTENTS_REF))
    notes: dict[Oid, bytes] = {}
    missing: dict[Oid, list[str]] = {}
    for oid in commits:
        theirs = [repo.objects.blob(blobs[oid][1]) for blobs in by_ref if oid in blobs]
        if theirs:
            notes[oid] = union(*theirs)
        elif oid not in mine:
            trailers, buried = named_intents(read_commit(repo.objects, oid).message)
            if trailers or buried:
                missing[oid] = [*trailers, *buried]
    wanted = list(dict.fromkeys(one for ids in missing.values() for one in ids))
    known = find_documents(repo, wanted)
    lost: list[Oid] = []
    for oid, ids in missing.items():
        commit = read_commit(repo.objects, oid)
        parts = [payload(repo, commit, one, known[one]) for one in ids if one in known]
        if parts:
            notes[oid] = b"".join(parts)
        else:
            lost.append(oid)
    return notes, lost


def has_intent(repo: Repository, commit: Oid, one: str, ref: str = INTENTS_REF) -> bool:
    """Return whether the commit's note holds this intent already."""
    note = read_note(repo, ref, commit)
    return any(isinstance(d.record, Intent) and d.record.id == one for d in parse_note(note)[0])
