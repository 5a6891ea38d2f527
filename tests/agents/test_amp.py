"""Amp's plugin by its documented events, and the threads that older releases kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.plugged import NODE, run_plugin

from regen_git.agents import caller
from regen_git.agents.amp import SETTINGS, TESTED, read, read_session, session_files
from regen_git.capture.telling.plugins import plugin_text

if TYPE_CHECKING:
    from pathlib import Path

WITH_NODE = pytest.mark.skipif(not NODE, reason="plugins run in node")
THREAD = {"thread": {"id": "T-1"}}


@WITH_NODE
def test_a_turn_is_told_in_order(tmp_path: Path) -> None:
    said = {"role": "assistant", "content": [{"type": "text", "text": "Blue or red?"}]}
    happened = [
        ["load", "file:///w"],
        ["session.start", THREAD],
        ["agent.start", {**THREAD, "message": "Add a retry", "id": 7}],
        ["tool.result", {**THREAD, "tool": "edit_file", "status": "done", "input": {"path": "/w/a.py"}}],
        ["tool.result", {**THREAD, "tool": "edit_file", "status": "error", "input": {"path": "/w/b.py"}}],
        ["tool.result", {**THREAD, "tool": "Bash", "status": "done", "input": {"cmd": "make"}}],
        ["agent.end", {**THREAD, "messages": [{"role": "user", "content": []}, said]}],
        ["agent.start", {}],
    ]
    told, _ = run_plugin("amp", happened, tmp_path)
    assert {caller(row, {}, "amp") for _, row in told} == {"amp"}
    events = [event for _, row in told for event in read(row, {})]
    assert [event.kind for event in events] == ["session", "prompt", "edit", "shell", "end"]
    assert {(event.session, event.cwd) for event in events} == {("T-1", "/w")}
    assert (events[1].text, events[2].path, events[4].text) == ("Add a retry", "/w/a.py", "Blue or red?")
    assert events[1].key
    assert events[1].key.startswith("T-1:7:")


@WITH_NODE
def test_without_the_program_nothing_is_told_and_nothing_fails(tmp_path: Path) -> None:
    happened = [["load", None], ["agent.start", {**THREAD, "message": "x"}], ["tool.result", {}]]
    assert run_plugin("amp", happened, tmp_path, program=None) == ([], [])


def test_the_plugin_begins_with_what_amp_asks_for() -> None:
    first = plugin_text("amp", SETTINGS).splitlines()[0]
    assert first == "// @i-know-the-amp-plugin-api-is-wip-and-very-experimental-right-now"
    assert TESTED == ""


def test_threads_on_the_disk_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "my repo"
    call = {"type": "tool_use", "id": "t1", "name": "edit_file", "input": {"path": f"{folder}/a.py"}}
    lost = {"type": "tool_use", "id": "t2", "name": "create_file", "input": {"path": f"{folder}/b.py"}}
    results: list[dict[str, Any]] = [
        {"type": "tool_result", "toolUseID": "t1", "run": {"status": "done"}},
        {"type": "tool_result", "toolUseID": "t2", "run": {"status": "error"}},
    ]
    thread = {
        "v": 1,
        "id": "T-1",
        "created": 1785578400000,
        "env": {"initial": {"trees": [{"uri": folder.as_uri()}]}},
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Add a retry"}],
                "meta": {"sentAt": 1785578401000},
            },
            {"role": "assistant", "content": [call, lost], "usage": {"model": "m-x"}},
            {"role": "user", "content": results},
            {"role": "assistant", "content": [{"type": "text", "text": "Red?"}]},
            {"role": "user", "content": [{"type": "text", "text": "Blue"}]},
            "odd",
        ],
    }
    path = tmp_path / "amp" / "threads" / "T-1.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(thread))
    (path.parent / "T-2.json").write_text("{")
    assert session_files([str(folder)], {"XDG_DATA_HOME": str(tmp_path)}) == [str(path)]
    session = read_session(str(path))
    assert session is not None
    assert (session.id, session.cwd, session.started) == ("T-1", str(folder), "2026-08-01T10:00:00Z")
    first, second = session.turns
    assert (first.prompts[0].text, first.edits, first.model) == ("Add a retry", (f"{folder}/a.py",), "m-x")
    assert (first.at, second.prompts[0].answers) == ("2026-08-01T10:00:01Z", "Red?")
    assert read_session(str(path.parent / "T-2.json")) is None


@pytest.mark.parametrize("odd", [{}, {"event": []}, {"event": "prompt", "session": "s", "cwd": 3}])
def test_odd_payloads_raise_nothing(odd: dict[str, Any]) -> None:
    assert read(odd, {}) == []
