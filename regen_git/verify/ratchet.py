"""The ratchet: what passed on the original must pass on the rebuilt tree. Pure rules over results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.domain.verdict import CheckResult, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Baseline", "Judgement", "baseline", "compare", "needs_rerun"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a check says about the original, from two runs on it.

    ``verdict`` is indeterminate where the check cannot run there or the runs differ as a whole. ``passing``
    are the tests that passed in both; ``unstable`` those that differed.
    """

    verdict: Verdict
    passing: frozenset[str] = frozenset()
    unstable: frozenset[str] = frozenset()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one check adds to the verdict; ``None`` where it neither blocks nor supports it."""

    verdict: Verdict | None
    lost: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def baseline(runs: Sequence[CheckResult]) -> Baseline:
    """Return what these runs on the original, at least one, agree on."""
    cannot = next((run for run in runs if _cannot_run(run)), None)
    if cannot is not None:
        return Baseline(Verdict.INDETERMINATE, reason=cannot.reason)
    names: set[str] = set().union(*(run.tests for run in runs))
    outcomes = {name: {run.tests.get(name) for run in runs} for name in names}
    unstable = frozenset(name for name, seen in outcomes.items() if len(seen) > 1)
    passing = frozenset(name for name, seen in outcomes.items() if seen == {Outcome.PASSED})
    verdicts = {run.verdict for run in runs}
    if len(verdicts) == 1:
        return Baseline(verdicts.pop(), passing, unstable)
    # The whole check differs: its unstable tests explain it, or else nothing can be said of it as a whole.
    reason = "" if unstable else "two runs on the original differ"
    return Baseline(Verdict.FAIL if unstable else Verdict.INDETERMINATE, passing, unstable, reason)


def needs_rerun(before: Baseline, now: CheckResult) -> bool:
    """Return whether this result would block, so that one more run is due before it counts."""
    if before.verdict is Verdict.INDETERMINATE and not before.passing:
        return False
    return bool(_lost(before, now)) or (before.verdict is Verdict.PASS and now.verdict is Verdict.FAIL)


def compare(before: Baseline | None, now: CheckResult, again: CheckResult | None = None) -> Judgement:
    """Judge a check on the rebuilt tree by how it was on the original.

    ``before`` is ``None`` where there is no original; ``again`` is the one rerun, where there was one.
    """
    if before is None:
        reasons = (_said(now),) if now.verdict is not Verdict.PASS else ()
        return Judgement(now.verdict, reasons=reasons)
    runs = [now] if again is None else [now, again]
    lost_each = [_lost(before, run) for run in runs]
    lost = tuple(sorted(set.intersection(*lost_each)))
    unstable = tuple(sorted(before.unstable | (set().union(*lost_each) - set(lost))))
    if lost:
        return Judgement(Verdict.FAIL, lost, unstable, (f"{now.name}: {len(lost)} tests lost",))
    best = next((run for run in runs if run.verdict is Verdict.PASS), runs[-1])
    verdict, reason = _whole(before, best)
    return Judgement(verdict, (), unstable, (reason,) if reason else ())


def _whole(before: Baseline, now: CheckResult) -> tuple[Verdict | None, str]:
    """Judge the check as a whole, no test being lost."""
    if now.verdict is Verdict.PASS:
        note = f"{now.name}: cannot be compared, on the original {before.reason or 'it did not run'}"
        return Verdict.PASS, note if before.verdict is Verdict.INDETERMINATE else ""
    if now.verdict is Verdict.INDETERMINATE:
        return Verdict.INDETERMINATE, _said(now)
    failed = {name for name, outcome in now.tests.items() if outcome is Outcome.FAILED}
    if before.verdict is Verdict.INDETERMINATE and not before.passing:
        why = before.reason or "it did not run"
        return Verdict.INDETERMINATE, f"{now.name}: fails, but on the original {why}"
    if before.verdict is Verdict.FAIL:
        # Without a single test that passed there and here, this shows nothing.
        kept = Verdict.PASS if before.passing else None
        return kept, f"{now.name}: fails as it did on the original, which does not block"
    if failed and failed <= before.unstable:
        return Verdict.PASS, f"{now.name}: only unstable tests fail"
    return Verdict.FAIL, f"{now.name}: passed on the original and fails now{_because(now)}"


def _lost(before: Baseline, now: CheckResult) -> set[str]:
    if now.verdict is Verdict.INDETERMINATE:
        return set()
    return {name for name in before.passing if now.tests.get(name) is not Outcome.PASSED}


def _cannot_run(run: CheckResult) -> bool:
    return run.verdict is Verdict.INDETERMINATE or run.exit_status is None


def _said(run: CheckResult) -> str:
    word = "fails" if run.verdict is Verdict.FAIL else "is indeterminate"
    return f"{run.name}: {word}{_because(run)}"


def _because(run: CheckResult) -> str:
    return f": {run.reason}" if run.reason else ""


def merged(judgements: Iterable[Judgement]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return all lost and all unstable tests of these."""
    lost: list[str] = []
    unstable: list[str] = []
    for judgement in judgements:
        lost += judgement.lost
        unstable += judgement.unstable
    return tuple(lost), tuple(unstable)
