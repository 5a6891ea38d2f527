"""Open a repository, find its folders and run git in it.

Opening starts at most one process. What needs many objects goes through :attr:`Repository.objects`, which
imports pygit2 when first used.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.errors import GitError, NotARepositoryError, RegenError
from regen_git.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.objects import ObjectStore

__all__ = ["Repository", "git_environment"]

# Set by git for its hooks; wrong for any other repository, index or worktree that we work on.
_HOOK_VARIABLES = (
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_WORK_TREE",
    "GIT_PREFIX",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_EDITOR",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_REFLOG_ACTION",
)


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a child git: without what a hook inherited, and without replace refs."""
    env = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    env["GIT_NO_REPLACE_OBJECTS"] = "1"
    env["GIT_OPTIONAL_LOCKS"] = "0"
    env["LC_ALL"] = "C"
    env.update(extra or {})
    return env


class Repository:
    """One git repository, seen from one of its worktrees (or from none, when bare)."""

    def __init__(self, git_dir: Path, common_dir: Path, worktree: Path | None, hash_name: str) -> None:
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.worktree = worktree
        self.hash_name = hash_name

    @classmethod
    def open(cls, path: Path | None = None) -> Repository:
        """Open the repository that ``path`` (default: the current folder) lies in.

        Inside a hook the repository of that hook is opened. Raises ``NotARepositoryError``.
        """
        where = Path.cwd() if path is None else path
        env = git_environment()
        if path is None and "GIT_DIR" in os.environ:
            env["GIT_DIR"] = os.environ["GIT_DIR"]
            if "GIT_WORK_TREE" in os.environ:
                env["GIT_WORK_TREE"] = os.environ["GIT_WORK_TREE"]
        argv = [
            "git",
            "rev-parse",
            "--path-format=absolute",
            "--git-dir",
            "--git-common-dir",
            "--is-bare-repository",
            "--show-object-format",
            "--is-inside-work-tree",
        ]
        done = run(argv, cwd=where, env=env)
        if done.status != 0:
            raise _cannot_open(where, done.stderr)
        git_dir, common_dir, bare, hash_name, inside = os.fsdecode(done.stdout).splitlines()
        worktree = None
        if bare != "true" and inside == "true":
            top = run(["git", "rev-parse", "--path-format=absolute", "--show-toplevel"], cwd=where, env=env)
            worktree = Path(os.fsdecode(top.stdout).rstrip("\n"))
        return cls(Path(git_dir), Path(common_dir), worktree, hash_name)

    @property
    def data_dir(self) -> Path:
        """Where this program keeps what never travels: inbox, journals, trust, log."""
        return self.common_dir / "regen"

    @property
    def null_oid(self) -> Oid:
        """The all-zero id: a ref that must not exist yet."""
        return "0" * (64 if self.hash_name == "sha256" else 40)

    @cached_property
    def objects(self) -> ObjectStore:
        """The object database, with what this process has made but not yet flushed."""
        from regen_git.git.objects import ObjectStore

        return ObjectStore(self)

    def git(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
    ) -> bytes:
        """Run git here and return its standard output. Raises ``GitError`` for a status not in ``ok``."""
        status, stdout = self.git_status(*args, stdin=stdin, env=env, ok=ok)
        del status
        return stdout

    def git_status(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] = (0,),
    ) -> tuple[int, bytes]:
        """Run git here and return its status and standard output. Raises ``GitError`` as ``git`` does."""
        argv = ["git", *args]
        full = git_environment({"GIT_DIR": str(self.git_dir), **(env or {})})
        if self.worktree is not None and "GIT_WORK_TREE" not in full:
            full["GIT_WORK_TREE"] = str(self.worktree)
        done = run(argv, cwd=self.worktree or self.git_dir, env=full, stdin=stdin)
        if done.status not in ok:
            raise GitError(argv, done.status, done.stdout, done.stderr)
        return done.status, done.stdout

    def resolve(self, rev: str) -> Oid:
        """Return the commit that ``rev`` names. Raises ``RegenError`` when it names none."""
        try:
            out = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
        except GitError as error:
            raise RegenError(
                f"unknown revision '{rev}'", hint="name a commit, branch or tag; 'git log' lists commits"
            ) from error
        return out.decode("ascii").strip()

    def config(self, name: str) -> str | None:
        """Return the value git config gives this name, or ``None``."""
        status, out = self.git_status("config", "--null", "--get", name, ok=(0, 1))
        return os.fsdecode(out).rstrip("\0") if status == 0 else None

    def config_all(self, name: str) -> list[str]:
        """Return every value of a multi-valued name, in order; empty if none."""
        out = self.git("config", "--null", "--get-all", name, ok=(0, 1))
        return [os.fsdecode(value) for value in out.split(b"\0") if value]

    def set_config(self, name: str, value: str, *, add: bool = False) -> None:
        """Set a name in this repository's own configuration; ``add`` keeps the values it has."""
        self.git("config", "--local", *(["--add"] if add else []), name, value)


def _cannot_open(where: Path, stderr: bytes) -> NotARepositoryError:
    said = os.fsdecode(stderr).strip()
    if "dubious ownership" in said:
        hint = "git does not trust this folder's owner; git's own message names the safe.directory setting"
        return NotARepositoryError(
            f"cannot open the repository in '{where}': another user owns it", hint=hint
        )
    hint = "run this inside a git repository, or make one with 'git init'"
    return NotARepositoryError(f"no git repository in '{where}'", hint=hint)
