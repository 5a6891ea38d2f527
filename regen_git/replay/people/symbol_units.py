"""Cut Python source into named units: functions, classes, assignments, imports and other statements.

Every line belongs to one unit or to the scope's head or tail: joined, they are the source again.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "ImportAtom",
    "Scope",
    "Unit",
    "import_atoms",
    "import_statement",
    "parse_scope",
    "same_code",
    "sub_scope",
    "symbol_spans",
]

ImportAtom: TypeAlias = tuple[str, "str | None", "str | None"]
"""Module, name in it, and the name given here."""


@dataclass(slots=True)
class Unit:
    """One statement with the comments above it.

    ``blank`` are the empty lines before; ``lines`` the comments and the code, without line ends. ``key`` is
    its name within the scope. ``code`` is where the statement itself begins in ``lines``.
    """

    key: str
    blank: list[str]
    lines: list[str]
    code: int
    node: ast.stmt

    @property
    def text(self) -> str:
        """Return comments and code, each line ended."""
        return "".join(f"{line}\n" for line in self.lines)


@dataclass(slots=True)
class Scope:
    """A module, or the inside of a class or of an ``if``: ``head`` lines, units, and lines after the last."""

    head: list[str]
    units: list[Unit]
    tail: list[str]
    by_key: dict[str, Unit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_key = {unit.key: unit for unit in self.units}

    def lines(self) -> list[str]:
        """Return all lines again."""
        out = list(self.head)
        for unit in self.units:
            out += unit.blank
            out += unit.lines
        return out + self.tail


def parse_scope(text: str) -> Scope:
    """Cut a module into units. Raises ``SyntaxError`` or ``ValueError`` when it is not Python."""
    module = ast.parse(text)
    lines = text.split("\n")
    return _scope([], lines, 1, module.body)


def sub_scope(unit: Unit) -> Scope | None:
    """Return the inside of a class or of a plain ``if``; ``None`` for units that are taken as a whole."""
    node = unit.node
    if not isinstance(node, (ast.ClassDef, ast.If)) or (isinstance(node, ast.If) and node.orelse):
        return None
    offset = _first_line(node) - unit.code  # the source line of lines[0]
    start = _first_line(node.body[0]) - offset
    head_end = start
    while head_end > unit.code + 1 and _is_lead(unit.lines[head_end - 1]):
        head_end -= 1
    if start <= node.lineno - offset or not unit.lines[head_end - 1].split("#")[0].rstrip().endswith(":"):
        return None  # ``class A: pass`` on one line, or a head we cannot tell from its body
    return _scope(unit.lines[:head_end], unit.lines[head_end:], offset + head_end, node.body)


def _is_lead(line: str) -> bool:
    stripped = line.strip()
    return not stripped or stripped.startswith("#")


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def _scope(head: list[str], lines: list[str], offset: int, body: list[ast.stmt]) -> Scope:
    """Make the scope whose first body line is source line ``offset``."""
    units: list[Unit] = []
    seen: dict[str, int] = {}
    at = 0
    for node in body:
        first, last = _first_line(node) - offset, (node.end_lineno or node.lineno) - offset + 1
        if units and first < at:  # two statements on one line stay together
            units[-1].lines += lines[at:last]
            units[-1].key += "; " + _key(node)
            at = max(at, last)
            continue
        gap = lines[at:first]
        blank = next((i for i, line in enumerate(gap) if line.strip()), len(gap))
        key = _key(node)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            key = f"{key}#{seen[key]}"
        units.append(Unit(key, gap[:blank], gap[blank:] + lines[first:last], len(gap) - blank, node))
        at = last
    return Scope(head, units, lines[at:])


def _key(node: ast.stmt) -> str:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        kinds = [d.attr for d in node.decorator_list if isinstance(d, ast.Attribute)]
        accessor = next((kind for kind in kinds if kind in {"setter", "deleter", "getter"}), None)
        return f"{node.name}.{accessor}" if accessor else node.name
    if isinstance(node, ast.Assign):
        return ", ".join(ast.unparse(target) for target in node.targets)
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return ast.unparse(node.target)
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ):
        return "__doc__"
    return ast.unparse(node)


def same_code(a: Unit, b: Unit) -> bool:
    """Return whether two units are equal but for formatting and comments."""
    return a.text == b.text or (a.key == b.key and ast.dump(a.node) == ast.dump(b.node) and ";" not in a.key)


def import_atoms(node: ast.stmt) -> list[ImportAtom]:
    """Return what an import statement brings in, in order; empty for other statements.

    ``import a.b as c`` is ``("a.b", None, "c")``; ``from .a import b`` is ``(".a", "b", None)``.
    """
    if isinstance(node, ast.Import):
        return [(alias.name, None, alias.asname) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return [(module, alias.name, alias.asname) for alias in node.names]
    return []


def import_statement(atoms: list[ImportAtom]) -> str:
    """Return the statement for atoms of one module, on one line."""
    module, name, _ = atoms[0]
    if name is None:
        return "import " + ", ".join(f"{m} as {a}" if a else m for m, _, a in atoms)
    return f"from {module} import " + ", ".join(f"{n} as {a}" if a else str(n) for _, n, a in atoms)


def symbol_spans(text: str) -> dict[str, tuple[int, int]]:
    """Return each symbol's lines as a half-open range from 0, by qualified name, outer before inner.

    Raises ``SyntaxError`` or ``ValueError`` when the text is not Python.
    """
    spans: dict[str, tuple[int, int]] = {}
    _add_spans(parse_scope(text), 0, "", spans)
    return spans


def _add_spans(scope: Scope, start: int, prefix: str, spans: dict[str, tuple[int, int]]) -> None:
    at = start + len(scope.head)
    for unit in scope.units:
        at += len(unit.blank)
        spans[prefix + unit.key] = (at, at + len(unit.lines))
        inner = sub_scope(unit)
        if inner is not None:
            _add_spans(inner, at, f"{prefix}{unit.key}.", spans)
        at += len(unit.lines)
