"""pi: what its extension tells, and its session files, which are trees of JSON lines.

Source: the events and the session files of pi 0.73.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regen_git.agents import Settings
from regen_git.agents.payloads import Payloads, edited_paths, first, read_payload, text
from regen_git.domain.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

NAME = "pi"
TITLE = "pi"
TESTED = "0.73.1"
PROGRAMS = ("pi",)
FOLDERS = (".pi",)
SETTINGS = Settings("plugin", ".pi/extensions/git-regen.ts", ".pi/agent/extensions/git-regen.ts", {})

_NAMES = Payloads(
    NAME,
    events={"session": "session", "prompt": "prompt", "tool": "tool", "end": "end", "gone": "gone"},
    edits={"edit": ("path",), "write": ("path",)},
    shells=("bash",),
    name=("event",),
    session=("session",),
    prompt=("text",),
    said=("text",),
    tool=("tool",),
    given=("given",),
)
_FILE = re.compile(r'<file name="([^"\n]+)">(?:[^\n]*|\n.*?\n)</file>\n', re.DOTALL)
_SKILL = re.compile(r'<skill name="([^"\n]+)" location="[^"\n]+">\n.*?\n</skill>(?:\n\n|\Z)', re.DOTALL)


def typed_text(prompt: str) -> tuple[str, tuple[str, ...]]:
    """Return what was typed of a prompt, and the files from the command line, which pi writes before it."""
    refs = []
    while found := _FILE.match(prompt):
        refs.append(found[1])
        prompt = prompt[found.end() :]
    skill = _SKILL.match(prompt)
    if skill:
        prompt = f"/skill:{skill[1]} {prompt[skill.end() :]}"
    return prompt.strip(), tuple(refs)


def _key(milliseconds: object, sent: str) -> str | None:
    """Return the key of a prompt that reached the model like this; copies in forks have the same."""
    if not isinstance(milliseconds, int):
        return None
    return f"{milliseconds}:{sha256(sent.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what the extension tells; empty for what is not recorded. Never raises for odd fields."""
    del env
    given = payload.get("given")
    if isinstance(given, dict):
        payload = {**payload, "given": {**given, "path": _whole(text(given.get("path")))}}
    return [
        _typed(event, payload) if event.kind == "prompt" else event for event in read_payload(payload, _NAMES)
    ]


def _typed(event: AgentEvent, payload: Mapping[str, Any]) -> AgentEvent:
    typed, refs = typed_text(event.text)
    return event._replace(
        text=typed, refs=refs, key=_key(payload.get("time"), first(payload, ("sent", "text")))
    )


def _whole(path: str) -> str:
    """Return a tool's path as pi understands it: ``@`` before it means nothing, ``~`` is the home folder."""
    path = path.removeprefix("@")
    if path != "~" and not path.startswith("~/"):
        return path
    import os.path

    return os.path.expanduser(path)  # noqa: PTH111 - one text from another


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the session files of these folders and those below, sorted."""
    from regen_git.agents.jsonl import read_lines
    from regen_git.agents.turns import home_folder, is_inside

    home = home_folder(env, ".pi/agent", "PI_CODING_AGENT_DIR")
    return [
        str(path)
        for path in sorted((home / "sessions").glob("*/*.jsonl"))
        if is_inside(text(next(read_lines(str(path)), {}).get("cwd")) or "/", tops)
    ]


def read_session(path: str) -> Session | None:
    """Read one session, the branch that its last line is on; ``None`` when no person typed in it."""
    from regen_git.agents.jsonl import read_lines
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns, live_prompts

    lines = list(read_lines(path))
    head = lines[0] if lines and lines[0].get("type") == "session" else {}
    entries = [line for line in lines if text(line.get("id")) and line is not head]
    places = {line["id"]: index for index, line in enumerate(entries)}
    parents = [places.get(text(line.get("parentId")), -1) for line in entries]
    parents = [parent if parent < index else -1 for index, parent in enumerate(parents)]
    live = live_prompts(parents, [_role(line) == "user" for line in entries])
    turns = Turns()
    reader = _Reader(turns, text(head.get("cwd")))
    for line, owner in zip(entries, live, strict=True):
        if owner >= 0:
            reader.take(line)
    done = turns.finish()
    if not done:
        return None
    return Session(text(head.get("id")), text(head.get("cwd")), None, _second(head.get("timestamp")), done)


class _Reader:
    """Takes the entries of one branch in order; ``calls`` are tools at work, by id."""

    def __init__(self, turns: Turns, cwd: str) -> None:
        self.turns = turns
        self.cwd = cwd
        self.calls: dict[str, Mapping[str, Any]] = {}

    def take(self, line: Mapping[str, Any]) -> None:
        """Take one entry."""
        message = line.get("message")
        role = _role(line)
        if not isinstance(message, dict):
            return
        at = _second(line.get("timestamp"))
        if role == "user":
            sent = "\n".join(_texts(message))
            typed, refs = typed_text(sent)
            if typed:
                self.turns.typed(
                    _key(message.get("timestamp"), sent) or text(line.get("id")), typed, at, refs
                )
        elif role == "assistant":
            self.turns.saw(at, text(message.get("model")))
            self.turns.said("\n".join(_texts(message)))
            self.calls.update((text(b.get("id")), b) for b in _blocks(message) if b.get("type") == "toolCall")
        elif role == "toolResult":
            self.turns.saw(at)
            self._took(message)

    def _took(self, message: Mapping[str, Any]) -> None:
        from regen_git.agents.turns import commits_in

        call = self.calls.pop(text(message.get("toolCallId")), {})
        given = call.get("arguments")
        if not isinstance(given, dict) or message.get("isError") is True:
            return
        whole = {**given, "path": _whole(text(given.get("path")))}
        self.turns.edited(edited_paths(text(call.get("name")), whole, self.cwd, _NAMES))
        if call.get("name") == "bash":
            self.turns.committed(commits_in(text(given.get("command")), "\n".join(_texts(message))))


def _role(line: Mapping[str, Any]) -> str:
    message = line.get("message")
    if line.get("type") != "message" or not isinstance(message, dict):
        return ""
    return text(message.get("role"))


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _texts(message: Mapping[str, Any]) -> list[str]:
    return [text(block.get("text")) for block in _blocks(message) if block.get("type") == "text"]


def _second(stamp: object) -> str:
    """Return a time as pi writes it, ``2026-11-22T14:55:43.914Z``, to the second."""
    return re.sub(r"\.\d+Z$", "Z", stamp) if isinstance(stamp, str) else ""
