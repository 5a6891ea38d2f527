"""Claude Code's hooks: payloads as events, and which of them are recorded.

Source: the payloads that Claude Code 2.1 hands to command hooks. Unknown events and fields are passed over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regen_git.agents import Settings
from regen_git.agents.payloads import CLAUDE_EVENTS, Payloads, arguments, event, first, read_payload
from regen_git.agents.payloads import text as text_of
from regen_git.domain.ids import derived_intent_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session
    from regen_git.domain.ids import IntentId

NAME = "claude"
TITLE = "Claude Code"
TESTED = "2.1.197"
PROGRAMS = ("claude",)
FOLDERS = (".claude", ".config/claude")

EVENTS: Mapping[str, str | None] = {
    "SessionStart": None,
    "UserPromptSubmit": None,
    "PostToolUse": "Edit|Write|MultiEdit|NotebookEdit|ExitPlanMode|AskUserQuestion",
    "Stop": None,
    "StopFailure": None,
    "SessionEnd": None,
}
"""The events that are recorded, each with the matcher its entry needs."""

SETTINGS = Settings("claude", ".claude/settings.json", ".claude/settings.json", EVENTS, "CLAUDE_CONFIG_DIR")

_VERSION = re.compile(r"claude-code_(\d+)-(\d+)-(\d+)")
_HARNESS = re.compile(
    r"<(system-reminder|ide_opened_file|ide_selection|local-command-stdout|local-command-stderr)>.*?</\1>\s*",
    re.DOTALL,
)
_NOT_TYPED = (
    "<task-notification>",
    "<local-command-caveat>",
    "<bash-input>",
    "<bash-stdout>",
    "[Request interrupted by user",
    "Caveat: The messages below",
)
_PLAN = "Implement the following plan:"


def intent_id(prompt_id: str) -> IntentId:
    """Return the intent that begins with this prompt: the same for the hook and for the transcript.

    ``prompt_id`` is the payload's ``prompt_id``, which is ``promptId`` in the transcript; forks keep it.
    """
    return derived_intent_id("claude", prompt_id)


def typed_text(prompt: str) -> str:
    """Return what the person typed: without what the harness put in; empty if all of it was the harness."""
    text = _HARNESS.sub("", prompt)
    return "" if text.lstrip().startswith(_NOT_TYPED) else text.strip("\n")


_EDITORS = ("Write", "Edit", "MultiEdit", "mcp__acp__Write", "mcp__acp__Edit")
_PAYLOADS = Payloads(
    NAME,
    events={**CLAUDE_EVENTS, "StopFailure": "end"},
    edits={**dict.fromkeys(_EDITORS, ("file_path",)), "NotebookEdit": ("notebook_path",)},
    turn=("prompt_id",),
    typed=typed_text,
)


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what a payload says; empty for events that are not recorded. Never raises for odd fields."""
    name = payload.get("hook_event_name")
    found = read_payload(payload, _PAYLOADS)
    if name == "PostToolUse" and not found and first(payload, ("session_id",)) and first(payload, ("cwd",)):
        found = _decided(payload)
    turn = first(payload, ("prompt_id",)) or None
    version = _VERSION.match(env.get("AI_AGENT", ""))
    found = [
        one._replace(turn=turn, version=".".join(version.groups()) if version else None) for one in found
    ]
    if name == "UserPromptSubmit":
        return [_as_plan(one._replace(key=turn)) for one in found]
    if name == "StopFailure":
        # The message is the error's, not the agent's.
        return [one._replace(text="") for one in found]
    return found


def _as_plan(prompt: AgentEvent) -> AgentEvent:
    """Return what the agent wrote and the person accepted in the plan dialog as that."""
    text = prompt.text.lstrip()
    if not text.startswith(_PLAN):
        return prompt
    return prompt._replace(kind="plan", text=text.removeprefix(_PLAN).strip("\n"))


def _decided(payload: Mapping[str, Any]) -> list[AgentEvent]:
    """Return what the person accepted or answered in a dialog: its tool only finishes when they do."""
    tool = payload.get("tool_name")
    given, answer = arguments(payload.get("tool_input")), arguments(payload.get("tool_response"))
    key = first(payload, ("tool_use_id",)) or None
    if tool == "ExitPlanMode":
        # The answer holds the plan as it was accepted.
        plan = first(answer, ("plan",)) or first(given, ("plan",))
        return [event("plan", payload, _PAYLOADS, text=plan, key=key)] if plan else []
    return _answered(payload, given, answer, key) if tool == "AskUserQuestion" else []


def _answered(
    payload: Mapping[str, Any], given: Mapping[str, Any], answer: Mapping[str, Any], key: str | None
) -> list[AgentEvent]:
    """Return what the person chose or wrote in the agent's question dialog, one prompt a dialog."""
    chosen = answer.get("answers") or given.get("answers")
    if not isinstance(chosen, dict):
        return []
    said = [value for value in chosen.values() if text_of(value).strip()]
    if not said:
        return []
    questions = given.get("questions")
    asked = (
        [_question(item) for item in questions if isinstance(item, dict)]
        if isinstance(questions, list)
        else []
    )
    answers = "\n".join(asked) or "\n".join(map(str, chosen))
    return [event("prompt", payload, _PAYLOADS, text="\n".join(said), answers=answers, key=key)]


def _question(item: Mapping[str, Any]) -> str:
    options = item.get("options")
    labels = (
        [f"- {one.get('label', '')}" for one in options if isinstance(one, dict)]
        if isinstance(options, list)
        else []
    )
    return "\n".join([str(item.get("question", "")), *labels])


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.claude_transcripts import session_files as found

    return [str(path) for path in found(tops, env)]


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from pathlib import Path

    from regen_git.agents.claude_transcripts import read_session as read_file

    return read_file(Path(path))
