"""The verdict, by one table of rules over what was measured. The table is also in docs/risk.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.replay.risk.values import Measures, Reason, RiskVerdict

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RULES", "Rule", "judge"]

MUCH_HIDDEN = 20
VERY_MUCH_HIDDEN = 60
SOME_HIDDEN = 10
A_PROGRAM = 200
A_HISTORY = 10
_ORDER: dict[RiskVerdict, int] = {"safe": 0, "risky": 1, "refuse": 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: ``modes`` is ``any``, ``steps`` (chained, anchored) or ``spec`` (folded, oneshot)."""

    name: str
    modes: str
    verdict: RiskVerdict
    applies: Callable[[Measures], bool]
    says: Callable[[Measures], str]


def _files(count: int) -> str:
    return f"{count} file{'s' * (count != 1)} {'keep' if count != 1 else 'keeps'}"


def _file(count: int) -> str:
    return f"{count} module{'s' * (count != 1)} {'write' if count != 1 else 'writes'}"


def _hidden(measures: Measures) -> str:
    return f"{measures.hidden} of {measures.known} things that the code holds are mentioned nowhere"


RULES: tuple[Rule, ...] = (
    Rule(
        "unchecked and unsaid",
        "spec",
        "refuse",
        lambda m: not m.checks and m.hidden >= MUCH_HIDDEN and 2 * m.hidden > m.known,
        lambda m: f"no checks, and {_hidden(m)}",
    ),
    Rule(
        "unchecked and unsaid",
        "steps",
        "refuse",
        lambda m: (
            not m.checks and not m.frozen_tests and m.hidden >= VERY_MUCH_HIDDEN and 2 * m.hidden > m.known
        ),
        lambda m: f"no checks, no frozen tests, and {_hidden(m)}",
    ),
    Rule(
        "tests touch nothing",
        "spec",
        "refuse",
        lambda m: m.lines >= A_PROGRAM and m.code_files > 0 and m.untested == m.code_files,
        lambda m: f"no frozen test touches any of the {m.lines:,} lines that would be regenerated",
    ),
    Rule(
        "data without a contract",
        "spec",
        "refuse",
        lambda m: m.stores > 0 and not m.has_state and m.lines >= A_PROGRAM,
        lambda m: f"{_files(m.stores)} data in stores, and no 'state:' says that new code can read it",
    ),
    Rule(
        "history without words",
        "spec",
        "refuse",
        lambda m: m.commits >= A_HISTORY and 2 * m.silent > m.commits,
        lambda m: f"{m.silent} of {m.commits} commits that made this code have no intent",
    ),
    Rule("no checks", "any", "risky", lambda m: not m.checks, lambda _: "no checks are configured"),
    Rule("no frozen tests", "any", "risky", lambda m: not m.frozen_tests, lambda _: "no tests are frozen"),
    Rule(
        "much is untested",
        "any",
        "risky",
        lambda m: 0 < 4 * m.untested > m.code_files,
        lambda m: f"no frozen test touches {m.untested} of {m.code_files} files",
    ),
    Rule(
        "hidden knowledge",
        "any",
        "risky",
        lambda m: m.hidden >= SOME_HIDDEN and 4 * m.hidden > m.known,
        _hidden,
    ),
    Rule(
        "commits without intent",
        "any",
        "risky",
        lambda m: 0 < 4 * m.silent > m.commits,
        lambda m: f"{m.silent} of {m.commits} commits on regenerated code have no intent",
    ),
    Rule(
        "data without a contract",
        "any",
        "risky",
        lambda m: m.stores > 0 and not m.has_state,
        lambda m: f"{_files(m.stores)} data in stores, and no 'state:' says that new code can read it",
    ),
    Rule(
        "files without a contract",
        "spec",
        "risky",
        lambda m: m.writes > 0 and not m.has_state,
        lambda m: f"{_file(m.writes)} files, and no 'state:' says that new code can read old ones",
    ),
    Rule(
        "people's code",
        "spec",
        "risky",
        lambda m: m.people > 0,
        lambda m: (
            f"people wrote in {m.people} symbol{'s' * (m.people != 1)} of the files that would be regenerated"
        ),
    ),
)
"""All rules. Of one name, the first that applies counts; the verdict is the worst of those that apply."""


def judge(measures: Measures, *, is_from_spec: bool) -> tuple[RiskVerdict, tuple[Reason, ...]]:
    """Return the verdict and the rules that led to it, the worst first."""
    mine = ("any", "spec" if is_from_spec else "steps")
    reasons: dict[str, Reason] = {}
    for rule in RULES:
        if rule.modes in mine and rule.name not in reasons and rule.applies(measures):
            reasons[rule.name] = Reason(rule.name, rule.verdict, rule.says(measures))
    ordered = sorted(reasons.values(), key=lambda reason: -_ORDER[reason.verdict])
    return (ordered[0].verdict if ordered else "safe"), tuple(ordered)
