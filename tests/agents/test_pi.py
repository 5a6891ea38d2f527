"""pi's extension, run as pi runs it, and its session files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.plugged import NODE, happened_in, run_plugin

from regen_git.agents import caller
from regen_git.agents.pi import read, read_session, session_files, typed_text

if TYPE_CHECKING:
    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session

RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "agent-fixtures" / "pi"
WITH_NODE = pytest.mark.skipif(not NODE, reason="plugins run in node")
WITH_RECORDINGS = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings lie beside the checkout")
HERE = {"session": "s1", "cwd": "/w", "model": "m-x"}


def entered(text: str, source: str = "interactive") -> list[Any]:
    return ["input", {"text": text, "source": source}, HERE]


def started() -> list[Any]:
    return ["before_agent_start", {}, HERE]


def sent(text: str, time: int = 1795359344010) -> list[Any]:
    message = {"role": "user", "content": [{"type": "text", "text": text}], "timestamp": time}
    return ["message_end", {"message": message}, HERE]


def used(tool: str, *, failed: bool = False, **given: str) -> list[Any]:
    return ["tool_result", {"toolName": tool, "input": given, "isError": failed}, HERE]


def events_of(happened: list[Any], folder: Path, **more: Any) -> tuple[list[AgentEvent], list[Any]]:
    told, noted = run_plugin("pi", [["load", None, HERE], *happened], folder, **more)
    assert all(row["regen"] == 1 and caller(row, {}, "pi") == "pi" for _, row in told)
    return [event for _, row in told for event in read(row, {})], noted


@WITH_NODE
def test_a_turn_is_told_in_order(tmp_path: Path) -> None:
    said = [{"role": "assistant", "content": [{"type": "text", "text": "Blue or red?"}]}]
    happened = [
        ["session_start", {}, HERE],
        entered("Add a retry"),
        started(),
        sent("Add a retry"),
        ["tool_call", {}, HERE],
        used("write", path="a.py", content="x"),
        used("edit", path="b.py", failed=True),
        used("read", path="c.py"),
        used("edit", path="@/v/d.py"),
        used("bash", command="make"),
        ["agent_end", {"messages": said}, HERE],
        ["session_shutdown", {}, HERE],
    ]
    events, noted = events_of(happened, tmp_path)
    kinds = ["session", "prompt", "edit", "edit", "shell", "end", "gone"]
    assert [event.kind for event in events] == kinds
    assert [event.path for event in events if event.path] == ["/w/a.py", "/v/d.py"]
    assert {(event.session, event.cwd, event.model) for event in events} == {("s1", "/w", "m-x")}
    assert events[1].text == "Add a retry"
    assert events[5].text == "Blue or red?"
    assert noted == ["s1"]


@WITH_NODE
def test_only_what_reached_the_agent_is_a_prompt_and_as_it_was_typed(tmp_path: Path) -> None:
    happened = [
        entered("Wait a while"),
        started(),
        sent("Wait a while", 1),
        entered("List the branches"),  # Escape puts it back into the editor.
        entered("/greet Ada"),
        started(),
        sent("Write a haiku that greets Ada.", 2),
        entered("Faster"),  # While the agent is at work it reaches the agent later.
        entered("And shorter"),
        sent("Faster", 3),
        sent("And shorter", 4),
        sent("By a program that steers", 5),
        entered("Written by an extension", "extension"),
        started(),
        sent("Written by an extension", 6),
    ]
    events, _ = events_of(happened, tmp_path)
    typed = ["Wait a while", "/greet Ada", "Faster", "And shorter", "By a program that steers"]
    assert [event.text for event in events] == typed
    assert len({event.key for event in events}) == len(typed)


@WITH_NODE
@pytest.mark.parametrize("program", [None, "#!/bin/sh\nexit 3\n"])
def test_without_a_program_that_works_nothing_is_told_and_nothing_fails(
    tmp_path: Path, program: str | None
) -> None:
    happened = [entered("Add a retry"), started(), sent("Add a retry"), ["message_end", {}, HERE]]
    happened += [["agent_end", {}, HERE], ["tool_result", {"toolName": "edit"}, HERE]]
    assert events_of(happened, tmp_path, program=program)[0] == []


@pytest.mark.parametrize("odd", [{}, {"event": 1}, {"event": "tool", "session": "s", "cwd": "/", "given": 3}])
def test_odd_payloads_raise_nothing(odd: dict[str, Any]) -> None:
    assert read(odd, {}) == []


def test_files_and_skills_are_reduced_to_what_was_typed() -> None:
    files = '<file name="/w/a.md">\n# a\n\n</file>\n<file name="/w/b.png"></file>\n'
    assert typed_text(files + "Look at <file>") == ("Look at <file>", ("/w/a.md", "/w/b.png"))
    skill = '<skill name="tidy" location="/s/SKILL.md">\nReferences are relative to /s.\n\nTidy.\n</skill>'
    assert typed_text(skill + "\n\nall of it") == ("/skill:tidy all of it", ())
    assert typed_text(skill) == ("/skill:tidy", ())
    assert typed_text("plain") == ("plain", ())


@WITH_NODE
@WITH_RECORDINGS
def test_the_recorded_events_and_sessions_have_the_same_prompts(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (RECORDED / "hooks.jsonl").read_text("utf-8").splitlines()]
    events, _ = events_of(happened_in("pi", rows), tmp_path / "node")
    prompts = [event for event in events if event.kind == "prompt"]
    assert [event.text for event in prompts] == [
        "Create hello.py that prints a greeting",
        "Now make the greeting take a name argument",
        "Commit the change",
        "/greet Ada Lovelace",
        "Write a haiku about this file",
        "Fail now",
        "Wait a while",
        "Create hello.py in the interactive session",
        "Wait a while",
        "Write a haiku after the interrupt",
        "Write a haiku in a new session",
    ]
    assert prompts[4].refs == ("/home/dev/work/hello/README.md",)
    assert [event.path for event in events if event.kind == "edit"] == ["/home/dev/work/hello/hello.py"] * 3
    shutil.copytree(RECORDED / "sessions", tmp_path / "agent" / "sessions")
    env = {"PI_CODING_AGENT_DIR": str(tmp_path / "agent")}
    sessions = [read_session(path) for path in session_files(["/home/dev/work"], env)]
    kept = {turn.key: turn for session in sessions if session for turn in session.turns}
    assert set(kept) == {event.key for event in prompts}
    first = sessions[0]
    assert first is not None
    assert (first.cwd, first.started) == ("/home/dev/work/hello", "2026-11-22T14:55:43Z")
    assert [turn.commits for turn in first.turns] == [(), (), ("9b19709",)]
    assert [turn.edits for turn in first.turns] == [("/home/dev/work/hello/hello.py",)] * 2 + [()]
    assert {turn.model for turn in first.turns} == {"fake-model"}
    assert session_files(["/home/dev/other"], env) == []


class Transcript:
    """Writes a session as pi does: each entry names the one before as its parent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = [{"type": "session", "version": 3, "id": "s1", "cwd": "/w"}]
        self.last: str | None = None

    def say(self, role: str, content: Any, **more: Any) -> str:
        name = f"e{len(self.lines)}"
        message = {"role": role, "content": content, "timestamp": len(self.lines), **more}
        line = {"type": "message", "id": name, "parentId": self.last, "message": message}
        self.lines.append({**line, "timestamp": f"2026-01-02T03:{len(self.lines):02}:00.123Z"})
        self.last = name
        return name

    def edit(self, path: str, **more: Any) -> None:
        call = {"type": "toolCall", "id": f"c{len(self.lines)}", "name": "edit", "arguments": {"path": path}}
        self.say("assistant", [call], model="m-x")
        self.say("toolResult", [{"type": "text", "text": "ok"}], toolCallId=call["id"], **more)

    def read(self) -> Session | None:
        self.path.write_text("".join(json.dumps(line) + "\n" for line in self.lines) + "{torn")
        return read_session(str(self.path))


def test_a_branch_that_was_left_is_not_in_the_session(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "s.jsonl")
    transcript.say("user", "Add a retry")
    transcript.edit("a.py")
    before = transcript.last
    transcript.say("user", "Make it red")
    transcript.edit("b.py")
    transcript.last = before
    transcript.say("bashExecution", "", command="git log", output="x")
    transcript.say("user", "Make it blue")
    transcript.edit("c.py", isError=True)
    transcript.edit("d.py")
    session = transcript.read()
    assert session is not None
    assert [(turn.prompts[0].text, turn.edits) for turn in session.turns] == [
        ("Add a retry", ("/w/a.py",)),
        ("Make it blue", ("/w/d.py",)),
    ]
    assert session.turns[0].at == "2026-01-02T03:01:00Z"


def test_a_session_in_which_nobody_typed_is_none(tmp_path: Path) -> None:
    assert Transcript(tmp_path / "s.jsonl").read() is None
