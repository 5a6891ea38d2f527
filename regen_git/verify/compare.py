"""Two trees side by side, as values: tests, public names, size, complexity and dependencies."""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from regen_git.domain.verdict import Outcome, Verification
from regen_git.git import trees

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Leaf
    from regen_git.verify.gates import PublicSurface

__all__ = ["Comparison", "Difference", "Size", "compare_trees"]

_BRANCHES = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.IfExp,
    ast.ExceptHandler,
    ast.comprehension,
    ast.match_case,
    ast.BoolOp,
)
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_TOML_TOKEN = re.compile(r"""\"[^\"\n]*\"|'[^'\n]*'|#[^\n]*|\]""")
_NODE_TABLES = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: files, lines and bytes of text, and bytes of everything.

    ``complexity`` counts branches in Python files; ``unread`` are files that are no UTF-8 text, which have no
    lines, and Python files that do not parse, which have no branches.
    """

    files: int = 0
    lines: int = 0
    bytes: int = 0
    complexity: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """Names on both sides: ``gained`` are new, ``lost`` are gone, ``same`` counts the rest."""

    gained: tuple[str, ...]
    lost: tuple[str, ...]
    same: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The old tree and the new one. ``tests`` compares what passes; ``None`` where a side ran no tests."""

    old_tree: Oid
    new_tree: Oid
    files: Difference
    surface: Difference
    dependencies: Difference
    old_size: Size
    new_size: Size
    tests: Difference | None = None

    def to_json(self) -> dict[str, Any]:
        """Return this as JSON, every field by its name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Facts:
    size: Size
    surface: frozenset[str]
    dependencies: frozenset[str]
    files: frozenset[str]


def compare_trees(
    store: ObjectStore,
    old: Oid,
    new: Oid,
    *,
    public_surface: PublicSurface,
    verified: tuple[Verification, Verification] | None = None,
) -> Comparison:
    """Compare two trees; ``verified`` are the verifications of the old and the new one."""
    known: dict[tuple[RepoPath, Leaf], _Facts] = {}
    before = _facts(store, old, public_surface, known)
    after = _facts(store, new, public_surface, known)
    return Comparison(
        old_tree=old,
        new_tree=new,
        files=_difference(before.files, after.files),
        surface=_difference(before.surface, after.surface),
        dependencies=_difference(before.dependencies, after.dependencies),
        old_size=before.size,
        new_size=after.size,
        tests=_tests(*verified) if verified is not None else None,
    )


def _difference(old: frozenset[str], new: frozenset[str]) -> Difference:
    return Difference(tuple(sorted(new - old)), tuple(sorted(old - new)), len(old & new))


def _tests(old: Verification, new: Verification) -> Difference | None:
    before, after = _passing(old), _passing(new)
    return None if before is None or after is None else _difference(before, after)


def _passing(verification: Verification) -> frozenset[str] | None:
    checks = [check for check in verification.checks if check.tests]
    if not checks:
        return None
    return frozenset(
        f"{check.name}: {name}"
        for check in checks
        for name, outcome in check.tests.items()
        if outcome is Outcome.PASSED
    )


def _facts(
    store: ObjectStore,
    tree: Oid,
    public_surface: PublicSurface,
    known: dict[tuple[RepoPath, Leaf], _Facts],
) -> _Facts:
    """Gather over a tree; a file that both trees have is read once."""
    parts = []
    for path, leaf in trees.walk(store, tree):
        if leaf.mode == trees.SUBMODULE:
            continue
        key = (path, leaf)
        if key not in known:
            known[key] = _file_facts(path, store.blob(leaf.oid), public_surface)
        parts.append(known[key])
    return _Facts(
        size=_sum(part.size for part in parts),
        surface=frozenset().union(*(part.surface for part in parts)),
        dependencies=frozenset().union(*(part.dependencies for part in parts)),
        files=frozenset().union(*(part.files for part in parts)),
    )


def _sum(sizes: Iterable[Size]) -> Size:
    listed = list(sizes)
    return Size(
        files=sum(size.files for size in listed),
        lines=sum(size.lines for size in listed),
        bytes=sum(size.bytes for size in listed),
        complexity=sum(size.complexity for size in listed),
        unread=sum(size.unread for size in listed),
    )


def _file_facts(path: RepoPath, data: bytes, public_surface: PublicSurface) -> _Facts:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _Facts(Size(files=1, bytes=len(data), unread=1), frozenset(), frozenset(), frozenset({path}))
    branches = count_branches(text) if path.endswith((".py", ".pyi")) else 0
    size = Size(
        files=1,
        lines=text.count("\n") + (not text.endswith("\n") and text != ""),
        bytes=len(data),
        complexity=branches or 0,
        unread=int(branches is None),
    )
    names = public_surface(path, text) or frozenset()
    surface = frozenset(f"{path}: {name}" for name in names)
    return _Facts(size, surface, declared_dependencies(path, text), frozenset({path}))


def count_branches(text: str) -> int | None:
    """Return the number of decisions in Python source, one more a function; ``None`` if it does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a strange escape in somebody's string is not ours to report
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    total = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, (*_BRANCHES, ast.FunctionDef, ast.AsyncFunctionDef)):
            total += 1
    return total


def declared_dependencies(path: RepoPath, text: str) -> frozenset[str]:
    """Return the names that a manifest declares, as ``python:name`` or ``node:name``; else nothing."""
    name = path.rpartition("/")[2]
    if name == "package.json":
        return _node_dependencies(text)
    if name == "pyproject.toml":
        return _pyproject_dependencies(text)
    if re.fullmatch(r"requirements[\w.-]*\.(?:txt|in)", name):
        return _python_names(line for line in text.splitlines() if not line.lstrip().startswith(("#", "-")))
    return frozenset()


def _python_names(requirements: Iterable[str]) -> frozenset[str]:
    found = (_REQUIREMENT.match(line) for line in requirements)
    return frozenset("python:" + re.sub(r"[-_.]+", "-", match[1]).lower() for match in found if match)


def _node_dependencies(text: str) -> frozenset[str]:
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        return frozenset()
    tables = [manifest.get(key) for key in _NODE_TABLES] if isinstance(manifest, dict) else []
    return frozenset(f"node:{name}" for table in tables if isinstance(table, dict) for name in table)


def _pyproject_dependencies(text: str) -> frozenset[str]:
    """Read the standard table, its extras and Poetry's. Found by hand: Python 3.10 has no TOML reader."""
    found: set[str] = set()
    for header, key in (("project", "dependencies"), (r"project\.optional-dependencies", r"[\w.-]+")):
        table = re.search(
            rf"^\[{header}\]\s*$(.*?)(?=^\[[\w.\"'-]+\]\s*$|\Z)", text, re.MULTILINE | re.DOTALL
        )
        for start in re.finditer(rf"^{key}\s*=\s*\[", table[1], re.MULTILINE) if table else ():
            found |= _python_names(_toml_strings(start.string, start.end()))
    return frozenset(found) | _poetry_names(text)


def _toml_strings(text: str, at: int) -> list[str]:
    """Return the strings of the list whose bracket opened just before ``at``."""
    strings = []
    for match in _TOML_TOKEN.finditer(text, at):
        token = match[0]
        if token == "]":  # noqa: S105 - a bracket
            break
        if token[0] != "#":
            strings.append(token[1:-1])
    return strings


def _poetry_names(text: str) -> frozenset[str]:
    tables = re.findall(
        r"^\[tool\.poetry\.(?:group\.[\w-]+\.)?(?:dev-)?dependencies\]\s*$(.*?)(?=^\[|\Z)",
        text,
        re.MULTILINE | re.DOTALL,
    )
    names = (match for table in tables for match in re.findall(r"^([\w.-]+)\s*=", table, re.MULTILINE))
    return _python_names(name for name in names if name != "python")
