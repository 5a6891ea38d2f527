"""Windsurf: payloads and transcripts as they are documented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import odd_values

from regen_git.agents.windsurf import read, read_session, session_files

ENV = {"PWD": "/w"}
COMMITTED = {"command": "git commit -m x", "cwd": "/w", "exit_code": 0, "output": "[main 1234abc] x\n"}


def payload(action: str, **info: Any) -> dict[str, Any]:
    return {
        "agent_action_name": action,
        "trajectory_id": "s1",
        "execution_id": "x1",
        "timestamp": "2026-08-01T10:00:00Z",
        "model_name": "swe",
        "tool_info": info,
    }


def test_a_prompt_has_the_execution_as_its_turn() -> None:
    (event,) = read(payload("pre_user_prompt", user_prompt="Fix it"), ENV)
    assert (event.kind, event.text, event.turn, event.cwd) == ("prompt", "Fix it", "x1", "/w")
    assert event.model == "swe"


@pytest.mark.parametrize(
    ("action", "info", "kind", "path", "cwd"),
    [
        ("post_write_code", {"file_path": "/w/a.py", "edits": []}, "edit", "/w/a.py", "/w"),
        ("post_run_command", {"command_line": "git commit", "cwd": "/w/sub"}, "shell", "", "/w/sub"),
        ("post_cascade_response", {"response": "Done."}, "end", "", "/w"),
    ],
)
def test_actions_say_what_was_done(action: str, info: dict[str, Any], kind: str, path: str, cwd: str) -> None:
    assert [(e.kind, e.path, e.cwd) for e in read(payload(action, **info), ENV)] == [(kind, path, cwd)]


def test_where_nothing_names_the_folder_it_is_that_of_the_hook() -> None:
    assert read(payload("pre_user_prompt", user_prompt="x"), {})[0].cwd == str(Path.cwd())


@pytest.mark.parametrize("action", ["pre_read_code", "post_setup_worktree", "post_mcp_tool_use"])
def test_other_actions_are_passed_over(action: str) -> None:
    assert read(payload(action, file_path="/w/a.py"), ENV) == []


def test_a_transcript_tells_what_was_typed_and_written(tmp_path: Path) -> None:
    path = tmp_path / ".windsurf" / "transcripts" / "s1.jsonl"
    path.parent.mkdir(parents=True)
    lines = [
        {"type": "user_input", "status": "done", "user_input": {"user_response": "Add a retry"}},
        {"type": "code_action", "status": "done", "code_action": {"path": "/w/sub/a.py", "new_content": "x"}},
        {"type": "code_action", "status": "done", "code_action": {"path": "file:///w/my%20b.py"}},
        {"type": "run_command", "status": "done", "run_command": COMMITTED},
        {"type": "code_action", "status": "error", "code_action": {"path": "/w/no.py"}},
        {"type": "user_input", "status": "done", "user_input": {"user_response": "hello"}},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    env = {"HOME": str(tmp_path)}
    assert session_files(["/w"], env) == [str(path)]
    assert session_files(["/w/sub"], env) == []
    session = read_session(str(path))
    assert session is not None
    assert (session.id, session.cwd) == ("s1", "/w")
    assert [(turn.prompts[0].text, turn.edits) for turn in session.turns] == [
        ("Add a retry", ("/w/sub/a.py", "/w/my b.py")),
        ("hello", ()),
    ]
    assert session.turns[0].commits == ("1234abc",)


@settings(deadline=None, max_examples=50)
@given(
    odd_values, st.dictionaries(st.sampled_from(["file_path", "cwd", "user_prompt"]), odd_values, max_size=3)
)
def test_no_odd_payload_raises(odd: Any, info: dict[str, Any]) -> None:
    for action in ("pre_user_prompt", "post_write_code", "post_run_command"):
        assert all(e.session == "s1" for e in read(payload(action, **info), ENV))
        assert read({**payload(action), "tool_info": odd}, ENV) is not None


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.fixed_dictionaries({"type": st.just("code_action"), "code_action": odd_values}) | odd_values)
)
def test_no_odd_transcript_raises(tmp_path_factory: pytest.TempPathFactory, lines: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "odd-windsurf.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert read_session(str(path)) is None
