"""OpenCode's plugin, run as OpenCode runs it, and the sessions it keeps."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.plugged import NODE, happened_in, run_plugin

from regen_git.agents import caller
from regen_git.agents.opencode import SETTINGS, read, read_session, session_files, typed_text

if TYPE_CHECKING:
    from regen_git.agents import AgentEvent

RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "agent-fixtures" / "opencode" / "headless"
WITH_NODE = pytest.mark.skipif(not NODE, reason="plugins run in node")
WITH_RECORDINGS = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recordings lie beside the checkout")


def message(text: str, key: str = "msg_1", **part: Any) -> dict[str, Any]:
    return {
        "message": {"id": key, "role": "user", "model": {"providerID": "p", "modelID": "m-x"}},
        "parts": [{"type": "text", "text": text, **part}],
    }


def created(session: str, parent: str | None = None) -> list[Any]:
    info = {"id": session, "version": "1.18.33"} | ({"parentID": parent} if parent else {})
    return ["event", {"event": {"type": "session.created", "properties": {"info": info}}}]


def idle(session: str) -> list[Any]:
    return ["event", {"event": {"type": "session.idle", "properties": {"sessionID": session}}}]


def command(name: str, arguments: str, expanded: str) -> list[Any]:
    given = {"command": name, "sessionID": "s1", "arguments": arguments}
    return ["command.execute.before", given, {"parts": [{"type": "text", "text": expanded}]}]


def events_of(happened: list[Any], folder: Path, **more: Any) -> tuple[list[AgentEvent], list[Any]]:
    told, noted = run_plugin("opencode", [["load", "/w"], *happened], folder, **more)
    assert all(row["regen"] == 1 and caller(row, {}, "opencode") == "opencode" for _, row in told)
    return [event for _, row in told for event in read(row, {})], noted


@WITH_NODE
def test_a_turn_is_told_in_order(tmp_path: Path) -> None:
    said = {"part": {"type": "text", "messageID": "msg_2", "sessionID": "s1", "text": "Blue or red?"}}
    tool = {
        "tool": "write",
        "sessionID": "s1",
        "callID": "c1",
        "args": {"filePath": "/w/a.py", "content": "x"},
    }
    happened = [
        created("s1"),
        ["chat.message", {"sessionID": "s1"}, message('"Add a \\"retry\\""')],
        ["tool.execute.after", tool, {}],
        ["tool.execute.after", {"tool": "bash", "sessionID": "s1", "args": {"command": "make"}}, {}],
        ["event", {"event": {"type": "message.part.updated", "properties": said}}],
        idle("s1"),
        ["dispose"],
    ]
    events, _ = events_of(happened, tmp_path)
    assert [event.kind for event in events] == ["prompt", "edit", "shell", "end", "gone"]
    assert {(event.session, event.cwd) for event in events} == {("s1", "/w")}
    prompt, edit, _, end, _ = events
    assert (prompt.text, prompt.key, prompt.model, prompt.version) == (
        'Add a "retry"',
        "msg_1",
        "m-x",
        "1.18.33",
    )
    assert (edit.path, edit.turn) == ("/w/a.py", None)
    assert end.text == "Blue or red?"


@WITH_NODE
def test_a_command_is_told_as_it_was_typed(tmp_path: Path) -> None:
    happened = [
        command("greet", "Ada", "Write a haiku that greets Ada."),
        ["chat.message", {"sessionID": "s1"}, message("Write a haiku that greets Ada.")],
        ["chat.message", {"sessionID": "s1"}, message("And another", "msg_2")],
        command("lost", "", "What never came."),
        ["chat.message", {"sessionID": "s1"}, message("Something else", "msg_3")],
    ]
    events, _ = events_of(happened, tmp_path)
    assert [event.text for event in events] == ["/greet Ada", "And another", "Something else"]


@WITH_NODE
def test_files_that_were_added_are_refs_and_their_content_is_no_prompt(tmp_path: Path) -> None:
    typed = message("Look at it")
    typed["parts"] += [
        {"type": "text", "synthetic": True, "text": "the whole file"},
        {"type": "file", "url": "file:///w/a%20b.md?start=1"},
        {"type": "file", "url": "data:image/png;base64,AA"},
    ]
    (event,) = events_of([["chat.message", {"sessionID": "s1"}, typed]], tmp_path)[0]
    assert (event.text, event.refs) == ("Look at it", ("/w/a b.md",))


@WITH_NODE
@pytest.mark.parametrize("seen", [True, False])
def test_a_subagents_task_is_no_prompt_and_its_work_is_its_parents(tmp_path: Path, *, seen: bool) -> None:
    """A session from before this start was not seen being made; OpenCode is asked about it."""
    happened = [
        *([created("s1"), created("s2", "s1")] if seen else []),
        ["chat.message", {"sessionID": "s2", "messageID": "msg_1"}, message("Count the lines")],
        ["tool.execute.before", {"tool": "edit", "callID": "c1"}, {"args": {"filePath": "/w/a"}}],
        ["tool.execute.after", {"tool": "edit", "sessionID": "s2", "callID": "c1"}, {}],
        ["shell.env", {"cwd": "/w", "sessionID": "s2"}, {"env": {"A": "1"}}],
        ["shell.env", {"cwd": "/w"}, {"env": {}}],
        idle("s2"),
    ]
    events, noted = events_of(happened, tmp_path, known={"s2": {"parentID": "s1"}})
    assert [(event.kind, event.session, event.path) for event in events] == [("edit", "s1", "/w/a")]
    assert noted == [{"A": "1", "REGEN_SESSION": "s1"}, {}]


@WITH_NODE
def test_a_patch_names_its_files(tmp_path: Path) -> None:
    patch = "*** Begin Patch\n*** Add File: a.py\n+x\n*** Update File: b.py\n*** Move to: c.py\n*** End Patch"
    tool = {"tool": "apply_patch", "sessionID": "s1", "callID": "c1", "args": {"patchText": patch}}
    events, _ = events_of([["tool.execute.after", tool, {}]], tmp_path)
    assert [event.path for event in events] == ["/w/a.py", "/w/b.py", "/w/c.py"]


@WITH_NODE
@pytest.mark.parametrize("program", [None, "#!/bin/sh\nexit 3\n", "no program\n"])
def test_without_a_program_that_works_nothing_is_told_and_nothing_fails(
    tmp_path: Path, program: str | None
) -> None:
    happened = [
        ["chat.message", {"sessionID": "s1"}, message("Add a retry")],
        ["chat.message", {}, {}],
        ["tool.execute.after", {"tool": "edit"}, {}],
        ["event", {"event": {"type": "session.created"}}],
        ["dispose"],
    ]
    assert events_of(happened, tmp_path, program=program)[0] == []


def test_odd_payloads_raise_nothing() -> None:
    for odd in (
        {},
        {"event": []},
        {"event": "prompt", "session": 1},
        {"event": "tool", "session": "s", "cwd": "/"},
    ):
        assert read(odd, {}) == []
    assert read({"event": "prompt", "session": "s", "cwd": "/", "text": "x", "files": 3}, {})[0].refs == ()


NO_BACKSLASH = st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]))


@given(NO_BACKSLASH, NO_BACKSLASH)
def test_the_quotes_of_the_command_line_are_taken_off(one: str, two: str) -> None:
    typed = f"{one} {two}"
    stored = '"' + typed.replace('"', '\\"') + '"'
    assert typed_text(stored) == typed.strip("\n")


@pytest.mark.parametrize("typed", ['"hi" there', '"one" and "two"', 'say "a b"', '"word"', '"', 'x\n"a b"'])
def test_other_quotes_stay(typed: str) -> None:
    assert typed_text(typed) == typed


@WITH_NODE
@WITH_RECORDINGS
def test_the_recorded_hooks_give_exactly_what_was_typed(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (RECORDED / "hooks.jsonl").read_text("utf-8").splitlines()]
    events, noted = events_of(happened_in("opencode", rows), tmp_path)
    assert [event.text for event in events if event.kind == "prompt"] == [
        "Create hello.py that prints a greeting",
        "Now make the greeting take a name argument",
        "Commit the change",
        "Write a haiku about naïve cafés — 日本語\non two lines",
        "Write a haiku as separate words",
        "Write a haiku about @README.md please",
        "Write a haiku about the attached file",
        "Ask a helper to count lines",
        '/greet "Ada Lovelace"',
        "Fail now",
        "Wait a while",
        "Write a haiku about the piped text\nline one\nline two",
        "List the branches",
        "Write a haiku from a subfolder",
    ]
    edits = [event for event in events if event.kind == "edit"]
    assert [event.path for event in edits] == ["/home/dev/work/hello/hello.py"] * 2
    prompts = [event for event in events if event.kind == "prompt"]
    assert {event.session for event in edits} == {prompts[0].session}
    assert len([event for event in events if event.kind == "shell"]) == 3
    assert all(list(env) == ["REGEN_SESSION"] for env in noted)
    assert {event.model for event in prompts} == {"fake-model"}


def stored(folder: Path) -> dict[str, str]:
    """Make the recorded database; return the environment in which it is found."""
    path = folder / "opencode" / "opencode.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.executescript((RECORDED / "opencode.db.sql").read_text("utf-8"))
    database.close()
    return {"XDG_DATA_HOME": str(folder)}


@WITH_RECORDINGS
def test_the_recorded_database_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    env = stored(tmp_path)
    before = (tmp_path / "opencode" / "opencode.db").read_bytes()
    sessions = [read_session(path) for path in session_files(["/home/dev/work/hello"], env)]
    assert len(sessions) == 12
    found = {session.id: session for session in sessions if session}
    first = found["ses_dfc4d24daffeNy8BXgHczkmFFd"]
    assert (first.cwd, first.version, first.started) == (
        "/home/dev/work/hello",
        "1.18.33",
        "2026-11-22T14:39:42Z",
    )
    assert [turn.prompts[0].text for turn in first.turns] == [
        "Create hello.py that prints a greeting",
        "Now make the greeting take a name argument",
        "Commit the change",
    ]
    assert [turn.edits for turn in first.turns] == [("/home/dev/work/hello/hello.py",)] * 2 + [()]
    assert [turn.commits for turn in first.turns] == [(), (), ("4e87c3e",)]
    assert {turn.model for turn in first.turns} == {"fake-model"}
    fork = found["ses_dfc4cf185ffePdvdrGk1XiJ2GH"]
    assert [turn.key for turn in fork.turns[:3]] == [turn.key for turn in first.turns]
    assert len(fork.turns) == 4
    attached = found["ses_dfc4cc6aaffe6Zj6IipokNBL5z"].turns[0].prompts[0]
    assert attached.text == "Write a haiku about the attached file"
    assert attached.refs == ("/home/dev/work/hello/README.md",)
    assert session_files(["/home/dev/work/hello/src"], env) == [
        f"{tmp_path}/opencode/opencode.db#ses_dfc4c5710ffel64IimjyYYXUV3"
    ]
    assert (tmp_path / "opencode" / "opencode.db").read_bytes() == before
    assert [path.name for path in (tmp_path / "opencode").iterdir()] == ["opencode.db"]


@WITH_RECORDINGS
def test_a_prompt_has_the_same_key_live_and_in_the_database(tmp_path: Path) -> None:
    env = stored(tmp_path)
    path = next(
        p for p in session_files(["/home/dev/work/hello"], env) if p.endswith("dfc4d24daffeNy8BXgHczkmFFd")
    )
    session = read_session(path)
    assert session is not None
    lines = (RECORDED / "hooks.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines if '"chat.message"' in line]
    ids = [r["output"]["message"]["id"] for r in rows if r["input"]["sessionID"] == session.id]
    assert [turn.key for turn in session.turns] == ids


class Files:
    """A session as old releases kept it."""

    def __init__(self, folder: Path) -> None:
        self.storage = folder / "opencode" / "storage"
        self.count = 0

    def put(self, name: str, data: dict[str, Any]) -> Path:
        path = self.storage / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))
        return path

    def say(self, role: str, *parts: dict[str, Any], **more: Any) -> None:
        self.count += 1
        name = f"msg_{self.count}"
        data = {"id": name, "role": role, "time": {"created": 1785578400000 + self.count * 1000}, **more}
        self.put(f"message/ses_1/{name}", data)
        for place, part in enumerate(parts):
            self.put(f"part/{name}/prt_{place}", part)


def edit(path: str, status: str = "completed") -> dict[str, Any]:
    state = {"status": status, "input": {"filePath": path}}
    return {"type": "tool", "tool": "edit", "callID": "c", "state": state}


def test_sessions_of_old_releases_are_read_from_files(tmp_path: Path) -> None:
    files = Files(tmp_path)
    folder = tmp_path / "w"
    info = {"id": "ses_1", "directory": str(folder), "version": "0.9", "time": {"created": 1785578400000}}
    path = files.put("session/p/ses_1", info)
    files.put("session/p/ses_2", {**info, "id": "ses_2", "parentID": "ses_1"})
    files.say("user", {"type": "text", "text": "Add a retry"})
    files.say(
        "assistant",
        edit("a.py"),
        edit("b.py", "error"),
        {"type": "text", "text": "Red or blue?"},
        modelID="m",
    )
    files.say("user", {"type": "compaction"}, {"type": "text", "text": "summary"})
    files.say("user", {"type": "text", "synthetic": True, "text": "The following tool was executed"})
    files.say("user", {"type": "text", "text": "Blue"})
    assert session_files([str(folder)], {"XDG_DATA_HOME": str(tmp_path)}) == [str(path)]
    session = read_session(str(path))
    assert session is not None
    assert [turn.prompts[0].text for turn in session.turns] == ["Add a retry", "Blue"]
    assert session.turns[0].edits == (f"{folder}/a.py",)
    assert session.turns[0].model == "m"
    assert session.turns[1].prompts[0].answers == "Red or blue?"
    # What was undone goes from the storage only when the next prompt comes.
    files.put("session/p/ses_1", {**info, "revert": {"messageID": "msg_5"}})
    session = read_session(str(path))
    assert session is not None
    assert [turn.key for turn in session.turns] == ["msg_1"]


def test_what_is_no_database_has_no_sessions(tmp_path: Path) -> None:
    path = tmp_path / "opencode" / "opencode.db"
    path.parent.mkdir()
    path.write_text("no database at all, and long enough to be taken for one" * 20)
    assert session_files(["/w"], {"XDG_DATA_HOME": str(tmp_path)}) == []
    assert read_session(f"{path}#ses_1") is None
    assert read_session(str(tmp_path / "none.json")) is None


def test_the_plugin_goes_into_opencodes_own_folder() -> None:
    assert SETTINGS.shape == "plugin"
    assert SETTINGS.project.startswith(".opencode/plugins/")
