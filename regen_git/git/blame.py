"""Where each line of a file comes from, as git blames it. Source: git-blame(1), "The porcelain format"."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RegenError
from regen_git.git.repository import no_commits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.intent import LineRange
    from regen_git.git.repository import Repository

__all__ = ["BlamedLine", "blame", "committed_blame"]

_HEAD = re.compile(rb"^([0-9a-f]{40,64}) (\d+) (\d+)")


@dataclass(frozen=True, slots=True)
class BlamedLine:
    """One line: where it stands now (``number``), and where it stood in the commit that wrote it.

    ``text`` is without its newline; bytes that are not UTF-8 as surrogates. A line that is not committed has
    a ``commit`` of zeros.
    """

    commit: Oid
    path: RepoPath
    line: int
    number: int
    text: str

    @property
    def is_committed(self) -> bool:
        """Whether any commit has it."""
        return bool(self.commit.strip("0"))


def blame(
    repo: Repository, path: RepoPath, rev: str | None = None, windows: Sequence[str] = ()
) -> list[BlamedLine]:
    """Return the lines of a file in order.

    ``windows`` say which, each as ``git blame -L`` takes it. ``rev`` ``None`` means the file as it is in the
    working tree; in a bare repository, HEAD. Raises ``RegenError`` where there is no such file or line.
    """
    # A bare repository has no files to compare with: there the newest commit is asked.
    revision = [rev] if rev is not None else ["HEAD"] if repo.worktree is None else []
    shown = [part for window in windows for part in ("-L", window)]
    try:
        out = repo.git("blame", "--porcelain", *shown, *revision, "--", path)
    except GitError as error:
        if rev is None and repo.is_unborn:
            raise no_commits() from error
        said = os.fsdecode(error.stderr).strip().removeprefix("fatal: ")
        hint = "name a file that git tracks, and a line that it has"
        raise RegenError(f"cannot tell about '{path}': {said}", hint=hint) from error
    return list(_parse(out))


def committed_blame(
    repo: Repository, path: RepoPath, commit: Oid, ranges: Sequence[LineRange] = ()
) -> list[BlamedLine]:
    """Return what git blames in a commit's file, whatever the user has configured for reading by eye."""
    shown = [part for lines in ranges for part in ("-L", f"{lines.first},{lines.last}")]
    plain = ("-c", "blame.ignoreRevsFile=", "-c", "core.quotePath=false")
    return list(_parse(repo.git(*plain, "blame", "--porcelain", *shown, commit, "--", path)))


def _parse(out: bytes) -> Iterator[BlamedLine]:
    """Read the porcelain format: a path is told once for each commit, not for each line."""
    paths: dict[bytes, RepoPath] = {}
    commits: dict[bytes, Oid] = {}
    head: re.Match[bytes] | None = None
    for line in out.split(b"\n"):
        if line.startswith(b"\t") and head is not None:
            oid = head[1]
            commit = commits.get(oid) or commits.setdefault(oid, oid.decode("ascii"))
            text = line[1:].decode("utf-8", "surrogateescape")
            yield BlamedLine(commit, paths.get(oid, ""), int(head[2]), int(head[3]), text)
        elif line.startswith(b"filename ") and head is not None:
            paths[head[1]] = os.fsdecode(_unquoted(line[9:]))
        else:
            head = _HEAD.match(line) or head


def _unquoted(name: bytes) -> bytes:
    """Take off git's quotes around a name with unusual bytes."""
    if not (name.startswith(b'"') and name.endswith(b'"')):
        return name
    plain = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
    return re.sub(
        rb"\\([0-7]{3}|.)",
        lambda m: bytes([int(m[1], 8)]) if len(m[1]) > 1 else plain.get(m[1], m[1]),
        name[1:-1],
    )
