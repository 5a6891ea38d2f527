from __future__ import annotations

from regen_git.domain.verdict import CheckResult, Outcome, Verdict
from regen_git.verify.ratchet import baseline, compare, needs_rerun

P, F, S = Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED


def run(verdict: Verdict, status: int | None = None, **tests: Outcome) -> CheckResult:
    if status is None:
        status = 0 if verdict is Verdict.PASS else 1
    return CheckResult("tests", verdict, 1.0, status, tests=tests)


GREEN = run(Verdict.PASS, a=P, b=P)
RED = run(Verdict.FAIL, a=P, b=F)


def test_a_test_that_passed_and_fails_now_in_both_runs_is_lost() -> None:
    before = baseline([GREEN, GREEN])
    assert needs_rerun(before, RED)
    found = compare(before, RED, RED)
    assert (found.verdict, found.lost) == (Verdict.FAIL, ("b",))


def test_a_test_lost_once_only_is_unstable_and_does_not_block() -> None:
    found = compare(baseline([GREEN, GREEN]), RED, GREEN)
    assert (found.verdict, found.lost, found.unstable) == (Verdict.PASS, (), ("b",))


def test_a_test_that_is_gone_or_skipped_now_is_lost() -> None:
    now = run(Verdict.PASS, a=S)
    assert compare(baseline([GREEN, GREEN]), now, now).lost == ("a", "b")


def test_what_failed_on_the_original_does_not_block_and_is_said() -> None:
    found = compare(baseline([RED, RED]), RED)
    assert found.verdict is Verdict.PASS
    assert "fails as it did on the original" in found.reasons[0]
    assert not needs_rerun(baseline([RED, RED]), RED)


def test_tests_that_differ_between_the_two_baseline_runs_do_not_count() -> None:
    before = baseline([GREEN, RED])
    assert (before.passing, before.unstable) == (frozenset({"a"}), frozenset({"b"}))
    assert compare(before, RED).verdict is Verdict.PASS
    assert compare(before, run(Verdict.FAIL, a=F, b=F)).lost == ("a",)


def test_a_check_without_tests_ratchets_as_a_whole() -> None:
    good, bad = run(Verdict.PASS), run(Verdict.FAIL)
    assert compare(baseline([good, good]), bad, bad).verdict is Verdict.FAIL
    assert compare(baseline([good, good]), bad, good).verdict is Verdict.PASS
    assert compare(baseline([good, good]), good).verdict is Verdict.PASS
    assert compare(baseline([bad, bad]), good).verdict is Verdict.PASS


def test_a_check_that_failed_before_and_fails_now_shows_nothing() -> None:
    bad = run(Verdict.FAIL)
    assert compare(baseline([bad, bad]), bad).verdict is None


def test_a_check_that_cannot_run_on_the_original_is_indeterminate_where_it_fails_now() -> None:
    cannot = CheckResult("tests", Verdict.INDETERMINATE, 0.0, 127, reason="not found")
    timed_out = CheckResult("tests", Verdict.FAIL, 0.0, None, reason="did not end")
    for first in (cannot, timed_out):
        before = baseline([first, first])
        assert before.verdict is Verdict.INDETERMINATE
        assert compare(before, run(Verdict.FAIL, a=F)).verdict is Verdict.INDETERMINATE
        assert compare(before, GREEN).verdict is Verdict.PASS


def test_a_check_that_fails_as_a_whole_with_all_old_tests_passing_blocks() -> None:
    now = run(Verdict.FAIL, a=P, b=P, new=F)
    assert compare(baseline([GREEN, GREEN]), now, now).verdict is Verdict.FAIL


def test_a_run_that_cannot_say_anything_now_is_indeterminate_and_loses_nothing() -> None:
    now = CheckResult("tests", Verdict.INDETERMINATE, 0.0, 125, reason="skipped")
    found = compare(baseline([GREEN, GREEN]), now)
    assert (found.verdict, found.lost) == (Verdict.INDETERMINATE, ())


def test_without_an_original_the_check_speaks_for_itself() -> None:
    assert compare(None, GREEN).verdict is Verdict.PASS
    assert compare(None, RED).verdict is Verdict.FAIL
