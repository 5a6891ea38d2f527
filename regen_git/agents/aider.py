"""aider, which has no hooks: its chat history tells what was typed, and which edits and commits followed.

Source: the files that aider 0.86 writes, and their state while it commits: then the prompt and the lines
``Applied edit to`` are there and the line ``Commit`` is not yet.

One history file holds many chats. Each is a session of its own here, named by the time of its header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents import AgentEvent
from regen_git.agents.aider_history import chat_at, chats_in, last_chat, utc
from regen_git.agents.payloads import absolute, first

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import Settings
    from regen_git.agents.aider_history import Chat
    from regen_git.agents.transcripts import Session

NAME = "aider"
TITLE = "aider"
TESTED = "0.86.2"
PROGRAMS = ("aider",)
FOLDERS = (".aider",)
SETTINGS: Settings | None = None

_MARK = "#"


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what the commit that aider is making comes from; empty where it saves only a person's changes.

    The payload is that of git's hook: ``event`` is ``commit`` and ``cwd`` the top of the tree.
    """
    cwd = first(payload, ("cwd",))
    if payload.get("event") != "commit" or not cwd:
        return []
    chat = last_chat(*_files(cwd, env))
    if chat is None or not chat.pending:
        return []
    found: list[AgentEvent] = []
    places = [place for place, _ in chat.pending]
    for place in range(min(chat.since, *places), max(places) + 1):
        ask = chat.asks[place]
        base = AgentEvent("prompt", NAME, _name(chat), cwd, turn=ask.key, at=ask.at)
        found.append(base._replace(key=ask.key, text=ask.text, model=ask.model, version=chat.version))
        paths = dict.fromkeys(path for one, path in chat.pending if one == place)
        found += [base._replace(kind="edit", path=absolute(path, cwd), at="") for path in paths]
    return found


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the chats of these folders, sorted: each is the history's path, ``#`` and its place in it."""
    files = {_files(top, env) for top in tops}
    return [f"{file}{_MARK}{place}" for file, _ in sorted(files) for place in chats_in(file)]


def read_session(path: str) -> Session | None:
    """Read one chat that ``session_files`` named; ``None`` when nothing was asked in it.

    Its folder is that of the history file, to which all paths in the history are relative.
    """
    import os

    from regen_git.agents.transcripts import Session, Turn, Typed

    file, _, place = path.rpartition(_MARK)
    if not place.isdecimal():
        return None
    cwd = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120 - one text from another
    chat = chat_at(file, int(place), _files(cwd, os.environ)[1])
    if chat is None or not chat.asks:
        return None
    turns = tuple(
        Turn(
            ask.key,
            (Typed(ask.text, ask.at),),
            ask.at,
            ask.at,
            tuple(absolute(edit, cwd) for edit in ask.edits),
            ask.commits,
            ask.model,
        )
        for ask in chat.asks
    )
    return Session(_name(chat), cwd, chat.version, utc(chat.started), turns)


def _name(chat: Chat) -> str:
    return chat.started.replace(" ", "T")


def _files(top: str, env: Mapping[str, str]) -> tuple[str, str]:
    """Return the chat history and the input history of the tree at ``top``."""
    chat = env.get("AIDER_CHAT_HISTORY_FILE") or ".aider.chat.history.md"
    entered = env.get("AIDER_INPUT_HISTORY_FILE") or ".aider.input.history"
    return absolute(chat, top), absolute(entered, top)
