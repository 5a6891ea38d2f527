"""The risk of a replay, on real repositories: what is told, what is refused, and what goes on anyway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History
from support.model_server import ModelServer

from regen_git.replay.risk.rules import RULES, judge
from regen_git.replay.risk.values import Measures

if TYPE_CHECKING:
    from pathlib import Path

    from support.builder import RepoBuilder

CHECKED = "paths: {tests: [tests/**]}\nchecks:\n- {name: tests, run: 'true'}\n"
TEST = "from shop import total\n\n\ndef test_total():\n    assert total([1]) == 1\n"
SHOP = "def total(prices):\n    return sum(prices)\n"
SECRETS = "".join(f"LIMIT_{chr(65 + n // 26)}{chr(65 + n % 26)} = {1000 + n}\n" for n in range(80))


def plan(history: History, capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    capsys.readouterr()
    assert history.regen("plan", "--json", *args) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["risk"]
    return found


def kinds(risk: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["kind"], one["symbol"] or one["path"]) for one in risk["findings"]]


def replay(history: History, monkeypatch: pytest.MonkeyPatch, *args: str) -> tuple[int, int]:
    """Return the exit status, and how often the model was asked."""
    model = AsBefore(history)
    with ModelServer(model) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        status = history.regen("replay", "--model", "openai/gpt-5", "--no-sandbox", *args)
    return status, len(model.asked)


def test_a_checked_and_tested_project_is_safe(repo: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    history = History(repo)
    history.by_hand("Set up", {".regen/config.yaml": CHECKED, "tests/test_shop.py": TEST})
    history.asked("Write total(prices)", {"shop.py": SHOP})
    risk = plan(history, capsys)
    assert (risk["verdict"], risk["findings"], risk["reasons"]) == ("safe", [], [])


def test_what_only_the_code_knows_is_told_with_its_place(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Set up", {".regen/config.yaml": CHECKED, "tests/test_shop.py": TEST})
    code = "import os\n\nROUNDING = 25\nSHIPPING = 30\n" + SHOP + "\n\nHOME = os.environ['SHOP_HOME']\n"
    history.asked("Write total(prices), shipping costs 30", {"shop.py": code})
    risk = plan(history, capsys)
    told = [(one["about"], one["symbol"], one["line"]) for one in risk["findings"]]
    assert told == [("constant", "ROUNDING = 25", 3), ("environment variable", "SHOP_HOME", 9)]
    assert all("regen: keep" in one["next"] for one in risk["findings"])


def test_what_the_request_shows_anyway_is_not_hidden(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    first = {".regen/config.yaml": CHECKED, "tests/test_shop.py": TEST, "shop.py": "ROUNDING = 25\n" + SHOP}
    history.by_hand("Set up", first)
    history.asked("Say what total does", {"shop.py": "ROUNDING = 25\nDEEP = 77\n" + SHOP})
    assert kinds(plan(history, capsys)) == [
        ("people", "ROUNDING"),
        ("people", "total"),
        ("hidden", "DEEP = 77"),
    ]


def test_a_document_that_stays_is_a_mention_and_one_that_is_regenerated_is_none(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    docs = {"README.md": "Set ROUNDING to 25\n", "notes.md": "DEEP is 77\n"}
    history.by_hand(
        "Set up", {".regen/config.yaml": CHECKED, "tests/test_shop.py": TEST, "notes.md": docs["notes.md"]}
    )
    code = {"shop.py": "ROUNDING = 25\nDEEP = 77\n" + SHOP, "README.md": docs["README.md"]}
    history.asked("Write total(prices) with a page about it", code)
    assert kinds(plan(history, capsys)) == [("hidden", "ROUNDING = 25")]


def test_commits_without_intent_people_and_stores_are_told(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Set up", {".regen/config.yaml": CHECKED, "tests/test_shop.py": TEST})
    code = SHOP + "\n\ndef kept(path):\n    import sqlite3\n\n    return sqlite3.connect(path)\n"
    history.asked("Write total and kept, which opens a path", {"shop.py": code})
    oid = history.by_hand("Round", {"shop.py": code.replace("sum(prices)", "round(sum(prices))")})
    risk = plan(history, capsys)
    assert kinds(risk) == [("state", "shop.py"), ("no-intent", "shop.py"), ("people", "total")]
    assert risk["findings"][1]["commit"] == oid
    assert "(+1 −1)" in risk["findings"][1]["why"]  # noqa: RUF001 - a minus
    assert [reason["rule"] for reason in risk["reasons"]] == [
        "commits without intent",
        "data without a contract",
    ]


def test_tests_that_nobody_froze_are_told(repo: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    history = History(repo)
    history.asked("Write total(prices) with a test", {"shop.py": SHOP, "tests/test_shop.py": TEST})
    risk = plan(history, capsys)
    assert risk["verdict"] == "risky"
    assert ("tests", "tests/test_shop.py") in kinds(risk)


def test_a_first_try_without_settings_is_told_and_goes_on(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write total(prices)", {"shop.py": SHOP})
    assert replay(history, monkeypatch)[1] == 1
    assert "risk: risky: no checks are configured" in capsys.readouterr().err


def test_much_that_nothing_holds_is_refused_before_anything_is_asked_and_force_is_recorded(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write the shop", {"shop.py": SECRETS + SHOP})
    assert replay(history, monkeypatch) == (1, 0)
    assert "this replay could lose too much" in capsys.readouterr().err
    assert not (repo.opened.data_dir / "replays" / "gpt-5").exists()
    status, asked = replay(history, monkeypatch, "--force", "--json")
    assert (status, asked) == (0, 1)
    report = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (report["risk"]["verdict"], report["risk"]["forced"]) == ("refuse", True)
    assert history.regen("replay", "--model", "openai/gpt-5", "--locked", "--name", "again") == 0
    assert history.regen("replay", "--model", "original") == 0


def spec(history: History, page: str = "- Add up prices.\n") -> None:
    text = f"---\npaths: [shop.py]\n---\n# shop\n\n## Requirements\n\n{page}"
    history.by_hand("Write the spec", {".regen/spec/shop.md": text})


def test_a_spec_over_code_that_keeps_data_is_refused_without_a_contract(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Set up", {".regen/config.yaml": CHECKED, "tests/test_shop.py": TEST})
    code = SHOP + "import sqlite3\nBASE = sqlite3.connect('shop.db')\n" + "\n" * 200
    history.asked("Write total and keep it in a data base", {"shop.py": code})
    spec(history)
    risk = plan(history, capsys, "--mode", "folded")
    assert risk["verdict"] == "refuse"
    assert risk["reasons"][0]["rule"] == "data without a contract"
    assert replay(history, monkeypatch, "--mode", "folded") == (1, 0)


def test_a_spec_in_an_empty_repository_is_not_refused(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    spec(history)
    risk = plan(history, capsys, "--mode", "folded")
    assert risk["verdict"] == "risky"
    assert [reason["rule"] for reason in risk["reasons"]] == ["no checks", "no frozen tests"]


def test_in_a_spec_only_its_own_words_and_what_stays_count(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Set up", {".regen/config.yaml": CHECKED, "tests/test_shop.py": TEST})
    history.asked("Write total with ROUNDING and DEEP", {"shop.py": "ROUNDING = 25\nDEEP = 77\n" + SHOP})
    spec(history, "- Add up prices, ROUNDING them.\n")
    assert ("hidden", "DEEP = 77") in kinds(plan(history, capsys, "--mode", "folded"))
    assert ("hidden", "ROUNDING = 25") not in kinds(plan(history, capsys, "--mode", "folded"))


def test_names_from_a_repository_drive_no_terminal(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Write it", {"a\x1b[31m.py": "WORD = 'evil\x1b[2J\x07'\n" + SHOP})
    capsys.readouterr()
    assert history.regen("plan") == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.modes}-{rule.verdict}-{rule.name}")
def test_every_rule_can_apply_and_can_be_met(rule: Any) -> None:
    worst = Measures(
        files=9, lines=5000, known=100, hidden=90, commits=20, silent=19, code_files=9, untested=9,
        people=3, stores=2, writes=2,
    )  # fmt: skip
    best = Measures(
        files=9, lines=5000, known=100, checks=1, frozen_tests=5, tests=9, code_files=9, has_state=True
    )
    assert rule.applies(worst)
    assert rule.says(worst)
    assert not rule.applies(best)
    assert judge(best, is_from_spec=True) == judge(best, is_from_spec=False) == ("safe", ())


def test_the_page_lists_every_rule(request: pytest.FixtureRequest) -> None:
    top: Path = request.config.rootpath
    page = (top / "docs" / "risk.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    modes = {"any": "any", "spec": "folded, oneshot", "steps": "chained, anchored"}
    for rule in RULES:
        wanted = f"| {rule.name} | {modes[rule.modes]} | {rule.verdict} |"
        assert any(row.startswith(wanted) for row in rows), wanted
