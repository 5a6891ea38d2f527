"""Change JSON as people keep it, comments and trailing commas included, without touching another byte.

A document is parsed into nodes that know where they stand, and text is put in or cut out between them; it is
never written anew. What ``insert`` put in, ``cut`` takes out to the byte: commas that were added go, comments
and blank lines stay where they are.

No library does this. Of those for Python, json-five alone gives back every byte of what it reads, but it
takes what agents refuse (names without quotes, hexadecimal numbers), has no words for putting an item in
between comments, and needs a second for two thousand lines; others start Node or do not know trailing commas.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Item", "Node", "cut", "has_comment", "insert", "parse"]

_BLANK = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/)*")
_SCALAR = re.compile(
    r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
    r"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.+-])"
    r"|(?:true|false|null)(?!\w)"
)
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|(//|/\*)')
_BREAK = re.compile(r"[\r\n]")
_SPACE = " \t\r\n"
_MARK = "\ufeff"
"""What some editors of Windows put in front of a text."""

_DEEP = 200
"""Levels of nesting; no settings file has as many, and Python's stack ends at a thousand."""


@dataclass(frozen=True, slots=True)
class Item:
    """One member of an object or item of an array; ``start`` is where its name, else its value begins."""

    name: str | None
    start: int
    node: Node
    comma: int | None
    """Where the comma after it stands; ``None`` if there is none."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value: ``text[start:end]``. ``items`` are those of an object or array, ``value`` is a scalar's."""

    kind: Literal["object", "array", "scalar"]
    start: int
    end: int
    items: tuple[Item, ...] = ()
    value: Any = None

    def member(self, name: str) -> Node | None:
        """Return the value of a member, of several of that name the last, which counts for every reader."""
        return next((item.node for item in reversed(self.items) if item.name == name), None)

    def plain(self) -> Any:
        """Return the value as Python has it."""
        if self.kind == "object":
            return {item.name: item.node.plain() for item in self.items}
        return [item.node.plain() for item in self.items] if self.kind == "array" else self.value


def parse(text: str) -> Node:
    """Return the value that a document holds. Raises ``ValueError`` that says where it cannot be read."""
    start = _skip(text, 1 if text.startswith(_MARK) else 0)
    node = _value(text, start, 0)
    end = _skip(text, node.end)
    if end != len(text):
        raise _unreadable(text, end)
    return node


def _value(text: str, at: int, depth: int) -> Node:
    opening = text[at : at + 1]
    if depth > _DEEP:
        raise _unreadable(text, at)
    if opening in ("{", "["):
        return _container(text, at, depth)
    match = _SCALAR.match(text, at)
    if match is None:
        raise _unreadable(text, at)
    return Node("scalar", at, match.end(), value=json.loads(match[0]))


def _container(text: str, start: int, depth: int) -> Node:
    is_object = text[start] == "{"
    closing = "}" if is_object else "]"
    items: list[Item] = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != closing:
        if items and items[-1].comma is None:
            raise _unreadable(text, at)
        first, name = at, None
        if is_object:
            name, at = _name(text, at)
        node = _value(text, at, depth + 1)
        at = _skip(text, node.end)
        comma = at if text[at : at + 1] == "," else None
        items.append(Item(name, first, node, comma))
        at = at if comma is None else _skip(text, at + 1)
    return Node("object" if is_object else "array", start, at + 1, tuple(items))


def _name(text: str, at: int) -> tuple[str, int]:
    """Return the name of a member and where its value begins."""
    match = _SCALAR.match(text, at)
    if match is None or text[at] != '"':
        raise _unreadable(text, at)
    colon = _skip(text, match.end())
    if text[colon : colon + 1] != ":":
        raise _unreadable(text, colon)
    return json.loads(match[0]), _skip(text, colon + 1)


def _skip(text: str, at: int) -> int:
    """Return where the white space and the comments that begin here end."""
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _unreadable(text: str, at: int) -> ValueError:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    what = f"'{text[at]}'" if at < len(text) and text[at].isprintable() else "what stands there"
    return ValueError(f"line {line}, column {column}: {'its end' if at >= len(text) else what} is unexpected")


def insert(text: str, into: Node, name: str | None, value: Any) -> str:
    """Return the text with a last item in a container, laid out like what stands around it.

    Where the container has its brackets on one line, the item goes onto that line.
    """
    last = into.items[-1] if into.items else None
    after = into.start + 1 if last is None else last.node.end if last.comma is None else last.comma + 1
    close = into.end - 1
    at = after + len(text[after:close].rstrip(_SPACE))
    rest = text[at:close]
    newline = "\r\n" if "\r\n" in text else "\n"
    outer, unit = _indent_of(text, into.start), _unit(text)
    inner = outer + unit
    if last is not None and _starts_line(text, last.start):
        inner = _indent_of(text, last.start)
    comma = "," if last is not None and last.comma is not None else ""
    if _BREAK.search(rest):
        new = newline + inner + _written(name, value, inner, unit, newline) + comma
    elif at == into.start + 1 and ("\n" in text or into.start == _skip(text, text.startswith(_MARK))):
        new = newline + inner + _written(name, value, inner, unit, newline) + newline + outer
    else:
        new = (" " if at > into.start + 1 else "") + _written(name, value, "", None, "") + comma
    text = text[:at] + new + text[at:]
    if last is not None and last.comma is None:
        text = text[: last.node.end] + "," + text[last.node.end :]
    return text


def cut(text: str, container: Node, index: int) -> str:
    """Return the text without one item of a container, its comma, and the white space before it."""
    item = container.items[index]
    start = len(text[: item.start].rstrip(_SPACE))
    rest = text[item.node.end :]
    if item.comma is not None:
        rest = text[item.node.end : item.comma].rstrip(_SPACE) + text[item.comma + 1 :]
    if _BREAK.search(text, start, item.start) and rest[:1] not in "\r\n" and rest.split("\n", 1)[0].strip():
        # What follows on the line must not come to stand behind a comment of the line before.
        start, rest = item.start, rest.lstrip(" \t")
    return _without_comma(text[:start] + rest, container, index)


def _without_comma(text: str, container: Node, index: int) -> str:
    """Return the text without the comma that now would be the last; ``text`` has lost the item already."""
    if container.items[index].comma is not None:
        return text
    before = container.items[index - 1].comma if index else None
    return text if before is None else text[:before] + text[before + 1 :]


def has_comment(text: str, start: int, end: int) -> bool:
    """Return whether a person has written a comment between two places that are in no string."""
    return any(match[1] for match in _COMMENT.finditer(text, start, end))


def _written(name: str | None, value: Any, indent: str, unit: str | None, newline: str) -> str:
    """Return an item as text; without ``unit`` on one line."""
    shown = json.dumps(value, ensure_ascii=False, indent=unit).replace("\n", newline + indent)
    return shown if name is None else f"{json.dumps(name, ensure_ascii=False)}: {shown}"


def _starts_line(text: str, at: int) -> bool:
    line = text.rfind("\n", 0, at) + 1
    return line > 0 and not text[line:at].strip(_SPACE)


def _indent_of(text: str, at: int) -> str:
    """Return the white space that the line around this place begins with."""
    line = text.rfind("\n", 0, at) + 1
    match = re.compile(r"[ \t]*").match(text, line)
    return match[0] if match else ""


def _unit(text: str) -> str:
    """Return what one level of the document is indented by."""
    found = re.search(r"^([ \t]+)[^\s/*]", text, re.MULTILINE)
    return found[1] if found else "  "
