"""Trailers of a commit message, repeated keys kept. Source: git-interpret-trailers(1), with --no-divider.

libgit2's reader keeps one value per key, and a process per message is too slow for a history; so the rules of
git's own reader stand here, and a property test holds them to git.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["add", "block", "parse", "values", "without"]

_TRAILER = re.compile(rb"^([A-Za-z0-9-]+)[ \t]*:(?:[ \t]*)(.*)$", re.DOTALL)
_GIT_MADE = (b"Signed-off-by: ", b"(cherry picked from commit ")
_COMMENT = b"#"


def parse(message: bytes) -> list[tuple[str, str]]:
    """Return the trailers in order; empty if the last paragraph is not a trailer block."""
    found: list[tuple[str, str]] = []
    continues = False
    for line in block(message):
        if line[:1] in (b" ", b"\t"):
            if continues:
                key, value = found[-1]
                found[-1] = (key, value + " " + line.strip().decode("utf-8", "replace"))
            continue
        match = None if line.startswith(_COMMENT) else _TRAILER.match(line)
        continues = match is not None
        if match:
            found.append((match[1].decode("ascii"), match[2].strip().decode("utf-8", "replace")))
    return found


def values(message: bytes, key: str) -> list[str]:
    """Return the values of one key, in order; keys compare without case."""
    return [value for name, value in parse(message) if name.lower() == key.lower()]


def add(message: bytes, pairs: Sequence[tuple[str, str]]) -> bytes:
    """Return the message with these trailers at its end; a pair that is there already is not repeated."""
    present = {(name.lower(), value) for name, value in parse(message)}
    new = [(name, value) for name, value in pairs if (name.lower(), value) not in present]
    if not new:
        return message
    body = message.rstrip(b"\n")
    lines = b"".join(f"{name}: {value}\n".encode("utf-8", "surrogateescape") for name, value in new)
    if not body:
        return b"\n" + lines
    return body + (b"\n" if block(message) else b"\n\n") + lines


def without(message: bytes, keys: Collection[str]) -> bytes:
    """Return the message without these trailers, folded lines included; the same words in its body stay."""
    lines = block(message)
    kept: list[bytes] = []
    is_gone = False
    for line in lines:
        if not (is_gone and line[:1] in (b" ", b"\t")):
            match = None if line.startswith(_COMMENT) else _TRAILER.match(line)
            is_gone = match is not None and match[1].decode("ascii").lower() in {key.lower() for key in keys}
        if not is_gone:
            kept.append(line)
    if len(kept) == len(lines):
        return message
    before = message.rstrip().split(b"\n")[: -len(lines)]
    return b"\n".join([*before, *kept]).rstrip(b"\n") + b"\n"


def block(message: bytes) -> list[bytes]:
    """Return the lines of the trailer block; empty if there is none.

    The last paragraph, not the first, is one if all its lines are trailers, or if git made one of its lines
    and at least a quarter of them are trailers.
    """
    lines = message.rstrip().split(b"\n")
    trailers = others = continued = 0
    git_made = False
    start = len(lines)
    for line in reversed(lines):
        if line.startswith(_COMMENT):
            others += continued
            continued = 0
        elif not line.strip():
            others += continued
            break
        elif line.startswith(_GIT_MADE):
            git_made = True
            trailers += 1
            continued = 0
        elif line[:1] in (b" ", b"\t"):
            continued += 1
        elif _TRAILER.match(line):
            trailers += 1
            continued = 0
        else:
            others += 1 + continued
            continued = 0
        start -= 1
    else:
        return []
    if (git_made and trailers * 3 >= others) or (trailers and not others):
        return lines[start:]
    return []
