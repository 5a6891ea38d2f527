"""What a verdict rests on: flaky tests do not decide, what cannot run is indeterminate, trust comes first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History
from support.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.builder import RepoBuilder

RUNNER = """\
import os, pathlib, sys

sys.path.insert(0, ".")
import app

counter = pathlib.Path(os.environ["COUNTER"])
runs = int(counter.read_text()) if counter.exists() else 0
counter.write_text(str(runs + 1))
cases = {"steady": app.value() == 1, "flaky": runs % 2 == 0}
body = "".join(
    f'<testcase classname="t" name="{name}">{"" if ok else "<failure>no</failure>"}</testcase>'
    for name, ok in cases.items()
)
pathlib.Path(os.environ["REGEN_JUNIT"]).write_text(f"<testsuite>{body}</testsuite>")
sys.exit(0 if all(cases.values()) else 1)
"""


def config(counter: Path, setup: str = "") -> str:
    lines = ["paths: {tests: [tests/**]}"]
    if setup:
        lines.append(f"setup: {setup}")
    lines += ["checks:", f"- {{name: tests, run: 'COUNTER={counter} python3 tests/run.py', junit: true}}"]
    return "\n".join(lines) + "\n"


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[History], dict[str, Any]]:
    """Return a function that replays a history with a model that answers as before."""

    def go(history: History) -> dict[str, Any]:
        capsys.readouterr()
        with ModelServer(AsBefore(history)) as server:
            monkeypatch.setenv("OPENAI_API_KEY", "unused")
            monkeypatch.setenv("OPENAI_API_BASE", server.url)
            history.regen("replay", "--model", "openai/gpt-5", "--json", "--rewrite", "--no-sandbox")
        found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
        return found

    return go


def test_a_flaky_test_is_listed_and_does_not_decide(
    repo: RepoBuilder, tmp_path: Path, run: Callable[[History], dict[str, Any]]
) -> None:
    history = History(repo)
    history.by_hand("Start", {".regen/config.yaml": config(tmp_path / "counter"), "tests/run.py": RUNNER})
    history.asked("Return one.", {"app.py": "def value():\n    return 1\n"})
    assert history.regen("trust", "--yes") == 0

    told = run(history)

    assert told["verification"]["ratchet"]["unstable"] == ["tests: t.flaky"] or "flaky" in str(
        told["verification"]["ratchet"]["unstable"]
    )
    assert told["verification"]["ratchet"]["lost"] == []
    assert told["verdict"] == "pass"


def test_dependencies_that_no_longer_install_make_a_verdict_indeterminate_not_a_pass(
    repo: RepoBuilder, tmp_path: Path, run: Callable[[History], dict[str, Any]]
) -> None:
    history = History(repo)
    setup = "test ! -e requirements.txt"
    history.by_hand("Start", {".regen/config.yaml": config(tmp_path / "n", setup), "tests/run.py": RUNNER})
    history.asked("Return one.", {"app.py": "def value():\n    return 1\n", "requirements.txt": "gone==1\n"})
    assert history.regen("trust", "--yes") == 0

    told = run(history)

    assert told["verdict"] == "indeterminate"
    assert "setup" in " ".join(told["verification"]["reasons"])
    assert told["steps"]["regenerated"] == 1


def test_nothing_of_a_repository_runs_before_it_is_trusted(
    repo: RepoBuilder, tmp_path: Path, run: Callable[[History], dict[str, Any]]
) -> None:
    history = History(repo)
    counter = tmp_path / "counter"
    history.by_hand("Start", {".regen/config.yaml": config(counter), "tests/run.py": RUNNER})
    history.asked("Return one.", {"app.py": "def value():\n    return 1\n"})

    told = run(history)

    assert told["verdict"] == "indeterminate"
    assert "git regen trust" in " ".join(told["verification"]["reasons"])
    assert not counter.exists()
