from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regen_git.domain.verdict import CheckResult, Outcome, Verdict
from regen_git.verify.cache import ResultCache

if TYPE_CHECKING:
    from pathlib import Path

TREE = "a" * 40
PASS = CheckResult("c", Verdict.PASS, 1.0, 0, tests={"t": Outcome.PASSED}, output="o")


def test_runs_come_back_in_order_under_the_name_asked_for(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    fail = CheckResult("c", Verdict.FAIL, 3.0, 1)
    cache.store(TREE, "check", "env", [PASS, fail])
    assert cache.load(TREE, "check", "env", "c") == [PASS, fail]
    assert cache.load(TREE, "check", "env", "other")[0].name == "other"
    assert cache.load(TREE, "check", "env2", "c") == cache.load("b" * 40, "check", "env", "c") == []
    assert cache.typical_seconds() == 3.0


@pytest.mark.parametrize(
    "result",
    [
        CheckResult("c", Verdict.INDETERMINATE, 1.0, 125),
        CheckResult("c", Verdict.FAIL, 1.0, None),
        CheckResult("c", Verdict.FAIL, 1.0, -9),
        CheckResult("c", Verdict.FAIL, 1.0, 137),
    ],
)
def test_what_another_run_might_not_say_again_is_not_kept(tmp_path: Path, result: CheckResult) -> None:
    cache = ResultCache(tmp_path)
    cache.store(TREE, "check", "env", [result])
    assert cache.load(TREE, "check", "env", "c") == []
    assert cache.typical_seconds() is None


def test_a_broken_file_holds_nothing(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    cache.store(TREE, "check", "env", [PASS])
    (path,) = tmp_path.glob("*/*.json")
    for data in (b"", b"[]", b'{"runs": [3]}', b"\xff", b"[" * 100_000):
        path.write_bytes(data)
        assert cache.load(TREE, "check", "env", "c") == []


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ResultCache(tmp_path / "file").store(TREE, "check", "env", [PASS])
