"""Bring a person's change onto code that was written anew: nothing of it disappears silently.

The ladder: one side unchanged, then three-way as text, then by the function or class it belongs to, then
a model, then a person. This module knows the rungs that need neither of the last two, and names the rung on
which each change ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from regen_git.config.ownership import is_text
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf
from regen_git.replay.symbols import merge_symbols
from regen_git.replay.textmerge import hunks, merge_text

if TYPE_CHECKING:
    from regen_git.domain.ids import RepoPath
    from regen_git.git.objects import ObjectStore

__all__ = ["Carried", "How", "carry", "resolved"]

_FILES = (REGULAR, EXECUTABLE)


class How(Enum):
    """On which rung a person's change came to rest."""

    EXACT = "exact"
    SYMBOL = "by symbol"
    MODEL = "by model"
    GONE = "no longer applicable"
    PERSON = "needs a person"
    RESOLVED = "by a person"


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of a person's change to one path: ``hunks`` of it, and the leaf that stands there now.

    With ``GONE`` and ``PERSON`` the leaf is the regenerated one, untouched; ``why`` says what is in the way.
    """

    path: RepoPath
    leaf: Leaf | None
    how: How
    hunks: int
    why: str = ""


def carry(
    store: ObjectStore, path: RepoPath, *, base: Leaf | None, theirs: Leaf | None, ours: Leaf | None
) -> Carried:
    """Apply the change ``base`` → ``theirs``, a person's, to ``ours``, which was regenerated."""
    count = _count(store, base, theirs)
    if ours == base or theirs is None:
        return Carried(path, theirs, How.EXACT, count)
    if theirs in (ours, base):
        return Carried(path, ours, How.EXACT, count)
    if ours is None:
        return Carried(path, None, How.GONE, count, "the rebuilt code has no such file")
    mode = theirs.mode if base is None or theirs.mode != base.mode else ours.mode
    if base is not None and base.oid == theirs.oid:
        return Carried(path, Leaf(mode, ours.oid), How.EXACT, count)
    if any(leaf is not None and leaf.mode not in _FILES for leaf in (base, theirs, ours)):
        return Carried(path, ours, How.PERSON, count, "a link or submodule changed on both sides")
    return _carry_text(store, path, (base, theirs, ours), mode, count)


def resolved(
    store: ObjectStore, path: RepoPath, *, base: Leaf | None, theirs: Leaf | None, now: Leaf | None
) -> Carried:
    """Return what to say of a change that a person brought over by editing the rebuilt tree."""
    return Carried(path, now, How.RESOLVED, _count(store, base, theirs))


def _carry_text(
    store: ObjectStore,
    path: RepoPath,
    sides: tuple[Leaf | None, Leaf, Leaf],
    mode: int,
    count: int,
) -> Carried:
    base, theirs, ours = sides
    old = store.blob(base.oid) if base is not None else b""
    new, now = store.blob(theirs.oid), store.blob(ours.oid)
    if not (is_text(old) and is_text(new) and is_text(now)):
        return Carried(path, ours, How.PERSON, count, "data that is not text changed on both sides")
    merged = merge_text(old, now, new)
    if merged.clean:
        return Carried(path, Leaf(mode, store.write("blob", merged.data)), How.EXACT, count)
    by_symbol = merge_symbols(path, old.decode(), now.decode(), new.decode())
    if by_symbol is not None and not by_symbol.failed:
        if by_symbol.gone:
            why = "the rebuilt code has no " + ", ".join(by_symbol.gone)
            return Carried(path, ours, How.GONE, count, why)
        if by_symbol.text is not None:
            data = by_symbol.text.encode()
            return Carried(path, Leaf(mode, store.write("blob", data)), How.SYMBOL, count)
    why = f"{merged.conflicts} conflicting {'place' if merged.conflicts == 1 else 'places'}"
    return Carried(path, ours, How.PERSON, count, why)


def _count(store: ObjectStore, base: Leaf | None, theirs: Leaf | None) -> int:
    """Return the number of hunks in a change; one of a mode, a link or a binary file counts as one."""
    if base is None or theirs is None or base.oid == theirs.oid:
        return 1
    if base.mode not in _FILES or theirs.mode not in _FILES:
        return 1
    old, new = store.blob(base.oid), store.blob(theirs.oid)
    return max(1, len(hunks(old, new))) if is_text(old) and is_text(new) else 1
