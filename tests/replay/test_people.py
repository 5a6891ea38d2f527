"""What people wrote survives a rebuild: their commits, their hunks, their lines inside an agent's commit."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History
from support.model_server import ModelServer

from regen_git.domain.intent import LineRange

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.builder import RepoBuilder

CALC = "def add(a, b):\n    return a + b\n\n\ndef area(w, h):\n    return w * h\n"
CALC_NEW = (
    '"""Arithmetic."""\n\n\n'
    'def area(width, height):\n    """Return the area."""\n    return width * height\n\n\n'
    'def add(a, b):\n    """Return the sum."""\n    return a + b\n'
)


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelServer], None]:
    """Return a function that points the program at a scripted server."""

    def point(server: ModelServer) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)

    return point


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the JSON object that a command printed last."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return found


def whole(path: str, text: str) -> str:
    return f"FILE {path}\n```python\n{text}```\n"


def last(body: Mapping[str, Any]) -> str:
    text: str = body["messages"][-1]["content"]
    return text


def test_a_person_s_fix_finds_its_function_in_code_written_anew(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    history.asked("Write add and area.", {"calc.py": CALC})
    history.by_hand(
        "Refuse negative sizes", {"calc.py": CALC.replace("    return w * h", "    return abs(w * h)")}
    )
    rebuilt = (
        CALC_NEW.replace("width, height", "w, h")
        .replace("width * height", "w * h")
        .replace('    """Return the area."""\n', "")
    )

    with ModelServer(lambda _body: whole("calc.py", rebuilt)) as server:
        openai(server)
        status = history.regen("replay", "--model", "openai/gpt-5", "--json")

    assert status == 0
    assert result(capsys)["hunks"] == {"by symbol": 1}
    made = repo.git("show", "regen/gpt-5:calc.py")
    assert "abs(w * h)" in made
    assert '"""Return the sum."""' in made


def test_what_neither_text_nor_symbol_carries_the_model_does_and_the_report_says_so(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    history.asked("Write add and area.", {"calc.py": CALC})
    history.by_hand(
        "Refuse negative sizes", {"calc.py": CALC.replace("    return w * h", "    return abs(w * h)")}
    )
    asked: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        asked.append(last(body))
        if last(body).startswith("Intent"):
            return whole("calc.py", CALC_NEW)
        return whole("calc.py", CALC_NEW.replace("return width * height", "return abs(width * height)"))

    with ModelServer(answer) as server:
        openai(server)
        status = history.regen("replay", "--model", "openai/gpt-5", "--json")

    assert status == 0
    assert asked[1].startswith("Carry ")
    assert "Refuse negative sizes" in asked[1]
    assert result(capsys)["hunks"] == {"by model": 1}


def stuck_replay(repo: RepoBuilder, openai: Callable[[ModelServer], None]) -> tuple[History, ModelServer]:
    """Return a replay that is stuck at a person's change which the model does not make."""
    history = History(repo)
    history.asked("Write add and area.", {"calc.py": CALC})
    history.by_hand(
        "Refuse negative sizes", {"calc.py": CALC.replace("    return w * h", "    return abs(w * h)")}
    )
    server = ModelServer(
        lambda body: whole(
            "calc.py",
            CALC_NEW.replace("return width * height", "return abs(width * height)")
            if "use abs" in last(body)
            else CALC_NEW,
        )
    )
    server.__enter__()
    openai(server)
    assert history.regen("replay", "--model", "openai/gpt-5") == 1
    return history, server


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--note", "use abs"), "return abs(width * height)"),
        (("--take", "original"), "return abs(w * h)"),
        (("--drop",), "return width * height"),
    ],
)
def test_a_stuck_step_goes_on_with_what_a_person_says(
    repo: RepoBuilder,
    capsys: pytest.CaptureFixture[str],
    openai: Callable[[ModelServer], None],
    words: tuple[str, ...],
    expected: str,
) -> None:
    history, server = stuck_replay(repo, openai)
    try:
        told = capsys.readouterr().out
        assert "git regen resolve gpt-5 --note" in told
        assert history.regen("resolve", "gpt-5", *words) == 0

        assert history.regen("replay", "--resume", "gpt-5") == 0
    finally:
        server.__exit__(None, None, None)

    assert expected in repo.git("show", "regen/gpt-5:calc.py")
    tip = repo.git("rev-parse", "regen/gpt-5")
    assert history.regen("replay", "--model", "openai/gpt-5", "--locked") == 0
    assert repo.git("rev-parse", "regen/gpt-5") == tip


def test_a_stuck_step_takes_a_tree_that_a_person_edited(
    repo: RepoBuilder, openai: Callable[[ModelServer], None], capsys: pytest.CaptureFixture[str]
) -> None:
    history, server = stuck_replay(repo, openai)
    fix = repo.path.parent / "fix"
    try:
        assert history.regen("resolve", "gpt-5", "--edit", str(fix)) == 0
        edited = (fix / "calc.py").read_text().replace("width * height", "max(0, width * height)")
        (fix / "calc.py").write_text(edited)
        assert history.regen("resolve", "gpt-5", "--tree", str(fix)) == 0
        assert history.regen("replay", "--resume", "gpt-5", "--json") == 0
        first = result(capsys)["tip"]
    finally:
        server.__exit__(None, None, None)

    assert "max(0, width * height)" in repo.git("show", "regen/gpt-5:calc.py")
    assert history.regen("replay", "--model", "openai/gpt-5", "--locked", "--json") == 0
    assert result(capsys)["tip"] == first


def test_lines_mended_by_hand_are_told_to_the_model_and_put_back_where_it_leaves_them_out(
    repo: RepoBuilder, openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    text = "LIMIT = 10\n\n\ndef take(n):\n    n = min(n, LIMIT)\n    return list(range(n))\n"
    history.asked("Write take.", {"take.py": text}, hand={"take.py": (LineRange(5, 5),)}, wrote=("take.py",))
    asked: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        asked.append(last(body))
        return whole(
            "take.py", 'LIMIT = 10\n\n\ndef take(n):\n    """Take n."""\n    return list(range(n))\n'
        )

    with ModelServer(answer) as server:
        openai(server)
        status = history.regen("replay", "--model", "openai/gpt-5", "--json")

    assert status == 0
    assert "must stay word for word" in asked[0]
    assert "    n = min(n, LIMIT)\n" in repo.git("show", "regen/gpt-5:take.py") + "\n"


def test_a_correction_joins_the_step_it_corrects(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    history.asked("Write a price function.", {"price.py": "def price(x):\n    return x * 1.0\n"})
    history.by_hand("Notes", {"notes.txt": "hello\n"})
    history.asked(
        "No, use Decimal.", {"price.py": "def price(x):\n    return Decimal(x)\n"}, kind="correction"
    )
    asked: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        asked.append(last(body))
        return whole("price.py", "from decimal import Decimal\n\n\ndef price(x):\n    return Decimal(x)\n")

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0
        told = result(capsys)
        assert len(asked) == 1
        assert "Write a price function." in asked[0]
        assert "No, use Decimal." in asked[0]
        assert told["steps"]["regenerated"] == 2
        assert history.regen("replay", "--model", "openai/gpt-5", "--ungrouped", "--name", "each") == 0

    assert len(asked) == 3


def test_frozen_files_come_from_history_whatever_a_reply_says(
    repo: RepoBuilder, openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    history.by_hand("Settings", {".regen/config.yaml": "paths:\n  tests: [tests/**]\n"})
    test = "from app import f\n\n\ndef test_f():\n    assert f() == 1\n"
    history.asked("Write f with a test.", {"app.py": "def f():\n    return 1\n", "tests/test_app.py": test})

    def answer(body: Mapping[str, Any]) -> str:
        assert "tests/test_app.py" in json.dumps(body)
        return whole("app.py", "def f():\n    return 2\n") + whole(
            "tests/test_app.py", "def test_f():\n    pass\n"
        )

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json") == 0

    assert repo.git("show", "regen/gpt-5:tests/test_app.py") + "\n" == test
    assert "ignored: [tests/test_app.py]" in repo.git(
        "notes", "--ref=regen-provenance", "show", "regen/gpt-5"
    )


def test_a_reply_that_works_elsewhere_changes_what_later_steps_are_shown(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Callable[[ModelServer], None]
) -> None:
    history = History(repo)
    history.asked("Start.", {"a.py": "A = 1\n", "b.py": "B = 1\n"})
    history.asked("Change a.", {"a.py": "A = 2\n"})
    history.asked("Change b.", {"b.py": "B = 2\n"})
    shown: dict[str, str] = {}
    before = AsBefore(history)

    def answer(body: Mapping[str, Any]) -> str:
        found = re.search(r"^Intent (\w+)", last(body), re.MULTILINE)
        assert found is not None
        shown[found[1]] = last(body)
        text = before.answer(found[1])
        return text + whole("b.py", "B = 'moved'\n") if found[1].endswith("2") else text

    with ModelServer(answer) as server:
        openai(server)
        assert history.regen("replay", "--model", "openai/gpt-5", "--json", "--jobs", "4") == 0
        many = result(capsys)["tip"]
        assert (
            history.regen("replay", "--model", "openai/gpt-5", "--name", "one", "--json", "--jobs", "1") == 0
        )

    assert "B = 'moved'" in shown[f"{3:016x}"]
    assert result(capsys)["tip"] == many


def test_who_made_a_commit_decides_whether_a_model_is_asked_for_it(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write a price function.", {"price.py": "def price(x):\n    return x\n"})
    history.asked("Round it.", {"price.py": "def price(x):\n    return round(x)\n"})
    history.by_hand("Add a greeting", {"hello.py": "print('hello')\n"})

    def kinds(*args: str) -> list[str]:
        assert history.regen("plan", *args, "--json") == 0
        return [step["kind"] for step in result(capsys)["steps"]]

    assert kinds("--include", "message") == ["regenerated", "regenerated", "carried"]
    assert history.regen("mark", "human", "HEAD~1") == 0
    assert history.regen("mark", "agent", "HEAD") == 0
    assert kinds() == ["regenerated", "carried", "carried"]
    assert kinds("--include", "message") == ["regenerated", "carried", "regenerated"]
    assert kinds("--include", "all") == ["regenerated", "carried", "regenerated"]
    assert history.regen("try", "HEAD~1", "--model", "original") == 3
    capsys.readouterr()
    assert history.regen("replay", "--model", "original", "--rewrite", "--json") == 0
    assert result(capsys)["steps"]["carried"] == 2
