"""The verdict of ``check`` as continuous integration reads it: annotations, a summary, a test report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.cli.console import safe
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regen_git.sharing.check import Problem, Standing, Verdict

__all__ = ["LABELS", "add_summary", "counted", "inert", "junit", "workflow_commands"]

LABELS = {
    "intent": "with an intent",
    "lost": "lost theirs",
    "unrecorded": "by an agent without one",
    "human": "by people",
    "passed": "merges, reverts and adopted trees",
}
"""What is said of a number of commits that stand so."""

_MOST_ANNOTATIONS = 50
_MOST_ROWS = 500
_SHOWN = 12
_SUMMARY_BYTES = 900_000
_LONGEST_CELL = 300
_MARKUP = frozenset("|`*_[]\\~@#!:&<>\"'")
_NO_XML = str.maketrans("", "", "\ufffe\uffff")
_ENDED = "\n_The list ends here._\n"


def counted(verdict: Verdict) -> str:
    """Return how many commits stand where, in one sentence."""
    parts = [f"{number:,} {LABELS[state]}" for state, number in verdict.counts.items() if number]
    return f"{verdict.commits:,} commits in {safe(verdict.span)}: {', '.join(parts) or 'none'}"


def workflow_commands(verdict: Verdict, *, is_report_only: bool = False) -> Iterator[str]:
    """Yield GitHub's workflow commands, one a problem; no more than GitHub shows of a job.

    What comes from a repository is escaped as GitHub's own toolkit does it; the older form of command,
    ``##[…]``, which the runner finds anywhere in a line, is taken apart.
    """
    ordered = sorted(verdict.problems, key=lambda problem: not problem.is_fatal)
    for problem in ordered[:_MOST_ANNOTATIONS]:
        level = "notice" if not problem.is_fatal else "warning" if is_report_only else "error"
        title = f"{problem.kind} in {problem.commit[:_SHOWN]}"
        yield f"::{level} title={_property(title)}::{_data(f'{problem.text} ({problem.subject})')}"
    if len(ordered) > _MOST_ANNOTATIONS:
        yield f"and {len(ordered) - _MOST_ANNOTATIONS:,} more"


def inert(text: str) -> str:
    """Return text that GitHub's runner cannot take for a command, wherever it stands in a line."""
    apart = safe(text).replace("##[", "## [")
    return "\n".join(
        f". {line}" if line.lstrip().startswith("::") else line
        for line in apart.replace("\r", "").split("\n")
    )


def _data(text: str) -> str:
    apart = safe(text).replace("##[", "## [")
    return apart.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def add_summary(verdict: Verdict, hint: str) -> None:
    """Append the verdict as Markdown to the job's summary, which GitHub shows beside its log.

    Raises ``UsageError`` where no summary is asked for by GitHub.
    """
    target = os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        raise UsageError(
            "there is no job summary here", hint="'--summary' is for a step of a GitHub workflow"
        )
    with Path(target).open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(_markdown(verdict, hint))


def _markdown(verdict: Verdict, hint: str) -> str:
    fatal: dict[str, list[Problem]] = {}
    for problem in verdict.problems:
        if problem.is_fatal:
            fatal.setdefault(problem.commit, []).append(problem)
    lines = ["### " + ("Every intent is there" if verdict.is_good else "Intents are missing"), ""]
    lines += [_cell(counted(verdict)), "", "| commit | stands | why | subject |", "| --- | --- | --- | --- |"]
    # Problems first: a long table is cut.
    ordered = sorted(verdict.standings, key=lambda each: each.commit not in fatal)
    size = sum(map(len, lines))
    for number, each in enumerate(ordered):
        row = _row(each, is_fatal=each.commit in fatal)
        size += len(row.encode("utf-8", "replace"))
        if number == _MOST_ROWS or size > _SUMMARY_BYTES:
            lines.append(_ENDED)
            break
        lines.append(row)
    if hint:
        lines += ["", f"What to do: {_cell(hint)}"]
    return "\n".join(lines) + "\n"


def _row(each: Standing, *, is_fatal: bool) -> str:
    state = f"**{each.state}**" if is_fatal else each.state
    cells = (f"<code>{each.commit[:_SHOWN]}</code>", state, _cell(each.reason), _cell(each.subject))
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return text that is neither Markdown nor HTML any more, on one line."""
    flat = " ".join(safe(text)[:_LONGEST_CELL].split())
    return "".join(f"&#{ord(char)};" if char in _MARKUP else char for char in flat)


def junit(verdict: Verdict) -> str:
    """Return a JUnit report: a test a commit, failed where the range is refused for it. UTF-8, no newline."""
    from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite("git regen check")
    fatal: dict[str, list[str]] = {}
    for problem in verdict.problems:
        if problem.is_fatal:
            fatal.setdefault(problem.commit, []).append(safe(problem.text))
    for each in verdict.standings:
        case = TestCase(f"{each.commit[:_SHOWN]} {safe(each.subject)}", classname=f"regen.{each.state}")
        why = fatal.get(each.commit)
        if why:
            case.result = [Failure("; ".join(why), each.state)]
        elif each.state in ("human", "passed"):
            case.result = [Skipped(safe(each.reason))]
        suite.add_testcase(case)
    report = JUnitXml()
    report.add_testsuite(suite)
    written: bytes = report.tostring()  # type: ignore[no-untyped-call]
    return written.decode("utf-8").translate(_NO_XML)
