"""Prompts that no hook told of, found later in the transcripts of sessions that are known here.

A prompt typed while the agent was busy, or while its hooks were switched off, stands only in the transcript.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from regen_git.agents import NAMES
from regen_git.importers.history import Counts
from regen_git.importers.sessions import import_found, read_sessions, worktrees

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from regen_git.agents.transcripts import Turn
    from regen_git.git.repository import Repository
    from regen_git.importers.matching import Found

__all__ = ["late_prompts", "size_of"]

LARGEST = 64 << 20
"""Bytes of a transcript that is read without being asked for; 'import' reads any."""


def late_prompts(
    repo: Repository, transcripts: Iterable[tuple[str, str]], waiting: Collection[tuple[str, str]]
) -> Counts:
    """Write what was asked in these transcripts, if the ledger lacks it and a commit came of it.

    ``transcripts`` are agents with paths. ``waiting`` are the prompts, by session, that wait for a commit of
    their own. Returns what was written.
    """
    counts = Counts()
    files = [(agent, path) for agent, path in transcripts if agent in NAMES and size_of(path) <= LARGEST]
    if not files:
        return counts
    tops = worktrees(repo)
    found = [_without(one, waiting) for one in read_sessions(files, tops, counts)]
    found = [one for one in found if one.session.turns]
    if found:
        source = "sessions whose hooks missed them"
        import_found(repo, found, counts=counts, tops=tops, source=source, span="HEAD")
    return counts


def _without(found: Found, waiting: Collection[tuple[str, str]]) -> Found:
    """Return a session without the turns that wait for a commit."""
    session = found.session

    def waits(turn: Turn) -> bool:
        return any((session.id, typed.text.strip()) in waiting for typed in turn.prompts)

    return found._replace(session=session._replace(turns=tuple(t for t in session.turns if not waits(t))))


def size_of(path: str) -> int:
    """Return the bytes of a file; -1 where there is none."""
    try:
        return os.stat(path).st_size  # noqa: PTH116 - text in
    except (OSError, ValueError):
        return -1
