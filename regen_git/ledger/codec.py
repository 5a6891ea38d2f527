"""Notes as streams of YAML documents, and documents as records.

A document is identified by the digest of its bytes and is copied, never written anew; so the union of two
ledgers is the union of two sets. Readers are tolerant: what they cannot read they keep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from regen_git.domain.intent import Part, Tombstone
from regen_git.ledger.decoding import Head, read_document
from regen_git.ledger.encoding import MAX_DOCUMENT, Record, digest_of, encode
from regen_git.ledger.parts import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.domain.intent import Intent

__all__ = ["MAX_DOCUMENT", "Document", "Record", "document", "encode", "parse_note", "split", "union"]

MAX_NOTE = 8 << 20
"""Bytes of one note that are read; what stands after them is kept."""

MAX_DOCUMENTS = 20_000
"""Documents of one note that are read; what stands after them is kept."""

_MOST_WARNINGS = 5
"""Documents of one note whose troubles are told one by one."""

_BOM = b"\xef\xbb\xbf"
_BREAK = re.compile(rb"^(?:\xef\xbb\xbf)?---[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a note: its bytes from ``---`` on, without blank lines at the end.

    ``record`` is ``None`` for a document that no reader of this version understands. An intent that is too
    long for one document is in the record of its first one, whole.
    """

    raw: bytes
    digest: str
    record: Record | None


def split(note: bytes) -> list[bytes]:
    """Return a note's documents as bytes, each beginning with ``---``.

    Text before the first one is a document too, and gets the line that it lacks: else it would grow together
    with what stands before it in a union. A byte order mark that an editor set stays with its document.
    """
    if note.startswith(b"---\n") and note.count(b"\n---") == note.count(b"\n---\n") and _BOM not in note:
        pieces = [b"---\n" + piece for piece in note[4:].split(b"\n---\n")]
    else:
        starts = [match.start() for match in _BREAK.finditer(note)]
        first = note[: starts[0]] if starts else note
        pieces = [note[start:end] for start, end in pairwise([*starts, len(note)])]
        if first.strip():
            pieces.insert(0, b"---\n" + first)
    return [_tidy(piece) for piece in pieces if piece.removeprefix(_BOM).removeprefix(b"---").strip()]


def _tidy(piece: bytes) -> bytes:
    return piece.rstrip(b"\n \t\r") + b"\n"


def parse_note(note: bytes) -> tuple[list[Document], list[str]]:
    """Return the documents of a note in order, without repetitions, and warnings of what cannot be read.

    A note may come from anybody: it costs bounded time and memory, whatever it holds, and warnings are few.
    """
    found: dict[str, tuple[bytes, Record | Head | None]] = {}
    troubles: list[str] = []
    pieces, too_much = _readable(note)
    for raw in pieces:
        digest = digest_of(raw)
        if digest in found:
            continue
        try:
            record = read_document(raw)
        except ValueError as error:
            troubles.append(f"document {digest[:12]} is kept but not read: {error}")
            record = None
        found[digest] = raw, record
    documents = [
        Document(raw, digest, _whole(digest, record, found, troubles) if isinstance(record, Head) else record)
        for digest, (raw, record) in found.items()
    ]
    warnings = troubles[:_MOST_WARNINGS]
    if len(troubles) > _MOST_WARNINGS:
        warnings.append(f"{len(troubles) - _MOST_WARNINGS} more documents are kept but not read")
    if too_much:
        warnings.append(too_much)
    buried = {d.record.digest for d in documents if type(d.record) is Tombstone}
    return [d for d in documents if d.digest not in buried] if buried else documents, warnings


def _readable(note: bytes) -> tuple[list[bytes], str]:
    """Return as many documents as are read of one note, and, where that is not all, what to say of it."""
    if len(note) <= MAX_NOTE:
        pieces = split(note)
        if len(pieces) <= MAX_DOCUMENTS:
            return pieces, ""
        return pieces[:MAX_DOCUMENTS], f"only the first {MAX_DOCUMENTS} documents are read; the rest is kept"
    said = f"the note has more than {MAX_NOTE >> 20} MiB; what stands after them is kept but not read"
    # The last one may be cut off in the middle.
    return split(note[:MAX_NOTE])[:-1][:MAX_DOCUMENTS], said


def _whole(
    digest: str,
    head: Head,
    found: Mapping[str, tuple[bytes, Record | Head | None]],
    troubles: list[str],
) -> Intent | None:
    """Return an intent with its parts; half a prompt would say something else, so that counts as unread."""
    parts = [found[part][1] for part in head.parts if part in found]
    known = [part for part in parts if isinstance(part, Part)]
    lost = len(head.parts) - len(known)
    try:
        whole = joined(head.intent, known)
    except ValueError as error:
        troubles.append(f"document {digest[:12]} is kept but not read: {error}")
        return None
    if lost:
        troubles.append(f"document {digest[:12]} is kept but not read: {lost} of its parts are missing")
        return None
    return whole


def union(*notes: bytes) -> bytes:
    """Return one note with every document of these, none twice, and none that a tombstone has buried.

    The order of first appearance is kept, and a note that already holds all is returned as it is, byte for
    byte. What nobody can read counts like everything else.
    """
    order: dict[str, bytes] = {}
    buried: set[str] = set()
    wanted: list[str] = []
    for at, note in enumerate(notes):
        pieces = split(note)
        for raw in pieces:
            digest = digest_of(raw)
            if digest not in order:
                order[digest] = raw
                buried |= _buries(raw)
        if at == 0:
            wanted = list(order) if len(order) == len(pieces) else []
    kept = [digest for digest in order if digest not in buried]
    if notes and kept == wanted:
        return notes[0]
    return b"".join([order[digest] for digest in kept])


def _buries(raw: bytes) -> set[str]:
    """Return the digest that a tombstone names; nothing for other documents and for broken ones."""
    if not raw.startswith(b"---\npurge:"):
        return set()
    try:
        record = read_document(raw)
    except ValueError:
        return set()
    return {record.digest} if isinstance(record, Tombstone) else set()


def document(record: Record) -> Document:
    """Return the document that our writer makes of a record; the first one where it makes several."""
    raw = split(encode(record))[0]
    return Document(raw, digest_of(raw), record)
