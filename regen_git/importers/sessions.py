"""Take prompts from the transcripts that agents keep on this machine, onto commits that exist already."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from regen_git.agents import NAMES, load
from regen_git.importers.history import Counts, read_reachable
from regen_git.importers.known import seconds_of
from regen_git.importers.matching import Found, gone_commits, inside, match
from regen_git.importers.writing import write_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from regen_git.agents.transcripts import Session
    from regen_git.git.repository import Repository
    from regen_git.importers.history import Past

__all__ = [
    "UNREADABLE",
    "import_found",
    "import_sessions",
    "read_sessions",
    "transcripts",
    "without_repeats",
    "worktrees",
]

UNREADABLE = "transcript that cannot be read"


def import_sessions(
    repo: Repository,
    agents: Sequence[str] = NAMES,
    span: str = "HEAD",
    *,
    max_count: int | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Write an intent for each session and commit that belong together; all in one batch.

    The same import again adds nothing. ``on_progress`` is told how many transcripts are read, and of how
    many. Raises ``RegenError`` for a range that names nothing.
    """
    tops = worktrees(repo)
    counts = Counts()
    files = [(name, path) for name in agents for path in transcripts(name, tops)]
    found = read_sessions(files, tops, counts, on_progress)
    source = f"sessions of {load(agents[0]).TITLE}" if len(agents) == 1 else "agents' sessions"
    return import_found(
        repo, found, span, counts=counts, tops=tops, source=source, max_count=max_count, dry_run=dry_run
    )


def import_found(
    repo: Repository,
    found: Sequence[Found],
    span: str,
    *,
    counts: Counts,
    tops: Sequence[str],
    source: str,
    titles: Mapping[str, str] | None = None,
    at_home: Callable[[Sequence[Found], Sequence[Past]], Sequence[Found]] | None = None,
    max_count: int | None = None,
    dry_run: bool = False,
) -> Counts:
    """Write what these sessions asked for onto the commits it became; ``counts`` is added to and returned.

    ``titles`` are first lines of commits by the short ids that sessions name, where something tells them.
    ``at_home`` is given the sessions and the commits, and returns them with the paths of this machine.
    """
    counts.sessions += len(found)
    starts = [
        second
        for one in found
        for turn in one.session.turns
        if (second := seconds_of(turn.at or one.session.started))
    ]
    if not found:
        return counts
    past, within = read_reachable(repo, span, max_count=max_count, since=max(1, min(starts, default=1) - 1))
    counts.looked_at += len(within)
    if at_home is not None:
        found = at_home(found, past)
    gone = {short: (0, title) for short, title in (titles or {}).items()}
    gone.update(gone_commits(repo, found, past))
    slices, orphans = match(found, past, tops, gone)
    counts.orphans += orphans
    counts.matched.update(oid for piece in slices for oid in piece.commits)
    write_slices(repo, span, slices, within, counts, tops=tops, source=source, dry_run=dry_run)
    return counts


def transcripts(agent: str, tops: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
    """Return the transcripts of an agent that may belong to these folders or those below, sorted."""
    return load(agent).session_files(tops, os.environ if env is None else env)


def read_sessions(
    files: Sequence[tuple[str, str]],
    tops: Sequence[str],
    counts: Counts,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Found]:
    """Return the sessions of these transcripts that worked in the folders, oldest first.

    ``files`` are names of agents with paths. A prompt is in one session only: a fork repeats the prompts of
    the session it came from, and they stay with that one.
    """
    real = [os.path.realpath(top) for top in tops]
    found: list[Found] = []
    for number, (agent, path) in enumerate(files, 1):
        session = _read(agent, path)
        if isinstance(session, str):
            counts.skip(session)
            session = None
        if session is not None and inside(session.cwd, real) is not None:
            found.append(Found(agent, session))
        if on_progress is not None:
            on_progress(number, len(files))
    return without_repeats(found)


def _read(agent: str, path: str) -> Session | str | None:
    """Return a session, or why it cannot be read."""
    # Some name a session behind a mark. A pipe or a device may never end.
    if not os.path.isfile(path) and not os.path.isfile(path.rpartition("#")[0]):  # noqa: PTH113 - text in
        return UNREADABLE
    try:
        return load(agent).read_session(path)
    except OSError:
        return UNREADABLE


def without_repeats(found: Iterable[Found]) -> list[Found]:
    """Return the sessions, oldest first, without the prompts that an older one has, and those left empty.

    Of two that began together, as one that was kept under two names, the longer one comes first.
    """
    seen: set[tuple[str, str]] = set()
    kept: list[Found] = []
    for agent, session in sorted(
        found, key=lambda one: (one.session.started, one.session.id, -len(one.session.turns))
    ):
        turns = tuple(turn for turn in session.turns if (agent, turn.key) not in seen)
        seen.update((agent, turn.key) for turn in turns)
        if turns:
            kept.append(Found(agent, session._replace(turns=turns)))
    return kept


def worktrees(repo: Repository) -> list[str]:
    """Return the folders of all worktrees: an agent may have worked in any of them."""
    out = repo.git("worktree", "list", "--porcelain", "-z")
    named = [os.fsdecode(field[9:]) for field in out.split(b"\0") if field.startswith(b"worktree ")]
    return named or ([str(repo.worktree)] if repo.worktree else [])
