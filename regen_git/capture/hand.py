"""Which lines of a committed file a person mended after the agent's last write.

A line is a person's when it stands neither in what the agent left nor in the parent: so a file of which only
a part was staged has no such lines, however much of the agent's work is missing from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.domain.intent import LineRange
from regen_git.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["mended", "moved"]

_HUNK = re.compile(rb"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Hunk:
    """Where a text differs from an older one: lines ``first`` to ``last`` for those ``removed``."""

    first: int
    last: int
    removed: tuple[bytes, ...]


def mended(repo: Repository, agent: Oid, parent: Oid | None, result: Oid) -> tuple[LineRange, ...] | None:
    """Return the lines of the blob ``result`` that a person changed; ``None`` when that cannot be told.

    ``agent`` is the blob the agent left, ``parent`` the one in the first parent. Lines taken out are an empty
    range. A file in a form of its own (binary, a pointer to large content) cannot be told.
    """
    if agent == result:
        return ()
    try:
        since_agent = _hunks(repo, agent, result)
        since_parent = _hunks(repo, parent, result) if parent is not None else None
    except GitError:
        # The agent's version was too large to be kept.
        return None
    if since_agent is None:
        return None
    if parent is not None and since_parent is None:
        return None
    found: list[LineRange] = []
    for hunk in since_agent:
        found += _added(hunk, since_parent)
        if hunk.last < hunk.first and since_parent is not None and _also_removed(hunk, since_parent):
            found.append(LineRange(hunk.first, hunk.first - 1))
    return tuple(sorted(set(found)))


def moved(repo: Repository, old: Oid, new: Oid, ranges: Sequence[LineRange]) -> tuple[LineRange, ...] | None:
    """Return where lines of the blob ``old`` stand in ``new``, without those that are gone from it.

    ``None`` when that cannot be told.
    """
    if old == new:
        return tuple(ranges)
    try:
        hunks = _hunks(repo, old, new)
    except GitError:
        return None
    if hunks is None:
        return None
    found: list[LineRange] = []
    start, shift = 1, 0
    for hunk in [*hunks, None]:
        # Lines from ``start`` up to the hunk are the same in both.
        end = (
            hunk.first - shift - 1 if hunk is not None else max((r.first + r.last for r in ranges), default=0)
        )
        for one in ranges:
            first, last = max(one.first, start), min(one.last, end)
            is_empty = one.last < one.first and start <= one.first <= end + 1
            if first <= last or is_empty:
                found.append(LineRange(first + shift, (one.last if is_empty else last) + shift))
        if hunk is not None:
            start = end + 1 + len(hunk.removed)
            shift += hunk.last - hunk.first + 1 - len(hunk.removed)
    return tuple(sorted(set(found)))


def _added(hunk: _Hunk, others: Sequence[_Hunk] | None) -> list[LineRange]:
    """Return which of a hunk's new lines are new against the parent too."""
    if hunk.last < hunk.first:
        return []
    if others is None:
        return [LineRange(hunk.first, hunk.last)]
    shared = ((max(hunk.first, other.first), min(hunk.last, other.last)) for other in others)
    return [LineRange(first, last) for first, last in shared if first <= last]


def _also_removed(hunk: _Hunk, others: Sequence[_Hunk]) -> bool:
    """Return whether lines that both the agent and the parent had are gone from this place."""
    gone = {line.strip() for line in hunk.removed} - {b""}
    near = (other for other in others if other.first <= hunk.first <= max(other.last + 1, other.first))
    return any(gone & {line.strip() for line in other.removed} for other in near)


def _hunks(repo: Repository, old: Oid, new: Oid) -> list[_Hunk] | None:
    """Return how two blobs differ; ``None`` when git does not take them for text."""
    out = repo.git(
        "diff",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-cr-at-eol",
        "--unified=0",
        old,
        new,
    )
    starts = list(_HUNK.finditer(out))
    if not starts:
        return None if b"Binary files" in out else []
    ends = [match.start() for match in starts[1:]] + [len(out)]
    hunks = []
    for match, end in zip(starts, ends, strict=True):
        count = int(match[2]) if match[2] is not None else 1
        first = int(match[1]) + (1 if count == 0 else 0)
        body = out[match.end() : end].split(b"\n")[1:]
        removed = tuple(line[1:] for line in body if line.startswith(b"-"))
        hunks.append(_Hunk(first, first + count - 1, removed))
    return hunks
