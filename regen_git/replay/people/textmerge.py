r"""Merge and compare files as lines of bytes, exactly as git does.

Lines end at ``\n``. Nothing is decoded, so that files in any encoding come out as they went in.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from regen_git.domain.intent import LineRange
from regen_git.errors import GitError
from regen_git.process import run

__all__ = ["Hunk", "MergeOutcome", "first_difference", "hunks", "is_binary", "merge_text", "ranges_changed"]

_BINARY_PROBE = 8000  # bytes; git's own rule: a NUL byte in the first 8000
_MOST_COUNTED = 127  # git merge-file reports no more conflicts than this in its status
_MARKER = b"<<<<<<< "


@dataclass(frozen=True, slots=True)
class MergeOutcome:
    """A three-way merge. ``data`` holds conflict markers unless clean; of binary files, our side."""

    clean: bool
    data: bytes
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines that differ, starts counted from 1. A side without lines stands before its start."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int


def is_binary(data: bytes) -> bool:
    """Return whether git takes this for a binary file."""
    return b"\0" in data[:_BINARY_PROBE]


def merge_text(
    base: bytes, ours: bytes, theirs: bytes, *, labels: tuple[str, str, str] = ("ours", "base", "theirs")
) -> MergeOutcome:
    """Merge two changed versions of one file; conflicts show all three sides.

    ``labels`` name our side, the base and their side in conflict markers. Source: git-merge-file(1).
    """
    if theirs in (ours, base):
        return MergeOutcome(clean=True, data=ours)
    if base == ours:
        return MergeOutcome(clean=True, data=theirs)
    if is_binary(base) or is_binary(ours) or is_binary(theirs):
        return MergeOutcome(clean=False, data=ours, conflicts=1)
    with tempfile.TemporaryDirectory(prefix="regen-merge-") as folder:
        names = ("ours", "base", "theirs")
        for name, data in zip(names, (ours, base, theirs), strict=True):
            Path(folder, name).write_bytes(data)
        titles = [part for label in labels for part in ("-L", label)]
        argv = ["git", "merge-file", "-p", "--diff3", *titles, *names]
        env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
        done = run(argv, cwd=folder, env=env)
    if not 0 <= done.status <= _MOST_COUNTED:
        raise GitError(argv, done.status, done.stdout, done.stderr)
    conflicts = done.status
    if conflicts == _MOST_COUNTED:
        conflicts = max(conflicts, done.stdout.count(b"\n" + _MARKER) + done.stdout.startswith(_MARKER))
    return MergeOutcome(clean=conflicts == 0, data=done.stdout, conflicts=conflicts)


def hunks(old: bytes, new: bytes) -> list[Hunk]:
    """Return what differs, in order, without context; empty if nothing does. Source: libgit2's xdiff."""
    if old == new:
        return []
    import pygit2
    from pygit2.enums import DiffOption

    patch = pygit2.Patch.create_from(old, new, flag=DiffOption.FORCE_TEXT, context_lines=0, interhunk_lines=0)
    return [
        Hunk(
            # A unified diff names the line before an empty side; we name the line after it.
            hunk.old_start + (hunk.old_lines == 0),
            hunk.old_lines,
            hunk.new_start + (hunk.new_lines == 0),
            hunk.new_lines,
        )
        for hunk in patch.hunks
    ]


def ranges_changed(old: bytes, new: bytes) -> tuple[LineRange, ...]:
    """Return the lines of ``new`` that are not ``old``'s; an empty range where lines were taken out."""
    return tuple(LineRange(hunk.new_start, hunk.new_start + hunk.new_lines - 1) for hunk in hunks(old, new))


def first_difference(a: bytes, b: bytes) -> int | None:
    """Return the first line, from 1, in which two files differ; ``None`` if they are equal."""
    if a == b:
        return None
    for number, (left, right) in enumerate(zip_longest(a.split(b"\n"), b.split(b"\n")), 1):
        if left != right:
            return number
    return None
