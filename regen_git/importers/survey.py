"""A cheap look at what could be imported, for ``init`` to offer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.agents import NAMES, load
from regen_git.errors import RegenError
from regen_git.importers.aider import import_aider
from regen_git.importers.commits import import_commits
from regen_git.importers.entire import import_entire
from regen_git.importers.entire_store import has_checkpoints, named_in
from regen_git.importers.git_ai import import_git_ai, noted_commits
from regen_git.importers.history import Counts, existing_notes, read_past
from regen_git.importers.sessions import import_found, import_sessions, read_sessions, transcripts, worktrees
from regen_git.importers.specstory import history_files, import_specstory

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.git.repository import Repository

__all__ = ["ImportCounts", "Offer", "survey"]

LAST = 300
"""How many commits, the newest, are looked at."""

MOST = 1 << 20
"""Bytes of what each agent or tool kept that are looked at, the newest; a person waits."""

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
    try:
        return [
            *_sessions(repo, last),
            *_specstory(repo, last),
            *_other_tools(repo, last),
            *_messages(repo, last),
        ]
    except RegenError:
        # A repository without commits, or without a history to read, has nothing to offer.
        return []


def _sessions(repo: Repository, last: int) -> list[Offer]:
    tops = worktrees(repo)
    offers: list[Offer] = []
    for name in NAMES:
        files = transcripts(name, tops)
        if not files:
            continue
        looked_at = _newest(files)
        counts = Counts()
        found = read_sessions([(name, path) for path in looked_at], tops, counts)
        import_found(repo, found, "HEAD", counts=counts, tops=tops, source="", max_count=last, dry_run=True)
        if not counts.intents:
            continue
        run = (
            partial(import_aider, repo, max_count=last)
            if name == "aider"
            else partial(import_sessions, repo, [name], max_count=last)
        )
        held = f"{_many(counts.sessions, 'local session')} of {load(name).TITLE}"
        question = _question(counts, held, len(looked_at), len(files))
        offers.append(Offer(question, f"git regen import {name}", run))
    return offers


def _specstory(repo: Repository, last: int) -> list[Offer]:
    files = [str(path) for path in history_files(repo, worktrees(repo))]
    if not files:
        return []
    looked_at = _newest(files)
    newest = [Path(path) for path in looked_at]
    counts = import_specstory(repo, files=newest, max_count=last, dry_run=True)
    if not counts.intents:
        return []
    held = f"{_many(counts.sessions, 'session')} that SpecStory wrote down"
    question = _question(counts, held, len(looked_at), len(files))
    return [Offer(question, "git regen import specstory", partial(import_specstory, repo, max_count=last))]


def _question(counts: Counts, held: str, looked_at: int, files: int) -> str:
    some = "" if looked_at == files else f" (the newest {looked_at} of {files} looked at)"
    onto = f"{counts.commits} of your last {_many(counts.looked_at, 'commit')}"
    return f"{_many(counts.prompts, 'prompt')} in {held} match {onto}{some}: import?"


def _other_tools(repo: Repository, last: int) -> list[Offer]:
    """Offer what Entire and git-ai keep in the repository; to read it would take too long here."""
    past = read_past(repo, max_count=last)
    named = {commit.id for commit in past if named_in(commit.message)} if has_checkpoints(repo) else set()
    noted = noted_commits(repo).intersection(commit.id for commit in past)
    if not named and not noted:
        return []
    told = {oid for oid, note in existing_notes(repo, "HEAD", named | noted).items() if note.intents}
    offers: list[Offer] = []
    of_last = f"of your last {_many(len(past), 'commit')}"
    if named - told:
        question = f"{len(named - told)} {of_last} name checkpoints of Entire: import?"
        offers.append(
            Offer(question, "git regen import entire", partial(import_entire, repo, max_count=last))
        )
    if noted - told:
        question = f"{len(noted - told)} {of_last} have notes of git-ai: import?"
        offers.append(
            Offer(question, "git regen import git-ai", partial(import_git_ai, repo, max_count=last))
        )
    return offers


def _messages(repo: Repository, last: int) -> list[Offer]:
    messages = import_commits(repo, max_count=last, dry_run=True)
    if not messages.intents:
        return []
    found = f"{messages.commits} of your last {_many(messages.looked_at, 'commit message')}"
    question = f"{found} carry {_many(messages.prompts, 'prompt')}: import?"
    return [Offer(question, "git regen import commits", partial(import_commits, repo, max_count=last))]


def _newest(files: list[str]) -> list[str]:
    """Return the newest transcripts, as many as a person has the patience for; one at least."""
    kept: list[str] = []
    size = 0
    for _, path, more in sorted(map(_age_and_size, files), reverse=True):
        size += more
        if kept and size > MOST:
            break
        kept.append(path)
    return sorted(kept)


def _age_and_size(path: str) -> tuple[float, str, int]:
    try:
        known = os.stat(path)  # noqa: PTH116 - text in, text out
    except OSError:
        # Not a file by itself: a session in a database.
        return 0.0, path, 0
    return known.st_mtime, path, known.st_size


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
