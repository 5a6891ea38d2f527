"""What people wrote in a tree: the lines that are theirs, and what they took out of generated files."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.agents.causes import NO_LINE, cause_of
from regen_git.config.ownership import is_text
from regen_git.domain.intent import LineRange
from regen_git.git.blame import BlamedLine, committed_blame
from regen_git.git.commits import read_commit
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf, lookup
from regen_git.replay.people.origins import Origins
from regen_git.replay.people.textmerge import hunks
from regen_git.replay.people.touches import maybe_by_people, touches_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.replay.people.touches import Touch

__all__ = ["Hunk", "HunkFate", "hunk_fates", "people_in"]

_FILES = (REGULAR, EXECUTABLE)
_MOST_AT_ONCE = 4
_GAP = 8  # lines that others may have put between the lines of one hunk


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines that a person wrote, or, when ``lines`` is empty, took out of generated code.

    ``first`` and ``last`` count from 1 in the tip's file; ``last == first - 1`` for a deletion that stands
    before line ``first``, both 0 where the whole file was taken out. Lines are without newlines; bytes that
    are not UTF-8 as surrogates. ``author`` is ``Name <address>``. ``others`` is how often the removed lines
    still stand together in the tip's file: a brace that was taken out is not the only one. ``at`` is the
    first line in the file of the person's own commit.
    """

    path: RepoPath
    commit: Oid
    first: int
    last: int
    lines: tuple[str, ...]
    removed: tuple[str, ...]
    author: str
    others: int = 0
    at: int = 0


@dataclass(frozen=True, slots=True)
class HunkFate:
    """Whether a hunk stands in another tree. ``first`` and ``last`` are where; 0 for a deletion."""

    hunk: Hunk
    is_kept: bool
    first: int = 0
    last: int = 0


def people_in(
    repo: Repository,
    tip: Oid,
    paths: Sequence[RepoPath],
    *,
    known: Mapping[Oid, Collection[RepoPath]] | None = None,
) -> dict[RepoPath, tuple[Hunk, ...]]:
    """Return, for each of these paths, what people wrote in the tip's file, in the order of its lines.

    Paths without any, and files that are no text, are left out. A path that the tip does not have counts
    where a person took the generated file away. ``known`` are commits that are known to be no person's, with
    the paths of which that is known: they need not be read.
    """
    store = repo.objects
    tree = read_commit(store, tip).tree
    leaves = {path: lookup(store, tree, path) for path in dict.fromkeys(paths)}
    texts = [path for path, leaf in leaves.items() if _is_text_file(store, leaf)]
    gone = [path for path, leaf in leaves.items() if leaf is None]
    if not (texts or gone):
        return {}
    origins = Origins(repo)
    touches = touches_of(repo, tip, [*texts, *gone])
    seen = {touch.path for touch in touches}
    asked = maybe_by_people(repo, origins, touches, known or {})
    touches = [touch for touch in touches if touch.path in asked]
    origins.read(touch.commit for touch in touches)
    # Where history is cut, nothing is known of how a file came to be.
    asked.update({*texts} - seen)
    texts = [path for path in texts if path in asked]
    found: dict[RepoPath, list[Hunk]] = {}
    with ThreadPoolExecutor(max_workers=min(_MOST_AT_ONCE, os.cpu_count() or 1)) as pool:
        blamed = dict(zip(texts, pool.map(lambda path: committed_blame(repo, path, tip), texts), strict=True))
    origins.read(dict.fromkeys(line.commit for lines in blamed.values() for line in lines))
    for path, lines in blamed.items():
        found[path] = _runs(origins, path, lines)
    for hunk in _taken_out(repo, origins, tip, touches):
        found.setdefault(hunk.path, []).append(hunk)
    return {
        path: tuple(sorted(found[path], key=lambda hunk: (hunk.first, hunk.last)))
        for path in leaves
        if found.get(path)
    }


def _is_text_file(store: ObjectStore, leaf: Leaf | None) -> bool:
    return leaf is not None and leaf.mode in _FILES and is_text(store.blob(leaf.oid))


def _runs(origins: Origins, path: RepoPath, lines: Sequence[BlamedLine]) -> list[Hunk]:
    """Return the runs of lines that one person's commit wrote, neighbours in it and still."""
    runs: list[tuple[Oid, str, list[BlamedLine]]] = []
    for line, origin in zip(lines, origins.of(lines), strict=True):
        if origin.cause.by != "person" or origin.told is None:
            continue
        who = (origin.told.commit, origin.told.author)
        last = runs[-1] if runs else None
        if last is not None and last[:2] == who and _is_next(last[2][-1], line):
            last[2].append(line)
        else:
            runs.append((*who, [line]))
    return [
        Hunk(
            path,
            commit,
            run[0].number,
            run[-1].number,
            lines=tuple(line.text for line in run),
            removed=(),
            author=author,
            at=run[0].line,
        )
        for commit, author, run in runs
    ]


def _is_next(before: BlamedLine, line: BlamedLine) -> bool:
    return line.number == before.number + 1 and line.line == before.line + 1


def _taken_out(repo: Repository, origins: Origins, tip: Oid, touches: Sequence[Touch]) -> list[Hunk]:
    """Return where people only took lines out, of files that agents had written, and they are out still."""
    generated: set[RepoPath] = set()
    candidates = []
    for touch in touches:  # oldest first
        if touch.is_merge or not touch.is_file:
            continue
        by = cause_of(origins.told[touch.commit], touch.path, NO_LINE).by
        if by != "person":
            generated.add(touch.path)
        elif touch.path in generated and touch.old is not None:
            candidates.append((touch.commit, touch.path, touch.old, touch.new))
    if not candidates:
        return []
    store = repo.objects
    tree = read_commit(store, tip).tree
    found: list[Hunk] = []
    for commit, path, old, new in candidates:
        leaf = lookup(store, tree, path)
        now = store.blob(leaf.oid) if leaf is not None else None
        found += _taken_out_by(repo, origins, (commit, path), (old, new), now)
    return found


def _taken_out_by(
    repo: Repository,
    origins: Origins,
    place: tuple[Oid, RepoPath],
    blobs: tuple[Oid, Oid | None],
    now: bytes | None,
) -> list[Hunk]:
    """Return the pure deletions of one person's commit that took out generated lines and still hold."""
    commit, path = place
    store = repo.objects
    before = store.blob(blobs[0])
    after = store.blob(blobs[1]) if blobs[1] is not None else None
    told = origins.told[commit]
    if not (is_text(before) and told.parents) or (after is None and now is not None):
        return []
    rows = _rows(before)
    spans = [(1, len(rows), 0)] if after is None else []
    spans = spans or [
        (hunk.old_start, hunk.old_start + hunk.old_lines - 1, hunk.new_start)
        for hunk in hunks(before, after or b"")
        if not hunk.new_lines
    ]
    spans = [span for span in spans if any(row.strip() for row in rows[span[0] - 1 : span[1]])]
    if not spans:
        return []
    blamed = committed_blame(
        repo, path, told.parents[0], [LineRange(first, last) for first, last, _ in spans]
    )
    by = {line.number: origin.cause.by for line, origin in zip(blamed, origins.of(blamed), strict=True)}
    found = []
    for first, last, at in spans:
        removed = tuple(rows[first - 1 : last])
        is_generated = any(by.get(number, "person") != "person" for number in range(first, last + 1))
        others = _count(_rows(now), removed) if now is not None else 0
        if not is_generated or others > _count(_rows(after or b""), removed):
            continue
        line = _moved(at, after, now) if now is not None and after is not None else 0
        found.append(Hunk(path, commit, line, max(0, line - 1), (), removed, told.author, others, at))
    return found


def _moved(line: int, old: bytes | None, new: bytes | None) -> int:
    """Return where the place before this line of the old text is in the new one."""
    shift = 0
    for hunk in hunks(old or b"", new or b""):
        if hunk.old_start >= line:
            break
        shift = hunk.new_start + hunk.new_lines - hunk.old_start - hunk.old_lines
    return max(1, line + shift)


def _rows(data: bytes) -> list[str]:
    return data.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n") if data else []


def hunk_fates(store: ObjectStore, hunks: Iterable[Hunk], tree: Oid) -> list[HunkFate]:
    """Say of each hunk whether a tree keeps it, in the order given.

    Lines are kept when all of them stand in the tree's file in order and near each other, other indentation
    and empty lines apart; of equal hunks each needs a place of its own. A deletion is kept when the lines do
    not stand there again.
    """
    asked = list(hunks)
    files: dict[RepoPath, _File] = {}
    fates: dict[int, HunkFate] = {}
    # The longest first: a short one must not take away the only place of a long one.
    for number in sorted(range(len(asked)), key=lambda i: -len(asked[i].lines)):
        hunk = asked[number]
        if hunk.path not in files:
            leaf = lookup(store, tree, hunk.path)
            is_text_file = leaf is not None and _is_text_file(store, leaf)
            files[hunk.path] = _File(_rows(store.blob(leaf.oid)) if leaf and is_text_file else [])
        fates[number] = files[hunk.path].fate(hunk)
    return [fates[number] for number in range(len(asked))]


class _File:
    """One file that hunks are looked for in; a line belongs to one hunk at most."""

    def __init__(self, rows: Sequence[str]) -> None:
        self._rows = rows
        self._filled = [(i, row.strip()) for i, row in enumerate(rows) if row.strip()]
        self._places: dict[str, list[int]] = {}
        for place, (_, word) in enumerate(self._filled):
            self._places.setdefault(word, []).append(place)
        self._taken: set[int] = set()

    def fate(self, hunk: Hunk) -> HunkFate:
        """Return whether the hunk is here, and take its lines."""
        if not hunk.lines:
            return HunkFate(hunk, _count(self._rows, hunk.removed) <= hunk.others)
        words = [line.strip() for line in hunk.lines if line.strip()]
        if not words:
            return HunkFate(hunk, is_kept=True)
        at = hunk.first - 1 + next(i for i, line in enumerate(hunk.lines) if line.strip())
        found = self._find(words, at, gap=0) or self._find(words, at, gap=_GAP)
        if found is None:
            return HunkFate(hunk, is_kept=False)
        self._taken.update(found)
        first, last = self._filled[found[0]][0], self._filled[found[-1]][0]
        return HunkFate(hunk, is_kept=True, first=first + 1, last=last + 1)

    def _find(self, words: Sequence[str], at: int, *, gap: int) -> list[int] | None:
        """Return the places of these words in order, the nearest to a line, ``gap`` others between two."""
        starts = self._places.get(words[0], [])
        for start in sorted(starts, key=lambda place: abs(self._filled[place][0] - at)):
            found: list[int] = []
            here = start
            for word in words:
                near = range(here, min(len(self._filled), here + (gap if found else 0) + 1))
                here = next((i for i in near if self._filled[i][1] == word and i not in self._taken), -1)
                if here < 0:
                    break
                found.append(here)
                here += 1
            if len(found) == len(words):
                return found
        return None


def _count(rows: Sequence[str], wanted: Sequence[str]) -> int:
    """Return how often these lines stand together, other indentation and empty lines apart."""
    words = [line.strip() for line in wanted if line.strip()]
    filled = [row.strip() for row in rows if row.strip()]
    return sum(filled[i : i + len(words)] == words for i in range(len(filled) - len(words) + 1))
