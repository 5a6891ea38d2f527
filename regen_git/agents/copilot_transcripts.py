"""Read the streams of events that Copilot CLI keeps, and VS Code in the same form.

What a person typed stands in ``user.message``; those of subagents are told by ``agentId`` or ``source``. Just
before it stands ``hook.start`` with what the hooks were handed, so that the same prompt has the same key.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.agents.copilot import key_of
from regen_git.agents.jsonl import read_lines
from regen_git.agents.payloads import absolute, arguments, edited_paths, first, text
from regen_git.agents.transcripts import Session
from regen_git.agents.turns import Turns, commits_in, home_folder, is_inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from regen_git.agents.payloads import Payloads
    from regen_git.agents.transcripts import Turn

__all__ = ["read_session", "session_files", "starts_in"]

_TYPED = ("", "user")
"""What ``source`` says of a message that a person typed."""


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts of sessions that began in these folders or below, sorted."""
    states = Path(home_folder(env, ".copilot", "COPILOT_HOME")) / "session-state"
    found = [*states.glob("*/events.jsonl"), *states.glob("*.jsonl")]
    return sorted(path for path in map(str, found) if is_inside(starts_in(path) or "/", tops))


def starts_in(path: str) -> str:
    """Return the folder in which a session began; empty if its first line does not say so."""
    with suppress(OSError):
        return _cwd(_data(next(read_lines(path), {})))
    return ""


def read_session(path: str, tools: Payloads) -> Session | None:
    """Read one transcript; ``None`` when nobody typed anything in it."""
    reader = _Reader(tools)
    for line in read_lines(path):
        reader.take(line)
    turns = tuple(reader.live_turns())
    if not turns:
        return None
    name = Path(path).parent.name if Path(path).name == "events.jsonl" else Path(path).stem
    return Session(reader.id or name, reader.cwd, reader.version, reader.started, turns)


class _Reader:
    """Takes lines in file order and keeps little of each."""

    def __init__(self, tools: Payloads) -> None:
        self.id = ""
        self.cwd = ""
        self.version: str | None = None
        self.started = ""
        self._tools = tools
        self._model = ""
        self._turns = Turns()
        self._prompts: list[tuple[int, str]] = []
        self._undone: set[str] = set()
        self._lines: dict[str, int] = {}
        self._asked: dict[str, Any] = {}
        self._calls: dict[str, tuple[str, Any]] = {}

    def live_turns(self) -> Iterator[Turn]:
        """Yield the turns that were not rewound."""
        yield from (turn for turn in self._turns.finish() if turn.key not in self._undone)

    def take(self, line: dict[str, Any]) -> None:
        """Take one parsed line."""
        data, kind, at = _data(line), text(line.get("type")), text(line.get("timestamp"))
        self._lines[text(line.get("id"))] = len(self._lines)
        self.started = self.started or at
        self.cwd = self.cwd or _cwd(data)
        is_subagent = bool(line.get("agentId"))
        if kind == "session.start":
            self.id = self.id or text(data.get("sessionId"))
            self.version = first(data, ("copilotVersion", "version")) or None
        elif kind == "hook.start" and not is_subagent and data.get("hookType") == "userPromptSubmitted":
            self._asked = dict(arguments(data.get("input")))
        elif kind == "user.message" and not is_subagent:
            self._message(line, data, at)
        elif kind == "session.snapshot_rewind":
            back = self._lines.get(text(data.get("upToEventId")))
            self._undone |= {key for n, key in self._prompts if back is not None and n >= back}
        elif kind == "session.model_change" and not is_subagent:
            self._model = text(data.get("newModel")) or self._model
        elif kind == "assistant.message":
            if not is_subagent:
                self._turns.said(text(data.get("content")))
                self._turns.saw(at, text(data.get("model")) or self._model)
        elif kind.startswith("tool.execution"):
            self._tool(kind, data, at)

    def _message(self, line: Mapping[str, Any], data: Mapping[str, Any], at: str) -> None:
        typed = text(data.get("content"))
        if not typed.strip() or text(data.get("source")) not in _TYPED:
            return
        refs = [path for path in map(_attached, _list(data.get("attachments"))) if path]
        if data.get("delivery") == "steering":
            self._turns.typed_meanwhile(typed, at)
            return
        asked, self._asked = self._asked, {}
        is_same = text(asked.get("prompt")).strip() == typed.strip()
        session = self.id or text(asked.get("sessionId"))
        key = key_of(session, asked.get("timestamp")) if is_same else None
        key = key or f"{session}:{first(data, ('messageId',)) or text(line.get('id'))}"
        self._prompts.append((len(self._lines) - 1, key))
        self._turns.typed(key, typed, at, refs)

    def _tool(self, kind: str, data: Mapping[str, Any], at: str) -> None:
        """Take a tool's call, a subagent's too, and its answer; a ``!command`` has only an answer."""
        call = text(data.get("toolCallId"))
        if kind == "tool.execution_start":
            self._calls[call] = (text(data.get("toolName")), data.get("arguments"))
            return
        tool, given = self._calls.pop(call, ("", None))
        if kind != "tool.execution_complete" or not tool:
            return
        self._turns.saw(at)
        result = data.get("result")
        result = result if isinstance(result, dict) else {"content": result}
        said = first(result, ("content", "detailedContent", "text_result_for_llm", "textResultForLlm"))
        if tool in self._tools.shells:
            self._turns.committed(commits_in(text(arguments(given).get("command")), said))
        # Older releases say in the result whether it worked.
        worked = data.get("success", first(result, ("result_type", "resultType")) == "success")
        if worked is True:
            self._turns.edited(edited_paths(tool, given, self.cwd, self._tools))
            self._turns.edited(path for path in map(_edited, _list(data.get("fileEdits"))) if path)


def _data(line: Mapping[str, Any]) -> Mapping[str, Any]:
    data = line.get("data")
    return data if isinstance(data, dict) else {}


def _cwd(data: Mapping[str, Any]) -> str:
    context = data.get("context")
    return text(context.get("cwd")) if isinstance(context, dict) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _attached(one: object) -> str:
    """Return the path of a file that the person pointed at."""
    return text(one.get("path")) if isinstance(one, dict) and one.get("type") == "file" else ""


def _edited(one: object) -> str:
    path = text(one.get("path")) if isinstance(one, dict) else ""
    return absolute(path, "") if path else ""
