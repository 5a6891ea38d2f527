"""Claude Code's payloads as events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from regen_git.agents import caller
from regen_git.agents.claude import read

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "agent-fixtures"
ENV = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s1", "AI_AGENT": "claude-code_2-1-197_harness"}


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {"session_id": "s1", "cwd": "/w", "prompt_id": "p1", "hook_event_name": event, **fields}


def test_a_prompt_is_taken_word_for_word() -> None:
    (event,) = read(payload("UserPromptSubmit", prompt="Two\n  lines"), ENV)
    assert (event.kind, event.text, event.turn, event.key) == ("prompt", "Two\n  lines", "p1", "p1")
    assert event.version == "2.1.197"


@pytest.mark.parametrize(
    "prompt",
    ["<task-notification>done</task-notification>", "<system-reminder>x</system-reminder>", "", "  \n"],
)
def test_text_of_the_harness_is_no_prompt(prompt: str) -> None:
    assert read(payload("UserPromptSubmit", prompt=prompt), ENV) == []


def test_what_the_harness_puts_around_a_prompt_goes() -> None:
    prompt = "<ide_opened_file>a.py</ide_opened_file>\nFix it<system-reminder>hm</system-reminder>"
    assert read(payload("UserPromptSubmit", prompt=prompt), ENV)[0].text == "Fix it"


@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("Write", {"file_path": "/w/a.py"}),
        ("Edit", {"file_path": "/w/a.py"}),
        ("MultiEdit", {"file_path": "/w/a.py"}),
        ("NotebookEdit", {"notebook_path": "/w/a.py"}),
        ("mcp__acp__Edit", {"file_path": "/w/a.py"}),
    ],
)
def test_every_edit_tool_names_its_file(tool: str, given: dict[str, str]) -> None:
    (event,) = read(payload("PostToolUse", tool_name=tool, tool_input=given), ENV)
    assert (event.kind, event.path) == ("edit", "/w/a.py")


def test_an_accepted_plan_is_approved_and_never_typed() -> None:
    done = payload("PostToolUse", tool_name="ExitPlanMode", tool_input={"plan": "1. Do it"}, tool_response={})
    assert [(e.kind, e.text) for e in read(done, ENV)] == [("plan", "1. Do it")]
    restart = payload("UserPromptSubmit", prompt="Implement the following plan:\n\n1. Do it")
    assert [(e.kind, e.text) for e in read(restart, ENV)] == [("plan", "1. Do it")]


def test_a_chosen_option_is_a_prompt_that_answers_the_question() -> None:
    question = {"question": "Which one?", "options": [{"label": "Red"}, {"label": "Blue"}]}
    done = payload(
        "PostToolUse",
        tool_name="AskUserQuestion",
        tool_use_id="t1",
        tool_input={"questions": [question]},
        tool_response={"answers": {"Which one?": "Blue"}},
    )
    (event,) = read(done, ENV)
    assert (event.kind, event.text, event.answers, event.key) == (
        "prompt",
        "Blue",
        "Which one?\n- Red\n- Blue",
        "t1",
    )


@pytest.mark.parametrize(
    "broken", [{}, {"hook_event_name": []}, {"session_id": 1, "cwd": None}, payload("Stop")]
)
def test_odd_payloads_raise_nothing(broken: dict[str, Any]) -> None:
    assert all(event.kind == "end" for event in read(broken, {}))


def test_a_subagents_task_is_no_prompt_and_its_edits_count() -> None:
    assert read(payload("UserPromptSubmit", prompt="x", agent_id="a"), ENV) == []
    edit = payload("PostToolUse", tool_name="Write", tool_input={"file_path": "/w/a"}, agent_id="a")
    assert [e.kind for e in read(edit, ENV)] == ["edit"]


def recorded() -> list[tuple[str, dict[str, Any], dict[str, str]]]:
    found = []
    for path in sorted(RECORDINGS.glob("*/*/hooks.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            try:
                data = json.loads(row.get("stdin", ""), strict=False)
            except ValueError:
                continue
            if isinstance(data, dict):
                found.append((path.parts[-3], data, row.get("env", {})))
    return found


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings lie beside the checkout")
def test_recorded_payloads_name_their_agent() -> None:
    rows = [row for row in recorded() if row[0] == "claude"]
    assert len(rows) > 200
    assert {caller(data, env, "") for _, data, env in rows} == {"claude"}
    assert {caller(data, {}, "") for _, data, _ in rows} == {"claude"}
    others = [row for row in recorded() if row[0] != "claude"]
    assert not [name for name, data, env in others if caller(data, env, "") == "claude"]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings lie beside the checkout")
def test_the_recorded_headless_prompts_are_all_read() -> None:
    lines = (RECORDINGS / "claude" / "headless" / "hooks.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    events = [e for row in rows if "stdin" in row for e in read(json.loads(row["stdin"]), row["env"])]
    prompts = [event.text for event in events if event.kind == "prompt"]
    assert "Create hello.py that prints a greeting" in prompts
    assert "/greet Ada Lovelace" in prompts
    assert len(prompts) == sum('"hook_event_name\\":\\"UserPromptSubmit' in line for line in lines)
