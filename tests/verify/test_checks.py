from __future__ import annotations

import sys

import pytest

from regen_git.config import Check
from regen_git.domain.verdict import Outcome, Verdict
from regen_git.verify.checks import (
    Ended,
    clean_environment,
    environment_digest,
    is_manifest,
    judge,
    python_path,
)

JUNIT = Check("tests", "run", junit=True)


def test_a_check_that_reports_nothing_has_shown_nothing() -> None:
    assert judge(JUNIT, Ended(0, 1.0)).verdict is Verdict.INDETERMINATE
    assert judge(JUNIT, Ended(0, 1.0, tests={})).verdict is Verdict.INDETERMINATE
    assert judge(JUNIT, Ended(0, 1.0, tests={"a": Outcome.SKIPPED})).verdict is Verdict.INDETERMINATE
    assert judge(JUNIT, Ended(0, 1.0, report_problem="broken")).reason == "broken"
    assert judge(JUNIT, Ended(0, 1.0, tests={"a": Outcome.FAILED})).verdict is Verdict.FAIL
    assert judge(JUNIT, Ended(0, 1.0, tests={"a": Outcome.PASSED})).verdict is Verdict.PASS
    assert judge(JUNIT, Ended(1, 1.0)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY",
        "HF_TOKEN",
        "APIKEY",
        "AWS_REGION",
        "GIT_DIR",
        "SSH_AUTH_SOCK",
        "SECRET_KEY_BASE",
        "PGPASSWORD",
    ],
)
def test_names_that_hold_keys_are_not_passed_on(name: str) -> None:
    assert clean_environment({name: "x", "PATH": "/bin", "AUTHOR": "a", "KEYBOARD": "b"}) == {
        "PATH": "/bin",
        "AUTHOR": "a",
        "KEYBOARD": "b",
    }


def test_manifests_are_known_by_name() -> None:
    named = [
        "pyproject.toml",
        "requirements-dev.txt",
        "a/package.json",
        "uv.lock",
        "requirements/test.txt",
        "go.mod",
    ]
    assert [path for path in [*named, "a.py", "node_modules/x/package.json"] if is_manifest(path)] == named


def test_an_environment_is_its_command_manifests_and_machine() -> None:
    one = environment_digest("a", [("p", "1"), ("q", "2")], ["m"])
    assert one == environment_digest("a", [("q", "2"), ("p", "1")], ["m"])
    others = [
        environment_digest("b", [("p", "1"), ("q", "2")], ["m"]),
        environment_digest("a", [("p", "2"), ("q", "2")], ["m"]),
        environment_digest("a", [("p", "1"), ("q", "2")], ["n"]),
    ]
    assert len({one, *others}) == 4
    assert environment_digest(None, [("\udcff", "1")], [])


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["src/app/__init__.py"], "/t/src"),
        (["app/__init__.py", "pyproject.toml"], "/t"),
        (["app.py", "types.py"], None),
        (["index.js"], None),
    ],
)
def test_python_imports_from_the_tree_unless_that_would_hide_its_own_modules(
    files: list[str], found: str | None
) -> None:
    assert python_path(files, "/t", sys.stdlib_module_names) == found
