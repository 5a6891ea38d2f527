"""What a statement rests on, as written behind it: ``[3f9c2a7be01d4c55 77aa77aa77aa77aa@2]``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.domain.ids import IntentId
from regen_git.spec.values import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Fence", "hide_sources", "open_mark", "show_sources", "take_sources"]

_ID = r"[0-9a-f]{16}(?:@[1-9][0-9]{0,8})?"
# Not before "(": that is a link. A backslash before it says that it is text; one more stands for itself.
_MARK = re.compile(rf"([ \t]*)(\\*)\[({_ID}(?:[ ,]+{_ID})*)\](?!\()")
_FENCE = re.compile(r"[ \t]*(?:(`{3,})[^`]*|(~{3,}).*)\Z")


class Fence:
    """Whether the lines fed so far leave a code block open, as CommonMark's fences do."""

    __slots__ = ("mark",)

    def __init__(self) -> None:
        self.mark = ""

    def feed(self, line: str) -> bool:
        """Take the next line, without its end, and return whether it belongs to a code block."""
        if self.mark:
            closing = line.strip(" \t")
            if set(closing) == {self.mark[0]} and len(closing) >= len(self.mark):
                self.mark = ""
            return True
        if "```" not in line and "~~~" not in line:
            return False
        found = _FENCE.match(line)
        self.mark = (found[1] or found[2]) if found else ""
        return found is not None


def open_mark(text: str) -> str:
    """Return what closes the code block within which the text ends, or nothing."""
    fence = Fence()
    for line in text.split("\n"):
        fence.feed(line)
    return fence.mark


def take_sources(text: str) -> tuple[str, tuple[Source, ...]]:
    """Return the text without what it rests on, and that; nothing in code blocks counts."""
    if "[" not in text:
        return text.strip(), ()
    found: list[Source] = []

    def take(match: re.Match[str]) -> str:
        if match[2]:
            return f"{match[1]}{match[2][1:]}[{match[3]}]"
        found.extend(_read(match[3]))
        return ""

    lines: list[str] = []
    for line, is_code in _lines(text):
        left = line if is_code else _MARK.sub(take, line)
        if left.strip() or not line.strip():
            lines.append(left)
    return "\n".join(lines).strip(), tuple(found)


def hide_sources(text: str) -> str:
    """Return the text so that nothing in it reads as what it rests on."""
    if "[" not in text:
        return text
    return "\n".join(line if is_code else _MARK.sub(r"\1\\\2[\3]", line) for line, is_code in _lines(text))


def show_sources(sources: Sequence[Source]) -> str:
    """Return ``[id id@2]``, or nothing where there are none."""
    words = (f"{one.intent}@{one.revision}" if one.revision > 1 else str(one.intent) for one in sources)
    return f"[{' '.join(words)}]" if sources else ""


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    fence = Fence()
    for line in text.split("\n"):
        yield line, fence.feed(line)


def _read(words: str) -> Iterable[Source]:
    for word in re.split(r"[ ,]+", words):
        intent, _, revision = word.partition("@")
        yield Source(IntentId(intent), int(revision or 1))
