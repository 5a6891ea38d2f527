"""Copilot CLI's payloads, in both dialects, as events, and its transcripts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import FIXTURES, calls, marks, odd_values, transcripts

from regen_git.agents.copilot import SETTINGS, key_of, read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

recorded = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recordings are not beside the repository")

EVENTS = "session-state/*/events.jsonl"
STEERED = "List the branches"
AT = "2026-08-01T10:00:0{}.000Z"
MS = 1785578400000
"""The first of these times."""


def camel(**fields: Any) -> dict[str, Any]:
    return {"sessionId": "s1", "timestamp": MS, "cwd": "/w", **fields}


def pascal(event: str, **fields: Any) -> dict[str, Any]:
    return {"hook_event_name": event, "session_id": "s1", "timestamp": AT.format(0), "cwd": "/w", **fields}


def typed_in(mode: str) -> list[str]:
    """Return what was typed, in order, by the marks of the script that typed it."""
    known = {
        "piped stdin": "Write a haiku\nfrom piped stdin only\n",
        "two-line prompt (bracketed paste)": "Write a haiku in this form:\nfirst line; second line",
    }
    asked = {
        "headless": r"(?s)copilot (?:--continue )?-p (.*?)(?: --allow-all-tools.*)?",
        "interactive": r"(?:Enter while busy: )?((?:Create|Now|Commit|Write|Wait|List|Ask) .*)",
    }
    found = [(mark, re.fullmatch(asked[mode], mark)) for mark in marks("copilot", mode)]
    return [known.get(mark, one[1] if one else "") for mark, one in found if one or mark in known]


@recorded
@pytest.mark.parametrize(
    ("mode", "count", "lost"),
    # The last interactive start met the trust dialog again: nothing was sent.
    [("headless", 13, []), ("interactive", 10, ["Write a haiku before hangup"])],
)
def test_the_transcripts_tell_exactly_what_was_typed(mode: str, count: int, lost: list[str]) -> None:
    found = [read_session(path) for path in transcripts("copilot", mode, EVENTS)]
    prompts = [one for session in found if session for turn in session.turns for one in turn.prompts]
    wanted = [text for text in typed_in(mode) if text not in lost]
    assert [one.text for one in sorted(prompts, key=lambda one: one.at)] == wanted
    assert len(wanted) == count


@recorded
@pytest.mark.parametrize("mode", ["headless", "interactive"])
def test_both_dialects_and_the_transcript_give_a_prompt_the_same_key(mode: str) -> None:
    found = [read_session(path) for path in transcripts("copilot", mode, EVENTS)]
    told = {turn.key: turn.prompts[0].text for session in found if session for turn in session.turns}
    events: dict[str, set[str]] = {"camel": set(), "pascal": set()}
    texts = {}
    for _, data, env, _ in calls(f"copilot/{mode}"):
        for event in read(data, env):
            if event.kind == "prompt":
                assert event.key is not None
                events["camel" if "sessionId" in data else "pascal"].add(event.key)
                texts[event.key] = event.text
    assert events["camel"] == events["pascal"] == set(told)
    assert texts == told


@recorded
def test_the_recorded_payloads_are_read_as_what_was_typed_and_done() -> None:
    rows = [(label, event) for _, data, env, label in calls("copilot") for event in read(data, env)]
    ours = [event for label, event in rows if label in SETTINGS.events]
    prompts = [event.text for event in ours if event.kind == "prompt"]
    assert len(prompts) == 13 + 9
    assert "Count the lines of README.md and report." not in prompts
    assert {event.path for _, event in rows if event.kind == "edit"} == {"/home/dev/work/hello/hello.py"}
    # One call failed: the file was there.
    assert sum(event.kind == "edit" for event in ours) == 4
    assert {event.session for event in ours if event.kind == "shell"} <= {e.session for e in ours if e.text}


@recorded
def test_the_transcripts_tell_edits_commits_and_models() -> None:
    found = [read_session(path) for path in transcripts("copilot", "headless", EVENTS)]
    turns = [turn for session in found if session for turn in session.turns]
    assert [turn.commits for turn in turns if turn.commits] == [("a62db9f",)]
    assert [turn.prompts[0].text[:6] for turn in turns if turn.edits] == ["Create", "Now ma"]
    assert {turn.model for turn in turns} == {"gpt-4.1", None}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"source": "new", "initialPrompt": "x"}, "session"),
        ({"prompt": "Fix it"}, "prompt"),
        ({"toolName": "edit", "toolArgs": '{"path": "a"}', "toolResult": {"resultType": "success"}}, "edit"),
        ({"toolName": "bash", "toolArgs": {"command": "ls"}, "toolResult": {}}, "shell"),
        ({"stopReason": "end_turn", "transcriptPath": "/x"}, "end"),
        ({"reason": "complete"}, "gone"),
    ],
)
def test_a_payload_without_a_name_is_told_by_its_fields(fields: dict[str, Any], kind: str) -> None:
    assert [event.kind for event in read(camel(**fields), {})] == [kind]


@pytest.mark.parametrize(
    "fields",
    [
        {"toolName": "edit", "toolArgs": {"path": "a"}},
        {"toolName": "edit", "toolArgs": {"path": "a"}, "error": "no"},
        {"toolName": "edit", "toolArgs": {"path": "a"}, "toolResult": {"resultType": "denied"}},
        {"agentId": "a", "agentName": "n", "stopReason": "end_turn"},
        {"prompt": "Count", "agentId": "a", "parentAgentId": "s0"},
        {"error": {"message": "m"}, "errorContext": "model_call"},
        {"hookName": "permissionRequest", "toolName": "edit", "toolInput": {"path": "a"}},
    ],
)
def test_what_did_not_happen_or_was_not_typed_is_passed_over(fields: dict[str, Any]) -> None:
    assert read(camel(**fields), {}) == []


def test_the_work_of_a_subagent_is_its_parents() -> None:
    done = pascal(
        "PostToolUse", tool_name="Write", tool_input={"path": "a"}, agent_id="x", parent_agent_id="s0"
    )
    assert [(e.kind, e.session, e.path) for e in read(done, {})] == [("edit", "s0", "/w/a")]


def test_a_patch_may_be_the_whole_argument() -> None:
    patch = "*** Begin Patch\n*** Delete File: a\n*** End Patch"
    done = camel(toolName="apply_patch", toolArgs=patch, toolResult={"resultType": "success"})
    assert [e.path for e in read(done, {})] == ["/w/a"]


def test_a_time_is_the_same_in_both_of_its_forms() -> None:
    assert key_of("s1", MS) == key_of("s1", AT.format(0))
    assert key_of("s1", None) is None


def said(kind: str, second: int, agent: str = "", **data: Any) -> dict[str, Any]:
    line = {"type": kind, "id": f"{kind}{second}", "timestamp": AT.format(second), "data": data}
    return {**line, "agentId": agent} if agent else line


START = said("session.start", 0, sessionId="s1", copilotVersion="1.0.102", context={"cwd": "/w/sub"})


def transcript(home: Path, *lines: dict[str, Any], session: str = "s1") -> str:
    path = home / ".copilot" / "session-state" / session / "events.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return str(path)


def test_what_is_typed_while_the_agent_works_is_taken_from_the_transcript_when_the_turn_ends(
    tmp_path: Path,
) -> None:
    path = transcript(
        tmp_path,
        START,
        said("user.message", 1, content="Do it", messageId="m1", delivery="idle"),
        said("user.message", 2, content="in blue", messageId="m2", delivery="steering"),
    )
    for payload, last in ((camel(stopReason="x", transcriptPath=path), "end"), (camel(reason="x"), "gone")):
        steered, end = read(payload, {"HOME": str(tmp_path)})
        assert (steered.kind, steered.text, steered.turn) == ("prompt", "in blue", "s1:m1")
        assert (steered.key, steered.at, end.kind) == ("s1:m1+1", "2026-08-01T10:00:02Z", last)


def test_a_transcript_tells_what_the_person_typed_and_what_came_of_it(tmp_path: Path) -> None:
    path = transcript(
        tmp_path,
        START,
        said(
            "user.message",
            1,
            content="Do it @a",
            transformedContent="<x>",
            attachments=[FILE],
            messageId="m1",
        ),
        said("user.message", 2, agent="x", content="Count", source="agent-s1"),
        said("user.message", 2, content="Continue", source="system"),
        said("tool.execution_start", 3, toolCallId="1", toolName="apply_patch", arguments=PATCH),
        said("tool.execution_complete", 3, toolCallId="1", success=True),
        said("tool.execution_start", 3, agent="x", toolCallId="2", toolName="edit", arguments={"path": "b"}),
        said("tool.execution_complete", 3, agent="x", toolCallId="2", success=True),
        said("tool.execution_start", 3, toolCallId="3", toolName="edit", arguments={"path": "no"}),
        said("tool.execution_complete", 3, toolCallId="3", success=False),
        said("tool.user_requested", 4, toolCallId="4", toolName="bash", arguments={"command": "git commit"}),
        said(
            "tool.execution_complete",
            4,
            toolCallId="4",
            success=True,
            result={"content": "[main 1234abc] x\n"},
        ),
        said("assistant.message", 5, content="Done. Which name?", model="m"),
        said("user.message", 6, content="Wrong one", messageId="m2"),
        said("session.snapshot_rewind", 7, upToEventId="user.message6"),
        said("user.message", 8, content="hello", messageId="m3"),
    )
    session = read_session(path)
    assert session is not None
    assert (session.id, session.cwd, session.version) == ("s1", "/w/sub", "1.0.102")
    first, last = session.turns
    assert (first.key, first.model, first.commits) == ("s1:m1", "m", ())
    assert [(one.text, one.refs) for one in first.prompts] == [("Do it @a", ("/w/sub/a",))]
    assert first.edits == ("/w/sub/gone", "/w/sub/b")
    assert last.prompts[0].text == "hello"


FILE = {"type": "file", "path": "/w/sub/a", "displayName": "@a"}
PATCH = "*** Begin Patch\n*** Delete File: gone\n*** End Patch"


def test_older_releases_name_the_model_once_and_say_in_the_result_whether_a_tool_worked(
    tmp_path: Path,
) -> None:
    worked, failed = {"result_type": "success"}, {"result_type": "failure"}
    path = transcript(
        tmp_path,
        START,
        said("session.model_change", 0, newModel="m"),
        said("user.message", 1, content="Do it"),
        said("tool.execution_start", 2, toolCallId="1", toolName="create", arguments='{"path": "a"}'),
        said("tool.execution_complete", 2, toolCallId="1", result=worked),
        said("tool.execution_start", 2, toolCallId="2", toolName="create", arguments='{"path": "b"}'),
        said("tool.execution_complete", 2, toolCallId="2", result=failed),
        said("assistant.message", 3, content="Done"),
    )
    session = read_session(path)
    assert session is not None
    assert [(turn.edits, turn.model) for turn in session.turns] == [(("/w/sub/a",), "m")]


def test_transcripts_are_found_by_the_folder_in_which_they_began(tmp_path: Path) -> None:
    path = transcript(tmp_path, START)
    transcript(tmp_path, said("session.start", 0, context={"cwd": "/elsewhere"}), session="s2")
    env = {"HOME": str(tmp_path)}
    assert session_files(["/w"], env) == [path]
    assert session_files(["/w/s"], env) == []
    assert session_files(["/w"], {**env, "COPILOT_HOME": str(tmp_path / "other")}) == []
    assert read_session(path) is None


FIELDS = st.sampled_from(
    [
        "prompt",
        "toolName",
        "toolArgs",
        "toolResult",
        "stopReason",
        "reason",
        "source",
        "timestamp",
        "transcriptPath",
        "attachments",
    ]
)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(FIELDS, odd_values, max_size=6))
def test_no_odd_payload_raises(odd: dict[str, Any]) -> None:
    assert all(event.session == "s1" for event in read(camel(**odd), {"HOME": "/nowhere"}))


KINDS = st.sampled_from(
    [
        "session.start",
        "hook.start",
        "user.message",
        "tool.execution_start",
        "tool.execution_complete",
        "assistant.message",
    ]
)
DATA = st.sampled_from(
    [
        "content",
        "input",
        "context",
        "cwd",
        "source",
        "attachments",
        "toolCallId",
        "arguments",
        "result",
        "success",
    ]
)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"type": KINDS, "data": st.dictionaries(DATA, odd_values, max_size=6) | odd_values},
            optional={"timestamp": odd_values, "id": odd_values},
        )
        | odd_values,
        max_size=6,
    )
)
def test_no_odd_transcript_raises(tmp_path_factory: pytest.TempPathFactory, lines: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "odd-events.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n{broken", "utf-8")
    session = read_session(str(path))
    assert session is None or session.turns
