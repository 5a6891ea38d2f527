"""Payloads by the table of an agent's names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import odd_values

from regen_git.agents.payloads import Payloads, absolute, edited_paths, patch_paths, prompt_key, read_payload

PATCH = """*** Begin Patch
*** Add File: new.py
+x
*** Update File: old name.py
*** Move to: sub/moved.py
@@
-a
+b
*** Delete File: /elsewhere/gone.py
*** End Patch"""

TABLE = Payloads(
    "codex",
    edits={"Write": ("file_path",), "Many": ("files", "edits")},
    patches=("apply_patch",),
    shells=("Bash",),
    turn=("turn_id",),
    typed=lambda prompt: prompt.removesuffix(" (sent)"),
)


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {"session_id": "s1", "turn_id": "t1", "cwd": "/w", "hook_event_name": event, **fields}


def test_a_patch_names_what_it_adds_changes_moves_and_deletes() -> None:
    assert patch_paths(PATCH, "/w") == [
        "/w/new.py",
        "/w/old name.py",
        "/w/sub/moved.py",
        "/elsewhere/gone.py",
    ]


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        ("a.py", "/w/a.py"),
        ("./a.py", "/w/a.py"),
        ("/x/a.py", "/x/a.py"),
        ("/c:/x/a.py", "c:/x/a.py"),
        ("file:///x/my%20a.py", "/x/my a.py"),
        ("C:\\x\\a.py", "C:\\x\\a.py"),
        ("a\0b", ""),
    ],
)
def test_a_path_becomes_absolute(path: str, whole: str) -> None:
    assert absolute(path, "/w") == whole


@pytest.mark.parametrize(
    ("tool", "given", "paths"),
    [
        ("Write", {"file_path": "a"}, ["/w/a"]),
        ("Write", '{"file_path": "a"}', ["/w/a"]),
        ("Many", {"files": ["a", {"filePath": "b"}], "edits": [{"path": "a"}]}, ["/w/a", "/w/b"]),
        ("apply_patch", {"command": PATCH.replace("/elsewhere/", "")}, None),
        ("apply_patch", PATCH.replace("/elsewhere/", ""), None),
        ("Bash", {"command": f"apply_patch <<'EOF'\n{PATCH.replace('/elsewhere/', '')}\nEOF"}, None),
        ("Bash", {"command": "sed -i s/a/b/ c"}, []),
        ("Read", {"file_path": "a"}, []),
    ],
)
def test_a_tool_names_what_it_wrote(tool: str, given: Any, paths: list[str] | None) -> None:
    of_patch = ["/w/new.py", "/w/old name.py", "/w/sub/moved.py", "/w/gone.py"]
    assert edited_paths(tool, given, "/w", TABLE) == (of_patch if paths is None else paths)


def test_a_prompt_is_cleaned_and_its_key_tells_it_from_others_of_its_turn() -> None:
    (one,) = read_payload(payload("UserPromptSubmit", prompt="Fix it (sent)"), TABLE)
    (other,) = read_payload(payload("UserPromptSubmit", prompt="And that"), TABLE)
    assert (one.kind, one.text, one.turn) == ("prompt", "Fix it", "t1")
    assert one.key == prompt_key("s1", "t1", "Fix it\n")
    assert one.key != other.key
    assert one.key is not None
    assert one.key.startswith("s1:t1:")


def test_a_turn_with_a_uuid_keeps_its_key_in_a_fork() -> None:
    turn = "01a2039e-5c95-7b73-a386-169bb972795b"
    assert prompt_key("s1", turn, "x") == prompt_key("s2", turn, "x")
    assert prompt_key("s1", "", "x") is None


def test_a_subagent_types_nothing_and_its_work_belongs_to_the_latest_turn() -> None:
    assert read_payload(payload("UserPromptSubmit", prompt="x", agent_id="a"), TABLE) == []
    assert read_payload(payload("Stop", agent_id="a"), TABLE) == []
    done = payload("PostToolUse", agent_id="a", tool_name="Write", tool_input={"file_path": "b"})
    assert [(e.kind, e.path, e.turn) for e in read_payload(done, TABLE)] == [("edit", "/w/b", None)]


def test_a_command_may_have_committed() -> None:
    done = payload("PostToolUse", tool_name="Bash", tool_input={"command": "git commit"})
    assert [e.kind for e in read_payload(done, TABLE)] == ["shell"]


NAMED = st.sampled_from(
    ["session_id", "turn_id", "cwd", "prompt", "tool_name", "tool_input", "hook_event_name"]
)
MEANT = st.sampled_from(["Bash", "Write", "Many", "apply_patch", "PostToolUse", "UserPromptSubmit", "Stop"])


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(NAMED, MEANT | odd_values, max_size=7))
def test_no_odd_payload_raises(odd: dict[str, Any]) -> None:
    for event in read_payload(odd, TABLE):
        assert event.session
        assert event.cwd


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(["Write", "Many", "apply_patch", "Bash"]), odd_values, st.text(max_size=5))
def test_no_odd_argument_raises(tool: str, odd: Any, cwd: str) -> None:
    assert all(edited_paths(tool, {"file_path": odd, "files": odd, "edits": [odd]}, cwd, TABLE))
