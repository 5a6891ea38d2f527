"""A generation that is killed goes on where it was: no paid call twice, and the same commit."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from replay.test_folded import CONFIG, write
from support.histories import History
from support.model_server import Answer, Fault, ModelServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.builder import RepoBuilder

NAMES = [f"m{i}" for i in range(6)]
NAME = "x-folded"
TEST = "from m1 import do\n\n\ndef test_do():\n    assert do() == 2\n"
REPLAY = ("replay", "--model", "openai/x", "--jobs", "2")


@pytest.fixture
def project(repo: RepoBuilder) -> History:
    history = History(repo)
    (repo.path / ".regen").mkdir()
    (repo.path / ".regen" / "config.yaml").write_text(CONFIG)
    pages = {}
    for i, name in enumerate(NAMES):
        needs = NAMES[i - 1] if i % 3 else ""
        front = f"---\npaths: [{name}.py]\nneeds: [{needs}]\n---\n"
        pages[f".regen/spec/{name}.md"] = f"{front}# {name}\n\n- Do {name}.\n"
    write(history, {**pages, "tests/test_m1.py": TEST},
          "Say what is wanted")  # fmt: skip
    assert history.regen("trust", "--yes") == 0
    return history


class Paid:
    """Answers, wrongly for one module until it is repaired; keeps what was asked, and waits where told."""

    def __init__(self, stop_at: int = 0) -> None:
        self.asked: list[str] = []
        self.answered: list[str] = []
        self.stop_at = stop_at
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.fault: Callable[[str], Fault | None] = lambda _text: None

    def __call__(self, body: Mapping[str, Any]) -> str | Answer | Fault:
        text = str(body["messages"][-1]["content"])
        self.asked.append(repr(body["messages"]))
        if self.stop_at and len(self.asked) >= self.stop_at:
            self.reached.set()
            self.go_on.wait(20)
        fault = self.fault(text)
        if fault is not None:
            return fault
        self.answered.append(repr(body["messages"]))
        if text.startswith("Interfaces"):
            return "".join(f"FILE interfaces/{n}.md\n```\ndo()\n```\n" for n in NAMES)
        name = re.match(r"Module (\w+)", text)
        assert name, text
        value = 1 if name[1] == "m1" and "repair" not in text.split("\n", 1)[0] else 2
        return f"FILE {name[1]}.py\n```python\ndef do():\n    return {value}\n```\n"


def start(history: History, server: ModelServer, *args: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "OPENAI_API_KEY": "unused", "OPENAI_API_BASE": server.url}
    return subprocess.Popen(
        [sys.executable, "-m", "regen_git", *args],
        cwd=history.repo.path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_listen,  # noqa: PLW1509 - it takes no lock
    )


def _listen() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("stop_at", "how", "again"),
    [
        (8, signal.SIGKILL, ("replay", "--resume", NAME)),
        (5, signal.SIGINT, (*REPLAY, "--force")),
    ],
)
def test_no_paid_call_is_asked_twice_and_the_commit_is_the_same(
    project: History,
    stop_at: int,
    how: signal.Signals,
    again: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    git = project.repo.git
    whole = Paid()
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    with ModelServer(whole) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        assert project.regen(*REPLAY, "--name", "undisturbed") == 0
    wanted = git("rev-parse", "regen/undisturbed")
    git("update-ref", "-d", "refs/regen/replies")
    subprocess.run(["rm", "-rf", ".git/regen/replies"], cwd=project.repo.path, check=True)

    paid = Paid(stop_at)
    with ModelServer(paid) as server:
        process = start(project, server, *REPLAY)
        assert paid.reached.wait(60), process.communicate()
        in_flight = 2
        process.send_signal(how)
        if how is signal.SIGINT:
            paid.go_on.set()
        process.communicate(timeout=60)
        paid.go_on.set()
        paid.stop_at = 0
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        assert project.regen(*again) == 0
    assert process.returncode == (130 if how is signal.SIGINT else -signal.SIGKILL)
    assert git("rev-parse", f"regen/{NAME}") == wanted
    twice = len(paid.asked) - len(set(paid.asked))
    assert twice <= (in_flight if how is signal.SIGKILL else 0)
    assert set(paid.asked) == set(whole.asked)


def test_a_budget_that_is_used_up_ends_it_and_more_of_it_goes_on(
    project: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paid = Paid()
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    with ModelServer(paid) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        assert project.regen(*REPLAY, "--max-tokens", "500", "--budget-tokens", "3500") == 3
        assert "budget" in capsys.readouterr().err
        assert 0 < len(paid.asked) < 8
        first = len(paid.asked)
        assert project.regen("replay", "--resume", NAME, "--budget-tokens", "100000") == 0
    assert len(paid.asked) == len(set(paid.asked))
    assert len(paid.asked) > first
