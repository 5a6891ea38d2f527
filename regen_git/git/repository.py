"""Open a repository, find its folders and run git in it.

Opening starts at most one process. What needs many objects goes through :attr:`Repository.objects`, which
imports pygit2 when first used.
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.errors import GitError, NotARepositoryError, RegenError
from regen_git.process import run, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.objects import ObjectStore
    from regen_git.process import Completed

__all__ = ["Repository", "git_environment", "no_commits"]

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
    "GIT_NOTES_REF",
    "GIT_NOTES_DISPLAY_REF",
    "GIT_NOTES_REWRITE_REF",
    "GIT_GRAFT_FILE",
)

_MEANT = ("GIT_DIR", "GIT_WORK_TREE")

# What users set for their own eyes and would bend what is read here; no name that git is asked for here.
_PLAIN_OUTPUT = (
    ("color.diff", "never"),
    ("color.grep", "never"),
    ("color.ui", "never"),
    ("diff.interHunkContext", "0"),
    ("diff.orderFile", "/dev/null"),
    ("i18n.commitEncoding", "utf-8"),
    ("i18n.logOutputEncoding", "utf-8"),
    ("log.showRoot", "true"),
    ("log.showSignature", "false"),
    ("submodule.recurse", "false"),
)
# A file that cannot be: grafts are switched off without a word, also from git that they will go away.
_NO_GRAFTS = "/dev/null/none"
_NO_NOTES = re.compile(rb"notes tree referenced by (\S+)")

_ANSWERS = 5
"""Lines in which git tells where a repository is and of what kind."""


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a child git.

    It lacks what a hook inherited, replace refs and grafts, and the user's settings of how output looks.
    """
    env = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    env["GIT_NO_REPLACE_OBJECTS"] = "1"
    env["GIT_GRAFT_FILE"] = _NO_GRAFTS
    env["GIT_OPTIONAL_LOCKS"] = "0"
    env["LC_ALL"] = "C"
    # Settings by environment: after those in files, before what 'git -c' gave this program. Source: git(1).
    count = env.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    for number, (name, value) in enumerate(_PLAIN_OUTPUT, first):
        env[f"GIT_CONFIG_KEY_{number}"] = name
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    env["GIT_CONFIG_COUNT"] = str(first + len(_PLAIN_OUTPUT))
    env.update(extra or {})
    return env


class Repository:
    """One git repository, seen from one of its worktrees (or from none, when bare)."""

    def __init__(self, git_dir: Path, common_dir: Path, worktree: Path | None, hash_name: str) -> None:
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.worktree = worktree
        self.hash_name = hash_name
        self.on_fetch: Callable[[int, str], None] = lambda _number, _remote: None
        """Called before what a partial clone left out is fetched: how many objects, from which remote."""

    @classmethod
    def open(cls, path: Path | None = None) -> Repository:
        """Open the repository that ``path`` (default: the current folder) lies in.

        Inside a hook the repository of that hook is opened. Raises ``NotARepositoryError``.
        """
        where = path if path is not None else _here()
        env = git_environment()
        if path is None:
            # Who set these for the shell, or a hook, means this repository.
            env.update((name, os.environ[name]) for name in _MEANT if name in os.environ)
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
        if done.stdout.count(b"\n") < _ANSWERS:
            # Git does not look whether a pipe took what it wrote.
            raise GitError(argv, done.status, done.stdout, done.stderr or b"fatal: its answer is cut off")
        git_dir, common_dir, bare, hash_name, inside = os.fsdecode(done.stdout).split("\n")[:_ANSWERS]
        repo = cls(Path(git_dir), Path(common_dir), None, hash_name)
        if inside == "true":
            top = run(["git", "rev-parse", "--path-format=absolute", "--show-toplevel"], cwd=where, env=env)
            repo.worktree = Path(os.fsdecode(top.stdout).removesuffix("\n"))
        elif bare != "true":
            repo.worktree = _worktree_elsewhere(repo, where, env.get("GIT_WORK_TREE"))
        return repo

    @property
    def data_dir(self) -> Path:
        """Where this program keeps what never travels: inbox, journals, trust, log."""
        return self.common_dir / "regen"

    @property
    def is_unborn(self) -> bool:
        """Whether HEAD names a branch that has no commit yet."""
        return self.git_status("rev-parse", "--verify", "--quiet", "HEAD^{commit}", ok=(0, 1, 128))[0] != 0

    @property
    def null_oid(self) -> Oid:
        """The all-zero id: a ref that must not exist yet."""
        return "0" * (64 if self.hash_name == "sha256" else 40)

    @cached_property
    def is_partial(self) -> bool:
        """Whether a remote has promised objects that are not here. Starts no process."""
        return any((self.common_dir / "objects" / "pack").glob("*.promisor"))

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
        done = run(argv, cwd=self.worktree or self.git_dir, env=self._environment(env), stdin=stdin)
        if done.status not in ok:
            raise _failed(argv, done)
        return done.status, done.stdout

    def git_stream(self, *args: str, stdin: bytes | None = None, cwd: Path | None = None) -> Iterator[bytes]:
        """Run git and yield its standard output as it comes, in pieces of any size.

        ``cwd`` is for paths that a user typed in a subfolder. Whoever stops reading ends git. Raises
        ``GitError``, after all that git printed before it failed.
        """
        argv = ["git", *args]
        done = yield from stream(
            argv, cwd=cwd or self.worktree or self.git_dir, env=self._environment(None), stdin=stdin
        )
        if done.status:
            raise _failed(argv, done)

    def _environment(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        full = git_environment({"GIT_DIR": str(self.git_dir), **(extra or {})})
        if self.worktree is not None and "GIT_WORK_TREE" not in full:
            full["GIT_WORK_TREE"] = str(self.worktree)
        return full

    def resolve(self, rev: str) -> Oid:
        """Return the commit that ``rev`` names. Raises ``RegenError`` when it names none."""
        try:
            out = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
        except GitError as error:
            if rev == "HEAD":
                raise no_commits() from error
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


def no_commits() -> RegenError:
    """Return the failure of what needs a commit on a branch that has none."""
    return RegenError(
        "this branch has no commit yet", hint="make its first commit, or name a branch that has one"
    )


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        hint = "change to a folder that does"
        raise NotARepositoryError("the current folder does not exist any more", hint=hint) from error


def _worktree_elsewhere(repo: Repository, where: Path, named: str | None) -> Path | None:
    """Return the working tree that somebody named, when we are not in it; ``None`` inside the git folder."""
    if named:
        return Path(os.path.realpath(where / named))
    configured = repo.config("core.worktree")
    return Path(os.path.realpath(repo.git_dir / configured)) if configured else None


def _failed(argv: Sequence[str], done: Completed) -> GitError:
    """Return the failure of a git, with what to do where that is known."""
    no_notes = _NO_NOTES.search(done.stderr)
    hint = ""
    if no_notes is not None:
        ref = os.fsdecode(no_notes[1])
        hint = f"'git reflog {ref}' may tell where it was; 'git update-ref -d {ref}' drops what is no ledger"
    return GitError(argv, done.status, done.stdout, done.stderr, hint=hint)


def _cannot_open(where: Path, stderr: bytes) -> NotARepositoryError:
    said = os.fsdecode(stderr).strip()
    if "dubious ownership" in said:
        allow = re.search(r"git config --global --add safe\.directory .+", said)
        hint = "git does not trust this folder's owner" + (f"; if you do: {allow[0]}" if allow else "")
        return NotARepositoryError(
            f"cannot open the repository in '{where}': another user owns it", hint=hint
        )
    if said and "not a git repository" not in said:
        return NotARepositoryError(
            f"cannot open the repository in '{where}': {said.splitlines()[0].removeprefix('fatal: ')}",
            hint="git cannot open it either; 'git status' there tells more",
        )
    hint = "run this inside a git repository, or make one with 'git init'"
    return NotARepositoryError(f"no git repository in '{where}'", hint=hint)
