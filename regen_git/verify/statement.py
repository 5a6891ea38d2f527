"""A verification as the JSON that scripts rely on, and back. Fields are only ever added."""

from __future__ import annotations

from collections import Counter
from typing import Any

from regen_git.domain.verdict import (
    CheckResult,
    GateResult,
    Outcome,
    Ratchet,
    Verdict,
    Verification,
)

__all__ = ["check_from_json", "check_to_json", "from_json", "to_json"]

_OUTPUT_CHARS = 4096


def to_json(verification: Verification) -> dict[str, Any]:
    """Return ``{tree, verdict, checks, ratchet, gates, frozen, reasons}``; tests are counts.

    A check that fails tells the end of what it printed.
    """
    return {
        "tree": verification.tree,
        "verdict": verification.verdict.value,
        "checks": [_check_summary(check) for check in verification.checks],
        "ratchet": {
            "lost": list(verification.ratchet.lost),
            "unstable": list(verification.ratchet.unstable),
        },
        "gates": [{"name": gate.name, "problems": list(gate.problems)} for gate in verification.gates],
        "frozen": list(verification.frozen),
        "reasons": list(verification.reasons),
    }


def _check_summary(check: CheckResult) -> dict[str, Any]:
    counts = Counter(check.tests.values())
    out: dict[str, Any] = {
        "name": check.name,
        "verdict": check.verdict.value,
        "seconds": check.seconds,
        "tests": {outcome.value: counts[outcome] for outcome in Outcome},
        "exit_status": check.exit_status,
    }
    if check.reason:
        out["reason"] = check.reason
    if check.verdict is Verdict.FAIL and check.output:
        out["output"] = check.output[-_OUTPUT_CHARS:]
    if check.tests:
        out["failing"] = sorted(name for name, o in check.tests.items() if o is Outcome.FAILED)
    return out


def from_json(value: Any) -> Verification:
    """Read what `to_json` wrote. Tests come back as those that failed; what passed is only counted there.

    Raises ``ValueError`` for anything else.
    """
    try:
        return Verification(
            tree=str(value["tree"]),
            verdict=Verdict(value["verdict"]),
            checks=tuple(_check_from_summary(check) for check in value["checks"]),
            ratchet=Ratchet(
                lost=tuple(map(str, value["ratchet"]["lost"])),
                unstable=tuple(map(str, value["ratchet"]["unstable"])),
            ),
            gates=tuple(GateResult(str(g["name"]), tuple(map(str, g["problems"]))) for g in value["gates"]),
            frozen=tuple(map(str, value.get("frozen", ()))),
            reasons=tuple(map(str, value.get("reasons", ()))),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no verification: {error!r}") from error


def _check_from_summary(value: Any) -> CheckResult:
    return CheckResult(
        name=str(value["name"]),
        verdict=Verdict(value["verdict"]),
        seconds=float(value["seconds"]),
        exit_status=value.get("exit_status"),
        tests={str(name): Outcome.FAILED for name in value.get("failing", ())},
        output=str(value.get("output", "")),
        reason=str(value.get("reason", "")),
    )


def check_to_json(check: CheckResult) -> dict[str, Any]:
    """Return the whole result of one check, every test and the output included."""
    return {
        "name": check.name,
        "verdict": check.verdict.value,
        "seconds": check.seconds,
        "exit_status": check.exit_status,
        "tests": {name: outcome.value for name, outcome in sorted(check.tests.items())},
        "output": check.output,
        "reason": check.reason,
    }


def check_from_json(value: Any) -> CheckResult:
    """Read what `check_to_json` wrote. Raises ``ValueError`` for anything else."""
    try:
        return CheckResult(
            name=str(value["name"]),
            verdict=Verdict(value["verdict"]),
            seconds=float(value["seconds"]),
            exit_status=None if value["exit_status"] is None else int(value["exit_status"]),
            tests={str(name): Outcome(outcome) for name, outcome in value["tests"].items()},
            output=str(value["output"]),
            reason=str(value["reason"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no check result: {error!r}") from error
