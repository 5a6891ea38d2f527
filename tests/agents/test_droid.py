"""Droid's payloads and transcripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.odd_json import odd_json
from support.recordings import FIXTURES
from support.replayed import events, marks, sessions

from regen_git.agents.droid import read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.agents.transcripts import Session

NEEDS_RECORDINGS = pytest.mark.skipif(
    not (FIXTURES / "droid").is_dir(), reason="the recordings are not beside the repository"
)
HEADER = {"type": "session_start", "id": "s1", "version": 2, "cwd": "/w"}


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {"session_id": "s1", "cwd": "/w", "hook_event_name": event, **fields}


def message(key: str, role: str, *blocks: Any, **more: Any) -> dict[str, Any]:
    at = "2026-08-01T10:00:01.500Z"
    return {
        "type": "message",
        "id": key,
        "timestamp": at,
        "message": {"role": role, "content": list(blocks), **more},
    }


def prompt(key: str, text: str) -> dict[str, Any]:
    return message(key, "user", {"type": "text", "text": text}, interactionMode="auto")


def tool(
    key: str, name: str, shown: str = "{}", *, failed: bool = False, **given: Any
) -> list[dict[str, Any]]:
    use = {"type": "tool_use", "id": key, "name": name, "input": given}
    result = {"type": "tool_result", "tool_use_id": key, "is_error": failed, "content": shown}
    return [message(f"{key}a", "assistant", use, modelId="d"), message(f"{key}r", "user", result)]


def transcript(path: Path, *lines: Any) -> str:
    path.write_text("".join(json.dumps(line) + "\n" for line in (HEADER, *lines)), "utf-8")
    return str(path)


def told(path: Path, *lines: Any) -> Session:
    session = read_session(transcript(path / "s1.jsonl", *lines))
    assert session is not None
    return session


def typed(session: Session) -> list[str]:
    return [one.text for turn in session.turns for one in turn.prompts]


@pytest.mark.parametrize("event", ["PreToolUse", "PostToolUse", "Stop", "SessionEnd"])
def test_every_event_says_what_was_typed_before(event: str, tmp_path: Path) -> None:
    path = transcript(tmp_path / "s1.jsonl", prompt("p1", "Add a cache"), *tool("t1", "Read"))
    (tmp_path / "s1.settings.json").write_text('{"model": "big"}')
    edit = {"tool_name": "Edit", "tool_input": {"file_path": "/w/a.py"}}
    first, *rest = read(payload(event, **edit, transcript_path=path), {})
    assert (first.kind, first.text, first.model, first.at) == (
        "prompt",
        "Add a cache",
        "big",
        "2026-08-01T10:00:01Z",
    )
    assert {one.turn for one in (first, *rest)} == {first.key}
    kinds = {"PreToolUse": [], "PostToolUse": ["edit"], "Stop": ["end"], "SessionEnd": ["gone"]}
    assert [one.kind for one in rest] == kinds[event]
    assert told(tmp_path, prompt("p1", "Add a cache")).turns[0].key == first.key


def test_without_a_transcript_an_edit_is_still_an_edit() -> None:
    edit = {"tool_name": "ApplyPatch", "tool_input": {"patch": "*** Update File: a.py\n"}}
    assert [(e.kind, e.path) for e in read(payload("PostToolUse", **edit), {})] == [("edit", "/w/a.py")]
    assert [e.kind for e in read(payload("SessionStart", source="startup"), {})] == ["session"]
    camel = {"sessionId": "s1", "cwd": "/w", "hookEventName": "Stop"}
    assert [e.kind for e in read(camel, {})] == ["end"]


def test_a_prompts_own_event_has_the_key_that_later_events_have(tmp_path: Path) -> None:
    asked = payload("UserPromptSubmit", prompt="Go on")
    answer = message("a", "assistant", {"type": "text", "text": "Done"})
    before = transcript(tmp_path / "1", prompt("p1", "Go on"), answer)
    after = transcript(tmp_path / "2", prompt("p1", "Go on"), answer, prompt("p2", "Go on"))
    keys = {read({**asked, "transcript_path": path}, {})[0].key for path in (before, after)}
    keys.add(read(payload("Stop", transcript_path=after), {})[0].key)
    assert len(keys) == 1
    assert [turn.key for turn in told(tmp_path, prompt("p1", "Go on"), answer, prompt("p2", "Go on")).turns][
        1
    ] in keys


def test_what_only_one_side_sees_is_no_prompt(tmp_path: Path) -> None:
    reminder = {"type": "text", "text": "<system-reminder>x</system-reminder>"}
    lines = [
        message("h1", "user", visibility="user_only", hookEventName="SessionStart"),
        message("context-p1", "user", {"type": "text", "text": "Context"}),
        message("c1", "user", {"type": "text", "text": "Context"}, visibility="llm_only"),
        message("n1", "user", {"type": "text", "text": "A notice of the program"}),
        message("p1", "user", reminder, {"type": "text", "text": "Add a cache\n"}, interactionMode="auto"),
    ]
    assert typed(told(tmp_path, *lines)) == ["Add a cache"]
    path = transcript(tmp_path / "s1.jsonl", *lines, lines[3])
    assert [e.text for e in read(payload("Stop", transcript_path=path), {}) if e.kind == "prompt"] == [
        "Add a cache"
    ]


def test_an_older_transcript_does_not_mark_what_was_typed(tmp_path: Path) -> None:
    lines = message("p1", "user", {"type": "text", "text": "Add"}), *tool("t", "Create", file_path="/w/a")
    assert typed(told(tmp_path, *lines)) == ["Add"]
    path = transcript(tmp_path / "s1.jsonl", *lines)
    assert read(payload("Stop", transcript_path=path), {})[0].text == "Add"


def test_a_session_that_another_one_started_has_no_prompts(tmp_path: Path) -> None:
    path = tmp_path / "s2.jsonl"
    lines = [{**HEADER, "callingSessionId": "s1"}, prompt("p1", "Count lines")]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_session(str(path)) is None
    assert [e.kind for e in read(payload("Stop", transcript_path=str(path)), {})] == ["end"]


def test_a_turn_has_what_really_happened_in_it(tmp_path: Path) -> None:
    (tmp_path / "s1.settings.json").write_text('{"model": "sidecar"}')
    lines = [
        prompt("p1", "Add"),
        *tool("t1", "Create", file_path="/w/a.py"),
        *tool("t2", "Edit", failed=True, file_path="/w/b.py"),
        *tool("t3", "ApplyPatch", input="*** Add File: src/c.py\n+x"),
        *tool("t4", "Execute", "[main abc1234] Add\n", command="git commit -m Add"),
        message("a", "assistant", {"type": "text", "text": "Shall I go on?"}),
        prompt("p2", "Yes"),
    ]
    one, two = told(tmp_path, *lines).turns
    assert (one.edits, one.commits, one.model) == (("/w/a.py", "/w/src/c.py"), ("abc1234",), "d")
    assert (two.prompts[0].answers, two.model) == ("Shall I go on?", "sidecar")


def test_transcripts_are_found_by_their_folder(tmp_path: Path) -> None:
    for name in ("-w-p", "-w-p-sub", "-w-other"):
        (tmp_path / ".factory" / "sessions" / name).mkdir(parents=True)
        (tmp_path / ".factory" / "sessions" / name / "1.jsonl").write_text("")
        (tmp_path / ".factory" / "sessions" / name / "1.settings.json").write_text("{}")
    found = session_files(["/w/p"], {"HOME": str(tmp_path)})
    assert sorted(path.split("/")[-2] for path in found) == ["-w-p", "-w-p-sub"]


JSON = odd_json(
    ["id", "type", "message", "role", "content", "text", "interactionMode", "visibility", "callingSessionId"],
    ["user", "assistant", "text", "tool_use", "tool_result"],
)


@settings(deadline=None, max_examples=80)
@given(st.lists(JSON, max_size=6), JSON, JSON)
def test_odd_values_raise_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any], one: Any, other: Any
) -> None:
    path = tmp_path_factory.mktemp("odd") / "s1.jsonl"
    (path.parent / "s1.settings.json").write_text(json.dumps(one))
    odd = [{"id": "1", "message": {"role": "user", "content": other}}, message("2", "assistant", one, other)]
    transcript(path, *lines, *odd, {"id": "3", "message": one, "timestamp": other})
    session = read_session(str(path))
    assert session is None or session.turns
    for event in ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop"):
        asked = payload(
            event, prompt=one, tool_name="ApplyPatch", tool_input=other, transcript_path=str(path)
        )
        read(asked, {})
        read({**asked, "session_id": one, "transcript_path": other}, {})


def typed_in_the_recording() -> list[str]:
    """Return the prompts of the script; resuming a session was refused."""
    found = [mark.partition("-m custom:Fake-0 ")[2] for mark in marks("droid") if "droid exec" in mark]
    return [*(text for text in found if not text.startswith("-s ")), "Write a haiku\nfrom piped stdin only"]


@NEEDS_RECORDINGS
def test_recorded_payloads_and_transcripts_give_exactly_what_was_typed(tmp_path: Path) -> None:
    wanted = sorted(typed_in_the_recording())
    assert len(wanted) == 8
    found = [event for _, several in events("droid", tmp_path) for event in several]
    prompts = {event.key: event.text for event in found if event.kind == "prompt"}
    assert sorted(prompts.values()) == wanted
    first = next(i for i, event in enumerate(found) if event.kind == "edit")
    assert [event.kind for event in found[:first]] == ["session", "prompt"]
    told = [
        session
        for path in sessions("droid", "sessions/*/*.jsonl")
        if (session := read_session(path)) is not None
    ]
    assert {turn.key: turn.prompts[0].text for session in told for turn in session.turns} == prompts
    assert {event.model for event in found if event.kind == "prompt"} == {"custom:Fake-0"}
    (made,) = [turn for session in told for turn in session.turns if turn.commits]
    assert (made.prompts[0].text, made.commits) == ("Commit the change", ("4477fb4",))


@NEEDS_RECORDINGS
def test_a_recorded_commit_comes_after_its_prompt(tmp_path: Path) -> None:
    found = [(name, event) for name, several in events("droid", tmp_path) for event in several]
    said = [name for name, event in found if event.kind == "prompt" and event.text == "Commit the change"]
    assert said[0] == "PreToolUse"
