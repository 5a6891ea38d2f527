"""Prompts that no hook told of, found later in the transcripts of sessions that are known here.

A prompt typed while the agent was busy, or while its hooks were switched off, stands only in the transcript.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from regen_git.agents import NAMES
from regen_git.importers.history import Counts
from regen_git.importers.sessions import import_found, read_sessions, transcripts, worktrees

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from regen_git.agents.transcripts import Turn
    from regen_git.git.repository import Repository
    from regen_git.importers.matching import Found

__all__ = ["late_prompts"]

_MARK = "#"

LARGEST = 64 << 20
"""Bytes of a transcript that is read without being asked for; 'import' reads any."""


def late_prompts(
    repo: Repository,
    sessions: Mapping[tuple[str, str], int],
    waiting: Collection[tuple[str, str]],
) -> tuple[Counts, dict[tuple[str, str], int]]:
    """Write what these sessions were asked, if the ledger lacks it and a commit came of it.

    ``sessions`` has the size of each transcript, by agent and session, when it was last read (or the time of
    a file with many sessions); one that is as it was is not read again. ``waiting`` are the prompts, by
    session, that wait for a commit of their own. Returns what was written and the sizes now.
    """
    counts, sizes = Counts(), dict(sessions)
    tops = worktrees(repo)
    files: list[tuple[str, str]] = []
    for agent in dict.fromkeys(agent for agent, _ in sessions if agent in NAMES):
        for path in transcripts(agent, tops):
            named = _named(agent, path, sessions)
            if named is None:
                continue
            size = _size(path)
            state = _changed(path) if _MARK in path else size
            if 0 <= size <= LARGEST and state != sessions[named]:
                sizes[named] = state
                files.append((agent, path))
    found = [_without(one, waiting) for one in read_sessions(files, tops, counts)]
    found = [one for one in found if one.session.turns and (one.agent, one.session.id) in sessions]
    if found:
        source = "sessions whose hooks missed them"
        import_found(repo, found, counts=counts, tops=tops, source=source, span="HEAD")
    return counts, sizes


def _named(agent: str, path: str, sessions: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the session that a transcript is of, by its name; the first digits alone are less certain.

    Some agents begin the ids of sessions with the time: those of one minute have the same first digits.
    """
    mine = [key for key in sessions if key[0] == agent and key[1]]
    whole = (key for key in mine if key[1] in path)
    return next(whole, None) or next((key for key in mine if key[1][:8] in path), None)


def _without(found: Found, waiting: Collection[tuple[str, str]]) -> Found:
    """Return a session without the turns that wait for a commit."""
    session = found.session

    def waits(turn: Turn) -> bool:
        return any((session.id, typed.text.strip()) in waiting for typed in turn.prompts)

    return found._replace(session=session._replace(turns=tuple(t for t in session.turns if not waits(t))))


def _size(path: str) -> int:
    """Return the bytes of the file that holds a transcript; some name a session in it behind a mark."""
    try:
        return os.stat(path if os.path.exists(path) else path.rpartition(_MARK)[0]).st_size  # noqa: PTH110, PTH116
    except OSError:
        return -1


def _changed(path: str) -> int:
    """Return when a file with many sessions was changed last, in nanoseconds; a database has a log beside it.

    Its size tells little: rows take the place of others, and are in the log first.
    """
    file = path.rpartition(_MARK)[0]
    times = [0]
    for one in (file, file + "-wal"):
        with contextlib.suppress(OSError):
            times.append(os.stat(one).st_mtime_ns)  # noqa: PTH116 - text in
    return max(times)
