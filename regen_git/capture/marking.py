"""Correct the evidence: write into commits' notes who made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.capture.clock import now
from regen_git.ledger.marks import Mark, encode_mark, marked_as
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.marks import Maker

__all__ = ["mark_commits"]


def mark_commits(repo: Repository, maker: Maker, commits: Sequence[Oid]) -> None:
    """Say in the ledger who made these commits; saying what it says already changes nothing."""
    ledger = Ledger(repo)
    ident = repo.git("var", "GIT_AUTHOR_IDENT", ok=(0, 128)).decode("utf-8", "replace")
    author = ident.rpartition(">")[0] + ">" if ">" in ident else "unknown"
    raw = encode_mark(Mark(maker, now(), author))
    todo = [oid for oid in commits if marked_as(ledger.of(oid).documents) != maker]
    if todo:
        ledger.append_raw(dict.fromkeys(todo, raw), f"regen: mark {maker}")
