"""Cursor: its hooks' payloads, and its transcripts.

Source: the documentation of Cursor's hooks. Its transcripts hold no times, no models and no ids; what was
typed stands in ``<user_query>``, among context that nobody typed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regen_git.agents import Settings
from regen_git.agents.payloads import (
    CLAUDE_EVENTS,
    Payloads,
    absolute,
    edited_paths,
    first,
    read_payload,
)
from regen_git.agents.payloads import text as text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session

NAME = "cursor"
TITLE = "Cursor"
TESTED = ""
PROGRAMS = ("cursor", "cursor-agent")
FOLDERS = (".cursor",)
SETTINGS = Settings(
    "cursor",
    ".cursor/hooks.json",
    ".cursor/hooks.json",
    dict.fromkeys(
        (
            "sessionStart",
            "beforeSubmitPrompt",
            "afterFileEdit",
            "postToolUse",
            "subagentStop",
            "afterAgentResponse",
            "stop",
            "sessionEnd",
        )
    ),
    todo="open this folder in Cursor and trust it",
)

_PAYLOADS = Payloads(
    NAME,
    events={
        **CLAUDE_EVENTS,
        "sessionStart": "session",
        "beforeSubmitPrompt": "prompt",
        "postToolUse": "tool",
        "afterFileEdit": "tool",
        "subagentStop": "tool",
        "afterAgentResponse": "end",
        "stop": "end",
        "sessionEnd": "gone",
    },
    edits={
        **dict.fromkeys(("Write", "StrReplace", "Edit", "MultiEdit", "Delete"), ("file_path", "path")),
        "EditNotebook": ("target_notebook", "file_path", "path"),
        "afterFileEdit": ("file_path",),
        "subagentStop": ("modified_files",),
    },
    patches=("ApplyPatch",),
    shells=("Shell", "Bash"),
    session=("conversation_id", "session_id"),
    turn=("generation_id",),
    said=("text",),
    model=("model_id", "model"),
    subagent=("parent_conversation_id", "agent_id"),
)
_QUERY = re.compile(r"<user_query>\n?(.*?)\n?</user_query>", re.DOTALL)


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:  # noqa: ARG001 - says nothing
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    whole = dict(payload)
    name = first(whole, ("hook_event_name",))
    if not first(whole, ("cwd",)):
        roots = whole.get("workspace_roots")
        whole["cwd"] = absolute(text_of(roots[0]), "") if isinstance(roots, list) and roots else ""
    if name in ("afterFileEdit", "subagentStop"):
        whole |= {"tool_name": name, "tool_input": payload}
    if name == "stop" and whole.get("status") == "completed":
        # The answer has ended the turn already, and it has the words.
        return []
    version = first(whole, ("cursor_version",)) or None
    return [one._replace(version=version) for one in read_payload(whole, _PAYLOADS)]


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    import os.path
    from pathlib import Path

    from regen_git.agents.turns import home_folder

    wanted = {_slug(os.path.realpath(top)) for top in tops}
    found: list[Path] = []
    for project in Path(home_folder(env, ".cursor")).glob("projects/*"):
        slug = _slug(project.name)
        if any(slug == one or slug.startswith(one + "-") for one in wanted):
            found += project.glob("agent-transcripts/*.jsonl")
            found += project.glob("agent-transcripts/*/*.jsonl")
    return sorted(map(str, found))


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from pathlib import Path

    from regen_git.agents.jsonl import read_lines
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

    name = Path(path).stem
    folder = next((part.parent.name for part in Path(path).parents if part.name == "agent-transcripts"), "")
    cwd = _folder_of(_slug(folder))
    turns = Turns()
    count = 0
    for line in read_lines(path):
        for block in _blocks(line):
            if line.get("role") == "user":
                for typed in filter(str.strip, _QUERY.findall(text_of(block.get("text")))):
                    turns.typed(f"{name}:{count}", typed, "")
                    count += 1
            elif block.get("type") == "tool_use":
                turns.edited(edited_paths(text_of(block.get("name")), block.get("input"), cwd, _PAYLOADS))
            elif text_of(block.get("text")) != "[REDACTED]":
                turns.said(text_of(block.get("text")))
    done = turns.finish()
    return Session(name, cwd, None, "", done) if done else None


def _blocks(line: Mapping[str, Any]) -> list[dict[str, Any]]:
    message = line.get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _slug(path: str) -> str:
    """Return how a folder of transcripts is named after a project's; several paths have the same name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-")


def _folder_of(slug: str, folder: str = "/") -> str:
    """Return the folder that has this name among transcripts, if it is still there; empty otherwise."""
    import os

    if not slug:
        return folder if folder != "/" else ""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return ""
    for name in names:
        one = _slug(name)
        if one and (slug == one or slug.startswith(one + "-")):
            found = _folder_of(slug[len(one) + 1 :], f"{folder.rstrip('/')}/{name}")
            if found:
                return found
    return ""
