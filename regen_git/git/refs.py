"""Refs, moved by compare-and-swap only: who moved one meanwhile is never overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.errors import GitError, RefMovedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["read_ref", "update_ref", "update_refs"]


def read_ref(repo: Repository, name: str) -> Oid | None:
    """Return what the ref names, or ``None`` when there is none. ``name`` is in full: ``refs/…`` or HEAD."""
    status, out = repo.git_status("rev-parse", "--verify", "--quiet", "--end-of-options", name, ok=(0, 1))
    return out.decode("ascii").strip() if status == 0 else None


def update_ref(repo: Repository, name: str, new: Oid | None, old: Oid | None, message: str = "") -> None:
    """Move one ref from ``old`` to ``new``; ``None``: it does not exist. Raises ``RefMovedError``."""
    update_refs(repo, [(name, new, old)], message)


def update_refs(
    repo: Repository, moves: Sequence[tuple[str, Oid | None, Oid | None]], message: str = ""
) -> None:
    """Move several refs together or none of them: each from ``old`` to ``new``. Raises ``RefMovedError``."""
    zero = repo.null_oid
    lines = [f"update {name}\0{new or zero}\0{old or zero}\0" for name, new, old in moves]
    argv = ["update-ref", "-m", message or "regen", "--create-reflog", "-z", "--stdin"]
    try:
        repo.git(*argv, stdin="".join(lines).encode("utf-8", "surrogateescape"))
    except GitError as error:
        if any(read_ref(repo, name) != old for name, _, old in moves):
            raise RefMovedError(
                error.argv, error.status, error.stdout, error.stderr, hint="somebody moved it; try again"
            ) from error
        raise
