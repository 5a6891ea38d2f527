"""Symbols in generated files that people wrote lines of: what must not be written over unseen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.replay.people.symbol_units import symbol_spans
from regen_git.replay.risk.material import is_python
from regen_git.replay.risk.values import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from regen_git.domain.ids import RepoPath
    from regen_git.replay.people.authorship import Hunk
    from regen_git.replay.risk.values import SourceFile

__all__ = ["find_people"]

_DECLARED = re.compile(
    r"^(?:export\s+)?(?:default\s+)?(?:pub\s+)?(?:async\s+)?(?:abstract\s+)?"
    r"(?:function\*?|class|interface|type|enum|const|let|var|fn|func|struct|trait|impl|def)\s+"
    r"(?:\([^)\n]{0,200}\)\s*)?([\w$]+)",
    re.MULTILINE,
)
_METHOD = re.compile(
    r"^(?:  |    |\t)(?:(?:public|private|protected|static|async|override)\s+)*"
    r"(?!(?:if|for|while|switch|catch|return)\b)"
    r"([A-Za-z_$#][\w$]{0,80})\([^;\n]{0,200}\{[ \t]*$",
    re.MULTILINE,
)


def find_people(
    files: Iterable[SourceFile], hunks: Mapping[RepoPath, Sequence[Hunk]], *, is_carried: bool
) -> list[Finding]:
    """Tell each symbol with lines of people, with how many. ``is_carried``: their diffs are replayed."""
    findings = []
    for file in files:
        counts: dict[str, tuple[int, int, Hunk]] = {}
        spans = _spans(file)
        for hunk in hunks.get(file.path, ()):
            name = _at(spans, hunk.first)
            before, first, kept = counts.get(name, (0, hunk.first, hunk))
            counts[name] = (before + len(hunk.lines), first, kept)
        for name, (lines, first, hunk) in counts.items():
            findings.append(_finding(file.path, name, lines, first, hunk, is_carried=is_carried))
    return findings


def _finding(path: RepoPath, name: str, lines: int, first: int, hunk: Hunk, *, is_carried: bool) -> Finding:
    what = f"{lines} line{'s' * (lines != 1)}" if lines else "a deletion"
    where = f"in '{name}' " if name else ""
    way = (
        "carried as a diff, which may meet other code"
        if is_carried
        else "placed into new code, or left to a person"
    )
    return Finding(
        "people",
        f"{what} {where}by {hunk.author}: {way}",
        "put lasting code of people under 'paths.human', or between 'regen: keep' and 'regen: end'",
        path,
        first,
        hunk.commit,
        name or None,
    )


def _spans(file: SourceFile) -> list[tuple[int, int, str]]:
    """Return (first, last, name) of each symbol, lines from 1, inner after outer."""
    if is_python(file.path):
        try:
            return [(first + 1, last, name) for name, (first, last) in symbol_spans(file.text).items()]
        except (SyntaxError, ValueError, RecursionError):
            return []
    found = [*_DECLARED.finditer(file.text), *_METHOD.finditer(file.text)]
    starts = sorted((file.text.count("\n", 0, match.start()) + 1, match[1]) for match in found)
    ends = [*(first - 1 for first, _ in starts[1:]), file.text.count("\n") + 1][: len(starts)]
    return [(first, last, name) for (first, name), last in zip(starts, ends, strict=True)]


def _at(spans: Sequence[tuple[int, int, str]], line: int) -> str:
    """Return the innermost symbol that holds a line; empty for none."""
    name = ""
    for first, last, each in spans:
        if first <= line <= last:
            name = each
    return name
