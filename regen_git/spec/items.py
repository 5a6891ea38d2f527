"""Find the list items of a page, and leave everything else exactly as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from regen_git.errors import SpecError
from regen_git.spec.front import HEADING
from regen_git.spec.markup import Fence

__all__ = ["Item", "is_item", "parse_items"]

_BULLET = re.compile(r"([ \t]*)(?:[-*+]|\d{1,3}[.)])(?:[ \t]+|\Z)")
_RULE = re.compile(r" {0,3}(?:-{3,}|\*{3,}|_{3,})[ \t]*\Z")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_DEEPEST = 16
_CODE = 4  # columns: what is indented as far is code, not a list


@dataclass(frozen=True, slots=True)
class Item:
    """One list item: its own lines, its text as Markdown without bullet and indentation."""

    depth: int
    before: str
    raw: str
    text: str
    is_left_out: bool
    is_late: bool


@dataclass(slots=True)
class _Open:
    """The item that is being read; ``content`` is the column in which its text begins."""

    depth: int
    before: str
    content: int
    raw: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


def parse_items(text: str, source: str) -> tuple[str, list[Item], str]:
    """Return what stands before the first item, the items, and what stands after the last.

    Together they are the text. ``source`` is the file's name for complaints. Raises `SpecError`.
    """
    front = _matter(text)
    reader = _Reader(source, front)
    for line in _LINE.findall(text, len(front)):
        reader.feed(line)
    return reader.finish()


def is_item(line: str) -> bool:
    """Return whether a line, inside of another item, begins one."""
    return _BULLET.match(line) is not None


def _matter(text: str) -> str:
    """Return the front matter, in which lists are none of ours."""
    found = re.match(r"\ufeff?---[ \t]*\n(?:.*\n)*?(?:---|\.\.\.)[ \t]*(?:\n|\Z)", text)
    return found[0] if found else ""


class _Reader:
    """Reads a page line by line; what is no item waits in ``pending`` for the item it stands before."""

    def __init__(self, source: str, front: str) -> None:
        self.source = source
        self.number = front.count("\n")
        self.head: str | None = None
        self.pending: list[str] = [front] if front else []
        self.items: list[Item] = []
        self.open: _Open | None = None
        self.bullets: list[int] = []  # the columns of the bullets that are open, outermost first
        self.fence = Fence()
        self.code_column = 0
        self.is_comment = False
        self.left_out_level = 0  # of the heading above; 0 outside of that list
        self.left_out_line = 0
        self.is_late = False

    def feed(self, line: str) -> None:
        """Take the next line, its end included."""
        self.number += 1
        bare = line.rstrip("\r\n")
        if self.open is None:
            self._between(line, bare)
            return
        column = _column(bare)
        is_blank = not bare.strip()
        if self.fence.mark:
            if is_blank or column >= self.bullets[-1] + 2:
                self._continue(line, bare, column)
                return
            self.fence = Fence()  # a code block ends with the item it is in
        if is_blank:
            self.pending.append(line)
        elif self._starts_item(bare, column):
            self._start(line, bare, column)
        elif column >= self.bullets[0] + 2 or not (self.pending or _ends_paragraph(bare)):
            self._continue(line, bare, column)
        else:
            self._close()
            self.bullets.clear()
            self._between(line, bare)

    def finish(self) -> tuple[str, list[Item], str]:
        """Return all that was read."""
        self._close()
        rest = "".join(self.pending)
        return (rest, [], "") if self.head is None else (self.head, self.items, rest)

    def _between(self, line: str, bare: str) -> None:
        """Take a line outside of lists."""
        if self.is_comment:
            self.is_comment = "-->" not in bare
        elif self.fence.feed(bare):
            pass
        elif bare.lstrip().startswith("<!--"):
            self.is_comment = "-->" not in bare
        elif heading := HEADING.match(bare):
            self._heading(heading[1] or "", len(bare) - len(bare.lstrip(" #")))
        elif self._starts_item(bare, _column(bare)) and _column(bare) < _CODE:
            self._start(line, bare, _column(bare))
            return
        self.pending.append(line)

    def _heading(self, title: str, level: int) -> None:
        if title.casefold().replace("-", " ").rstrip(": ") == "left out":
            if self.left_out_line:
                where = f"{self.source}:{self.number}"
                hint = f"the other begins in line {self.left_out_line}; put them together"
                raise SpecError(f"there are two lists of what is left out ({where})", hint=hint)
            self.left_out_level, self.left_out_line = level, self.number
        elif self.left_out_level and level <= self.left_out_level:
            self.left_out_level, self.is_late = 0, True

    def _starts_item(self, bare: str, column: int) -> bool:
        if _BULLET.match(bare) is None or _RULE.match(bare):
            return False
        # What is left out has no conditions.
        return not (self.left_out_level and self.bullets and column >= self.bullets[0] + 2)

    def _start(self, line: str, bare: str, column: int) -> None:
        self._close()
        bullet = _BULLET.match(bare)
        end = bullet.end() if bullet else 0
        while self.bullets and (column < self.bullets[-1] + 2 or len(self.bullets) >= _DEEPEST):
            self.bullets.pop()
        before = self._before()
        self.open = _Open(len(self.bullets), before, len(bare[:end].expandtabs(4)), [line])
        self.bullets.append(column)
        self._add(bare[end:], self.open.content)

    def _before(self) -> str:
        """Return what stands before the item that begins here; the page's top belongs to no item."""
        before = "".join(self.pending)
        self.pending.clear()
        if self.head is not None:
            return before
        lines = before.split("\n")
        at = self.left_out_line - 1 if self.left_out_level else len(lines)
        while self.left_out_level and at and not lines[at - 1].strip():
            at -= 1
        self.head = "".join(f"{line}\n" for line in lines[:at]) if self.left_out_level else before
        return before[len(self.head) :]

    def _continue(self, line: str, bare: str, column: int) -> None:
        """Take a further line of the open item, and the empty ones before it."""
        if self.open is None:
            raise AssertionError("no item is open")
        self.open.raw += [*self.pending, line]
        self.open.text += [""] * len(self.pending)
        self.pending.clear()
        most = self.open.content
        if self.fence.mark:
            most = min(most, self.code_column)
        self._add(_without_indent(bare, most), column)

    def _add(self, text: str, column: int) -> None:
        if self.open is None:
            raise AssertionError("no item is open")
        if not self.fence.mark:
            self.code_column = column
        self.fence.feed(text)
        self.open.text.append(text)

    def _close(self) -> None:
        """Finish the open item."""
        self.fence = Fence()
        if self.open is None:
            return
        text = "\n".join(line if line.strip() else "" for line in self.open.text).strip()
        is_left_out = self.left_out_level > 0
        raw = "".join(self.open.raw)
        one = self.open
        self.items.append(Item(one.depth, one.before, raw, text, is_left_out, self.is_late))
        self.open = None


def _column(bare: str) -> int:
    """Return the column in which the text of a line begins."""
    left = len(bare) - len(bare.lstrip(" \t"))
    return len(bare[:left].expandtabs(4))


def _without_indent(bare: str, most: int) -> str:
    """Return the line without its first columns of space, at most so many."""
    at = gone = 0
    while at < len(bare) and gone < most and bare[at] in " \t":
        gone += 1 if bare[at] == " " else 4 - gone % 4
        at += 1
    return " " * max(gone - most, 0) + bare[at:]


def _ends_paragraph(bare: str) -> bool:
    """Return whether this line, not indented, cannot go on with the item above."""
    if HEADING.match(bare) or _RULE.match(bare) or bare.lstrip().startswith("<!--"):
        return True
    return Fence().feed(bare)
