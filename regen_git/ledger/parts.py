"""Spread an intent that is too long for one document over several, and put it together again.

The parts are documents like all others, in the same note: whatever copies, merges or publishes notes takes
them along. The intent's own document names them by their digests, in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.domain.intent import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regen_git.domain.intent import Intent, Prompt

__all__ = ["joined", "spread"]

ROOM = 100_000
"""Characters of text to a part. The widest escape takes ten bytes, so that a mebibyte is enough."""

_METADATA = 200
"""What the keys of one prompt take, at most."""


@dataclass(slots=True)
class _Page:
    """What goes into one document."""

    continues: str | None = None
    prompts: list[Prompt] = field(default_factory=list)
    approved: str | None = None
    size: int = 0


def spread(intent: Intent) -> tuple[Intent, tuple[Part, ...]]:
    """Return the beginning of an intent, and the parts in which it goes on."""
    pages = [_Page()]

    def page_for(size: int) -> _Page:
        if pages[-1].size and pages[-1].size + size > ROOM:
            pages.append(_Page())
        pages[-1].size += size
        return pages[-1]

    for prompt in intent.prompts:
        first, *rest = _pieces(prompt.text)
        more = len(prompt.answers or "") + sum(map(len, prompt.refs)) + _METADATA
        page_for(len(first) + more).prompts.append(replace(prompt, text=first))
        pages += [_Page(continues=piece, size=len(piece)) for piece in rest]
    if intent.approved is not None:
        first, *rest = _pieces(intent.approved)
        page_for(len(first)).approved = first
        pages += [_Page(approved=piece, size=len(piece)) for piece in rest]
    head, *others = pages
    parts = tuple(Part(intent.id, p.continues, tuple(p.prompts), p.approved) for p in others)
    return replace(intent, prompts=tuple(head.prompts), approved=head.approved), parts


def joined(head: Intent, parts: Iterable[Part]) -> Intent:
    """Put an intent together again. Raises ``ValueError`` for parts that do not fit."""
    prompts = list(head.prompts)
    approved = [] if head.approved is None else [head.approved]
    for part in parts:
        if part.intent != head.id:
            raise ValueError("one of its parts is another intent's")
        if part.continues is not None:
            if not prompts:
                raise ValueError("one of its parts continues nothing")
            prompts[-1] = replace(prompts[-1], text=prompts[-1].text + part.continues)
        prompts += part.prompts
        if part.approved is not None:
            approved.append(part.approved)
    return replace(head, prompts=tuple(prompts), approved="".join(approved) if approved else None)


def _pieces(text: str) -> Iterator[str]:
    """Cut a text into pieces that fit, after a line where one ends in the second half of a piece."""
    at = 0
    while len(text) - at > ROOM:
        line = text.rfind("\n", at + ROOM // 2, at + ROOM) + 1
        end = line or at + ROOM
        yield text[at:end]
        at = end
    yield text[at:]
