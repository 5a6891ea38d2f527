"""Qwen Code: Claude's events with Gemini's tools, and transcripts of its own.

The prompt event comes again, empty, after every tool. Its text has the files that it names pasted below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents import AgentEvent, Settings
from regen_git.agents.gemini import is_harness, parts_text, prompt_of, referenced, without_files
from regen_git.agents.jsonl import count_said, lines_with
from regen_git.agents.payloads import Payloads, arguments, event, first, read_payload
from regen_git.agents.payloads import text as text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents.transcripts import Session

NAME = "qwen"
TITLE = "Qwen Code"
TESTED = "0.15.10"
PROGRAMS = ("qwen",)
FOLDERS = (".qwen",)
SETTINGS = Settings(
    "claude",
    ".qwen/settings.json",
    ".qwen/settings.json",
    {
        "SessionStart": None,
        "UserPromptSubmit": None,
        "PostToolUse": "write_file|edit|notebook_edit|run_shell_command|exit_plan_mode",
        "Stop": None,
        "SessionEnd": None,
    },
    timeout=10_000,
)

NAMES = Payloads(
    NAME,
    edits={
        "write_file": ("file_path",),
        "edit": ("file_path",),
        "replace": ("file_path",),
        "notebook_edit": ("notebook_path",),
    },
    shells=("run_shell_command",),
)
_TYPED = (None, "mid_turn_user_message")


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:  # noqa: ARG001 - says nothing
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    events = read_payload(payload, NAMES)
    if payload.get("hook_event_name") == "UserPromptSubmit":
        return [_prompt(one, payload) for one in events if not is_harness(one.text)]
    return [*events, *_plan(payload)]


def _prompt(one: AgentEvent, payload: Mapping[str, Any]) -> AgentEvent:
    sent = one.text
    path = first(payload, ("transcript_path",))
    earlier = count_said(path, without_files(sent), prompt_in)
    return one._replace(
        text=_command(path) or without_files(sent),
        key=prompt_of(sent, one.session, earlier),
        refs=referenced(sent, one.cwd),
    )


def _command(path: str) -> str:
    """Return the command that is about to be sent as its prompt; empty if the last lines are of none."""
    for line in lines_with(path, b'"parentUuid"'):
        if line.get("type") != "system":
            return ""
        if command_sent(line):
            return command_sent(line)
    return ""


def _plan(payload: Mapping[str, Any]) -> list[AgentEvent]:
    """Return the plan that the person has accepted."""
    if payload.get("hook_event_name") != "PostToolUse" or payload.get("tool_name") != "exit_plan_mode":
        return []
    said = parts_text(arguments(payload.get("tool_response")).get("llmContent"))
    plan = text_of(arguments(payload.get("tool_input")).get("plan"))
    return [event("plan", payload, NAMES, text=plan)] if is_approval(said) and plan.strip() else []


def is_approval(said: str) -> bool:
    """Return whether the tool that shows a plan says that the person has accepted it."""
    return "approved" in said and "not approved" not in said


def prompt_in(line: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the id and the text, without files, of a line of a transcript that a person typed."""
    key = text_of(line.get("uuid"))
    if not key or line.get("type") != "user" or line.get("subtype") not in _TYPED:
        return None
    if line.get("isSidechain") is True or line.get("provenance", "real_user") != "real_user":
        return None
    message = line.get("message")
    sent = parts_text(message.get("parts")) if isinstance(message, dict) else ""
    return (key, without_files(sent)) if sent.strip() and not is_harness(sent) else None


def command_sent(line: Mapping[str, Any]) -> str:
    """Return the custom command whose prompt is sent next, as typed; empty for any other line."""
    what = line.get("systemPayload")
    if line.get("subtype") != "slash_command" or not isinstance(what, dict):
        return ""
    return text_of(what.get("rawCommand")) if what.get("sentToModel") is True else ""


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.qwen_transcripts import session_files as found

    return found(tops, env)


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from regen_git.agents.qwen_transcripts import read_session as read_file

    return read_file(path)
