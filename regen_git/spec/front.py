"""What stands before the first requirement: front matter, title and prose."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import ConfigError, SpecError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.config.yaml_nodes import Entry
    from regen_git.domain.ids import RepoPath

__all__ = ["HEADING", "Front", "is_requirements", "read_front", "write_front"]

HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*\Z")
_UNDERLINE = re.compile(r" {0,3}=+[ \t]*\Z")
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_NOT_PLAIN = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_KEY = re.compile(r"[A-Za-z_-]+[ \t]*:")
_LINE = 100
_WORDS = r"\[([A-Za-z_][A-Za-z0-9_./-]*(?:, [A-Za-z_][A-Za-z0-9_./-]*)*)\]"
_KNOWN_SHAPE = re.compile(rf"\n(?:paths: {_WORDS})?(?:(?:\n|(?<=\n))needs: {_WORDS})?")
_FRONT_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Front:
    """What the top of a page says; see `Page`."""

    title: str
    paths: tuple[RepoPath, ...]
    needs: tuple[str, ...]
    prose: str


def is_requirements(line: str) -> bool:
    """Return whether this line is the heading above the requirements."""
    found = HEADING.match(line)
    return found is not None and (found[1] or "").rstrip(":").casefold() in ("requirements", "requirement")


def read_front(head: str, name: str, source: str) -> Front:
    """Read all that stands before the first requirement. ``source`` is the file's name for complaints.

    Raises `SpecError`.
    """
    lines = head.removeprefix("\ufeff").split("\n")
    paths: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    end = _end_of_matter(lines, source)
    if end:
        # An empty line stands in for the '---', so that complaints count lines as the file does.
        paths, needs = _matter("\n".join(["", *lines[1:end]]), source)
        lines = lines[end + 1 :]
    title, lines = _title(lines)
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and is_requirements(lines[-1]):
        lines.pop()
    return Front(title or name, paths, needs, "\n".join(lines).strip())


def write_front(front: Front, *, has_statements: bool) -> str:
    """Return the top of a page, the heading above the requirements included where there are any."""
    parts: list[str] = []
    if front.paths or front.needs:
        parts = ["---\n", _list("paths", front.paths), _list("needs", front.needs), "---\n"]
    parts.append(f"# {front.title}\n")
    if front.prose:
        parts.append(f"\n{front.prose}\n")
    if has_statements:
        parts.append("\n## Requirements\n\n")
    return "".join(parts)


def _end_of_matter(lines: Sequence[str], source: str) -> int:
    """Return the number of the line that closes the front matter, 0 where there is none."""
    if lines[0].rstrip() != "---":
        return 0
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() in ("---", "..."):
            return number
    if len(lines) > 1 and _KEY.match(lines[1]):
        raise SpecError(f"front matter is not closed ({source}:1)", hint="end it with a line '---'")
    return 0


def _matter(text: str, source: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from regen_git.config.yaml_nodes import parse

    if len(text) > _FRONT_LIMIT:
        raise SpecError(f"front matter is longer than {_FRONT_LIMIT // 1024} KiB ({source}:1)")
    known = _KNOWN_SHAPE.fullmatch(text)
    if known is not None:
        # As we write it, with nothing that has to be quoted: what YAML makes of it is known.
        found = tuple(tuple(part.split(", ")) if part else () for part in known.groups())
        if not any(word.lower() in _NOT_PLAIN or "//" in word for words in found for word in words):
            return found[0], found[1]
    try:
        top = parse(text, source)
        if top is None:
            return (), ()
        keys = top.keys([])
        _refuse_near_misses(list(keys.entries), source)
        paths, needs = keys.take("paths"), keys.take("needs")
        return _patterns(paths), needs.texts() if needs is not None else ()
    except ConfigError as error:
        raise SpecError(_with_line(str(error), source), hint=error.hint) from error


def _with_line(message: str, source: str) -> str:
    """Return the complaint with its place as ``file:line``, as for all others of a page."""
    found = re.search(r",? line (\d+)\)?\Z", message)
    if found is None:
        return message if source in message else f"{message} ({source}:1)"
    told = message[: found.start()].removesuffix(f" ({source}")
    return f"{told} ({source}:{found[1]})"


def _patterns(entry: Entry | None) -> tuple[str, ...]:
    if entry is None:
        return ()
    from pathspec import GitIgnoreSpec

    patterns = tuple(pattern for pattern in entry.texts() if pattern)
    try:
        GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise entry.error(f"has a pattern that means nothing: {error}") from error
    return patterns


def _refuse_near_misses(keys: Sequence[str], source: str) -> None:
    """Refuse what is meant for us and would be passed over; what other programs read is theirs."""
    for key in keys:
        for known in ("paths", "needs"):
            if key != known and key.casefold().rstrip("s") == known.rstrip("s"):
                raise SpecError(f"front matter has '{key}' ({source}:1)", hint=f"write '{known}'")


def _title(lines: Sequence[str]) -> tuple[str, list[str]]:
    """Return the title, where the first thing on the page is one, and the lines after it."""
    at = next((number for number, line in enumerate(lines) if line.strip()), None)
    if at is None:
        return "", []
    found = HEADING.match(lines[at])
    if found is not None:
        return (
            ("", list(lines[at:])) if is_requirements(lines[at]) else (found[1] or "", list(lines[at + 1 :]))
        )
    if at + 1 < len(lines) and _UNDERLINE.match(lines[at + 1]):
        return lines[at].strip(), list(lines[at + 2 :])
    return "", list(lines[at:])


def _list(key: str, values: Sequence[str]) -> str:
    if not values:
        return ""
    words = [_word(value) for value in values]
    line = f"{key}: [{', '.join(words)}]\n"
    return line if len(line) <= _LINE else f"{key}:\n" + "".join(f"- {word}\n" for word in words)


def _word(value: str) -> str:
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
