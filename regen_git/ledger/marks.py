r"""Marks: documents in a commit's note that say who made the commit, where a person knows better.

A mark is a document of its own, beside intents and bindings, and readers of those pass it over::

    ---
    mark: human
    at: 2026-11-22T09:58:12Z
    author: "Ada Example <ada@example.org>"
    format: 1

The newest one counts; the others stay as history.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.ledger.codec import Document

__all__ = ["Maker", "Mark", "encode_mark", "mark_of", "marked_as"]

Maker = Literal["human", "agent"]

_MARK = re.compile(
    rb"\A---\nmark: (human|agent)\nat: (\S+)\n(?:author: (?:\"((?:[^\"\\\n]|\\.)*)\"|([^\n]*))\n)?"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Who made a commit, and who said so (``Name <address>``) when (RFC 3339, UTC)."""

    maker: Maker
    at: str
    author: str

    def __str__(self) -> str:
        """Say it as evidence."""
        return f"marked {self.maker} by {self.author}"


def encode_mark(mark: Mark) -> bytes:
    """Write a mark as one document."""
    shown = mark.author.replace("\\", "\\\\").replace('"', '\\"')
    text = f'---\nmark: {mark.maker}\nat: {mark.at}\nauthor: "{shown}"\nformat: 1\n'
    return text.encode("utf-8", "replace")


def mark_of(documents: Iterable[Document]) -> Mark | None:
    """Return the mark that counts among a note's documents; ``None`` when nobody has said."""
    found: list[tuple[bytes, int, Mark]] = []
    for i, document in enumerate(documents):
        match = _MARK.match(document.raw)
        if match:
            quoted = re.sub(rb"\\(.)", rb"\1", match[3]) if match[3] is not None else match[4]
            author = (quoted or b"unknown").decode("utf-8", "replace")
            maker: Maker = "human" if match[1] == b"human" else "agent"
            found.append((match[2], i, Mark(maker, match[2].decode("ascii", "replace"), author)))
    return max(found, key=lambda one: one[:2])[2] if found else None


def marked_as(documents: Iterable[Document]) -> Maker | None:
    """Return who made a commit as its note says; ``None`` when nobody has said."""
    mark = mark_of(documents)
    return mark.maker if mark is not None else None
