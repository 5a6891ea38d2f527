"""Read the notes of git-ai: which lines of a commit come from which conversation, and what was said in it.

A note has a part for people, a file with indented lines of keys and line numbers below, then ``---``, then an
object of JSON that explains the keys. Source: the Git AI Standard, version 3. Pure.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from regen_git.agents.claude_texts import plan_in
from regen_git.agents.payloads import text as text_of
from regen_git.agents.transcripts import Typed, question_in
from regen_git.domain.intent import LineRange
from regen_git.importers.harness import typed_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import RepoPath

__all__ = ["AiNote", "Conversation", "Spoken", "parse_ai_note", "spoken_in"]

_SCHEMA = re.compile(r"authorship/3\.\d+\.\d+")
_END = re.compile(rb"^---[ \t\r]*$", re.MULTILINE)
_ENTRY = re.compile(r"  (\S+) ([0-9, -]+)")
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_KEEPS_RESULTS = ("claude", "claude-web")
_HALF = 0.5


class Spoken(NamedTuple):
    """What a person said at one point: words, or the acceptance of a plan that the agent wrote."""

    typed: Typed
    plan: str | None = None


class Conversation(NamedTuple):
    """One conversation with an agent; ``id`` is the agent's own, or the hash that stands for it.

    ``spoken`` is all that was said up to the commit; ``None`` where the note does not keep that.
    """

    tool: str
    id: str
    model: str | None = None
    spoken: tuple[Spoken, ...] | None = None


class AiNote(NamedTuple):
    """What one note says: paths by conversation, and lines that people are known to have written."""

    wrote: Mapping[Conversation, tuple[RepoPath, ...]]
    hand: Mapping[RepoPath, tuple[LineRange, ...]]


def parse_ai_note(raw: bytes) -> AiNote | None:
    """Take a note apart; ``None`` for one of another version, or that is broken."""
    found = _END.search(raw)
    if found is None:
        return None
    try:
        data = json.loads(raw[found.end() :].decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not _SCHEMA.fullmatch(text_of(data.get("schema_version"))):
        return None
    lines = _attested(raw[: found.start()].decode("utf-8", "surrogateescape"))
    known = {**_table(data, "prompts"), **_table(data, "sessions")}
    wrote: dict[str, dict[RepoPath, None]] = {}
    hand: dict[RepoPath, list[LineRange]] = {}
    for path, key, ranges in lines:
        if key.startswith("h_"):
            hand.setdefault(path, []).extend(ranges)
        elif key in known:
            wrote.setdefault(key, {})[path] = None
    by_conversation: dict[Conversation, dict[RepoPath, None]] = {}
    for key, paths in wrote.items():
        by_conversation.setdefault(_conversation(key, known[key]), {}).update(paths)
    return AiNote(
        {one: tuple(paths) for one, paths in by_conversation.items()},
        {path: tuple(sorted(ranges)) for path, ranges in hand.items() if ranges},
    )


def spoken_in(tool: str, messages: Sequence[Any]) -> tuple[Spoken, ...]:
    """Return what a person said among these messages, in order.

    Old versions keep the output of Claude Code's tools as if a person had said it; there, what follows a use
    of a tool counts as its output.
    """
    told = [message for message in messages if isinstance(message, dict)]
    has_results = tool in _KEEPS_RESULTS and _share_of_results(told) >= _HALF
    found: list[Spoken] = []
    said = ""
    before: dict[str, Any] = {}
    is_result = False
    for message in told:
        kind, text, at = message.get("type"), text_of(message.get("text")), text_of(message.get("timestamp"))
        if kind == "assistant":
            said = text or said
        is_result = has_results and kind == "user" and (before.get("type") == "tool_use" or is_result)
        if kind == "user" and not is_result and not _is_expansion(before, message):
            typed, plan = typed_in(text), plan_in(text)
            if typed or plan:
                found.append(Spoken(Typed(typed, at, question_in(said) if said and typed else None), plan))
            said = ""
        before = message
    return tuple(found)


def _share_of_results(messages: Sequence[Mapping[str, Any]]) -> float:
    """Return how often what follows the use of a tool is a message of the user."""
    after = [
        two.get("type")
        for one, two in pairwise(messages)
        if one.get("type") == "tool_use" and two.get("type") != "tool_use"
    ]
    return after.count("user") / len(after) if after else 0.0


def _is_expansion(before: Mapping[str, Any], message: Mapping[str, Any]) -> bool:
    """Return whether this is the text that a slash command stands for: it has the command's very time."""
    at = message.get("timestamp")
    is_command = text_of(before.get("text")).lstrip().startswith("<command-")
    return before.get("type") == "user" and is_command and bool(at) and before.get("timestamp") == at


def _attested(text: str) -> list[tuple[RepoPath, str, tuple[LineRange, ...]]]:
    """Return (path, key, lines) for each entry; the part of a key behind ``::`` names no conversation."""
    found = []
    path = ""
    for line in text.split("\n"):
        match = _ENTRY.fullmatch(line.rstrip("\r"))
        if match and path:
            found.append((path, match[1].partition("::")[0], _ranges(match[2])))
        elif line and not line.startswith(" "):
            path = _path(line.rstrip("\r"))
    return found


def _path(line: str) -> RepoPath:
    if len(line) > 1 and line.startswith('"') and line.endswith('"'):
        return line[1:-1]
    return line


def _ranges(text: str) -> tuple[LineRange, ...]:
    matches = _RANGE.finditer(text)
    pairs = ((int(match[1]), int(match[2] or match[1])) for match in matches)
    return tuple(LineRange(first, last) for first, last in pairs if 0 < first <= last)


def _table(data: Mapping[str, Any], name: str) -> dict[str, dict[str, Any]]:
    table = data.get(name)
    if not isinstance(table, dict):
        return {}
    return {key: value for key, value in table.items() if isinstance(value, dict)}


def _conversation(key: str, value: Mapping[str, Any]) -> Conversation:
    about = value.get("agent_id")
    about = about if isinstance(about, dict) else {}
    tool, model = text_of(about.get("tool")), text_of(about.get("model"))
    messages = value.get("messages")
    spoken = spoken_in(tool, messages) if isinstance(messages, list) and messages else None
    return Conversation(tool, text_of(about.get("id")) or key, model if model != "unknown" else None, spoken)
