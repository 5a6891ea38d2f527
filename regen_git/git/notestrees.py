"""Trees of notes, made by anybody: which objects have notes, and where two such trees differ.

Only folders named by two hexadecimal digits are entered and only whole ids count, so that a tree made by
others leads nowhere else; how much is read is limited, since a tree can hold itself many times over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from regen_git.errors import RegenError
from regen_git.git.trees import TREE, lookup, parse

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Leaf

__all__ = ["NotePlace", "Notes", "differing_notes", "find_note", "list_notes"]

_FAN = re.compile(rb"[0-9a-f]{2}")
_REST = re.compile(rb"[0-9a-f]+")
_FILE = 0o100000
_KIND = 0o170000
_MOST = 2_000_000
"""Entries of trees that one call reads."""


class NotePlace(NamedTuple):
    """Where a note stands in its tree, and its blob."""

    path: RepoPath
    blob: Oid


Notes: TypeAlias = "dict[Oid, list[NotePlace]]"
"""By annotated object, its note; in several pieces where writers with another fan-out have been there."""


class _Walk:
    def __init__(self, store: ObjectStore, id_size: int) -> None:
        self._store = store
        self._size = id_size
        self._left = _MOST

    def entries(self, tree: Oid | None) -> dict[bytes, Leaf]:
        if tree is None:
            return {}
        kind, data = self._store.read(tree)
        try:
            found = parse(data, len(tree) // 2) if kind == "tree" else None
        except ValueError:
            found = None
        if found is None:
            raise RegenError(f"tree '{tree}' of notes is malformed", hint="'git fsck' tells what is broken")
        self._left -= len(found) + 1
        if self._left < 0:
            raise RegenError(f"notes have more than {_MOST} entries", hint="such a ledger is not read")
        return found

    def folder(self, at: str, name: bytes, leaf: Leaf | None) -> Oid | None:
        deep = len(at.replace("/", "")) + 2
        is_fan = leaf is not None and leaf.mode == TREE and deep < self._size and _FAN.fullmatch(name)
        return leaf.oid if is_fan and leaf is not None else None

    def take(self, at: str, name: bytes, leaf: Leaf | None, found: Notes) -> None:
        if leaf is None or leaf.mode & _KIND != _FILE or not _REST.fullmatch(name):
            return
        path = at + name.decode("ascii")
        oid = path.replace("/", "")
        if len(oid) == self._size:
            found.setdefault(oid, []).append(NotePlace(path, leaf.oid))

    def collect(self, tree: Oid | None, at: str, found: Notes) -> None:
        for name, leaf in self.entries(tree).items():
            folder = self.folder(at, name, leaf)
            if folder is not None:
                self.collect(folder, f"{at}{name.decode('ascii')}/", found)
            else:
                self.take(at, name, leaf, found)

    def differ(self, old: Oid | None, new: Oid | None, at: str, olds: Notes, news: Notes) -> None:
        before, after = self.entries(old), self.entries(new)
        for name in before.keys() | after.keys():
            one, two = before.get(name), after.get(name)
            if one == two:
                continue
            left, right = self.folder(at, name, one), self.folder(at, name, two)
            if left or right:
                self.differ(left, right, f"{at}{name.decode('ascii')}/", olds, news)
            self.take(at, name, one, olds)
            self.take(at, name, two, news)


def list_notes(store: ObjectStore, tree: Oid | None) -> Notes:
    """Return every note of a tree. Raises ``RegenError`` for what is no tree, or is beyond all measure."""
    found: Notes = {}
    _Walk(store, len(tree or "")).collect(tree, "", found)
    return found


def differing_notes(store: ObjectStore, old: Oid | None, new: Oid | None) -> tuple[Notes, Notes]:
    """Return the notes in which two trees differ, as they are in the one and in the other.

    Folders that are equal are not read. ``None`` stands for the empty tree. Raises as ``list_notes`` does.
    """
    olds: Notes = {}
    news: Notes = {}
    if old != new:
        _Walk(store, len(old or new or "")).differ(old, new, "", olds, news)
    for oid in olds.keys() & news.keys():
        # The same note at another depth of folders.
        if {place.blob for place in olds[oid]} == {place.blob for place in news[oid]}:
            del olds[oid], news[oid]
    return olds, news


def find_note(store: ObjectStore, tree: Oid | None, oid: Oid) -> list[NotePlace]:
    """Return where the note of one object stands, without walking the tree; empty if it has none."""
    found: list[NotePlace] = []
    for cut in range(0, 8 if tree else 0, 2):
        path = "/".join([oid[at : at + 2] for at in range(0, cut, 2)] + [oid[cut:]])
        leaf = lookup(store, tree or "", path)
        if leaf is not None and leaf.mode & _KIND == _FILE:
            found.append(NotePlace(path, leaf.oid))
    return found
