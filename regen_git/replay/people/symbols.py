"""Carry a person's change to Python code onto the same symbols of rewritten code.

A textual merge needs the neighbouring lines; this one needs only that the function, class or assignment
still exists under its qualified name. Other languages are not understood here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.replay.people.symbol_units import (
    ImportAtom,
    Scope,
    Unit,
    import_atoms,
    import_statement,
    parse_scope,
    same_code,
    sub_scope,
)
from regen_git.replay.people.textmerge import merge_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.domain.ids import RepoPath

__all__ = ["SymbolMerge", "merge_symbols"]

_SUFFIXES = (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class SymbolMerge:
    """What became of a change, by qualified names.

    ``applied`` stand in ``text``; ``failed`` could not be merged and are not in it; ``gone`` no longer exist
    in our version, so that the change has nothing to apply to. ``text`` is ``None`` when the three versions
    or the result are not Python. Use it as a whole merge only when ``failed`` and ``gone`` are empty.
    """

    text: str | None
    applied: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def merge_symbols(path: RepoPath, base: str, ours: str, theirs: str) -> SymbolMerge | None:
    """Apply the change from ``base`` to ``theirs`` onto ``ours``; ``None`` for languages other than Python.

    Changes of empty lines alone are left out; a change of the order of symbols counts as failed.
    """
    if not path.endswith(_SUFFIXES):
        return None
    crlf = "\r\n" in ours
    texts = [text.replace("\r\n", "\n") for text in (base, ours, theirs)]
    if any("\r" in text for text in texts):
        return SymbolMerge(None, failed=("lone carriage returns",))
    try:
        scopes = [parse_scope(text) for text in texts]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return SymbolMerge(None, failed=("not valid Python",))
    merge = _Merge()
    merge.scope(scopes[0], scopes[1], scopes[2], "")
    text: str | None = "\n".join(scopes[1].lines())
    text = merge.without_removed_imports(text or "", scopes[0], scopes[2])
    if text is not None and crlf:
        text = text.replace("\n", "\r\n")
    return SymbolMerge(text, tuple(merge.applied), tuple(merge.failed), tuple(merge.gone))


class _Merge:
    """One merge: ``scope`` changes our scope in place and notes what happened to each symbol."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.failed: list[str] = []
        self.gone: list[str] = []

    def scope(self, base: Scope, ours: Scope, theirs: Scope, prefix: str) -> None:
        self._edges(base, ours, theirs, prefix)
        for unit in theirs.units:
            before = base.by_key.get(unit.key)
            if before is None:
                if import_atoms(unit.node):
                    self._import(unit, base, ours, prefix)
                else:
                    self._added(unit, ours, theirs, prefix)
            elif before.text != unit.text:
                self._changed(before, unit, ours, prefix)
        for unit in base.units:
            if unit.key not in theirs.by_key and not import_atoms(unit.node):
                self._removed(unit, ours, prefix)
        kept = [unit.key for unit in base.units if unit.key in theirs.by_key]
        if kept != [unit.key for unit in theirs.units if unit.key in base.by_key] and not self._is_imports(
            kept, base
        ):
            self.failed.append(f"{prefix}order")

    def _is_imports(self, keys: list[str], scope: Scope) -> bool:
        return all(import_atoms(scope.by_key[key].node) for key in keys)

    def _edges(self, base: Scope, ours: Scope, theirs: Scope, prefix: str) -> None:
        """Merge the lines before the first unit and after the last."""
        head = _merged_lines(base.head, ours.head, theirs.head)
        tail = ours.tail
        if any(line.strip() for line in base.tail + theirs.tail):
            merged = _merged_lines(base.tail, ours.tail, theirs.tail)
            self._note(f"{prefix}end", base.tail != theirs.tail, merged is not None)
            tail = merged if merged is not None else tail
        self._note(prefix.removesuffix("."), base.head != theirs.head, head is not None)
        ours.head = head if head is not None else ours.head
        ours.tail = tail

    def _note(self, name: str, is_change: bool, is_merged: bool) -> None:  # noqa: FBT001 - two plain facts
        if is_change:
            (self.applied if is_merged else self.failed).append(name)

    def _changed(self, before: Unit, after: Unit, ours: Scope, prefix: str) -> None:
        name = prefix + after.key
        mine = ours.by_key.get(after.key)
        if mine is None:
            self.gone.append(name)
            return
        if mine.text == before.text or (same_code(mine, before) and not same_code(before, after)):
            mine.lines = list(after.lines)
            mine.node, mine.code = after.node, after.code
            self.applied.append(name)
            return
        if mine.text == after.text or (same_code(mine, after) and not same_code(before, after)):
            self.applied.append(name)
            return
        scopes = [sub_scope(unit) for unit in (before, mine, after)]
        if scopes[0] is not None and scopes[1] is not None and scopes[2] is not None:
            self._inside(scopes[0], scopes[1], scopes[2], mine, name)
            return
        merged = _merged_lines(before.lines, mine.lines, after.lines)
        self._note(name, is_change=True, is_merged=merged is not None)
        if merged is not None:
            mine.lines = merged

    def _inside(self, before: Scope, mine: Scope, after: Scope, unit: Unit, name: str) -> None:
        self.scope(before, mine, after, f"{name}.")
        unit.lines = mine.lines()

    def _added(self, unit: Unit, ours: Scope, theirs: Scope, prefix: str) -> None:
        mine = ours.by_key.get(unit.key)
        if mine is not None:
            self._note(prefix + unit.key, is_change=True, is_merged=same_code(mine, unit))
            return
        keys = [other.key for other in theirs.units]
        place = keys.index(unit.key)
        before = next((key for key in reversed(keys[:place]) if key in ours.by_key), None)
        after = next((key for key in keys[place + 1 :] if key in ours.by_key), None)
        if before is not None:
            at = ours.units.index(ours.by_key[before]) + 1
        elif after is not None:
            at = ours.units.index(ours.by_key[after])
        else:
            at = len(ours.units)
        _insert(ours, at, Unit(unit.key, list(unit.blank), list(unit.lines), unit.code, unit.node))
        self.applied.append(prefix + unit.key)

    def _removed(self, unit: Unit, ours: Scope, prefix: str) -> None:
        mine = ours.by_key.get(unit.key)
        if mine is not None and not same_code(mine, unit):
            self.failed.append(prefix + unit.key)
            return
        if mine is not None:
            ours.units.remove(mine)
            del ours.by_key[unit.key]
        self.applied.append(prefix + unit.key)

    def _import(self, unit: Unit, base: Scope, ours: Scope, prefix: str) -> None:
        """Bring in what this statement adds, unless it is there already."""
        have = set(_atoms(base.units)) | set(_atoms(ours.units))
        new = [atom for atom in import_atoms(unit.node) if atom not in have]
        name = prefix + unit.key
        self.applied.append(name)
        if not new:
            return
        lines = list(unit.lines)
        if len(new) != len(import_atoms(unit.node)):
            first = unit.lines[unit.code]
            lines = [first[: len(first) - len(first.lstrip())] + import_statement(new)]
        is_future = new[0][0] == "__future__"
        places = [i for i, mine in enumerate(ours.units) if import_atoms(mine.node)]
        if is_future or not places:
            at = int(bool(ours.units) and ours.units[0].key == "__doc__")
            blank = [""] if at else []
        else:
            at, blank = places[-1] + 1, []
        _insert(ours, at, Unit(unit.key, blank, lines, 0, unit.node))

    def without_removed_imports(self, text: str, base: Scope, theirs: Scope) -> str | None:
        """Take out imports that the person took out, where nothing uses them now; ``None`` if not Python."""
        try:
            ours = parse_scope(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        used = _used_names(text)
        self._drop_imports(base, ours, theirs, used, "")
        text = "\n".join(ours.lines())
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            return None
        return text

    def _drop_imports(self, base: Scope, ours: Scope, theirs: Scope, used: set[str], prefix: str) -> None:
        dropped = set(_atoms(base.units)) - set(_atoms(theirs.units))
        for unit in list(ours.units):
            atoms = import_atoms(unit.node)
            leaving = [atom for atom in atoms if atom in dropped]
            needed = [atom for atom in leaving if _bound_name(atom) in used]
            self.gone += [f"{prefix}{import_statement([atom])}" for atom in needed]
            keep = [atom for atom in atoms if atom not in leaving or atom in needed]
            if not leaving or len(keep) == len(atoms):
                continue
            self.applied += [f"{prefix}{import_statement([a])}" for a in leaving if a not in needed]
            if keep:
                first = unit.lines[unit.code]
                indent = first[: len(first) - len(first.lstrip())]
                unit.lines = [*unit.lines[: unit.code], indent + import_statement(keep)]
            else:
                ours.units.remove(unit)
        for before in base.units:
            trio = (before, ours.by_key.get(before.key), theirs.by_key.get(before.key))
            if not isinstance(before.node, ast.If) or trio[1] is None or trio[2] is None:
                continue
            scopes = [sub_scope(unit) for unit in trio if unit is not None]
            if scopes[0] is not None and scopes[1] is not None and scopes[2] is not None:
                self._drop_imports(scopes[0], scopes[1], scopes[2], used, f"{prefix}{before.key}.")
                trio[1].lines = scopes[1].lines()


def _atoms(units: Iterable[Unit]) -> list[ImportAtom]:
    return [atom for unit in units for atom in import_atoms(unit.node)]


def _bound_name(atom: ImportAtom) -> str:
    module, name, given = atom
    return given or name or module.split(".")[0]


def _used_names(text: str) -> set[str]:
    """Return all names read in a module, also those that ``__all__`` and annotations hold as strings."""
    used: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:  # noqa: PLR2004
            used.update(
                part for part in node.value.replace("[", " ").replace(".", " ").split() if part.isidentifier()
            )
    return used


def _insert(scope: Scope, at: int, unit: Unit) -> None:
    is_block = isinstance(unit.node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    if at and is_block and not unit.blank:
        unit.blank = [""] if unit.lines[unit.code].startswith((" ", "\t")) else ["", ""]
    if at < len(scope.units) and not scope.units[at].blank and (is_block or at == 0):
        scope.units[at].blank = [""] if unit.lines[unit.code].startswith((" ", "\t")) else ["", ""]
    if at == 0:
        unit.blank = []
    if at == len(scope.units) and not scope.tail and not scope.head:
        scope.tail = [""]  # the file had no final newline; a line is added after its last
    scope.units.insert(at, unit)
    scope.by_key[unit.key] = unit


def _merged_lines(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """Return the three-way merge of lines, or ``None`` on conflict."""
    sides = [
        "".join(f"{line}\n" for line in side).encode("utf-8", "surrogateescape")
        for side in (base, ours, theirs)
    ]
    outcome = merge_text(sides[0], sides[1], sides[2])
    if not outcome.clean:
        return None
    text = outcome.data.decode("utf-8", "surrogateescape")
    return text.removesuffix("\n").split("\n") if text else []
