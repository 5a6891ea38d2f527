"""The constants of a Python module: thresholds, addresses, patterns, tables, and the values of defaults."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from regen_git.replay.risk.literals import number, short
from regen_git.replay.risk.values import Known

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["constants_in", "defaults_of"]

_CAPITALS = re.compile(r"_{0,2}[A-Z][A-Z0-9_]*")
_LONGEST_WORDS = 300
_OPERATIONS = (ast.Mult, ast.Add, ast.Sub, ast.LShift, ast.Pow, ast.Div)
_LARGEST = 1 << 64
_DULL_NUMBERS = frozenset({-1, 0, 1})
_DULL_DEFAULTS = frozenset({-1, 0, 1, 2})
_TABLE = 3  # entries that make a table


def constants_in(module: ast.Module) -> Iterator[Known]:
    """Tell the constants of a module and of its classes: names in capitals, and numbers under any name."""
    bodies = [("", module.body)]
    bodies += [(f"{node.name}.", node.body) for node in module.body if isinstance(node, ast.ClassDef)]
    for prefix, body in bodies:
        for node in body:
            target, value = _assigned(node)
            if target is not None and value is not None and not target.startswith("__"):
                yield from _constant(prefix + target, target, value)


def defaults_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Known]:
    """Tell the numbers that parameters have when nobody says otherwise."""
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    values = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(plain, values, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    for argument, value in pairs:
        amount = _amount(value) if value is not None else None
        if amount is not None and amount not in _DULL_DEFAULTS:
            shown = f"{node.name}({argument.arg}={short(ast.unparse(value))})" if value is not None else ""
            yield number(argument.arg, amount, shown, argument.lineno)


def _assigned(node: ast.stmt) -> tuple[str | None, ast.expr | None]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    return None, None


def _constant(shown: str, name: str, value: ast.expr) -> Iterator[Known]:
    line = value.lineno
    amount = _amount(value)
    if amount is not None:
        if amount not in _DULL_NUMBERS:
            yield number(name, amount, f"{shown} = {short(ast.unparse(value))}", line)
        return
    if not _CAPITALS.fullmatch(name):
        return
    pattern = _pattern(value)
    if pattern is not None:
        yield Known("pattern", f"{shown} = {short(pattern)}", line, (name,))
    elif isinstance(value, ast.Constant) and isinstance(value.value, (str, bytes)) and value.value:
        text = value.value if isinstance(value.value, str) else value.value.decode("latin-1")
        if len(text) > _LONGEST_WORDS or "\n" in text:
            yield Known("text", f"{shown}, {text.count(chr(10)) + 1} lines", line, (name,))
        else:
            yield Known("constant", f"{shown} = {short(repr(value.value))}", line, (name, text))
    elif (entries := _entries(value)) >= _TABLE:
        yield Known("table of constants", f"{shown}, {entries} entries", line, (name,))


def _amount(node: ast.expr | None) -> float | None:
    """Return the number that this expression of numbers alone means."""
    if isinstance(node, ast.Constant):
        is_number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
        return node.value if is_number and abs(node.value) < _LARGEST else None  # type: ignore[return-value,arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _amount(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATIONS):
        left, right = _amount(node.left), _amount(node.right)
        return None if left is None or right is None else _computed(node.op, left, right)
    return None


def _computed(how: ast.operator, left: float, right: float) -> float | None:
    """Return the result of two numbers, where it stays small: a source may not make us count for long."""
    if isinstance(how, ast.Mult):
        found: float | None = left * right
    elif isinstance(how, (ast.Add, ast.Sub)):
        found = left + (right if isinstance(how, ast.Add) else -right)
    elif isinstance(how, ast.Div):
        found = left / right if right else None
    elif not 0 <= right <= 64 or not isinstance(right, int) or abs(left) > 1 << 16:  # noqa: PLR2004 - bits
        found = None
    elif isinstance(how, ast.LShift):
        found = left << right if isinstance(left, int) else None
    else:
        found = left**right
    return found if found is not None and abs(found) < _LARGEST else None


def _pattern(node: ast.expr) -> str | None:
    """Return the text of ``re.compile("…")``."""
    if isinstance(node, ast.Call) and node.args:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if name == "compile" and isinstance(first, ast.Constant) and isinstance(first.value, (str, bytes)):
            return first.value if isinstance(first.value, str) else first.value.decode("latin-1")
    return None


def _entries(node: ast.expr) -> int:
    """Return how many entries a literal table has; 0 for what is computed."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        return _entries(node.args[0])
    if isinstance(node, ast.Dict):
        return len(node.keys) if all(isinstance(value, ast.Constant) for value in node.values) else 0
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return len(node.elts) if all(isinstance(one, ast.Constant) for one in node.elts) else 0
    return 0
