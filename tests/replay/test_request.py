"""The request carries what a model needs: a server that answers by what it is shown proves each part."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import History
from support.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.builder import RepoBuilder

CHECKS = """\
paths:
  tests: [tests/**]
checks:
- {name: tests, run: python3 -m unittest discover -s tests}
"""
TEST = """\
import sys, unittest
sys.path.insert(0, ".")
from shop import total


class Total(unittest.TestCase):
    def test_tax_is_added(self):
        self.assertEqual(total([100]), 119)

    def test_nothing_costs_nothing(self):
        self.assertEqual(total([]), 0)
"""
TAX = "def add_tax(cents, *, rate=19):\n    return cents + cents * rate // 100\n"
SECRET = """\
import sys, unittest
sys.path.insert(0, ".")
from tax import add_tax


class Secret(unittest.TestCase):
    def test_it(self):
        self.assertEqual(add_tax(4711), 5606)
"""
SHOP = "from tax import add_tax\n\n\ndef total(prices):\n    return add_tax(sum(prices))\n"


def whole(path: str, text: str) -> str:
    return f"FILE {path}\n```python\n{text}```\n"


class Careless:
    """Leaves out what it is not told, guesses what it is not shown, repairs only what is named to it."""

    def __init__(self) -> None:
        self.bodies: list[Mapping[str, Any]] = []

    def __call__(self, body: Mapping[str, Any]) -> str:
        self.bodies.append(body)
        everything = "\n".join(message["content"] for message in body["messages"])
        task = body["messages"][-1]["content"]
        if "Write the tax function" in task:
            return whole("tax.py", TAX)
        if "accepted yet" in task:
            repaired = "test_nothing_costs_nothing" in task or "AssertionError" in task
            return whole("shop.py", SHOP) if repaired else whole("shop.py", "total = None\n")
        call = (
            "add_tax(sum(prices))" if "def add_tax(cents, *, rate" in everything else "add_tax(prices, 19, 0)"
        )
        text = SHOP.replace("add_tax(sum(prices))", call)
        if "sum of the prices" not in everything:
            text = text.replace("def total", "def sum_up")
        return whole("shop.py", text)


@pytest.fixture
def history(repo: RepoBuilder) -> History:
    """Return a history in which a file calls a function of another, with a frozen test."""
    made = History(repo)
    made.by_hand("Settings", {".regen/config.yaml": CHECKS})
    made.asked("Write the tax function.", {"tax.py": TAX})
    made.asked("Return the sum of the prices with tax.", {"shop.py": SHOP, "tests/test_shop.py": TEST})
    assert made.regen("trust", "--yes") == 0
    return made


@pytest.fixture
def replayed(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], tuple[int, dict[str, Any], Careless]]:
    """Return a function that replays the history against the careless model."""

    def go() -> tuple[int, dict[str, Any], Careless]:
        model = Careless()
        with ModelServer(model) as server:
            monkeypatch.setenv("OPENAI_API_KEY", "unused")
            monkeypatch.setenv("OPENAI_API_BASE", server.url)
            status = history.regen("replay", "--model", "openai/gpt-5", "--json", "--force")
        return status, json.loads(capsys.readouterr().out.strip().splitlines()[-1]), model

    return go


def test_what_was_asked_and_the_interfaces_it_needs_are_in_the_request(
    replayed: Callable[[], tuple[int, dict[str, Any], Careless]],
) -> None:
    status, told, model = replayed()

    assert status == 0
    assert told["verdict"] == "pass"
    assert told["calls"] == 2
    last = model.bodies[-1]["messages"]
    assert last[-1]["content"].startswith("Intent ")
    assert "tests/test_shop.py" in last[-2]["content"]
    assert "return cents" not in last[-2]["content"].split("Tests that")[0]


def test_without_the_interface_the_call_is_wrong_and_the_failing_test_is_named_for_the_repair(
    replayed: Callable[[], tuple[int, dict[str, Any], Careless]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from regen_git.replay import context

    monkeypatch.setattr(context, "interface", lambda _path, _text: "")

    status, told, model = replayed()

    assert told["calls"] == 3
    assert status == 0
    assert "accepted yet" in model.bodies[-1]["messages"][-1]["content"]


def test_without_the_words_of_the_prompt_what_they_ask_for_is_missing(
    replayed: Callable[[], tuple[int, dict[str, Any], Careless]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from regen_git.replay import request

    monkeypatch.setattr(request, "asked_lines", lambda intent: [f"(intent {intent.id})"])

    status, told, _model = replayed()

    assert status == 1
    assert told["stuck"] is not None


def test_without_the_output_of_the_checks_nothing_is_repaired(
    replayed: Callable[[], tuple[int, dict[str, Any], Careless]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from regen_git.replay import attempt, context

    monkeypatch.setattr(context, "interface", lambda _path, _text: "")
    monkeypatch.setattr(attempt, "describe_failure", lambda *_: ["- it fails"])

    status, told, _model = replayed()

    assert status == 1
    assert told["stuck"] is not None


def test_what_does_not_fit_is_left_out_and_named(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = history.repo
    repo.commit("Big tests", {"tests/test_big.py": "import shop\n" + "# " + "x" * 400_000 + "\n"})
    history.asked("Return zero for nothing.", {"shop.py": SHOP + "\n\ndef zero():\n    return 0\n"})
    capsys.readouterr()

    history.regen("try", "HEAD", "--model", "openai/gpt-5", "--dry-run", "--json")

    messages = json.loads(capsys.readouterr().out)["messages"]
    assert "Left out for length: tests/test_big.py" in messages[1]["content"]
    assert "tests/test_shop.py" in messages[1]["content"]


def test_what_is_held_out_is_run_and_never_sent(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = History(repo)
    settings = CHECKS.replace("tests: [tests/**]", "tests: [tests/**]\n  holdout: [tests/test_secret.py]")
    made.by_hand("Settings", {".regen/config.yaml": settings})
    made.asked("Write the tax function.", {"tax.py": TAX, "tests/test_secret.py": SECRET})
    assert made.regen("trust", "--yes") == 0
    bodies: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        bodies.append(json.dumps(body))
        return whole("tax.py", TAX.replace("cents + ", "cents - ") if len(bodies) == 1 else TAX)

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        assert made.regen("replay", "--model", "openai/gpt-5") == 0

    assert len(bodies) == 2
    assert "not shown" in bodies[1]
    assert not any("4711" in body or "test_secret" in body for body in bodies)
    assert "verdict: pass" in capsys.readouterr().out
