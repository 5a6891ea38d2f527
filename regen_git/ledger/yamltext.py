"""Write the YAML of a note: strict, deterministic, and with prompts as a person would read them.

PyYAML's C and Python dumpers differ in quoting and folding, so neither may decide the bytes that identify a
document. This writer knows the few shapes a note has; a property test reads everything back with PyYAML.
"""

from __future__ import annotations

import re

__all__ = ["block", "flow_list", "flow_map", "is_plain_text", "scalar"]

# What may stand without quotes: starts with a letter, holds nothing YAML could read as structure.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/@<>+ -]*[A-Za-z0-9_/>]|[A-Za-z]")
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
# Characters that YAML allows in a literal block as they are.
_BLOCK_OK = re.compile(
    r"[\n\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdfe\ufe00-\ufffd\U00010000-\U0010ffff]*"
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
# All but the printable characters of ASCII that mean nothing between double quotes.
_ODD = re.compile(r"[^ !#-\[\]-~]")
_HEX = re.compile(r"[0-9a-f]{16,64}")
_LONGEST_KEY = 1000
"""Characters. YAML 1.1 allows 1,024 before the colon of a key that is not marked."""


def is_plain_text(text: str) -> bool:
    """Return whether YAML takes every character of a text as it is, and none for a byte order mark."""
    return _BLOCK_OK.fullmatch(text) is not None and "\ufeff" not in text


def scalar(text: str) -> str:
    """Return a text as one scalar on one line: plain where that is safe, else double-quoted."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED and " #" not in text:
        return text
    if _TIME.fullmatch(text) or _HEX.fullmatch(text):
        # Our readers take every scalar as text. A time reads well bare; an id may look like a number.
        return text if _TIME.fullmatch(text) else f'"{text}"'
    return _quoted(text)


def _quoted(text: str) -> str:
    """Return the text in double quotes, everything that YAML might not take as it is escaped."""
    return '"' + _ODD.sub(lambda found: _escaped(found[0]), text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable() and _BLOCK_OK.fullmatch(char):
        return char
    code = ord(char)
    if "\ud800" <= char <= "\udfff":
        return "\\ufffd"  # half a character: no UTF-8 reader could take it
    if code < 0x100:  # noqa: PLR2004 - the largest that \\x can say
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - likewise \\u


def block(text: str, indent: int) -> str:
    """Return ``|`` and the text below it, or a double-quoted scalar where a literal block is not exact."""
    lines = text.split("\n")
    exact = (
        bool(text)
        and is_plain_text(text)
        and not lines[0].startswith((" ", "\t"))
        and lines[0] != ""
        and not any(line.strip(" \t") == "" and line for line in lines)
    )
    if not exact:
        return _quoted(text)
    body, chomp = text, "|-"
    if text.endswith("\n"):
        body = text[:-1]
        chomp = "|"
        if body.endswith("\n"):
            chomp = "|+"
    pad = " " * indent
    shown = "\n".join(pad + line if line else "" for line in body.split("\n"))
    return f"{chomp}\n{shown}"


def flow_list(items: list[str]) -> str:
    """Return ``[a, b]`` on one line."""
    return "[" + ", ".join(_flow(item) for item in items) + "]"


def flow_map(pairs: list[tuple[str, str]]) -> str:
    """Return ``{a: b, c: d}`` on one line; values are taken as they are."""
    return "{" + ", ".join(f"{_key(key)}: {value}" for key, value in pairs) + "}"


def _key(text: str) -> str:
    """Return a key; a long one is marked as a key, since YAML looks for its colon only so far."""
    shown = _flow(text)
    return shown if len(shown) < _LONGEST_KEY else f"? {shown} "


def _flow(text: str) -> str:
    """Return a scalar that is safe inside ``[]`` and ``{}``."""
    shown = scalar(text)
    return shown if shown.startswith('"') or not set(shown) & set(",[]{}:#") else _quoted(text)
