"""Commits with what the ledger says of them, read as git lists them. One process, whatever their number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.git.notes import LONGEST_NOTE, bring_notes
from regen_git.ledger.links import named_in
from regen_git.ledger.marks import Mark, mark_of
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, NoteView, view
from regen_git.process import fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from regen_git.agents.evidence import Evidence
    from regen_git.domain.ids import Oid
    from regen_git.domain.intent import Binding, Intent
    from regen_git.git.repository import Repository

__all__ = ["Told", "log_commits", "read_some"]

_FORMAT = "--format=%H %h %T %P%x00%an <%ae>%n%cn <%ce>%n%ad%x00%B%x00%N"
_MENTIONED = re.compile(r"^Regen-Intent: ([0-9a-f]{16})$", re.MULTILINE)
_ORDER = ("captured", "explicit", "imported")


@dataclass(frozen=True, slots=True)
class Told:
    """One commit and what the ledger says of it; ``short`` is its abbreviated id, ``date`` ISO 8601."""

    commit: Oid
    short: str
    tree: Oid
    parents: tuple[Oid, ...]
    author: str
    committer: str
    date: str
    message: str
    note: NoteView

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.lstrip("\n").partition("\n")[0].strip()

    @property
    def origin(self) -> str:
        """The strongest origin among its intents; ``message`` if it has none."""
        origins = {intent.origin for intent in self.note.intents.values()}
        return next((origin for origin in _ORDER if origin in origins), "message")

    @property
    def missing(self) -> tuple[str, ...]:
        """The intents that it names and its note does not hold; what only looks like a trailer names none."""
        if _is_complete(self.message, self.note):
            return self.note.unknown
        named = named_in(self.message.encode("utf-8", "replace"))
        # What a merge lists in its body, and what stands indented, may be others' or an example.
        buried = [one for one in named.buried if one not in named.indented] if len(self.parents) < 2 else []  # noqa: PLR2004 - a merge has two
        ids = dict.fromkeys((*named.trailers, *buried, *self.note.unknown))
        return tuple(one for one in ids if one not in self.note.intents)

    @property
    def mark(self) -> Mark | None:
        """What a person said of who made the commit."""
        return mark_of(self.note.documents)

    def evidence(self) -> Evidence:
        """Return who made the commit: as a person marked it, else as its message and names tell."""
        from regen_git.agents.evidence import Evidence, evidence_of

        told = evidence_of(self.message, self.author, self.committer)
        if self.mark is None:
            return told
        if self.mark.maker == "human":
            return Evidence("person", str(self.mark))
        return Evidence("agent", str(self.mark), told.agent)

    def binding(self, intent: Intent) -> Binding | None:
        """Return what the intent did in this commit, or ``None`` when nobody wrote that down."""
        return self.note.binding(intent.id, self.tree)


def _is_complete(message: str, note: NoteView) -> bool:
    """Return whether every mention of an intent is a trailer's of one that the note holds: nearly always."""
    ids = _MENTIONED.findall(message)
    return message.lower().count("regen-intent") == len(ids) and all(one in note.intents for one in ids)


def read_some(repo: Repository, commits: Iterable[Oid]) -> dict[Oid, Told]:
    """Return these commits, all read by one process; ids that name no commit are not allowed here."""
    wanted = "\n".join(commits)
    if not wanted:
        return {}
    return {
        told.commit: told for told in log_commits(repo, ["--no-walk=unsorted", "--stdin"], wanted.encode())
    }


def log_commits(
    repo: Repository,
    args: Sequence[str],
    stdin: bytes | None = None,
    cwd: Path | None = None,
    *,
    with_private: bool = True,
) -> Iterator[Told]:
    """Run ``git log`` with these arguments and yield commits as it prints them.

    ``with_private`` says whether intents are read that are never published. Raises ``GitError``, after the
    last commit.
    """
    refs = (INTENTS_REF, PRIVATE_REF) if with_private else (INTENTS_REF,)
    bring_notes(repo, refs)
    # Read as it comes: the first screen of a long history must not wait for its end.
    chunks = repo.git_stream(
        "log",
        "-z",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--no-color",
        *(f"--notes={ref}" for ref in refs),
        "--date=iso-strict",
        _FORMAT,
        *args,
        stdin=stdin,
        cwd=cwd,
    )
    # NUL separates, and no field can hold one: git cuts messages there and writes notes without.
    found = fields(chunks, LONGEST_NOTE)
    for four in zip(found, found, found, found, strict=False):
        yield _told(four)


def _told(found: Sequence[bytes]) -> Told:
    oid, short, tree, *parents = found[0].decode("ascii").split()
    author, committer, date = found[1].decode("utf-8", "replace").split("\n", 2)
    return Told(
        oid,
        short,
        tree,
        tuple(parents),
        author,
        committer,
        date,
        found[2].decode("utf-8", "replace"),
        view(found[3]),
    )
