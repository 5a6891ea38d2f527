"""Who reads objects: libgit2 where it can, else a ``git cat-file`` that is kept running.

libgit2 as pygit2 is built knows SHA-1 only. Git knows every kind of repository, at the price of one exchange
over a pipe for each object.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import weakref
from typing import TYPE_CHECKING, Protocol

from regen_git.errors import RegenError
from regen_git.git.repository import git_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["CatFile", "Reader", "close_readers", "open_reader"]

_NUMBERS = {b"commit": 1, b"tree": 2, b"blob": 3, b"tag": 4}
_CLOSING_S = 5.0
_OPEN: weakref.WeakSet[CatFile] = weakref.WeakSet()


class Reader(Protocol):
    """Reads what the repository has on disk; safe for threads. ``pygit2.Odb`` is one as it stands."""

    def read(self, oid: Oid, /) -> tuple[int, bytes]:
        """Return an object's kind, numbered as in packs, and its bytes. Raises ``KeyError``."""

    def read_header(self, oid: Oid, /) -> tuple[int, int]:
        """Return an object's kind and size, without reading it. Raises ``KeyError``."""

    def __contains__(self, oid: Oid, /) -> bool:
        """Return whether the object is there, without fetching it."""


def open_reader(repo: Repository) -> Reader:
    """Return the fastest reader that knows the repository's kind."""
    if repo.hash_name != "sha1":
        return CatFile(repo)
    import pygit2

    # The object folder alone, so that neither configuration nor ownership checks get in the way: git itself
    # has opened this repository already.
    return pygit2.Odb(str(repo.common_dir / "objects"))


def close_readers() -> None:
    """End every process that a reader keeps. Readers that are used again start a new one."""
    for reader in list(_OPEN):
        reader.close()


class CatFile:
    """Reads through two kept ``git cat-file``: one gives contents, the other only says what is there."""

    def __init__(self, repo: Repository) -> None:
        self._contents = _Kept(repo, "--batch")
        self._presence = _Kept(repo, "--batch-check")
        _OPEN.add(self)

    def read(self, oid: Oid, /) -> tuple[int, bytes]:
        """Return an object's kind and bytes. Raises ``KeyError`` when it is not there."""
        found = self._contents.ask(oid)
        if found is None:
            raise KeyError(oid)
        return found

    def read_header(self, oid: Oid, /) -> tuple[int, int]:
        """Return an object's kind and size. Raises ``KeyError`` when it is not there."""
        found = self._presence.ask(oid)
        if found is None:
            raise KeyError(oid)
        return found[0], int(found[1])

    def __contains__(self, oid: Oid, /) -> bool:
        """Return whether the object is there."""
        return self._presence.ask(oid) is not None

    def close(self) -> None:
        """End the processes."""
        self._contents.close()
        self._presence.close()


class _Kept:
    """One ``git cat-file`` that answers a line at a time, started with the first question."""

    def __init__(self, repo: Repository, flag: str) -> None:
        # A miss must stay one: what a partial clone lacks is fetched knowingly, and many at once.
        env = {"GIT_DIR": str(repo.git_dir), "GIT_NO_LAZY_FETCH": "1"}
        self._env = git_environment(env)
        self._cwd = repo.git_dir
        self._argv = ["git", "cat-file", flag]
        self._has_contents = flag == "--batch"
        self._is_partial = repo.is_partial
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stop: Callable[[], object] | None = None

    def ask(self, oid: Oid) -> tuple[int, bytes] | None:
        """Return the kind and bytes (or the size in digits, for presence); ``None`` for a miss."""
        if not oid.isalnum():
            # Only an id in full: a line break would put the questions and the answers out of step.
            return None
        with self._guard:
            try:
                return self._exchange(oid)
            except (EOFError, BrokenPipeError):
                # Ended from outside, for instance by an interrupt: once more with a new one.
                pass
            try:
                return self._exchange(oid)
            except (EOFError, BrokenPipeError) as error:
                if self._is_partial:
                    # Git gives up at an object that it may not fetch.
                    return None
                hint = "'git fsck' tells what is broken"
                raise RegenError("git stopped while it read objects", hint=hint) from error

    def _exchange(self, oid: Oid) -> tuple[int, bytes] | None:
        try:
            return self._answer(oid)
        except BaseException:
            # Stopped in the middle of an answer: the next question must not read the rest of it.
            self._end()
            raise

    def _answer(self, oid: Oid) -> tuple[int, bytes] | None:
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise EOFError
        process.stdin.write(oid.encode("ascii", "replace") + b"\n")
        process.stdin.flush()
        head = process.stdout.readline().split()
        if not head:
            raise EOFError
        if len(head) != 3:  # noqa: PLR2004 - id, kind, size; else "<what was asked> missing"
            return None
        data = head[2]
        if self._has_contents:
            size = int(head[2])
            data = process.stdout.read(size)
            if len(data) < size or not process.stdout.read(1):
                raise EOFError
        return _NUMBERS[head[1]], data

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            self._argv,
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=1 << 16,
        )
        # Also when nobody closes us: no process outlives who asks it, and none stays as a zombie.
        self._stop = weakref.finalize(self, _stop, self._process)
        return self._process

    def close(self) -> None:
        """End the process, if there is one."""
        with self._guard:
            self._end()

    def _end(self) -> None:
        self._process = None
        if self._stop is not None:
            self._stop()
            self._stop = None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes and wait: without its input it ends by itself, and what does not is stuck."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    try:
        process.wait(_CLOSING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
