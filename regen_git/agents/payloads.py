"""Read the JSON that hooks of agents are handed, by a table of each agent's names.

Most agents have the same few events, with other names for events, tools and fields. What one agent has
beyond that stands in its own module. Nothing here raises for odd values.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from regen_git.agents import AgentEvent
from regen_git.agents.jsonl import parse, read_end
from regen_git.domain.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "CLAUDE_EVENTS",
    "Payloads",
    "absolute",
    "arguments",
    "edited_paths",
    "event",
    "first",
    "is_subagent",
    "patch_paths",
    "prompt_key",
    "read_payload",
    "text",
]

Meaning = Literal["session", "prompt", "tool", "end", "gone"]

CLAUDE_EVENTS: Mapping[str, Meaning] = {
    "SessionStart": "session",
    "UserPromptSubmit": "prompt",
    "PostToolUse": "tool",
    "Stop": "end",
    "SessionEnd": "gone",
}
"""What the events mean in the agents whose hooks look like Claude Code's."""


class Payloads(NamedTuple):
    """The names in one agent's payloads; where there are several names for one thing, the first found counts.

    ``edits`` maps a tool that writes, moves or deletes files to the arguments that name them. ``patches`` are
    the tools whose arguments hold a patch with ``*** Update File:`` lines. ``shells`` are those that run a
    command. ``subagent`` are fields that only a subagent's payload has: its prompts were typed by nobody.
    ``turn`` is empty where nothing names the prompt. ``typed`` takes a prompt as it stands in a payload and
    returns what the person typed of it, empty for nothing.
    """

    agent: str
    events: Mapping[str, Meaning] = CLAUDE_EVENTS
    edits: Mapping[str, tuple[str, ...]] = {}
    patches: tuple[str, ...] = ()
    shells: tuple[str, ...] = ()
    name: tuple[str, ...] = ("hook_event_name",)
    session: tuple[str, ...] = ("session_id",)
    cwd: tuple[str, ...] = ("cwd",)
    turn: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ("prompt",)
    said: tuple[str, ...] = ("last_assistant_message",)
    model: tuple[str, ...] = ("model",)
    tool: tuple[str, ...] = ("tool_name",)
    given: tuple[str, ...] = ("tool_input",)
    subagent: tuple[str, ...] = ("agent_id",)
    typed: Callable[[str], str] = str


def read_payload(payload: Mapping[str, Any], names: Payloads) -> list[AgentEvent]:
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    meaning = names.events.get(first(payload, names.name))
    if meaning is None or not first(payload, names.session) or not first(payload, names.cwd):
        return []
    if meaning == "tool":
        return _tool(payload, names)
    if is_subagent(payload, names):
        return []
    if meaning == "prompt":
        typed = names.typed(first(payload, names.prompt))
        key = prompt_key(first(payload, names.session), first(payload, names.turn), typed)
        return [event("prompt", payload, names, text=typed, key=key)] if typed.strip() else []
    if meaning == "end":
        return [event("end", payload, names, text=first(payload, names.said))]
    return [event(meaning, payload, names)]


def is_subagent(payload: Mapping[str, Any], names: Payloads) -> bool:
    """Return whether a subagent's payload this is."""
    return any(payload.get(field) is not None for field in names.subagent)


def event(kind: Any, payload: Mapping[str, Any], names: Payloads, **more: Any) -> AgentEvent:
    """Return an event with what every payload says; ``more`` is the rest of ``AgentEvent``."""
    return AgentEvent(
        kind=kind,
        agent=names.agent,
        session=first(payload, names.session),
        cwd=first(payload, names.cwd),
        # A subagent has turns of its own, which begin with no prompt: its work belongs to the latest one.
        turn=None if is_subagent(payload, names) else first(payload, names.turn) or None,
        transcript=first(payload, _TRANSCRIPT),
        model=first(payload, names.model) or (_model_in_use(payload) if kind in ("edit", "end") else None),
        **more,
    )


_TAIL = 1 << 16
_TRANSCRIPT = ("transcript_path", "transcriptPath")


def _model_in_use(payload: Mapping[str, Any]) -> str | None:
    """Return the model that the end of the transcript names, for payloads that name none; often ``None``."""
    path = first(payload, _TRANSCRIPT)
    for line in reversed(read_end(path, _TAIL).split(b"\n") if path else []):
        if b'"model' in line and (model := _model_on(line)):
            return model
    return None


def _model_on(line: bytes) -> str:
    """Return the model of a transcript's line; a tool's arguments, which may have one too, do not count."""
    data = parse(line) or {}
    for one in (data, data.get("message"), data.get("data")):
        model = first(one, ("model", "modelId")) if isinstance(one, dict) else ""
        if model and not model.startswith("<"):
            return model
    return ""


def _tool(payload: Mapping[str, Any], names: Payloads) -> list[AgentEvent]:
    tool = first(payload, names.tool)
    given = next((payload[field] for field in names.given if field in payload), None)
    paths = edited_paths(tool, given, first(payload, names.cwd), names)
    found = [event("edit", payload, names, path=path) for path in paths]
    return [*found, event("shell", payload, names)] if tool in names.shells else found


_FILE_FIELDS = ("filePath", "file_path", "path")
"""Where a list of edits, one for each file, has the file."""


def edited_paths(tool: str, given: object, cwd: str, names: Payloads) -> list[str]:
    """Return the absolute paths that a tool's call writes, moves or deletes; ``given`` are its arguments.

    A shell's command may hold a patch for a program of the agent.
    """
    found = [
        path if isinstance(path, str) else first(path, _FILE_FIELDS) if isinstance(path, dict) else ""
        for field in names.edits.get(tool, ())
        for value in (arguments(given).get(field),)
        for path in (value if isinstance(value, list) else [value])
    ]
    patch = _patch(given) if tool in names.patches or tool in names.shells else ""
    if tool in names.patches or "*** Begin Patch" in patch:
        found += patch_paths(patch, cwd)
    whole = (absolute(path, cwd) for path in found if path)
    return [path for path in dict.fromkeys(whole) if path]


def arguments(given: object) -> Mapping[str, Any]:
    """Return a tool's arguments; some agents hand them over as JSON in a string."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            given = json.loads(given, strict=False)
        except (ValueError, RecursionError):
            return {}
    return given if isinstance(given, dict) else {}


def _patch(given: object) -> str:
    """Return the patch among a tool's arguments, whatever its argument is called."""
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        return given
    return "\n".join(value for value in arguments(given).values() if isinstance(value, str))


_PATCHED = re.compile(r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (.+?)\s*$", re.MULTILINE)


def patch_paths(patch: str, cwd: str) -> list[str]:
    """Return the absolute paths that a patch of ``*** Add File:`` lines touches, moved files twice."""
    return list(dict.fromkeys(path for path in (absolute(p, cwd) for p in _PATCHED.findall(patch)) if path))


_DRIVE = re.compile(r"/?[A-Za-z]:[\\/]")


def absolute(path: str, cwd: str) -> str:
    """Return a path, or the URL of a file, as an absolute path; empty if it cannot be one."""
    if path.startswith("file://"):
        from urllib.parse import unquote

        path = unquote(path[len("file://") :])
    if "\0" in path:
        return ""
    if _DRIVE.match(path):
        return path.lstrip("/")
    if path.startswith("/"):
        return path
    return f"{cwd.rstrip('/')}/{path.removeprefix('./')}" if cwd else ""


_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def prompt_key(session: str, turn: str, typed: str) -> str | None:
    """Return the key of a prompt, the same from a payload and from a transcript; ``None`` without a turn.

    Two prompts of one turn have two keys, for a person may type while the agent works. A turn with a UUID
    keeps its key in a fork of the session.
    """
    if not session or not turn:
        return None
    digest = sha256(typed.strip().encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{turn}:{digest}" if _UUID.fullmatch(turn) else f"{session}:{turn}:{digest}"


def first(payload: Mapping[str, Any], fields: Sequence[str]) -> str:
    """Return the first of these fields that holds a text; empty if none does."""
    return next((value for value in map(payload.get, fields) if isinstance(value, str) and value), "")


def text(value: object) -> str:
    """Return a text, or nothing for any other value."""
    return value if isinstance(value, str) else ""
