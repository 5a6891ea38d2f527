"""Read a document's YAML safely: every scalar is text, aliases are refused, depth is limited.

PyYAML would turn ids into integers, versions into floats and times into dates; none of that may happen to
what identifies an intent. Its composer calls itself for each level, so that a deep document ends the process,
and takes aliases as they come; here values are put together from the parser's events, in one pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["load"]

_BASE: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEPEST = 20


def load(raw: bytes) -> Any:
    """Return dictionaries, lists and strings. Raises ``ValueError`` with the reason on one line."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from error
    # Some editors begin a file with a byte order mark; the library takes it for text.
    text = text.removeprefix("\ufeff")
    try:
        return _built(yaml.parse(text, Loader=_BASE))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
        raise ValueError(f"{problem}{where}") from error


def _built(events: Iterable[yaml.Event]) -> Any:
    """Return the value that a document's events describe; ``None`` for an empty text."""
    # What stands within a collection is gathered in a flat list, a mapping's keys and values in turn.
    top: list[Any] = []
    open_lists = [top]
    items = top
    for event in events:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            items.append(event.value)  # type: ignore[attr-defined]
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            items = []
            open_lists.append(items)
            if len(open_lists) > _DEEPEST + 1:
                raise ValueError("it is nested too deeply")
        elif kind is yaml.SequenceEndEvent:
            done = open_lists.pop()
            items = open_lists[-1]
            items.append(done)
        elif kind is yaml.MappingEndEvent:
            done = open_lists.pop()
            items = open_lists[-1]
            items.append(_mapping(done))
        elif kind is yaml.AliasEvent:
            raise ValueError("it uses an alias, which a note may not")
    if len(top) > 1:
        raise ValueError("it holds more than one document")
    return top[0] if top else None


def _mapping(items: list[Any]) -> dict[str, Any]:
    """Return what keys and values in turn make; a key that stands twice leaves open what is meant."""
    keys = items[::2]
    if not all(isinstance(key, str) for key in keys):
        raise ValueError("one of its keys is not a word")
    made = dict(zip(keys, items[1::2], strict=True))
    if len(made) < len(keys):
        twice = next(key for key in made if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:40]!a} stands twice in it")
    return made
