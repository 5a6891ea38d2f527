"""Codex CLI's hooks: payloads as events, and where its rollout files lie.

Source: the payloads of Codex 0.130 and 0.169.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regen_git.agents import Settings
from regen_git.agents.jsonl import read_lines
from regen_git.agents.payloads import CLAUDE_EVENTS, Payloads, first, read_payload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session

NAME = "codex"
TITLE = "Codex CLI"
TESTED = "0.169.0"
PROGRAMS = ("codex",)
FOLDERS = (".codex",)

# Edit and Write are other names of apply_patch.
_TOOLS = "Bash|shell|exec_command|apply_patch|Edit|Write"

EVENTS: Mapping[str, str | None] = {
    "SessionStart": None,
    "UserPromptSubmit": None,
    "PostToolUse": _TOOLS,
    "Stop": None,
    "Interrupt": None,
    "SessionEnd": None,
}
"""The events that are recorded, each with the matcher its entry needs; old releases pass over new events."""

SETTINGS = Settings(
    "claude",
    ".codex/hooks.json",
    ".codex/hooks.json",
    EVENTS,
    "CODEX_HOME",
    todo="start codex here; trust the folder and its new hooks (it asks, else run /hooks), or it skips them",
)

HARNESS = (
    "<environment_context>",
    "<user_instructions>",
    "<user_shell_command>",
    "<turn_aborted>",
    "<subagent_notification>",
    "<additional_context>",
    "<collaboration_mode>",
    "<codex_internal_context",
    "<hook_prompt",
    "<recommended_plugins>",
    "<in-app-browser-context",
)
"""How texts begin that Codex writes in the person's name."""

_PIPED = re.compile(r"(?<=\S)\n\n<stdin>\n.*</stdin>\s*\Z", re.DOTALL)
_CONTEXT = re.compile(
    r"\A\s*#{1,2} [^\n]{1,80}:[ \t]*\n(?:.*?\n)?## My request(?: for Codex)?:[ \t]*\n?", re.DOTALL
)
_MENTIONED = re.compile(r"^## [^\n]+?: ((?:/|[A-Za-z]:[\\/])[^\n]+?)[ \t]*$", re.MULTILINE)
_IMAGE = re.compile(r"\s*<image name=\[[^\]\n]*\][^>\n]*>\s*(?:</image>)?")
_PLAN = re.compile(r"\AA previous agent produced the plan below to accomplish the user's task\.[^\n]*\n+")

ACCEPTED = "Implement the plan."
"""What the dialog under a plan submits in the person's name when they accept it."""


def typed_text(prompt: str) -> str:
    """Return what the person typed; empty if nobody did.

    ``codex exec`` puts what was piped in behind it, an editor or the desktop puts its context in front.
    """
    if prompt.lstrip().startswith(HARNESS):
        return ""
    return _IMAGE.sub("", _PIPED.sub("", _CONTEXT.sub("", prompt, count=1)))


def mentioned(prompt: str) -> tuple[str, ...]:
    """Return the absolute paths of the files that the person added to a prompt, by the context in front."""
    found = _CONTEXT.match(prompt)
    return tuple(dict.fromkeys(_MENTIONED.findall(found[0]))) if found and "# Files " in found[0] else ()


def accepted_plan(prompt: str) -> str | None:
    """Return the plan that the person accepted in order to begin afresh with it; the agent wrote it."""
    found = _PLAN.match(prompt)
    return prompt[found.end() :].strip("\n") if found else None


_PAYLOADS = Payloads(
    NAME,
    events={**CLAUDE_EVENTS, "Interrupt": "end"},
    patches=("apply_patch", "Edit", "Write"),
    shells=("Bash", "shell", "exec_command"),
    turn=("turn_id",),
    typed=typed_text,
)


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:  # noqa: ARG001 - says nothing
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    found = read_payload(payload, _PAYLOADS)
    if not found or found[0].kind != "prompt":
        return found
    path = first(payload, ("transcript_path",))
    if path and _is_of_subagent(path):
        return []
    found = [found[0]._replace(refs=mentioned(first(payload, ("prompt",))))]
    plan = accepted_plan(found[0].text)
    if found[0].text == ACCEPTED and path:
        from regen_git.agents.codex_transcripts import last_plan

        plan = last_plan(path)
    return [found[0]._replace(kind="plan", text=plan)] if plan else found


def _is_of_subagent(path: str) -> bool:
    """Return whether a rollout is a subagent's: Codex 0.130 hands its task over as if it had been typed."""
    try:
        data = next(read_lines(path), {})
    except (OSError, ValueError):
        return False
    meta = data.get("payload")
    return isinstance(meta, dict) and is_subagent_meta(meta)


def is_subagent_meta(meta: Mapping[str, Any]) -> bool:
    """Return whether the head of a rollout says that no person talks in it."""
    source = meta.get("source")
    return meta.get("thread_source") == "subagent" or (isinstance(source, dict) and "subagent" in source)


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.codex_transcripts import session_files as found

    return found(tops, env)


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from regen_git.agents.codex_transcripts import read_session as read_file

    return read_file(path)
