from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History
from support.model_server import ModelServer

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from support.builder import RepoBuilder

A, B, C, D = (f"{number:016x}" for number in range(1, 5))
MODEL = ("--model", "openai/gpt-5", "--mode", "chained", "--json")


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that points the program at a scripted server."""

    def point(server: ModelServer) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)

    return point


@pytest.fixture
def history(repo: RepoBuilder) -> History:
    """Return four intents: the second builds on the first, the others stand alone, and a person between."""
    made = History(repo)
    made.by_hand("Start", {"README.md": "# Things\n"})
    made.asked("Write one.", {"one.py": "ONE = 1\n"})
    made.asked("Write two, from one.", {"two.py": "import one\n\nTWO = one.ONE + 1\n"})
    made.by_hand("Say more", {"README.md": "# Things\n\nMore.\n"})
    made.asked("Write three.", {"three.py": "THREE = 3\n"})
    made.asked("Write four.", {"four.py": "FOUR = 4\n"})
    return made


def edit(history: History, intent: str, text: str) -> None:
    """Give an intent a second revision, as 'git regen edit' does."""
    words = Intent(IntentId(intent), (Prompt(text),), "captured", revision=2)
    Ledger(history.repo.opened).append({history.by_intent[intent]: [words]})


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return found


class Answers:
    """Answers as before, but for intents that were given another text."""

    def __init__(self, history: History) -> None:
        self.before = AsBefore(history)
        self.other: dict[str, str] = {}

    @property
    def asked(self) -> list[str]:
        return self.before.asked

    def __call__(self, body: dict[str, Any]) -> str:
        text = self.before(body)
        return self.other.get(self.asked[-1], text)


def test_nothing_changed_so_nothing_is_asked(
    history: History, openai: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = Answers(history)
    with ModelServer(answers) as server:
        openai(server)
        history.regen("replay", *MODEL)
        first = told(capsys)
        answers.asked.clear()
        status = history.regen("replay", *MODEL, "--changed")

    second = told(capsys)
    assert status == 0
    assert answers.asked == []
    assert (second["tip"], second["calls"], second["ran"]) == (first["tip"], 0, [])


def test_an_edited_prompt_runs_its_step_and_what_depends_on_it(
    history: History, openai: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = Answers(history)
    with ModelServer(answers) as server:
        openai(server)
        history.regen("replay", *MODEL)
        answers.asked.clear()
        edit(history, A, "Write one, as a number with a sign.")
        answers.other[A] = "FILE one.py\n```python\nONE = +1\nSIGN = 1\n```\n"
        capsys.readouterr()
        history.regen("plan", *MODEL, "--changed")
        plan = told(capsys)
        history.regen("replay", *MODEL, "--changed")

    steps = {step["intents"][0]: step for step in plan["steps"] if "runs" in step}
    assert {intent for intent, step in steps.items() if step["runs"]} == {A, B}
    assert steps[A]["why"] == [f"prompt of {A} changed (revision 1 → 2)"]
    assert steps[B]["why"] == ["one.py below it will be made anew (step 2)"]
    assert sorted(answers.asked) == [A, B]
    assert [step["intents"] for step in told(capsys)["ran"]] == [[A], [B]]


def test_a_step_that_comes_out_the_same_spares_its_dependents(
    history: History, openai: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = Answers(history)
    with ModelServer(answers) as server:
        openai(server)
        history.regen("replay", *MODEL)
        answers.asked.clear()
        edit(history, A, "Write one, please.")
        capsys.readouterr()
        history.regen("replay", *MODEL, "--changed")

    assert answers.asked == [A]
    assert [step["intents"] for step in told(capsys)["ran"]] == [[A]]


def test_from_an_intent_on_all_that_depends_on_it_is_asked_afresh(
    history: History, openai: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = Answers(history)
    with ModelServer(answers) as server:
        openai(server)
        history.regen("replay", *MODEL)
        answers.asked.clear()
        answers.other[A] = "FILE one.py\n```python\nONE = 0 + 1\n```\n"
        capsys.readouterr()
        history.regen("replay", *MODEL, "--from", history.by_intent[A][:10])
        fresh = told(capsys)
        asked = sorted(answers.asked)
        answers.asked.clear()
        history.regen("replay", *MODEL, "--changed")

    again = told(capsys)
    assert asked == [A, B]
    assert answers.asked == []
    assert again["tip"] == fresh["tip"]
    assert history.repo.git("show", "regen/gpt-5:one.py") == "ONE = 0 + 1"


def test_an_intent_that_nobody_asks_for_is_refused(
    history: History, openai: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with ModelServer(Answers(history)) as server:
        openai(server)
        status = history.regen("replay", *MODEL, "--from", "feedfeed")

    assert status == 2
    assert server.count == 0
    assert "no step of this replay asks for 'feedfeed'" in capsys.readouterr().err


def test_another_model_is_the_reason_for_every_step(
    history: History, openai: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with ModelServer(Answers(history)) as server:
        openai(server)
        history.regen("replay", *MODEL)
        capsys.readouterr()
        history.regen("plan", "--model", "openai/gpt-6", "--mode", "chained", "--json", "--changed")

    steps = [step for step in told(capsys)["steps"] if "runs" in step]
    assert [step["runs"] for step in steps] == [True] * 4
    assert all("model openai/gpt-5 → openai/gpt-6" in step["why"] for step in steps)


def test_what_was_never_generated_says_so(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    history.regen("plan", *MODEL, "--changed")

    steps = [step for step in told(capsys)["steps"] if "runs" in step]
    assert [step["why"] for step in steps] == [["never generated"]] * 4


def test_another_clone_without_the_cache_knows_what_changed(
    history: History, openai: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with ModelServer(Answers(history)) as server:
        openai(server)
        history.regen("replay", *MODEL)
        (history.repo.opened.data_dir / "steps.sqlite").unlink()
        edit(history, D, "Write four, twice.")
        capsys.readouterr()
        history.regen("plan", *MODEL, "--changed")

    steps = {step["intents"][0]: step for step in told(capsys)["steps"] if "runs" in step}
    assert [intent for intent, step in steps.items() if step["runs"]] == [D]
    assert steps[C]["why"] == ["nothing that it rests on changed"]
    assert not (history.repo.opened.data_dir / "steps.sqlite").exists()
