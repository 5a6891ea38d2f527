"""Cursor: payloads and transcripts as they are documented."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import odd_values

from regen_git.agents.cursor import read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {
        "conversation_id": "s1",
        "generation_id": "g1",
        "model": "gpt (high)",
        "model_id": "gpt",
        "hook_event_name": event,
        "cursor_version": "1.9.0",
        "workspace_roots": ["/w"],
        "user_email": "somebody@example.com",
        **fields,
    }


def test_a_prompt_has_the_generation_as_its_turn() -> None:
    (event,) = read(payload("beforeSubmitPrompt", prompt="Fix it", attachments=[]), {})
    assert (event.kind, event.text, event.turn, event.cwd) == ("prompt", "Fix it", "g1", "/w")
    assert (event.model, event.version) == ("gpt", "1.9.0")
    assert "example.com" not in repr(event)


@pytest.mark.parametrize(
    ("event", "fields", "found"),
    [
        ("sessionStart", {"session_id": "s1"}, [("session", "")]),
        ("afterFileEdit", {"file_path": "/w/a.py", "edits": []}, [("edit", "/w/a.py")]),
        ("afterFileEdit", {"file_path": "/c:/w/a.py"}, [("edit", "c:/w/a.py")]),
        ("afterTabFileEdit", {"file_path": "/w/a.py"}, []),
        ("postToolUse", {"tool_name": "StrReplace", "tool_input": {"path": "a.py"}}, [("edit", "/w/a.py")]),
        ("postToolUse", {"tool_name": "Delete", "tool_input": {"path": "/w/a.py"}}, [("edit", "/w/a.py")]),
        ("postToolUse", {"tool_name": "Shell", "tool_input": {"command": "git commit"}}, [("shell", "")]),
        ("postToolUse", {"tool_name": "Read", "tool_input": {"path": "a.py"}}, []),
        ("subagentStop", {"modified_files": ["a.py", "/w/b.py"]}, [("edit", "/w/a.py"), ("edit", "/w/b.py")]),
        ("afterAgentResponse", {"text": "Done."}, [("end", "")]),
        ("stop", {"status": "completed"}, []),
        ("stop", {"status": "aborted"}, [("end", "")]),
        ("sessionEnd", {"session_id": "s1", "reason": "x"}, [("gone", "")]),
    ],
)
def test_events_say_what_was_done(event: str, fields: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert [(e.kind, e.path) for e in read(payload(event, **fields), {})] == found


def test_the_answer_has_the_words() -> None:
    (event,) = read(payload("afterAgentResponse", text="Which one?"), {})
    assert event.text == "Which one?"


def test_a_transcript_tells_what_was_typed_among_context(tmp_path: Path) -> None:
    top = tmp_path / "my_work" / "app-x"
    top.mkdir(parents=True)
    name = str(top).lstrip("/").replace("/", "-").replace("_", "-")
    path = tmp_path / ".cursor" / "projects" / name / "agent-transcripts" / "c1" / "c1.jsonl"
    path.parent.mkdir(parents=True)
    query = "<open_files>a.py</open_files>\n<user_query>\nAdd a retry\n</user_query>"
    lines: list[dict[str, Any]] = [
        {"role": "user", "message": {"content": [{"type": "text", "text": query}]}},
        {
            "role": "assistant",
            "message": {
                "content": [
                    {"type": "text", "text": "[REDACTED]"},
                    {"type": "tool_use", "name": "Write", "input": {"path": "a.py", "contents": "x"}},
                    {"type": "text", "text": "Which name?"},
                ]
            },
        },
        {"role": "user", "message": {"content": "<system_reminder>x</system_reminder>"}},
        {"role": "user", "message": {"content": "<user_query>\nhello\n</user_query>"}},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    env = {"HOME": str(tmp_path)}
    assert session_files([str(top)], env) == session_files([str(top.parent)], env) == [str(path)]
    assert session_files([str(top / "sub")], env) == []
    session = read_session(str(path))
    assert session is not None
    assert (session.id, session.cwd) == ("c1", str(top))
    first, second = session.turns
    assert (first.prompts[0].text, first.edits) == ("Add a retry", (f"{top}/a.py",))
    assert (second.prompts[0].text, second.prompts[0].answers) == ("hello", "Which name?")


FIELDS = st.sampled_from(
    ["workspace_roots", "cwd", "prompt", "tool_name", "tool_input", "file_path", "modified_files", "status"]
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(FIELDS, odd_values, max_size=6))
def test_no_odd_payload_raises(odd: dict[str, Any]) -> None:
    for event in ("beforeSubmitPrompt", "postToolUse", "afterFileEdit", "subagentStop", "stop"):
        assert all(e.session == "s1" for e in read(payload(event, **odd), {}))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.fixed_dictionaries({"role": st.just("user"), "message": odd_values}) | odd_values, max_size=5)
)
def test_no_odd_transcript_raises(tmp_path_factory: pytest.TempPathFactory, lines: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "odd-cursor.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert read_session(str(path)) is None
