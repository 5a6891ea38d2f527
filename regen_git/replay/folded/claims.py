"""Whose page claims a path: that of the longest pattern that matches it. Pure rules."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from regen_git.domain.ids import RepoPath

__all__ = ["Claims"]

_PLAIN = re.compile(r"[^*?\[\]\\!#]+")


@dataclass(frozen=True, slots=True)
class _Claim:
    """One pattern of a page; ``order`` puts the one that counts first."""

    order: tuple[int, str]
    page: str
    matches: Callable[[RepoPath], bool]


class Claims:
    """Answers which page claims a path. ``pages`` are names with their patterns, as in ``.gitignore``."""

    def __init__(self, pages: Iterable[tuple[str, Sequence[str]]]) -> None:
        # By a name that every path which matches has in it; "" for patterns without such a name.
        self._by_part: dict[str, list[_Claim]] = defaultdict(list)
        self._known: dict[RepoPath, str | None] = {}
        for page, patterns in pages:
            has_exceptions = any(each.startswith("!") for each in patterns)
            for pattern in patterns:
                if not pattern.startswith("!"):
                    matches = _matcher([pattern])
                    if has_exceptions:
                        matches = _both(matches, _matcher(patterns))
                    claim = _Claim((-len(pattern), page), page, matches)
                    self._by_part[_part(pattern)].append(claim)

    def owner(self, path: RepoPath) -> str | None:
        """Return the page that claims a path; ``None`` where none does."""
        if path not in self._known:
            claims = sorted(self._candidates(path), key=lambda claim: claim.order)
            self._known[path] = next((claim.page for claim in claims if claim.matches(path)), None)
        return self._known[path]

    def _candidates(self, path: RepoPath) -> Iterator[_Claim]:
        for part in {"", *path.split("/")}:
            yield from self._by_part.get(part, ())


def _part(pattern: str) -> str:
    """Return the longest literal name in a pattern: no path matches that has it nowhere."""
    parts = [part for part in pattern.strip().split("/") if _PLAIN.fullmatch(part)]
    return max(parts, key=len, default="")


def _both(
    first: Callable[[RepoPath], bool], second: Callable[[RepoPath], bool]
) -> Callable[[RepoPath], bool]:
    return lambda path: first(path) and second(path)


def _matcher(patterns: Sequence[str]) -> Callable[[RepoPath], bool]:
    from pathspec import GitIgnoreSpec

    spec = GitIgnoreSpec.from_lines(patterns)
    return spec.match_file
