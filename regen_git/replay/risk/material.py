"""Sort the files of the tip: what would be regenerated, and what stays and may mention things.

Reads one tree, each file once, within limits that are told when they are met.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from regen_git.config import LONGEST_TEXT, Kind
from regen_git.config.ownership import DEFAULT_TESTS, is_text
from regen_git.git.trees import EXECUTABLE, REGULAR, walk
from regen_git.replay.compose import text_of
from regen_git.replay.risk.other_names import CODE_ENDINGS
from regen_git.replay.risk.values import SourceFile

if TYPE_CHECKING:
    from collections.abc import Collection

    from pathspec import GitIgnoreSpec

    from regen_git.config import Ownership
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore

__all__ = ["Material", "is_code", "is_python", "is_script", "read_material"]

_PYTHON = (".py", ".pyi")
_SCRIPTS = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_GENERATED_BYTES = 4 << 20
_KEPT_BYTES = 6 << 20
_LONGEST_KEPT = 512 << 10  # bytes: a longer file is data, and mentions anything
_NOT_READ = (".lock", ".svg", ".csv", ".min.js", ".map", ".snap", ".ipynb")


@dataclass
class Material:
    """``generated`` are the code files that exist and would be regenerated, ``tests`` the frozen tests.

    ``loose_tests`` look like tests and would be regenerated, since nobody froze them: they keep nothing.
    ``kept`` are the other texts that stay; ``paths`` names every file of the tree.
    """

    tree: Oid
    generated: list[SourceFile] = field(default_factory=list)
    tests: list[SourceFile] = field(default_factory=list)
    loose_tests: list[SourceFile] = field(default_factory=list)
    kept: list[SourceFile] = field(default_factory=list)
    paths: list[RepoPath] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)


@lru_cache(maxsize=1)
def _test_patterns() -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(DEFAULT_TESTS)


def is_python(path: RepoPath) -> bool:
    """Whether a path names Python source."""
    return path.endswith(_PYTHON)


def is_script(path: RepoPath) -> bool:
    """Whether a path names TypeScript or JavaScript."""
    return path.endswith(_SCRIPTS) and not path.endswith((".min.js", ".d.ts"))


def is_code(path: RepoPath, text: str) -> bool:
    """Whether a file is source of a kind that is looked into."""
    return is_python(path) or is_script(path) or path.endswith(CODE_ENDINGS) or text.startswith("#!")


def read_material(
    store: ObjectStore, tree: Oid, ownership: Ownership, generated: Collection[RepoPath]
) -> Material:
    """Read the tree. ``generated`` are the paths that would be regenerated, as far as they exist."""
    found = Material(tree)
    budget = {True: _GENERATED_BYTES, False: _KEPT_BYTES}
    left_out = {True: 0, False: 0}
    for path, leaf in walk(store, tree):
        found.paths.append(path)
        if leaf.mode not in (REGULAR, EXECUTABLE):
            continue
        is_asked = path in generated
        if not is_asked and (path.endswith(_NOT_READ) or path.startswith(".regen/")):
            continue
        if budget[is_asked] <= 0:
            left_out[is_asked] += 1
            continue
        data = store.short_blob(leaf.oid, LONGEST_TEXT if is_asked else _LONGEST_KEPT)
        if data is None or not is_text(data):
            continue
        budget[is_asked] -= len(data)
        _sort(found, SourceFile(path, leaf.oid, text_of(data)), leaf.mode, ownership, is_asked=is_asked)
    limits = (
        (True, "files that would be regenerated were not read", _GENERATED_BYTES),
        (False, "other files were not searched for mentions", _KEPT_BYTES),
    )
    for is_asked, what, most in limits:
        if left_out[is_asked]:
            found.limits.append(f"{left_out[is_asked]:,} {what}: more than {most >> 20} MiB")
    return found


def _sort(found: Material, file: SourceFile, mode: int, ownership: Ownership, *, is_asked: bool) -> None:
    kind = ownership.classify(file.path, mode)
    if kind in (Kind.TEST, Kind.HOLDOUT):
        found.tests.append(file)
    elif is_asked and kind is Kind.MODEL:
        if _test_patterns().match_file(file.path):
            found.loose_tests.append(file)
        elif is_code(file.path, file.text):
            found.generated.append(file)
    else:
        found.kept.append(file)
