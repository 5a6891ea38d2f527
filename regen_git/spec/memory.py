"""What the last fold wrote, kept in ``.regen/spec/.folded``: how the next tells its own words from people's.

Sorted lines, three or five words apart by tabs::

    asked  3f9c2a7be01d4c55@1  <digest of what the rules made of the intent>
    page   <page that the fold made>
    wrote  3f9c2a7be01d4c55@1  <page>  s  <digest of a statement; l: of what is left out>

Lines that cannot be read, as a merge with conflicts leaves them, count for nothing: what the fold does not
know to be its own is a person's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

from regen_git.domain.ids import IntentId
from regen_git.spec.values import LeftOut, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from regen_git.spec.values import Page, Source

__all__ = ["Key", "Memory", "asked_now", "digest_of", "key_of", "read_memory", "units", "write_memory"]

Key: TypeAlias = "tuple[tuple[IntentId, ...], str, str]"
"""The intents that a statement rests on, sorted; ``s`` or ``l``; the digest of its words."""

_ASKED = re.compile(r"asked\t([0-9a-f]{16})@(\d{1,9})\t([0-9a-f]{16})")
_WROTE = re.compile(r"wrote\t((?:[0-9a-f]{16}@\d{1,9} ?)+)\t([^\t]*)\t([sl])\t([0-9a-f]{16})")
_PAGE = re.compile(r"page\t([^\t]+)")
_DIGITS = 16


@dataclass(slots=True)
class Memory:
    """``asked``: what the rules made of each intent; ``wrote``: the lines of the file, by key."""

    asked: dict[IntentId, set[str]] = field(default_factory=dict)
    revisions: dict[IntentId, int] = field(default_factory=dict)
    wrote: dict[Key, str] = field(default_factory=dict)
    pages: set[str] = field(default_factory=set)


def digest_of(one: Statement | LeftOut) -> str:
    """Return what identifies the words of a statement, however its lines are broken.

    What stands below it counts where it rests on nothing of its own.
    """
    return sha256(_words(one).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _words(one: Statement | LeftOut) -> str:
    if isinstance(one, LeftOut):
        return " ".join(f"{one.reason}: {one.text}".split())
    below = [_words(child) for child in one.conditions if not child.sources]
    return "\n- ".join([" ".join(one.text.split()), *below])


def key_of(one: Statement | LeftOut) -> Key:
    """Return the key of a statement, a condition or what is left out."""
    ids = tuple(sorted({source.intent for source in one.sources}))
    return ids, "l" if isinstance(one, LeftOut) else "s", digest_of(one)


def units(page: Page) -> Iterator[Statement | LeftOut]:
    """Yield what rests on intents, statements with their conditions first."""
    yield from _below(page.statements)
    yield from (one for one in page.left_out if one.sources)


def _below(statements: Iterable[Statement]) -> Iterator[Statement]:
    for one in statements:
        if one.sources:
            yield one
        yield from _below(one.conditions)


def asked_now(keys: Iterable[Key]) -> dict[IntentId, str]:
    """Return what identifies all that was made of each intent; ``keys`` of all that, in order."""
    parts: dict[IntentId, list[str]] = {}
    for ids, kind, digest in keys:
        for intent in ids:
            parts.setdefault(intent, []).append(kind + digest)
    return {
        intent: sha256("\n".join(some).encode("ascii")).hexdigest()[:_DIGITS]
        for intent, some in parts.items()
    }


def read_memory(text: str) -> Memory:
    """Read the file; broken lines are passed over."""
    memory = Memory()
    for line in text.split("\n"):
        if asked := _ASKED.fullmatch(line):
            intent = IntentId(asked[1])
            memory.asked.setdefault(intent, set()).add(asked[3])
            memory.revisions[intent] = max(int(asked[2]), memory.revisions.get(intent, 0))
        elif page := _PAGE.fullmatch(line):
            memory.pages.add(page[1])
        elif wrote := _WROTE.fullmatch(line):
            ids = tuple(sorted(IntentId(word.partition("@")[0]) for word in wrote[1].split()))
            memory.wrote[ids, wrote[3], wrote[4]] = line
    return memory


def remember(memory: Memory, page: str, key: Key, sources: Sequence[Source]) -> None:
    """Note that the fold wrote this."""
    revisions = {source.intent: source.revision for source in sources}
    ids = " ".join(f"{intent}@{revisions[intent]}" for intent in key[0])
    memory.wrote[key] = f"wrote\t{ids}\t{page}\t{key[1]}\t{key[2]}"


def write_memory(memory: Memory) -> str:
    """Return the file's text."""
    lines = [*memory.wrote.values(), *(f"page\t{name}" for name in memory.pages)]
    for intent, digests in memory.asked.items():
        lines += [f"asked\t{intent}@{memory.revisions[intent]}\t{digest}" for digest in digests]
    return "".join(f"{line}\n" for line in sorted(lines))
