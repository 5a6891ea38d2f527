"""OpenCode: what its plugin tells, and the sessions it keeps in SQLite or, in older releases, in JSON files.

Source: the hooks and the database of OpenCode 1.18; the folder ``storage`` from its public source.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from regen_git.agents import Settings
from regen_git.agents.payloads import Payloads, edited_paths, first, read_payload, text
from regen_git.agents.values import mapping, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

NAME = "opencode"
TITLE = "OpenCode"
TESTED = "1.18.33"
PROGRAMS = ("opencode",)
FOLDERS = (".config/opencode", ".local/share/opencode")
SETTINGS = Settings(
    "plugin",
    ".opencode/plugins/git-regen.js",
    ".config/opencode/plugins/git-regen.js",
    {},
    "XDG_CONFIG_HOME",
    price="with a plugin, its first start waits for a package from the npm registry",
)

_NAMES = Payloads(
    NAME,
    events={"prompt": "prompt", "tool": "tool", "end": "end", "gone": "gone"},
    edits={"edit": ("filePath",), "write": ("filePath",), "multiedit": ("filePath", "paths")},
    patches=("patch", "apply_patch"),
    shells=("bash",),
    name=("event",),
    session=("session",),
    turn=("key",),
    prompt=("text",),
    said=("text",),
    tool=("tool",),
    given=("given",),
)
_MARK = "#"
_QUOTED = re.compile(r'"((?:[^"]|(?<=\\)")*)"(?=\n|\Z)')


def typed_text(prompt: str) -> str:
    r"""Return a prompt without the quotes that ``opencode run`` puts around an argument with blanks.

    In it ``"`` is written ``\"``. What was piped in follows on a new line.
    """
    found = _QUOTED.match(prompt)
    if found and " " in found[1]:
        prompt = found[1].replace('\\"', '"') + prompt[found.end() :]
    return prompt.strip("\n")


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what the plugin tells; empty for what is not recorded. Never raises for odd fields."""
    del env
    version = first(payload, ("version",)) or None
    refs = _paths(payload.get("files"))
    return [
        event._replace(version=version, key=event.turn, text=typed_text(event.text), refs=refs)
        if event.kind == "prompt"
        else event
        for event in read_payload(payload, _NAMES)
    ]


def _paths(addresses: object) -> tuple[str, ...]:
    """Return the paths that ``file:`` addresses name."""
    found = [one for one in addresses if isinstance(one, str)] if isinstance(addresses, list) else []
    if not any(one.startswith("file:///") for one in found):
        return ()
    from urllib.parse import unquote

    return tuple(unquote(one[7:].partition("?")[0]) for one in found if one.startswith("file:///"))


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the sessions of people that worked in these folders or those below, sorted.

    A session in a database is the database's path with ``#`` and the session's id behind it.
    """
    from regen_git.agents.turns import home_folder, is_inside

    data = home_folder(env, ".local/share", "XDG_DATA_HOME") / "opencode"
    found: dict[str, str] = {}
    for path in sorted((data / "storage" / "session").glob("*/*.json")):
        session = _json_file(path)
        if text(session.get("id")) and not session.get("parentID"):
            folder = text(session.get("directory"))
            if folder and is_inside(folder, tops):
                found[session["id"]] = str(path)
    # What an old release kept in files is in the database of a newer one.
    for path in sorted(data.glob("opencode*.db")):
        for row in _rows(path, "SELECT id, directory FROM session WHERE parent_id IS NULL", ()):
            # The columns of another release may hold anything.
            if isinstance(row[0], str) and isinstance(row[1], str) and is_inside(row[1], tops):
                found[row[0]] = f"{path}{_MARK}{row[0]}"
    return sorted(found.values())


def read_session(path: str) -> Session | None:
    """Read one session that ``session_files`` named; ``None`` when there is no session of a person in it."""
    from pathlib import Path

    file, mark, session = path.rpartition(_MARK)
    return _from_database(Path(file), session) if mark else _from_files(Path(path))


class _Message(NamedTuple):
    """One message; ``data`` is its JSON, ``key`` its id, or that of the one it is a fork's copy of."""

    key: str
    data: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]


def _from_database(path: Any, session: str) -> Session | None:
    query = "SELECT directory, version, time_created, parent_id, revert FROM session WHERE id = ?"
    for folder, version, created, parent, reverted in _rows(path, query, (session,)):
        if parent:
            return None
        undone = text(_parsed(reverted).get("messageID"))
        began = created if isinstance(created, int) else 0
        return _session(session, text(folder), version, created, _messages(path, session, began, undone))
    return None


def _messages(path: Any, session: str, created: int, undone: str) -> Iterator[_Message]:
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for message, data in _rows(
        path, "SELECT message_id, data FROM part WHERE session_id = ? ORDER BY id", (session,)
    ):
        parts.setdefault(message, []).append(_parsed(data))
    query = "SELECT id, time_created, data FROM message WHERE session_id = ? ORDER BY time_created, id"
    for message, at, data in _rows(path, query, (session,)):
        if not isinstance(message, str):
            continue
        if undone and message >= undone:
            break
        # A fork's copies have new ids and the old times, before the fork itself began.
        same = "SELECT min(id) FROM message WHERE time_created = ?"
        key = (
            next(_rows(path, same, (at,)), (message,))[0] if isinstance(at, int) and at < created else message
        )
        yield _Message(key, _parsed(data), parts.get(message, []))


def _rows(path: Any, query: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield a query's rows from a database that OpenCode may be writing; none if it cannot be read."""
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            yield from database.execute(query, values).fetchall()
    except sqlite3.Error:
        return


def _from_files(path: Any) -> Session | None:
    info = _json_file(path)
    session = text(info.get("id"))
    if not session or info.get("parentID"):
        return None
    storage = path.parent.parent.parent
    undone = text(mapping(info.get("revert")).get("messageID"))
    messages = []
    for file in sorted((storage / "message" / session).glob("*.json")):
        if not undone or file.stem < undone:
            parts = [_json_file(part) for part in sorted((storage / "part" / file.stem).glob("*.json"))]
            messages.append(_Message(file.stem, _json_file(file), parts))
    created = mapping(info.get("time")).get("created")
    return _session(session, text(info.get("directory")), info.get("version"), created, messages)


def _session(
    session: str, folder: str, version: object, created: object, messages: Iterable[_Message]
) -> Session | None:
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns

    turns = Turns()
    for message in messages:
        _take(turns, message, folder)
    done = turns.finish()
    return Session(session, folder, text(version) or None, moment(created), done) if done else None


def _take(turns: Turns, message: _Message, folder: str) -> None:
    data = message.data
    time = mapping(data.get("time"))
    at = moment(time.get("created"))
    if data.get("role") == "user":
        words = typed_text("\n".join(_words(message.parts)))
        if words.strip() and all(part.get("type") != "compaction" for part in message.parts):
            files = [part.get("url") for part in message.parts if part.get("type") == "file"]
            turns.typed(message.key, words, at, _paths(files))
            turns.saw(at, text(mapping(data.get("model")).get("modelID")))
    elif data.get("role") == "assistant":
        turns.saw(max(at, moment(time.get("completed"))), text(data.get("modelID")))
        turns.said("\n".join(_words(message.parts)))
        for part in message.parts:
            _take_tool(turns, part, folder)


def _words(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = [p for p in parts if p.get("type") == "text" and not p.get("synthetic") and not p.get("ignored")]
    return [text(part.get("text")) for part in shown]


def _take_tool(turns: Turns, part: Mapping[str, Any], folder: str) -> None:
    from regen_git.agents.turns import commits_in

    state = mapping(part.get("state"))
    if part.get("type") != "tool" or state.get("status") != "completed":
        return
    given = mapping(state.get("input"))
    turns.edited(edited_paths(text(part.get("tool")), given, folder, _NAMES))
    if part.get("tool") == "bash":
        turns.committed(commits_in(text(given.get("command")), text(state.get("output"))))


def _json_file(path: Any) -> Mapping[str, Any]:
    try:
        return _parsed(path.read_text("utf-8", "replace"))
    except OSError:
        return {}


def _parsed(data: object) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(data, strict=False)) if isinstance(data, str) else {}
    except (ValueError, RecursionError):
        return {}
