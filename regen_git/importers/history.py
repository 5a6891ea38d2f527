"""The commits that an import looks at, read from one ``git log``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RegenError
from regen_git.git.notes import scan_notes
from regen_git.git.repository import no_commits
from regen_git.ledger.store import INTENTS_REF, NoteView, view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository

__all__ = ["Counts", "Left", "Orphan", "Past", "existing_notes", "read_past", "read_reachable"]

_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Past:
    """One commit: ``time`` is when it was committed, in seconds since 1970 UTC; names as ``Name <address>``.

    ``authored`` is when its change was first committed: a rebase keeps that. ``base`` is the tree of the
    first parent, ``None`` for a root. ``changed`` is empty unless asked for.
    """

    id: Oid
    tree: Oid
    base: Oid | None
    parents: tuple[Oid, ...]
    time: int
    author: str
    committer: str
    message: str
    changed: tuple[RepoPath, ...] = ()
    authored: int = 0


@dataclass(frozen=True, slots=True)
class Orphan:
    """A prompt that belongs to no commit, with the reason."""

    session: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """A commit that names a record and got no intent from it, with the reason."""

    commit: Oid
    reason: str


@dataclass(slots=True)
class Counts:
    """What an import did, or would do. ``skipped`` counts commits or prompts by reason.

    ``matched`` are the commits that something found belongs to, written now or before.
    """

    commits: int = 0
    intents: int = 0
    prompts: int = 0
    sessions: int = 0
    looked_at: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    orphans: list[Orphan] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    matched: set[Oid] = field(default_factory=set)

    def skip(self, reason: str, number: int = 1) -> None:
        """Count something that was not taken, and why."""
        self.skipped[reason] = self.skipped.get(reason, 0) + number


def read_past(
    repo: Repository,
    span: str = "HEAD",
    *more: str,
    max_count: int | None = None,
    paths: bool = False,
    since: int = 0,
) -> list[Past]:
    """Return the commits of a range, or of several, newest first.

    ``paths`` asks for the paths each commit changed, a renamed file under both names. ``since`` (seconds)
    leaves out what was committed before. Raises ``RegenError`` for a range that names nothing.
    """
    args = ["log", "-z", "--encoding=UTF-8", "--no-show-signature", "--no-color"]
    args.append("--format=%x00%H %T %P%x00%ct %at%x00%an <%ae>%x00%cn <%ce>%x00%B")
    if max_count is not None:
        args.append(f"--max-count={max_count}")
    if since:
        args.append(f"--since={since}")
    if paths:
        args += ["--name-only", "--no-renames"]
    try:
        out = repo.git(*args, "--end-of-options", span or "HEAD", *more, "--")
    except GitError as error:
        if span in ("", "HEAD") and repo.is_unborn:
            raise no_commits() from error
        raise _no_range(span) from error
    return _with_bases(repo, list(_parse(out)))


def read_reachable(
    repo: Repository, span: str = "HEAD", *, max_count: int | None = None, since: int = 0
) -> tuple[list[Past], set[Oid]]:
    """Return all commits with their paths that the tips of a range reach, newest first, and which are in it.

    What was typed before a range belongs to a commit before it, which must be seen for that. Raises
    ``RegenError`` for a range that names nothing.
    """
    span = span or "HEAD"
    try:
        named = repo.git("rev-parse", "--revs-only", "--end-of-options", span).decode("ascii").split()
    except GitError as error:
        raise _no_range(span) from error
    tips = [oid for oid in named if not oid.startswith("^")]
    if not tips:
        # Says what is wrong with the range, as for every other import.
        tips = [span]
    past = read_past(repo, *tips, paths=True, since=since)
    if max_count is None and tips == named:
        return past, {commit.id for commit in past}
    most = [] if max_count is None else [f"--max-count={max_count}"]
    inside = set(repo.git("rev-list", *most, "--end-of-options", span, "--").decode("ascii").split())
    return past, {commit.id for commit in past if commit.id in inside}


def _no_range(span: str) -> RegenError:
    hint = "give a revision or a range A..B that exists"
    return RegenError(f"cannot read the commits of '{span or 'HEAD'}'", hint=hint)


def existing_notes(repo: Repository, span: str, wanted: Collection[Oid]) -> dict[Oid, NoteView]:
    """Return what the ledger holds already for these commits of the range; only these are parsed."""
    notes = scan_notes(repo, INTENTS_REF, [span or "HEAD"])
    return {oid: view(note) for oid, note in notes if oid in wanted}


def _parse(out: bytes) -> Iterator[Past]:
    """Read the log: an empty field, five of ours, then paths, which are never empty. No field holds a NUL."""
    fields = out.split(b"\0")
    at = 0
    while at + _FIELDS < len(fields):
        oid, tree, *parents = fields[at + 1].decode("ascii").split()
        # Empty where a broken commit has no time.
        time, _, authored = fields[at + 2].decode("ascii").partition(" ")
        author, committer, message = (part.decode("utf-8", "replace") for part in fields[at + 3 : at + 6])
        at += _FIELDS + 1
        first = at
        while at < len(fields) and fields[at]:
            at += 1
        changed = tuple(os.fsdecode(name.removeprefix(b"\n")) for name in fields[first:at])
        yield Past(
            oid,
            tree,
            None,
            tuple(parents),
            int(time or 0),
            author,
            committer,
            message,
            changed,
            int(authored or 0),
        )


def _with_bases(repo: Repository, found: list[Past]) -> list[Past]:
    """Fill in the trees of first parents; those outside the range come from one more process."""
    trees = {past.id: past.tree for past in found}
    missing = sorted({past.parents[0] for past in found if past.parents and past.parents[0] not in trees})
    if missing:
        out = repo.git(
            "log", "--no-walk=unsorted", "--stdin", "--format=%H %T", stdin="\n".join(missing).encode()
        )
        rows = (line.partition(" ") for line in out.decode("ascii").splitlines())
        trees.update((oid, tree) for oid, _, tree in rows)
    return [replace(past, base=trees.get(past.parents[0])) if past.parents else past for past in found]
