"""Read the session transcripts that Claude Code keeps: what was typed, and what came of it.

A transcript is a tree written as lines: every line names its parent. Rewinding leaves the branch that was
left behind in the file, so only prompts from which the last line descends count. What the program itself put
in (expanded commands, summaries, reminders, tool output) is never taken for something typed. Unknown and
broken lines are passed over: the format changes often.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.agents.claude_texts import EXPANDED, command_in, plan_in
from regen_git.agents.jsonl import read_lines
from regen_git.agents.payloads import text as _text
from regen_git.agents.transcripts import (
    ANSWERS_LIMIT,
    Session,
    Turn,
    Typed,
    question_in,
    without_put_in,
)
from regen_git.agents.turns import folder_names, home_folder, live_prompts, may_commit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["read_session", "session_files"]

_EDIT_TOOLS = {
    "Write": "file_path",
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "NotebookEdit": "notebook_path",
    "mcp__acp__Write": "file_path",
    "mcp__acp__Edit": "file_path",
}
_NOT_TYPED = (
    "<local-command-",
    "<bash-input>",
    "<bash-stdout>",
    "<bash-stderr>",
    "<task-notification>",
    "[Request interrupted by user",
    "Caveat: The messages below",
    "Operation stopped by hook:",
)
_COMMITTED = re.compile(r"^\[[^\]\n]*?\b([0-9a-f]{7,64})\] ", re.MULTILINE)
_SYNTHETIC = "<synthetic>"


@dataclass(slots=True)
class _Line:
    """What is kept of one line while a file is read; ``prompt`` is set on lines that start a turn."""

    uuid: str
    parent: int
    at: str
    prompt: str | None = None
    key: str = ""
    said: str = ""
    model: str | None = None
    uses: list[tuple[str, str, str]] = field(default_factory=list)
    more: list[Typed] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)


def session_files(tops: Sequence[str], env: Mapping[str, str] | None = None) -> list[Path]:
    """Return the transcripts that may belong to these folders or those below them, sorted by path.

    The names of Claude's folders do not tell ``a/b`` from ``a-b``: compare ``Session.cwd`` too.
    Transcripts of subagents lie deeper and are left out.
    """
    prefixes = folder_names(tops)
    found: list[Path] = []
    for home in _homes(os.environ if env is None else env):
        projects = home / "projects"
        if not projects.is_dir():
            continue
        for folder in projects.iterdir():
            if any(folder.name == p or folder.name.startswith(p + "-") for p in prefixes) and folder.is_dir():
                found += [path for path in folder.glob("*.jsonl") if not path.name.startswith("agent-")]
    return sorted(set(found))


def read_session(path: Path) -> Session | None:
    """Read one transcript, line by line; ``None`` when there is nothing of a session in it."""
    reader = _Reader()
    for line in read_lines(str(path)):
        reader.take(line)
    if not reader.lines:
        return None
    return Session(
        reader.session or path.stem, reader.cwd, reader.version, reader.started, tuple(reader.turns())
    )


def _homes(env: Mapping[str, str]) -> list[Path]:
    if env.get("CLAUDE_CONFIG_DIR"):
        return [Path(env["CLAUDE_CONFIG_DIR"])]
    home = home_folder(env, "")
    return [home / ".claude", home / ".config" / "claude"]


class _Reader:
    """Takes lines in file order and keeps little of each."""

    def __init__(self) -> None:
        self.session = ""
        self.cwd = ""
        self.version: str | None = None
        self.started = ""
        self.lines: list[_Line] = []
        self._index: dict[str, int] = {}
        self._local: set[str] = set()

    def take(self, data: dict[str, Any]) -> None:
        """Take one parsed line."""
        at = _text(data.get("timestamp"))
        self.started = self.started or at
        self.session = self.session or _text(data.get("sessionId"))
        uuid = _text(data.get("uuid"))
        if not uuid or data.get("isSidechain") is True:
            return
        self.cwd = self.cwd or _text(data.get("cwd"))
        self.version = _text(data.get("version")) or self.version
        line = _Line(uuid, self._parent_of(data), at)
        kind = data.get("type")
        if kind == "user":
            self._take_user(line, data)
        elif kind == "assistant":
            _take_assistant(line, data)
        elif kind == "attachment":
            _take_queued(line, data)
        self._index[uuid] = len(self.lines)
        self.lines.append(line)

    def turns(self) -> Iterator[Turn]:
        """Yield the turns of the branch that the last line is on, in order."""
        parents = [line.parent for line in self.lines]
        owner = live_prompts(parents, [line.prompt is not None for line in self.lines])
        grouped: dict[int, list[_Line]] = {index: [] for index in sorted(set(owner) - {-1})}
        for line, prompt in zip(self.lines, owner, strict=True):
            if prompt >= 0:
                grouped[prompt].append(line)
        done = {use for line in self.lines for use in line.done}
        before = ""
        for index, lines in grouped.items():
            uses = [(tool, what) for line in lines for use, tool, what in line.uses if use in done]
            yield _turn(self.lines[index], lines, uses, before)
            before = next((line.said for line in reversed(lines) if line.said), "")

    def _parent_of(self, data: dict[str, Any]) -> int:
        """Return the index of the parent line; -1 for a root. A lost parent is the line before."""
        parent = data.get("logicalParentUuid") or data.get("parentUuid")
        if parent is None and data.get("subtype") != "compact_boundary":
            return -1
        return self._index.get(_text(parent), len(self.lines) - 1)

    def _take_user(self, line: _Line, data: dict[str, Any]) -> None:
        content = _content(data)
        results = [block for block in content if block.get("type") == "tool_result"]
        if results:
            self._take_results(line, results, data.get("toolUseResult"))
            return
        text = "\n".join(_text(block.get("text")) for block in content if block.get("type") == "text")
        key = _text(data.get("promptId")) or line.uuid
        if text.startswith("<local-command-caveat>"):
            self._local.add(key)
        typed = _typed(text) if _is_human(data) else None
        if typed is None or (key in self._local and "<command-name>" in text):
            return
        line.prompt = typed
        line.key = key

    @staticmethod
    def _take_results(line: _Line, results: list[dict[str, Any]], result: Any) -> None:
        line.done = [
            _text(r.get("tool_use_id"))
            for r in results
            if r.get("is_error") is not True and not _refused(result)
        ]
        if not isinstance(result, dict):
            return
        operation = result.get("gitOperation")
        commit = operation.get("commit") if isinstance(operation, dict) else None
        if isinstance(commit, dict) and _text(commit.get("sha")):
            line.commits.append(_text(commit.get("sha")))
        elif isinstance(result.get("stdout"), str):
            line.commits += [f"?{match[1]}" for match in _COMMITTED.finditer(result["stdout"])]
        chosen = result.get("answers")
        if isinstance(chosen, dict):
            line.more += [
                Typed(answer, line.at, question)
                for question, answer in chosen.items()
                if isinstance(answer, str) and answer.strip()
            ]


def _turn(first: _Line, lines: list[_Line], uses: Iterable[tuple[str, str]], before: str) -> Turn:
    """Put one turn together; ``uses`` are the tools that did their work, ``before`` the last words said."""
    used = list(uses)
    edits = dict.fromkeys(what for tool, what in used if tool in _EDIT_TOOLS and what)
    plans = [what for tool, what in used if tool == "ExitPlanMode" and what]
    has_committed = any(tool == "Bash" and may_commit(what) for tool, what in used)
    commits = dict.fromkeys(
        sha.removeprefix("?")
        for line in lines
        for sha in line.commits
        if has_committed or not sha.startswith("?")
    )
    text = first.prompt or ""
    plan = plan_in(text)
    typed = () if plan else (Typed(text, first.at, question_in(before)),)
    if plan:
        plans.insert(0, plan)
    return Turn(
        key=first.key,
        prompts=(*typed, *(more for line in lines for more in line.more)),
        at=first.at,
        ended=max((line.at for line in lines), default=first.at),
        edits=tuple(edits),
        commits=tuple(commits),
        model=next((line.model for line in lines if line.model), None),
        approved="\n\n".join(plans) or None,
    )


def _take_assistant(line: _Line, data: dict[str, Any]) -> None:
    message = data.get("message")
    model = message.get("model") if isinstance(message, dict) else None
    line.model = model if isinstance(model, str) and model != _SYNTHETIC else None
    for block in _content(data):
        if block.get("type") == "text":
            line.said = _text(block.get("text"))[-ANSWERS_LIMIT:]
        elif block.get("type") == "tool_use":
            tool, given = _text(block.get("name")), block.get("input")
            if isinstance(given, dict):
                what = given.get(_EDIT_TOOLS.get(tool, "plan" if tool == "ExitPlanMode" else "command"))
                line.uses.append((_text(block.get("id")), tool, _text(what)))


def _take_queued(line: _Line, data: dict[str, Any]) -> None:
    """Take a prompt typed while the agent was busy and handed to it in the middle of a turn."""
    attached = data.get("attachment")
    if not isinstance(attached, dict) or attached.get("type") != "queued_command":
        return
    typed = _typed(_text(attached.get("prompt")))
    if typed is not None and attached.get("commandMode") in (None, "prompt"):
        line.more.append(Typed(typed, line.at))


def _is_human(data: dict[str, Any]) -> bool:
    if any(data.get(mark) is True for mark in ("isMeta", "isCompactSummary", "isVisibleInTranscriptOnly")):
        return False
    origin = data.get("origin")
    if isinstance(origin, dict) and origin.get("kind", "human") != "human":
        return False
    return data.get("promptSource") != "system"


def _typed(text: str) -> str | None:
    """Return what a person typed of this text: a slash command as typed; ``None`` for what nobody typed."""
    text = without_put_in(text).strip()
    if text.startswith(EXPANDED):
        return command_in(text) or None
    return text if text and not text.startswith(_NOT_TYPED) else None


def _refused(result: Any) -> bool:
    return isinstance(result, str) and result.startswith(("Error", "User rejected"))


def _content(data: dict[str, Any]) -> list[dict[str, Any]]:
    message = data.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
