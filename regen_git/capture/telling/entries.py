"""Our entries in an agent's settings file: put in, found and taken out, all else kept to the byte.

Each shape has its way to list hooks under ``hooks``; all are JSON, most of them read with comments. An entry
is ours when its command runs ``git-regen capture``, whoever wrote it and for whatever agent: one file is read
by several agents, and the payload says which of them calls.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from regen_git.capture.telling.jsonc import cut, has_comment, insert, parse

if TYPE_CHECKING:
    from regen_git.agents import Settings
    from regen_git.capture.telling.jsonc import Item, Node

__all__ = ["Told", "command_of", "told", "with_entries", "without_entries"]

_OURS = re.compile(r"\bgit[ -]regen capture\b")
_COMMANDS = ("command", "bash")
_VERSIONED = ("copilot", "cursor")
_EMPTY = "\ufeff \t\r\n"


class Told(NamedTuple):
    """How many of the events that we record an agent is told to report; ``events`` are all of them."""

    events: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def state(self) -> str:
        """Say it in a word: all, some or none."""
        return "all" if not self.missing else "some" if len(self.missing) < len(self.events) else "none"


def command_of(name: str) -> str:
    """Return what an agent runs. Who lacks the program loses nothing, and the agent never sees a word."""
    return f"git-regen capture --agent {name} 2>/dev/null || :"


def told(text: str, settings: Settings) -> Told:
    """Return which events a settings file reports to us. Raises ``ValueError`` as ``with_entries``."""
    hooks = _hooks(parse(text), settings) if text.strip(_EMPTY) else None
    events = tuple(settings.events)
    return Told(events, tuple(e for e in events if not _has_current(hooks, e, settings)))


def with_entries(text: str, name: str, settings: Settings) -> str:
    """Return the text of a settings file with our entry for each event; an empty text is an empty file.

    An entry of ours whose matcher is not the wanted one is replaced. Raises ``ValueError``, which says where,
    when the text is not JSON (with comments, if need be) or not of the shape; nothing is guessed then.
    """
    if not text.strip(_EMPTY):
        return text[: text.startswith("\ufeff")] + _fresh(name, settings)
    for event in told(text, settings).missing:
        text = _without(text, event)
        text = _with(text, event, _entry(name, settings.events[event], settings), settings)
    return text


def without_entries(text: str) -> str:
    """Return the text without our entries and the lists that held nothing else; empty if that was all.

    It may be of any shape. Raises ``ValueError`` when it cannot be read.
    """
    if not text.strip(_EMPTY):
        return text
    return _without(text, None)


def _fresh(name: str, settings: Settings) -> str:
    """Return a whole file that holds our entries alone."""
    import json

    hooks = {event: [_entry(name, matcher, settings)] for event, matcher in settings.events.items()}
    version = {"version": 1} if settings.shape in _VERSIONED else {}
    return json.dumps({**version, "hooks": hooks}, indent=2) + "\n"


def _entry(name: str, matcher: str | None, settings: Settings) -> dict[str, Any]:
    """Return the entry of one event, as the shape has it."""
    command = command_of(name)
    chosen = {"matcher": matcher} if matcher else {}
    if settings.shape == "claude":
        hook = {"type": "command", "command": command, "timeout": settings.timeout}
        return {**chosen, "hooks": [hook]}
    if settings.shape == "copilot":
        return {**chosen, "type": "command", "bash": command, "timeoutSec": settings.timeout}
    if settings.shape == "cursor":
        return {**chosen, "command": command, "timeout": settings.timeout}
    return {"command": command, "show_output": False}


def _hooks(root: Node, settings: Settings) -> Node | None:
    """Return the object of hooks. Raises ``ValueError`` where the file is not of its shape."""
    if root.kind != "object":
        raise ValueError("it is not a JSON object")
    hooks = root.member("hooks")
    if hooks is not None and hooks.kind != "object":
        raise ValueError("its 'hooks' is not an object")
    for event in settings.events if hooks else ():
        listed = hooks.member(event) if hooks else None
        if listed is not None and listed.kind != "array":
            raise ValueError(f"its 'hooks.{event}' is not a list")
    return hooks


def _has_current(hooks: Node | None, event: str, settings: Settings) -> bool:
    """Return whether an event has an entry of ours that is called for all that it should be."""
    listed = hooks.member(event) if hooks else None
    wanted = settings.events[event]
    for item in listed.items if listed else ():
        if not _ours_in(item.node):
            continue
        matcher = item.node.member("matcher")
        if settings.shape == "windsurf" or (matcher.value if matcher else None) in (wanted, None, "", "*"):
            return True
    return False


def _ours_in(entry: Node) -> list[int]:
    """Return which of the hooks in an entry are ours; an entry that is itself a hook has number 0."""
    if entry.kind != "object":
        return []
    inner = entry.member("hooks")
    if inner is not None:
        return [i for i, item in enumerate(inner.items) if inner.kind == "array" and _is_ours(item.node)]
    return [0] if _is_ours(entry) else []


def _is_ours(hook: Node) -> bool:
    values = [hook.member(name) for name in _COMMANDS] if hook.kind == "object" else []
    return any(node and isinstance(node.value, str) and _OURS.search(node.value) for node in values)


def _with(text: str, event: str, entry: dict[str, Any], settings: Settings) -> str:
    root = parse(text)
    hooks = _hooks(root, settings)
    if hooks is None:
        return insert(text, root, "hooks", {event: [entry]})
    listed = hooks.member(event)
    return insert(text, hooks, event, [entry]) if listed is None else insert(text, listed, None, entry)


def _without(text: str, event: str | None) -> str:
    """Take our entries for one event, or for all, out one after the other."""
    while True:
        root = parse(text)
        found = _next_of_ours(text, root, event) if root.kind == "object" else None
        if found is None:
            return text
        container, index = found
        if container is None:
            return ""
        text = cut(text, container, index)


def _next_of_ours(text: str, root: Node, event: str | None) -> tuple[Node | None, int] | None:
    """Return the container and number of the largest item that is ours alone, ``None`` if nothing is.

    Without a container it is the whole file. What a person has put a comment into is not ours alone.
    """
    for at, member in enumerate(root.items):
        if member.name != "hooks" or member.node.kind != "object":
            continue
        for i, listed in enumerate(member.node.items):
            found = _first_in(text, listed.node) if event in (None, listed.name) else None
            if found is None:
                continue
            if not _is_ours_alone(text, listed):
                return found
            if event is not None or len(member.node.items) > 1 or _has_comment(text, member):
                return member.node, i
            return (None, 0) if _is_whole(text, root, listed.node) else (root, at)
    return None


def _first_in(text: str, listed: Node) -> tuple[Node, int] | None:
    """Return the first entry of ours in the list of an event, or the hook of ours in an entry of others."""
    for i, item in enumerate(listed.items if listed.kind == "array" else ()):
        numbers = _ours_in(item.node)
        inner = item.node.member("hooks")
        if not numbers:
            continue
        if inner is None or (len(numbers) == len(inner.items) and not _has_comment(text, item)):
            return listed, i
        return inner, numbers[0]
    return None


def _is_ours_alone(text: str, listed: Item) -> bool:
    """Return whether the list of an event holds entries of ours and nothing else, no comment either."""
    inner = [(item.node.member("hooks"), _ours_in(item.node)) for item in listed.node.items]
    ours = all(numbers and (hooks is None or len(numbers) == len(hooks.items)) for hooks, numbers in inner)
    return ours and not _has_comment(text, listed)


def _is_whole(text: str, root: Node, listed: Node) -> bool:
    """Return whether nothing but our entries is in a file; a shape without inner lists has a version."""
    is_flat = listed.items[0].node.member("hooks") is None
    others = [i for i in root.items if i.name != "hooks" and not (is_flat and _is_version(i))]
    return not others and not has_comment(text, 0, len(text))


def _is_version(item: Item) -> bool:
    return item.name == "version" and item.node.value == 1


def _has_comment(text: str, item: Item) -> bool:
    return has_comment(text, item.start, item.node.end)
