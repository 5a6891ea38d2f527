"""Which lines ran under test, from the report that the user's own tools left in the working tree.

A report comes from who knows where: it is read within limits, never imported, never evaluated.
"""

from __future__ import annotations

import html
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from regen_git.domain.ids import RepoPath

__all__ = ["Coverage", "read_coverage"]

_LIMIT = 32 << 20  # bytes
_STEPS = 50_000_000  # instructions of SQLite's machine: a second or so
_XML = re.compile(
    r"<(?:class|file)\b[^<>]{0,2000}?\b(?:filename|path)=\"([^\"<>]{1,1000})\"|<line\b([^<>]{1,300})>"
)
_NUMBER = re.compile(r"\b(?:number|num)=\"(\d{1,9})\"")
_HITS = re.compile(r"\b(?:hits|count)=\"(\d{1,12})\"")
_LARGEST_LINE = 10_000_000

Hits: TypeAlias = dict[str, set[int]]
"""The lines that ran, by file as the report names it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What ran: ``lines`` by path. ``source`` names the report, ``problem`` why one is not used."""

    source: str = ""
    lines: dict[RepoPath, frozenset[int]] | None = None
    problem: str = ""


def read_coverage(top: Path, paths: Collection[RepoPath], newer_than: float) -> Coverage:
    """Return what the first usable report below ``top`` says of these paths.

    ``newer_than`` is in seconds since 1970: an older report speaks of older code.
    """
    problem = ""
    for name, read in _REPORTS:
        path = top / name
        try:
            if path.is_symlink() or not path.is_file():
                continue
            stat = path.stat()
            if stat.st_mtime < newer_than:
                problem = problem or f"'{name}' is older than the commit and is not used"
                continue
            if stat.st_size > _LIMIT:
                problem = problem or f"'{name}' is larger than {_LIMIT >> 20} MiB and is not used"
                continue
            hits = read(path)
        except (OSError, ValueError, sqlite3.Error) as error:
            problem = problem or f"'{name}' cannot be read: {error}"
            continue
        lines = _placed(hits, paths, top)
        if lines:
            return Coverage(name, lines)
        problem = problem or f"'{name}' names no file that would be regenerated"
    return Coverage(problem=problem)


def _placed(hits: Hits, paths: Collection[RepoPath], top: Path) -> dict[RepoPath, frozenset[int]]:
    """Find the repository's path for each name of a report: as it stands, below ``top``, or by its end."""
    prefix = str(top).rstrip("/") + "/"
    found: dict[RepoPath, frozenset[int]] = {}
    for name, lines in hits.items():
        plain = name.replace("\\", "/").removeprefix(prefix).removeprefix("./")
        path: RepoPath | None = plain if plain in paths else None
        if path is None:
            ends = [each for each in paths if each.endswith("/" + plain)]
            path = ends[0] if len(ends) == 1 else None
        if path is not None:
            found[path] = found.get(path, frozenset()) | lines
    return found


def _read_xml(path: Path) -> Hits:
    """Read Cobertura's and Clover's form by their tags alone: no entity of a document means anything here."""
    found: Hits = {}
    now: set[int] = set()
    for match in _XML.finditer(path.read_text("utf-8", errors="strict")):
        if match[1] is not None:
            now = found.setdefault(html.unescape(match[1]), set())
            continue
        number, hits = _NUMBER.search(match[2]), _HITS.search(match[2])
        if number is not None and hits is not None and int(hits[1]):
            now.add(int(number[1]))
    return found


def _read_lcov(path: Path) -> Hits:
    """Source: geninfo(1), "FILES"."""
    found: Hits = {}
    now: set[int] = set()
    for line in path.read_text("utf-8", errors="strict").splitlines():
        if line.startswith("SF:"):
            now = found.setdefault(line[3:].strip(), set())
        elif line.startswith("DA:"):
            parts = line[3:].split(",")
            if len(parts) > 1 and parts[0].isdecimal() and parts[1].isdecimal() and int(parts[1][:12]):
                now.add(min(int(parts[0][:9]), _LARGEST_LINE))
    return found


def _read_sqlite(path: Path) -> Hits:
    """Read what coverage.py keeps, without writing a byte. Source: its page "Coverage.py database schema"."""
    found: Hits = {}
    left = [_STEPS // 10_000]

    def stop() -> int:
        left[0] -= 1
        return int(left[0] < 0)

    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
        base.execute("PRAGMA trusted_schema = OFF")
        base.set_progress_handler(stop, 10_000)
        files = {number: str(name) for number, name in base.execute("SELECT id, path FROM file") if name}
        for number, bits in base.execute("SELECT file_id, numbits FROM line_bits"):
            if number in files and isinstance(bits, bytes):
                found.setdefault(files[number], set()).update(_lines_in(bits))
        for number, first, last in base.execute("SELECT file_id, fromno, tono FROM arc"):
            if number in files and isinstance(first, int) and isinstance(last, int):
                lines = (abs(first), abs(last))
                found.setdefault(files[number], set()).update(one for one in lines if one)
    return found


def _lines_in(bits: bytes) -> set[int]:
    """Return the numbers of the bits that are set, lowest first in each byte."""
    return {at * 8 + bit for at, byte in enumerate(bits) for bit in range(8) if byte & (1 << bit)}


_REPORTS: tuple[tuple[str, Callable[[Path], Hits]], ...] = (
    ("coverage.xml", _read_xml),
    ("lcov.info", _read_lcov),
    ("coverage/lcov.info", _read_lcov),
    ("coverage/clover.xml", _read_xml),
    ("coverage/cobertura-coverage.xml", _read_xml),
    (".coverage", _read_sqlite),
)
