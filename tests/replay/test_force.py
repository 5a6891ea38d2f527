"""A replay asks for what has force: not for what was retracted, nor for what stands superseded there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History
from support.model_server import ModelServer

from regen_git.domain.intent import LineRange
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

ADD = "def add(a, b):\n    return a + b\n"
AREA = "def area(w, h):\n    return w * h\n"


def an_id(number: int) -> str:
    return f"{number:016x}"


@pytest.fixture
def history(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> History:
    """Return a history of three prompts; the second also brought data and a line in a person's file."""
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    history = History(repo)
    history.asked("Write add.", {"calc.py": ADD, "notes.txt": "one\n"}, wrote=("calc.py",))
    history.asked(
        "Write area.",
        {
            "area.py": AREA,
            "calc.py": ADD + "\n\n# see area\n",
            "data.bin": b"\0\1",
            "notes.txt": "one\ntwo\n",
        },
        wrote=("area.py", "calc.py"),
    )
    history.asked("Write a greeting.", {"hello.py": "print('hello')\n"}, wrote=("hello.py",))
    return history


def replayed(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *args: str
) -> tuple[AsBefore, dict[str, Any], list[str]]:
    """Replay with a model that answers as history did; return what it was asked, and the result."""
    model = AsBefore(history)
    texts: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        texts.append(body["messages"][-1]["content"])
        return model(body)

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        history.regen("replay", "--model", "openai/gpt-5", "--rewrite", "--json", *args)
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return model, found, texts


def files(history: History, rev: str) -> dict[str, str]:
    names = history.repo.git("ls-tree", "-r", "--name-only", rev).splitlines()
    return {name: history.repo.git("rev-parse", f"{rev}:{name}") for name in names}


def test_a_retracted_intent_is_not_asked_and_leaves_what_is_not_the_models(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert history.regen("retract", an_id(2)) == 0
    capsys.readouterr()
    model, found, _ = replayed(history, monkeypatch, capsys)
    assert sorted(model.asked) == [an_id(1), an_id(3)]
    assert (found["steps"]["regenerated"], found["steps"]["carried"]) == (2, 1)
    before, after = files(history, "main"), files(history, "regen/gpt-5")
    assert sorted(after) == ["calc.py", "data.bin", "hello.py", "notes.txt"]
    assert after["calc.py"] == history.repo.git("rev-parse", "main~2:calc.py")
    assert all(after[name] == before[name] for name in ("data.bin", "hello.py", "notes.txt"))
    assert history.repo.git("rev-list", "--count", "regen/gpt-5") == "3"


def test_the_plan_says_what_is_retracted(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    history.regen("retract", an_id(2))
    capsys.readouterr()
    assert history.regen("plan", "--model", "openai/gpt-5") == 0
    assert "carried     Write area. (retracted: not asked)" in capsys.readouterr().out
    assert history.regen("plan", "--model", "openai/gpt-5", "--json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert [step["retracted"] for step in plan["steps"]] == [[], [an_id(2)], []]
    assert [step["kind"] for step in plan["steps"]] == ["regenerated", "carried", "regenerated"]


def test_a_rehearsal_with_history_itself_is_not_touched_by_any_of_it(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.regen("retract", an_id(2))
    history.regen("supersede", an_id(1), "-m", "Write sub.")
    capsys.readouterr()
    assert history.regen("replay", "--model", "original", "--rewrite", "--json") == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (found["first_difference"], found["steps"]["regenerated"]) == (None, 3)
    assert found["tree"] == history.repo.git("rev-parse", "main^{tree}")


def test_what_supersedes_an_intent_is_asked_in_its_place(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert history.regen("supersede", an_id(2), "-m", "Write the area of a circle.") == 0
    capsys.readouterr()
    commit = history.by_intent[an_id(2)]
    [new] = [one for one in Ledger(history.repo.opened).of(commit).intents if one != an_id(2)]
    history.by_intent[new] = commit
    model, _, texts = replayed(history, monkeypatch, capsys)
    assert sorted(model.asked) == sorted([an_id(1), new, an_id(3)])
    [asked] = [text for text in texts if f"Intent {new}" in text]
    assert "Write the area of a circle." in asked
    assert "Write area." not in asked
    assert files(history, "regen/gpt-5") == files(history, "main")


def test_what_a_later_commit_supersedes_is_asked_where_it_was(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert history.regen("supersede", an_id(1), "--by", an_id(3)) == 0
    capsys.readouterr()
    model, _, _ = replayed(history, monkeypatch, capsys)
    assert sorted(model.asked) == [an_id(1), an_id(2), an_id(3)]


def test_of_two_intents_of_a_commit_the_one_in_force_is_asked_for_its_own_files(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    both = history.asked("Write sub.", {"sub.py": "1\n", "mul.py": "2\n"}, wrote=("sub.py",))
    history.regen("record", "--commit", both, "Write mul.")
    [other] = [one for one in Ledger(history.repo.opened).of(both).intents if one != an_id(4)]
    # Recorded by hand, it names no files: what nobody else wrote is its own.
    history.regen("retract", other)
    capsys.readouterr()
    span = "HEAD~1.."
    assert history.regen("plan", span, "--model", "openai/gpt-5", "--json") == 0
    [step] = json.loads(capsys.readouterr().out)["steps"]
    assert (step["intents"], step["retracted"], step["wrote"]) == ([an_id(4)], [other], ["sub.py"])
    texts: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        texts.append(body["messages"][-1]["content"])
        return "FILE sub.py\n```python\n1\n```\n"

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        assert history.regen("replay", span, "--model", "openai/gpt-5", "--rewrite") == 0
    assert ["Write mul." in text or "mul.py" in text for text in texts] == [False]
    assert files(history, "regen/gpt-5").keys() == {*files(history, "main~1"), "sub.py"}


def test_lines_that_a_person_mended_in_what_is_retracted_want_a_person(
    history: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history.asked(
        "Write mul.",
        {"mul.py": "a = 1\nmended = 2\n"},
        wrote=("mul.py",),
        hand={"mul.py": (LineRange(2, 2),)},
    )
    history.regen("retract", an_id(4))
    capsys.readouterr()
    _, found, _ = replayed(history, monkeypatch, capsys)
    assert found["steps"]["stuck"] == 1
    assert "mul.py" in json.dumps(found["stuck"])
    assert "retracted" in json.dumps(found["stuck"])
    assert history.regen("resolve", "gpt-5", "--drop") == 0
    assert "mul.py" not in files(history, "regen/gpt-5")


def test_a_range_in_which_all_is_retracted_is_refused_with_that_reason(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.regen("retract", an_id(3))
    capsys.readouterr()
    for args in (
        ("replay", "HEAD~1..", "--model", "openai/gpt-5"),
        ("try", "HEAD", "--model", "openai/gpt-5"),
    ):
        assert history.regen(*args) == 3
        assert "retracted" in capsys.readouterr().err
