"""Read the commits of a range with their notes in one pass, without parsing what nobody asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.ledger.links import named_in
from regen_git.ledger.sources import ids_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.links import Named

__all__ = ["Seen", "read_commits"]

_FORMAT = "--format=%H %T %P%x00%an <%ae> %ad%x00%cn <%ce>%x00%B%x00%N"
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """One commit: ``author`` is ``Name <address> <seconds> <zone>``, ``have`` the intents of its notes."""

    id: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: str
    committer: str
    message: str
    named: Named
    have: tuple[str, ...]
    note: bytes

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.lstrip("\n").partition("\n")[0].strip()

    @property
    def is_merge(self) -> bool:
        """Whether it has two or more parents."""
        return len(self.parents) > 1


def read_commits(
    repo: Repository, args: Sequence[str], refs: Iterable[str], stdin: bytes | None = None
) -> list[Seen]:
    """Return what ``git log`` with these arguments lists, in its order, with the notes of these refs."""
    notes = [f"--notes={ref}" for ref in refs] or ["--no-notes"]
    out = repo.git(
        "log",
        "-z",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--no-color",
        "--date=raw",
        *notes,
        _FORMAT,
        *args,
        *([] if "--stdin" in args else ["--"]),
        stdin=stdin,
    )
    fields = out.split(b"\0")
    return [_seen(fields[at : at + _FIELDS]) for at in range(0, len(fields) - _FIELDS + 1, _FIELDS)]


def _seen(fields: Sequence[bytes]) -> Seen:
    oid, tree, *parents = fields[0].decode("ascii").split()
    author, committer = (field.decode("utf-8", "replace") for field in fields[1:3])
    message = fields[3].decode("utf-8", "replace")
    named = named_in(fields[3])
    return Seen(oid, tree, tuple(parents), author, committer, message, named, ids_in(fields[4]), fields[4])
