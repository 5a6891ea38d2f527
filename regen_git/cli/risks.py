"""Show what a regeneration could lose, and stop before money is spent where it is too much."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from regen_git.cli.console import safe
from regen_git.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.cli.console import Console
    from regen_git.replay.prepare import Prepared
    from regen_git.replay.risk.values import Finding, Risk

__all__ = ["check_risk", "print_risk", "risk_json"]

_SHOWN = 8
"""Findings of each kind that a terminal shows; JSON has all."""

_TITLES = {
    "checks": "checks",
    "tests": "tests",
    "state": "data that outlives the code",
    "no-intent": "commits without intent",
    "people": "people's code in generated files",
    "hidden": "hidden knowledge: free to change or to go",
    "untested": "files that no frozen test touches",
}


def check_risk(console: Console, prepared: Prepared, *, force: bool) -> dict[str, Any] | None:
    """Judge a replay that will be paid for, and say what is not safe; ``None`` for what costs nothing.

    Returns what the replay's report keeps. Raises ``RefusedError`` where the verdict is refuse and nobody
    said ``force``.
    """
    options = prepared.options
    if options.is_original or options.locked:
        return None
    from regen_git.replay.risk.assess import assess

    risk = assess(prepared)
    kept = {"verdict": risk.verdict, "reasons": [reason.why for reason in risk.reasons], "forced": False}
    if risk.verdict == "safe":
        return kept
    whys = "; ".join(safe(reason.why) for reason in risk.reasons if reason.verdict == risk.verdict)
    if risk.verdict == "refuse" and not force:
        raise RefusedError(
            f"this replay could lose too much: {whys}",
            hint=f"'git regen plan --mode {options.mode}' lists what; '--force' goes on all the same",
        )
    kept["forced"] = risk.verdict == "refuse"
    word = "would be refused, and goes on by --force" if kept["forced"] else "risky"
    console.say(f"risk: {word}: {whys}; 'git regen plan --mode {options.mode}' says more")
    return kept


def risk_json(risk: Risk) -> dict[str, Any]:
    """Return the report as ``plan --json`` has it: every finding, in the order in which they are shown."""
    measures = risk.measures
    return {
        "verdict": risk.verdict,
        "reasons": [{"rule": r.rule, "verdict": r.verdict, "why": r.why} for r in risk.reasons],
        "findings": [_finding_json(finding) for finding in risk.findings],
        "measures": {name: getattr(measures, name) for name in measures.__slots__},
        "tests_judged": risk.evidence,
        "limits": list(risk.limits),
    }


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "about": finding.about or None,
        "path": finding.path,
        "line": finding.line,
        "commit": finding.commit,
        "symbol": finding.symbol,
        "why": finding.why,
        "next": finding.what_next,
        "held": finding.is_held,
    }


def print_risk(console: Console, risk: Risk) -> None:
    """Print the verdict with its reasons, and the first findings of each kind with their number."""
    console.out(f"risk: {risk.verdict}")
    for reason in risk.reasons:
        console.out(f"  {reason.verdict}: {safe(reason.why)}")
    for kind, title in _TITLES.items():
        found = [one for one in risk.findings if one.kind == kind and not one.is_held]
        if found:
            _print_kind(console, title, found)
    if risk.measures.held:
        names = f"{risk.measures.held} public name{'s' * (risk.measures.held != 1)}"
        console.out(f"{names} that nothing mentions: the gate of the public surface keeps them")
    for limit in risk.limits:
        console.out(f"not looked at: {safe(limit)}")


def _print_kind(console: Console, title: str, found: Sequence[Finding]) -> None:
    console.out(f"{title} ({len(found)})")
    if found[0].kind == "hidden":
        _print_hidden(console, found)
    else:
        for one in found[:_SHOWN]:
            console.out(f"  {_where(one)}{safe(one.why)}")
        if len(found) > _SHOWN:
            console.out(f"  and {len(found) - _SHOWN} more; '--json' has all")
    console.out(f"  next: {safe(found[0].what_next)}")


def _print_hidden(console: Console, found: Sequence[Finding]) -> None:
    """Show of each kind of knowledge something: the file with the most comes first."""
    by_path = Counter(one.path for one in found)
    for path, count in sorted(by_path.items(), key=lambda item: (-item[1], str(item[0])))[:_SHOWN]:
        mine = [one for one in found if one.path == path]
        console.out(f"  {safe(str(path))} ({count})")
        for one in _varied(mine)[: _SHOWN // 2]:
            console.out(f"    {one.line}: {one.about} {safe(str(one.symbol))}")
    left = len(found) - sum(min(count, _SHOWN // 2) for _, count in by_path.most_common(_SHOWN))
    if left:
        console.out(f"  and {left} more; '--json' has all")


def _varied(found: Sequence[Finding]) -> list[Finding]:
    """Return the findings with one of each kind of knowledge first, then the second of each, in order."""
    seen: Counter[str] = Counter()
    ranked = []
    for one in found:
        ranked.append((seen[one.about], one.line or 0, one))
        seen[one.about] += 1
    return [one for _, _, one in sorted(ranked, key=lambda item: item[:2])]


def _where(finding: Finding) -> str:
    if finding.commit is not None and finding.kind == "no-intent":
        return f"{finding.commit[:10]} "
    if finding.path is None or finding.kind == "tests":
        return ""
    line = f":{finding.line}" if finding.line else ""
    return f"{safe(finding.path)}{line} "
