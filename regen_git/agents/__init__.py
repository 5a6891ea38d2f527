"""What coding agents show of a person's work, in one vocabulary; one file an agent knows its payloads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ALIASES", "AgentEvent", "caller"]

EventKind = Literal["session", "prompt", "edit", "plan", "end", "gone"]


class AgentEvent(NamedTuple):
    """One thing that an agent said has happened (no dataclass: their import costs a third of a capture).

    ``session``: a session began, ``model`` may be known. ``prompt``: a person typed ``text`` (``answers`` is
    what they replied to). ``edit``: the agent has written the file at the absolute ``path``. ``plan``: the
    person accepted the plan ``text``. ``end``: the turn is over, ``text`` is the agent's last message.
    ``gone``: the session is over.

    ``turn`` is the agent's own id of the prompt that all this follows from; ``key`` tells two prompts of one
    turn apart; it must be the agent's alone, for instance with the session in it. ``cwd`` is where the
    session works, absolute.
    """

    kind: EventKind
    agent: str
    session: str
    cwd: str
    turn: str | None = None
    key: str | None = None
    text: str = ""
    answers: str | None = None
    path: str = ""
    model: str | None = None
    version: str | None = None


ALIASES = {"claude-code": "claude", "codex-cli": "codex", "gemini-cli": "gemini", "copilot-cli": "copilot"}
"""Other names under which people know an agent."""

_VARIABLES = (
    ("COPILOT_CLI", "copilot"),
    ("FACTORY_PROJECT_DIR", "droid"),
    ("QWEN_PROJECT_DIR", "qwen"),
    ("GEMINI_SESSION_ID", "gemini"),
)
_PATHS = (
    (r"\.cursor", "cursor"),
    (r"\.gemini/tmp", "gemini"),
    (r"/sessions/.*rollout-[^/]*$", "codex"),
    (r"GitHub\.copilot-chat|workspaceStorage", "vscode"),
    (r"\.copilot/session-state", "copilot"),
    (r"\.factory/sessions", "droid"),
    (r"\.qwen/projects", "qwen"),
    (r"\.continue/sessions", "continue"),
    (r"\.?claude[^/]*/(?:.*/)?projects/", "claude"),
)
_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cursor", ("cursor_version",)),
    ("windsurf", ("agent_action_name", "trajectory_id")),
    ("codex", ("turn_id", "model")),
)
_GEMINI_EVENTS = ("BeforeAgent", "AfterAgent", "AfterTool", "BeforeTool", "BeforeModel", "AfterModel")


def caller(payload: Mapping[str, Any], env: Mapping[str, str], hint: str) -> str:
    """Return which agent calls: what the environment proves, else what the payload shows, else the hint.

    One hook file is read by several agents, so the name on the command line alone proves nothing.
    """
    hint = ALIASES.get(hint, hint)
    session = payload.get("session_id")
    for variable, name in _VARIABLES:
        if env.get(variable):
            return name
    if env.get("CLAUDECODE") == "1" and session is not None and env.get("CLAUDE_CODE_SESSION_ID") == session:
        return "claude"
    return _by_payload(payload) or hint


def _by_payload(payload: Mapping[str, Any]) -> str | None:
    path = str(payload.get("transcript_path") or payload.get("transcriptPath") or "").replace("\\", "/")
    event = payload.get("hook_event_name")
    if event in _GEMINI_EVENTS:
        return "gemini"
    for name, fields in _SHAPES:
        if all(field in payload for field in fields):
            return name
    stamp = payload.get("timestamp")
    if "sessionId" in payload:
        return "copilot" if isinstance(stamp, int) else "vscode" if "hookEventName" in payload else None
    for pattern, name in _PATHS:
        if re.search(pattern, path):
            return name
    if event and "session_id" in payload and isinstance(stamp, str) and not path:
        return "copilot"
    return None
