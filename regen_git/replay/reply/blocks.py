r"""Find the blocks of a reply: whole files, search/replace blocks, deletions, and what surrounds them.

One pass over the lines, linear in their number whatever they hold. Lines end at ``\n`` and nowhere else, so
that form feeds, lone carriage returns and Unicode's line separators stay inside the text they belong to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.replay.reply.lines import Fence, Header, info_path, read_fence, read_header
from regen_git.replay.reply.values import Problem

if TYPE_CHECKING:
    from collections.abc import Container

    from regen_git.domain.ids import RepoPath

__all__ = ["Scan", "SearchBlock", "WholeFile", "scan"]

_SEARCH = re.compile(r"(<{5,})\s*(?:SEARCH|ORIGINAL)\b.{0,200}")
_REPLACE = re.compile(r"(>{5,})\s*(?:REPLACE|UPDATED)\b.{0,200}")
_SEPARATOR = re.compile(r"={5,}")
_OPEN_THOUGHT = re.compile(r"\s*<(?:think|thinking)>", re.IGNORECASE)
_CLOSE_THOUGHT = re.compile(r"</(?:think|thinking)>", re.IGNORECASE)
_NO_CHANGES = re.compile(r"[*`\s]*NO CHANGES[*`\s.]*")
_INDENT_OF_FENCE = 3
_LOOK_AHEAD = 200  # fences; keeps the pass linear
_LOOSE = range(5, 10)  # models miscount these signs; a longer run is meant exactly
_MARKDOWN = (".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc")


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file's lines, the flags of its FILE line, and what its fence is marked with."""

    path: RepoPath
    flags: frozenset[str]
    lines: list[str]
    info: str = ""


@dataclass(frozen=True, slots=True)
class SearchBlock:
    """The lines between SEARCH and REPLACE; ``separators`` are the indexes that may part them."""

    path: RepoPath
    lines: list[str]
    separators: list[int]


@dataclass(slots=True)
class Scan:
    """All blocks in the order of the reply. ``open_at`` is the fence line of a block that never ends."""

    lines: list[str]
    items: list[WholeFile | SearchBlock | Header] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    open_at: Fence | None = None
    open_path: RepoPath = ""
    truncated: bool = False
    no_changes: bool = False


def scan(text: str, current: Container[RepoPath]) -> Scan:
    """Read a reply's blocks; ``current`` are the paths that exist."""
    lines = text.removeprefix("\ufeff").split("\n")
    scanner = _Scanner(lines, current)
    scanner.run()
    return scanner.result


class _Scanner:
    """The state of one pass."""

    def __init__(self, lines: list[str], current: Container[RepoPath]) -> None:
        self.lines = lines
        self.current = current
        self.result = Scan(lines)
        found = (read_fence(n, line) for n, line in enumerate(lines) if "```" in line or "~~~" in line)
        self.fences = [fence for fence in found if fence is not None]
        self.index = {fence.line: k for k, fence in enumerate(self.fences)}
        self.header: Header | None = None  # names the next fence
        self.path: RepoPath | None = None  # of the last block, for search blocks that follow it
        self.wrapped = False
        self.unclosed: dict[str, int] = {}  # sign -> shortest fence known to have no end
        self.stopped = False
        self.started: set[RepoPath] = set()
        self.indent = 0  # of the fence around search blocks

    def run(self) -> None:
        at = 0
        while at < len(self.lines) and not self.stopped:
            at = self._step(at)
        self._drop_header()

    def _step(self, at: int) -> int:
        """Read what begins at this line; return the line to go on at."""
        line = self.lines[at]
        if at in self.index:
            return self._fence(self.index[at])
        if not line.strip():
            return at + 1
        if _OPEN_THOUGHT.match(line) and not _CLOSE_THOUGHT.search(line):
            return self._thought(at)
        if _OPEN_THOUGHT.match(line) or _CLOSE_THOUGHT.match(line.lstrip()):
            if not _OPEN_THOUGHT.match(
                line
            ):  # the opening tag was part of the model's template: drop all above
                self.result.items.clear()
                self.result.problems.clear()
                self.header = None
            self.lines[at] = line[_last_end(line) :]
            return at
        if _SEARCH.fullmatch(line.rstrip()):
            path = self.header.path if self.header is not None else self.path
            if path is not None:
                self._name(path)
                return self._search(at, path)
        self._prose(line)
        return at + 1

    def _prose(self, line: str) -> None:
        header = read_header(line, self.current)
        if header is None:
            if _NO_CHANGES.fullmatch(line):
                self.result.no_changes = True
            if self.header is not None and (not self.header.strong or self.header.near):
                self.header = None
            return
        if not header.strong and self.header is not None and self.header.path == header.path:
            return
        self._drop_header()
        if header.delete:
            self.result.items.append(header)
        else:
            self.header = header

    def _drop_header(self) -> None:
        """Forget a header whose fence never came."""
        header, self.header = self.header, None
        if header is not None and header.strong and not header.near and header.path not in self.started:
            text = "a FILE line without a fenced block after it"
            self.result.problems.append(Problem("ambiguous", header.path, text))

    def _name(self, path: RepoPath) -> None:
        self.header = None
        self.path = path
        self.started.add(path)

    def _thought(self, at: int) -> int:
        """Skip what a model thinks aloud; drafts of files in it are not answers."""
        for number in range(at + 1, len(self.lines)):
            end = _last_end(self.lines[number])
            if end:
                self.lines[number] = self.lines[number][end:]
                return number
        self.result.truncated = True
        self.stopped = True
        return len(self.lines)

    def _fence(self, k: int) -> int:
        fence = self.fences[k]
        named = info_path(fence.info, self.current)
        header = self.header
        if header is None and named is not None:
            header = Header(named, strong=False)
        first = self._next_text(fence.line + 1)
        is_search = first is not None and _SEARCH.fullmatch(self.lines[first].strip()) is not None
        if header is None and first is not None:
            header = self._inner_name(first)
            if header is not None:
                is_search = True
                first = self._next_text(first + 1)
        if is_search and first is not None and (header is None or "WHOLE" not in header.flags):
            path = header.path if header is not None else self.path
            if path is not None:
                self._name(path)
                self.indent = fence.indent
                return self._search(first, path)
        if header is None:
            return self._unnamed(k)
        self._name(header.path)
        return self._whole(k, header)

    def _inner_name(self, first: int) -> Header | None:
        """Return the path on a fence's first line when a search block follows it."""
        header = read_header(self.lines[first], self.current)
        after = self._next_text(first + 1)
        if header is None or after is None or not _SEARCH.fullmatch(self.lines[after].strip()):
            return None
        return header

    def _unnamed(self, k: int) -> int:
        """Skip an example, or only the fence line where it wraps the whole reply or closes nothing."""
        fence = self.fences[k]
        first = self._next_text(fence.line + 1)
        if first is not None and first not in self.index:
            header = read_header(self.lines[first], self.current)
            if header is not None and header.strong:
                self.wrapped = True
                return fence.line + 1
        if self.unclosed.get(fence.sign, fence.length + 1) <= fence.length:
            return fence.line + 1
        for j in range(k + 1, len(self.fences)):
            if _closes(fence, self.fences[j]):
                return self.fences[j].line + 1
        self.unclosed[fence.sign] = fence.length
        return fence.line + 1

    def _whole(self, k: int, header: Header) -> int:
        fence = self.fences[k]
        end, sure = self._end_of(k)
        if end is None and sure:
            self.result.truncated = True
            self.result.open_at, self.result.open_path = fence, header.path
            self.stopped = True
            return len(self.lines)
        if end is None or not sure or self._is_doubtful(k, end, header.path):
            message = "it is not clear where the file ends: close it, with a fence longer than any inside"
            self.result.problems.append(Problem("ambiguous", header.path, message))
            self.stopped = True
            if end is None:
                return len(self.lines)
        close = self.fences[end].line
        content = self.lines[fence.line + 1 : close]
        if fence.crlf or fence.indent:
            content = [_bare(line, fence) for line in content]
        self.result.items.append(WholeFile(header.path, header.flags, content, fence.info))
        return close + 1

    def _end_of(self, k: int) -> tuple[int | None, bool]:
        """Return the closing fence of the block that opens at ``k``, and whether nothing speaks against it.

        ``None`` and true: the reply ends first. ``None`` and false: another file begins first.

        A fence inside that has an info string but is no longer than the outer one opens a block of its own:
        the common slip of files in Markdown.
        """
        opening = self.fences[k]
        inner: list[int] = []
        plain: int | None = None
        for j in range(k + 1, len(self.fences)):
            other = self.fences[j]
            if not _same_kind(opening, other):
                continue
            if inner or other.info:
                if self._is_headed(other) and (other.info or plain is not None):
                    return plain, False
                if other.info:
                    inner.append(other.length)
                elif other.length >= inner[-1]:
                    inner.pop()
                    plain = j if plain is None else plain
                continue
            return j, True
        return plain, plain is None

    def _is_headed(self, fence: Fence) -> bool:
        """Return whether a FILE line stands right above this fence."""
        above = fence.line - 1
        while above >= 0 and fence.line - above <= _INDENT_OF_FENCE and not self.lines[above].strip():
            above -= 1
        header = read_header(self.lines[above], self.current) if above >= 0 else None
        return header is not None and header.strong

    def _is_doubtful(self, k: int, end: int, path: RepoPath) -> bool:
        """Return whether what follows the block suggests that it ended too early."""
        close = self.fences[end].line
        after = self._next_text(close + 1)
        if after is None:
            return False
        if after not in self.index:
            header = read_header(self.lines[after], self.current)
            if header is not None and header.strong:
                return False
            if self._is_headed(self.fences[end]):
                return True  # the next file's opening fence, taken for this one's end
        if not path.lower().endswith(_MARKDOWN) or any(f.info for f in self.fences[k + 1 : end]):
            return False
        loose = 0
        for other in self.fences[end + 1 : end + 1 + _LOOK_AHEAD]:
            if not _same_kind(self.fences[k], other):
                continue
            if other.info or self._is_named(other):
                break
            loose += 1
        return loose > int(self.wrapped)

    def _is_named(self, fence: Fence) -> bool:
        above = fence.line - 1
        while above >= 0 and fence.line - above <= _INDENT_OF_FENCE and not self.lines[above].strip():
            above -= 1
        return above >= 0 and read_header(self.lines[above], self.current) is not None

    def _search(self, at: int, path: RepoPath) -> int:
        """Read one search block that begins at line ``at``, and the fence that closes after it."""
        match = _SEARCH.fullmatch(self.lines[at].strip())
        length = len(match[1]) if match is not None else 0
        crlf = self.lines[at].endswith("\r")
        content: list[str] = []
        separators: list[int] = []
        for number in range(at + 1, len(self.lines)):
            line = self.lines[number]
            mark = line.strip()
            if (end := _REPLACE.fullmatch(mark)) is not None and _pairs(length, len(end[1])):
                self.result.items.append(SearchBlock(path, content, separators))
                return self._after_search(number + 1)
            if _SEPARATOR.fullmatch(mark) and _pairs(length, len(mark)):
                separators.append(len(content))
            line = line.removesuffix("\r") if crlf else line
            content.append(line[min(self.indent, len(line) - len(line.lstrip(" \t"))) :])
        self.result.truncated = True
        self.stopped = True
        return len(self.lines)

    def _after_search(self, at: int) -> int:
        """Return where to go on: past the bare fence that closes a fenced search block."""
        after = self._next_text(at)
        if after is not None and after in self.index and not self.fences[self.index[after]].info:
            self.indent = 0
            return after + 1
        return at

    def _next_text(self, at: int) -> int | None:
        while at < len(self.lines):
            if self.lines[at].strip():
                return at
            at += 1
        return None


def _last_end(line: str) -> int:
    """Return where the closing tag of a thought ends in this line; 0 if there is none."""
    end = 0
    if "</" in line:
        for match in _CLOSE_THOUGHT.finditer(line):
            end = match.end()
    return end


def _pairs(opening: int, other: int) -> bool:
    return other == opening or (opening in _LOOSE and other in _LOOSE)


def _same_kind(opening: Fence, other: Fence) -> bool:
    return (
        other.sign == opening.sign
        and other.length >= opening.length
        and other.indent <= opening.indent + _INDENT_OF_FENCE
    )


def _closes(opening: Fence, other: Fence) -> bool:
    return not other.info and _same_kind(opening, other)


def _bare(line: str, fence: Fence) -> str:
    """Return a content line without the fence's own indentation and line ending."""
    if fence.crlf:
        line = line.removesuffix("\r")
    if fence.indent:
        line = line[min(fence.indent, len(line) - len(line.lstrip(" \t"))) :]
    return line
