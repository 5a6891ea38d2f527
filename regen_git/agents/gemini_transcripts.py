"""Read the transcripts that Gemini CLI keeps: a log of messages, in which later lines change earlier ones.

A message with a known id replaces it. ``$rewindTo`` drops a message and all after it. ``$set.messages`` is
what the model sees from now on (after a resume, a compression, a cancelled turn): it changes nothing of what
was said. Older files are one JSON object with all messages.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.agents.gemini import (
    NAMES,
    SCRATCH,
    approved_plan,
    is_harness,
    parts_text,
    prompt_of,
    referenced,
    without_files,
)
from regen_git.agents.jsonl import parse, read_lines
from regen_git.agents.payloads import edited_paths, text
from regen_git.agents.transcripts import Session, Turn
from regen_git.agents.turns import Turns, commits_in, home_folder, is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["read_session", "session_files"]


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted.

    Folders of older versions are named by a hash, which only tells the folder itself.
    """
    hashes = {_hash(top) for top in tops} | {_hash(str(Path(top).resolve())) for top in tops}
    found: list[str] = []
    for chats in (home_folder(env, ".gemini") / "tmp").glob("*/chats"):
        folder = _folder(chats)
        if (folder and is_inside(folder, tops)) or chats.parent.name in hashes:
            found += [str(path) for path in chats.glob("session-*.json*") if path.is_file()]
    return sorted(found)


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it. Raises ``OSError``."""
    file = Path(path)
    reader = _Reader(file.parent)
    reader.read(file)
    if reader.kind == "subagent" or not any(message.key for message in reader.messages.values()):
        return None
    turns = reader.turns()
    cwd = reader.cwd or _hashed_folder(reader.hash, (path for turn in turns for path in turn.edits))
    return Session(reader.session or file.stem, cwd, None, reader.started, turns)


def _folder(chats: Path) -> str:
    """Return the folder that a project's chats are of, by the note beside them or the list of projects."""
    project = chats.parent
    try:
        return (project / ".project_root").read_text("utf-8", "replace").strip()
    except OSError:
        pass
    try:
        known = json.loads((project.parent.parent / "projects.json").read_text("utf-8", "replace"))
    except (OSError, ValueError, RecursionError):
        return ""
    projects = known.get("projects") if isinstance(known, dict) else None
    named = projects.items() if isinstance(projects, dict) else ()
    return next((folder for folder, name in named if name == project.name), "")


def _hash(folder: str) -> str:
    return hashlib.sha256(folder.encode("utf-8", "surrogateescape")).hexdigest()


def _hashed_folder(digest: str, edits: Iterable[str]) -> str:
    """Return the folder with this hash, if an edit lies in it."""
    above = (str(folder) for edit in edits for folder in Path(edit).parents)
    return next((folder for folder in above if _hash(folder) == digest), "")


@dataclass(slots=True)
class _Message:
    """What is kept of one message; ``key`` is empty for all but prompts."""

    at: str
    key: str = ""
    text: str = ""
    refs: tuple[str, ...] = ()
    model: str = ""
    edits: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    plan: str = ""


class _Reader:
    """Takes lines in file order."""

    def __init__(self, chats: Path) -> None:
        self.chats = chats
        self.cwd = _folder(chats)
        self.session = ""
        self.hash = ""
        self.kind = ""
        self.started = ""
        self.messages: dict[str, _Message] = {}
        self._keys: dict[str, str] = {}
        self._count: dict[str, int] = {}

    def read(self, file: Path) -> None:
        """Take a whole file. Raises ``OSError``."""
        for line in [parse(file.read_bytes())] if file.suffix == ".json" else read_lines(str(file)):
            if line is not None:
                self.take(line)

    def take(self, line: dict[str, Any]) -> None:
        """Take one parsed line."""
        target, changes = line.get("$rewindTo"), line.get("$set")
        if isinstance(target, str):
            self._rewind(target)
        elif isinstance(changes, dict):
            self._header(changes)
            self._context(changes.get("messages"))
        elif isinstance(line.get("id"), str):
            self._put(line)
        else:
            self._header(line)
            self.started = self.started or text(line.get("startTime"))
            messages = line.get("messages")
            for message in messages if isinstance(messages, list) else []:
                self._put(message)

    def turns(self) -> tuple[Turn, ...]:
        """Return the turns of what was not rewound."""
        turns = Turns()
        for message in self.messages.values():
            if message.key:
                turns.typed(message.key, message.text, message.at, message.refs)
                continue
            turns.saw(message.at, message.model)
            turns.edited(message.edits)
            turns.committed(message.commits)
            turns.approved(message.plan)
            turns.said(message.text)
        return turns.finish()

    def _header(self, line: dict[str, Any]) -> None:
        self.session = text(line.get("sessionId")) or self.session
        self.hash = text(line.get("projectHash")) or self.hash
        self.kind = text(line.get("kind")) or self.kind

    def _rewind(self, target: str) -> None:
        """Drop a message and those after it; all of them if it is not known, as the program does."""
        ids = list(self.messages)
        for key in ids[ids.index(target) :] if target in self.messages else ids:
            del self.messages[key]

    def _context(self, messages: object) -> None:
        """Take what the model sees. It is what was said only where a file begins with it."""
        begins = not any(message.key for message in self.messages.values())
        for message in messages if isinstance(messages, list) else []:
            if not isinstance(message, dict) or text(message.get("id")) in self.messages:
                continue
            if begins:
                self._put(message)
            elif text(message.get("id")):
                self.messages[text(message.get("id"))] = _Message("")

    def _put(self, message: object) -> None:
        if not isinstance(message, dict) or not text(message.get("id")):
            return
        kind, at = message.get("type"), text(message.get("timestamp"))
        if kind == "user":
            self.messages[message["id"]] = self._user(message, at)
        elif kind == "gemini":
            self.messages[message["id"]] = self._gemini(message, at)

    def _user(self, message: dict[str, Any], at: str) -> _Message:
        sent, shown = parts_text(message.get("content")), parts_text(message.get("displayContent"))
        typed = shown.strip() or without_files(sent).strip()
        is_command = not shown.strip() and (typed.startswith("/") or typed == "?")
        if not typed or not sent.strip() or is_harness(sent) or is_command:
            return _Message(at)
        key = self._keys.get(message["id"])
        if key is None:
            asked = without_files(sent)
            earlier = self._count.get(asked, 0)
            self._count[asked] = earlier + 1
            key = prompt_of(sent, self.session, earlier) or message["id"]
            self._keys[message["id"]] = key
        return _Message(at, key, typed, referenced(sent, self.cwd))

    def _gemini(self, message: dict[str, Any], at: str) -> _Message:
        said = _Message(at, text=parts_text(message.get("content")), model=text(message.get("model")))
        calls = message.get("toolCalls")
        for call in calls if isinstance(calls, list) else []:
            if isinstance(call, dict) and call.get("status") == "success":
                self._call(said, text(call.get("name")), call)
        return said

    def _call(self, said: _Message, tool: str, call: dict[str, Any]) -> None:
        given, shown = call.get("args"), text(call.get("resultDisplay"))
        paths = [*edited_paths(tool, given, self.cwd, NAMES), *self._by_helper(text(call.get("agentId")))]
        said.edits += tuple(path for path in paths if SCRATCH not in path)
        said.at = max(said.at, text(call.get("timestamp")))
        if tool in NAMES.shells and isinstance(given, dict):
            said.commits += tuple(commits_in(text(given.get("command")), shown))
        elif tool == "exit_plan_mode":
            said.plan = approved_plan(_answer(call.get("result")))

    def _by_helper(self, agent: str) -> list[str]:
        """Return what a subagent has edited, from its own transcript."""
        file = self.chats / (Path(self.session).name or "-") / f"{Path(agent).name}.jsonl"
        helper = _Reader(self.chats)
        try:
            helper.read(file)
        except (OSError, ValueError):
            return []
        return [path for message in helper.messages.values() for path in message.edits]


def _answer(result: object) -> str:
    """Return what a tool answered the model."""
    for part in result if isinstance(result, list) else []:
        answer = part.get("functionResponse") if isinstance(part, dict) else None
        response = answer.get("response") if isinstance(answer, dict) else None
        if isinstance(response, dict):
            return text(response.get("output"))
    return ""
