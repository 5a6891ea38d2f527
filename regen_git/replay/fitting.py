"""Whether what a reply gives fits the tree it is put onto: places, languages, and files that still parse."""

from __future__ import annotations

import ast
import os
import warnings
from typing import TYPE_CHECKING

from regen_git.config.ownership import is_text
from regen_git.git.trees import EXECUTABLE, REGULAR, TREE, Leaf, find_entry, lookup, walk
from regen_git.replay.reply.languages import language_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.replay.reply import ParsedReply

__all__ = ["broken", "misplaced", "syntax_problem"]

_PYTHON = (".py", ".pyi")
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_SYMLINK, _SUBMODULE = 0o120000, 0o160000


def misplaced(
    store: ObjectStore, original: Oid, current: Oid, parsed: ParsedReply, *, any_language: bool = False
) -> dict[RepoPath, str]:
    """Return the files of a reply that cannot stand where it puts them, and why.

    Nothing is written through a symbolic link or into a submodule, no file takes a folder's place or the
    other way round unless the reply deletes what is there, and no language comes in that the project lacks,
    unless ``any_language`` may.
    """
    gone = {deletion.path for deletion in parsed.deletions}
    found: dict[RepoPath, str] = {}
    for file in parsed.files:
        path = file.path
        reason = _in_the_way(store, current, path, gone)
        is_new = lookup(store, original, path) is None and lookup(store, current, path) is None
        if reason is None and is_new and not any_language:
            reason = _foreign(store, (original, current), path)
        if reason is not None:
            found[path] = reason
    return found


def broken(store: ObjectStore, original: Oid, edits: Mapping[RepoPath, Leaf | None]) -> list[str]:
    """Return what is wrong with edited files whose originals are in order: Python that does not parse."""
    problems = []
    for path, leaf in edits.items():
        if leaf is None or not path.endswith(_PYTHON):
            continue
        before = lookup(store, original, path)
        if before is None or before.oid == leaf.oid or before.mode not in (REGULAR, EXECUTABLE):
            continue
        reason = syntax_problem(store.blob(leaf.oid))
        if reason is not None and syntax_problem(store.blob(before.oid)) is None:
            problems.append(f"{path} is not Python: {reason}")
    return problems


def _in_the_way(store: ObjectStore, tree: Oid, path: RepoPath, gone: Collection[RepoPath]) -> str | None:
    *folders, name = path.split("/")
    prefix = ""
    for folder in folders:
        entry = find_entry(store, tree, os.fsencode(folder))
        prefix += folder
        if entry is None:
            return None
        if entry.mode != TREE:
            if prefix in gone:
                return None
            return f"'{prefix}' is {_what(entry.mode)}, and nothing can be written below it"
        tree, prefix = entry.oid, prefix + "/"
    entry = find_entry(store, tree, os.fsencode(name))
    if entry is None or entry.mode != TREE:
        return None
    if all(below in gone for below, _ in walk(store, entry.oid, path + "/")):
        return None
    return "a folder with files stands at this path"


def _what(mode: int) -> str:
    return {_SYMLINK: "a symbolic link", _SUBMODULE: "a submodule"}.get(mode, "a file")


def _foreign(store: ObjectStore, trees: tuple[Oid, ...], path: RepoPath) -> str | None:
    """Return what speaks against a new file's language; ``None`` where the project has it, or for no code."""
    language = language_of(path)
    if language is None:
        return None
    seen: set[str | None] = set()
    for tree in trees:
        for other, _ in walk(store, tree):
            found = language_of(other)
            if found == language:
                return None
            seen.add(found)
    if not seen - {None}:
        return None
    known = ", ".join(sorted(name for name in seen if name))
    return f"it is written in {language}, and the project is written in {known}"


def syntax_problem(data: bytes) -> str | None:
    """Return why these bytes are no Python source; ``None`` if they are."""
    if not is_text(data):
        return "it is not text"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except _UNREADABLE as error:
        return str(error) or type(error).__name__
    return None
