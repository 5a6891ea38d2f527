from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt
from regen_git.ledger.store import PRIVATE_REF, Ledger

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ONE = IntentId("00000000000000aa")
TWO = IntentId("00000000000000bb")


@pytest.fixture
def told(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> RepoBuilder:
    """Return a repository with one commit of an agent, in which a person mended line 2 of a.py."""
    repo.commit("Start", {"a.py": "start\n", "b.py": "start\n"})
    commit = repo.commit("Add a cache", {"a.py": "start\nmended\nwritten\n", "b.py": "start\nbeside\n"})
    repo.commit("Ask Claude to tidy", {"c.py": "tidy\n"})
    tree = repo.git("rev-parse", f"{commit}^{{tree}}")
    intent = Intent(
        ONE,
        (
            Prompt("Add a cache.\n\nWith a limit.\n", at="2026-01-02T03:04:05Z", kind="feature"),
            Prompt("yes", answers="Ok?"),
        ),
        "captured",
        author="Ada Example <ada@example.org>",
        agent=Agent("claude", model="claude-x"),
        redacted=1,
    )
    binding = Binding(
        ONE,
        wrote=("a.py",),
        hand={"a.py": (LineRange(2, 2),)},
        result=tree,
        checks={"verdict": "pass"},
    )
    Ledger(repo.opened).append({commit: [intent, binding]})
    monkeypatch.chdir(repo.path)
    return repo


def answer(capsys: pytest.CaptureFixture[str], *argv: str) -> list[dict[str, Any]]:
    assert run(argv) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert run(argv) == 0
    return capsys.readouterr().out


def test_log_gives_scripts_every_commit_newest_first(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    commits = answer(capsys, "log", "--json")
    assert [commit["commit"] for commit in commits] == told.git("rev-list", "HEAD").split()
    assert [commit["origin"] for commit in commits] == ["message", "captured", "message"]
    [intent] = commits[1]["intents"]
    assert intent["intent"] == ONE
    assert (intent["revision"], intent["origin"], intent["wrote"]) == (1, "captured", ["a.py"])
    assert intent["agent"]["model"] == "claude-x"
    assert intent["hand"] == {"a.py": ["2-2"]}
    assert intent["prompts"][0] == {
        "text": "Add a cache.\n\nWith a limit.\n",
        "at": "2026-01-02T03:04:05Z",
        "class": "feature",
    }
    [stand_in] = commits[0]["intents"]
    assert (stand_in["intent"], stand_in["origin"]) == (None, "message")
    assert stand_in["prompts"][0]["text"] == "Ask Claude to tidy"


def test_log_shows_people_the_first_line_of_a_prompt(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    del told
    lines = shown(capsys, "log", "-n", "2").splitlines()
    assert [line.partition(" ")[2] for line in lines] == [
        "Ask Claude to tidy",
        "Add a cache",
        "   Add a cache.… [captured, claude-x, 2 prompts]",
    ]


def test_log_takes_ranges_and_says_what_is_wrong_with_them(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    del told
    assert len(answer(capsys, "log", "HEAD~2..HEAD", "--json")) == 2
    assert len(answer(capsys, "log", "-n", "1", "--json")) == 1
    assert run(["log", "nosuch"]) == 3
    assert "hint: " in capsys.readouterr().err


def test_private_intents_are_shown_too(told: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    head = told.git("rev-parse", "HEAD")
    Ledger(told.opened, PRIVATE_REF).append(
        {head: [Intent(TWO, (Prompt("Tidy"),), "captured"), Binding(TWO)]}
    )
    assert answer(capsys, "log", "-n", "1", "--json")[0]["intents"][0]["intent"] == TWO


def test_a_trailer_without_its_note_is_said(told: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    told.commit(f"More\n\nRegen-Intent: {TWO}", {"c.py": "more\n"})
    assert run(["log", "-n", "1"]) == 0
    assert "'git regen repair' looks for them" in capsys.readouterr().err
    assert answer(capsys, "show", "--json")[0]["missing"] == [TWO]


def test_what_is_shown_cannot_drive_a_terminal(told: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[31mred\x07 \u202eback"
    commit = told.commit(f"Subject {evil}", {"d.py": f"{evil}\n"})
    Ledger(told.opened).append(
        {commit: [Intent(TWO, (Prompt(evil, answers=evil),), "captured", author=evil)]}
    )
    for argv in (("log",), ("show",), ("why", "d.py:1"), ("why", "d.py")):
        out = shown(capsys, *argv)
        assert "red" in out or argv == ("why", "d.py")
        assert not {"\x1b", "\x07", "\u202e"} & set(out)


def test_show_tells_all_of_one_commit(told: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    del told
    [all_of_it] = answer(capsys, "show", "HEAD~1", "--json")
    assert all_of_it["verdict"] == "pass"
    assert all_of_it["bindings"][0]["wrote"] == ["a.py"]
    out = shown(capsys, "show", "HEAD~1")
    for part in (
        ONE,
        "claude-x",
        "    With a limit.",
        "    | Ok?",
        "1 secret taken out",
        "by hand  a.py: 2-2",
        "pass",
    ):
        assert part in out


def test_show_without_an_intent_gives_the_message_and_the_evidence(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    del told
    [found] = answer(capsys, "show", "--json")
    assert (found["origin"], found["evidence"]["maker"], found["evidence"]["agent"]) == (
        "message",
        "agent",
        "claude",
    )
    assert "the message stands in for it" in shown(capsys, "show")
    assert run(["show", "nosuch"]) == 3


def test_why_names_the_prompt_or_the_person_of_a_line(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write({"a.py": "start\nmended\nwritten\nnew\n"})
    lines = answer(capsys, "why", "a.py:1-4", "--json")
    assert [line["by"] for line in lines] == ["person", "person", "prompt", "person"]
    assert [line["reason"] for line in lines] == [
        "no prompt is recorded",
        "mended by hand after the agent",
        None,
        "not committed yet",
    ]
    assert lines[2]["intents"][0]["intent"] == ONE
    assert "With a limit." in shown(capsys, "why", "a.py:3")
    assert "written by hand by Ada Example" in shown(capsys, "why", "a.py:2")


def test_why_knows_which_files_a_prompt_did_not_write(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    del told
    [line] = answer(capsys, "why", "b.py:2", "--json")
    assert (line["by"], line["reason"]) == ("person", "no prompt of the commit wrote this file")
    [line] = answer(capsys, "why", "c.py:1", "--json")
    assert (line["by"], line["reason"]) == ("agent", "claude took part, but no prompt is recorded")


def test_why_sums_up_a_file(told: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    told.write({"a.py": "start\nmended\nwritten\n"})
    [whole] = answer(capsys, "why", "a.py", "--json")
    assert sorted((cause["lines"], cause["by"]) for cause in whole["causes"]) == [
        (1, "person"),
        (1, "person"),
        (1, "prompt"),
    ]


def test_why_works_from_a_subfolder_through_renames_and_with_odd_names(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told.git("mv", "a.py", 'odd "näme:7')
    told.commit("Rename", {"sub/x": ""})
    [line] = answer(capsys, "why", 'odd "näme:7:3', "--json")
    assert line["by"] == "prompt"
    monkeypatch.chdir(told.path / "sub")
    assert len(answer(capsys, "why", '../odd "näme:7', "--json")[0]["causes"]) == 3


def test_why_refuses_what_is_not_there_with_a_hint(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    del told
    for place, status in (("a.py:99", 3), ("nosuch", 3), ("a.py:0", 2)):
        assert run(["why", place]) == status
        assert "hint: " in capsys.readouterr().err


def test_import_reports_to_scripts_and_people(told: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    told.commit("Ask Claude\n\nPrompt: Add docs.\n\nAdditional prompt: Shorter.", {"c.py": "docs\n"})
    [dry] = answer(capsys, "import", "commits", "--dry-run", "--json")
    [done] = answer(capsys, "import", "commits", "HEAD~1..HEAD", "--json")
    assert (dry["commits"], dry["intents"], dry["prompts"], dry["orphans"]) == (1, 1, 2, 0)
    assert (done["commits"], done["intents"], done["prompts"], done["skipped"]) == (1, 1, 2, {})
    assert dry["skipped"] == {"no prompt in the message": 3}
    assert "nothing to import" in shown(capsys, "import", "commits")
    [sessions] = answer(capsys, "import", "claude", "--json")
    assert (sessions["intents"], sessions["orphans"]) == (0, 0)


def test_who_made_a_commit_is_what_a_person_marked(
    told: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    told.git("config", "user.name", "unused")
    shown(capsys, "mark", "human", "HEAD", "HEAD~1")
    says = "marked human by Ada Example <ada@example.org>"
    assert shown(capsys, "log").count(f"\n    {says}\n") == 2
    [found] = answer(capsys, "show", "--json")
    assert found["evidence"] == {"maker": "person", "agent": None, "reason": says}
    for rev in ("HEAD", "HEAD~1"):
        assert f"made by  a person ({says})" in shown(capsys, "show", rev)
    for place in ("c.py:1", "a.py:3"):
        [line] = answer(capsys, "why", place, "--json")
        assert (line["by"], line["reason"], line["intents"]) == ("person", says, [])
    shown(capsys, "mark", "agent", "HEAD~2", "HEAD~1")
    [line] = answer(capsys, "why", "b.py:1", "--json")
    assert line["by"] == "agent"
    assert line["reason"] == "marked agent by Ada Example <ada@example.org>, but no prompt is recorded"
