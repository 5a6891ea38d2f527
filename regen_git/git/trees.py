r"""Trees as values: look up, walk, compare and edit them by raw bytes.

Everything here costs what changed times the depth, never the number of files. Source: gitformat-pack(5) and
the tree object's layout ``<mode> <name>\0<id>``.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from regen_git.errors import RegenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore

__all__ = [
    "EXECUTABLE",
    "REGULAR",
    "SUBMODULE",
    "SYMLINK",
    "TREE",
    "Change",
    "Leaf",
    "diff",
    "edit",
    "find_entry",
    "is_same",
    "lookup",
    "read_tree",
    "subtree",
    "walk",
]

REGULAR = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
SUBMODULE = 0o160000
TREE = 0o040000
_TREES, _REMEMBERED = 128, 50_000  # trees that were taken apart, and their entries: about 10 MiB
_ENTRY = {size: re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % size, re.DOTALL) for size in (20, 32)}


class Leaf(NamedTuple):
    """A file, a symbolic link or a submodule: its mode as git writes it today, and its object id."""

    mode: int
    oid: Oid


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs between two trees; ``None`` where it does not exist."""

    path: RepoPath
    old: Leaf | None
    new: Leaf | None


@lru_cache(maxsize=256)
def _canonical(mode: bytes) -> int:
    """Return a mode as git takes it: old tools wrote group bits, and zeros in front.

    Source: canon_mode() in git's object.h.
    """
    number = int(mode, 8)
    kind = stat.S_IFMT(number)
    if kind == stat.S_IFREG:
        return EXECUTABLE if number & 0o100 else REGULAR
    return {stat.S_IFLNK: SYMLINK, stat.S_IFDIR: TREE}.get(kind, SUBMODULE)


def parse(data: bytes, id_bytes: int = 20) -> dict[bytes, Leaf]:
    """Return a tree's entries by name, folders included, in git's order. Raises ``ValueError``."""
    found = _entries(data, id_bytes)
    return {name: Leaf(_canonical(mode), oid.hex()) for mode, name, oid in found}


def _entries(data: bytes, id_bytes: int) -> list[tuple[bytes, bytes, bytes]]:
    """Return (mode, name, id) of each entry as they stand; the pattern walks from entry to entry."""
    found = _ENTRY[id_bytes].findall(data)
    if sum(len(mode) + len(name) for mode, name, _ in found) + len(found) * (id_bytes + 2) != len(data):
        raise ValueError("not a tree")
    return found


def lookup(store: ObjectStore, tree: Oid, path: RepoPath) -> Leaf | None:
    """Return what stands at ``path``; ``None`` for nothing there and for a folder."""
    *folders, name = os.fsencode(path).split(b"/")
    for folder in folders:
        found = find_entry(store, tree, folder)
        if found is None or found.mode != TREE:
            return None
        tree = found.oid
    leaf = find_entry(store, tree, name)
    return None if leaf is None or leaf.mode == TREE else leaf


def subtree(store: ObjectStore, tree: Oid, path: RepoPath) -> Oid | None:
    """Return the tree of the folder at ``path``; ``None`` for nothing there and for a file."""
    for folder in os.fsencode(path).split(b"/"):
        found = find_entry(store, tree, folder)
        if found is None or found.mode != TREE:
            return None
        tree = found.oid
    return tree


def find_entry(store: ObjectStore, tree: Oid, wanted: bytes) -> Leaf | None:
    """Return one entry of a tree: most of what is asked for is not there, and a search tells that at once."""
    known = store.parsed.get(tree)
    if known is None:
        data = store.tree(tree)
        if b" %s\0" % wanted not in data:
            return None
        # Who asks for one path asks for its neighbours next.
        known = {name: (mode, oid) for mode, name, oid in _ENTRY[len(tree) // 2].findall(data)}
        if len(store.parsed) >= _TREES or sum(map(len, store.parsed.values())) > _REMEMBERED:
            store.parsed.clear()
        store.parsed[tree] = known
    found = known.get(wanted)
    return None if found is None else Leaf(_canonical(found[0]), found[1].hex())


def walk(store: ObjectStore, tree: Oid, prefix: RepoPath = "") -> Iterator[tuple[RepoPath, Leaf]]:
    """Yield every path below, in git's order."""
    # No recursion here and below: folders may be nested deeper than calls may.
    left = [(prefix, iter(read_tree(store, tree).items()))]
    while left:
        folder, entries = left[-1]
        for name, leaf in entries:
            path = folder + os.fsdecode(name)
            if leaf.mode == TREE:
                left.append((path + "/", iter(read_tree(store, leaf.oid).items())))
                break
            yield path, leaf
        else:
            left.pop()


def diff(store: ObjectStore, old: Oid | None, new: Oid | None) -> list[Change]:
    """Return what differs, ordered by path. ``None`` stands for the empty tree. Finds no renames."""
    changes = list(_diff(store, old, new))
    changes.sort(key=lambda change: os.fsencode(change.path))
    return changes


def is_same(store: ObjectStore, one: Oid, two: Oid) -> bool:
    """Return whether git sees no difference: only empty folders, or modes as old tools wrote them, differ."""
    return next(_diff(store, one, two), None) is None


def _diff(store: ObjectStore, old: Oid | None, new: Oid | None) -> Iterator[Change]:
    left = [("", old, new)]
    while left:
        prefix, one, two = left.pop()
        if one == two:
            continue
        before, after = _unlike(store, one, two)
        for name in before.keys() | after.keys():
            a, b = before.get(name), after.get(name)
            path = prefix + os.fsdecode(name)
            a_tree = a.oid if a is not None and a.mode == TREE else None
            b_tree = b.oid if b is not None and b.mode == TREE else None
            if a_tree or b_tree:
                left.append((path + "/", a_tree, b_tree))
            a_leaf = a if a_tree is None else None
            b_leaf = b if b_tree is None else None
            if a_leaf != b_leaf:
                yield Change(path, a_leaf, b_leaf)


def _unlike(
    store: ObjectStore, old: Oid | None, new: Oid | None
) -> tuple[dict[bytes, Leaf], dict[bytes, Leaf]]:
    """Return the entries of one folder that the other lacks, both ways."""
    # Raw entries compare as a set, so that only what differs is taken apart: folders can be wide.
    entry = _ENTRY[len(old or new or "") // 2]
    one = set(entry.findall(store.tree(old))) if old else set()
    two = set(entry.findall(store.tree(new))) if new else set()
    before = {name: Leaf(_canonical(mode), oid.hex()) for mode, name, oid in one - two}
    after = {name: Leaf(_canonical(mode), oid.hex()) for mode, name, oid in two - one}
    return before, after


def edit(store: ObjectStore, tree: Oid | None, edits: Mapping[RepoPath, Leaf | None]) -> Oid:
    """Return ``tree`` with these paths set, or taken out where ``None``.

    A folder that becomes empty goes. A file where a folder must be makes way, and the other way round. Raises
    ``RegenError`` for a path of many hundred folders.
    """
    split = {tuple(os.fsencode(path).split(b"/")): leaf for path, leaf in edits.items()}
    try:
        made = _edit(store, tree, split)
    except RecursionError as error:
        hint = "no file system could hold such a path; git itself gives up a little later"
        raise RegenError("folders are nested too deep to change a file in them", hint=hint) from error
    return made if made is not None else store.write("tree", b"")


def _edit(store: ObjectStore, tree: Oid | None, edits: Mapping[tuple[bytes, ...], Leaf | None]) -> Oid | None:
    # What stays keeps its very bytes: old tools wrote modes in more than one way.
    found = _entries(store.tree(tree), len(tree) // 2) if tree else []
    entries = {name: (mode, oid) for mode, name, oid in found}
    below: dict[bytes, dict[tuple[bytes, ...], Leaf | None]] = {}
    here: dict[bytes, Leaf | None] = {}
    for parts, leaf in edits.items():
        if len(parts) == 1:
            here[parts[0]] = leaf
        else:
            below.setdefault(parts[0], {})[parts[1:]] = leaf
    for name, inner in below.items():
        old = entries.get(name)
        folder = old[1].hex() if old is not None and _canonical(old[0]) == TREE else None
        if folder is None and all(leaf is None for leaf in inner.values()):
            continue
        made = _edit(store, folder, inner)
        if made is None:
            entries.pop(name, None)
        elif made != folder:
            entries[name] = (b"40000", bytes.fromhex(made))
    for name, leaf in here.items():
        _put(entries, name, leaf)
    return store.write("tree", _serialised(entries)) if entries else None


def _put(entries: dict[bytes, tuple[bytes, bytes]], name: bytes, leaf: Leaf | None) -> None:
    old = entries.get(name)
    if leaf is not None:
        if old is None or (_canonical(old[0]), old[1].hex()) != leaf:
            entries[name] = (b"%o" % leaf.mode, bytes.fromhex(leaf.oid))
    elif old is not None and _canonical(old[0]) != TREE:
        # A folder stays: a path that turns from a file into one arrives as a removal and some additions.
        del entries[name]


def _serialised(entries: Mapping[bytes, tuple[bytes, bytes]]) -> bytes:
    """Return the raw tree; folders sort as if their names ended in a slash."""
    ordered = sorted(
        (name + b"/" if _canonical(mode) == TREE else name, name) for name, (mode, _) in entries.items()
    )
    return b"".join(b"%s %s\0%s" % (entries[name][0], name, entries[name][1]) for _, name in ordered)


def read_tree(store: ObjectStore, tree: Oid) -> dict[bytes, Leaf]:
    """Return a tree's entries by name, folders included, in git's order."""
    return parse(store.tree(tree), len(tree) // 2)
