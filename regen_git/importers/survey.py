"""A cheap look at what could be imported, for ``init`` to offer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from regen_git.errors import RegenError
from regen_git.importers.claude import import_claude
from regen_git.importers.commits import import_commits
from regen_git.importers.history import Counts

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.git.repository import Repository

__all__ = ["ImportCounts", "Offer", "survey"]

LAST = 300
"""How many commits, the newest, are looked at."""

ImportCounts = Counts


@dataclass(frozen=True, slots=True)
class Offer:
    """One import that would add something: a question for the person, and what to do at a yes.

    ``command`` is what a person types to do it.
    """

    question: str
    command: str
    run: Callable[[], Counts]


def survey(repo: Repository, last: int = LAST) -> list[Offer]:
    """Return what could be imported onto the newest commits; empty if nothing, or if there are no commits."""
    offers: list[Offer] = []
    try:
        sessions = import_claude(repo, max_count=last, dry_run=True)
        messages = import_commits(repo, max_count=last, dry_run=True)
    except RegenError:
        # A repository without commits, or without a history to read, has nothing to offer.
        return []
    if sessions.intents:
        found = f"{_many(sessions.prompts, 'prompt')} in {_many(sessions.sessions, 'local session')}"
        onto = f"{sessions.commits} of your last {_many(sessions.looked_at, 'commit')}"
        question = f"{found} of Claude Code match {onto}: import?"
        offers.append(
            Offer(question, "git regen import claude", partial(import_claude, repo, max_count=last))
        )
    if messages.intents:
        found = f"{messages.commits} of your last {_many(messages.looked_at, 'commit message')}"
        question = f"{found} carry {_many(messages.prompts, 'prompt')}: import?"
        offers.append(
            Offer(question, "git regen import commits", partial(import_commits, repo, max_count=last))
        )
    return offers


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
