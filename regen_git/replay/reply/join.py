"""Join a reply that stopped in the middle with its continuation."""

from __future__ import annotations

import re

from regen_git.replay.reply.blocks import scan
from regen_git.replay.reply.lines import read_fence, read_header

__all__ = ["join_continuation"]

_WINDOW = 16_384  # characters in which an overlap is looked for
_LEAST_OVERLAP = 8  # characters that are not white space; less may be chance
_LEAST_TORN = 3  # the same, for the start of a line that was cut
_SAME_START = 3  # lines
_THOUGHT = re.compile(r"\s*<(think|thinking)>.*?</\1>\s*", re.DOTALL | re.IGNORECASE)
_PREAMBLE = 12  # lines before a repeated fence


def join_continuation(first: str, second: str) -> str:
    """Return the two as one reply.

    Dropped from the continuation: thoughts, a repeated FILE line and fence opening, and what the first part
    already ends with. When it begins the open file again from its first line, that file's start in the
    first part gives way.
    """
    thought = _THOUGHT.match(second)
    if thought is not None:
        second = second[thought.end() :]
    found = scan(first, ())
    if found.open_at is None:
        overlap = _overlap(first, second)
        return first + second[overlap:]
    opening = found.open_at
    body, again = _without_opening(second, found.open_path, opening.sign, opening.length, opening.info)
    lines = first.split("\n")
    start = lines[opening.line + 1 :]
    fresh = body.split("\n")
    if again and len(start) > _SAME_START and start[:_SAME_START] == fresh[:_SAME_START]:
        return "\n".join(lines[: opening.line + 1]) + "\n" + body
    return first + body[_overlap(first, body) :]


def _without_opening(second: str, path: str, sign: str, length: int, info: str) -> tuple[str, bool]:
    """Return the continuation without a second opening of the same file, and whether there was one."""
    lines = second.split("\n")
    named = False
    for number, line in enumerate(lines[:_PREAMBLE]):
        fence = read_fence(number, line)
        if fence is not None:
            same = fence.info == info and bool(info)
            if fence.sign == sign and fence.length >= length and (named or same):
                return "\n".join(lines[number + 1 :]), True
            return second, False
        header = read_header(line, (path,))
        named = named or (header is not None and header.path == path)
    return second, False


def _overlap(first: str, second: str) -> int:
    """Return how many characters at the start of ``second`` repeat the end of ``first``."""
    tail, head = first[-_WINDOW:], second[:_WINDOW]
    if not tail or not head:
        return 0
    joined = head + "\0" + tail  # the borders of this string are the overlaps; Knuth, Morris, Pratt
    border = [0] * len(joined)
    for i in range(1, len(joined)):
        k = border[i - 1]
        while k and joined[i] != joined[k]:
            k = border[k - 1]
        border[i] = k + 1 if joined[i] == joined[k] else 0
    size = border[-1]
    while size:
        if size <= len(head) and size <= len(tail) and _is_overlap(tail, size):
            return size
        size = border[size - 1]
    return 0


def _is_overlap(tail: str, size: int) -> bool:
    """Return whether that much repeated text is more than chance: it must begin where a line does."""
    start = len(tail) - size
    if start > 0 and tail[start - 1] != "\n":
        return False
    visible = sum(not c.isspace() for c in tail[start:])
    return visible >= (_LEAST_OVERLAP if tail.endswith("\n") else _LEAST_TORN)
