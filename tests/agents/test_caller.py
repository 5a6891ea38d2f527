"""Which agent calls: one hook file is read by several, and the name on the command line proves nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import FIXTURES, calls, odd_values

from regen_git.agents import NAMES, caller, load

recorded = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recordings are not beside the repository")


@recorded
def test_every_recorded_payload_names_its_agent_with_and_without_its_environment() -> None:
    rows = calls()
    assert len(rows) > 900
    assert len({agent for agent, *_ in rows}) >= 6
    wrong = Counter(
        (agent, caller(data, env, ""), caller(data, {}, ""))
        for agent, data, env, _ in rows
        if caller(data, env, "") != agent or caller(data, {}, "") != agent
    )
    assert wrong == Counter()


@recorded
def test_a_wrong_name_on_the_command_line_changes_nothing() -> None:
    assert [agent for agent, data, env, _ in calls() if caller(data, env, "claude") != agent] == []


@recorded
def test_what_an_agent_inherits_from_another_does_not_make_it_that_one() -> None:
    """Its hooks have the variables of the shell in which it was started: those of the other's shell."""
    inherited = {
        "CLAUDECODE": "1",
        "CLAUDE_CODE_SESSION_ID": "of-the-other",
        "AI_AGENT": "claude-code_2-1-197_agent",
        "COPILOT_CLI": "1",
        "COPILOT_AGENT_SESSION_ID": "of-the-other",
        "GEMINI_CLI": "1",
        "QWEN_CODE": "1",
        "CODEX_THREAD_ID": "of-the-other",
    }
    wrong = [agent for agent, data, env, _ in calls() if caller(data, {**inherited, **env}, "") != agent]
    assert wrong == []


@pytest.mark.parametrize(
    ("payload", "env", "hint", "agent"),
    [
        ({"cursor_version": "1.9", "hook_event_name": "stop"}, {}, "claude", "cursor"),
        ({"agent_action_name": "pre_user_prompt", "trajectory_id": "t"}, {}, "", "windsurf"),
        ({"sessionId": "s", "hookEventName": "Stop", "timestamp": "2026-01-01T00:00:00Z"}, {}, "", "vscode"),
        (
            {"session_id": "s", "transcript_path": "/u/User/workspaceStorage/1/GitHub.copilot-chat/t.jsonl"},
            {"COPILOT_CLI": "1"},
            "claude",
            "vscode",
        ),
        (
            {"session_id": "s", "hook_event_name": "Stop", "timestamp": "2026-01-01T00:00:00Z"},
            {"AI_AGENT": "github_copilot_vscode_agent"},
            "",
            "vscode",
        ),
        ({"session_id": "s", "turn_id": "t", "model": "m"}, {}, "opencode", "opencode"),
        ({"session_id": "s"}, {}, "codex-cli", "codex"),
        ({}, {}, "droid", "droid"),
    ],
)
def test_marks_of_the_payload_come_before_the_name_on_the_command_line(
    payload: dict[str, Any], env: dict[str, str], hint: str, agent: str
) -> None:
    assert caller(payload, env, hint) == agent


NAMED = st.sampled_from(
    ["session_id", "sessionId", "timestamp", "transcript_path", "hook_event_name", "hookEventName", "turn_id"]
)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(NAMED | st.text(max_size=5), odd_values, max_size=6))
def test_no_odd_payload_raises(payload: dict[str, Any]) -> None:
    assert caller(payload, {}, "codex") in NAMES


@pytest.mark.parametrize("name", ["codex", "copilot", "vscode", "cursor", "windsurf"])
def test_a_module_says_of_its_agent_what_all_say(name: str) -> None:
    agent = load(name)
    assert name == agent.NAME
    assert agent.TITLE
    assert agent.PROGRAMS
    assert agent.FOLDERS
    assert agent.SETTINGS is not None
    assert agent.SETTINGS.events
    assert (agent.TESTED == "") == (name in ("vscode", "cursor", "windsurf"))
