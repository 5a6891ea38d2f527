"""Refs, moved by compare-and-swap only: who moved one meanwhile is never overwritten."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RefMovedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["peek_ref", "read_ref", "update_ref", "update_refs"]

_OID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")


def read_ref(repo: Repository, name: str) -> Oid | None:
    """Return what the ref names, or ``None`` when there is none. ``name`` is in full: ``refs/…`` or HEAD."""
    status, out = repo.git_status("rev-parse", "--verify", "--quiet", "--end-of-options", name, ok=(0, 1))
    return out.decode("ascii").strip() if status == 0 else None


def peek_ref(repo: Repository, name: str) -> Oid | None:
    """Return what the ref names as ``read_ref`` does, without starting git where refs are files."""
    folder = repo.common_dir
    if (folder / "reftable").is_dir():
        return read_ref(repo, name)
    try:
        found = (folder / name).read_bytes().strip()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return _packed(folder / "packed-refs", name)
    return found.decode("ascii") if _OID.fullmatch(found) else read_ref(repo, name)


def _packed(path: Path, name: str) -> Oid | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    found = re.search(rb"^([0-9a-f]{40,64}) %s$" % re.escape(os.fsencode(name)), data, re.MULTILINE)
    return found[1].decode("ascii") if found else None


def update_ref(repo: Repository, name: str, new: Oid | None, old: Oid | None, message: str = "") -> None:
    """Move one ref from ``old`` to ``new``; ``None``: it does not exist. Raises ``RefMovedError``."""
    update_refs(repo, [(name, new, old)], message)


def update_refs(
    repo: Repository, moves: Sequence[tuple[str, Oid | None, Oid | None]], message: str = ""
) -> None:
    """Move several refs together or none of them: each from ``old`` to ``new``. Raises ``RefMovedError``."""
    zero = repo.null_oid
    lines = [f"update {name}\0{new or zero}\0{old or zero}\0" for name, new, old in moves]
    # Who moves a ref may then forget what it holds elsewhere, so the move itself must be on the disk.
    argv = [
        "-c",
        "core.fsync=reference",
        "update-ref",
        "-m",
        message or "regen",
        "--create-reflog",
        "-z",
        "--stdin",
    ]
    try:
        repo.git(*argv, stdin="".join(lines).encode("utf-8", "surrogateescape"))
    except GitError as error:
        present = [read_ref(repo, name) for name, _, _ in moves]
        if present == [new for _, new, _ in moves]:
            # Git was ended after the move and before it had tidied up.
            return
        if present != [old for _, _, old in moves]:
            raise RefMovedError(
                error.argv, error.status, error.stdout, error.stderr, hint="somebody moved it; try again"
            ) from error
        raise
