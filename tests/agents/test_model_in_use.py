"""The model of a session whose payloads name none: the end of its transcript does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from regen_git.agents import load

if TYPE_CHECKING:
    from pathlib import Path


def edit(agent: str, path: str) -> dict[str, Any]:
    tool = {"droid": "Edit", "qwen": "edit"}.get(agent, "Edit")
    base = {"session_id": "s", "cwd": "/w", "hook_event_name": "PostToolUse", "transcript_path": path}
    return {**base, "tool_name": tool, "tool_input": {"file_path": "/w/a.py"}}


@pytest.mark.parametrize(
    ("agent", "line"),
    [
        ("claude", {"type": "assistant", "message": {"model": "m-1", "content": []}}),
        ("qwen", {"type": "assistant", "model": "m-1", "message": {"parts": []}}),
        ("droid", {"type": "message", "modelId": "m-1", "message": {"role": "assistant"}}),
    ],
)
def test_an_edit_names_the_model_that_the_transcript_ends_with(
    agent: str, line: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "session.jsonl"
    call = {"type": "assistant", "message": {"content": [{"type": "tool_use", "input": {"model": "other"}}]}}
    path.write_text("".join(json.dumps(one) + "\n" for one in (line, call, {"type": "user"})))
    found = [one for one in load(agent).read(edit(agent, str(path)), {}) if one.kind == "edit"]
    assert [one.model for one in found] == ["m-1"]


def test_a_placeholder_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_text(json.dumps({"type": "assistant", "message": {"model": "<synthetic>"}}) + "\n")
    (found,) = load("claude").read(edit("claude", str(path)), {})
    assert found.model is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n{", b'{"model": 3}\n[1, "model"]\n', b'"model": "x"\n'])
def test_a_transcript_that_cannot_be_read_names_no_model(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(content)
    (found,) = load("claude").read(edit("claude", str(path)), {})
    assert found.model is None


def test_a_transcript_that_is_not_there_names_no_model() -> None:
    (found,) = load("claude").read(edit("claude", "/nowhere/session.jsonl"), {})
    assert found.model is None
