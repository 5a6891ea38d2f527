"""Which lines of a squashed branch a person wrote: those of its commits that have no intent."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from regen_git.capture.hand import moved
from regen_git.domain.intent import LineRange
from regen_git.errors import GitError
from regen_git.git.commits import read_commit
from regen_git.git.trees import diff, lookup

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.commits import Commit
    from regen_git.git.repository import Repository

__all__ = ["lines_by_hand"]

_LINE = re.compile(rb"^([0-9a-f]{40,64}) \d+ (\d+)(?: \d+)?$", re.MULTILINE)


def lines_by_hand(
    repo: Repository, squashed: Commit, tip: Oid, base: Oid | None, people: Sequence[Oid]
) -> dict[RepoPath, tuple[LineRange, ...]]:
    """Return, by file, the lines of a squashed commit that come from these commits of people.

    ``tip`` is the branch that was squashed and ``base`` its fork. One process a file that a person changed.
    """
    store = repo.objects
    end = read_commit(store, tip)
    found: dict[RepoPath, tuple[LineRange, ...]] = {}
    for path in sorted({path for oid in people for path in _changed(repo, oid)}):
        there, here = lookup(store, end.tree, path), lookup(store, squashed.tree, path)
        if there is None or here is None:
            continue
        since = f"{base}..{tip}" if base else tip
        try:
            out = repo.git("blame", "--porcelain", since, "--", path)
        except GitError:
            # A submodule, or another thing without lines.
            continue
        lines = [int(match[2]) for match in _LINE.finditer(out) if match[1].decode("ascii") in people]
        stay = moved(repo, there.oid, here.oid, list(_ranges(lines)))
        if stay:
            found[path] = stay
    return found


def _changed(repo: Repository, oid: Oid) -> list[RepoPath]:
    commit = read_commit(repo.objects, oid)
    if len(commit.parents) > 1:
        # A merge brings what others wrote.
        return []
    before = read_commit(repo.objects, commit.parents[0]).tree if commit.parents else None
    return [change.path for change in diff(repo.objects, before, commit.tree) if change.new is not None]


def _ranges(lines: Iterable[int]) -> Iterable[LineRange]:
    for _, run in groupby(enumerate(sorted(lines)), lambda item: item[1] - item[0]):
        numbers = [number for _, number in run]
        yield LineRange(numbers[0], numbers[-1])
