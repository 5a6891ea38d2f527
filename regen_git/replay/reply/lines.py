"""Single lines of a reply: fences, FILE and DELETE lines, and the other ways models name a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.replay.reply.paths import FLAGS, looks_like_path, unquote

if TYPE_CHECKING:
    from collections.abc import Container

    from regen_git.domain.ids import RepoPath

__all__ = ["Fence", "Header", "info_path", "read_fence", "read_header"]

_LONGEST_HEADER = 5000

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})(.*)", re.DOTALL)
_MARKS = re.compile(r"(?:>\s*)?(?:#{1,6}\s+|[-*+]\s+)?(?:\d{1,3}[.)]\s+)?")
_KEYWORD = re.compile(r"(DELETE|FILE|(?i:file ?name|file ?path|file|path)(?=\s*:))(?=[\s:]|$)\s*:?\s*")
_NOTE = re.compile(r"\s+\([^()]{1,60}\)$")
_INFO_KEY = re.compile(r"(?:title|file|filename|path|name)=(\"[^\"]*\"|'[^']*'|\S+)")
_LAST_NAME = re.compile(r"\.[A-Za-z0-9]{1,8}$")


@dataclass(frozen=True, slots=True)
class Fence:
    """A line that may open or close a fenced block. ``info`` is what follows the fence, stripped."""

    line: int
    sign: str
    length: int
    info: str
    indent: int
    crlf: bool


@dataclass(frozen=True, slots=True)
class Header:
    """A line that names a path. Strong ones have a keyword; weak ones count only right before a fence."""

    path: RepoPath
    strong: bool
    delete: bool = False
    flags: frozenset[str] = frozenset()
    near: bool = True


def read_fence(number: int, line: str) -> Fence | None:
    """Return the fence in this line, if it is one."""
    match = _FENCE.fullmatch(line)
    if match is None:
        return None
    info = match[3].strip()
    sign = match[2][0]
    if sign == "`" and "`" in info:
        return None
    return Fence(number, sign, len(match[2]), info, len(match[1]), line.endswith("\r"))


def info_path(info: str, current: Container[RepoPath]) -> RepoPath | None:
    """Return the path in a fence's info string: a key, after the language, or behind its colon."""
    if len(info) > _LONGEST_HEADER:
        return None
    keyed = _INFO_KEY.search(info)
    if keyed is not None:
        path = keyed[1].strip("\"'")
        return path if path in current or looks_like_path(path) else None
    parts = info.split(None, 1)
    for text in (parts[1] if len(parts) > 1 else "", info):
        quoted = unquote(text)
        if quoted is not None and not quoted[1].strip():
            return quoted[0]
        if text in current or looks_like_path(text):
            return _after_language(text, current)
    return None


def _after_language(text: str, current: Container[RepoPath]) -> str:
    language, colon, path = text.partition(":")
    if colon and language.isalnum() and len(language) > 1 and text not in current:
        return path
    return text


def read_header(line: str, current: Container[RepoPath]) -> Header | None:
    """Return the path this line names, if it names one."""
    if not line or len(line) > _LONGEST_HEADER or line.isspace():
        return None
    text = line.strip()
    marks = _MARKS.match(text)
    marked = marks is not None and marks.end() > 0
    if marks is not None:
        text = text[marks.end() :]
    if '"' not in text:
        text = text.replace("**", "").strip()
        if text.count("`") == 2 and text[0] == text[-1] == "`" and _KEYWORD.match(text[1:]):  # noqa: PLR2004
            text = text[1:-1].strip()
    keyword = _KEYWORD.match(text)
    if keyword is None:
        return _weak(text, current)
    word, rest = keyword[1], text[keyword.end() :]
    if word == "DELETE":
        rest = re.sub(r"^FILE(?:\s*:\s*|\s+)", "", rest)
    named = _named(rest, current)
    if named is None:
        return None
    path, flags, sure, near = named
    if word not in {"FILE", "DELETE"} and not sure and not looks_like_path(path):
        return None
    if word == "DELETE" and marked and not sure and not looks_like_path(path):
        return None
    return Header(path, strong=True, delete=word == "DELETE", flags=flags, near=near)


def _named(rest: str, current: Container[RepoPath]) -> tuple[str, frozenset[str], bool, bool] | None:
    """Return path, flags, whether it is surely a path, and whether the fence must follow at once."""
    quoted = unquote(rest)
    if quoted is None and rest[:1] in {"`", "'"} and rest.find(rest[0], 1) > 0:
        end = rest.find(rest[0], 1)
        inner = unquote(rest[1:end])
        quoted = (inner[0] if inner is not None else rest[1:end], rest[end + 1 :])
    if quoted is not None:
        path, after = quoted
        flags, left = _flags_and_note(after.strip().strip(":"))
        return None if left and left[0] not in "(:\u2014\u2013-" else (path, flags, True, False)
    flags, path = _flags(rest)
    if path not in current:
        more, path = _flags_and_note(path.rstrip(":"))
        flags |= more
        path = path.rstrip(":").removeprefix("./")
    if path in current or len(path.split()) == 1:
        return path, flags, path in current, False
    if not path:
        return "", flags, True, False
    # Several words: a path only if it ends like one, and if its fence follows without prose between.
    return (path, flags, False, True) if _LAST_NAME.search(path) else None


def _flags_and_note(text: str) -> tuple[frozenset[str], str]:
    """Return the flags around a remark in parentheses, and what stands before them."""
    last, left = _flags(text)
    flags, left = _flags(_NOTE.sub("", " " + left))
    return flags | last, left


def _flags(text: str) -> tuple[frozenset[str], str]:
    """Return the flags at the end of a line, and what stands before them."""
    words = text.strip()
    flags: set[str] = set()
    while True:
        before, _, last = words.rpartition(" ")
        bare = last.strip("[](),")
        if bare not in FLAGS:
            return frozenset(flags), words
        flags.add(bare)
        words = before.rstrip()


def _weak(text: str, current: Container[RepoPath]) -> Header | None:
    text = _NOTE.sub("", text.rstrip(":").rstrip()).rstrip(":")
    quoted = unquote(text)
    if quoted is not None:
        path, after = quoted
        known = path in current or looks_like_path(path)
        return Header(path, strong=False) if known and not after.strip(" :") else None
    if len(text) > 2 and text[0] == text[-1] and text[0] in "`'*":  # noqa: PLR2004
        text = text[1:-1].strip().rstrip(":")
    if text not in current:
        text = text.removeprefix("./")
    if text in current or looks_like_path(text):
        return Header(text, strong=False)
    return None
