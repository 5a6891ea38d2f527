"""Codex's payloads as events, and its rollouts."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recorded import FIXTURES, calls, marks, odd_values, transcripts

from regen_git.agents.codex import read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

recorded = pytest.mark.skipif(not FIXTURES.is_dir(), reason="the recordings are not beside the repository")

ROLLOUT = "sessions/**/rollout-*.jsonl"
THREAD = "01a2039e-b238-7311-a0fe-0826fbef58d9"
UNDONE = "Write a haiku after compaction"


def payload(event: str, **fields: Any) -> dict[str, Any]:
    return {"session_id": "s1", "turn_id": "t1", "cwd": "/w", "hook_event_name": event, **fields}


def typed_in(mode: str) -> list[str]:
    """Return what was typed, in order, by the marks of the script that typed it."""
    known = {
        "piped stdin": "Write a haiku about the piped text",
        "two-line prompt (bracketed paste)": "Write a haiku in this form:\nfirst line; second line",
    }
    if mode == "headless":
        command = r"(?s)codex exec .*?-m \S+ (?:resume \S+ |fork \S+ |--json )?(?!--ephemeral)(.*)"
        found = [(mark, re.fullmatch(command, mark)) for mark in marks("codex", mode)]
        return [known.get(mark, one[1] if one else "") for mark, one in found if one or mark in known]
    asked = r"(?:Enter while busy \(steer\): )?((?:Create|Now|Commit|Write|Wait|List) .*)"
    found = [(mark, re.fullmatch(asked, mark)) for mark in marks("codex", mode)]
    return [known.get(mark, one[1] if one else "") for mark, one in found if one or mark in known]


@recorded
@pytest.mark.parametrize(("mode", "count", "undone"), [("headless", 15, []), ("interactive", 14, [UNDONE])])
def test_the_rollouts_tell_exactly_what_was_typed_and_not_undone(
    mode: str, count: int, undone: list[str]
) -> None:
    found = [read_session(path) for path in transcripts("codex", mode, ROLLOUT)]
    prompts = [one for session in found if session for turn in session.turns for one in turn.prompts]
    wanted = typed_in(mode)
    for text in undone:
        wanted.remove(text)
    assert [one.text for one in sorted(prompts, key=lambda one: one.at)] == wanted
    assert len(wanted) == count


@recorded
@pytest.mark.parametrize("mode", ["headless", "interactive"])
def test_a_hook_and_the_rollout_give_a_prompt_the_same_key(mode: str) -> None:
    found = [read_session(path) for path in transcripts("codex", mode, ROLLOUT)]
    keys = {turn.key: turn.prompts[0].text for session in found if session for turn in session.turns}
    events = [e for _, data, env, _ in calls("codex") for e in read(data, env) if e.kind == "prompt"]
    captured = {e.key: e.text for e in events}
    both = [key for key in keys if key in captured]
    assert all(keys[key] == captured[key] for key in both)
    # One headless session was run before its hooks were trusted.
    assert len(keys) - len(both) == (1 if mode == "headless" else 0)


@recorded
def test_the_recorded_payloads_are_read_as_what_was_typed_and_done() -> None:
    events = [e for _, data, env, _ in calls("codex") for e in read(data, env)]
    prompts = [e.text for e in events if e.kind == "prompt"]
    assert len(prompts) == 15 + 15
    assert "Write a haiku, ephemeral" in prompts
    assert not any("<stdin>" in text or "Count the lines" in text for text in prompts)
    assert {e.path for e in events if e.kind == "edit"} == {"/home/dev/work/hello/hello.py"}
    assert sum(e.kind == "edit" for e in events) == 6
    assert {e.model for e in events if e.kind == "prompt"} == {"gpt-5.5", "gpt-6.1-sol"}


@recorded
def test_edits_commits_and_models_of_the_rollouts_are_those_of_the_recording() -> None:
    found = [read_session(path) for path in transcripts("codex", "headless", ROLLOUT)]
    turns = [turn for session in found if session for turn in session.turns]
    assert [turn.commits for turn in turns if turn.commits] == [("c48225f",), ("f4f4755",)]
    edits = [(turn.prompts[0].text[:6], turn.model) for turn in turns if turn.edits]
    assert edits == [
        ("Create", "gpt-5.5"),
        ("Now ma", "gpt-5.5"),
        ("Create", "gpt-6.1-sol"),
        ("Now ma", "gpt-6.1-sol"),
    ]
    assert all(turn.ended >= turn.at for turn in turns)


def test_what_is_piped_in_was_not_typed() -> None:
    piped = payload("UserPromptSubmit", prompt="Explain\n\n<stdin>\nlog\n</stdin>")
    assert [e.text for e in read(piped, {})] == ["Explain"]
    alone = payload("UserPromptSubmit", prompt="only\npiped")
    assert [e.text for e in read(alone, {})] == ["only\npiped"]


IDE = "# Context from my IDE setup:\n\n## Active file: a.py\n\n## Open tabs:\n- a.py: a.py\n\n"
FILES = "# Files mentioned by the user:\n\n## shot.png: /tmp/shot.png\n\n## b.md: /w/b.md\n\n"


@pytest.mark.parametrize(
    ("sent", "text", "refs"),
    [
        (IDE + "## My request for Codex:\nFix it\n\n## Then\nthat", "Fix it\n\n## Then\nthat", ()),
        (FILES + "## My request:\nLook at it", "Look at it", ("/tmp/shot.png", "/w/b.md")),
        ("Fix it\n<image name=[Image #1]>\n</image>", "Fix it", ()),
        ("# Title\n## My request for Codex:\nmine", "# Title\n## My request for Codex:\nmine", ()),
    ],
)
def test_what_an_editor_puts_around_a_prompt_goes(
    sent: str, text: str, refs: tuple[str, ...], tmp_path: Path
) -> None:
    (event,) = read(payload("UserPromptSubmit", prompt=sent), {})
    assert (event.text, event.refs) == (text, refs)
    session = read_session(rollout(tmp_path, META, item("UserMessage", "t1", content=texts(sent))))
    assert session is not None
    assert [(one.text, one.refs) for one in session.turns[0].prompts] == [(text, refs)]


@pytest.mark.parametrize(
    "sent", ["<turn_aborted>\nx</turn_aborted>", "<codex_internal_context source='goal'>"]
)
def test_what_codex_writes_in_the_persons_name_is_no_prompt(sent: str) -> None:
    assert read(payload("UserPromptSubmit", prompt=sent), {}) == []


def test_a_plan_taken_into_a_new_context_is_approved_and_not_typed() -> None:
    prefix = "A previous agent produced the plan below to accomplish the user's task. Implement the plan."
    (event,) = read(payload("UserPromptSubmit", prompt=f"{prefix}\n\n# Plan\n1. Do"), {})
    assert (event.kind, event.text) == ("plan", "# Plan\n1. Do")


def test_a_plan_accepted_under_it_is_found_in_the_rollout(tmp_path: Path) -> None:
    said = {"role": "assistant", "content": [{"type": "output_text", "text": PLANNED}]}
    asked = item("UserMessage", "t1", content=texts("Plan it"))
    path = rollout(tmp_path, META, asked, line("response_item", said))
    accept = payload("UserPromptSubmit", prompt="Implement the plan.", transcript_path=path)
    assert [(e.kind, e.text) for e in read(accept, {})] == [("plan", "1. Do it")]
    nowhere = payload("UserPromptSubmit", prompt="Implement the plan.", transcript_path=None)
    assert [(e.kind, e.text) for e in read(nowhere, {})] == [("prompt", "Implement the plan.")]


def test_a_subagents_task_is_no_prompt_where_its_rollout_says_so(tmp_path: Path) -> None:
    meta = {"id": "s2", "cwd": "/w", "source": {"subagent": {"thread_spawn": {"depth": 1}}}}
    path = rollout(tmp_path, line("session_meta", meta))
    assert read(payload("UserPromptSubmit", prompt="Count the lines", transcript_path=path), {}) == []
    assert read_session(path) is None


@pytest.mark.parametrize("event", ["Stop", "Interrupt"])
def test_a_turn_ends_also_when_it_is_interrupted(event: str) -> None:
    assert [e.kind for e in read(payload(event), {})] == ["end"]


PLANNED = "Here:\n<proposed_plan>\n1. Do it\n</proposed_plan>"
AT = "2026-08-01T10:00:0{}.000Z"


def line(kind: str, content: Any, second: int = 0, **more: Any) -> dict[str, Any]:
    return {"timestamp": AT.format(second), "type": kind, "payload": content, **more}


def texts(*parts: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": part} for part in parts]


def item(kind: str, turn: str, second: int = 1, ordinal: int = 0, **fields: Any) -> dict[str, Any]:
    content = {"type": "item_completed", "turn_id": turn, "item": {"type": kind, "id": "i", **fields}}
    return line("event_msg", content, second, ordinal=ordinal)


def event(kind: str, second: int = 1, **fields: Any) -> dict[str, Any]:
    return line("event_msg", {"type": kind, **fields}, second)


def call(name: str, given: Any, output: str) -> list[dict[str, Any]]:
    """Return the lines of a tool's call and of its answer; the arguments of a function are JSON in a text."""
    kind, field = ("custom_tool_call", "input") if isinstance(given, str) else ("function_call", "arguments")
    given = given if isinstance(given, str) else json.dumps(given)
    head = {"type": kind, "name": name, "call_id": name, field: given}
    return [
        line("response_item", head, 2),
        line("response_item", {"type": f"{kind}_output", "call_id": name, "output": output}, 3),
    ]


PERSON = {"id": THREAD, "cwd": "/w", "source": "cli"}
META = line("session_meta", {**PERSON, "cli_version": "0.169.0", "history_mode": "paginated"})
OLD = line("session_meta", {**PERSON, "cli_version": "0.130.0"})


def rollout(folder: Path, *lines: dict[str, Any], name: str = f"10-00-00-{THREAD}") -> str:
    path = folder / "sessions" / "2026" / "08" / "01" / f"rollout-2026-08-01T{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), "utf-8")
    return str(path)


def test_a_rollout_of_0_130_tells_prompts_edits_commits_and_what_was_undone(tmp_path: Path) -> None:
    patch = "*** Begin Patch\n*** Update File: b.py\n*** End Patch"
    moved = {"/w/a.py": {"move_path": "/w/c.py"}}
    path = rollout(
        tmp_path,
        OLD,
        line("turn_context", {"turn_id": "t1", "model": "m1"}),
        event("user_message", message="Add a retry"),
        event("patch_apply_end", 2, turn_id="t1", success=True, changes=moved),
        event("patch_apply_end", 2, turn_id="t1", success=False, changes={"/w/no.py": {}}),
        *call("apply_patch", patch, "Exit code: 0\n"),
        *call("apply_patch", patch.replace("b.py", "failed.py"), "Exit code: 1\n"),
        *call("shell", {"command": ["bash", "-lc", "git commit"]}, '{"output":"[main 1234abc] x\\n"}'),
        event("agent_message", 4, message="Done. Which name?"),
        line("turn_context", {"turn_id": "t2", "model": "m2"}),
        event("user_message", 5, message="The second"),
        line("turn_context", {"turn_id": "t3", "model": "m2"}),
        event("user_message", 6, message="No, wrong"),
        event("thread_rolled_back", 7, num_turns=1),
    )
    session = read_session(path)
    assert session is not None
    first, second = session.turns
    assert first.edits == ("/w/a.py", "/w/c.py", "/w/b.py")
    assert first.commits == ("1234abc",)
    assert (first.model, second.model) == ("m1", "m2")
    assert (second.prompts[0].text, second.prompts[0].answers) == ("The second", "Done. Which name?")
    assert (session.id, session.cwd, session.version) == (THREAD, "/w", "0.130.0")


def test_a_copied_turn_has_the_same_key_in_a_fork(tmp_path: Path) -> None:
    turn = "01a2039e-5c95-7b73-a386-169bb972795b"
    lines = [event("task_started", turn_id=turn), event("user_message", message="Add a retry")]
    parent = read_session(rollout(tmp_path, OLD, *lines))
    forked = line("session_meta", {"id": "f" * 36, "forked_from_id": THREAD, "cwd": "/w"})
    fork = read_session(rollout(tmp_path, forked, OLD, *lines, name=f"11-00-00-{'f' * 36}"))
    assert parent is not None
    assert fork is not None
    assert fork.id == "f" * 36
    assert [turn.key for turn in fork.turns] == [turn.key for turn in parent.turns]


def test_turns_without_ids_have_the_same_key_in_a_fork(tmp_path: Path) -> None:
    lines = [event("user_message", message="Add a retry"), event("user_message", message="Add a retry")]
    parent = read_session(rollout(tmp_path, OLD, *lines))
    forked = line("session_meta", {"id": "f" * 36, "forked_from_id": THREAD, "cwd": "/w"})
    fork = read_session(rollout(tmp_path, forked, OLD, *lines, name=f"11-00-00-{'f' * 36}"))
    assert parent is not None
    assert fork is not None
    assert len({turn.key for turn in parent.turns}) == 2
    assert [turn.key for turn in fork.turns] == [turn.key for turn in parent.turns]


def test_what_lies_after_the_point_gone_back_to_is_dead(tmp_path: Path) -> None:
    prompts = [item("UserMessage", f"t{n}", n, 10 * n, content=texts(f"Prompt {n}")) for n in range(1, 4)]
    path = rollout(tmp_path, META, *prompts)
    back = {**META, "ordinal": 20}
    again = item("UserMessage", "t9", 9, 21, content=texts("Again"))
    later = rollout(tmp_path, back, again, name=f"12-00-00-{THREAD}_{'a' * 36}")
    (session, segment) = (read_session(one) for one in session_files(["/w"], {"CODEX_HOME": str(tmp_path)}))
    assert session is not None
    assert segment is not None
    assert [turn.prompts[0].text for turn in session.turns] == ["Prompt 1"]
    assert [turn.prompts[0].text for turn in segment.turns] == ["Again"]
    assert (path < later, session.id, segment.id) == (True, THREAD, THREAD)


def test_a_prompt_typed_while_the_agent_worked_is_of_the_same_turn(tmp_path: Path) -> None:
    path = rollout(
        tmp_path,
        META,
        item("UserMessage", "t1", content=texts("Do it")),
        item("UserMessage", "t1", 2, content=texts("but ", "in blue")),
        item("FileChange", "t1", 3, status="completed", changes={"/w/a.py": {"type": "add"}}),
        item("FileChange", "t1", 3, status="failed", changes={"/w/no.py": {"type": "add"}}),
        item("FileChange", "t-of-subagent", 4, status="completed", changes={"/w/b.py": {"type": "delete"}}),
    )
    session = read_session(path)
    assert session is not None
    (turn,) = session.turns
    assert [one.text for one in turn.prompts] == ["Do it", "but in blue"]
    assert turn.edits == ("/w/a.py", "/w/b.py")


def test_a_command_that_the_person_ran_is_not_the_agents_commit(tmp_path: Path) -> None:
    done = {"command": ["bash", "-lc", "git commit -m x"], "aggregated_output": "[main 1234abc] x\n"}
    path = rollout(
        tmp_path,
        META,
        item("UserMessage", "t1", content=texts("Do it")),
        item("CommandExecution", "t1", 2, source="user_shell", **done),
    )
    session = read_session(path)
    assert session is not None
    assert session.turns[0].commits == ()


def test_an_accepted_plan_is_approved_and_an_answered_question_is_typed(tmp_path: Path) -> None:
    asked = {"questions": [{"id": "q", "question": "Which one?", "options": [{"label": "Red"}]}]}
    path = rollout(
        tmp_path,
        META,
        item("UserMessage", "t1", content=texts("Plan it")),
        *call("request_user_input", asked, '{"answers":{"q":{"answers":["Red"]}}}'),
        item("AgentMessage", "t1", 4, content=[{"type": "Text", "text": PLANNED}]),
        item("UserMessage", "t2", 5, content=texts("Implement the plan.")),
    )
    session = read_session(path)
    assert session is not None
    first, second = session.turns
    assert [(one.text, one.answers) for one in first.prompts] == [("Plan it", None), ("Red", "Which one?")]
    assert (second.prompts, second.approved) == ((), "1. Do it")


def test_the_oldest_rollouts_have_bare_messages(tmp_path: Path) -> None:
    def said(text: str) -> dict[str, Any]:
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    path = rollout(
        tmp_path,
        {"id": THREAD, "timestamp": AT.format(0), "instructions": None},
        said("<environment_context>\n<cwd>/w/sub</cwd>\n</environment_context>"),
        said("# AGENTS.md instructions for /w"),
        said("Add a retry"),
    )
    session = read_session(path)
    assert session is not None
    assert [turn.prompts[0].text for turn in session.turns] == ["Add a retry"]
    assert session.cwd == "/w/sub"
    assert session_files(["/w"], {"CODEX_HOME": str(tmp_path)}) == [path]
    assert session_files(["/w/s"], {"CODEX_HOME": str(tmp_path)}) == []


KINDS = st.sampled_from(["session_meta", "turn_context", "event_msg", "response_item"])
FIELDS = st.sampled_from(
    [
        "type",
        "item",
        "content",
        "changes",
        "turn_id",
        "arguments",
        "output",
        "call_id",
        "id",
        "role",
        "num_turns",
        "message",
    ]
)
WORDS = st.sampled_from(
    [
        "item_completed",
        "UserMessage",
        "FileChange",
        "function_call",
        "function_call_output",
        "user",
        "patch_apply_end",
    ]
)


@settings(deadline=None, max_examples=60)
@given(
    lines=st.lists(
        st.fixed_dictionaries(
            {"type": KINDS, "payload": st.dictionaries(FIELDS, WORDS | odd_values, max_size=6) | odd_values},
            optional={"ordinal": odd_values, "timestamp": odd_values},
        )
        | odd_values,
        max_size=6,
    )
)
def test_no_odd_rollout_raises(tmp_path_factory: pytest.TempPathFactory, lines: list[Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "rollout-odd.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\n{broken", "utf-8")
    session = read_session(str(path))
    assert session is None or session.turns


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(FIELDS | st.sampled_from(["prompt", "tool_input"]), odd_values, max_size=5))
def test_no_odd_payload_raises(odd: dict[str, Any]) -> None:
    for kind in ("UserPromptSubmit", "PostToolUse", "Stop", "SessionEnd"):
        assert all(e.session == "s1" for e in read(payload(kind, tool_name="apply_patch", **odd), {}))
