"""Read files of JSON lines that an agent may be writing just now: what cannot be read is passed over."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["SHORT", "count_said", "lines_with", "parse", "read_end", "read_lines"]

_BLOCK = 1 << 20

SHORT = 1 << 20
"""Bytes that are looked at where what is sought is near the end of a file."""

_PLAIN = re.compile(rb"[A-Za-z0-9 .,:;!?()'_-]{4,60}")


_DECODER = json.JSONDecoder(strict=False)
"""Takes raw control characters in a string, as some agents write them."""


def parse(line: bytes | str) -> dict[str, Any] | None:
    """Return the object on one line; ``None`` if there is none."""
    try:
        text = line.decode("utf-8-sig", "replace") if isinstance(line, bytes) else line
        data = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def read_lines(path: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file in order, one line in memory at a time. Raises ``OSError``."""
    with open(path, "rb") as lines:  # noqa: PTH123 - imported while an agent waits
        for line in lines:
            data = parse(line)
            if data is not None:
                yield data


def read_end(path: str, limit: int = SHORT) -> bytes:
    """Return the last whole lines of a file, at most ``limit`` bytes; empty if it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - an agent waits
            size = file.seek(0, 2)
            start = max(0, size - limit)
            file.seek(start)
            # No more than was there: a device has no size, and never ends.
            data = file.read(size - start)
    except (OSError, ValueError):
        return b""
    return data[data.find(b"\n") + 1 :] if start else data


def lines_with(path: str, mark: bytes) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file's lines that hold these bytes, the last one first; none if it is not there.

    It is read from its end, no further than asked for: an agent waits.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - an agent waits
            begin, rest = file.seek(0, 2), b""
            while begin > 0:
                end, begin = begin, max(0, begin - _BLOCK)
                file.seek(begin)
                block = file.read(end - begin) + rest
                # The first line may have begun before this block; it is read with the one before.
                whole = block.find(b"\n") + 1 if begin else 0
                rest = block[:whole] if whole or not begin else block
                yield from _within(block, mark, whole) if whole or not begin else ()
    except (OSError, ValueError):
        return


def _within(data: bytes, mark: bytes, begin: int) -> Iterator[dict[str, Any]]:
    """Yield the objects of the lines that hold these bytes after ``begin``, the last one first."""
    end = len(data)
    while (found := data.rfind(mark, begin, end)) >= 0:
        end = data.rfind(b"\n", begin, found) + 1 or begin
        stop = data.find(b"\n", found)
        line = parse(data[end : stop if stop >= 0 else len(data)])
        if line is not None:
            yield line


def count_said(path: str, text: str, read: Callable[[dict[str, Any]], tuple[str, str] | None]) -> int:
    """Return how many prompts of a transcript have this text; 0 if it cannot be read.

    ``read`` returns the id and the text of a line that is a prompt. Lines are only parsed when they hold a
    piece of the text that every writer of JSON writes in the same way.
    """
    plain = _PLAIN.search(text.encode("utf-8", "replace"))
    prompts = (read(line) for line in lines_with(path, plain.group() if plain else b'"user"'))
    return len({prompt[0] for prompt in prompts if prompt is not None and prompt[1] == text})
