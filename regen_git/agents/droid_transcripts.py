"""Read the transcripts that Droid keeps: messages in the order in which they were said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.agents.droid import MODE, NAMES, is_helper, prompt_in, sidecar_model
from regen_git.agents.jsonl import read_lines
from regen_git.agents.payloads import arguments, edited_paths, prompt_key, text
from regen_git.agents.transcripts import Session
from regen_git.agents.turns import Turns, commits_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read_session"]


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it. Raises ``OSError``."""
    reader = _Reader(any(MODE in _message(line) for line in read_lines(path)))
    for line in read_lines(path):
        reader.take(line)
    if reader.is_helper:
        return None
    model = sidecar_model(path)
    turns = tuple(turn if turn.model else turn._replace(model=model) for turn in reader.turns.finish())
    return Session(reader.id or Path(path).stem, reader.cwd, None, reader.started, turns) if turns else None


class _Reader:
    """Takes lines in file order."""

    def __init__(self, is_marked: bool) -> None:  # noqa: FBT001 - the only argument
        self.is_marked = is_marked
        self.id = ""
        self.cwd = ""
        self.started = ""
        self.is_helper = False
        self.turns = Turns()
        self._calls: dict[str, tuple[str, Any]] = {}
        self._count: dict[str, int] = {}

    def take(self, line: dict[str, Any]) -> None:
        """Take one parsed line."""
        if line.get("type") == "session_start":
            self.id, self.cwd = text(line.get("id")), text(line.get("cwd"))
            self.is_helper = is_helper(line)
            return
        message, at = _message(line), text(line.get("timestamp"))
        self.started = self.started or at
        prompt = prompt_in(line) if MODE in message or not self.is_marked else None
        if prompt is not None:
            earlier = self._count.get(prompt[1], 0)
            self._count[prompt[1]] = earlier + 1
            key = prompt_key(self.id, str(earlier), prompt[1]) or prompt[0]
            self.turns.typed(key, prompt[1], at)
        elif not message.get("visibility"):
            self._answer(message, at)

    def _answer(self, message: Mapping[str, Any], at: str) -> None:
        self.turns.saw(at, text(message.get("modelId")))
        for block in _blocks(message):
            kind = block.get("type")
            if kind == "text" and message.get("role") == "assistant":
                self.turns.said(text(block.get("text")))
            elif kind == "tool_use":
                self._calls[text(block.get("id"))] = (text(block.get("name")), block.get("input"))
            elif kind == "tool_result" and block.get("is_error") is not True:
                self._result(*self._calls.pop(text(block.get("tool_use_id")), ("", None)), block)

    def _result(self, tool: str, given: object, block: Mapping[str, Any]) -> None:
        self.turns.edited(edited_paths(tool, given, self.cwd, NAMES))
        if tool in NAMES.shells:
            said = block.get("content")
            shown = said if isinstance(said, str) else "\n".join(text(b.get("text")) for b in _blocks(block))
            self.turns.committed(commits_in(text(arguments(given).get("command")), shown))


def _message(line: Mapping[str, Any]) -> dict[str, Any]:
    message = line.get("message")
    return message if isinstance(message, dict) else {}


def _blocks(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))
