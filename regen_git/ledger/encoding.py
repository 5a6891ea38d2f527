"""Write records as documents: the same record always gives the same bytes."""

from __future__ import annotations

import hashlib
import string
from typing import TYPE_CHECKING, TypeAlias

from regen_git.domain.intent import FORMAT, Binding, Intent, Part, Tombstone
from regen_git.ledger.parts import spread
from regen_git.ledger.yamltext import block, flow_list, flow_map, scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import RepoPath
    from regen_git.domain.intent import Prompt

__all__ = ["MAX_DOCUMENT", "Record", "digest_of", "encode"]

Record: TypeAlias = "Intent | Binding | Part | Tombstone"

MAX_DOCUMENT = 1 << 20
"""Bytes a document may have; a longer one is kept but not read."""

_SHOWN = frozenset(string.printable[:95]) - {'"', "\\"}


def digest_of(raw: bytes) -> str:
    """Return a document's identity: SHA-256 of its bytes, in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def encode(record: Record) -> bytes:
    """Write a record: one document, and further ones only for an intent that is too long for one.

    The same record always gives the same bytes.
    """
    if isinstance(record, Intent):
        raw = _bytes(_encode_intent(record))
        if len(raw) <= MAX_DOCUMENT:
            return raw
        head, parts = spread(record)
        raws = [_bytes(_encode_part(part)) for part in parts]
        return b"".join([_bytes(_encode_intent(head, [digest_of(raw) for raw in raws])), *raws])
    if isinstance(record, Binding):
        return _bytes(_encode_binding(record))
    if isinstance(record, Part):
        return _bytes(_encode_part(record))
    return _bytes(f"purge: {scalar(record.intent)}\ndigest: {scalar(record.digest)}\n")


def _bytes(text: str) -> bytes:
    return ("---\n" + text).encode("utf-8", "replace")


def _encode_intent(intent: Intent, parts: Sequence[str] = ()) -> str:
    lines = [f"intent: {scalar(intent.id)}", *_encode_prompts(intent.prompts)]
    if intent.approved is not None:
        lines.append(f"approved: {block(intent.approved, 2)}")
    lines.append(f"origin: {intent.origin}")
    if intent.author is not None:
        lines.append(f"author: {scalar(intent.author)}")
    if intent.agent is not None:
        agent = intent.agent
        named = [("name", agent.name), ("version", agent.version), ("model", agent.model)]
        pairs = [(key, value) for key, value in [*named, ("session", agent.session)] if value is not None]
        lines.append("agent: " + flow_map([(key, flow_list([value])[1:-1]) for key, value in pairs]))
    lines.append(f"revision: {intent.revision}")
    lines.append(f"supersedes: {flow_list(list(intent.supersedes))}")
    if intent.retracted:
        lines.append("retracted: true")
    if intent.edits:
        lines.append(f"edits: {flow_list(list(intent.edits))}")
    lines.append(f"format: {intent.format}")
    lines.append(f"redacted: {intent.redacted}")
    if parts:
        lines.append(f"parts: {flow_list(list(parts))}")
    return "\n".join(lines) + "\n"


def _encode_part(part: Part) -> str:
    lines = [f"part: {scalar(part.intent)}"]
    if part.continues is not None:
        lines.append(f"continues: {block(part.continues, 2)}")
    if part.prompts:
        lines += _encode_prompts(part.prompts)
    if part.approved is not None:
        lines.append(f"approved: {block(part.approved, 2)}")
    lines.append(f"format: {FORMAT}")
    return "\n".join(lines) + "\n"


def _encode_prompts(prompts: Sequence[Prompt]) -> list[str]:
    lines = ["prompts:" if prompts else "prompts: []"]
    for prompt in prompts:
        lines.append(f"- text: {block(prompt.text, 4)}")
        if prompt.at is not None:
            lines.append(f"  at: {scalar(prompt.at)}")
        if prompt.kind is not None:
            lines.append(f"  class: {prompt.kind}")
        if prompt.answers is not None:
            lines.append(f"  answers: {block(prompt.answers, 4)}")
        if prompt.refs:
            lines.append(f"  refs: {flow_list(list(prompt.refs))}")
    return lines


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
