"""Notes as streams of YAML documents, and documents as records.

A document is identified by the digest of its bytes and is copied, never written anew; so the union of two
ledgers is the union of two sets. Readers are tolerant: what they cannot read they keep.
"""

from __future__ import annotations

import hashlib
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from regen_git.domain.ids import IntentId, is_intent_id
from regen_git.domain.intent import (
    FORMAT,
    ORIGINS,
    PROMPT_CLASSES,
    Agent,
    Binding,
    Intent,
    LineRange,
    Prompt,
    Tombstone,
)
from regen_git.ledger.yamltext import block, flow_list, flow_map, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regen_git.domain.ids import RepoPath

__all__ = ["Document", "Record", "document", "encode", "parse_note", "split", "union"]

Record: TypeAlias = "Intent | Binding | Tombstone"

MAX_DOCUMENT = 1 << 20
"""Bytes a document may have; a longer one is kept but not read."""

_BREAK = re.compile(rb"^---[ \t]*$", re.MULTILINE)
_SHOWN = frozenset(string.printable[:95]) - {'"', "\\"}
_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a note: its bytes from ``---`` on, without blank lines at the end.

    ``record`` is ``None`` for a document that no reader of this version understands.
    """

    raw: bytes
    digest: str
    record: Record | None


def split(note: bytes) -> list[bytes]:
    """Return a note's documents as bytes, each beginning with ``---``; text before the first counts too."""
    starts = [match.start() for match in _BREAK.finditer(note)]
    if not starts or note[: starts[0]].strip():
        starts.insert(0, 0)
    ends = [*starts[1:], len(note)]
    pieces = (_tidy(note[start:end]) for start, end in zip(starts, ends, strict=True))
    return [piece for piece in pieces if piece.removeprefix(b"---").strip()]


def _tidy(piece: bytes) -> bytes:
    return piece.rstrip(b"\n \t\r") + b"\n"


def digest_of(raw: bytes) -> str:
    """Return a document's identity: SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def parse_note(note: bytes) -> tuple[list[Document], list[str]]:
    """Return the documents of a note in order, without repetitions, and a warning for each unreadable one."""
    documents: list[Document] = []
    warnings: list[str] = []
    seen: set[str] = set()
    for raw in split(note):
        digest = digest_of(raw)
        if digest in seen:
            continue
        seen.add(digest)
        try:
            record = _read(raw)
        except (ValueError, RecursionError) as error:
            warnings.append(f"document {digest[:12]} is kept but not read: {error}")
            record = None
        documents.append(Document(raw, digest, record))
    buried = {d.record.digest for d in documents if isinstance(d.record, Tombstone)}
    return [d for d in documents if d.digest not in buried], warnings


def union(*notes: bytes) -> bytes:
    """Return one note with every document of these, none twice, and none that a tombstone has buried.

    The order of first appearance is kept, so a note that already holds all is returned as it is.
    """
    order: dict[str, bytes] = {}
    buried: set[str] = set()
    for note in notes:
        for raw in split(note):
            order.setdefault(digest_of(raw), raw)
            if raw.startswith(b"---\npurge:"):
                record = _read(raw)
                if isinstance(record, Tombstone):
                    buried.add(record.digest)
    kept = [raw for digest, raw in order.items() if digest not in buried]
    return b"".join(kept)


def document(record: Record) -> Document:
    """Return the document that our writer makes of a record."""
    raw = encode(record)
    return Document(raw, digest_of(raw), record)


def encode(record: Record) -> bytes:
    """Write one document. The same record always gives the same bytes."""
    if isinstance(record, Intent):
        text = _encode_intent(record)
    elif isinstance(record, Binding):
        text = _encode_binding(record)
    else:
        text = f"purge: {scalar(record.intent)}\ndigest: {scalar(record.digest)}\n"
    return ("---\n" + text).encode("utf-8", "replace")


def _encode_intent(intent: Intent) -> str:
    lines = [f"intent: {scalar(intent.id)}"]
    lines.append("prompts:" if intent.prompts else "prompts: []")
    for prompt in intent.prompts:
        lines.append(f"- text: {block(prompt.text, 4)}")
        if prompt.at is not None:
            lines.append(f"  at: {scalar(prompt.at)}")
        if prompt.kind is not None:
            lines.append(f"  class: {prompt.kind}")
        if prompt.answers is not None:
            lines.append(f"  answers: {block(prompt.answers, 4)}")
        if prompt.refs:
            lines.append(f"  refs: {flow_list(list(prompt.refs))}")
    if intent.approved is not None:
        lines.append(f"approved: {block(intent.approved, 2)}")
    lines.append(f"origin: {intent.origin}")
    if intent.author is not None:
        lines.append(f"author: {scalar(intent.author)}")
    if intent.agent is not None:
        agent = intent.agent
        parts = [("name", agent.name), ("version", agent.version), ("model", agent.model)]
        pairs = [(key, value) for key, value in [*parts, ("session", agent.session)] if value is not None]
        lines.append("agent: " + flow_map([(key, flow_list([value])[1:-1]) for key, value in pairs]))
    lines.append(f"revision: {intent.revision}")
    lines.append(f"supersedes: {flow_list(list(intent.supersedes))}")
    lines.append(f"format: {intent.format}")
    lines.append(f"redacted: {intent.redacted}")
    return "\n".join(lines) + "\n"


def _encode_binding(binding: Binding) -> str:
    lines = [f"binding: {scalar(binding.intent)}"]
    lines.append(f"wrote: {flow_list([_quote_path(p) for p in binding.wrote])}")
    lines.append(f"read: {flow_list([_quote_path(p) for p in binding.read])}")
    if binding.hand is not None:
        pairs = [
            (_quote_path(path), "[" + ", ".join(map(str, ranges)) + "]")
            for path, ranges in sorted(binding.hand.items())
        ]
        lines.append(f"hand: {flow_map(pairs)}")
    if binding.base is not None:
        lines.append(f"base: {scalar(binding.base)}")
    if binding.result is not None:
        lines.append(f"result: {scalar(binding.result)}")
    if binding.checks:
        lines.append("checks: " + flow_map([(k, scalar(v)) for k, v in binding.checks.items()]))
    return "\n".join(lines) + "\n"


def _quote_path(path: RepoPath) -> str:
    """Return the path; one that is not UTF-8 is C-quoted as git shows it, and so is one that looks quoted."""
    if path.startswith('"') or any("\udc80" <= c <= "\udcff" for c in path):
        raw = path.encode("utf-8", "surrogateescape")
        shown = "".join(chr(b) if chr(b) in _SHOWN else f"\\{b:03o}" for b in raw)
        return f'"{shown}"'
    return path


def _unquote_path(text: str) -> RepoPath:
    if not (len(text) > 1 and text.startswith('"') and text.endswith('"')):
        return text
    raw = re.sub(
        rb"\\([0-3][0-7]{2})", lambda m: bytes([int(m[1], 8)]), text[1:-1].encode("utf-8", "surrogateescape")
    )
    return raw.decode("utf-8", "surrogateescape")


def _read(raw: bytes) -> Record | None:
    """Return a document's record; ``None`` for a kind or version from the future. Raises ``ValueError``."""
    if len(raw) > MAX_DOCUMENT:
        raise ValueError(f"it has {len(raw)} bytes, the limit is {MAX_DOCUMENT}")
    from regen_git.ledger.yamlread import load

    data = load(raw)
    if not isinstance(data, dict):
        raise ValueError("it is not a mapping")
    if "intent" in data:
        return _read_intent(data)
    if "binding" in data:
        return _read_binding(data)
    if "purge" in data:
        return Tombstone(_id(data["purge"]), str(data.get("digest", "")))
    return None


def _read_intent(data: Mapping[str, Any]) -> Intent | None:
    version = _number(data.get("format"), FORMAT)
    if version > FORMAT:
        return None
    origin = data.get("origin")
    agent = data.get("agent")
    prompts = data.get("prompts") or []
    if not isinstance(prompts, list):
        raise ValueError("its 'prompts' is not a list")
    return Intent(
        id=_id(data["intent"]),
        prompts=tuple(_read_prompt(item) for item in prompts),
        origin=next((known for known in ORIGINS if known == origin), "imported"),
        author=_text(data.get("author")),
        agent=_read_agent(agent) if isinstance(agent, dict) else None,
        approved=_text(data.get("approved")),
        revision=_number(data.get("revision"), 1),
        supersedes=tuple(_id(item) for item in _list(data.get("supersedes"))),
        redacted=_number(data.get("redacted"), 0),
        format=version,
    )


def _read_prompt(item: object) -> Prompt:
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise ValueError("a prompt has no text")
    kind = item.get("class")
    return Prompt(
        text=item["text"],
        at=_text(item.get("at")),
        kind=next((known for known in PROMPT_CLASSES if known == kind), None),
        answers=_text(item.get("answers")),
        refs=tuple(str(ref) for ref in _list(item.get("refs"))),
    )


def _read_agent(data: Mapping[str, Any]) -> Agent:
    return Agent(
        name=str(data.get("name", "unknown")),
        version=_text(data.get("version")),
        model=_text(data.get("model")),
        session=_text(data.get("session")),
    )


def _read_binding(data: Mapping[str, Any]) -> Binding:
    hand = data.get("hand")
    checks = data.get("checks")
    return Binding(
        intent=_id(data["binding"]),
        wrote=tuple(_unquote_path(str(path)) for path in _list(data.get("wrote"))),
        read=tuple(_unquote_path(str(path)) for path in _list(data.get("read"))),
        hand={_unquote_path(str(p)): _ranges(r) for p, r in hand.items()} if isinstance(hand, dict) else None,
        base=_text(data.get("base")),
        result=_text(data.get("result")),
        checks={str(k): str(v) for k, v in checks.items()} if isinstance(checks, dict) else {},
    )


def _ranges(items: object) -> tuple[LineRange, ...]:
    found = []
    for item in _list(items):
        match = _RANGE.fullmatch(str(item))
        if match is None:
            raise ValueError(f"'{item}' is not a range of lines")
        found.append(LineRange(int(match[1]), int(match[2])))
    return tuple(found)


def _id(value: object) -> IntentId:
    text = str(value)
    if not is_intent_id(text):
        raise ValueError(f"'{text[:40]}' is not an intent id")
    return IntentId(text)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object, default: int) -> int:
    text = str(value) if value is not None else ""
    return int(text) if text.isdecimal() and len(text) < 10 else default  # noqa: PLR2004 - no real count is longer


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else []
