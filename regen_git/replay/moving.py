"""Move working tree, index and branch together: all of them, or none, also when the machine stops in between.

Before anything changes a record says from where to where. Whoever finds it later finishes or takes back what
was begun; what a person did to a file meanwhile is never written over.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RegenError, ReplayError
from regen_git.git.commits import read_commit
from regen_git.git.refs import read_ref, update_refs
from regen_git.git.trees import SUBMODULE, SYMLINK, Leaf, diff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Change

__all__ = ["Move", "find_unfinished", "move"]


@dataclass(frozen=True, slots=True)
class Move:
    """A branch on its way from ``old`` to ``new``.

    ``undo`` is the command that takes it back afterwards. ``staged`` are paths that a person had staged just
    as they are in ``new``: they stay what they are.
    """

    branch: str
    old: Oid
    new: Oid
    undo: str
    message: str
    staged: tuple[RepoPath, ...] = ()


def move(repo: Repository, wanted: Move) -> None:
    """Do it. Raises ``ReplayError`` where files are in the way or the branch moved; then nothing changed."""
    repo.objects.flush()
    # Not with -q: then git would not say whose lock is in the way.
    repo.git("update-index", "--refresh", ok=(0, 1))
    try:
        repo.git("read-tree", "-m", "-u", "--dry-run", wanted.old, wanted.new)
    except GitError as error:
        raise _in_the_way(error) from error
    with _uninterrupted():
        staged = _staged(repo, wanted.old)
        planned = Move(wanted.branch, wanted.old, wanted.new, wanted.undo, wanted.message, staged)
        _write_record(repo, planned)
        try:
            repo.git("read-tree", "-m", "-u", wanted.old, wanted.new)
            update_refs(repo, [(wanted.branch, wanted.new, wanted.old)], wanted.message)
        except GitError as error:
            _take_back(repo, planned)
            if error.argv[1] == "read-tree":
                raise _in_the_way(error) from error
            raise ReplayError(
                f"cannot move '{wanted.branch}': {error}", hint=error.hint or "nothing was changed; try again"
            ) from error
        _record(repo).unlink()


def find_unfinished(repo: Repository) -> Move | None:
    """Look for a move that a kill cut off, and bring it to an end.

    Returns it where all of it had been done; takes it back where it had not. Raises ``RegenError`` when a
    person changed a file meanwhile, or when another program's lock is in the way.
    """
    try:
        data = json.loads(_record(repo).read_text("utf-8"))
        found = Move(**{**data, "staged": tuple(data["staged"])})
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        # Torn by a power cut, so nothing had been changed yet.
        _record(repo).unlink()
        return None
    at = read_ref(repo, found.branch)
    status, out = repo.git_status("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
    on = os.fsdecode(out).strip() if status == 0 else "HEAD"
    if at == found.old and on == found.branch:
        with _uninterrupted():
            _take_back(repo, found)
        return None
    _record(repo).unlink()
    return found if at == found.new else None


def _in_the_way(error: GitError) -> ReplayError:
    hint = error.hint or "commit or stash them first"
    return ReplayError(f"files in the working tree are in the way: {error}", hint=hint)


def _take_back(repo: Repository, planned: Move) -> None:
    """Bring working tree and index back to ``old``, for the paths that the move was about, and forget it."""
    changes = [c for c in _changes(repo, planned) if c.path not in planned.staged]
    strange = next((c.path for c in changes if not _is_known(repo, c)), None)
    if strange is not None:
        raise ReplayError(
            f"an adoption was cut off, and '{strange}' was changed since",
            hint=f"keep your version elsewhere, then 'git checkout {planned.old[:12]} -- {strange}'"
            " and run this again",
        )
    added = [c.path for c in changes if c.old is None]
    if added:
        for path in added:
            _remove(repo, path)
        repo.git("update-index", "--force-remove", "-z", "--stdin", stdin=_listed(added))
    present = [c.path for c in changes if c.old is not None]
    if present:
        repo.git(
            "--literal-pathspecs",
            "checkout",
            "--quiet",
            planned.old,
            "--pathspec-from-file=-",
            "--pathspec-file-nul",
            stdin=_listed(present),
        )
    _record(repo).unlink()


def _changes(repo: Repository, planned: Move) -> list[Change]:
    store = repo.objects
    return diff(store, read_commit(store, planned.old).tree, read_commit(store, planned.new).tree)


def _is_known(repo: Repository, change: Change) -> bool:
    """Return whether a file is as one of the two commits has it, or as git leaves it when it is cut off."""
    path = _full(repo, change.path)
    leaves = [leaf for leaf in (change.old, change.new) if leaf is not None]
    if any(leaf.mode == SUBMODULE for leaf in leaves):
        return True
    if path.is_symlink():
        wanted = [repo.objects.blob(leaf.oid) for leaf in leaves if leaf.mode == SYMLINK]
        return os.fsencode(path.readlink()) in wanted
    if not path.is_file():
        # Missing, or a folder: then files in it are paths of their own.
        return True
    name = os.fsencode(change.path)
    found = repo.git("hash-object", "--stdin-paths", stdin=_quoted(name) + b"\n").decode("ascii").strip()
    if any(leaf.oid == found for leaf in leaves):
        return True
    return any(_content(repo, change.path, leaf).startswith(path.read_bytes()) for leaf in leaves)


def _content(repo: Repository, path: RepoPath, leaf: Leaf) -> bytes:
    """Return a blob as git writes it into the working tree."""
    return repo.git("cat-file", "--filters", f"--path={path}", leaf.oid)


def _quoted(name: bytes) -> bytes:
    """Return a path as a line that git reads: in quotes where it holds a newline or begins with a quote."""
    if b"\n" not in name and not name.startswith(b'"'):
        return name
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def _remove(repo: Repository, path: RepoPath) -> None:
    full = _full(repo, path)
    with suppress(FileNotFoundError, NotADirectoryError):
        full.unlink()
    with suppress(OSError):
        # Folders that are empty now go, as git does it; the first that is not ends this.
        for folder in list(full.parents)[: path.count("/")]:
            folder.rmdir()


def _full(repo: Repository, path: RepoPath) -> Path:
    if repo.worktree is None:
        raise RegenError("a bare repository has no working tree")
    return repo.worktree / path


def _listed(paths: list[RepoPath]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _staged(repo: Repository, old: Oid) -> tuple[RepoPath, ...]:
    out = repo.git("diff-index", "--cached", "--name-only", "--no-renames", "-z", old, "--")
    return tuple(os.fsdecode(name) for name in out.split(b"\0") if name)


def _record(repo: Repository) -> Path:
    return repo.git_dir / "regen-adopting.json"


def _write_record(repo: Repository, planned: Move) -> None:
    path = _record(repo)
    scratch = path.with_name(path.name + ".new")
    with scratch.open("w", encoding="utf-8") as file:
        # Names that are no UTF-8 are escaped by JSON.
        json.dump(asdict(planned), file)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C do nothing, to us and to the git that we start, for the moment that this takes."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if signal.SIGINT in signal.sigpending() and signal.SIGINT not in before:
            signal.sigwait({signal.SIGINT})
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
