"""Rebuild a merge: the rebuilt parents, path by path, decided as the people decided who made the original.

What the original took from one parent comes from that parent rebuilt; what it merged cleanly is merged again;
what equals no parent was written by hand in the merge itself and is carried like any other person's change.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.config.ownership import is_text
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf, diff, edit, lookup
from regen_git.replay.people.carry import Carried, How, carry
from regen_git.replay.people.textmerge import merge_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore

__all__ = ["MergeInputs", "rebuild_merge"]

_FILES = (REGULAR, EXECUTABLE)


@dataclass(frozen=True, slots=True)
class MergeInputs:
    """The trees of one merge. ``base`` and ``rebuilt_base`` belong to the merge base, if there is one."""

    result: Oid
    parents: tuple[Oid, ...]
    rebuilt: tuple[Oid, ...]
    base: Oid | None
    rebuilt_base: Oid | None


def rebuild_merge(store: ObjectStore, trees: MergeInputs) -> tuple[Oid, list[Carried]]:
    """Return the rebuilt merge's tree, and what became of what people wrote in the merge itself."""
    if trees.rebuilt == trees.parents:
        return trees.result, []
    edits: dict[RepoPath, Leaf | None] = {}
    carried: list[Carried] = []
    for path in _paths(store, trees):
        leaf, note = _decide(store, trees, path)
        edits[path] = leaf
        if note is not None:
            carried.append(note)
    return edit(store, trees.rebuilt[0], edits), carried


def _paths(store: ObjectStore, trees: MergeInputs) -> list[RepoPath]:
    """Return every path on which any two of the trees differ, in order."""
    others = [*trees.parents, trees.result, *trees.rebuilt[1:]]
    found = {change.path for other in others for change in diff(store, trees.rebuilt[0], other)}
    return sorted(found, key=os.fsencode)


def _decide(store: ObjectStore, trees: MergeInputs, path: RepoPath) -> tuple[Leaf | None, Carried | None]:
    def at(tree: Oid | None) -> Leaf | None:
        return lookup(store, tree, path) if tree is not None else None

    result, base, rebuilt_base = at(trees.result), at(trees.base), at(trees.rebuilt_base)
    parents = [at(tree) for tree in trees.parents]
    rebuilt = [at(tree) for tree in trees.rebuilt]
    if rebuilt == parents:
        return result, None
    taken = [i for i, parent in enumerate(parents) if parent == result]
    if taken:
        dropped = any(parent not in (result, base) for parent in parents)
        merged = None if dropped else _merge_all(store, rebuilt_base, rebuilt)
        return (rebuilt[taken[0]] if merged is None else merged[0]), None
    automatic = _merge_all(store, base, parents)
    again = _merge_all(store, rebuilt_base, rebuilt)
    if automatic is not None and again is not None and automatic[0] == result:
        return again[0], None
    start = automatic[0] if automatic is not None else parents[0]
    onto = again[0] if again is not None else rebuilt[0]
    note = carry(store, path, base=start, theirs=result, ours=onto)
    return note.leaf, note if note.how is not How.EXACT or note.hunks else None


def _merge_all(
    store: ObjectStore, base: Leaf | None, sides: Sequence[Leaf | None]
) -> tuple[Leaf | None] | None:
    """Merge all sides in order, as an octopus does. Returns a leaf in a tuple, or ``None`` for a conflict."""
    merged = sides[0]
    for side in sides[1:]:
        step = _merge_two(store, base, merged, side)
        if step is None:
            return None
        merged = step[0]
    return (merged,)


def _merge_two(
    store: ObjectStore, base: Leaf | None, ours: Leaf | None, theirs: Leaf | None
) -> tuple[Leaf | None] | None:
    if theirs in (ours, base):
        return (ours,)
    if ours == base:
        return (theirs,)
    if ours is None or theirs is None or ours.mode not in _FILES or theirs.mode not in _FILES:
        return None
    old = store.blob(base.oid) if base is not None and base.mode in _FILES else b""
    one, two = store.blob(ours.oid), store.blob(theirs.oid)
    if not (is_text(old) and is_text(one) and is_text(two)):
        return None
    merged = merge_text(old, one, two)
    if not merged.clean:
        return None
    mode = theirs.mode if base is not None and ours.mode == base.mode else ours.mode
    return (Leaf(mode, store.write("blob", merged.data)),)
