"""What verification says: pass, fail or indeterminate, with the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import Oid, RepoPath


class Verdict(Enum):
    """Pass, fail or indeterminate. Nothing that did not run has passed."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INDETERMINATE = "indeterminate"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Return fail if any failed, else indeterminate if any is or there are none, else pass."""
    seen = set(verdicts)
    if Verdict.FAIL in seen:
        return Verdict.FAIL
    if not seen or Verdict.INDETERMINATE in seen:
        return Verdict.INDETERMINATE
    return Verdict.PASS


class Outcome(Enum):
    """How one test ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One declared check on one tree.

    ``tests`` maps a test's id to its outcome; empty when the check reports none. ``output`` is what it
    printed, with paths and times normalised, cut to what a repair needs. ``reason`` says why a verdict is
    indeterminate.
    """

    name: str
    verdict: Verdict
    seconds: float
    exit_status: int | None
    tests: dict[str, Outcome] = field(default_factory=dict)
    output: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate that needs no model and no command: ``problems`` empty means it holds."""

    name: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ratchet:
    """What was lost against the original: tests that passed there and do not here.

    ``unstable`` tests differed between two runs on the original and do not count.
    """

    lost: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was found out about one tree, and the verdict that follows from it."""

    tree: Oid
    verdict: Verdict
    checks: tuple[CheckResult, ...] = ()
    ratchet: Ratchet = Ratchet()
    gates: tuple[GateResult, ...] = ()
    frozen: tuple[RepoPath, ...] = ()
    reasons: tuple[str, ...] = ()
