"""A model's reply: from text to edits, and from edits to the text that says the same.

A reply holds whole files, each after a line ``FILE path``, in a fence longer than any inside; lines
``DELETE path``; and search/replace blocks. After the path may stand ``NOEOL`` or ``EOL`` (no final newline,
or certainly one), ``EXEC`` or ``NOEXEC`` (the mode), and ``WHOLE`` (the text is meant to the letter, even
where it looks like a search block or as if something were left out). A path with unusual characters is
C-quoted as git does. ``NO CHANGES`` alone says that nothing is to be done.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from regen_git.replay.reply.blocks import SearchBlock, WholeFile, scan
from regen_git.replay.reply.characters import is_encodable, odd_character
from regen_git.replay.reply.edits import NoMatchError, replace_once
from regen_git.replay.reply.elision import elided_line
from regen_git.replay.reply.languages import other_language
from regen_git.replay.reply.paths import path_problem, quote
from regen_git.replay.reply.values import (
    Deletion,
    Edit,
    FileEdit,
    ParsedReply,
    Problem,
    ProblemKind,
    Replacement,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regen_git.domain.ids import RepoPath

__all__ = ["parse_reply", "render_reply"]

_CUT_SHORT = frozenset({"length", "max_tokens", "MAX_TOKENS", "model_length"})
_MANY_SEPARATORS = 50
_LEAST_FENCE = 3
_MARKER = 7
_SAFE_MARKER = 10  # shorter ones are read leniently
_BACKTICKS = re.compile(r"`{3,}")
_SEARCH_START = re.compile(r"\s*<{5,}\s*(?:SEARCH|ORIGINAL)\b")
_MARKERS = re.compile(r"\s*(?:={5,}\s*|>{5,}\s*(?:REPLACE|UPDATED)\b.*)", re.DOTALL)


def parse_reply(text: str, *, current: Mapping[RepoPath, str], finish: str | None = "stop") -> ParsedReply:
    """Read a reply.

    ``current`` are the existing text files that may be edited, with their texts. ``finish`` is the reason
    the model gave for stopping. Never raises: what is wrong is in ``problems``.
    """
    found = scan(text, current)
    reading = _Reading(current)
    reading.problems.extend(found.problems)
    for item in found.items:
        if isinstance(item, WholeFile):
            reading.add_file(item)
        elif isinstance(item, SearchBlock):
            reading.add_search(item)
        elif reading.is_good(item.path):
            reading.deletions.setdefault(item.path, Deletion(item.path))
    reading.find_conflicts()
    complete = not found.truncated and finish not in _CUT_SHORT
    if finish == "refused":
        reading.refuse("refused", "", "the model, or a content filter before it, refused to answer")
    elif not complete:
        reading.refuse("truncated", found.open_path, _cut_short(found.open_path, finish))
    elif not (reading.has_any() or found.no_changes):
        reading.refuse("no files", "", "there is no FILE block in the reply")
    return ParsedReply(
        files=tuple(reading.files.values()),
        deletions=tuple(reading.deletions.values()),
        replacements=tuple(reading.replacements),
        problems=tuple(dict.fromkeys(reading.problems)),
        complete=complete,
    )


def _cut_short(path: RepoPath, finish: str | None) -> str:
    where = f" inside {path}" if path else ""
    if finish in _CUT_SHORT:
        return f"the reply stops before its end{where}, at the longest that it may be (--max-tokens)"
    return f"the reply stops before its end{where}: every file ends with its fence"


class _Reading:
    """The edits of one reply while they are collected."""

    def __init__(self, current: Mapping[RepoPath, str]) -> None:
        self.current = current
        self.files: dict[RepoPath, FileEdit] = {}
        self.deletions: dict[RepoPath, Deletion] = {}
        self.replacements: list[Replacement] = []
        self.edited: dict[RepoPath, str] = {}  # texts as the replacements so far leave them
        self.problems: list[Problem] = []
        self._known: dict[RepoPath, frozenset[str]] = {}

    def has_any(self) -> bool:
        return bool(self.files or self.deletions or self.replacements or self.problems)

    def refuse(self, kind: ProblemKind, path: RepoPath, message: str) -> None:
        self.problems.append(Problem(kind, path, message))

    def is_good(self, path: RepoPath) -> bool:
        reason = path_problem(path)
        if reason is not None:
            self.refuse("bad path", path, reason)
        return reason is None

    def known(self, path: RepoPath) -> frozenset[str]:
        """Return the stripped lines that the file has now."""
        if path not in self._known:
            text = self.current.get(path, "")
            self._known[path] = frozenset(line.strip() for line in text.split("\n"))
        return self._known[path]

    def add_file(self, item: WholeFile) -> None:
        if not self.is_good(item.path):
            return
        if not is_encodable(item.lines):
            self.refuse("not text", item.path, "the file holds half a character, which no text has")
            return
        exact = "NOEOL" in item.flags
        text = "\n".join(item.lines if exact or not item.lines else [*item.lines, ""])
        newline = False if exact else True if "EOL" in item.flags else None
        mode = True if "EXEC" in item.flags else False if "NOEXEC" in item.flags else None
        edit = FileEdit(item.path, text, newline, mode)
        if self.files.setdefault(item.path, edit) != edit:
            self.refuse("two versions", item.path, "the file is given twice, with different contents")
        if "WHOLE" not in item.flags:
            self.check_whole(item.path, item.lines, self.known(item.path))
            said = other_language(item.path, item.info)
            if said is not None:
                self.refuse("wrong language", item.path, f"the block is marked as {said}, unlike its path")

    def check_whole(self, path: RepoPath, lines: list[str], known: frozenset[str]) -> None:
        odd = odd_character(lines, known)
        if odd is not None:
            number, name = odd
            message = f"line {number} holds the character {name}; write it as an escape of the language"
            self.refuse("not text", path, message)
        left_out = elided_line(path, lines, known)
        if left_out is not None:
            number, line = left_out
            message = f"line {number} stands for code that was left out: {line}"
            self.refuse("elided", path, message + " (where it is meant so, write WHOLE after the path)")

    def add_search(self, block: SearchBlock) -> None:
        path = block.path
        if not self.is_good(path):
            return
        if not is_encodable(block.lines):
            self.refuse("not text", path, "the block holds half a character, which no text has")
            return
        options = [_split(block, at) for at in block.separators[:_MANY_SEPARATORS]]
        if not options:
            self.refuse("ambiguous", path, "a search block has no ======= line")
            return
        before = self.edited.get(path, self.current.get(path))
        if (
            not any(line.strip() for line in block.lines[: block.separators[-1]])
            and not (before or "").strip()
        ):
            search, replace = options[0]
            self.add_file(
                WholeFile(path, frozenset(), replace.removesuffix("\n").split("\n") if replace else [])
            )
            return
        if before is None:
            self.refuse("no match", path, "there is no such file to search in")
            return
        reason = ""
        for search, replace in reversed(options):  # the longest search text that is in the file
            try:
                self.edited[path] = replace_once(before, search, replace)
            except NoMatchError as error:
                reason = str(error)
                continue
            replacement = Replacement(path, search, replace)
            break
        else:
            self.refuse("no match", path, reason)
            return
        self.replacements.append(replacement)
        old = frozenset(line.strip() for line in replacement.search.split("\n"))
        self.check_whole(path, replacement.replace.split("\n"), self.known(path) | old)

    def find_conflicts(self) -> None:
        """Refuse paths that are both given, searched or deleted, and files inside other files."""
        for path in self.deletions:
            if path in self.files or path in self.edited:
                self.refuse("two versions", path, "the file is both given and deleted")
        for path in self.edited:
            if path in self.files:
                self.refuse("two versions", path, "the file is both given whole and edited")
        for first, second in pairwise(sorted(path + "/" for path in self.files)):
            if second.startswith(first):
                self.refuse(
                    "two versions", first[:-1], f"the path is both a file and the folder of {second[:-1]}"
                )


def _split(block: SearchBlock, at: int) -> tuple[str, str]:
    search = "".join(f"{line}\n" for line in block.lines[:at])
    return search, "".join(f"{line}\n" for line in block.lines[at + 1 :])


def render_reply(edits: Iterable[Edit]) -> str:
    """Return the reply that says exactly this: reading it gives the edits back, without a problem.

    A ``FileEdit`` with a final newline left open is taken to end in one.
    """
    parts: list[str] = []
    for edit in edits:
        if isinstance(edit, Deletion):
            parts.append(f"DELETE {quote(edit.path)}\n")
        elif isinstance(edit, Replacement):
            parts.append(_rendered_search(edit))
        else:
            parts.append(_rendered_file(edit))
    return "\n".join(parts) if parts else "NO CHANGES\n"


def _rendered_file(edit: FileEdit) -> str:
    exact = edit.final_newline is False
    text = edit.text
    if exact:
        lines = text.split("\n") if text else []
    else:
        lines = text.removesuffix("\n").split("\n") if text else []
    flags = ""
    if edit.final_newline is not None:
        flags += " NOEOL" if exact else " EOL"
    if edit.executable is not None:
        flags += " EXEC" if edit.executable else " NOEXEC"
    first = next((line for line in lines if line.strip()), "")
    nothing: frozenset[str] = frozenset()
    is_odd = elided_line(edit.path, lines, nothing) is not None or odd_character(lines, nothing) is not None
    if is_odd or _SEARCH_START.match(first):
        flags += " WHOLE"
    fence = _fence_for(text)
    body = "".join(f"{line}\n" for line in lines)
    return f"FILE {quote(edit.path)}{flags}\n{fence}\n{body}{fence}\n"


def _rendered_search(edit: Replacement) -> str:
    runs = [
        len(line.strip())
        for text in (edit.search, edit.replace)
        for line in text.split("\n")
        if _MARKERS.fullmatch(line)
    ]
    size = max(_SAFE_MARKER, *(run + 1 for run in runs)) if runs else _MARKER
    fence = _fence_for(edit.search + edit.replace)
    inner = f"{'<' * size} SEARCH\n{edit.search}{'=' * size}\n{edit.replace}{'>' * size} REPLACE\n"
    return f"FILE {quote(edit.path)}\n{fence}\n{inner}{fence}\n"


def _fence_for(text: str) -> str:
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=_LEAST_FENCE - 1)
    return "`" * (longest + 1)
