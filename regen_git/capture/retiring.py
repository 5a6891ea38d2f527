"""What is finished: edits that are committed, and turns that are in the ledger and wait for nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.capture.clock import now, seconds
from regen_git.capture.inbox import Entry
from regen_git.capture.matching import edits_of, read_sessions
from regen_git.capture.place import MAIN
from regen_git.capture.reflog import anything_new
from regen_git.capture.reftable import is_reftable
from regen_git.errors import RegenError
from regen_git.git.refs import read_ref
from regen_git.git.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from regen_git.capture.marks import CommitMark
    from regen_git.capture.matching import Session, Turn
    from regen_git.capture.place import Place
    from regen_git.domain.ids import RepoPath
    from regen_git.git.trees import Change

__all__ = ["finished", "ignored", "kept", "left_on_disk"]

_STALE = 7 * 24 * 3600
"""Seconds: a turn of which no end was heard for so long has ended.

An agent that waits for a person's leave may do so over a weekend, and write on the same prompt then.
"""

_MANY = 500
"""Paths that are put on one command line."""


def left_on_disk(
    repo: Repository, place: Place, mark: CommitMark, paths: Iterable[RepoPath]
) -> set[RepoPath]:
    """Return which of these paths still differ between the working tree and HEAD.

    Git is asked, since filters and line endings are its business. A worktree that is gone has nothing left.
    """
    wanted = list(paths)
    try:
        there = repo if place.key == mark.worktree else Repository.open(_top(place, mark.worktree))
    except (RegenError, OSError):
        return set()
    if there.worktree is None or not wanted:
        return set()
    args = ["--literal-pathspecs", "diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "HEAD", "--"]
    out = there.git(*args, *(wanted if len(wanted) <= _MANY else []), ok=(0, 128))
    found = {name.decode("utf-8", "surrogateescape") for name in out.split(b"\0") if name}
    return found.intersection(wanted)


def _top(place: Place, key: str) -> Path:
    if key == MAIN:
        return Path(place.common_dir).parent
    pointer = Path(place.other(key), "gitdir").read_text("utf-8", errors="surrogateescape").rstrip("\n")
    return Path(place.other(key), pointer).parent


def finished(
    entries: Sequence[Entry],
    mark: CommitMark,
    changed: Mapping[RepoPath, Change],
    left: Collection[RepoPath],
) -> list[Entry]:
    """Return a mark for every edit that this commit has taken up wholly.

    What the agent left last is in it, or nothing of the path is ``left``: it may have written on since.
    """
    latest = edits_of(entries, mark.worktree, mark.upto)
    found: list[Entry] = []
    for session in read_sessions(entries, mark.upto):
        for turn in session.turns:
            for (worktree, path), edit in turn.edits.items():
                if worktree != mark.worktree or path not in changed:
                    continue
                new = changed[path].new
                if path in left and latest[path] != (new.oid if new else ""):
                    continue
                if turn.done.get((worktree, path), 0) >= edit.n:
                    continue
                found.append(
                    Entry(
                        "done",
                        agent=session.agent,
                        session=session.name,
                        turn=turn.key,
                        worktree=worktree,
                        path=path,
                        key=str(edit.n),
                    )
                )
    return found


def ignored(repo: Repository, place: Place, entries: Iterable[Entry], *, settled: bool) -> list[Entry]:
    """Return a mark for every edit that no commit will ever have.

    Git ignores the file, or nothing of the edit is anywhere: somebody has undone it before anything was
    committed. Unless all commits are ``settled`` it may be in one that is still to be looked at.
    """
    left = [
        (session, turn, path)
        for session in read_sessions(entries)
        for turn in session.turns
        for path in turn.left(place.key)
    ]
    if not left or repo.worktree is None:
        return []
    names = b"\0".join(path.encode("utf-8", "surrogateescape") for _, _, path in left)
    out = repo.git("check-ignore", "-z", "--stdin", stdin=names + b"\0", ok=(0, 1, 128))
    hidden = {name.decode("utf-8", "surrogateescape") for name in out.split(b"\0")}
    since = _stashed_at(place)
    undone = (
        {p for _, t, p in left if seconds(t.edits[place.key, p].at) > since} - hidden if settled else set()
    )
    hidden |= _undone(repo, undone)
    # A commit that was made just now may have what was to be committed a moment ago.
    if anything_new(place):
        return []
    return [
        Entry(
            "done",
            agent=session.agent,
            session=session.name,
            turn=turn.key,
            worktree=place.key,
            path=path,
            key=str(turn.edits[place.key, path].n),
        )
        for session, turn, path in left
        if path in hidden
    ]


def _stashed_at(place: Place) -> float:
    """Return when something was last put into the stash or taken out, in seconds; 0 if nothing ever was.

    What was edited before that may come back.
    """
    try:
        return os.stat(place.common_dir + "/logs/refs/stash").st_mtime  # noqa: PTH116 - beside the rest
    except OSError:
        return float("inf") if is_reftable(place) else 0


def _undone(repo: Repository, paths: set[RepoPath]) -> set[RepoPath]:
    """Return the paths that are as in HEAD, or nowhere: not in the working tree, the index, or HEAD."""
    if not paths or len(paths) > _MANY:
        return set()
    known = repo.git("--literal-pathspecs", "ls-files", "-z", "--", *paths)
    changed = b""
    if read_ref(repo, "HEAD") is not None:
        known += repo.git(
            "--literal-pathspecs", "ls-tree", "-z", "--name-only", "--full-tree", "HEAD", *paths
        )
        args = ["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "HEAD", "--", *paths]
        changed = repo.git("--literal-pathspecs", *args)
    elif known:
        return set()
    tracked = {name.decode("utf-8", "surrogateescape") for name in known.split(b"\0")}
    differ = {name.decode("utf-8", "surrogateescape") for name in changed.split(b"\0")}
    top = repo.worktree or repo.git_dir
    return {path for path in paths - differ if path in tracked or not os.path.lexists(top / path)}


def kept(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that stay: all but those of turns that are in the ledger and wait for nothing.

    The last turn of a living session stays: it may write on, and the next prompt may answer it.
    """
    drop_turns: set[tuple[str, str, str]] = set()
    drop_sessions: set[tuple[str, str]] = set()
    present = seconds(now())
    for session in read_sessions(entries):
        old = present - seconds(session.last_at) > _STALE
        gone = [turn for i, turn in enumerate(session.turns) if _is_over(turn, session, i, old=old)]
        drop_turns |= {(session.agent, session.name, turn.key) for turn in gone}
        if len(gone) == len(session.turns) and (session.gone or old):
            drop_sessions.add((session.agent, session.name))
    bound_records = {e.id for e in entries if e.kind == "bound" and not e.session}
    return [e for e in entries if not _leaves(e, drop_turns, drop_sessions, bound_records)]


def _leaves(
    entry: Entry,
    turns: set[tuple[str, str, str]],
    sessions: set[tuple[str, str]],
    records: set[str],
) -> bool:
    if entry.kind == "head":
        return True
    if entry.kind == "commit":
        return False
    if not entry.session:
        return entry.kind in ("record", "bound") and entry.id in records
    if (entry.agent, entry.session) in sessions:
        return True
    if entry.kind == "bound":
        return all((entry.agent, entry.session, key) in turns for key in entry.turns)
    return bool(entry.turn) and (entry.agent, entry.session, entry.turn) in turns


def _is_over(turn: Turn, session: Session, index: int, *, old: bool) -> bool:
    """Return whether nothing can come of this turn any more."""
    if turn.worktrees:
        return False
    if not turn.bound and turn.prompts:
        return False
    is_last = index == len(session.turns) - 1
    return not is_last or session.gone or old
