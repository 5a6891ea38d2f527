"""HEAD's reflog in a repository that keeps refs and reflogs in tables: no file has it, git is asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regen_git.capture.place import Place

__all__ = ["is_reftable", "is_unchanged", "reflog"]

_TICK_NS = 20_000_000
_FORMAT = "--format=%H%x00%gd%x00%gs"


def is_reftable(place: Place) -> bool:
    """Return whether the repository keeps its refs in tables."""
    return os.path.isdir(place.common_dir + "/reftable")  # noqa: PTH112 - on the capture path


def is_unchanged(place: Place, key: str, seen: str) -> bool:
    """Return whether no ref has moved since the file ``seen`` was written: then git need not start."""
    try:
        moved = os.stat(place.other(key) + "/reftable/tables.list").st_mtime_ns  # noqa: PTH116 - on the capture path
        looked = os.stat(seen).st_mtime_ns  # noqa: PTH116 - on the capture path
    except OSError:
        return False
    return moved < looked - _TICK_NS


def reflog(place: Place, key: str) -> list[bytes]:
    """Return a worktree's reflog in lines as the file would have them, oldest first; empty if it has none."""
    from regen_git.git.repository import git_environment
    from regen_git.process import run

    git_dir = place.other(key)
    if not os.path.isdir(git_dir):  # noqa: PTH112 - on the capture path
        return []
    argv = ["git", "log", "-g", "--date=raw", "--encoding=UTF-8", _FORMAT, "HEAD", "--"]
    out = run(argv, cwd=git_dir, env=git_environment({"GIT_DIR": git_dir})).stdout
    lines: list[bytes] = []
    before = b"0" * 40
    for entry in reversed(out.split(b"\n")[:-1]):
        new, when, what = entry.split(b"\0", 2)
        # What git shows is "HEAD@{<seconds> <zone>}".
        time = when.rpartition(b"{")[2].rstrip(b"}")
        lines.append(b"%s %s <> %s\t%s\n" % (before, new, time, what))
        before = new
    return lines
