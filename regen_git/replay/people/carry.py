"""Bring a person's change onto code that was written anew, hunk by hunk: none of them disappears silently.

The ladder: one side unchanged, then three-way as text, then by the function or class it belongs to, then
a model, then a person. What applies is applied, and only what does not climbs on. This module knows the rungs
that need neither of the last two, and names the rung on which each hunk ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from regen_git.config.ownership import is_text
from regen_git.domain.intent import LineRange
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf
from regen_git.replay.people.symbols import merge_symbols
from regen_git.replay.people.textmerge import Hunk, hunks, merge_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore

__all__ = [
    "Carried",
    "How",
    "Part",
    "carry",
    "change_of",
    "hardest",
    "kept",
    "resolved",
    "told_of",
]

_FILES = (REGULAR, EXECUTABLE)
_CONFLICT = "it conflicts with the rebuilt code"


class How(Enum):
    """On which rung a person's change came to rest."""

    EXACT = "exact"
    SYMBOL = "by symbol"
    MODEL = "by model"
    GONE = "no longer applicable"
    PERSON = "needs a person"
    RESOLVED = "by a person"


_HARDEST = (How.PERSON, How.GONE, How.RESOLVED, How.MODEL, How.SYMBOL, How.EXACT)


@dataclass(frozen=True, slots=True)
class Part:
    """One hunk of a person's change: its lines before, and after, in the files of the person's commit.

    Both are ``None`` for what has no lines: a mode, a link, a file that went away, data that is no text.
    ``commit`` is the person's, where it is not the one that the step rebuilds.
    """

    old: LineRange | None
    new: LineRange | None
    how: How
    why: str = ""
    commit: Oid = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a person's change to one path, hunk by hunk, and the leaf that stands there now.

    The leaf has every hunk that found its place; the open ones, ``GONE`` and ``PERSON``, are not in it.
    ``base`` and ``theirs`` are the two sides of the change.
    """

    path: RepoPath
    leaf: Leaf | None
    parts: tuple[Part, ...]
    base: Leaf | None = None
    theirs: Leaf | None = None

    @property
    def how(self) -> How:
        """The hardest rung that one of its hunks needed."""
        return hardest(part.how for part in self.parts)

    @property
    def hunks(self) -> int:
        """How many hunks it has; a change without lines counts as one."""
        return len(self.parts)

    @property
    def why(self) -> str:
        """What is in the way, each reason once, with the lines it is about."""
        about: dict[str, list[str]] = {}
        for part in self.parts:
            if part.why:
                about.setdefault(part.why, []).append(str(part.new) if part.new is not None else "")
        alone = len(self.parts) == 1
        shown = [(f"{'' if alone else _lines(where)}{why}") for why, where in about.items()]
        return "; ".join(shown)


def _lines(ranges: Sequence[str]) -> str:
    named = [each for each in ranges if each]
    return f"lines {', '.join(named)}: " if named else ""


def hardest(hows: Iterable[How]) -> How:
    """Return the rung that asks most of people; ``EXACT`` for none."""
    found = set(hows)
    return next((how for how in _HARDEST if how in found), How.EXACT)


def carry(
    store: ObjectStore, path: RepoPath, *, base: Leaf | None, theirs: Leaf | None, ours: Leaf | None
) -> Carried:
    """Apply the change ``base`` → ``theirs``, a person's, to ``ours``, which was regenerated."""
    sides = (base, theirs)
    simple = _without_lines(base, theirs, ours)
    if simple is not None:
        return _whole(store, path, sides, *simple)
    if theirs is None or ours is None:
        raise AssertionError("a side that is absent has no lines to merge")
    mode = theirs.mode if base is None or theirs.mode != base.mode else ours.mode
    old = store.blob(base.oid) if base is not None else b""
    new, now = store.blob(theirs.oid), store.blob(ours.oid)
    if not (is_text(old) and is_text(new) and is_text(now)):
        return _whole(store, path, sides, ours, How.PERSON, "data that is not text changed on both sides")
    merged = merge_text(old, now, new)
    if merged.clean:
        return _whole(store, path, sides, Leaf(mode, store.write("blob", merged.data)), How.EXACT)
    data, parts = _Ladder(path, old, new).climb(now)
    return Carried(path, Leaf(mode, store.write("blob", data)), tuple(parts), base, theirs)


def _without_lines(
    base: Leaf | None, theirs: Leaf | None, ours: Leaf | None
) -> tuple[Leaf | None, How, str] | None:
    """Settle what needs no look into the files; ``None`` where both sides have changed lines."""
    if ours == base or theirs is None:
        return theirs, How.EXACT, ""
    if theirs in (ours, base):
        return ours, How.EXACT, ""
    if ours is None:
        return None, How.GONE, "the rebuilt code has no such file"
    if base is not None and base.oid == theirs.oid:
        return Leaf(theirs.mode, ours.oid), How.EXACT, ""
    if any(leaf is not None and leaf.mode not in _FILES for leaf in (base, theirs, ours)):
        return ours, How.PERSON, "a link or submodule changed on both sides"
    return None


def kept(
    store: ObjectStore, path: RepoPath, *, base: Leaf | None, theirs: Leaf | None, why: str = ""
) -> Carried:
    """Return what to say of a change that stands as the person made it."""
    return _whole(store, path, (base, theirs), theirs, How.EXACT, why)


def resolved(
    store: ObjectStore, path: RepoPath, *, base: Leaf | None, theirs: Leaf | None, now: Leaf | None
) -> Carried:
    """Return what to say of a change that a person brought over by editing the rebuilt tree."""
    return _whole(store, path, (base, theirs), now, How.RESOLVED)


def change_of(store: ObjectStore, carried: Carried, parts: Sequence[Part]) -> tuple[bytes, bytes]:
    """Return the file before a change, and after these of its hunks alone."""
    old = store.blob(carried.base.oid) if carried.base is not None else b""
    new = store.blob(carried.theirs.oid) if carried.theirs is not None else b""
    wanted = {part.new for part in parts}
    return old, _with_hunks(old, new, [hunk for hunk in hunks(old, new) if _new(hunk) in wanted])


def told_of(carried: Carried) -> list[Any]:
    """Return what a journal keeps of a change: path, how, number of hunks, why, and each hunk."""
    parts = [
        [_shown(part.old), _shown(part.new), part.how.value, part.why, part.commit] for part in carried.parts
    ]
    return [carried.path, carried.how.value, carried.hunks, carried.why, parts]


def _shown(lines: LineRange | None) -> str | None:
    return None if lines is None else str(lines)


def _with_hunks(old: bytes, new: bytes, wanted: Sequence[Hunk]) -> bytes:
    """Return the old text with these hunks of the change to the new one, and no others."""
    before, after = _split(old), _split(new)
    out: list[bytes] = []
    at = 0
    for hunk in wanted:
        out += before[at : hunk.old_start - 1]
        out += after[hunk.new_start - 1 : hunk.new_start - 1 + hunk.new_lines]
        at = hunk.old_start - 1 + hunk.old_lines
    return b"".join([*out, *before[at:]])


def _split(data: bytes) -> list[bytes]:
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _whole(  # noqa: PLR0917 - a change, and what became of it
    store: ObjectStore,
    path: RepoPath,
    sides: tuple[Leaf | None, Leaf | None],
    leaf: Leaf | None,
    how: How,
    why: str = "",
) -> Carried:
    """Return a change all of whose hunks came to rest on one rung."""
    parts = tuple(Part(old, new, how, why) for old, new in _spans(store, *sides))
    return Carried(path, leaf, parts, *sides)


def _spans(
    store: ObjectStore, base: Leaf | None, theirs: Leaf | None
) -> list[tuple[LineRange | None, LineRange | None]]:
    """Return the lines of each hunk of a change; one of a mode, a link or data that is no text has none."""
    sides = [leaf for leaf in (base, theirs) if leaf is not None]
    without: list[tuple[LineRange | None, LineRange | None]] = [(None, None)]
    if theirs is None or (base is not None and base.oid == theirs.oid):
        return without
    if any(leaf.mode not in _FILES for leaf in sides):
        return without
    old, new = store.blob(base.oid) if base is not None else b"", store.blob(theirs.oid)
    if not (is_text(old) and is_text(new)):
        return without
    return [(_old(hunk), _new(hunk)) for hunk in hunks(old, new)] or without


def _old(hunk: Hunk) -> LineRange:
    return LineRange(hunk.old_start, hunk.old_start + hunk.old_lines - 1)


def _new(hunk: Hunk) -> LineRange:
    return LineRange(hunk.new_start, hunk.new_start + hunk.new_lines - 1)


class _Ladder:
    """One change that does not apply as a whole: finds for each hunk the first rung that carries it."""

    def __init__(self, path: RepoPath, old: bytes, new: bytes) -> None:
        self._path = path
        self._old = old
        self._new = new
        self._hunks = hunks(old, new)
        self._how: dict[Hunk, tuple[How, str]] = {}

    def climb(self, now: bytes) -> tuple[bytes, list[Part]]:
        """Return the rebuilt text with every hunk that needs neither model nor person."""
        now = self._as_text(now)
        rest = [hunk for hunk in self._hunks if hunk not in self._how]
        if rest:
            now = self._by_symbol(now, rest)
        return now, [Part(_old(hunk), _new(hunk), *self._how[hunk]) for hunk in self._hunks]

    def _with(self, wanted: Sequence[Hunk]) -> bytes:
        return _with_hunks(self._old, self._new, wanted)

    def _as_text(self, now: bytes) -> bytes:
        """Apply the hunks around which the rebuilt text is as it was."""
        theirs = hunks(self._old, now)
        free = [
            hunk
            for hunk in self._hunks
            if not any(_touch(hunk, other) for other in theirs)
            or merge_text(self._old, now, self._with([hunk])).clean
        ]
        if not free:
            return now
        merged = merge_text(self._old, now, self._with(free))
        if not merged.clean:
            # Each applies alone and not all at once: as many as go together, in order.
            together: list[Hunk] = []
            for hunk in free:
                tried = merge_text(self._old, now, self._with([*together, hunk]))
                if tried.clean:
                    together.append(hunk)
                    merged = tried
            free = together
        self._how.update((hunk, (How.EXACT, "")) for hunk in free)
        return merged.data

    def _by_symbol(self, now: bytes, rest: Sequence[Hunk]) -> bytes:
        """Apply what is left to the same functions and classes: all at once, else one by one."""
        merged = merge_symbols(self._path, self._old.decode(), now.decode(), self._with(rest).decode())
        if merged is None:
            self._how.update((hunk, (How.PERSON, _CONFLICT)) for hunk in rest)
            return now
        if merged.text is not None and not (merged.failed or merged.gone):
            self._how.update((hunk, (How.SYMBOL, "")) for hunk in rest)
            return merged.text.encode()
        for hunk in rest:
            merged = merge_symbols(self._path, self._old.decode(), now.decode(), self._with([hunk]).decode())
            if merged is None or merged.failed or (merged.text is None and not merged.gone):
                self._how[hunk] = (How.PERSON, _CONFLICT)
            elif merged.gone:
                self._how[hunk] = (How.GONE, "the rebuilt code has no " + ", ".join(merged.gone))
            elif merged.text is not None:
                self._how[hunk] = (How.SYMBOL, "")
                now = merged.text.encode()
        return now


def _touch(one: Hunk, two: Hunk) -> bool:
    """Return whether two changes of one text meet, or have no line between them, as git sees conflicts."""
    return one.old_start <= two.old_start + two.old_lines and two.old_start <= one.old_start + one.old_lines
