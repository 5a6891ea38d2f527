r"""Correct the evidence: a document in a commit's note that says who made the commit.

It is a document of its own, beside intents and bindings, and readers of those pass it over::

    ---
    mark: human
    at: 2026-11-22T09:58:12Z
    author: Ada Example <ada@example.org>
    format: 1

The newest one counts; the others stay as history.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from regen_git.capture.clock import now
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.codec import Document

__all__ = ["Maker", "mark_commits", "marked_as"]

Maker = Literal["human", "agent"]

_MARK = re.compile(rb"\A---\nmark: (human|agent)\nat: (\S+)\n")


def mark_commits(repo: Repository, maker: Maker, commits: Sequence[Oid]) -> None:
    """Say in the ledger who made these commits; saying what it says already changes nothing."""
    ledger = Ledger(repo)
    ident = repo.git("var", "GIT_AUTHOR_IDENT", ok=(0, 128)).decode("utf-8", "replace")
    author = ident.rpartition(">")[0] + ">" if ">" in ident else "unknown"
    shown = author.replace("\\", "\\\\").replace('"', '\\"')
    text = f'---\nmark: {maker}\nat: {now()}\nauthor: "{shown}"\nformat: 1\n'
    todo = [oid for oid in commits if marked_as(ledger.of(oid).documents) != maker]
    if todo:
        ledger.append_raw({oid: text.encode() for oid in todo}, f"regen: mark {maker}")


def marked_as(documents: Iterable[Document]) -> Maker | None:
    """Return who made a commit as its note says; ``None`` when nobody has said."""
    found: list[tuple[bytes, int, Maker]] = []
    for i, document in enumerate(documents):
        match = _MARK.match(document.raw)
        if match:
            found.append((match[2], i, "human" if match[1] == b"human" else "agent"))
    return max(found)[2] if found else None
