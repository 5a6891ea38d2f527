"""Find the commits that the turns of a session became.

No transcript says for certain which commit a prompt led to. A commit that the agent made itself wins; else it
is the first later commit that changes a file which the agent wrote for the prompt.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from regen_git.importers.history import Orphan
from regen_git.importers.known import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from regen_git.agents.transcripts import Session, Turn
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.importers.history import Past

__all__ = ["Found", "Slice", "gone_commits", "inside", "match"]

_SHORT_ID = re.compile(r"[0-9a-f]{4,64}")
"""What git takes for an id that is cut short."""

WINDOW_S = 14 * 24 * 3600
"""Seconds after which a commit is no longer taken to come from a prompt."""

REST_S = 24 * 3600
"""Seconds after a prompt's commit in which what that left out is looked for in a further one."""

NO_EDITS = "no file was written after it in its session"
NO_COMMIT = "no commit within 14 days changed a file written for it"
OUTSIDE = "the files written for it are outside this repository"
NO_TIME = "nothing says when it was typed"


class Found(NamedTuple):
    """A session and the name of the agent that it was held with."""

    agent: str
    session: Session


@dataclass(slots=True)
class Slice:
    """What one session asked for that became one commit.

    ``commits`` begins with that one; further ones were made of it. ``wrote`` are the paths of each that the
    agent is known to have written.
    """

    found: Found
    commits: dict[Oid, Past] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    wrote: dict[Oid, set[RepoPath]] = field(default_factory=dict)

    @property
    def commit(self) -> Past:
        """The commit that the slice became first."""
        return next(iter(self.commits.values()))

    def add(self, commit: Past, edits: Iterable[RepoPath]) -> None:
        """Add what these edits are in a commit."""
        self.commits.setdefault(commit.id, commit)
        self.wrote.setdefault(commit.id, set()).update(set(edits).intersection(commit.changed))


def match(
    sessions: Iterable[Found],
    past: Sequence[Past],
    tops: Sequence[str],
    gone: Mapping[str, tuple[int, str]] | None = None,
) -> tuple[list[Slice], list[Orphan]]:
    """Find the commits of each turn; return what belongs together, in the order given, and what has none.

    A turn without edits goes with the next turn of its session that has some. ``past`` is newest first;
    ``gone`` is what is known of commits that are not in it, as ``gone_commits`` returns it.
    """
    index = _Index(past, gone or {})
    real = [os.path.realpath(top) for top in tops]
    slices: list[Slice] = []
    orphans: list[Orphan] = []
    for found in sessions:
        by_commit: dict[Oid, Slice] = {}
        waiting: list[Turn] = []
        for turn in found.session.turns:
            edits = {path for edit in turn.edits if (path := inside(edit, real)) is not None}
            when = seconds_of(turn.at or found.session.started)
            became = _became(index, turn, when, edits)
            waiting.append(turn)
            if became:
                piece = by_commit.setdefault(became[0].id, Slice(found))
                piece.turns += waiting
                for commit in became:
                    piece.add(commit, edits)
                waiting = []
            elif turn.edits:
                reason = OUTSIDE if not edits else NO_COMMIT if when else NO_TIME
                orphans += _orphans(found, waiting, reason)
                waiting = []
        orphans += _orphans(found, waiting, NO_EDITS)
        slices += by_commit.values()
    return slices, orphans


def _became(index: _Index, turn: Turn, when: int, edits: set[RepoPath]) -> list[Past]:
    """Return the commits that a turn became: the agent's own or the nearest, and one with what that left."""
    became = index.made(turn.commits, when)
    if not became and when:
        became = [commit for commit in [index.after(when, edits, WINDOW_S)] if commit is not None]
    if became:
        rest = edits.difference(*(commit.changed for commit in became))
        last = max(commit.time for commit in became)
        more = index.after(last, rest, REST_S)
        if more is not None and more not in became:
            became.append(more)
    return became


class _Index:
    """Commits by short id, by title, and by the paths they change in the order of time.

    A commit that was rewritten has two times: a prompt between them is one of what it was amended with,
    unless a commit that was authored in between is nearer.
    """

    def __init__(self, past: Sequence[Past], gone: Mapping[str, tuple[int, str]]) -> None:
        self._ids = sorted((commit.id, at) for at, commit in enumerate(past))
        self._past = past
        self._gone = gone
        self._by_title: dict[str, list[Past]] = {}
        self._by_path: dict[RepoPath, list[tuple[int, int]]] = {}
        # Newest first as given: of commits in one second the older has the higher position.
        for at, commit in enumerate(past):
            self._by_title.setdefault(_title(commit.message), []).append(commit)
            if len(commit.parents) < 2:  # noqa: PLR2004 - a merge makes no change of its own
                for path in commit.changed:
                    times = {commit.time, commit.authored or commit.time}
                    self._by_path.setdefault(path, []).extend((time, -at) for time in times)
        for times_of in self._by_path.values():
            times_of.sort()

    def made(self, short: Iterable[str], when: int) -> list[Past]:
        """Return the commits that these short ids name, in the order given; unknown ones are left out.

        One that a rebase has replaced is found by what it said and when it was first made.
        """
        found: dict[Oid, Past] = {}
        for sha in short:
            if not _SHORT_ID.fullmatch(sha):
                continue
            at = bisect_left(self._ids, (sha, -1))
            if at < len(self._ids) and self._ids[at][0].startswith(sha):
                one: Past | None = self._past[self._ids[at][1]]
            else:
                one = self._rewritten(sha, when)
            if one is not None:
                found.setdefault(one.id, one)
        return list(found.values())

    def _rewritten(self, sha: str, when: int) -> Past | None:
        authored, title = self._gone.get(sha, (0, ""))
        alike = self._by_title.get(title, []) if title else []
        if authored:
            return next((commit for commit in alike if commit.authored == authored), None)
        near = [commit for commit in alike if when and -REST_S <= commit.authored - when <= WINDOW_S]
        return min(near, key=lambda commit: abs(commit.authored - when), default=None)

    def after(self, second: int, paths: Iterable[RepoPath], window: int) -> Past | None:
        """Return the first commit from this second on that changes one of the paths, if it is near enough."""
        nearest: tuple[int, int] | None = None
        for path in paths:
            times = self._by_path.get(path, [])
            at = bisect_left(times, (second, -len(self._past)))
            if at < len(times) and (nearest is None or times[at] < nearest):
                nearest = times[at]
        if nearest is None or nearest[0] > second + window:
            return None
        return self._past[-nearest[1]]


def gone_commits(
    repo: Repository, sessions: Iterable[Found], past: Sequence[Past]
) -> dict[str, tuple[int, str]]:
    """Return, for commits that sessions name and ``past`` has not, when they were authored, and their titles.

    Only those are in it that are still in the object database, as they are after a rebase.
    """
    named = {sha for found in sessions for turn in found.session.turns for sha in turn.commits}
    known = sorted(commit.id for commit in past)
    lost = [sha for sha in sorted(named) if _SHORT_ID.fullmatch(sha) and not _is_among(sha, known)]
    if not lost:
        return {}
    # An id that is cut short beyond use, or of no object, is answered in words.
    out = repo.git("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=_lines(lost)).decode(
        "ascii", "replace"
    )
    here: dict[str, list[str]] = {}
    for sha, line in zip(lost, out.splitlines(), strict=False):
        oid, _, kind = line.partition(" ")
        if kind == "commit":
            here.setdefault(oid, []).append(sha)
    if not here:
        return {}
    args = (
        "log",
        "--no-walk=unsorted",
        "--stdin",
        "-z",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--format=%H %at %B",
    )
    told: dict[str, tuple[int, str]] = {}
    for entry in repo.git(*args, stdin=_lines(here)).decode("utf-8", "replace").split("\0"):
        oid, _, rest = entry.partition(" ")
        authored, _, message = rest.partition(" ")
        for sha in here.get(oid, []):
            told[sha] = (int(authored or 0), _title(message))
    return told


def inside(path: str, tops: Sequence[str]) -> RepoPath | None:
    """Return a path relative to the innermost of these real folders that holds it; ``None`` if none does."""
    if not path:
        return None
    folder, name = os.path.split(path)
    real = os.path.join(_real(folder), name)  # noqa: PTH118 - text in, text out
    held = [top for top in tops if real == top or real.startswith(top.rstrip("/") + "/")]
    return real[len(max(held, key=len).rstrip("/")) :].strip("/") if held else None


@lru_cache(maxsize=4096)
def _real(folder: str) -> str:
    try:
        return os.path.realpath(folder)
    except ValueError:
        # Bytes that no path can have, in what somebody else wrote down.
        return ""


def _is_among(short: str, ids: Sequence[str]) -> bool:
    at = bisect_left(ids, short)
    return at < len(ids) and ids[at].startswith(short)


def _lines(texts: Iterable[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode("ascii", "replace")


def _title(message: str) -> str:
    return message.lstrip("\n").partition("\n")[0].strip()


def _orphans(found: Found, turns: Iterable[Turn], reason: str) -> list[Orphan]:
    session = _short(found.session.id)
    return [Orphan(session, typed.text, reason) for turn in turns for typed in turn.prompts]


def _short(session: str) -> str:
    """Return as much of a session's id as tells a person which one it is."""
    first = session.partition("-")[0]
    return first if len(first) >= 8 else session[:19]  # noqa: PLR2004 - a UUID's first part; a time
