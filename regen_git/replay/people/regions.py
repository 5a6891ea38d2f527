"""What people hold in a generated file: kept regions between markers, and lines mended by hand.

Both are judged line by line; nothing here knows languages, but placing lines uses Python's symbols.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.domain.intent import LineRange

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Region",
    "hand_lines",
    "kept_regions",
    "marker_problems",
    "missing_hand_lines",
    "missing_regions",
    "united",
]

# A marker stands in a comment: after signs only, or after a comment sign further on in the line.
_MARKER = re.compile(
    r"^(?:[^\w`]{0,40}|(?:REM|rem|dnl)\s+|.{0,500}?(?:\#|//|/\*|--|;|%|<!--|')\s{0,20})regen:\s{0,20}(keep|end)(?![\w`])"
    r"(?:\s+([\w./-]{1,80}))?"
)


@dataclass(frozen=True, slots=True)
class Region:
    """A kept region, with its marker lines. ``ordinal`` counts from 1; ``name`` may be empty.

    ``first`` and ``last`` are line numbers from 1; ``text`` has a newline after each line.
    """

    ordinal: int
    name: str
    text: str
    first: int
    last: int


def kept_regions(text: str) -> list[Region]:
    """Return the regions in order. One that is never ended goes on to the end of the file."""
    return _read(text)[0]


def marker_problems(text: str) -> list[str]:
    """Return what is wrong with the markers, one sentence each; empty if they are balanced."""
    return _read(text)[1]


def _read(text: str) -> tuple[list[Region], list[str]]:
    if "regen:" not in text:
        return [], []
    lines = text.split("\n")
    regions: list[Region] = []
    problems: list[str] = []
    start: int | None = None
    name = ""
    for number, line in enumerate(lines, 1):
        match = _MARKER.match(line) if "regen:" in line else None
        if match is None:
            continue
        if match[1] == "keep":
            if start is not None:
                problems.append(f"line {number} begins a kept region inside the one of line {start}")
            else:
                start, name = number, match[2] or ""
        elif start is None:
            problems.append(f"line {number} ends a kept region that was never begun")
        else:
            regions.append(_region(len(regions) + 1, name, lines, start, number))
            start = None
    if start is not None:
        problems.append(f"the kept region of line {start} is never ended")
        last = len(lines) - (lines[-1] == "")
        regions.append(_region(len(regions) + 1, name, lines, start, last))
    return regions, problems


def _region(ordinal: int, name: str, lines: list[str], first: int, last: int) -> Region:
    text = "".join(f"{line}\n" for line in lines[first - 1 : last])
    return Region(ordinal, name.rstrip("-./"), text, first, last)


def missing_regions(original_text: str, new_text: str) -> list[Region]:
    """Return the original's regions that do not stand word for word, and in order, in the new text."""
    hay = f"\n{new_text}\n"
    at = 0
    missing: list[Region] = []
    for region in kept_regions(original_text):
        found = hay.find("\n" + region.text, at)
        if found < 0:
            missing.append(region)
        else:
            at = found + len(region.text)  # the last newline may begin the next region
    return missing


def united(ranges: Sequence[LineRange]) -> tuple[LineRange, ...]:
    """Return ranges that hold the same lines, in order, each line once: two intents may name the same."""
    found: list[LineRange] = []
    for part in sorted(ranges):
        before = found[-1] if found else None
        if before is not None and part.first <= before.last:
            found[-1] = LineRange(before.first, max(before.last, part.last))
        elif part != before:
            found.append(part)
    return tuple(found)


def hand_lines(text: bytes, ranges: Sequence[LineRange]) -> list[bytes]:
    """Return the bytes of each range of lines, in order; empty for empty ranges and beyond the end."""
    lines = _split(text)
    return [b"".join(lines[max(0, part.first - 1) : max(0, part.last)]) for part in ranges]


def missing_hand_lines(result_original: bytes, ranges: Sequence[LineRange], new: bytes) -> list[LineRange]:
    """Return the ranges whose lines do not stand together in the new file.

    Other indentation, and empty lines at a block's ends, count as present. Equal blocks must stand there as
    often as people wrote them. Where lines were only taken out there is nothing to find.
    """
    hay = _haystack(new)
    wanted: dict[bytes, int] = {}
    missing: list[LineRange] = []
    for part, block in zip(ranges, hand_lines(result_original, ranges), strict=True):
        if not block.strip():
            continue
        needle = _haystack(block.strip())
        wanted[needle] = wanted.get(needle, 0) + 1
        if _count(hay, needle) < wanted[needle]:
            missing.append(part)
    return missing


def _split(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _haystack(data: bytes) -> bytes:
    """Return lines without indentation, newlines around each, so that ``find`` sees whole lines."""
    return b"\n" + b"\n".join(line.strip() for line in data.split(b"\n")) + b"\n"


def _count(hay: bytes, needle: bytes) -> int:
    """Count places; neighbours share a newline, so the next search begins on it."""
    count = 0
    at = hay.find(needle)
    while at >= 0:
        count += 1
        at = hay.find(needle, at + max(1, len(needle) - 1))
    return count
