"""Read the rollout files that Codex keeps: what was typed, and what came of it.

Three generations: bare messages; ``user_message`` events, with ``thread_rolled_back`` for what was undone;
and (0.169) completed items in numbered lines, where going back opens another file of the same thread, and
the lines of older files from its first number on are dead. A fork's file either repeats its parent's lines
(then the turns keep their ids) or points at them. Unknown and broken lines are passed over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.agents.codex import ACCEPTED, HARNESS, accepted_plan, is_subagent_meta, mentioned, typed_text
from regen_git.agents.jsonl import lines_with, read_lines
from regen_git.agents.payloads import absolute, arguments, patch_paths, prompt_key, text
from regen_git.agents.transcripts import Session, Turn, Typed, between, question_in
from regen_git.agents.turns import commits_in, home_folder, is_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["last_plan", "read_session", "session_files"]

_NOT_TYPED = (*HARNESS, "# AGENTS.md instructions", "<INSTRUCTIONS>", "<skill>")
_PLAN = "proposed_plan"
_CWD = re.compile(r"<cwd>([^<]+)</cwd>|Current working directory: (\S+)")
_FILE = re.compile(r"rollout-[\dT-]{19}-([0-9a-fA-F-]{36})(?:_[0-9a-fA-F-]{36})?\.jsonl")


@dataclass(slots=True)
class _Open:
    """A turn while its file is read."""

    id: str
    key: str
    at: str
    model: str | None
    ended: str = ""
    prompts: list[Typed] = field(default_factory=list)
    edits: dict[str, None] = field(default_factory=dict)
    commits: dict[str, None] = field(default_factory=dict)
    approved: str | None = None


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the rollouts of sessions that began in these folders or below, sorted."""
    _segments.cache_clear()
    home = Path(home_folder(env, ".codex", "CODEX_HOME"))
    found = []
    for folder in ("sessions", "archived_sessions"):
        for path in map(str, (home / folder).rglob("rollout-*.jsonl")):
            cwd = _begins_in(path)
            if cwd and is_inside(cwd, tops):
                found.append(path)
    return sorted(found)


def read_session(path: str) -> Session | None:
    """Read one rollout; ``None`` for a subagent's and for one in which nobody typed anything."""
    reader = _read(path, is_bare=False)
    if reader.has_bare and not reader.has_typed:
        reader = _read(path, is_bare=True)
    turns = tuple(reader.turns())
    if reader.is_subagent or not turns:
        return None
    return Session(reader.id or Path(path).stem, reader.cwd, reader.version, reader.started, turns)


def _read(path: str, *, is_bare: bool) -> _Reader:
    """Read a rollout; ``is_bare`` where messages alone tell what was typed, among context."""
    reader = _Reader(_cut(Path(path)), is_bare=is_bare)
    for data in read_lines(path):
        reader.take(data)
        if reader.is_subagent:
            break
    return reader


def last_plan(path: str) -> str | None:
    """Return the plan that the agent proposed last."""
    for line in lines_with(path, b"plan"):
        payload = line.get("payload")
        found = _plan_in(payload) if isinstance(payload, dict) else None
        if found:
            return found
    return None


def _plan_in(payload: Mapping[str, Any]) -> str | None:
    item = payload.get("item")
    if isinstance(item, dict) and item.get("type") == "Plan":
        plan = text(item.get("text"))
        found = between(plan, _PLAN)
        return found.strip() if found is not None else plan or None
    said = _parts(payload.get("content")) if payload.get("role") == "assistant" else []
    found = between("\n".join(said), _PLAN)
    return found.strip() if found is not None else None


def _begins_in(path: str) -> str:
    """Return the folder in which the session of a rollout began; empty if its first lines do not say so."""
    with suppress(OSError):
        for data in islice(read_lines(path), 20):
            payload = data.get("payload")
            cwd = (
                text(payload.get("cwd"))
                if isinstance(payload, dict)
                else _cwd_in(_parts(data.get("content")))
            )
            if cwd:
                return cwd
    return ""


def _cwd_in(context: Iterable[str]) -> str:
    found = _CWD.search("\n".join(context))
    return (found[1] or found[2]) if found else ""


@lru_cache(maxsize=4)
def _segments(root: Path) -> Mapping[str, list[Path]]:
    """Return the files of each thread that has several, by the times in their names."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in root.rglob("rollout-*.jsonl"):
        named = _FILE.fullmatch(path.name)
        if named:
            found[named[1]].append(path)
    return {thread: sorted(paths, key=lambda p: p.name) for thread, paths in found.items() if len(paths) > 1}


def _cut(path: Path) -> int | None:
    """Return the number from which on the lines of this file are dead, because the person went back."""
    named = _FILE.fullmatch(path.name)
    if not named:
        return None
    root = next((folder for folder in path.parents if folder.name == "sessions"), path.parent)
    later = [p for p in _segments(root).get(named[1], ()) if p.name > path.name]
    firsts = []
    for other in later:
        with suppress(OSError):
            firsts.append(next(read_lines(str(other)), {}).get("ordinal"))
    return min((first for first in firsts if isinstance(first, int)), default=None)


class _Reader:
    """Takes lines in file order and keeps little of each."""

    def __init__(self, cut: int | None, *, is_bare: bool) -> None:
        self.id = ""
        self.cwd = ""
        self.version: str | None = None
        self.started = ""
        self.is_subagent = False
        self.has_bare = False
        self.has_typed = False
        self._cut = cut
        self._is_bare = is_bare
        self._root = ""
        self._current = ""
        self._model: str | None = None
        self._models: dict[str, str] = {}
        self._said = ""
        self._plan: str | None = None
        self._open: list[_Open] = []
        self._by_id: dict[str, _Open] = {}
        self._calls: dict[str, tuple[str, str, Any]] = {}

    def turns(self) -> Iterator[Turn]:
        """Yield the live turns in which something was typed or a plan accepted."""
        for one in self._open:
            yield Turn(
                key=one.key,
                prompts=tuple(one.prompts),
                at=one.at,
                ended=max(one.ended, one.at),
                edits=tuple(one.edits),
                commits=tuple(one.commits),
                model=self._models.get(one.id) or one.model,
                approved=one.approved,
            )

    def take(self, data: dict[str, Any]) -> None:
        """Take one parsed line."""
        ordinal = data.get("ordinal")
        if self._cut is not None and isinstance(ordinal, int) and ordinal >= self._cut:
            return
        at = text(data.get("timestamp"))
        self.started = self.started or at
        payload = data.get("payload")
        # The oldest files have the messages themselves as lines.
        kind = text(data.get("type")) if isinstance(payload, dict) else "response_item"
        payload = payload if isinstance(payload, dict) else data
        if kind == "session_meta":
            self._take_meta(payload)
        elif kind == "turn_context":
            self._take_context(payload)
        elif kind == "event_msg":
            self._take_event(payload, at)
        elif kind == "response_item":
            self._take_response(payload, at)
        if kind in ("event_msg", "response_item") and self._open and self._open[-1].id == self._current:
            self._open[-1].ended = max(self._open[-1].ended, at)

    def _take_meta(self, meta: dict[str, Any]) -> None:
        """The first one is this session's; a fork or subagent has its parent's after it."""
        self._root = text(meta.get("id")) or self._root
        if self.id:
            return
        self.id = self._root
        self.cwd = text(meta.get("cwd"))
        self.version = text(meta.get("cli_version")) or None
        self.is_subagent = is_subagent_meta(meta)
        # Here a message that nobody typed may stand alone.
        self.has_typed = meta.get("history_mode") == "paginated"

    def _take_context(self, context: dict[str, Any]) -> None:
        self.cwd = self.cwd or text(context.get("cwd"))
        self._current = text(context.get("turn_id")) or self._current
        self._model = text(context.get("model")) or self._model
        if self._model:
            self._models[self._current or "?"] = self._model

    def _take_event(self, said: dict[str, Any], at: str) -> None:
        kind = said.get("type")
        item = said.get("item")
        if kind == "task_started":
            self._current = text(said.get("turn_id")) or self._current
        elif kind in ("task_complete", "turn_aborted"):
            self._current = ""
        elif kind == "user_message":
            self.has_typed = True
            self._prompt(text(said.get("message")), at, self._current)
        elif kind == "thread_rolled_back":
            turns = said.get("num_turns")
            if isinstance(turns, int) and turns > 0:
                for gone in self._open[-turns:]:
                    self._by_id.pop(gone.id, None)
                del self._open[-turns:]
        elif kind == "agent_message":
            self._answer(text(said.get("message")))
        elif kind == "patch_apply_end" and said.get("success") is True:
            self._edits(text(said.get("turn_id")), _changed(said.get("changes"), self.cwd))
        elif kind == "item_completed" and isinstance(item, dict):
            self._take_item(item, text(said.get("turn_id")), at)

    def _take_item(self, item: dict[str, Any], turn: str, at: str) -> None:
        kind = item.get("type")
        if kind == "UserMessage":
            self.has_typed = True
            self._prompt("".join(_parts(item.get("content"))), at, turn)
        elif kind == "AgentMessage":
            self._answer("".join(_parts(item.get("content"))))
        elif kind == "Plan":
            self._plan = _plan_in({"item": item}) or self._plan
        elif kind == "FileChange" and item.get("status") == "completed":
            self._edits(turn, _changed(item.get("changes"), self.cwd))
        elif kind == "CommandExecution" and item.get("source") != "user_shell":
            command = item.get("command")
            words = " ".join(map(text, command)) if isinstance(command, list) else text(command)
            self._committed(turn, commits_in(words, text(item.get("aggregated_output"))))

    def _take_response(self, message: dict[str, Any], at: str) -> None:
        kind = message.get("type")
        passed = message.get("internal_chat_message_metadata_passthrough")
        turn = text(passed.get("turn_id")) if isinstance(passed, dict) else ""
        call = text(message.get("call_id"))
        if kind in ("function_call", "custom_tool_call"):
            given = message.get("arguments" if kind == "function_call" else "input")
            self._calls[call] = (turn or self._current, text(message.get("name")), given)
        elif kind in ("function_call_output", "custom_tool_call_output") and call in self._calls:
            self._done(*self._calls.pop(call), at, _output(message.get("output")))
        elif message.get("role") == "assistant":
            self._answer("\n".join(_parts(message.get("content"))))
        elif message.get("role") == "user":
            typed = "\n".join(_parts(message.get("content")))
            self.cwd = self.cwd or _cwd_in([typed])
            if typed.strip() and not typed.lstrip().startswith(_NOT_TYPED):
                self.has_bare = True
                if self._is_bare:
                    self._prompt(typed, at, turn or self._current)

    def _prompt(self, prompt: str, at: str, turn: str) -> None:
        typed = typed_text(prompt)
        if not typed.strip():
            return
        key = prompt_key(self._root, turn or str(len(self._open)), typed) or ""
        last = self._by_id.get(turn) if turn else None
        if last is None:
            last = _Open(turn, key, at, self._model, at)
            self._open.append(last)
            self._by_id[turn] = last
        plan = self._plan if typed == ACCEPTED else accepted_plan(typed)
        if plan:
            last.approved = plan
        else:
            asked = question_in(self._said) if self._said else None
            last.prompts.append(Typed(typed, at, asked, mentioned(prompt)))
        self._said = ""

    def _answer(self, said: str) -> None:
        plan = between(said, _PLAN)
        self._plan = plan.strip() if plan is not None else self._plan
        self._said = said or self._said

    def _owner(self, turn: str) -> _Open | None:
        """Return the turn to which something belongs: the latest one where its own began with no prompt."""
        return self._by_id.get(turn or self._current) or (self._open[-1] if self._open else None)

    def _edits(self, turn: str, paths: Iterable[str]) -> None:
        one = self._owner(turn)
        if one is not None:
            one.edits.update(dict.fromkeys(paths))

    def _committed(self, turn: str, commits: Iterable[str]) -> None:
        one = self._owner(turn)
        if one is not None:
            one.commits.update(dict.fromkeys(commits))

    def _done(self, turn: str, tool: str, given: Any, at: str, output: str) -> None:
        """Take a tool's call together with its answer."""
        whole = arguments(given)
        said = "\n".join([text(given), *map(text, _flat(whole.values()))])
        self._committed(turn, commits_in(said, output))
        if tool == "request_user_input":
            self._chosen(turn, at, whole, arguments(output))
        elif "*** Begin Patch" in said and tool != "exec" and not _FAILED.search(output):
            # A patch stands in a shell's script as it is; in a JSON text its lines would not begin lines.
            patch = said if not whole else "\n".join(map(text, _flat(whole.values())))
            self._edits(turn, patch_paths(patch, text(whole.get("workdir")) or self.cwd))

    def _chosen(self, turn: str, at: str, asked: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Take what the person chose or wrote in a dialog of questions."""
        one, answers = self._owner(turn), given.get("answers")
        questions = asked.get("questions")
        if one is None or not isinstance(answers, dict) or not isinstance(questions, list):
            return
        for question in questions:
            answer = answers.get(text(question.get("id"))) if isinstance(question, dict) else None
            chosen = answer.get("answers") if isinstance(answer, dict) else None
            said = [part for part in chosen if isinstance(part, str)] if isinstance(chosen, list) else []
            if any(part.strip() for part in said):
                one.prompts.append(Typed("\n".join(said), at, text(question.get("question")) or None))


def _parts(content: object) -> list[str]:
    """Return the texts of a message; one that is a plain string is a text."""
    if isinstance(content, str):
        return [content]
    blocks = content if isinstance(content, list) else []
    return [text(block["text"]) for block in blocks if isinstance(block, dict) and "text" in block]


def _output(output: object) -> str:
    """Return what a tool answered: a text, parts of a text, or JSON around a text."""
    if isinstance(output, dict):
        return _output(output.get("content") or output.get("output"))
    whole = "\n".join(_parts(output))
    inner = arguments(whole).get("output")
    return inner if isinstance(inner, str) else whole


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield " ".join(map(text, value)) if len(value) > 1 else text(*value or [""])
        else:
            yield value


def _changed(changes: object, cwd: str) -> list[str]:
    """Return the paths of the changed files, a moved one under both names."""
    found = []
    for path, change in changes.items() if isinstance(changes, dict) else ():
        moved = change.get("move_path") if isinstance(change, dict) else None
        found += [absolute(path, cwd), absolute(text(moved), cwd) if moved else ""]
    return [path for path in found if path]


_FAILED = re.compile(
    r"\A(?:exit code: [1-9]|apply_patch verification failed|failed|error|aborted)"
    r"|^process exited with code [1-9]|aborted by user",
    re.IGNORECASE | re.MULTILINE,
)
