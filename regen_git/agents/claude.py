"""Claude Code's hooks: payloads as events, and the entries of its settings file.

Source: the payloads that Claude Code 2.1 hands to command hooks. Unknown events and fields are passed over.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from regen_git.agents import AgentEvent, Settings
from regen_git.domain.ids import derived_intent_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from regen_git.agents.transcripts import Session
    from regen_git.domain.ids import IntentId

__all__ = [
    "COMMAND",
    "EVENTS",
    "FOLDERS",
    "NAME",
    "PROGRAMS",
    "SETTINGS",
    "TESTED",
    "TITLE",
    "has_hooks",
    "intent_id",
    "read",
    "read_session",
    "session_files",
    "typed_text",
    "with_hooks",
    "without_hooks",
]

NAME = "claude"
TITLE = "Claude Code"
TESTED = "2.1.197"
PROGRAMS = ("claude",)
FOLDERS = (".claude", ".config/claude")

COMMAND = "git regen capture --agent claude 2>/dev/null || :"
"""What the settings file calls. A colleague without the program loses nothing by it."""

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

_EDIT_TOOLS = ("Write", "Edit", "MultiEdit", "NotebookEdit", "mcp__acp__Write", "mcp__acp__Edit")
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


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what a payload says; empty for events that are not recorded. Never raises for odd fields."""
    name = payload.get("hook_event_name")
    session = payload.get("session_id")
    cwd = payload.get("cwd")
    if not isinstance(session, str) or not isinstance(cwd, str):
        return []
    reader = _READERS.get(name) if isinstance(name, str) else None
    return reader(payload, env) if reader else []


def _start(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    return [_event("session", payload, env, model=_text(payload.get("model")))]


def _end(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    # After an error the message is the error's, not the agent's.
    said = payload.get("last_assistant_message") if payload["hook_event_name"] == "Stop" else ""
    return [_event("end", payload, env, text=_text(said) or "")]


def _gone(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    return [_event("gone", payload, env)]


def _event(kind: Any, payload: Mapping[str, Any], env: Mapping[str, str], **more: Any) -> AgentEvent:
    version = _VERSION.match(env.get("AI_AGENT", ""))
    return AgentEvent(
        kind=kind,
        agent="claude",
        session=payload["session_id"],
        cwd=payload["cwd"],
        turn=_text(payload.get("prompt_id")),
        version=".".join(version.groups()) if version else None,
        **more,
    )


def _prompt(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    prompt = payload.get("prompt")
    if not isinstance(prompt, str) or "agent_id" in payload:
        return []
    text = typed_text(prompt)
    if not text.strip():
        return []
    if text.lstrip().startswith(_PLAN):
        # The agent wrote this; the person accepted it in the plan dialog.
        plan = text.lstrip().removeprefix(_PLAN).strip("\n")
        return [_event("plan", payload, env, text=plan, key=_text(payload.get("prompt_id")))]
    return [_event("prompt", payload, env, text=text, key=_text(payload.get("prompt_id")))]


def _tool(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    tool = payload.get("tool_name")
    given = payload.get("tool_input")
    if not isinstance(given, dict):
        return []
    if tool in _EDIT_TOOLS:
        path = given.get("notebook_path") if tool == "NotebookEdit" else given.get("file_path")
        return [_event("edit", payload, env, path=path)] if isinstance(path, str) and path else []
    answer = payload.get("tool_response")
    answer = answer if isinstance(answer, dict) else {}
    if tool == "ExitPlanMode":
        # The tool only finishes when the person accepts; the answer holds the plan as it was accepted.
        plan = _text(answer.get("plan")) or _text(given.get("plan"))
        return (
            [_event("plan", payload, env, text=plan, key=_text(payload.get("tool_use_id")))] if plan else []
        )
    if tool == "AskUserQuestion":
        return _answered(payload, env, given, answer)
    return []


def _answered(
    payload: Mapping[str, Any], env: Mapping[str, str], given: Mapping[str, Any], answer: Mapping[str, Any]
) -> list[AgentEvent]:
    """Return what the person chose or wrote in the agent's question dialog, one prompt a dialog."""
    chosen = answer.get("answers") or given.get("answers")
    if not isinstance(chosen, dict):
        return []
    said = [str(value) for value in chosen.values() if isinstance(value, str) and value.strip()]
    if not said:
        return []
    asked = [_question(item) for item in given.get("questions") or [] if isinstance(item, dict)]
    return [
        _event(
            "prompt",
            payload,
            env,
            text="\n".join(said),
            answers="\n".join(asked) or "\n".join(str(question) for question in chosen),
            key=_text(payload.get("tool_use_id")),
        )
    ]


def _question(item: Mapping[str, Any]) -> str:
    options = [
        f"- {option.get('label', '')}" for option in item.get("options") or [] if isinstance(option, dict)
    ]
    return "\n".join([str(item.get("question", "")), *options])


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


_READERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, str]], list[AgentEvent]]] = {
    "UserPromptSubmit": _prompt,
    "PostToolUse": _tool,
    "SessionStart": _start,
    "Stop": _end,
    "StopFailure": _end,
    "SessionEnd": _gone,
}


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.claude_transcripts import session_files as found

    return [str(path) for path in found(tops, env)]


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from pathlib import Path

    from regen_git.agents.claude_transcripts import read_session as read_file

    return read_file(Path(path))


def with_hooks(settings: str) -> str:
    """Return the text of a settings file with our entries in it; all else keeps its place and its form.

    An empty text is an empty file. Raises ``ValueError`` when the text is not a JSON object.
    """
    data = _parsed(settings)
    hooks = data.setdefault("hooks", {})
    if not isinstance(hooks, dict):
        raise ValueError("its 'hooks' is not an object")
    for event, matcher in EVENTS.items():
        entries = hooks.setdefault(event, [])
        if not isinstance(entries, list):
            raise ValueError(f"its 'hooks.{event}' is not a list")
        if any(_is_ours(hook) for entry in entries for hook in _hooks_of(entry)):
            continue
        ours: dict[str, Any] = {"hooks": [{"type": "command", "command": COMMAND, "timeout": 10}]}
        entries.append({"matcher": matcher, **ours} if matcher else ours)
    return _written(data, settings)


def without_hooks(settings: str) -> str:
    """Return the text without our entries; empty when nothing else was in it. Raises as ``with_hooks``."""
    data = _parsed(settings)
    hooks = data.get("hooks")
    if not isinstance(hooks, dict):
        return settings
    for event in list(hooks):
        entries = hooks[event]
        if not isinstance(entries, list):
            continue
        for entry in entries:
            if any(_is_ours(hook) for hook in _hooks_of(entry)):
                entry["hooks"] = [hook for hook in entry["hooks"] if not _is_ours(hook)]
        hooks[event] = [entry for entry in entries if not isinstance(entry, dict) or entry.get("hooks") != []]
        if not hooks[event]:
            del hooks[event]
    if not hooks:
        del data["hooks"]
    return _written(data, settings) if data else ""


def has_hooks(settings: str) -> bool:
    """Return whether every event we record has our entry."""
    try:
        hooks = _parsed(settings).get("hooks")
    except ValueError:
        return False
    if not isinstance(hooks, dict):
        return False
    return all(
        any(_is_ours(hook) for entry in hooks.get(event) or [] for hook in _hooks_of(entry))
        for event in EVENTS
    )


def _parsed(settings: str) -> dict[str, Any]:
    data = json.loads(settings) if settings.strip() else {}
    if not isinstance(data, dict):
        raise ValueError("it is not a JSON object")
    return data


def _hooks_of(entry: object) -> list[Any]:
    hooks = entry.get("hooks") if isinstance(entry, dict) else None
    return hooks if isinstance(hooks, list) else []


def _is_ours(hook: object) -> bool:
    command = hook.get("command") if isinstance(hook, dict) else None
    return isinstance(command, str) and re.search(r"\bgit[ -]regen capture\b", command) is not None


def _written(data: dict[str, Any], before: str) -> str:
    found = re.search(r"^([ \t]+)\S", before, re.MULTILINE)
    indent: int | str = found.group(1) if found else 2
    return json.dumps(data, indent=indent, ensure_ascii=False) + (
        "\n" if before.endswith("\n") or not before else ""
    )
