"""Gemini CLI's payloads and transcripts."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.odd_json import odd_json
from support.recordings import FIXTURES
from support.replayed import events, marks, sessions

from regen_git.agents.gemini import read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.agents.transcripts import Session

RECORDING = "gemini/headless"
NEEDS_RECORDINGS = pytest.mark.skipif(
    not (FIXTURES / RECORDING).is_dir(), reason="the recordings are not beside the repository"
)
EXPANDED = (
    "Look at @a.py\n--- Content from referenced files ---\nContent from @a.py:\nx = 1\n--- End of content ---"
)
HEADER = {"sessionId": "s1", "projectHash": "h", "startTime": "2026-08-01T10:00:00.000Z", "kind": "main"}


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {
        "session_id": "s1",
        "cwd": "/w",
        "hook_event_name": event,
        "timestamp": "2026-08-01T10:00:00Z",
        **fields,
    }


def user(key: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "timestamp": "2026-08-01T10:00:01.000Z",
        "type": "user",
        "content": [{"text": text}],
        **more,
    }


def agent(key: str, said: str = "", *calls: dict[str, Any]) -> dict[str, Any]:
    at = "2026-08-01T10:00:02.000Z"
    return {
        "id": key,
        "timestamp": at,
        "type": "gemini",
        "content": said,
        "model": "g",
        "toolCalls": list(calls),
    }


def call(name: str, status: str = "success", **args: Any) -> dict[str, Any]:
    return {"id": "c", "name": name, "args": args, "status": status, "timestamp": "2026-08-01T10:00:03.000Z"}


def transcript(path: Path, *lines: Any) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return str(path)


def told(path: Path, *lines: Any) -> Session:
    session = read_session(transcript(path / "session-a.jsonl", HEADER, *lines))
    assert session is not None
    return session


def typed(session: Session) -> list[str]:
    return [one.text for turn in session.turns for one in turn.prompts]


def test_a_prompt_is_what_was_typed_and_the_files_are_what_it_points_at() -> None:
    (event,) = read(payload("BeforeAgent", prompt=EXPANDED), {})
    assert (event.kind, event.text, event.refs) == ("prompt", "Look at @a.py", ("/w/a.py",))
    (event,) = read(payload("BeforeAgent", prompt="Why is --- Content from referenced files --- there?"), {})
    assert (event.text, event.refs) == ("Why is --- Content from referenced files --- there?", ())


def test_a_line_in_a_pasted_file_is_no_file_that_was_named() -> None:
    sent = EXPANDED.replace("x = 1", "Content from @/etc/passwd:\nContent from @a.py/b.py:")
    assert read(payload("BeforeAgent", prompt=sent), {})[0].refs == ("/w/a.py", "/w/a.py/b.py")


def test_the_same_words_twice_in_a_session_are_two_prompts(tmp_path: Path) -> None:
    path = transcript(
        tmp_path / "t", HEADER, {"$set": {"messages": [user("1", "Go on")]}}, user("1", "Go on")
    )
    first = read(payload("BeforeAgent", prompt="Go on", transcript_path=str(tmp_path / "none")), {})[0]
    second = read(payload("BeforeAgent", prompt="Go on", transcript_path=path), {})[0]
    assert first.key != second.key
    session = told(tmp_path, user("1", "Go on"), agent("2"), user("3", "Go on"))
    assert [turn.key for turn in session.turns] == [first.key, second.key]


@pytest.mark.parametrize("event", ["AfterTool", "AfterAgent", "SessionEnd"])
def test_a_later_event_says_which_command_was_typed(event: str, tmp_path: Path) -> None:
    shown = [{"text": "/greet Ada"}]
    path = transcript(
        tmp_path / "t", HEADER, user("1", "Greet Ada.", displayContent=shown), agent("2", "Hello")
    )
    (sent,) = read(payload("BeforeAgent", prompt="Greet Ada.", transcript_path=str(tmp_path / "none")), {})
    found = read(payload(event, transcript_path=path, tool_name="run_shell_command", tool_input={}), {})
    assert (found[0].kind, found[0].text, found[0].key) == ("typed", "/greet Ada", sent.key)
    path = transcript(tmp_path / "t", user("1", "Greet.", displayContent=shown), user("3", "Thanks"))
    assert [e.kind for e in read(payload(event, transcript_path=path, tool_name="write_file"), {})][:1] != [
        "typed"
    ]


def test_edits_of_the_agents_own_notes_and_failed_ones_are_none() -> None:
    edit = {"tool_name": "write_file", "tool_input": {"file_path": "/w/a.py"}}
    assert [e.path for e in read(payload("AfterTool", **edit), {})] == ["/w/a.py"]
    assert read(payload("AfterTool", **edit, tool_response={"error": {"message": "no"}}), {}) == []
    edit["tool_input"] = {"file_path": "/home/x/.gemini/tmp/h/plans/p.md"}
    assert read(payload("AfterTool", **edit), {}) == []


def test_a_shell_command_may_have_committed_and_the_end_has_the_last_words() -> None:
    assert [e.kind for e in read(payload("AfterTool", tool_name="run_shell_command", tool_input={}), {})] == [
        "shell"
    ]
    (end,) = read(payload("AfterAgent", prompt="x", prompt_response="Done. Go on?"), {})
    assert (end.kind, end.text) == ("end", "Done. Go on?")
    assert read(payload("PreCompress", trigger="auto"), {}) == []


def test_an_accepted_plan_is_approved_from_its_file(tmp_path: Path) -> None:
    plan = tmp_path / "plan.md"
    plan.write_text("1. Do it")
    said = f"Plan approved. Switching modes.\n\nThe approved implementation plan is stored at: {plan}\nRead"
    done = payload("AfterTool", tool_name="exit_plan_mode", tool_input={}, tool_response={"llmContent": said})
    assert [(e.kind, e.text) for e in read(done, {})] == [("plan", "1. Do it")]
    done["tool_response"] = {"llmContent": "Rejected."}
    assert read(done, {}) == []


def test_a_message_with_a_known_id_replaces_it(tmp_path: Path) -> None:
    done = call("write_file", file_path="/w/a.py"), call("replace", "error", file_path="/w/b.py")
    (turn,) = told(tmp_path, user("1", "Add"), agent("2"), agent("2", "Done", *done), agent("3")).turns
    assert (turn.edits, turn.model, turn.ended) == (("/w/a.py",), "g", "2026-08-01T10:00:03.000Z")


def test_what_was_rewound_is_left_out(tmp_path: Path) -> None:
    lines = user("1", "One"), agent("2"), user("3", "Two"), agent("4")
    assert typed(told(tmp_path, *lines, {"$rewindTo": "3"}, user("5", "Three"))) == ["One", "Three"]
    assert typed(told(tmp_path, *lines, {"$rewindTo": "nobody"}, user("5", "Three"))) == ["Three"]


def test_what_the_model_sees_takes_nothing_back(tmp_path: Path) -> None:
    summary = user("x", "<state_snapshot>short</state_snapshot>"), agent("y"), user("z", "Seen anew")
    session = told(
        tmp_path,
        user("1", "One"),
        {"$set": {"messages": list(summary)}},
        user("2", "Two"),
        {"$set": {"messages": []}},
    )
    assert typed(session) == ["One", "Two"]
    session = told(
        tmp_path,
        user("1", "One"),
        {"$set": {"messages": list(summary)}},
        user("2", "Two"),
        {"$rewindTo": "z"},
    )
    assert typed(session) == ["One"]


def test_a_file_that_begins_with_a_history_has_its_prompts(tmp_path: Path) -> None:
    history = [user("0", "<session_context>x"), user("1", "One"), agent("2")]
    assert typed(told(tmp_path, {"$set": {"messages": history}}, user("3", "Two"))) == ["One", "Two"]


@pytest.mark.parametrize(
    "text",
    ["<session_context>x", "<hook_context>x", "I ran the following shell command:\nls", "/stats", "?", " "],
)
def test_what_nobody_asked_is_no_prompt(text: str, tmp_path: Path) -> None:
    path = transcript(tmp_path / "session-a.jsonl", HEADER, user("1", text), agent("2"))
    assert read_session(path) is None


def test_an_older_file_is_one_object(tmp_path: Path) -> None:
    digest = sha256(b"/w/p").hexdigest()
    path = tmp_path / "session-a.json"
    made = {"messages": [user("1", "One"), agent("2", "", call("write_file", file_path="/w/p/src/a.py"))]}
    path.write_text(json.dumps({**HEADER, **made, "projectHash": digest}))
    session = read_session(str(path))
    assert session is not None
    assert (typed(session), session.cwd) == (["One"], "/w/p")


def test_a_subagents_edits_are_its_callers_and_its_task_is_no_prompt(tmp_path: Path) -> None:
    helper = tmp_path / "s1" / "h1.jsonl"
    helper.parent.mkdir()
    header = {**HEADER, "sessionId": "h1", "kind": "subagent"}
    transcript(helper, header, user("1", "Do it"), agent("2", "", call("write_file", file_path="/w/a.py")))
    assert read_session(str(helper)) is None
    asked = {**call("invoke_agent"), "agentId": "h1"}
    assert told(tmp_path, user("1", "Ask"), agent("2", "", asked)).turns[0].edits == ("/w/a.py",)


def test_transcripts_are_found_by_their_folder(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    home = tmp_path / ".gemini"
    names = {"listed": work / "sub", "noted": work, "other": tmp_path / "else"}
    names[sha256(str(work).encode()).hexdigest()] = work
    for name in names:
        (home / "tmp" / name / "chats").mkdir(parents=True)
        (home / "tmp" / name / "chats" / "session-1.jsonl").write_text("")
    (home / "tmp" / "noted" / ".project_root").write_text(f"{work}\n")
    listed = {str(names[name]): name for name in ("listed", "other")}
    (home / "projects.json").write_text(json.dumps({"projects": listed}))
    found = session_files([str(work)], {"HOME": str(tmp_path)})
    assert {path.split("/")[-3] for path in found} == set(names) - {"other"}


JSON = odd_json(
    ["id", "type", "content", "text", "$set", "messages", "toolCalls", "args", "name"],
    [EXPANDED, "1", "user"],
)


@settings(deadline=None, max_examples=80)
@given(st.lists(JSON, max_size=6), JSON, JSON)
def test_odd_values_raise_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any], one: Any, other: Any
) -> None:
    path = transcript(
        tmp_path_factory.mktemp("odd") / "session-a.jsonl",
        *lines,
        {"id": "1", "type": "user", "content": one},
    )
    session = read_session(path)
    assert session is None or session.turns
    for event in ("BeforeAgent", "AfterTool", "AfterAgent", "SessionEnd"):
        odd = payload(event, prompt=one, tool_name="write_file", tool_input=other, tool_response=one)
        read({**odd, "transcript_path": path}, {})
        read({**odd, "tool_name": "exit_plan_mode", "transcript_path": one}, {})
        read({"hook_event_name": event, "session_id": one, "cwd": other}, {})


def typed_in_the_recording() -> list[str]:
    """Return the prompts of the script. One run was refused, and one left no transcript."""
    found = []
    for mark in marks(RECORDING):
        asked = re.search(r" -p (.*?)(?: --approval-mode yolo| -o [a-z-]+)*$", mark, re.DOTALL)
        if mark == "piped stdin":
            found.append("line one\nline two\n\n\nWrite a haiku about the piped text")
        elif asked and "untrusted" not in mark:
            found.append(asked[1])
    return found


@NEEDS_RECORDINGS
def test_recorded_payloads_give_exactly_what_was_typed(tmp_path: Path) -> None:
    found = [event for _, several in events(RECORDING, tmp_path) for event in several]
    prompts = {event.key: event.text for event in found if event.kind == "prompt"}
    assert len(prompts) == sum(event.kind == "prompt" for event in found)
    said_later = {event.key: event.text for event in found if event.kind == "typed"}
    assert said_later.keys() <= prompts.keys()
    assert sorted({**prompts, **said_later}.values()) == sorted(typed_in_the_recording())
    assert {event.path for event in found if event.kind == "edit"} == {"/home/dev/work/hello/hello.py"}
    assert sum(event.kind == "shell" for event in found) == 3


@NEEDS_RECORDINGS
def test_recorded_transcripts_give_exactly_what_was_typed(tmp_path: Path) -> None:
    told = [s for path in sessions(RECORDING, "tmp/**/*.jsonl") if (s := read_session(path)) is not None]
    wanted = [text for text in typed_in_the_recording() if text != "Fail now"]
    assert sorted(text for session in told for text in typed(session)) == sorted(wanted)
    keys = {turn.key for session in told for turn in session.turns}
    hooked = {e.key for _, several in events(RECORDING, tmp_path) for e in several if e.kind == "prompt"}
    assert keys < hooked
    assert len(hooked - keys) == 1
    (made,) = [turn for session in told for turn in session.turns if turn.commits]
    assert (made.commits, made.prompts[0].text, made.model) == (
        ("e9bff59",),
        "Commit the change",
        "gemini-2.5-flash",
    )
    assert {session.cwd for session in told} == {"/home/dev/work/hello", "/home/dev/work/hello/src"}
