"""The names a file offers to others, and how it looks without its bodies.

Nothing is imported, run or read from disk: the text alone decides. Python is read by griffe and ``ast``;
TypeScript and JavaScript by their export statements.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from regen_git.verify.surface_script import script_exports, script_interface

if TYPE_CHECKING:
    import griffe

    from regen_git.domain.ids import RepoPath

_KIND = re.compile(r"^(?:function|const|let|var|class|interface|type|enum|namespace|abstract class) ")

__all__ = ["bare_name", "interface", "public_surface", "surface_changes"]

_PYTHON = (".py", ".pyi")
_SCRIPT = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_DEEP = 200  # nested scopes; deeper sources are not read
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@lru_cache(maxsize=512)
def public_surface(path: RepoPath, text: str) -> frozenset[str] | None:
    """Return the public names of a file; ``None`` for other languages and for what does not parse.

    Python: ``module.Class.method(self, name, *, retries=…)``, ``module.CONSTANT``; a name is public unless it
    begins with an underscore, and ``__all__`` decides where there is one. The values of defaults are left
    out. TypeScript and JavaScript: ``function fetch``, ``type Options``, ``default``.
    """
    if path.endswith(_PYTHON):
        return _python_surface(path, text)
    if path.endswith(_SCRIPT):
        return script_exports(text)
    return None


def bare_name(name: str) -> str:
    """Return a public name without its kind and its signature: ``pkg.a.A.m(self)`` gives ``pkg.a.A.m``."""
    return re.split(r"[\s(:=]", _KIND.sub("", name), maxsplit=1)[0]


def surface_changes(old: frozenset[str], new: frozenset[str]) -> list[str]:
    """Return what was removed or changed, sorted; ``old → new`` where a name has another signature now."""
    now = {name.split("(", 1)[0]: name for name in sorted(new)}
    changes = []
    for name in sorted(old - new):
        other = now.get(name.split("(", 1)[0])
        changes.append(f"{name} → {other}" if other is not None else name)
    return changes


def interface(path: RepoPath, text: str) -> str:
    """Return imports, heads and signatures without bodies; empty for other languages and broken files."""
    if path.endswith(_PYTHON):
        try:
            return _python_interface(ast.parse(text))
        except _UNREADABLE:
            return ""
    return script_interface(text) if path.endswith(_SCRIPT) else ""


def _module_name(path: RepoPath) -> str:
    pure = PurePosixPath(path)
    parts = list(pure.with_suffix("").parts)
    if len(parts) > 1 and parts[0] in {"src", "lib"}:
        parts = parts[1:]
    if len(parts) > 1 and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts)


def _python_surface(path: RepoPath, text: str) -> frozenset[str] | None:
    from pathlib import Path

    import griffe

    name = _module_name(path)
    try:
        tree = ast.parse(text)  # griffe parses too, but its errors are many; this one says enough
        module = griffe.visit(name.rsplit(".", 1)[-1], filepath=Path(PurePosixPath(path).name), code=text)
        names: set[str] = set()
        exported = _exports(tree)
        handed_on = _handed_on(tree) if PurePosixPath(path).name.startswith("__init__.") else set()
        for member, item in module.members.items():
            if exported is not None and member not in exported:
                continue
            if exported is None and (not _is_public(member) or (item.is_alias and member not in handed_on)):
                continue
            _add(item, f"{name}.{member}", names, 0)
        if exported is not None:
            names.update(f"{name}.{member}" for member in exported - module.members.keys())
    except (*_UNREADABLE, griffe.GriffeError):
        return None
    return frozenset(names)


def _handed_on(module: ast.Module) -> set[str]:
    """Return what a package takes from its own modules: callers import it from the package."""
    return {
        alias.asname or alias.name
        for node in module.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }


def _exports(module: ast.Module) -> set[str] | None:
    """Return the names in ``__all__`` as far as they are written out; ``None`` without ``__all__``."""
    found: set[str] | None = None
    for node in module.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = getattr(node, "value", None)
            words = ast.walk(value) if isinstance(value, ast.AST) else ()
            texts = {
                word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)
            }
            found = (found or set()) | texts
    return found


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (
        name.startswith("__") and name.endswith("__") and name not in _UNCOUNTED
    )


_UNCOUNTED = frozenset(
    {"__all__", "__doc__", "__slots__", "__annotations__", "__test__", "__path__", "__file__"}
)


def _add(item: griffe.Object | griffe.Alias, name: str, names: set[str], depth: int) -> None:
    import griffe

    if item.is_alias:
        names.add(name)
        return
    if isinstance(item, griffe.Function):
        names.add(f"{name}({_parameters(item)})")
        return
    names.add(name)
    if item.is_class and depth < _DEEP:
        for member, inner in item.members.items():
            if _is_public(member) and not inner.is_alias:
                _add(inner, f"{name}.{member}", names, depth + 1)


def _parameters(item: griffe.Function) -> str:
    """Return parameters as a caller sees them: names, kinds and whether there is a default."""
    shown: list[str] = []
    kinds = [parameter.kind.name if parameter.kind else "" for parameter in item.parameters]
    for at, parameter in enumerate(item.parameters):
        kind = kinds[at]
        if kind == "keyword_only" and not {"keyword_only", "var_positional"} & set(kinds[:at]):
            shown.append("*")
        stars = {"var_positional": "*", "var_keyword": "**"}.get(kind, "")
        default = "=…" if parameter.default is not None and not stars else ""
        shown.append(stars + parameter.name + default)
        if kind == "positional_only" and (at + 1 == len(kinds) or kinds[at + 1] != "positional_only"):
            shown.append("/")
    return ", ".join(shown)


def _python_interface(module: ast.Module) -> str:
    lines: list[str] = []
    _show_doc(module, "", lines)
    _show_body(module.body, "", lines)
    return "".join(f"{line}\n" for line in lines)


def _show_doc(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, indent: str, lines: list[str]
) -> None:
    doc = (ast.get_docstring(node) or "").strip()
    if doc:
        first = doc.split("\n", 1)[0].replace('"""', "'''").replace("\\", "\\\\")
        lines.append(f'{indent}"""{first}{" " * first.endswith(chr(34))}"""')


def _show_body(body: list[ast.stmt], indent: str, lines: list[str]) -> None:
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            lines.append(indent + ast.unparse(node))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _show_function(node, indent, lines)
        elif isinstance(node, ast.ClassDef):
            _show_class(node, indent, lines)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            lines.append(indent + _assignment(node))
        elif isinstance(node, ast.If) and not node.orelse:
            start = len(lines)
            lines.append(f"{indent}if {ast.unparse(node.test)}:")
            _show_body(node.body, indent + "    ", lines)
            if len(lines) == start + 1:
                lines.pop()
        elif isinstance(node, ast.If):
            _show_body([*node.body, *node.orelse], indent, lines)
        elif isinstance(node, ast.Try):
            _show_body(node.body, indent, lines)


def _assignment(node: ast.Assign | ast.AnnAssign) -> str:
    whole = ast.unparse(node)
    if len(whole) <= 100 and "\n" not in whole:  # noqa: PLR2004 - a line
        return whole
    if isinstance(node, ast.AnnAssign):
        return f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)} = ..."
    return " = ".join([*(ast.unparse(target) for target in node.targets), "..."])


def _show_function(node: ast.FunctionDef | ast.AsyncFunctionDef, indent: str, lines: list[str]) -> None:
    lines.extend(f"{indent}@{ast.unparse(decorator)}" for decorator in node.decorator_list)
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    head = f"{indent}{word} {node.name}({ast.unparse(node.args)}){returns}:"
    inside: list[str] = []
    _show_doc(node, indent + "    ", inside)
    if inside:
        lines.extend([head, *inside])
    else:
        lines.append(f"{head} ...")


def _show_class(node: ast.ClassDef, indent: str, lines: list[str]) -> None:
    lines.extend(f"{indent}@{ast.unparse(decorator)}" for decorator in node.decorator_list)
    bases = ", ".join(
        [ast.unparse(base) for base in node.bases] + [ast.unparse(word) for word in node.keywords]
    )
    lines.append(f"{indent}class {node.name}{f'({bases})' if bases else ''}:")
    start = len(lines)
    _show_doc(node, indent + "    ", lines)
    _show_body(node.body, indent + "    ", lines)
    if len(lines) == start:
        lines[-1] += " ..."
