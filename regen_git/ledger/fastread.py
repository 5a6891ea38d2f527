"""Read the documents that our own writer makes, several times faster than a YAML reader does.

Reading a history means reading as many documents as it has commits, nearly all of this one shape. What
differs from it in anything, however slightly, is left to the full reader; a property test holds the two to
the same answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import FORMAT, PROMPT_CLASSES, Agent, Binding, Intent, LineRange, Prompt
from regen_git.ledger.yamltext import is_plain_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.domain.ids import RepoPath

__all__ = ["read_known_shape"]

# Scalars of which YAML leaves no doubt. A key may not be long: YAML wants its colon within 1,024 characters.
_PLAIN = r"[A-Za-z](?:[A-Za-z0-9._/@<>+ -]*[A-Za-z0-9_/>])?"
_QUOTED = r'"[^"\\\n\t]*"'
_ITEM = rf"(?:{_PLAIN}|{_QUOTED})"
_ITEMS = rf"(?:{_ITEM}(?:, {_ITEM})*)?"
_KEY = r'(?:[A-Za-z](?:[A-Za-z0-9._/@<>+ -]{0,200}[A-Za-z0-9_/>])?|"[^"\\\n\t]{0,200}")'
_RANGES = r"(?:[0-9]{1,9}-[0-9]{1,9}(?:, [0-9]{1,9}-[0-9]{1,9})*)?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_ID = r'("?)([0-9a-f]{16})'
_TREE = r"[0-9a-f]{40}(?:[0-9a-f]{24})?"


def _block(indent: int) -> str:
    """Match a literal block or one quoted line: groups chomping, lines, quoted text."""
    pad = " " * indent
    lines = rf"{pad}[^ \t\n][^\n]*\n(?:(?:{pad}[^\n]+)?\n)*"
    return rf'(?:\|([-+]?)\n({lines})|"([^"\\\n\t]*)"\n)'


_INTENT = re.compile(rf"---\nintent: {_ID}\1\nprompts:(?: \[\])?\n")
_PROMPT = re.compile(
    rf"- text: {_block(4)}"
    rf"(?:  at: ({_TIME})\n)?"
    rf"(?:  class: ({'|'.join(PROMPT_CLASSES)})\n)?"
    rf"(?:  answers: {_block(4)})?"
    rf"(?:  refs: \[({_ITEMS})\]\n)?"
)
_TAIL = re.compile(
    rf"(?:approved: {_block(2)})?"
    r"origin: (captured|explicit|imported)\n"
    rf"(?:author: ({_PLAIN}|{_QUOTED})\n)?"
    rf"(?:agent: \{{name: ({_ITEM})(?:, version: ({_ITEM}))?(?:, model: ({_ITEM}))?"
    rf"(?:, session: ({_ITEM}))?\}}\n)?"
    r"revision: ([0-9]{1,9})\n"
    rf"supersedes: \[({_ITEMS})\]\n"
    r"(?:retracted: (true)\n)?"
    rf"(?:edits: \[({_ITEMS})\]\n)?"
    rf"format: {FORMAT}\n"
    r"redacted: ([0-9]{1,9})\n"
)
_BINDING = re.compile(
    rf"---\nbinding: {_ID}\1\n"
    rf"wrote: \[({_ITEMS})\]\n"
    rf"read: \[({_ITEMS})\]\n"
    rf"(?:hand: \{{((?:{_KEY}: \[{_RANGES}\](?:, {_KEY}: \[{_RANGES}\])*)?)\}}\n)?"
    rf'(?:base: ("?)({_TREE})\6\n)?'
    rf'(?:result: ("?)({_TREE})\8\n)?'
)
_HAND = re.compile(rf"({_KEY}): \[({_RANGES})\](?:, |$)")
_ONE_ITEM = re.compile(_ITEM)
_ONE_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_BLANK_LINE = re.compile(r"\n[ \t]+\n")
_ONE_ID = re.compile(r"[0-9a-f]{16}")


def read_known_shape(raw: bytes) -> Intent | Binding | None:
    """Return the record of a document of exactly our writer's shape; ``None`` where there is any doubt."""
    is_intent = raw.startswith(b"---\nintent:")
    if not is_intent and not raw.startswith(b"---\nbinding:"):
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    # Characters that YAML forbids or breaks lines at, and lines of nothing but blanks.
    if not is_plain_text(text) or _BLANK_LINE.search(text):
        return None
    try:
        return _intent(text) if is_intent else _binding(text)
    except _DoubtError:
        return None


class _DoubtError(Exception):
    """The full reader must look at it."""


def _intent(text: str) -> Intent:
    head = _INTENT.match(text)
    if head is None:
        raise _DoubtError
    prompts, at = _prompts(text, head.end())
    tail = _TAIL.fullmatch(text, at)
    if tail is None or bool(prompts) == head[0].endswith("[]\n"):
        raise _DoubtError
    chomp, lines, quoted, origin, author, name, version, model, session = tail.groups()[:9]
    revision, replaced, retracted, edits, redacted = tail.groups()[9:]
    supersedes = _items(replaced)
    if not all(_ONE_ID.fullmatch(one) for one in supersedes):
        raise _DoubtError
    return Intent(
        IntentId(head[2]),
        tuple(prompts),
        origin,  # type: ignore[arg-type]
        _maybe(author),
        None if name is None else Agent(_bare(name), _maybe(version), _maybe(model), _maybe(session)),
        _text(chomp, lines, quoted, "\n  "),
        int(revision),
        tuple(map(IntentId, supersedes)),
        int(redacted),
        retracted=retracted is not None,
        edits=_items(edits),
    )


def _prompts(text: str, at: int) -> tuple[list[Prompt], int]:
    """Return the prompts from a place on, and where they end."""
    prompts: list[Prompt] = []
    while (found := _PROMPT.match(text, at)) is not None:
        at = found.end()
        chomp, lines, quoted, when, kind, chomp2, lines2, quoted2, refs = found.groups()
        said = _text(chomp, lines, quoted, "\n    ") or ""
        answers = _text(chomp2, lines2, quoted2, "\n    ")
        prompts.append(Prompt(said, when, kind, answers, _items(refs)))  # type: ignore[arg-type]
    return prompts, at


def _binding(text: str) -> Binding:
    found = _BINDING.fullmatch(text)
    if found is None:
        raise _DoubtError
    _, intent, wrote, read, hand, _, base, _, result = found.groups()
    mended: Mapping[RepoPath, tuple[LineRange, ...]] | None = None
    if hand is not None:
        pairs = _HAND.findall(hand)
        mended = {_bare(path): _ranges(ranges) for path, ranges in pairs}
        if len(mended) != len(pairs):
            raise _DoubtError
    return Binding(IntentId(intent), _items(wrote), _items(read), mended, base, result)


def _text(chomp: str | None, lines: str | None, quoted: str | None, margin: str) -> str | None:
    """Return what a block or a quoted line says; ``None`` where there is neither."""
    if lines is None:
        return quoted
    body = ("\n" + lines[:-1]).replace(margin, "\n")[1:]
    if chomp == "+":
        return body + "\n"
    if body.endswith("\n"):
        raise _DoubtError  # empty lines that YAML would drop; our writer keeps them with "+"
    return body if chomp else body + "\n"


def _ranges(text: str) -> tuple[LineRange, ...]:
    return tuple(LineRange(int(first), int(last)) for first, last in _ONE_RANGE.findall(text))


def _items(text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    if '"' not in text:
        return tuple(text.split(", "))
    return tuple(map(_bare, _ONE_ITEM.findall(text)))


def _bare(item: str) -> str:
    return item[1:-1] if item.startswith('"') else item


def _maybe(item: str | None) -> str | None:
    return None if item is None else _bare(item)
