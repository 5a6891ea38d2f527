r"""Trees as values: look up, walk, compare and edit them by raw bytes.

Everything here costs what changed times the depth, never the number of files. Source: gitformat-pack(5) and
the tree object's layout ``<mode> <name>\0<id>``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore

__all__ = [
    "EXECUTABLE",
    "REGULAR",
    "SUBMODULE",
    "SYMLINK",
    "Change",
    "Leaf",
    "diff",
    "edit",
    "lookup",
    "walk",
]

REGULAR = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
SUBMODULE = 0o160000
_TREE = 0o040000
_ENTRY = {size: re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % size, re.DOTALL) for size in (20, 32)}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file, a symbolic link or a submodule: its mode as git writes it, and its object id."""

    mode: int
    oid: Oid


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs between two trees; ``None`` where it does not exist."""

    path: RepoPath
    old: Leaf | None
    new: Leaf | None


_Entries: TypeAlias = "dict[bytes, Leaf]"


def parse(data: bytes, id_bytes: int = 20) -> dict[bytes, Leaf]:
    """Return a tree's entries by name, folders included, in git's order."""
    entries: dict[bytes, Leaf] = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        stop = end + 1 + id_bytes
        entries[data[space + 1 : end]] = Leaf(int(data[at:space], 8), data[end + 1 : stop].hex())
        at = stop
    return entries


def serialise(entries: Mapping[bytes, Leaf]) -> bytes:
    """Return the raw tree; folders sort as if their names ended in a slash."""
    ordered = sorted(entries.items(), key=lambda item: item[0] + b"/" if item[1].mode == _TREE else item[0])
    return b"".join(b"%o %s\0%s" % (leaf.mode, name, bytes.fromhex(leaf.oid)) for name, leaf in ordered)


def lookup(store: ObjectStore, tree: Oid, path: RepoPath) -> Leaf | None:
    """Return what stands at ``path``; ``None`` for nothing there and for a folder."""
    *folders, name = os.fsencode(path).split(b"/")
    for folder in folders:
        found = _entries(store, tree).get(folder)
        if found is None or found.mode != _TREE:
            return None
        tree = found.oid
    leaf = _entries(store, tree).get(name)
    return None if leaf is None or leaf.mode == _TREE else leaf


def walk(store: ObjectStore, tree: Oid, prefix: RepoPath = "") -> Iterator[tuple[RepoPath, Leaf]]:
    """Yield every path below, in git's order."""
    for name, leaf in _entries(store, tree).items():
        path = prefix + os.fsdecode(name)
        if leaf.mode == _TREE:
            yield from walk(store, leaf.oid, path + "/")
        else:
            yield path, leaf


def diff(store: ObjectStore, old: Oid | None, new: Oid | None) -> list[Change]:
    """Return what differs, ordered by path. ``None`` stands for the empty tree. Finds no renames."""
    changes = list(_diff(store, old, new, ""))
    changes.sort(key=lambda change: os.fsencode(change.path))
    return changes


def _diff(store: ObjectStore, old: Oid | None, new: Oid | None, prefix: str) -> Iterator[Change]:
    if old == new:
        return
    # Raw entries compare as a set, so that only what differs is taken apart: folders can be wide.
    entry = _ENTRY[len(old or new or "") // 2]
    one = set(entry.findall(store.tree(old))) if old else set()
    two = set(entry.findall(store.tree(new))) if new else set()
    before = {name: Leaf(int(mode, 8), oid.hex()) for mode, name, oid in one - two}
    after = {name: Leaf(int(mode, 8), oid.hex()) for mode, name, oid in two - one}
    for name in before.keys() | after.keys():
        a, b = before.get(name), after.get(name)
        path = prefix + os.fsdecode(name)
        a_tree = a.oid if a is not None and a.mode == _TREE else None
        b_tree = b.oid if b is not None and b.mode == _TREE else None
        if a_tree or b_tree:
            yield from _diff(store, a_tree, b_tree, path + "/")
        a_leaf = a if a_tree is None else None
        b_leaf = b if b_tree is None else None
        if a_leaf != b_leaf:
            yield Change(path, a_leaf, b_leaf)


def edit(store: ObjectStore, tree: Oid | None, edits: Mapping[RepoPath, Leaf | None]) -> Oid:
    """Return ``tree`` with these paths set, or taken out where ``None``.

    A folder that becomes empty goes. A file where a folder must be makes way, and the other way round.
    """
    split = {tuple(os.fsencode(path).split(b"/")): leaf for path, leaf in edits.items()}
    made = _edit(store, tree, split)
    return made if made is not None else store.write("tree", b"")


def _edit(store: ObjectStore, tree: Oid | None, edits: Mapping[tuple[bytes, ...], Leaf | None]) -> Oid | None:
    entries = dict(_entries(store, tree)) if tree else {}
    below: dict[bytes, dict[tuple[bytes, ...], Leaf | None]] = {}
    here: dict[bytes, Leaf | None] = {}
    for parts, leaf in edits.items():
        if len(parts) == 1:
            here[parts[0]] = leaf
        else:
            below.setdefault(parts[0], {})[parts[1:]] = leaf
    for name, inner in below.items():
        found = entries.get(name)
        folder = found.oid if found is not None and found.mode == _TREE else None
        if folder is None and all(leaf is None for leaf in inner.values()):
            continue
        made = _edit(store, folder, inner)
        if made is None:
            entries.pop(name, None)
        else:
            entries[name] = Leaf(_TREE, made)
    for name, leaf in here.items():
        if leaf is not None:
            entries[name] = leaf
        elif name in entries and entries[name].mode != _TREE:
            # A folder stays: a path that turns from a file into one arrives as a removal and some additions.
            del entries[name]
    return store.write("tree", serialise(entries)) if entries else None


def _entries(store: ObjectStore, tree: Oid) -> _Entries:
    return parse(store.tree(tree), len(tree) // 2)
