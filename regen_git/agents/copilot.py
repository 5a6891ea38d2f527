"""Copilot CLI's hooks: payloads in both of its dialects as events, and where its transcripts lie.

A payload of the camelCase dialect does not name its event: its fields tell. Both dialects have the time at
which a prompt was typed, and so has the transcript: with the session, that is its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents import Settings
from regen_git.agents.jsonl import read_end
from regen_git.agents.payloads import CLAUDE_EVENTS, Payloads, arguments, first, read_payload, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session

NAME = "copilot"
TITLE = "GitHub Copilot CLI"
TESTED = "1.0.102"
PROGRAMS = ("copilot",)
FOLDERS = (".copilot",)

EVENTS: Mapping[str, str | None] = {
    "sessionStart": None,
    "userPromptSubmitted": None,
    "postToolUse": None,
    "agentStop": None,
    "sessionEnd": None,
}
"""The events that are recorded. VS Code reads the same files, and these names too."""

SETTINGS = Settings(
    "copilot",
    ".github/hooks/git-regen.json",
    ".copilot/hooks/git-regen.json",
    EVENTS,
    "COPILOT_HOME",
    todo="trust this folder when copilot asks; without that it reads no hooks of a project",
)

_EDITORS = ("create", "edit", "str_replace", "str_replace_editor", "insert", "Write", "Edit", "MultiEdit")

TOOLS = Payloads(
    NAME,
    events=CLAUDE_EVENTS,
    edits=dict.fromkeys(_EDITORS, ("path", "file_path", "filePath")),
    patches=("apply_patch", "ApplyPatch"),
    shells=("bash", "powershell", "shell", "Bash", "PowerShell"),
    session=("session_id", "sessionId"),
    tool=("tool_name", "toolName"),
    given=("tool_input", "toolArgs"),
    subagent=("agent_id", "agentId", "parent_agent_id", "parentAgentId"),
)
"""The names in its payloads; its transcript has the same tools."""

_LOOKED_AT = 8 << 20
"""Bytes at the end of a transcript in which prompts are looked for while the agent waits."""

_FIELDS = (
    ("prompt", "UserPromptSubmit"),
    ("toolResult", "PostToolUse"),
    ("stopReason", "Stop"),
    ("reason", "SessionEnd"),
    ("source", "SessionStart"),
)
"""Fields by which a payload without a name is told, the first that it has."""


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    whole = dict(payload)
    if "hook_event_name" not in whole:
        whole["hook_event_name"] = next((name for field, name in _FIELDS if field in whole), None)
    # A subagent has a session of its own; what it does is done for the one that a person talks in.
    parent = first(whole, ("parent_agent_id", "parentAgentId"))
    if parent:
        whole["session_id"] = parent
    found = read_payload(whole, TOOLS)
    if found and found[0].kind == "prompt":
        return [found[0]._replace(key=key_of(found[0].session, whole.get("timestamp")))]
    if found and found[0].kind in ("end", "gone"):
        return [*_steered(found[0], whole, env), *found]
    answer = arguments(whole.get("tool_result", whole.get("toolResult")))
    if first(answer, ("result_type", "resultType")) not in ("", "success"):
        return [event for event in found if event.kind != "edit"]
    return found


def _steered(after: AgentEvent, payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what was typed while the agent worked: it fires nothing, and is in the transcript a while later.

    Only the last turn there counts: what came before was there already when an earlier turn ended.
    """
    path = first(payload, ("transcript_path", "transcriptPath"))
    if not path:
        home = env.get("COPILOT_HOME") or f"{env.get('HOME', '')}/.copilot"
        path = f"{home}/session-state/{after.session}/events.jsonl"
    if b'"steering"' not in read_end(path, _LOOKED_AT):
        return []
    try:
        session = read_session(path)
    except OSError:
        return []
    if session is None or session.id != after.session:
        return []
    key = session.turns[-1].key
    return [
        after._replace(
            kind="prompt", turn=key, key=f"{key}+{n}", text=typed.text, answers="", at=_second(typed.at)
        )
        for n, typed in enumerate(session.turns[-1].prompts)
        if n
    ]


def _second(at: str) -> str:
    return at[:19] + "Z" if len(at) > len("2026-01-01T00:00:00") else ""


def key_of(session: str, at: object) -> str | None:
    """Return the key of the prompt that was typed at this time: RFC 3339, or milliseconds since 1970."""
    if isinstance(at, int) and not isinstance(at, bool) and 0 <= at < 1 << 47:
        import time

        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 1000))
        return f"{session}:{stamp}.{at % 1000:03}Z"
    return f"{session}:{at}" if text(at) else None


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.copilot_transcripts import session_files as found

    return found(tops, env)


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from regen_git.agents.copilot_transcripts import read_session as read_file

    return read_file(path, TOOLS)
