"""Notes: read one, read all in one pass, write many in one commit.

Any fan-out is read; two digits are written from the first note on, which is right from a hundred notes to
some sixty thousand (git reshapes it when it writes next). Source: git-notes(1).
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RefMovedError, RegenError
from regen_git.git.commits import read_commit
from regen_git.git.notestrees import list_notes
from regen_git.git.refs import read_ref, update_ref
from regen_git.git.trees import REGULAR, Leaf, edit
from regen_git.process import fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = [
    "bring_notes",
    "commit_notes",
    "move_notes",
    "note_blobs",
    "read_note",
    "scan_notes",
    "update_notes",
]

LONGEST_NOTE = 9 << 20
"""Bytes of a note that a scan keeps: more than readers look at, so that they see that there was more."""

_TRIES = 20
_PAUSE_S = 0.01


def read_note(repo: Repository, ref: str, oid: Oid) -> bytes:
    """Return the note on an object; empty if it has none. One process, whatever the number of notes."""
    status, out = repo.git_status("notes", f"--ref={ref}", "show", oid, ok=(0, 1, 128))
    return out if status == 0 else b""


def scan_notes(
    repo: Repository, ref: str, revs: Sequence[str], *, by_parents: bool = False
) -> Iterator[tuple[Oid, bytes]]:
    """Yield (commit, note) for every commit of these revisions, newest first; a note may be empty.

    ``by_parents``: no parent before its children, whatever the dates say.

    One ``git log`` does walk, order and inflation; it is read as it comes, so that memory does not grow with
    history. Of a note longer than ``LONGEST_NOTE`` bytes only the beginning is kept.
    """
    bring_notes(repo, (ref,))
    # %N re-encodes nothing when the log's encoding is the notes' own.
    chunks = repo.git_stream(
        "log",
        "-z",
        "--format=%H%x01%N",
        f"--notes={ref}",
        "--encoding=UTF-8",
        "--no-show-signature",
        *(("--topo-order",) if by_parents else ()),
        "--end-of-options",
        *revs,
        "--",
    )
    for entry in fields(chunks, LONGEST_NOTE):
        oid, _, note = entry.partition(b"\x01")
        if oid:
            yield oid.decode("ascii"), note


def bring_notes(repo: Repository, refs: Sequence[str]) -> None:
    """Fetch at once the notes that a partial clone left out; git would fetch them one by one."""
    if repo.is_partial:
        for ref in refs:
            note_blobs(repo, read_ref(repo, ref))


def note_blobs(repo: Repository, tip: Oid | None) -> dict[Oid, tuple[str, Oid]]:
    """Return, by annotated object, the path of its note in the notes tree and the note's blob."""
    if tip is None:
        return {}
    store = repo.objects
    listed = list_notes(store, read_commit(store, tip).tree)
    found = {oid: (places[-1].path, places[-1].blob) for oid, places in listed.items()}
    if repo.is_partial:
        store.bring(blob for _, blob in found.values())
    return found


def update_notes(
    repo: Repository, ref: str, changes: Mapping[Oid, Callable[[bytes], bytes]], message: str
) -> Oid | None:
    """Change many notes in one commit and return the ref's new tip, or ``None`` when nothing changed.

    Each function gets the note as it is (empty if none) and returns what it shall be; it is called again when
    the ref moved meanwhile. An empty result takes the note out. Raises ``RefMovedError`` after many tries.
    """
    return move_notes(repo, ref, lambda tip: _changed_notes(repo, tip, changes, message), message)


def move_notes(
    repo: Repository, ref: str, make: Callable[[Oid | None], Oid | None], message: str
) -> Oid | None:
    """Move a notes ref to the commit that ``make`` returns for its tip, and return where it is then.

    ``make`` is called again when the ref moved meanwhile; ``None`` from it leaves the ref as it is. Raises
    ``RefMovedError`` after many tries.
    """
    for attempt in range(_TRIES):
        tip = read_ref(repo, ref)
        new = make(tip)
        if new is None or new == tip:
            return tip
        repo.objects.flush()
        try:
            update_ref(repo, ref, new, tip, message)
        except GitError as error:
            is_contended = isinstance(error, RefMovedError) or "cannot lock ref" in str(error)
            if not is_contended or attempt == _TRIES - 1:
                raise
            time.sleep(_PAUSE_S * attempt)
            continue
        return new
    raise RegenError(f"cannot move '{ref}'", hint="another program keeps moving it; try again")


def _changed_notes(
    repo: Repository, tip: Oid | None, changes: Mapping[Oid, Callable[[bytes], bytes]], message: str
) -> Oid | None:
    store = repo.objects
    single = tip is not None and len(changes) == 1
    present = _one(repo, tip, next(iter(changes))) if tip and single else note_blobs(repo, tip)
    edits: dict[str, Leaf | None] = {}
    for oid, change in changes.items():
        path, blob = present.get(oid, (f"{oid[:2]}/{oid[2:]}", None))
        old = store.blob(blob) if blob else b""
        new = change(old)
        if new != old:
            edits[path] = Leaf(REGULAR, store.write("blob", new)) if new else None
    if not edits:
        return None
    tree = edit(store, read_commit(store, tip).tree if tip else None, edits)
    return commit_notes(repo, tree, [tip] if tip else [], message)


def commit_notes(repo: Repository, tree: Oid, parents: Sequence[Oid], message: str) -> Oid:
    """Make a commit of notes, which reaches the disk with the next flush, and return its id."""
    ident = _identity(repo)
    lines = [f"tree {tree}", *(f"parent {one}" for one in parents), f"author {ident}", f"committer {ident}"]
    raw = "\n".join(lines) + f"\n\n{message}\n"
    return repo.objects.write("commit", raw.encode("utf-8", "surrogateescape"))


def _one(repo: Repository, tip: Oid, oid: Oid) -> dict[Oid, tuple[str, Oid]]:
    """Find one note without walking all of them: at most one folder a fan-out level."""
    from regen_git.git.trees import lookup

    store = repo.objects
    tree = read_commit(store, tip).tree
    for cut in range(0, 8, 2):
        parts = [oid[i : i + 2] for i in range(0, cut, 2)] + [oid[cut:]]
        path = "/".join(parts)
        leaf = lookup(store, tree, path)
        if leaf is not None:
            return {oid: (path, leaf.oid)}
    return {}


def _identity(repo: Repository) -> str:
    """Return who writes the note, as git would; a stand-in where git has no name to give."""
    status, out = repo.git_status("var", "GIT_COMMITTER_IDENT", ok=(0, 128))
    if status == 0:
        return os.fsdecode(out).rstrip("\n")
    return "git regen <regen@localhost> 0 +0000"
