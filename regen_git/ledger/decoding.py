"""Read documents as records; tolerant of what is new, never guessing at what is broken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regen_git.domain.ids import IntentId, is_intent_id
from regen_git.domain.intent import (
    FORMAT,
    ORIGINS,
    PROMPT_CLASSES,
    Agent,
    Binding,
    Intent,
    LineRange,
    Part,
    Prompt,
    Tombstone,
)
from regen_git.ledger.encoding import MAX_DOCUMENT
from regen_git.ledger.fastread import read_known_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from regen_git.domain.ids import RepoPath
    from regen_git.ledger.encoding import Record

__all__ = ["Head", "read_document"]

_MARKERS = re.compile(rb"^(?:<{7}|={7}|>{7}|\|{7})(?: .*)?\r?$", re.MULTILINE)
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Head:
    """An intent's own document that names others, by digest, in which it goes on."""

    intent: Intent
    parts: tuple[str, ...]


def read_document(raw: bytes) -> Record | Head | None:
    """Return a document's record; ``None`` for a kind or version from the future. Raises ``ValueError``."""
    if len(raw) > MAX_DOCUMENT:
        raise ValueError(f"it has {len(raw)} bytes, the limit is {MAX_DOCUMENT}")
    return read_known_shape(raw) or read_in_full(raw)


def read_in_full(raw: bytes) -> Record | Head | None:
    """Do the same for any YAML."""
    # Imported here: nearly all documents are of the known shape, and what is not needed costs time.
    from regen_git.ledger.yamlread import load

    try:
        data = load(raw)
    except ValueError as error:
        if _MARKERS.search(raw):
            raise ValueError("a merge has left its conflict markers in it") from error
        raise
    if not isinstance(data, dict):
        raise ValueError("it is not a mapping")
    if _number(data.get("format"), FORMAT) > FORMAT:
        return None
    kind = next((key for key in _READERS if key in data), None)
    return _READERS[kind](data) if kind is not None else None


def _read_intent(data: Mapping[str, Any]) -> Intent | Head:
    origin = data.get("origin")
    agent = data.get("agent")
    intent = Intent(
        id=_id(data["intent"]),
        prompts=_read_prompts(data),
        origin=next((known for known in ORIGINS if known == origin), "imported"),
        author=_text(data.get("author")),
        agent=_read_agent(agent) if isinstance(agent, dict) else None,
        approved=_text(data.get("approved")),
        revision=_number(data.get("revision"), 1),
        supersedes=tuple(_id(item) for item in _list(data.get("supersedes"))),
        redacted=_number(data.get("redacted"), 0),
        format=_number(data.get("format"), FORMAT),
        retracted=str(data.get("retracted")).lower() == "true",
        edits=tuple(str(item) for item in _list(data.get("edits"))),
    )
    parts = tuple(str(part) for part in _list(data.get("parts")))
    return Head(intent, parts) if parts else intent


def _read_part(data: Mapping[str, Any]) -> Part:
    return Part(
        _id(data["part"]), _text(data.get("continues")), _read_prompts(data), _text(data.get("approved"))
    )


def _read_prompts(data: Mapping[str, Any]) -> tuple[Prompt, ...]:
    prompts = data.get("prompts") or []
    if not isinstance(prompts, list):
        raise ValueError("its 'prompts' is not a list")
    return tuple(_read_prompt(item) for item in prompts)


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
            raise ValueError(f"{str(item)[:40]!a} is not a range of lines")
        found.append(LineRange(int(match[1]), int(match[2])))
    return tuple(found)


def _id(value: object) -> IntentId:
    text = str(value)
    if not is_intent_id(text):
        raise ValueError(f"{text[:40]!a} is not an intent id")
    return IntentId(text)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object, default: int) -> int:
    text = str(value) if value is not None else ""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else default  # noqa: PLR2004 - no real count is longer


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else []


def _unquote_path(text: str) -> RepoPath:
    if not (len(text) > 1 and text.startswith('"') and text.endswith('"')):
        return text
    raw = re.sub(
        rb"\\([0-3][0-7]{2})", lambda m: bytes([int(m[1], 8)]), text[1:-1].encode("utf-8", "surrogateescape")
    )
    return raw.decode("utf-8", "surrogateescape")


def _read_tombstone(data: Mapping[str, Any]) -> Tombstone:
    return Tombstone(_id(data["purge"]), str(data.get("digest", "")))


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Record | Head]] = {
    "intent": _read_intent,
    "binding": _read_binding,
    "part": _read_part,
    "purge": _read_tombstone,
}
