"""Continue's ``cn``: no hook of it fires, so its prompts are only in its session files.

Each is one JSON object, rewritten whole. It has no times but the session's, and a compaction drops from it
what was said before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents.jsonl import parse, read_end
from regen_git.agents.payloads import Payloads, arguments, edited_paths, first, prompt_key, read_payload, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from regen_git.agents import AgentEvent, Settings
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

NAME = "continue"
TITLE = "Continue"
TESTED = "1.5.47"
PROGRAMS = ("cn",)
FOLDERS = (".continue",)
SETTINGS: Settings | None = None

_NAMES = Payloads(
    NAME,
    edits=dict.fromkeys(("Edit", "MultiEdit", "Write"), ("file_path", "filepath")),
    shells=("Bash",),
)


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:  # noqa: ARG001 - says nothing
    """Return what a payload says, were there one: its documentation promises Claude's events."""
    return read_payload(payload, _NAMES)


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.turns import home_folder, is_inside

    sessions = home_folder(env, ".continue", "CONTINUE_GLOBAL_DIR") / "sessions"
    listed = {text(one.get("sessionId")): _folder(one.get("workspaceDirectory")) for one in _index(sessions)}
    return sorted(
        str(path)
        for path in sessions.glob("*.json")
        if path.name != "sessions.json" and (path.stem not in listed or is_inside(listed[path.stem], tops))
    )


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it. Raises ``OSError``."""
    from pathlib import Path

    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

    file = Path(path)
    data = parse(file.read_bytes())
    history = data.get("history") if data is not None else None
    if data is None or not isinstance(history, list):
        return None
    name, cwd = text(data.get("sessionId")) or file.stem, _folder(data.get("workspaceDirectory"))
    made = (one.get("dateCreated") for one in _index(file.parent) if one.get("sessionId") == name)
    started = _time(next(made, None))
    # It is known of the first prompt alone when it was typed, as long as no compaction has dropped it.
    whole = not any(isinstance(item, dict) and item.get("conversationSummary") for item in history)
    turns, count = Turns(), dict[str, int]()
    for item in history:
        message = item.get("message") if isinstance(item, dict) else None
        if not isinstance(message, dict):
            continue
        typed = _typed(item, message)
        if typed:
            earlier = count.get(typed, 0)
            at = started if whole and not count else ""
            count[typed] = earlier + 1
            turns.typed(prompt_key(name, str(earlier), typed) or name, typed, at, _refs(item))
        elif message.get("role") == "assistant":
            _answer(turns, item, message, cwd)
    done = turns.finish()
    return Session(name, cwd, None, started, done) if done else None


def _index(sessions: Path) -> list[dict[str, Any]]:
    """Return the list of all sessions that lies beside them."""
    listed = parse(b'{"all": ' + (read_end(str(sessions / "sessions.json")) or b"[]") + b"}")
    found = listed.get("all") if listed is not None else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _typed(item: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    if message.get("role") != "user":
        return ""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    sent = "\n".join(text(part.get("text")) for part in parts if isinstance(part, dict))
    return (text(item.get("editorState")) or sent).strip()


def _refs(item: Mapping[str, Any]) -> Iterator[str]:
    """Yield the files that a message has with it."""
    items = item.get("contextItems")
    for one in items if isinstance(items, list) else []:
        uri = one.get("uri") if isinstance(one, dict) else None
        if isinstance(uri, dict) and uri.get("type") == "file" and _folder(uri.get("value")):
            yield _folder(uri.get("value"))


def _answer(turns: Turns, item: Mapping[str, Any], message: Mapping[str, Any], cwd: str) -> None:
    from regen_git.agents.turns import commits_in

    usage = message.get("usage")
    turns.saw("", text(usage.get("model")) if isinstance(usage, dict) else "")
    turns.said(text(message.get("content")))
    states = item.get("toolCallStates")
    for state in states if isinstance(states, list) else []:
        if not isinstance(state, dict) or state.get("status") != "done":
            continue
        call = state.get("toolCall")
        function = call.get("function") if isinstance(call, dict) else None
        tool = text(function.get("name")) if isinstance(function, dict) else ""
        given = arguments(state.get("parsedArgs"))
        turns.edited(edited_paths(tool, given, cwd, _NAMES))
        if tool in _NAMES.shells:
            turns.committed(commits_in(first(given, ("command",)), _output(state)))


def _output(state: Mapping[str, Any]) -> str:
    output = state.get("output")
    parts = output if isinstance(output, list) else []
    return "\n".join(text(part.get("content")) for part in parts if isinstance(part, dict))


def _folder(where: object) -> str:
    """Return a folder or file that is given as a path or as a URI."""
    from urllib.parse import unquote, urlsplit

    if not isinstance(where, str) or not where.startswith("file:"):
        return text(where)
    try:
        return unquote(urlsplit(where).path)
    except ValueError:
        return ""


def _time(made: object) -> str:
    """Return milliseconds since 1970 as RFC 3339; empty for what is no such number."""
    from datetime import datetime, timezone

    try:
        return (
            datetime.fromtimestamp(int(str(made)) / 1000, timezone.utc).isoformat(timespec="milliseconds")[
                :23
            ]
            + "Z"
        )
    except (ValueError, OverflowError, OSError):
        return ""
