"""Qwen Code's payloads and transcripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.odd_json import odd_json
from support.recordings import FIXTURES
from support.replayed import events, marks, sessions

from regen_git.agents.qwen import read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.agents.transcripts import Session

NEEDS_RECORDINGS = pytest.mark.skipif(
    not (FIXTURES / "qwen").is_dir(), reason="the recordings are not beside the repository"
)
EXPANDED = (
    "Look at @a.py\n--- Content from referenced files ---\n"
    "Content from /w/a.py:\nx = 1\n\n--- End of content ---"
)


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {"session_id": "s1", "cwd": "/w", "hook_event_name": event, **fields}


class Transcript:
    """Writes lines as Qwen Code does: each names the one before as its parent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[Any] = []
        self.last: str | None = None

    def line(self, kind: str, **more: Any) -> str:
        uuid = f"u{len(self.lines)}"
        at = f"2026-01-02T03:{len(self.lines):02}:00.000Z"
        line = {"uuid": uuid, "parentUuid": self.last, "sessionId": "s1", "timestamp": at, "type": kind}
        self.lines.append({**line, "cwd": "/w", "version": "0.15.10", **more})
        self.last = uuid
        return uuid

    def prompt(self, text: str, **more: Any) -> str:
        return self.line("user", message={"role": "user", "parts": [{"text": text}]}, **more)

    def tool(self, name: str, status: str = "success", shown: Any = "", **args: Any) -> None:
        use = {"id": f"c{len(self.lines)}", "name": name, "args": args}
        self.line("assistant", model="q", message={"role": "model", "parts": [{"functionCall": use}]})
        self.line(
            "tool_result", toolCallResult={"callId": use["id"], "status": status, "resultDisplay": shown}
        )

    def save(self) -> str:
        self.path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        return str(self.path)

    def read(self) -> Session:
        session = read_session(self.save())
        assert session is not None
        return session


def typed(session: Session) -> list[str]:
    return [one.text for turn in session.turns for one in turn.prompts]


def test_the_event_that_comes_again_with_an_empty_prompt_says_nothing() -> None:
    assert read(payload("UserPromptSubmit", prompt=""), {}) == []
    assert read(payload("Notification", message="x"), {}) == []


def test_a_prompt_is_what_was_typed_and_the_files_are_what_it_points_at() -> None:
    (event,) = read(payload("UserPromptSubmit", prompt=EXPANDED), {})
    assert (event.kind, event.text, event.refs) == ("prompt", "Look at @a.py", ("/w/a.py",))


def test_a_command_whose_prompt_is_sent_is_what_was_typed(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "t.jsonl")
    t.prompt("Start")
    t.line("assistant", model="q", message={"role": "model", "parts": [{"text": "Done"}]})
    sent = {"phase": "invocation", "rawCommand": "/greet Ada", "sentToModel": True}
    t.line("system", subtype="slash_command", systemPayload=sent)
    t.line("system", subtype="slash_command", systemPayload={"phase": "result", "rawCommand": "/greet Ada"})
    (event,) = read(payload("UserPromptSubmit", prompt="Greet Ada.", transcript_path=t.save()), {})
    assert event.text == "/greet Ada"
    t.prompt("Greet Ada.")
    t.line("system", subtype="slash_command", systemPayload={"phase": "invocation", "rawCommand": "/stats"})
    (other,) = read(payload("UserPromptSubmit", prompt="Thanks", transcript_path=t.save()), {})
    assert other.text == "Thanks"
    t.prompt("Thanks")
    session = t.read()
    assert typed(session) == ["Start", "/greet Ada", "Thanks"]
    assert [turn.key for turn in session.turns][1:] == [event.key, other.key]


def test_tools_are_edits_commits_and_plans() -> None:
    done = payload("PostToolUse", tool_name="edit", tool_input={"file_path": "/w/a.py"})
    assert [(e.kind, e.path) for e in read(done, {})] == [("edit", "/w/a.py")]
    assert [e.kind for e in read(payload("PostToolUse", tool_name="run_shell_command"), {})] == ["shell"]
    plan = payload("PostToolUse", tool_name="exit_plan_mode", tool_input={"plan": "1. Do it"})
    plan["tool_response"] = {"llmContent": "User has approved your plan."}
    assert [(e.kind, e.text) for e in read(plan, {})] == [("plan", "1. Do it")]
    plan["tool_response"] = {"llmContent": "Plan execution was not approved."}
    assert read(plan, {}) == []


def test_a_turn_has_what_really_happened_in_it(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "t.jsonl")
    t.prompt("Add a cache")
    t.tool("write_file", file_path="/w/a.py")
    t.tool("edit", "error", file_path="/w/b.py")
    t.tool("run_shell_command", shown="[main abc1234] Add", command="git commit -m Add")
    t.tool("run_shell_command", shown="[main 0000000] Not now", command="cat log")
    t.tool("exit_plan_mode", shown={"message": "User approved the plan."}, plan="1. Do it")
    (turn,) = t.read().turns
    assert (turn.edits, turn.commits, turn.model) == (("/w/a.py",), ("abc1234",), "q")
    assert turn.approved == "1. Do it"


def test_a_question_is_kept_with_its_answer(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "t.jsonl")
    t.prompt("Add a cache")
    t.line("assistant", message={"role": "model", "parts": [{"text": "Which one?"}, {"functionCall": {}}]})
    t.prompt("The second")
    assert [turn.prompts[0].answers for turn in t.read().turns] == [None, "Which one?"]


def test_what_was_rewound_is_left_out(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "t.jsonl")
    t.prompt("One")
    t.tool("write_file", file_path="/w/a.py")
    fork = t.last
    t.prompt("Two")
    t.tool("write_file", file_path="/w/b.py")
    t.last = fork
    t.prompt("Three")
    session = t.read()
    assert typed(session) == ["One", "Three"]
    assert [turn.edits for turn in session.turns] == [("/w/a.py",), ()]


def test_only_what_a_person_typed_is_a_prompt(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "t.jsonl")
    for subtype in ("notification", "cron", "goal_runtime", "agent_launch_prompt"):
        t.prompt("Not typed", subtype=subtype)
    t.prompt("Not typed", provenance="goal_control")
    t.prompt("Not typed", isSidechain=True)
    assert read_session(t.save()) is None
    t.prompt("Typed", provenance="real_user")
    t.prompt("And this meanwhile", subtype="mid_turn_user_message")
    session = t.read()
    assert (len(session.turns), typed(session)) == (1, ["Typed", "And this meanwhile"])


def test_a_copy_in_a_branch_has_the_same_key(tmp_path: Path) -> None:
    first, copy = Transcript(tmp_path / "a.jsonl"), Transcript(tmp_path / "b.jsonl")
    first.prompt("One")
    copy.prompt("One", sessionId="s2", forkedFrom={"sessionId": "s1", "messageUuid": "u0"})
    assert first.read().turns[0].key == copy.read().turns[0].key


def test_transcripts_are_found_by_their_folder(tmp_path: Path) -> None:
    for name in ("-w-p", "-w-p-sub", "-w-other"):
        (tmp_path / ".qwen" / "projects" / name / "chats").mkdir(parents=True)
        (tmp_path / ".qwen" / "projects" / name / "chats" / "1.jsonl").write_text("")
    found = session_files(["/w/p"], {"HOME": str(tmp_path)})
    assert sorted(path.split("/")[-3] for path in found) == ["-w-p", "-w-p-sub"]


JSON = odd_json(
    [
        "uuid",
        "parentUuid",
        "type",
        "subtype",
        "message",
        "parts",
        "text",
        "functionCall",
        "systemPayload",
        "id",
    ],
    [EXPANDED, "u0", "user", "system", "slash_command"],
)


@settings(deadline=None, max_examples=80)
@given(st.lists(JSON, max_size=6), JSON, JSON)
def test_odd_values_raise_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[Any], one: Any, other: Any
) -> None:
    t = Transcript(tmp_path_factory.mktemp("odd") / "t.jsonl")
    t.lines = [*lines]
    t.line("user", message=one, systemPayload=other, forkedFrom=one)
    t.line("assistant", message={"parts": [{"functionCall": one}, other]})
    t.line("tool_result", toolCallResult=other)
    t.line(one, subtype="slash_command", systemPayload=other)
    session = read_session(t.save())
    assert session is None or session.turns
    for event in ("UserPromptSubmit", "PostToolUse", "Stop"):
        odd = payload(event, prompt=one, tool_input=other, tool_response=one, transcript_path=t.save())
        read({**odd, "tool_name": "edit"}, {})
        read({**odd, "tool_name": "exit_plan_mode"}, {})
        read({"hook_event_name": event, "session_id": one, "cwd": other, "transcript_path": one}, {})


def typed_in_the_recording(mode: str) -> list[str]:
    """Return the prompts of the script: a command line each, or what was typed into the terminal."""
    if mode == "headless":
        return [mark.partition(" -p ")[2] for mark in marks("qwen/headless") if " -p " in mark]
    said = [mark.removeprefix("Enter while busy: ") for mark in marks("qwen/interactive")[1:]]
    return [
        mark for mark in said if mark not in ("approve", "ended", "Esc (interrupt)") and mark[0] not in "/!"
    ]


@NEEDS_RECORDINGS
@pytest.mark.parametrize(("mode", "count"), [("headless", 7), ("interactive", 6)])
def test_recorded_payloads_and_transcripts_give_exactly_what_was_typed(
    mode: str, count: int, tmp_path: Path
) -> None:
    wanted = sorted(typed_in_the_recording(mode))
    assert len(wanted) == count
    found = [event for _, several in events(f"qwen/{mode}", tmp_path) for event in several]
    prompts = {event.key: event.text for event in found if event.kind == "prompt"}
    assert sorted(event.text for event in found if event.kind == "prompt") == wanted
    paths = sessions(f"qwen/{mode}", "projects/*/chats/*.jsonl")
    told = [session for path in paths if (session := read_session(path)) is not None]
    assert {turn.key: turn.prompts[0].text for session in told for turn in session.turns} == prompts
    assert sorted(text for session in told for text in typed(session)) == wanted
    (made,) = [turn for session in told for turn in session.turns if turn.commits]
    assert made.prompts[0].text == "Commit the change"
