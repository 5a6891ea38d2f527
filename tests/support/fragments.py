"""Code in fragments: what a scripted model writes of a module depends on what it has been told.

A module is kept as a file of code with lines of marks::

    #: if KEY            the code where the requirement KEY is known
    #: slip              the same with a mistake in it; may be left out
    #: elif KEY          another case
    #: else              the code where nothing of it is known
    #: end

``@module.function`` in the place of a key means that the signature of that function is known. Blocks may
stand inside blocks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Block", "Branch", "blocks", "parse", "render", "stands_in", "stood"]

_MARK = re.compile(r"\s*#: (if|slip|elif|else|end)\b\s*(\S*)$")


@dataclass(frozen=True)
class Branch:
    """One case. ``key`` is empty for the last one, ``slip`` is ``None`` where there is no wrong version."""

    key: str
    parts: list[str | Block] = field(default_factory=list)
    slip: list[str | Block] | None = None


@dataclass(frozen=True)
class Block:
    """The cases at one place; ``name`` is the module and a number, ``keys`` those of the blocks around it."""

    name: str
    keys: tuple[str, ...]
    branches: list[Branch] = field(default_factory=list)


def parse(module: str, text: str) -> list[str | Block]:
    """Return a module's parts: runs of lines, and blocks."""
    lines = iter(text.splitlines(keepends=True))
    parts, mark = _parts(module, lines, (), iter(range(1, 1000)))
    if mark is not None:
        raise ValueError(f"{module}: '{mark[0]}' without an if")
    return parts


def _parts(
    module: str, lines: Iterator[str], keys: tuple[str, ...], numbers: Iterator[int]
) -> tuple[list[str | Block], re.Match[str] | None]:
    parts: list[str | Block] = []
    run: list[str] = []
    for line in lines:
        mark = _MARK.match(line)
        if mark is None:
            run.append(line)
            continue
        if run:
            parts.append("".join(run))
            run = []
        if mark[1] != "if":
            return parts, mark
        parts.append(_block(module, lines, mark[2], keys, numbers))
    return [*parts, *(["".join(run)] if run else [])], None


def _block(
    module: str, lines: Iterator[str], key: str, keys: tuple[str, ...], numbers: Iterator[int]
) -> Block:
    block = Block(f"{module}:{next(numbers)}", keys)
    while True:
        inside = (*keys, key) if key else keys
        parts, mark = _parts(module, lines, inside, numbers)
        slip = None
        if mark is not None and mark[1] == "slip":
            slip, mark = _parts(module, lines, inside, numbers)
        if mark is None:
            raise ValueError(f"{block.name} has no end")
        block.branches.append(Branch(key, parts, slip))
        if mark[1] == "end":
            return block
        key = mark[2]


def render(parts: list[str | Block], choose: Callable[[Block], list[str | Block]]) -> str:
    """Return the code, with what ``choose`` says for each block."""
    return "".join(part if isinstance(part, str) else render(choose(part), choose) for part in parts)


def stands_in(parts: list[str | Block], text: str) -> bool:
    """Return whether code was written from these parts: their first run of lines is in it."""
    first = next((part for part in parts if isinstance(part, str) and part.strip()), None)
    return first is not None and f"\n{first.strip(chr(10))}\n" in f"\n{text}\n"


def stood(branch: Branch, text: str) -> bool:
    """Return whether code was written from a branch, with or without its mistake."""
    return stands_in(branch.parts, text) or (branch.slip is not None and stands_in(branch.slip, text))


def blocks(parts: list[str | Block]) -> Iterator[Block]:
    """Yield all blocks, also those inside others."""
    for part in parts:
        if isinstance(part, Block):
            yield part
            for branch in part.branches:
                yield from blocks([*branch.parts, *(branch.slip or [])])
