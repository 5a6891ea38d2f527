from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.domain.verdict import CheckResult, GateResult, Outcome, Ratchet, Verdict, Verification
from regen_git.verify.statement import check_from_json, check_to_json, from_json, to_json

TEXTS = st.text(max_size=8)
RESULTS = st.builds(
    CheckResult,
    name=TEXTS,
    verdict=st.sampled_from(Verdict),
    seconds=st.floats(0, 1e6),
    exit_status=st.none() | st.integers(-64, 255),
    tests=st.dictionaries(TEXTS, st.sampled_from(Outcome), max_size=4),
    output=TEXTS,
    reason=TEXTS,
)


def test_the_statement_has_the_fields_that_scripts_rely_on() -> None:
    tests = {"a": Outcome.PASSED, "b": Outcome.PASSED, "c": Outcome.FAILED}
    made = Verification(
        tree="0" * 40,
        verdict=Verdict.FAIL,
        checks=(CheckResult("tests", Verdict.FAIL, 1.5, 1, tests=tests),),
        ratchet=Ratchet(("c",), ("d",)),
        gates=(GateResult("frozen", ("x",)),),
    )
    found = to_json(made)
    assert (
        found["checks"][0].items()
        >= {
            "name": "tests",
            "verdict": "fail",
            "seconds": 1.5,
            "tests": {"passed": 2, "failed": 1, "skipped": 0},
        }.items()
    )
    assert found["ratchet"] == {"lost": ["c"], "unstable": ["d"]}
    assert found["gates"] == [{"name": "frozen", "problems": ["x"]}]
    assert (found["tree"], found["verdict"]) == ("0" * 40, "fail")


@settings(deadline=None, max_examples=40)
@given(st.lists(RESULTS, max_size=3), st.lists(TEXTS, max_size=3), st.sampled_from(Verdict))
def test_a_statement_read_back_says_the_same(
    checks: list[CheckResult], names: list[str], verdict: Verdict
) -> None:
    made = Verification(
        "f" * 40, verdict, tuple(checks), Ratchet(tuple(names)), (GateResult("g", tuple(names)),),
        tuple(names),
    )  # fmt: skip
    text = json.dumps(to_json(made))
    again = from_json(json.loads(text))
    assert (again.verdict, again.ratchet, again.gates, again.frozen) == (
        verdict,
        made.ratchet,
        made.gates,
        made.frozen,
    )
    assert [check.verdict for check in again.checks] == [check.verdict for check in checks]
    for check in checks:
        assert check_from_json(json.loads(json.dumps(check_to_json(check)))) == check


@pytest.mark.parametrize(
    "value", [None, [], {}, {"tree": "a", "verdict": "fine"}, {"tree": "a", "verdict": "pass", "checks": 3}]
)
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the kind of value decides the words
        from_json(value)
    with pytest.raises(ValueError):  # noqa: PT011 - the same
        check_from_json(value)
