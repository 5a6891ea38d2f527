"""Show long output in the user's pager, on a terminal only: the one that git would take, as git does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regen_git.git.repository import Repository

__all__ = ["paged"]

_IN_USE = "GIT_PAGER_IN_USE"


@contextlib.contextmanager
def paged(repo: Repository) -> Iterator[None]:
    """Send what is printed in this context through the pager, where standard output is a terminal.

    Leaving the context waits until the person has left the pager. Source: pager.c of git.
    """
    program = _pager(repo)
    if not program:
        yield
        return
    # Not through the runner of outside commands: this one has the terminal, and its end is the person's.
    process = subprocess.Popen(
        ["sh", "-c", program],
        stdin=subprocess.PIPE,
        env={"LESS": "FRX", "LV": "-c", **os.environ, _IN_USE: "true"},
    )
    if process.stdin is None:
        raise OSError(program)
    sys.stdout.flush()
    terminal = os.dup(1)
    os.dup2(process.stdin.fileno(), 1)
    process.stdin.close()
    os.environ[_IN_USE] = "true"
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The person has left the pager; what is still buffered must not come to the terminal after it.
        _forget()
    finally:
        _leave(process, terminal)
        os.environ.pop(_IN_USE, None)


def _pager(repo: Repository) -> str:
    """Return the command that git would take; empty for none."""
    if not sys.stdout.isatty():
        return ""
    status, out = repo.git_status(
        "var", "GIT_PAGER", env={"TERM": os.environ.get("TERM", "")}, ok=(0, 1, 128)
    )
    program = os.fsdecode(out).strip() if status == 0 else ""
    return "" if program == "cat" else program


def _forget() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    with contextlib.suppress(OSError):
        sys.stdout.flush()


def _leave(process: subprocess.Popen[bytes], terminal: int) -> None:
    """Close the pager's input, wait for its end and take the terminal back."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    os.dup2(terminal, 1)
    os.close(terminal)
    # Ctrl-C is the pager's until it ends.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
