"""Droid: Claude's events with other tools. ``droid exec`` has no event for a prompt.

So every later event looks the prompt up in the transcript, where it stands before the first tool runs; and a
shell tool is announced before it runs, since it may commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents import AgentEvent, Settings
from regen_git.agents.jsonl import SHORT, count_said, lines_with, parse, read_end
from regen_git.agents.payloads import CLAUDE_EVENTS, Payloads, event, first, prompt_key, read_payload
from regen_git.agents.payloads import text as text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents.transcripts import Session

NAME = "droid"
TITLE = "Droid"
TESTED = "0.225.2"
PROGRAMS = ("droid",)
FOLDERS = (".factory",)
SETTINGS = Settings(
    "claude",
    ".factory/settings.json",
    ".factory/settings.json",
    {
        "SessionStart": None,
        "UserPromptSubmit": None,
        "PreToolUse": "Execute",
        "PostToolUse": "Create|Edit|MultiEdit|ApplyPatch|Execute",
        "Stop": None,
        "SessionEnd": None,
    },
)

NAMES = Payloads(
    NAME,
    events={**CLAUDE_EVENTS, "PreToolUse": "tool"},
    edits=dict.fromkeys(("Create", "Edit", "MultiEdit"), ("file_path", "path")),
    patches=("ApplyPatch",),
    shells=("Execute",),
    name=("hook_event_name", "hookEventName"),
    session=("session_id", "sessionId"),
)
MODE = "interactionMode"
"""What newer versions write into every message that a person typed, and into no other."""

_MODE = MODE.encode()
_NOT_TYPED = ("<system-reminder>", "Contents of ")


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:  # noqa: ARG001 - says nothing
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    events = read_payload(payload, NAMES)
    if not events or events[0].kind == "session":
        return events
    is_before = first(payload, NAMES.name) == "PreToolUse"
    path = first(payload, ("transcript_path", "transcriptPath"))
    if events[0].kind == "prompt":
        return [_with_key(events[0], path)]
    typed = None if is_helper(parse(_first_line(path)) or {}) else _typed(payload, path, events[0].session)
    found = [*([typed] if typed else []), *([] if is_before else events)]
    return [one._replace(turn=typed.turn) for one in found] if typed else found


def _typed(payload: Mapping[str, Any], path: str, session: str) -> AgentEvent | None:
    """Return what was typed last, as the transcript has it; it is there by the first tool."""
    said = _last_prompt(path)
    if said is None:
        return None
    text, at = said
    earlier = count_said(path, text, prompt_in) - 1
    key = prompt_key(session, str(max(earlier, 0)), text)
    typed = event("prompt", payload, NAMES, text=text, key=key, at=at)
    return typed._replace(turn=key, model=sidecar_model(path))


def _with_key(one: AgentEvent, path: str) -> AgentEvent:
    """Return a prompt with its key, which does not depend on whether the transcript has it already."""
    text = one.text.strip("\n")
    earlier = count_said(path, text, prompt_in)
    lines = lines_with(path, b'"message"')
    newest = next((line for line in lines if _is_said(line)), None)
    if newest is not None and (prompt_in(newest) or ("", ""))[1] == text:
        earlier -= 1
    key = prompt_key(one.session, str(earlier), text)
    return one._replace(text=text, key=key, turn=key, model=sidecar_model(path))


def _last_prompt(path: str) -> tuple[str, str] | None:
    """Return what was typed last and when; as newer and older versions have it."""
    for mark in (_MODE, b'"user"'):
        for line in lines_with(path, mark):
            prompt = prompt_in(line)
            if prompt is not None:
                at = text_of(line.get("timestamp"))
                return prompt[1], f"{at[:19]}Z" if at.endswith("Z") else ""
    return None


def _first_line(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - an agent waits
            return file.readline(SHORT)
    except (OSError, ValueError):
        return b""


def _is_said(line: Mapping[str, Any]) -> bool:
    message = line.get("message")
    return isinstance(message, dict) and not message.get("visibility")


def is_helper(header: Mapping[str, Any]) -> bool:
    """Return whether a transcript's first line says that another session has started this one."""
    return bool(header.get("callingSessionId") or header.get("callingToolUseId"))


def prompt_in(line: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the id and the text of a line of a transcript that a person typed.

    What the program adds stands in messages that only one side sees, or in blocks of their own.
    """
    key, message = text_of(line.get("id")), line.get("message")
    if not key or key.startswith("context-") or not isinstance(message, dict):
        return None
    if message.get("role") != "user" or message.get("visibility"):
        return None
    content = message.get("content")
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    if any(isinstance(block, dict) and block.get("type") == "tool_result" for block in blocks):
        return None
    texts = (text_of(block.get("text")) for block in blocks if isinstance(block, dict))
    typed = next((text for text in texts if text.strip() and not text.lstrip().startswith(_NOT_TYPED)), "")
    return (key, typed.strip("\n")) if typed else None


def sidecar_model(path: str) -> str | None:
    """Return the model in the file of settings beside a transcript."""
    if not path.endswith(".jsonl"):
        return None
    settings = parse(read_end(path.removesuffix(".jsonl") + ".settings.json"))
    return (text_of(settings.get("model")) or None) if settings else None


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.turns import folder_names, home_folder

    names = folder_names(tops)
    found = (home_folder(env, ".factory") / "sessions").glob("*/*.jsonl")
    return sorted(
        str(path)
        for path in found
        if any(path.parent.name == name or path.parent.name.startswith(name + "-") for name in names)
    )


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from regen_git.agents.droid_transcripts import read_session as read_file

    return read_file(path)
