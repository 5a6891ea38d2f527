from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import History

from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt
from regen_git.importers.reading import Told
from regen_git.ledger.codec import encode
from regen_git.ledger.store import PRIVATE_REF, Ledger, view
from regen_git.sharing.agent_trace import added_lines
from regen_git.sharing.exporting import Exported, as_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from support.builder import RepoBuilder

CLAUDE = Agent("claude", "2.1.197", "claude-opus-4-8", "0a93878f")


@pytest.fixture
def history(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.chdir(repo.path)
    return History(repo)


def record(
    repo: RepoBuilder, commit: str, intent: Intent, *, ref: str = "refs/notes/regen", **binding: Any
) -> None:
    tree = repo.git("rev-parse", f"{commit}^{{tree}}")
    did = Binding(intent.id, result=tree, **binding)
    Ledger(repo.opened, ref).append({commit: [intent, did]})


def lines(capsys: pytest.CaptureFixture[str], *args: str) -> list[dict[str, Any]]:
    assert run(["export", *args]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_holds_all_that_the_ledger_holds(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    repo = history.repo
    commit = repo.commit("Cache", {"a.py": "1\n"})
    intent = Intent(
        IntentId("0123456789abcdef"),
        (
            Prompt("Add a cache\n", "2026-01-02T03:04:05Z", "feature", "Shall I?\x1b[2J", ("a.py@12", "/go")),
            Prompt("no", kind="correction"),
        ),
        "captured",
        author="Ada Example <ada@example.org>",
        agent=CLAUDE,
        approved="# Plan",
        revision=3,
        supersedes=(IntentId("0" * 16),),
        redacted=2,
        retracted=True,
        edits=("0123456789abcdef",),
    )
    hand = {"a.py": (LineRange(1, 1),), "b.py": ()}
    record(
        repo, commit, intent, wrote=("a.py", "ü\udcff"), read=("r",), hand=hand, checks={"verdict": "pass"}
    )
    [found] = lines(capsys, "json")
    assert run(["log", "--json"]) == 0
    logged = json.loads(capsys.readouterr().out)
    assert all(found[key] == value for key, value in logged.items() if key != "intents")
    assert logged["intents"][0].items() <= found["intents"][0].items()
    assert (found["tree"], found["parents"]) == (repo.git("rev-parse", "HEAD^{tree}"), [])
    # Newer gits write Z for this zone.
    assert (found["message"], found["date"][:19]) == ("Cache\n", "2026-01-02T03:04:05")
    assert read_back(found) == [
        encode(intent),
        *(encode(one) for one in Ledger(repo.opened).of(commit).bindings),
    ]


def read_back(commit: dict[str, Any]) -> list[bytes]:
    """Return the documents of a commit, made again from what was exported."""
    documents = []
    for one in commit["intents"]:
        prompts = tuple(
            Prompt(p["text"], p["at"], p["class"], p.get("answers"), tuple(p.get("refs", ())))
            for p in one["prompts"]
        )
        agent = Agent(**one["agent"]) if one["agent"] else None
        documents.append(
            encode(
                Intent(
                    one["intent"],
                    prompts,
                    one["origin"],
                    one["author"],
                    agent,
                    one["approved"],
                    one["revision"],
                    tuple(one["supersedes"]),
                    one["redacted"],
                    one["format"],
                    one["retracted"],
                    tuple(one["edits"]),
                )
            )
        )
    for one in commit["bindings"]:
        hand = one["hand"]
        if hand is not None:
            hand = {
                path: tuple(LineRange(*map(int, r.split("-"))) for r in ranges)
                for path, ranges in hand.items()
            }
        documents.append(
            encode(
                Binding(
                    one["intent"],
                    tuple(one["wrote"]),
                    tuple(one["read"]),
                    hand,
                    one["base"],
                    one["result"],
                    one["checks"],
                )
            )
        )
    return documents


def test_a_range_is_exported_newest_first_with_commits_that_have_no_intent(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.asked("First", {"a.py": "1\n"})
    history.by_hand("By hand", {"a.py": "2\n"})
    history.asked("Third", {"a.py": "3\n"})
    found = lines(capsys, "json", "HEAD~2..")
    assert [(one["subject"], one["origin"]) for one in found] == [
        ("Third", "captured"),
        ("By hand", "message"),
    ]
    assert run(["export", "json", "nosuch"]) == 3
    assert run(["export", "yaml"]) == 2


def test_private_intents_are_exported_only_where_somebody_says_so(
    history: History, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    history.asked("Public", {"a.py": "1\n"})
    intent = Intent(IntentId("f" * 16), (Prompt("My secret plan"),), "explicit")
    commit = history.repo.commit("Quiet\n\nRegen-Intent: " + "f" * 16, {"a.py": "2\n"})
    record(history.repo, commit, intent, ref=PRIVATE_REF)
    for form in ("json", "markdown", "agent-trace"):
        assert run(["export", form]) == 0
        shown = capsys.readouterr()
        assert "My secret plan" not in shown.out
        assert shown.err == "1 private intent is left out; '--private' takes them along\n"
    assert [one["missing"] for one in lines(capsys, "json")] == [[], []]
    target = tmp_path / "out" / "all.jsonl"
    assert run(["export", "json", "--private", "-o", str(target)]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"2 intents of 2 commits are in '{target}'\n")
    first, second = [json.loads(line) for line in target.read_text().splitlines()]
    assert (first["intents"][0]["private"], second["intents"][0]["private"]) == (True, False)
    assert first["intents"][0]["prompts"][0]["text"] == "My secret plan"


def test_a_file_is_replaced_only_by_a_whole_one(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    target = history.repo.path / "ledger.jsonl"
    target.write_text("old")
    assert run(["export", "json", "nosuch", "-o", str(target)]) == 3
    assert target.read_text() == "old"
    assert [path.name for path in history.repo.path.iterdir()] == [".git", "ledger.jsonl"]
    capsys.readouterr()


def test_markdown_reads_from_the_oldest_prompt_to_the_newest(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.asked("Add a cache", {"a.py": "1\n"}, wrote=("a.py",), hand={"a.py": (LineRange(1, 1),)})
    history.by_hand("By hand", {"a.py": "2\n"})
    history.asked(
        "Now *limit* it\n\n```\ncode\n```", {"a.py": "3\n"}, kind="constraint", subject="Limit <it>\x1b[31m"
    )
    assert run(["export", "markdown"]) == 0
    text = capsys.readouterr().out
    short = history.repo.git("rev-parse", "--short", "HEAD~2")
    head, first, second = text.split("\n## ")
    assert head == (
        "# Prompts of repo\n\n"
        "2 prompts in 2 commits, the oldest first. 1 more commit without a recorded prompt.\n"
    )
    assert first.replace("+00:00", "Z") == (
        f"{short} Add a cache\n\n2026-01-02T03:04:05Z, Ada Example \\<ada@example.org\\>\n"
        "\n### Intent 0000000000000001\n\ncaptured, revision 1\n\nPrompt:\n\n```text\nAdd a cache\n```\n"
        "\nWrote: `a.py`\n\nMended by hand: `a.py` lines 1-1\n"
    )
    assert "constraint:\n\n````text\nNow *limit* it\n\n```\ncode\n```\n````\n" in second
    assert " Limit \\<it\\>\\x1b\\[31m\n" in second


def blocks(text: str) -> list[str]:
    """Return what stands in the fences of a document, as CommonMark reads them."""
    found: list[str] = []
    fence = ""
    inside: list[str] = []
    for line in text.split("\n"):
        if fence:
            if re.fullmatch(r" {0,3}`+\s*", line) and line.count("`") >= len(fence):
                found.append("\n".join(inside))
                fence = ""
            else:
                inside.append(line)
        elif match := re.fullmatch(r"(`{3,})text", line):
            fence, inside = match[1], []
    assert not fence
    return found


@settings(max_examples=60)
@given(
    st.lists(
        st.text(st.sampled_from("`~ab# \n<>-")).filter(lambda text: bool(text.strip())),
        min_size=1,
        max_size=3,
    )
)
def test_no_prompt_gets_out_of_its_fence(texts: list[str]) -> None:
    intent = Intent(IntentId("1" * 16), tuple(Prompt(text) for text in texts), "captured")
    told = Told("c" * 40, "c" * 7, "t" * 40, (), "A <a>", "A <a>", "2026-01-02", "S", view(encode(intent)))
    document = "".join(as_markdown([Exported(told, frozenset(), with_private=False)], "T"))
    assert blocks(document) == [text.rstrip("\n") for text in texts]


RANGE = {
    "type": "object",
    "required": ["start_line", "end_line"],
    "properties": {
        "start_line": {"type": "integer", "minimum": 1},
        "end_line": {"type": "integer", "minimum": 1},
    },
    "additionalProperties": False,
}
CONTRIBUTOR = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"enum": ["human", "ai", "mixed", "unknown"]},
        "model_id": {"type": "string", "maxLength": 250},
    },
    "additionalProperties": False,
}
CONVERSATION = {
    "type": "object",
    "required": ["ranges"],
    "properties": {
        "url": {"type": "string"},
        "contributor": CONTRIBUTOR,
        "ranges": {"type": "array", "items": RANGE},
        "related": {"type": "array"},
    },
    "additionalProperties": False,
}
FILE = {
    "type": "object",
    "required": ["path", "conversations"],
    "properties": {"path": {"type": "string"}, "conversations": {"type": "array", "items": CONVERSATION}},
    "additionalProperties": False,
}
UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
TRACE = {
    "type": "object",
    "required": ["version", "id", "timestamp", "files"],
    "properties": {
        "version": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
        "id": {"type": "string", "pattern": UUID},
        "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "vcs": {
            "type": "object",
            "required": ["type", "revision"],
            "properties": {"type": {"enum": ["git", "jj", "hg", "svn"]}, "revision": {"type": "string"}},
            "additionalProperties": False,
        },
        "tool": {
            "type": "object",
            "required": ["name", "version"],
            "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
            "additionalProperties": False,
        },
        "files": {"type": "array", "items": FILE},
        "metadata": {"type": "object"},
    },
    "additionalProperties": False,
}
"""What Agent Trace 0.1.0 allows, with all that stricter readers of it ask for."""


def test_agent_trace_has_the_lines_that_agents_wrote(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    # Comes with litellm, without types.
    validator = import_module("jsonschema").Draft202012Validator(TRACE)
    repo = history.repo
    repo.commit("Start", {"a.py": "1\n2\n3\n", "b.py": "1\n", 'o"dd ü.py': "x\n", "gone.py": "1\n"})
    commit = repo.commit(
        "Change",
        {
            "a.py": "1\nnew\nnew\n3\nmended\nend\n",
            "b.py": "2\n",
            'o"dd ü.py': "y\n",
            "c.bin": b"\0\1",
            "gone.py": None,
        },
    )
    first = Intent(IntentId("1" * 16), (Prompt("one"),), "captured", agent=CLAUDE)
    record(
        repo,
        commit,
        first,
        wrote=("a.py", 'o"dd ü.py', "c.bin", "gone.py"),
        hand={"a.py": (LineRange(5, 5),)},
    )
    second = Intent(IntentId("2" * 16), (Prompt("two"),), "captured", agent=Agent("codex", model="gpt-5.5"))
    record(repo, commit, second, wrote=("b.py",))
    history.by_hand("By hand", {"b.py": "3\n"})
    found = lines(capsys, "agent-trace")
    for one in found:
        validator.validate(one)
    claude, codex = found
    assert (claude["vcs"], claude["tool"]) == (
        {"type": "git", "revision": commit},
        {"name": "claude", "version": "2.1.197"},
    )
    assert claude["timestamp"] == "2026-01-02T03:05:05Z"
    assert claude["metadata"] == {"git-regen": {"intents": ["1" * 16]}}
    ai = {"type": "ai", "model_id": "anthropic/claude-opus-4-8"}
    assert claude["files"] == [
        {
            "path": "a.py",
            "conversations": [
                {
                    "contributor": ai,
                    "ranges": [{"start_line": 2, "end_line": 3}, {"start_line": 6, "end_line": 6}],
                },
                {"contributor": {"type": "human"}, "ranges": [{"start_line": 5, "end_line": 5}]},
            ],
        },
        {
            "path": 'o"dd ü.py',
            "conversations": [{"contributor": ai, "ranges": [{"start_line": 1, "end_line": 1}]}],
        },
    ]
    assert "tool" not in codex
    assert [one["path"] for one in codex["files"]] == ["b.py"]
    assert codex["files"][0]["conversations"][0]["contributor"] == {
        "type": "ai",
        "model_id": "openai/gpt-5.5",
    }
    assert lines(capsys, "agent-trace") == found
    assert len({one["id"] for one in found}) == 2


def test_where_nobody_knows_what_an_intent_wrote_the_whole_commit_counts(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    history.asked("All of it", {"a.py": "1\n", "b.py": "1\n2\n"})
    [found] = lines(capsys, "agent-trace")
    assert [(one["path"], one["conversations"][0]["ranges"]) for one in found["files"]] == [
        ("a.py", [{"start_line": 1, "end_line": 1}]),
        ("b.py", [{"start_line": 1, "end_line": 2}]),
    ]


def test_links_and_changes_of_kind_do_not_shift_the_lines_of_others(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "x\n", "b.py": "1\n"})
    (repo.path / "a").unlink()
    (repo.path / "a").symlink_to("b.py")
    repo.commit("Link", {"b.py": "1\n2\n"})
    base, tree = (repo.git("rev-parse", f"{rev}^{{tree}}") for rev in ("HEAD~1", "HEAD"))
    assert added_lines(repo.opened, base, tree) == {"b.py": (LineRange(2, 2),)}
    assert added_lines(repo.opened, None, base) == {"a": (LineRange(1, 1),), "b.py": (LineRange(1, 1),)}


def test_a_script_is_told_what_was_written(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    history.asked("First", {"a.py": "1\n"})
    history.by_hand("By hand", {"a.py": "2\n"})
    for form in ("json", "markdown", "agent-trace"):
        [told] = lines(capsys, form, "-o", "out", "--json")
        assert told == {"format": form, "file": "out", "commits": 2, "intents": 1, "private_left_out": 0}
    assert run(["export", "markdown", "--json"]) == 2


def test_what_is_written_is_utf_8_on_a_machine_with_another_encoding(history: History) -> None:
    commit = history.repo.commit("Straße", {"a.py": "a\n"})
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for form in ("json", "markdown"):
        argv = [sys.executable, "-m", "regen_git", "export", form]
        done = subprocess.run(argv, cwd=history.repo.path, env=env, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert form == "markdown" or f'"{commit}", "subject": "Straße"'.encode() in done.stdout
