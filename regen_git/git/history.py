"""Ranges of history as git reads them, walked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RegenError

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["Span", "read_span"]


@dataclass(frozen=True, slots=True)
class Span:
    """Commits to walk: oldest first, parents before children, ending in ``tip``.

    What is not in ``commits`` but is a parent of one is kept as it is.
    """

    tip: Oid
    commits: tuple[Oid, ...]
    text: str


def read_span(repo: Repository, text: str, *, may_be_empty: bool = False) -> Span:
    """Read ``A..B``, one revision (everything up to it) or nothing (HEAD).

    Raises ``RegenError`` for what names nothing, is empty unless it may be, or crosses the edge of a shallow
    clone.
    """
    shown = text or "HEAD"
    if "..." in shown:
        raise RegenError(f"cannot walk '{shown}'", hint="give one range A..B; A is the base, kept as it is")
    base, dots, tip_name = shown.rpartition("..")
    tip = repo.resolve(tip_name or "HEAD")
    args = ["rev-list", "--topo-order", "--reverse", tip]
    if dots:
        args.append("^" + repo.resolve(base or "HEAD"))
    try:
        out = repo.git(*args, "--")
    except GitError as error:
        raise RegenError(f"cannot walk '{shown}'", hint="name two commits that exist: A..B") from error
    commits = tuple(out.decode("ascii").split())
    if not commits and not may_be_empty:
        raise RegenError(f"no commits in '{shown}'", hint="give a range A..B in which B has commits A lacks")
    _refuse_shallow(repo, commits, shown)
    return Span(tip, commits, shown)


def _refuse_shallow(repo: Repository, commits: tuple[Oid, ...], shown: str) -> None:
    edge = repo.common_dir / "shallow"
    if edge.exists() and not set(edge.read_text("ascii").split()).isdisjoint(commits):
        raise RegenError(
            f"'{shown}' crosses the edge of a shallow clone",
            hint="fetch the rest with 'git fetch --unshallow', or start the range after the edge",
        )
