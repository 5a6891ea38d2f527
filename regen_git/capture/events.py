"""File what an agent said has happened: redact, append to the right inbox, tell the hooks.

A session's prompts go to the repository it works in; an edit goes to the repository and worktree that hold
the file, and takes its prompt along. Outside of every repository there is a spool in the user's data folder.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Any

from regen_git.capture.aside import put_aside, spool, take_back
from regen_git.capture.clock import now, seconds
from regen_git.capture.failures import note_failure
from regen_git.capture.inbox import Entry, Inbox
from regen_git.capture.loose import LIMIT, hash_name, keep_blob
from regen_git.capture.marks import anything_marked
from regen_git.capture.matching import overdue, read_sessions
from regen_git.capture.pending import refresh
from regen_git.capture.place import find_place
from regen_git.capture.preferences import remembered_preferences
from regen_git.capture.reflog import forward, read_new
from regen_git.domain.ids import derived_intent_id
from regen_git.redaction.rules import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.capture.place import Place
    from regen_git.capture.preferences import Preferences

__all__ = ["file_event"]

_CONTEXT = 2048
"""Bytes of an agent's message that are kept as what a prompt answers."""

_REFS = 20
_NO_TURN = "-"
"""The turn of what an agent writes that names no turns and of which no prompt is known."""

_WRITES = "edits"
"""Labels a session whose edits are known."""

_AT_FILE = re.compile(r'(?<![\w.@/])@(?:"([^"\n]{1,300})"|([\w./~+-]{1,300}))')
_SLASH = re.compile(r"/[A-Za-z][\w:-]{0,60}(?=\s|$)")
_OPTION = re.compile(r"^\s*(?:\d{1,2}|[A-Za-z])[.)]\s", re.MULTILINE)
_SHORT = 40
_AN_ANSWER = 400


def file_event(event: AgentEvent) -> tuple[Place, bool] | None:
    """Record one event, on the disk when this returns.

    Returns the repository it concerns, if one, and whether commits in it wait for a flush.
    """
    event = _clean(event)
    home = find_place(event.cwd)
    if event.kind == "shell" and (home is None or not os.path.exists(home.data)):  # noqa: PTH110 - an agent waits
        return None
    if event.kind == "edit":
        place = find_place(os.path.dirname(event.path)) if _can_be(event.path) else None  # noqa: PTH120 - an agent waits
        if place is None or not place.top:
            return None
        return place, _is_due(place, _file_edit(event, place, home))
    if home is None:
        outside = Inbox(spool())
        with outside.hold():
            present = outside.read()
            outside.add(_entries(event, None, present, {}), present)
        return None
    settings = remembered_preferences(home)
    return home, _is_due(home, _file(home, settings, lambda p: _entries(event, home, p, settings), event))


def _clean(event: AgentEvent) -> AgentEvent:
    """Return the event with a mark for each half of a character, as JSON can hold one and no file can."""
    try:
        for value in event:
            if isinstance(value, str):
                value.encode()
    except UnicodeEncodeError:
        # A path's own half characters stand for bytes that are not UTF-8.
        texts: dict[str, Any] = {
            name: value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            for name, value in event._asdict().items()
            if isinstance(value, str) and name not in ("cwd", "path")
        }
        return event._replace(**texts)
    return event


def _can_be(path: str) -> bool:
    """Return whether a file can have this name."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _file(
    place: Place,
    settings: Preferences,
    make: Callable[[Sequence[Entry]], list[Entry]],
    event: AgentEvent,
) -> Sequence[Entry]:
    """Add what ``make`` returns for the inbox as it is, and return the inbox; it is on the disk then.

    Where the inbox cannot be written (a full disk, a folder of another user) it is put aside.
    """
    inbox = Inbox(place.data)
    take_back(place.data)
    try:
        with inbox.hold():
            present = inbox.read()
            commits, end = _commits(place, present, event)
            present = inbox.add([*commits, *make(present)], present)
            with contextlib.suppress(OSError):
                # What was typed is safe now; the next capture writes these again.
                forward(place, place.key, end)
                refresh(place.data, present, settings)
    except OSError as error:
        put_aside(place.data, make([]))
        note_failure(place.data, "capture", error)
        return []
    return present


def _is_due(place: Place, entries: Sequence[Entry]) -> bool:
    return anything_marked(place.data) or overdue(entries, seconds(now()))


def _commits(place: Place, present: Sequence[Entry], event: AgentEvent) -> tuple[list[Entry], int]:
    """Return a mark for every commit made since we last looked, so that the inbox has them in order.

    What is new just after an agent ran a command is that session's. The number is how far that is, to be
    remembered once they are in the inbox.
    """
    maker = event if event.kind == "shell" else None
    moved, end = read_new(place, place.key)
    known = {entry.commit for entry in present if entry.kind in ("commit", "bound")}
    new = [
        Entry(
            "commit",
            agent=maker.agent if maker else "",
            session=maker.session if maker else "",
            worktree=place.key,
            commit=one.commit,
            at=now(),
            text=one.unsure_since,
        )
        for one in moved
        if one.commit not in known
    ]
    return new, end


def _entries(
    event: AgentEvent, place: Place | None, present: Sequence[Entry], settings: Preferences
) -> list[Entry]:
    key = place.key if place else ""
    base = Entry(
        "end",
        agent=event.agent,
        session=event.session,
        turn=event.turn or "",
        worktree=key,
        at=event.at or now(),
        path=event.transcript,
    )
    if event.kind == "shell":
        return []
    if event.kind == "session":
        return [base._replace(kind="session", turn="", model=event.model or "", version=event.version or "")]
    if event.kind == "gone":
        return [base._replace(kind="gone", turn="")]
    if event.kind == "end":
        said = "" if settings.get("context") == "off" else _cut(redact(event.text).text)
        return [base._replace(text=said, model=event.model or "")]
    if event.kind == "typed":
        return _as_typed(event, base, place, present)
    entry = _typed(event, base, place, present, settings)
    return [] if _is_known(entry, present) else [entry]


def _as_typed(event: AgentEvent, base: Entry, place: Place | None, present: Sequence[Entry]) -> list[Entry]:
    """Return what replaces the text of a prompt that waits; nothing if none does or it says so already."""
    said = [e for e in present if e.key and e.key == event.key and (e.agent, e.session) == base[2:4]]
    clean = redact(event.text)
    if not said or said[-1].text == clean.text:
        return []
    refs = tuple(_refs(event, place))
    known = said[-1]
    return [base._replace(kind="typed", turn=known.turn, key=known.key, text=clean.text, refs=refs)]


def _typed(
    event: AgentEvent, base: Entry, place: Place | None, present: Sequence[Entry], settings: Preferences
) -> Entry:
    """Return the entry of a prompt or of an accepted plan."""
    clean = redact(event.text)
    answers = None
    if settings.get("context") != "off" and event.kind == "prompt":
        answers = event.answers if event.answers is not None else _answered(event, present)
    context = redact(_cut(answers or ""))
    unique = event.key or f"{event.session}\0{base.at}\0{event.text}"
    return base._replace(
        kind="plan" if event.kind == "plan" else "prompt",
        turn=event.turn or event.key or derived_intent_id(event.agent, unique),
        id=derived_intent_id(event.agent, unique),
        key=event.key or "",
        text=clean.text,
        redacted=clean.count + context.count,
        answers=context.text,
        refs=tuple(_refs(event, place)) if event.kind == "prompt" else (),
        version=event.version or "",
        model=event.model or "",
    )


def _is_known(entry: Entry, present: Sequence[Entry]) -> bool:
    """Return whether the same prompt was captured already: two hook files of one agent may both run."""
    for other in reversed(present):
        if (other.kind, other.agent, other.session) != (entry.kind, entry.agent, entry.session):
            continue
        if entry.key:
            if other.key == entry.key:
                return True
        elif other.text == entry.text:
            return abs(seconds(entry.at) - seconds(other.at)) <= 2  # noqa: PLR2004 - two seconds
    return False


def _answered(event: AgentEvent, present: Sequence[Entry]) -> str | None:
    """Return the agent's last message when this prompt reads like a reply to it."""
    mine = [e for e in present if e.session == event.session and e.agent == event.agent]
    said = next((e.text for e in reversed(mine) if e.kind in ("end", "prompt")), "")
    if not mine or not said or next(e.kind for e in reversed(mine) if e.kind in ("end", "prompt")) != "end":
        return None
    length = len(event.text)
    if ("?" in said and length <= _AN_ANSWER) or (_OPTION.search(said) and length <= _SHORT):
        return said
    return None


def _cut(text: str) -> str:
    """Return the end of a long message: the question stands there."""
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= _CONTEXT else raw[-_CONTEXT:].decode("utf-8", "ignore")


def _refs(event: AgentEvent, place: Place | None) -> list[str]:
    """Return the slash command and the files that a prompt points at, a file as ``path@blob``."""
    slash = _SLASH.match(event.text)
    found = [slash.group()] if slash else []
    pointed = [(match.group(1) or match.group(2)).rstrip(".,;:") for match in _AT_FILE.finditer(event.text)]
    found += [one for one in event.refs if _SLASH.fullmatch(one)]
    if place is None:
        return found
    name = hash_name(place.common_dir)
    for typed in filter(_can_be, [*pointed, *event.refs]):
        full = os.path.realpath(os.path.join(event.cwd, typed))  # noqa: PTH118 - an agent waits
        path = _inside(full, place)
        data = _content(full) if path else None
        if path and data is not None and len(found) < _REFS:
            found.append(f"{path}@{keep_blob(place.common_dir, data, name)}")
    return list(dict.fromkeys(found))


def _inside(full: str, place: Place) -> str:
    """Return the path relative to the worktree; empty for what lies outside, or among git's own files."""
    if not full.startswith(place.top.rstrip("/") + "/"):
        return ""
    path = full[len(place.top.rstrip("/")) + 1 :]
    return "" if path == ".git" or path.startswith(".git/") else path


def _content(full: str) -> bytes | None:
    """Return a file's bytes; ``None`` for what is no ordinary file of a reasonable size."""
    try:
        if os.path.getsize(full) > 16 * LIMIT or not os.path.isfile(full):  # noqa: PTH113, PTH202 - an agent waits
            return None
        with open(full, "rb") as file:  # noqa: PTH123 - an agent waits
            return file.read()
    except OSError:
        return None


def _file_edit(event: AgentEvent, place: Place, home: Place | None) -> Sequence[Entry]:
    """Record an edit in the inbox of the repository that holds the file, with the prompt it follows from.

    Returns that inbox; empty when the file is none that can be committed.
    """
    folder, name = os.path.split(event.path)
    full = os.path.join(os.path.realpath(folder), name)  # noqa: PTH118 - an agent waits
    path = _inside(full, place)
    data = _content(full) if path else None
    if data is None and (not path or os.path.lexists(full)):
        return []
    entry = Entry(
        "edit",
        agent=event.agent,
        session=event.session,
        turn=event.turn or "",
        worktree=place.key,
        at=event.at or now(),
        model=event.model or "",
        path=path,
        blob="" if data is None else keep_blob(place.common_dir, data, hash_name(place.common_dir)),
    )
    typed: list[Entry] = []
    if home is None or home.data != place.data:
        typed = _prompts_elsewhere(event, place, home)
        if home is not None:
            _tell_home(entry, place, home, event)
    settings = remembered_preferences(place)
    return _file(
        place, settings, lambda p: _in_turn([e for e in typed if not _is_known(e, p)], entry, p), event
    )


def _in_turn(typed: Sequence[Entry], edit: Entry, present: Sequence[Entry]) -> list[Entry]:
    """Return what is to be filed of an edit; one that names no turn is of the session's latest.

    Which that is must be known now: the turns before it leave the inbox, each with what is its own.
    """
    turns = dict.fromkeys(
        e.turn
        for e in (*present, *typed)
        if (e.agent, e.session) == edit[2:4] and e.kind in ("prompt", "plan", "edit") and e.turn
    )
    return [*typed, edit if edit.turn else edit._replace(turn=[_NO_TURN, *turns][-1])]


def _tell_home(edit: Entry, place: Place, home: Place, event: AgentEvent) -> None:
    """Tell the repository in which a session works that it edits another one.

    A submodule's next commit is a change in the outer repository, too. Elsewhere the session has nothing to
    do with what a person commits meanwhile.
    """
    inside = _inside(place.top, home) if place.git_dir.startswith(home.common_dir + "/modules/") else ""

    def make(present: Sequence[Entry]) -> list[Entry]:
        if inside:
            return _in_turn((), edit._replace(worktree=home.key, path=inside, blob=""), present)
        mine = (e for e in present if (e.agent, e.session) == (edit.agent, edit.session))
        if any(e.kind == "edit" or e.label == _WRITES for e in mine):
            return []
        return [Entry("session", agent=edit.agent, session=edit.session, at=edit.at, label=_WRITES)]

    _file(home, remembered_preferences(home), make, event)


def _prompts_elsewhere(event: AgentEvent, place: Place, home: Place | None) -> list[Entry]:
    """Return the prompts that led to this edit, from another repository's inbox or from the spool."""
    for session in read_sessions(Inbox(home.data if home else spool()).read()):
        if (session.agent, session.name) == (event.agent, event.session):
            groups = session.groups
            if event.turn:
                groups = [group for group in groups if any(turn.key == event.turn for turn in group.turns)]
            return [e._replace(worktree=place.key, refs=()) for group in groups[-1:] for e in group.prompts]
    return []
