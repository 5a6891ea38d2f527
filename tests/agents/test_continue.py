"""Continue's session files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from support.odd_json import odd_json
from support.recordings import FIXTURES
from support.replayed import marks, sessions

from regen_git.agents.continue_ import SETTINGS, read, read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.agents.transcripts import Session

NEEDS_RECORDINGS = pytest.mark.skipif(
    not (FIXTURES / "continue").is_dir(), reason="the recordings are not beside the repository"
)


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"message": {"role": role, "content": content}, "contextItems": [], **more}


def ran(name: str, output: str = "", status: str = "done", **given: Any) -> dict[str, Any]:
    state = {"toolCall": {"function": {"name": name}}, "status": status, "parsedArgs": given}
    usage = {"role": "assistant", "content": "", "usage": {"model": "m"}}
    return {"message": usage, "toolCallStates": [{**state, "output": [{"content": output}]}]}


def told(folder: Path, *history: Any, **more: Any) -> Session | None:
    path = folder / "s1.json"
    path.write_text(
        json.dumps({"sessionId": "s1", "workspaceDirectory": "file:///w%20x", "history": history, **more})
    )
    return read_session(str(path))


def typed(session: Session | None) -> list[str]:
    assert session is not None
    return [one.text for turn in session.turns for one in turn.prompts]


def test_no_hook_is_offered_and_what_one_would_say_is_read() -> None:
    assert SETTINGS is None
    asked = {"session_id": "s1", "cwd": "/w", "hook_event_name": "UserPromptSubmit", "prompt": "Add"}
    assert [(e.kind, e.text) for e in read(asked, {})] == [("prompt", "Add")]


def test_a_turn_has_what_really_happened_in_it(tmp_path: Path) -> None:
    (tmp_path / "sessions.json").write_text('[{"sessionId": "s1", "dateCreated": "1795359098623"}, 3]')
    session = told(
        tmp_path,
        said("system", "Be brief"),
        said("user", [{"type": "text", "text": "Add a cache"}]),
        ran("Write", filepath="/w x/a.py"),
        ran("Edit", status="errored", file_path="/w x/b.py"),
        ran("Bash", "[main abc1234] Add\n", command="git commit -m Add"),
        said("assistant", "Which one?"),
        said("user", "The second", contextItems=[{"uri": {"type": "file", "value": "file:///w%20x/c.py"}}]),
    )
    assert session is not None
    one, two = session.turns
    assert (session.cwd, session.started, one.at) == ("/w x", "2026-11-22T14:51:38.623Z", session.started)
    assert (one.edits, one.commits, one.model) == (("/w x/a.py",), ("abc1234",), "m")
    assert (two.prompts[0].answers, two.prompts[0].refs, two.at) == ("Which one?", ("/w x/c.py",), "")


def test_after_a_compaction_nobody_knows_when_the_first_prompt_was_typed(tmp_path: Path) -> None:
    (tmp_path / "sessions.json").write_text('[{"sessionId": "s1", "dateCreated": "1795359098623"}]')
    session = told(tmp_path, said("assistant", "Short", conversationSummary="Short"), said("user", "Go on"))
    assert session is not None
    assert (typed(session), session.turns[0].at) == (["Go on"], "")


def test_files_that_are_no_sessions_are_none(tmp_path: Path) -> None:
    assert told(tmp_path) is None
    assert told(tmp_path, said("assistant", "Hello")) is None
    assert told(tmp_path, history=3) is None
    (tmp_path / "sessions.json").write_text("[]")
    assert read_session(str(tmp_path / "sessions.json")) is None


def test_sessions_are_found_by_the_list_and_unlisted_ones_too(tmp_path: Path) -> None:
    folder = tmp_path / "global" / "sessions"
    (tmp_path / "w" / "sub").mkdir(parents=True)
    folder.mkdir(parents=True)
    listed = {"in": f"file://{tmp_path}/w/sub", "out": str(tmp_path)}
    for name in ("in", "out", "new"):
        (folder / f"{name}.json").write_text("{}")
    index = [{"sessionId": name, "workspaceDirectory": where} for name, where in listed.items()]
    (folder / "sessions.json").write_text(json.dumps(index))
    found = session_files([str(tmp_path / "w")], {"CONTINUE_GLOBAL_DIR": str(tmp_path / "global")})
    assert [path.split("/")[-1] for path in found] == ["in.json", "new.json"]


JSON = odd_json(
    ["message", "role", "content", "text", "toolCallStates", "toolCall", "status", "output", "contextItems"],
    ["user", "assistant", "done", "file:///[x"],
)


@settings(deadline=None, max_examples=80)
@given(JSON, JSON, JSON)
def test_odd_values_raise_nothing(
    tmp_path_factory: pytest.TempPathFactory, one: Any, other: Any, third: Any
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "sessions.json").write_text(json.dumps([one, {"sessionId": "s1", "dateCreated": other}]))
    items = (
        said("user", one, contextItems=other, editorState=third),
        said("assistant", one, toolCallStates=[other]),
    )
    for session in (
        told(folder, one, other, *items),
        told(folder, *items, workspaceDirectory=one),
        told(folder, one),
    ):
        assert session is None or session.turns
    session_files(["/w"], {"CONTINUE_GLOBAL_DIR": str(folder)})
    read({"hook_event_name": one, "session_id": other, "cwd": third}, {})


def typed_in_the_recording() -> list[str]:
    """Return the prompts that the compaction has left; what was piped in is not in the file."""
    found = ["Write a haiku about the piped text"]
    for mark in marks("continue"):
        asked = re.fullmatch(r"cn -p (?:--resume )?(.*) --config \S+ --auto", mark, re.DOTALL)
        if asked:
            found.append(asked[1])
    return [*found, "Write a haiku after compaction", "Write a haiku after clear"]


@NEEDS_RECORDINGS
def test_recorded_sessions_give_exactly_what_was_typed() -> None:
    told = [s for path in sessions("continue", "sessions/*.json") if (s := read_session(path)) is not None]
    assert sorted(text for session in told for text in typed(session)) == sorted(typed_in_the_recording())
    (made,) = [turn for session in told for turn in session.turns if turn.commits]
    assert (made.prompts[0].text, made.commits, made.model) == (
        "Commit the change",
        ("661bdfd",),
        "fake-model",
    )
    assert {session.cwd for session in told} == {"/home/dev/work/hello"}
