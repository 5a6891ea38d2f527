"""What coding agents show of a person's work, in one vocabulary; one file an agent knows its payloads."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.agents.contract import Agent

__all__ = ["ALIASES", "NAMES", "AgentEvent", "Settings", "Shape", "caller", "load"]

EventKind = Literal["session", "prompt", "typed", "edit", "plan", "shell", "end", "gone"]


class AgentEvent(NamedTuple):
    """One thing that an agent said has happened (no dataclass: their import costs a third of a capture).

    ``session``: a session began, ``model`` may be known. ``prompt``: a person typed ``text`` (``answers`` is
    what they replied to). ``typed``: the prompt with this ``key`` was typed as ``text``; what was said of it
    before had been expanded. ``edit``: the agent has written or deleted the file at the absolute ``path``.
    ``plan``: the person accepted the plan ``text``. ``shell``: the agent has run a command, which may have
    committed. ``end``: the turn is over, ``text`` is the agent's last message. ``gone``: the session is over.

    ``turn`` is the agent's own id of the prompt that all this follows from; ``key`` tells two prompts of one
    turn apart; it must be the agent's alone, for instance with the session in it. ``cwd`` is where the
    session works, absolute. ``refs`` are slash commands and absolute paths that the person pointed at beyond
    what ``text`` shows. ``at`` is when it happened where that is not now: RFC 3339, UTC, to the second.
    ``transcript`` is the file in which the agent keeps the session, where it says so.
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
    refs: tuple[str, ...] = ()
    at: str = ""
    transcript: str = ""


Shape = Literal["claude", "copilot", "cursor", "windsurf", "plugin"]
"""How a settings file lists its hooks.

``claude``: ``{"hooks": {EVENT: [{"matcher": …, "hooks": [{"type": "command", …}]}]}}``, read by most agents.
``copilot``: a file of our own, ``{"version": 1, "hooks": {EVENT: [{"type": "command", "bash": …}]}}``.
``cursor``: ``{"version": 1, "hooks": {EVENT: [{"command": …}]}}``. ``windsurf``: the same without version.
``plugin``: a file of our own in the agent's folder of plugins.
"""


class Settings(NamedTuple):
    """Where an agent reads its hooks, and which of its events are told to us.

    ``project`` is a path in the working tree and ``user`` one in the home folder; empty where the agent has
    no such file. The first part of ``user`` lies at the value of ``variable`` where that is set. ``events``
    maps an event to the matcher of its entry. ``timeout`` is in the agent's own unit. ``todo`` says what the
    person still has to do in the agent before hooks run; empty: nothing. ``price`` says what it costs people
    to have the file, where it costs them something: such an agent is told only on request.
    """

    shape: Shape
    project: str
    user: str
    events: Mapping[str, str | None]
    variable: str = ""
    timeout: int = 10
    todo: str = ""
    price: str = ""


NAMES = (
    "claude",
    "codex",
    "gemini",
    "copilot",
    "opencode",
    "droid",
    "qwen",
    "pi",
    "aider",
    "cursor",
    "vscode",
    "windsurf",
    "continue",
    "amp",
)
"""The agents that are known, in the order in which people are shown them."""


def load(name: str) -> Agent:
    """Return what is known of an agent. Raises ``KeyError`` for a name that is not in ``NAMES``."""
    if name not in NAMES:
        raise KeyError(name)
    module = name + "_" if name == "continue" else name
    return cast("Agent", import_module(f"regen_git.agents.{module}"))


ALIASES = {"claude-code": "claude", "codex-cli": "codex", "gemini-cli": "gemini", "copilot-cli": "copilot"}
"""Other names under which people know an agent."""

_VARIABLES = (
    ("COPILOT_PROJECT_DIR", "copilot"),
    ("FACTORY_PROJECT_DIR", "droid"),
    ("QWEN_PROJECT_DIR", "qwen"),
    ("GEMINI_SESSION_ID", "gemini"),
)
"""Variables that an agent sets for its hooks and not for its shell: no agent inherits them from another."""

_PATHS = (
    (r"/\.cursor/", "cursor"),
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
_PLUGINS = ("opencode", "pi", "amp")
"""Agents whose plugin calls us: no other agent reads it, so its word counts."""


def caller(payload: Mapping[str, Any], env: Mapping[str, str], hint: str) -> str:
    """Return which agent calls: what the environment proves, else what the payload shows, else the hint.

    One hook file is read by several agents, so the name on the command line alone proves nothing. Variables
    are inherited by an agent that another one has started.
    """
    hint = ALIASES.get(hint, hint)
    if hint in _PLUGINS:
        return hint
    session = payload.get("session_id")
    for variable, name in _VARIABLES:
        if env.get(variable):
            return name
    if env.get("CLAUDECODE") == "1" and session is not None and env.get("CLAUDE_CODE_SESSION_ID") == session:
        return "claude"
    found = _by_payload(payload)
    if found == "copilot" and env.get("AI_AGENT", "").startswith("github_copilot_vscode"):
        return "vscode"
    return found or hint


def _by_payload(payload: Mapping[str, Any]) -> str | None:
    path = str(payload.get("transcript_path") or payload.get("transcriptPath") or "").replace("\\", "/")
    if payload.get("hook_event_name") in _GEMINI_EVENTS:
        return "gemini"
    for name, fields in _SHAPES:
        if all(field in payload for field in fields):
            return name
    stamp = payload.get("timestamp")
    if "sessionId" in payload:
        return "copilot" if isinstance(stamp, int) else "vscode" if "hookEventName" in payload else None
    named = next((name for pattern, name in _PATHS if re.search(pattern, path)), None)
    if named or path or "session_id" not in payload or not payload.get("hook_event_name"):
        return named
    if isinstance(stamp, str):
        return "copilot"
    # An ephemeral session of Codex; the other agents always give a path, or a time.
    return "codex" if "transcript_path" in payload else None
