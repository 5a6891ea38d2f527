"""A risk report as values: findings, what was measured, and the verdict that follows by the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid, RepoPath

__all__ = [
    "KINDS",
    "Finding",
    "FindingKind",
    "Known",
    "Measures",
    "Reason",
    "Risk",
    "RiskVerdict",
    "SourceFile",
]

RiskVerdict = Literal["safe", "risky", "refuse"]

FindingKind = Literal["checks", "tests", "state", "no-intent", "people", "hidden", "untested"]

KINDS: tuple[FindingKind, ...] = ("checks", "tests", "state", "no-intent", "people", "hidden", "untested")
"""What a finding can be about, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A text file of the tip's tree."""

    path: RepoPath
    oid: Oid
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that code holds and others may rely on.

    ``what`` is its kind in words: ``flag``, ``environment variable``. ``name`` is what is shown, ``texts``
    the words of which any counts as a mention. ``numbers`` are small numbers in digits and words: they count
    only where somebody asked. ``is_name`` marks what a public surface holds, too.
    """

    what: str
    name: str
    line: int
    texts: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before spending. ``what_next`` says what a person can do about it.

    ``about`` is the kind of hidden knowledge, else empty. ``is_held`` marks public names that the gate of the
    public surface keeps: they are told, and do not count.
    """

    kind: FindingKind
    why: str
    what_next: str
    path: RepoPath | None = None
    line: int | None = None
    commit: Oid | None = None
    symbol: str | None = None
    about: str = ""
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures that the rules judge by.

    ``files`` and ``lines`` are those of existing code that would be regenerated; ``known`` counts what it
    holds that others may rely on, ``hidden`` what of it nothing mentions and no gate keeps. ``commits`` are
    those that touched these files, ``silent`` those of them without intent; ``untested`` counts files.
    """

    files: int = 0
    lines: int = 0
    known: int = 0
    hidden: int = 0
    held: int = 0
    commits: int = 0
    silent: int = 0
    checks: int = 0
    frozen_tests: int = 0
    tests: int = 0
    code_files: int = 0
    untested: int = 0
    people: int = 0
    stores: int = 0
    writes: int = 0
    has_state: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that applied: what it says, and the verdict it leads to at least."""

    rule: str
    verdict: RiskVerdict
    why: str


@dataclass(frozen=True, slots=True)
class Risk:
    """The whole report. ``limits`` say what was not looked at; ``evidence`` what tests were judged by."""

    verdict: RiskVerdict
    reasons: tuple[Reason, ...]
    findings: tuple[Finding, ...]
    measures: Measures
    evidence: str = ""
    limits: tuple[str, ...] = ()
