"""Copilot in VS Code: payloads and transcripts as they are documented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import odd_values

from regen_git.agents import caller
from regen_git.agents.vscode import read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

PATCH = "*** Begin Patch\n*** Delete File: gone.py\n*** End Patch"


def camel(event: str, **fields: Any) -> dict[str, Any]:
    head = {"hookEventName": event, "sessionId": "s1", "cwd": "/w", "timestamp": "2026-08-01T10:00:00.000Z"}
    return {**head, **fields}


def snake(event: str, **fields: Any) -> dict[str, Any]:
    path = "/u/Code/User/workspaceStorage/1/GitHub.copilot-chat/transcripts/s1.jsonl"
    return {"hook_event_name": event, "session_id": "s1", "cwd": "/w", "transcript_path": path, **fields}


@pytest.mark.parametrize("form", [camel, snake])
def test_both_forms_of_a_payload_say_the_same(form: Any) -> None:
    prompt = form("UserPromptSubmit", prompt="Fix it")
    assert caller(prompt, {}, "copilot") == "vscode"
    assert [(e.kind, e.agent, e.session, e.text, e.key) for e in read(prompt, {})] == [
        ("prompt", "vscode", "s1", "Fix it", None)
    ]
    done = form("PostToolUse", tool_name="create_file", tool_input={"filePath": "/w/a.py"})
    assert [(e.kind, e.path) for e in read(done, {})] == [("edit", "/w/a.py")]
    assert [e.kind for e in read(form("Stop"), {})] == ["end"]


@pytest.mark.parametrize(
    ("tool", "given", "paths"),
    [
        ("replace_string_in_file", {"filePath": "/w/a.py"}, ["/w/a.py"]),
        (
            "multi_replace_string_in_file",
            {"replacements": [{"filePath": "/w/a"}, {"filePath": "b"}]},
            ["/w/a", "/w/b"],
        ),
        ("editFiles", {"files": ["a", "b"]}, ["/w/a", "/w/b"]),
        ("apply_patch", {"input": PATCH}, ["/w/gone.py"]),
        ("read_file", {"filePath": "/w/a.py"}, []),
    ],
)
def test_a_tool_names_what_it_wrote(tool: str, given: dict[str, Any], paths: list[str]) -> None:
    done = camel("PostToolUse", tool_name=tool, tool_input=given)
    assert [e.path for e in read(done, {})] == paths


def test_a_transcript_lies_with_the_window_of_its_folder(tmp_path: Path) -> None:
    storage = tmp_path / ".config" / "Code" / "User" / "workspaceStorage"
    for name, folder in (("1", "file:///w/my%20app"), ("2", "file:///elsewhere")):
        path = storage / name / "GitHub.copilot-chat" / "transcripts" / "s1.jsonl"
        path.parent.mkdir(parents=True)
        (storage / name / "workspace.json").write_text(json.dumps({"folder": folder}))
        lines = [
            {"type": "session.start", "data": {"sessionId": "s1"}},
            {"type": "user.message", "id": "e1", "data": {"content": "Fix it"}},
            {
                "type": "tool.execution_start",
                "data": {"toolCallId": "c", "toolName": "create_file", "arguments": ARGS},
            },
            {"type": "tool.execution_complete", "data": {"toolCallId": "c", "success": True}},
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
    (found,) = session_files(["/w"], {"HOME": str(tmp_path)})
    session = read_session(found)
    assert session is not None
    assert session.cwd == "/w/my app"
    assert [(turn.key, turn.prompts[0].text, turn.edits) for turn in session.turns] == [
        ("s1:e1", "Fix it", ("/w/my app/a.py",))
    ]


ARGS = '{"filePath": "/w/my app/a.py"}'


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from(["prompt", "tool_input", "toolInput", "cwd"]), odd_values, max_size=4))
def test_no_odd_payload_raises(odd: dict[str, Any]) -> None:
    for event in ("UserPromptSubmit", "PostToolUse", "Stop"):
        assert all(e.session == "s1" for e in read(camel(event, tool_name="apply_patch", **odd), {}))
