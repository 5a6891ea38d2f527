"""Amp: what its plugin tells, and the threads that older releases kept on the disk.

Source: the documentation of Amp's plugin API, which calls itself experimental; threads as public tools read
them. None of it was tried with the program, which does nothing without its own service.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from regen_git.agents import Settings
from regen_git.agents.payloads import Payloads, edited_paths, prompt_key, read_payload, text
from regen_git.agents.values import dicts_in, mapping, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

NAME = "amp"
TITLE = "Amp"
TESTED = ""
PROGRAMS = ("amp",)
FOLDERS = (".config/amp",)
SETTINGS = Settings("plugin", ".amp/plugins/git-regen.ts", ".config/amp/plugins/git-regen.ts", {})

_NAMES = Payloads(
    NAME,
    events={"session": "session", "prompt": "prompt", "tool": "tool", "end": "end", "gone": "gone"},
    edits={
        "edit": ("paths",),
        "edit_file": ("path",),
        "create_file": ("path",),
        "undo_edit": ("path",),
    },
    patches=("apply_patch",),
    shells=("shell",),
    name=("event",),
    session=("session",),
    turn=("key",),
    prompt=("text",),
    said=("text",),
    tool=("tool",),
    given=("given",),
)


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what the plugin tells; empty for what is not recorded. Never raises for odd fields."""
    del env
    return read_payload(payload, _NAMES)


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the threads kept on the disk that name one of these folders, sorted."""
    from regen_git.agents.turns import home_folder, is_inside

    data = home_folder(env, ".local/share", "XDG_DATA_HOME")
    found = sorted((data / "amp" / "threads").glob("T-*.json"))
    return [str(path) for path in found if is_inside(_folder(_thread(str(path))) or "/", tops)]


def read_session(path: str) -> Session | None:
    """Read one thread; ``None`` when no person typed in it."""
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

    thread = _thread(path)
    turns = Turns()
    reader = _Reader(turns, text(thread.get("id")), _folder(thread))
    messages = thread.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else []):
        if isinstance(message, dict):
            reader.take(index, message)
    done = turns.finish()
    if not done:
        return None
    return Session(reader.thread, reader.cwd, None, moment(thread.get("created")), done)


class _Reader:
    """Takes the messages of one thread in order; ``calls`` are tools at work, by id."""

    def __init__(self, turns: Turns, thread: str, cwd: str) -> None:
        self.turns = turns
        self.thread = thread
        self.cwd = cwd
        self.calls: dict[str, Mapping[str, Any]] = {}

    def take(self, index: int, message: Mapping[str, Any]) -> None:
        """Take one message."""
        blocks = dicts_in(message.get("content"))
        words = "\n".join(text(block.get("text")) for block in blocks if block.get("type") == "text")
        if message.get("role") == "assistant":
            self.turns.saw("", text(mapping(message.get("usage")).get("model")))
            self.turns.said(words)
            self.calls.update((text(b.get("id")), b) for b in blocks if b.get("type") == "tool_use")
            return
        if message.get("role") != "user":
            return
        for block in blocks:
            if block.get("type") == "tool_result":
                self._took(block)
        if words.strip():
            turn = text(message.get("id")) or str(message.get("messageId", index))
            at = moment(mapping(message.get("meta")).get("sentAt"))
            self.turns.typed(prompt_key(self.thread, turn, words) or turn, words, at)

    def _took(self, block: Mapping[str, Any]) -> None:
        call = self.calls.pop(text(block.get("toolUseID")), {})
        if mapping(block.get("run")).get("status") not in ("error", "cancelled"):
            name = text(call.get("name"))
            self.turns.edited(edited_paths(name, call.get("input"), self.cwd, _NAMES))


def _thread(path: str) -> Mapping[str, Any]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - imported on the capture path
            return mapping(json.loads(file.read(), strict=False))
    except (OSError, ValueError, RecursionError):
        return {}


def _folder(thread: Mapping[str, Any]) -> str:
    """Return the first folder that a thread was begun in; empty if none is told."""
    from urllib.parse import unquote

    trees = dicts_in(mapping(mapping(thread.get("env")).get("initial")).get("trees"))
    address = next((text(tree.get("uri")) for tree in trees if text(tree.get("uri"))), "")
    return unquote(address[7:]) if address.startswith("file:///") else ""
