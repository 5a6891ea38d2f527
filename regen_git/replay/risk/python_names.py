"""What a Python module holds that others may rely on, read off its syntax tree. Nothing is run."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.replay.risk.literals import environment, flag, in_string, route, short
from regen_git.replay.risk.python_constants import constants_in, defaults_of
from regen_git.replay.risk.values import Known

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["in_python", "parse_quietly"]

_CONFIG = re.compile(r"(?:^|_)(?:config|conf|cfg|settings?|options?|opts|prefs|preferences)$", re.IGNORECASE)
_OPTION_CALLS = frozenset({"add_argument", "option", "Option", "add_option", "addoption"})
_ROUTE_CALLS = frozenset(
    [
        "route",
        "get",
        "post",
        "put",
        "delete",
        "patch",
        "head",
        "websocket",
        "api_route",
        "add_url_rule",
        "path",
        "re_path",
        "add_api_route",
        "add_route",
    ]
)
_READERS = frozenset({"get", "pop", "setdefault", "getint", "getboolean", "getfloat", "getlist"})
_EXCHANGE = frozenset(
    {"json", "orjson", "ujson", "yaml", "toml", "tomllib", "tomli", "csv", "msgpack", "sqlite3"}
)
_KEY = re.compile(r"[A-Za-z_$@][\w.$@-]{1,60}")
_STRUCT = frozenset({"pack", "unpack", "Struct", "iter_unpack", "unpack_from", "pack_into", "calcsize"})
_EXIT = frozenset({"exit", "_exit", "SystemExit", "Exit"})
_LOWEST_TOLD_EXIT = 2  # 0 and 1 are everybody's
_MAGIC_BYTES = range(2, 17)


def parse_quietly(text: str) -> ast.Module | None:
    """Return the module's tree; ``None`` for what is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the file's own literals deserve is not ours to say
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def in_python(text: str) -> list[Known] | None:
    """Return what a module holds, in no order, each once; ``None`` when it does not parse."""
    module = parse_quietly(text)
    if module is None:
        return None
    try:
        found = [*_names(module), *constants_in(module), *_Reader(module).read()]
    except RecursionError:  # sums of thousands of numbers parse, and are nothing to know
        return None
    return list({(one.what, one.name): one for one in reversed(found)}.values())


def _names(module: ast.Module) -> Iterator[Known]:
    """Tell the functions and classes of a module, and the methods of its classes, as ``Class.method``."""
    for node in module.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if _is_told(node):
                yield Known("function", node.name, node.lineno, (node.name,), is_name=True)
                yield from defaults_of(node)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield Known("class", node.name, node.lineno, (node.name,), is_name=True)
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_told(inner):
                    name = f"{node.name}.{inner.name}"
                    yield Known("method", name, inner.lineno, (inner.name,), is_name=True)
                    yield from defaults_of(inner)


def _is_told(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function's name is its author's choice and for others: no ``main``, no test, no visitor."""
    return not node.name.startswith(("_", "test_", "visit_", "do_")) and node.name not in (
        "main",
        "setUp",
        "tearDown",
    )


@dataclass
class _Reader:
    """Walks all of a module once."""

    module: ast.Module
    texts: dict[str, str] = field(default_factory=dict)
    dull: set[int] = field(default_factory=set)
    opens: set[int] = field(default_factory=set)
    exchanges: bool = False
    sections: bool = False

    def read(self) -> Iterator[Known]:
        for node in self.module.body:
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(node, ast.Assign) and isinstance(value, ast.Constant):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                self.texts.update(dict.fromkeys(names, value.value) if isinstance(value.value, str) else {})
        nodes = list(ast.walk(self.module))
        for each in nodes:
            self._prepare(each)
        for each in nodes:
            yield from self._at(each)

    def _prepare(self, node: ast.AST) -> None:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            self.dull.add(id(node.value))  # a docstring, most likely
        elif isinstance(node, ast.JoinedStr):
            for one, after in zip(node.values, [*node.values[1:], None], strict=True):
                if isinstance(after, ast.FormattedValue):
                    self.opens.add(id(one))
        elif isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            self.exchanges |= bool(names & _EXCHANGE)
            self.sections |= "configparser" in names
        elif isinstance(node, ast.ImportFrom):
            self.exchanges |= (node.module or "").split(".")[0] in _EXCHANGE

    def _at(self, node: ast.AST) -> Iterator[Known]:
        if isinstance(node, ast.Constant):
            yield from self._constant(node)
        elif isinstance(node, ast.Call):
            yield from self._call(node)
        elif isinstance(node, ast.Subscript):
            yield from self._key(node.value, self._text(node.slice), node.lineno)
        elif isinstance(node, ast.Compare):
            yield from self._compare(node)
        elif isinstance(node, ast.Dict) and self.exchanges:
            yield from self._dict(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _commands(node)

    def _constant(self, node: ast.Constant) -> Iterator[Known]:
        if isinstance(node.value, str) and id(node) not in self.dull:
            yield from in_string(node.value, node.lineno, is_open=id(node) in self.opens)

    def _text(self, node: ast.expr | None) -> str | None:
        """Return a string as it stands, or the module's constant of this name."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        return self.texts.get(node.id) if isinstance(node, ast.Name) else None

    def _call(self, node: ast.Call) -> Iterator[Known]:
        name, base = _called(node)
        words = [self._text(arg) for arg in node.args]
        first = words[0] if words else None
        if name in _OPTION_CALLS:
            for one in words:
                yield from flag(one, node.lineno) if one else ()
        elif name == "add_parser" and first:
            yield Known("command", first, node.lineno, (first,))
        elif name == "getenv" and first:
            yield from environment(first, node.lineno)
        elif name in _STRUCT and base == "struct" and first:
            yield Known("binary format", repr(first), node.lineno, (f"struct {first}",))
        elif name in _EXIT and node.args and isinstance(node.args[0], ast.Constant):
            yield from _exit(node.args[0].value, node.lineno)
        elif name == "startswith" and node.args and isinstance(node.args[0], ast.Constant):
            yield from _magic(node.args[0].value, node.lineno)
        elif name in _READERS and isinstance(node.func, ast.Attribute):
            key = words[1] if self.sections and len(words) > 1 else first
            yield from self._key(node.func.value, key, node.lineno)
        if name in _ROUTE_CALLS and first and first.startswith("/"):
            yield from route(first, node.lineno)

    def _key(self, base: ast.expr, key: str | None, line: int) -> Iterator[Known]:
        """Tell a key that is read from or written to a mapping: environment, settings or data."""
        if key is None or not _KEY.fullmatch(key):
            return
        owner = _tail(base)
        if owner == "environ":
            yield from environment(key, line)
        elif _CONFIG.search(owner):
            yield Known("setting", key, line, (key,))
        elif self.exchanges and not owner[:1].isupper():
            yield Known("data key", key, line, (key,))

    def _compare(self, node: ast.Compare) -> Iterator[Known]:
        for side in [node.left, *node.comparators]:
            inner = side.elts if isinstance(side, (ast.Tuple, ast.Set, ast.List)) else [side]
            for text in (self._text(one) for one in inner):
                if text and re.fullmatch(r"--[a-z][\w-]+=?", text):
                    yield from flag(text, node.lineno)
                elif text and text.startswith("/"):
                    yield from route(text, node.lineno)
                elif text and _tail(node.comparators[-1]) == "environ":
                    yield from environment(text, node.lineno)

    def _dict(self, node: ast.Dict) -> Iterator[Known]:
        for key in node.keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and _KEY.fullmatch(key.value):
                yield Known("data key", key.value, key.lineno, (key.value,))


def _commands(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Known]:
    """Tell the command that a decorator as click's and typer's makes of a function."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and _called(decorator)[0] == "command":
            given = decorator.args[0] if decorator.args else None
            named = given.value if isinstance(given, ast.Constant) else node.name.replace("_", "-")
            if isinstance(named, str):
                yield Known("command", named, node.lineno, (named,))


def _called(node: ast.Call) -> tuple[str, str]:
    """Return the last name of what is called, and the one before it."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr, _tail(node.func.value)
    return (node.func.id, "") if isinstance(node.func, ast.Name) else ("", "")


def _tail(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return _tail(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _exit(value: object, line: int) -> Iterator[Known]:
    if isinstance(value, int) and not isinstance(value, bool) and value >= _LOWEST_TOLD_EXIT:
        said = ("exit", "exits", "exit status", "exit code", "status", "exits with", "exits with status")
        yield Known("exit status", str(value), line, tuple(f"{words} {value}" for words in said))


def _magic(value: object, line: int) -> Iterator[Known]:
    if isinstance(value, bytes) and len(value) in _MAGIC_BYTES:
        yield Known("binary format", short(repr(value)), line, (value.decode("latin-1"),))
