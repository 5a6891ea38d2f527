"""Read what migrations say of themselves: names in order, Alembic's revisions, Django's dependencies.

Nothing is imported or run: names are taken apart, Python is parsed, and only constants count.
"""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import RepoPath

__all__ = ["Node", "Numbered", "natural", "number_of", "read_node"]

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_LONG = 40
_DIGITS = re.compile(r"(\d+)")
_DATED = re.compile(r"\d{4}[-_]\d{2}[-_]\d{2}[-_T]?\d{4,6}")
# Flyway: V1.2__name, U1.2__name undoes it, B1__name stands for all up to it.
_FLYWAY = re.compile(r"([VUBvub])(\d+(?:[._]\d+)*)__")
_LEADING = re.compile(r"([A-Za-z_.-]{0,40}?)(\d+)")


@dataclass(frozen=True, slots=True)
class Numbered:
    """A migration that its name puts in order.

    ``series`` is what it is in order with: the folder, and what stands before the number. ``order`` sorts
    in a folder; ``number`` is the number itself, ``stem`` the rest up to the first dot: ``001_a.up.sql`` and
    ``001_a.down.sql`` are one migration. ``is_exact`` says that two migrations cannot share the number: a day
    alone can be shared.
    """

    path: RepoPath
    series: tuple[str, str]
    order: tuple[tuple[int, int, str], ...]
    number: str
    stem: str
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One migration of a graph: its name there, what it starts from, and whose graph it is.

    ``parents`` are names in the same graph for Alembic, and ``(app, name)`` for Django, any app's.
    """

    path: RepoPath
    tool: str
    name: str
    parents: tuple[tuple[str, str], ...]


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts ``9_x`` before ``10_x``."""
    # Longer numbers than any clock's are words: turning them into integers takes long.
    return tuple(
        (0, int(part), "") if part.isascii() and part.isdigit() and len(part) <= _LONG else (1, 0, part)
        for part in _DIGITS.split(text)
    )


def number_of(path: RepoPath) -> Numbered | None:
    """Return where a name puts a migration in order; ``None`` for what has no number.

    The number may be the file's, or that of the folder the file is the content of, as Prisma and Diesel have
    it; numbered folders in numbered folders count as one name.
    """
    parts = path.split("/")
    last = len(parts) - 1
    if not _leads(parts[last]):
        last -= 1
    first = last
    while first > 0 and _leads(parts[first - 1]):
        first -= 1
    if last < 0 or not _leads(parts[first]):
        return None
    name = "/".join(parts[first : last + 1])
    prefix, number, is_exact = _taken_apart(parts[last])
    folder = "/".join(parts[:last])
    rest = parts[last][len(prefix) + len(number) :]
    # A version goes on with a dot, which would sort before what separates it from the name.
    is_version = first == last and _FLYWAY.match(parts[last]) is not None
    return Numbered(
        path,
        ("/".join(parts[:first]), prefix.lower()),
        natural(re.sub(r"[._]", "\n", number)) if is_version else natural(name),
        f"{folder}/{prefix.lower()}{number.lstrip('0') or '0'}",
        rest.partition(".")[0],
        is_exact,
    )


def _leads(part: str) -> bool:
    """Return whether a name begins with its number, or with a short word and then the number."""
    if _FLYWAY.match(part) or _DATED.match(part):
        return True
    found = _LEADING.match(part)
    # 'add_index2.sql' has a digit, and no number: letters before a number are one short word.
    return found is not None and len(re.findall(r"[A-Za-z]+", found[1])) <= 1


def _taken_apart(part: str) -> tuple[str, str, bool]:
    """Return what stands before the number, the number, and whether it names one migration alone."""
    flyway = _FLYWAY.match(part)
    if flyway:
        return flyway[1], flyway[2], True
    dated = _DATED.match(part)
    if dated:
        return "", dated[0], True
    found = _LEADING.match(part)
    if found is None:
        return "", "", False
    is_day = re.match(r"\d{4}[-_]\d{2}[-_]\d{2}(?!\d)", part) is not None
    return found[1], found[2], not is_day


def read_node(path: RepoPath, text: str | None) -> Node | None:
    """Return what a Python file says as a migration of Alembic or Django; ``None`` where it says nothing."""
    if text is None or not path.endswith(".py"):
        return None
    try:
        module = ast.parse(text)
    except _UNREADABLE:
        return None
    return _alembic(path, module.body) or _django(path, module.body)


def _alembic(path: RepoPath, body: Sequence[ast.stmt]) -> Node | None:
    """Source: Alembic's tutorial, "Create a Migration Script": ``revision`` and ``down_revision``."""
    values = _assigned(body)
    if "revision" not in values or "down_revision" not in values:
        return None
    names = _strings(values["revision"])
    starts = _strings(values["down_revision"])
    if names is None or len(names) != 1 or starts is None:
        return None
    return Node(path, "alembic", names[0], tuple(("", start) for start in starts))


def _django(path: RepoPath, body: Sequence[ast.stmt]) -> Node | None:
    """Source: Django's "Writing database migrations", ``Migration.dependencies``."""
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.name == "Migration":
            wanted = _assigned(statement.body).get("dependencies")
            pairs = wanted.elts if isinstance(wanted, (ast.List, ast.Tuple)) else []
            found = [names for pair in pairs if (names := _strings(pair)) is not None]
            name = posixpath.basename(path).removesuffix(".py")
            # What is computed, as 'swappable_dependency(…)', names another app's.
            return Node(path, "django", name, tuple((n[0], n[1]) for n in found if len(n) == 2))  # noqa: PLR2004
    return None


def _assigned(body: Iterable[ast.stmt]) -> dict[str, ast.expr]:
    """Return what names are set to, the last time each."""
    values: dict[str, ast.expr] = {}
    for statement in body:
        if isinstance(statement, ast.Assign):
            values |= {to.id: statement.value for to in statement.targets if isinstance(to, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            values |= {statement.target.id: statement.value} if isinstance(statement.target, ast.Name) else {}
    return values


def _strings(value: ast.expr) -> list[str] | None:
    """Return a constant string, or several in a tuple or list; none for ``None``; ``None`` for all else."""
    if isinstance(value, ast.Constant):
        if value.value is None:
            return []
        return [value.value] if isinstance(value.value, str) else None
    if not isinstance(value, (ast.Tuple, ast.List)):
        return None
    words = [item.value for item in value.elts if isinstance(item, ast.Constant)]
    strings = [word for word in words if isinstance(word, str)]
    return strings if len(strings) == len(value.elts) else None
