"""What is not ours to rewrite and holds what was purged all the same: commits, files, messages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["Holder", "holders"]

_MOST = 20
_REFS = 5


@dataclass(frozen=True, slots=True)
class Holder:
    """An object that still holds it. ``path`` is empty for a message, ``commit`` where no ref leads to it."""

    object: Oid
    kind: str
    commit: Oid = ""
    path: str = ""
    refs: tuple[str, ...] = ()

    @property
    def is_rebuilt(self) -> bool:
        """Whether only branches that a replay made have it."""
        own = ("refs/heads/regen/", "refs/regen/")
        return bool(self.refs) and all(ref.startswith(own) for ref in self.refs)


def holders(repo: Repository, found: Mapping[Oid, str], reached: Collection[Oid]) -> tuple[list[Holder], int]:
    """Return where these objects are, and how many more there are beside those that are told."""
    known = []
    for oid, kind in sorted(found.items())[:_MOST]:
        if oid not in reached:
            known.append(Holder(oid, kind))
        elif kind == "blob":
            known.append(_file(repo, oid))
        else:
            known.append(Holder(oid, kind, oid if kind == "commit" else "", refs=_refs(repo, oid, kind)))
    return known, max(0, len(found) - _MOST)


def _file(repo: Repository, oid: Oid) -> Holder:
    args = ["log", "--all", "-n", "1", "--format=%H%x00", "--raw", "-z", "--no-abbrev", "-m"]
    try:
        out = repo.git(*args, "--no-renames", f"--find-object={oid}", "--")
    except GitError:
        return Holder(oid, "blob")
    fields = [field.strip(b"\n") for field in out.split(b"\0") if field.strip(b"\n")]
    commit = fields[0].decode("ascii", "replace") if fields else ""
    path = next((os.fsdecode(fields[i + 1]) for i, one in enumerate(fields[:-1]) if oid.encode() in one), "")
    return Holder(oid, "blob", commit, path, _refs(repo, commit, "commit") if commit else ())


def _refs(repo: Repository, oid: Oid, kind: str) -> tuple[str, ...]:
    by = f"--contains={oid}" if kind == "commit" else f"--points-at={oid}"
    out = repo.git("for-each-ref", f"--count={_REFS}", "--format=%(refname)", by, ok=(0, 128, 129))
    return tuple(os.fsdecode(out).splitlines())
