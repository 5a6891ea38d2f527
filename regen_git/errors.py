"""Name every failure once.

::

    RegenError                  anything we know how to explain; exit status 3
    ├── UsageError              the words typed make no sense together; exit status 2
    ├── RefusedError            the answer is no: a check failed, trees differ, a step is stuck; exit 1
    ├── GitError                git said no: command, status, stdout, stderr
    │   └── RefMovedError       a ref was not where we left it
    ├── NotARepositoryError     there is no repository here
    ├── LedgerError             a note cannot be written or understood
    ├── ConfigError             a setting cannot be understood
    ├── SpecError               a page of the spec cannot be read
    ├── UntrustedError          a repository's settings would run code, and nobody has said yes
    ├── ModelError              a model could not be reached or did not answer
    │   ├── NoRecordedReplyError  a locked replay needs a reply that nobody recorded
    │   └── BudgetError         the next call could cost more than what is left
    └── ReplayError             a replay cannot start or go on

Only ``cli/boundary.py`` turns these into text and an exit status.
"""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "BudgetError",
    "ConfigError",
    "GitError",
    "LedgerError",
    "ModelError",
    "NoRecordedReplyError",
    "NotARepositoryError",
    "RefMovedError",
    "RefusedError",
    "RegenError",
    "ReplayError",
    "SpecError",
    "UntrustedError",
    "UsageError",
]

_LOCKED = re.compile(r"Unable to create '(.+\.lock)': File exists")


class RegenError(Exception):
    """A failure that has an explanation.

    ``str()`` of it is one line: lower case, no full stop, what failed first, the subject quoted. ``hint``
    is what to do next, or empty.
    """

    exit_status = 3

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(RegenError):
    """The words typed make no sense together."""

    exit_status = 2


class RefusedError(RegenError):
    """The answer is no."""

    exit_status = 1


class GitError(RegenError):
    """Git said no. Keeps the command, its status and its output."""

    def __init__(
        self, argv: Sequence[str], status: int, stdout: bytes, stderr: bytes, *, hint: str = ""
    ) -> None:
        said = stderr.decode("utf-8", "replace").strip()
        words = list(argv[1:])
        while words[:1] == ["-c"]:
            del words[:2]
        shown = " ".join(words[:2])
        super().__init__(f"git {shown} failed: {_reason(said, status)}", hint=hint or _advice(said))
        self.argv = tuple(argv)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    @property
    def is_interrupted(self) -> bool:
        """Whether git was ended by Ctrl-C."""
        return self.status == -signal.SIGINT


def _reason(said: str, status: int) -> str:
    """Return the line in which git says why; what follows it is advice."""
    lines = said.splitlines()
    reasons = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    return (reasons or lines or [f"exit status {status}"])[-1]


def _advice(said: str) -> str:
    """Return what to do about failures that are the machine's, not the command's; empty for others."""
    lock = _LOCKED.search(said)
    if lock is not None:
        return f"if no other git is at work here, one was killed: remove '{lock[1]}' and try again"
    if "No space left on device" in said:
        return "make room on the disk and run the command again; nothing was lost"
    return ""


class RefMovedError(GitError):
    """A ref was not where we left it: somebody else moved it meanwhile."""


class NotARepositoryError(RegenError):
    """There is no git repository here."""


class LedgerError(RegenError):
    """A note cannot be written or understood."""


class ConfigError(RegenError):
    """A setting cannot be understood."""


class SpecError(RegenError):
    """A page of the spec cannot be read; the message names file and line."""


class UntrustedError(RegenError):
    """A repository's settings would run code or send data, and nobody has said yes."""


class ModelError(RegenError):
    """A model could not be reached, or did not answer.

    ``kind`` is one of the words of ``llm.failures``, empty where none fits; ``may_be_billed`` says that the
    last sending may have cost money although no answer arrived.
    """

    def __init__(self, message: str, *, hint: str = "", kind: str = "", may_be_billed: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.may_be_billed = may_be_billed


class NoRecordedReplyError(ModelError):
    """A locked replay needs a reply that nobody recorded."""


class BudgetError(ModelError):
    """The next call could cost more than what is left of the budget."""


class ReplayError(RegenError):
    """A replay cannot start or go on."""
