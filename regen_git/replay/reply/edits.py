"""Search and replace on whole lines, exactly once or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from regen_git.replay.reply.values import Replacement

__all__ = ["NoMatchError", "apply_replacements", "replace_once"]


class NoMatchError(ValueError):
    """The searched lines are not in the text, or are there more than once. The message says which."""


def apply_replacements(text: str, replacements: Iterable[Replacement]) -> str:
    """Return the text with all replacements made, in order. Raises ``NoMatchError``."""
    for replacement in replacements:
        text = replace_once(text, replacement.search, replacement.replace)
    return text


def replace_once(text: str, search: str, replace: str) -> str:
    """Return ``text`` with the one place that equals ``search`` replaced.

    First the lines as they are, then without white space at their ends, then without indentation: there the
    new lines are shifted as the found ones are. Raises ``NoMatchError``.
    """
    wanted = _lines(search)
    if not any(line.strip() for line in wanted):
        raise NoMatchError("the search text is empty")
    lines = text.split("\n")
    for normal in (str, str.rstrip, str.strip):
        start = _find(lines, wanted, normal)
        if start is None:
            continue
        found = lines[start : start + len(wanted)]
        new = _shifted(_lines(replace), wanted, found) if normal is not str else _lines(replace)
        return "\n".join([*lines[:start], *new, *lines[start + len(wanted) :]])
    raise NoMatchError("the search text is not in the file")


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _find(lines: list[str], wanted: list[str], normal: Callable[[str], str]) -> int | None:
    """Return the index of the only place; ``None`` if there is none. Linear, through ``str.find``."""
    hay = "\n" + "\n".join(map(normal, lines)) + "\n"
    needle = "\n" + "\n".join(map(normal, wanted)) + "\n"
    at = hay.find(needle)
    if at < 0:
        return None
    if hay.find(needle, at + 1) >= 0:
        raise NoMatchError("the search text is in the file more than once; add lines around it")
    return hay.count("\n", 0, at)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _shifted(new: list[str], wanted: list[str], found: list[str]) -> list[str]:
    """Move new lines as far as the found ones stand from the searched ones, and give them their line ends."""
    moves = {(_indent(a), _indent(b)) for a, b in zip(wanted, found, strict=True) if a.strip()}
    carriage = all(line.endswith("\r") for line in found)
    if any(a != b for a, b in moves):
        deeper = {b.removesuffix(a) if b.endswith(a) else None for a, b in moves}
        shallower = {a.removesuffix(b) if a.endswith(b) else None for a, b in moves}
        if len(deeper) == 1 and None not in deeper:
            more = next(iter(deeper)) or ""
            new = [more + line if line.strip() else line for line in new]
        elif len(shallower) == 1 and None not in shallower:
            less = next(iter(shallower)) or ""
            if not all(line.startswith(less) for line in new if line.strip()):
                raise NoMatchError("the search text is in the file with another indentation")
            new = [line.removeprefix(less) for line in new]
        else:
            raise NoMatchError("the search text is in the file with another indentation")
    return [line + "\r" if carriage and not line.endswith("\r") else line for line in new]
