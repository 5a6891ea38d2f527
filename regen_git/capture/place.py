"""Find the repository that a folder lies in without starting git: an agent waits for every millisecond.

``GIT_DIR`` and its like are passed over: they speak of the shell an agent runs in, not of the file it wrote.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from regen_git.git.repository import Repository

__all__ = ["MAIN", "Place", "find_place", "place_of"]

MAIN = "main"
"""The key of the main worktree; a linked one has ``worktrees/<name>``, as in git's own data."""


class Place(NamedTuple):
    """One worktree of a repository, by absolute paths. ``top`` is empty for a repository without one."""

    top: str
    git_dir: str
    common_dir: str

    @property
    def key(self) -> str:
        """The worktree's name within the repository."""
        name = os.path.basename(self.git_dir)  # noqa: PTH119 - pathlib costs milliseconds here
        return MAIN if self.git_dir == self.common_dir else f"worktrees/{name}"

    @property
    def data(self) -> str:
        """The folder of what never travels."""
        return self.common_dir + "/regen"

    def other(self, key: str) -> str:
        """Return the git folder of the worktree with this key."""
        return self.common_dir if key == MAIN else f"{self.common_dir}/{key}"


def find_place(start: str) -> Place | None:
    """Return the innermost worktree around an absolute path that may not exist; ``None`` outside of all."""
    try:
        at = os.path.realpath(start)
    except ValueError:
        # A name that no file can have: there is a null in it, or half a character.
        return None
    while True:
        git = at + "/.git" if at != "/" else "/.git"
        if _is_git_dir(git):
            return Place(at, git, git)
        if os.path.isfile(git):  # noqa: PTH113 - see above
            found = _read_pointer(git, "gitdir: ")
            if found is not None and os.path.isdir(found):  # noqa: PTH112 - see above
                common = _read_pointer(found + "/commondir", "")
                return Place(at, found, common or found)
        parent = os.path.dirname(at)  # noqa: PTH120 - see above
        if parent == at or _is_git_dir(at):
            return None
        at = parent


def place_of(repo: Repository) -> Place:
    """Return the place of a repository that is open."""
    top = os.path.realpath(repo.worktree) if repo.worktree is not None else ""
    return Place(top, os.path.realpath(repo.git_dir), os.path.realpath(repo.common_dir))


def _is_git_dir(path: str) -> bool:
    return os.path.isfile(path + "/HEAD") and os.path.isdir(path + "/objects")  # noqa: PTH112, PTH113 - see above


def _read_pointer(path: str, prefix: str) -> str | None:
    """Return where a one-line file of git points, as an absolute path without links."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - see above
            line = file.readline().rstrip("\n")
    except OSError:
        return None
    if not line.startswith(prefix):
        return None
    base = os.path.dirname(path)  # noqa: PTH120 - see above
    return os.path.realpath(os.path.join(base, line[len(prefix) :]))  # noqa: PTH118 - see above
