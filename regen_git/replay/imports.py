"""Which files of the repository a source file imports: what a model must know to call them rightly.

Reads text only. Python by its syntax tree; JavaScript and TypeScript by their import lines; others: none.
"""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from regen_git.domain.ids import RepoPath

__all__ = ["imported_paths", "is_about", "named_as"]

_SCRIPTS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_SCRIPT_IMPORT = re.compile(
    r"""^\s*(?:import|export)\b[^;'"]{0,2000}?['"](\.{1,2}/[^'"]{1,300})['"]"""
    r"""|require\(\s*['"](\.{1,2}/[^'"]{1,300})['"]""",
    re.MULTILINE,
)


def imported_paths(path: RepoPath, text: str, exists: Callable[[RepoPath], bool]) -> list[RepoPath]:
    """Return the files that this one imports, in order of appearance, without itself; empty if unreadable."""
    if path.endswith(".py"):
        candidates = _python(path, text)
    elif path.endswith(_SCRIPTS):
        candidates = _script(path, text)
    else:
        return []
    found = (next((name for name in names if exists(name)), None) for names in candidates)
    return list(dict.fromkeys(name for name in found if name is not None and name != path))


def _python(path: RepoPath, text: str) -> Iterator[list[RepoPath]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the file's own literals deserve is not ours to say
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    package = path.split("/")[:-1]
    roots = [package[:depth] for depth in range(len(package), -1, -1)] + [["src"]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _module(roots, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            parts = node.module.split(".") if node.module else []
            here = [package[: len(package) - node.level + 1]] if node.level else roots
            for alias in node.names:
                yield _module(here, [*parts, alias.name])
            if parts:
                yield _module(here, parts)


def _module(roots: list[list[str]], parts: list[str]) -> list[RepoPath]:
    names: list[RepoPath] = []
    for root in roots:
        stem = "/".join([*root, *parts])
        names += [stem + ".py", stem + "/__init__.py"]
    return names


def _script(path: RepoPath, text: str) -> Iterator[list[RepoPath]]:
    folder = posixpath.dirname(path)
    for match in _SCRIPT_IMPORT.finditer(text):
        target = posixpath.normpath(posixpath.join(folder, match[1] or match[2]))
        stem = posixpath.splitext(target)[0] if target.endswith(_SCRIPTS) else target
        yield [target, *(stem + end for end in _SCRIPTS), *(f"{target}/index{end}" for end in _SCRIPTS)]


def is_about(text: str, path: RepoPath) -> bool:
    """Return whether a test's text names the module that this path holds."""
    name = re.escape(named_as(path))
    return re.search(rf"(?<![A-Za-z0-9_-]){name}(?![A-Za-z0-9_-])", text) is not None


def named_as(path: RepoPath) -> str:
    """Return the name under which others speak of the module that a path holds."""
    stem = posixpath.splitext(posixpath.basename(path))[0]
    if stem in ("__init__", "index", "main", "mod"):
        stem = posixpath.basename(posixpath.dirname(path)) or stem
    return stem
