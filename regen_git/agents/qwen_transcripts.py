"""Read the transcripts that Qwen Code keeps: a tree written as lines, every line names its parent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.agents.gemini import parts_text, prompt_of, referenced
from regen_git.agents.jsonl import read_lines
from regen_git.agents.payloads import arguments, edited_paths, text
from regen_git.agents.qwen import NAMES, command_sent, is_approval, prompt_in
from regen_git.agents.transcripts import Session
from regen_git.agents.turns import Turns, commits_in, folder_names, home_folder, live_prompts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents.transcripts import Turn

__all__ = ["read_session", "session_files"]


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted.

    The names of the folders do not tell ``a/b`` from ``a-b``: compare ``Session.cwd`` too.
    """
    names = folder_names(tops)
    found = (home_folder(env, ".qwen") / "projects").glob("*/chats/*.jsonl")
    return sorted(
        str(path)
        for path in found
        if any(path.parts[-3] == name or path.parts[-3].startswith(name + "-") for name in names)
    )


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it. Raises ``OSError``."""
    reader = _Reader()
    for line in read_lines(path):
        reader.take(line)
    turns = reader.turns()
    if not turns:
        return None
    return Session(reader.session or Path(path).stem, reader.cwd, reader.version, reader.started, turns)


class _Reader:
    """Takes lines in file order; large results are not kept."""

    def __init__(self) -> None:
        self.session = ""
        self.cwd = ""
        self.version: str | None = None
        self.started = ""
        self._lines: list[dict[str, Any]] = []
        self._parents: list[int] = []
        self._index: dict[str, int] = {}
        self._calls: dict[str, tuple[str, Any]] = {}
        self._count: dict[str, int] = {}
        self._command = ""

    def take(self, line: dict[str, Any]) -> None:
        """Take one parsed line."""
        uuid = text(line.get("uuid"))
        if not uuid or line.get("isSidechain") is True:
            return
        self.session = self.session or text(line.get("sessionId"))
        self.cwd = self.cwd or text(line.get("cwd"))
        self.version = text(line.get("version")) or self.version
        self.started = self.started or text(line.get("timestamp"))
        parent = line.get("parentUuid")
        # A parent that is not in the file is the line before; none at all is a new beginning.
        last = len(self._lines) - 1
        self._parents.append(-1 if parent is None else self._index.get(text(parent), last))
        self._index[uuid] = len(self._lines)
        self._lines.append(self._kept(line))

    def turns(self) -> tuple[Turn, ...]:
        """Return the turns of the branch that the last line is on."""
        owners = live_prompts(self._parents, ["key" in line for line in self._lines])
        turns = Turns()
        for line, owner in zip(self._lines, owners, strict=True):
            if owner < 0:
                continue
            if "key" in line:
                turns.typed(line["key"], line["typed"], line["at"], line["refs"])
            elif "typed" in line:
                turns.typed_meanwhile(line["typed"], line["at"])
            turns.saw(line["at"], line.get("model", ""))
            turns.said(line.get("said", ""))
            turns.edited(line.get("edits", ()))
            turns.committed(line.get("commits", ()))
            turns.approved(line.get("plan", ""))
        return turns.finish()

    def _kept(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return what is needed of a line: a prompt has a ``key`` if it begins a turn."""
        kept: dict[str, Any] = {"at": text(line.get("timestamp"))}
        kind = line.get("type")
        if kind == "system":
            self._command = command_sent(line) or self._command
            return kept
        prompt, self._command, command = prompt_in(line), "", self._command
        if prompt is not None:
            kept |= self._prompt(line, prompt[1], command)
        elif kind == "assistant":
            kept |= self._assistant(line)
        elif kind == "tool_result":
            kept |= self._result(line.get("toolCallResult"))
        return kept

    def _prompt(self, line: dict[str, Any], asked: str, command: str) -> dict[str, Any]:
        sent = parts_text(line["message"]["parts"])
        what = line.get("systemPayload")
        shown = text(what.get("displayText")) if isinstance(what, dict) else ""
        typed = {"typed": command or shown.strip() or asked.strip()}
        earlier = self._count.get(asked, 0)
        self._count[asked] = earlier + 1
        if line.get("subtype") == "mid_turn_user_message":
            return typed
        origin = line.get("forkedFrom")
        session = text(origin.get("sessionId")) if isinstance(origin, dict) else ""
        key = prompt_of(sent, session or text(line.get("sessionId")), earlier) or text(line.get("uuid"))
        return {**typed, "key": key, "refs": referenced(sent, text(line.get("cwd")))}

    def _assistant(self, line: dict[str, Any]) -> dict[str, Any]:
        message = line.get("message")
        parts = message.get("parts") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else []:
            call = part.get("functionCall") if isinstance(part, dict) else None
            if isinstance(call, dict):
                self._calls[text(call.get("id"))] = (text(call.get("name")), call.get("args"))
        return {"said": parts_text(parts), "model": text(line.get("model"))}

    def _result(self, result: object) -> dict[str, Any]:
        if not isinstance(result, dict) or result.get("status") != "success":
            return {}
        tool, given = self._calls.pop(text(result.get("callId")), ("", None))
        shown = result.get("resultDisplay")
        kept: dict[str, Any] = {"edits": edited_paths(tool, given, self.cwd, NAMES)}
        if tool in NAMES.shells:
            kept["commits"] = commits_in(text(arguments(given).get("command")), text(shown))
        if tool == "exit_plan_mode" and is_approval(
            text(shown.get("message")) if isinstance(shown, dict) else ""
        ):
            kept["plan"] = text(arguments(given).get("plan"))
        return kept
