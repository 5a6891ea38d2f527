"""Which commits changed some paths, and whether a person can have written a line that stands there.

Blaming a file costs more than all else that is asked of it, and most files of a history that agents wrote
hold no line of a person: their commits tell that at once.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.agents.causes import NO_LINE, cause_of, is_alike
from regen_git.git.commits import read_commit
from regen_git.git.trees import EXECUTABLE, REGULAR, diff

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.replay.people.origins import Origins

__all__ = ["Touch", "maybe_by_people", "touches_of"]

_FILES = (REGULAR, EXECUTABLE)
_RAW = re.compile(rb"^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) \w+$")
_UNITED = re.compile(rb"^::+[0-7]+ ")


@dataclass(frozen=True, slots=True)
class Touch:
    """One commit's change of one path: the blobs before and after, ``None`` where it was not there.

    ``is_file`` says that both sides are files. Of a merge only what differs from all of its parents is a
    change of its own; it has no blobs here.
    """

    commit: Oid
    path: RepoPath
    old: Oid | None
    new: Oid | None
    is_file: bool
    is_merge: bool = False


def touches_of(repo: Repository, tip: Oid, paths: Sequence[RepoPath]) -> list[Touch]:
    """Return every change of these paths in the history of ``tip``, oldest first."""
    plain = ("-c", "core.quotePath=false", "-c", "log.follow=false", "-c", "log.showRoot=true")
    shape = ("-z", "--format=%x01%H", "--raw", "-c", "--no-renames", "--no-abbrev", "--reverse")
    order = ("--topo-order", "--no-show-signature", "--no-color")
    out = repo.git(*plain, "--literal-pathspecs", "log", *shape, *order, tip, "--", *paths)
    found: list[Touch] = []
    commit = ""
    raw: re.Match[bytes] | None = None
    is_united = False
    for token in out.split(b"\0"):
        part = token.lstrip(b"\n")
        if is_united or raw is not None:
            found.append(_touch(commit, os.fsdecode(token), raw))
            raw, is_united = None, False
        elif part.startswith(b"\x01"):
            commit = part[1:].decode("ascii")
        else:
            raw, is_united = _RAW.match(part), _UNITED.match(part) is not None
    return found


def _touch(commit: Oid, path: RepoPath, raw: re.Match[bytes] | None) -> Touch:
    if raw is None:
        return Touch(commit, path, None, None, is_file=False, is_merge=True)
    old, new = (one.decode("ascii") if one.strip(b"0") else None for one in (raw[3], raw[4]))
    return Touch(commit, path, old, new, {int(raw[1], 8), int(raw[2], 8)} <= {0, *_FILES})


def maybe_by_people(
    repo: Repository,
    origins: Origins,
    touches: Sequence[Touch],
    known: Mapping[Oid, Collection[RepoPath]],
) -> set[RepoPath]:
    """Return the paths of which some commit may have brought a person's line, or a line from elsewhere.

    All others hold what prompts and agents wrote, whatever git blames on which commit. ``known`` is as
    ``people_in`` takes it.
    """
    origins.read(touch.commit for touch in touches if touch.path not in known.get(touch.commit, ()))
    found: set[RepoPath] = set()
    is_moving: dict[Oid, bool] = {}
    for touch in touches:
        if touch.path in found:
            continue
        if touch.path not in known.get(touch.commit, ()) and _may_be_theirs(origins, touch):
            found.add(touch.path)
        elif touch.old is None:
            # Git follows a file that was moved here, and the name that it had is not asked for.
            if touch.commit not in is_moving:
                is_moving[touch.commit] = _takes_out(repo.objects, touch.commit)
            if is_moving[touch.commit]:
                found.add(touch.path)
    return found


def _may_be_theirs(origins: Origins, touch: Touch) -> bool:
    told = origins.told[touch.commit]
    is_theirs = cause_of(told, touch.path, NO_LINE).by == "person" or not is_alike(told, touch.path)
    # A rebuilt commit's lines can be those of a person in its source.
    return is_theirs or origins.is_behind(told)


def _takes_out(store: ObjectStore, commit: Oid) -> bool:
    """Return whether any file of a parent is gone, so that another may have come of it."""
    made = read_commit(store, commit)
    before = (read_commit(store, parent).tree for parent in made.parents if parent in store)
    return any(change.new is None for each in before for change in diff(store, each, made.tree))
