"""New migrations come after the last released one and start from it. Pure rules over trees; nothing is run.

Alembic's order is in its files, Django's in its files and names, everybody else's in names. What is there
already is the business of the gate "frozen": it stays byte for byte.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.config import LONGEST_TEXT, Kind
from regen_git.git import trees
from regen_git.verify.migration_files import Node, Numbered, natural, number_of, read_node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Change, Leaf

__all__ = ["Baseline", "last_released", "migration_problems"]

_ALEMBIC = "alembic"
_DJANGO = "django"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """What new migrations are held against: trees of history.

    ``released`` is the last release's, ``end`` the one at the end of history: what is in it and not in
    ``original`` comes later. Both are the original's where nothing else is known.
    """

    original: Oid
    released: Oid
    end: Oid


def migration_problems(
    store: ObjectStore, changes: Iterable[Change], rebuilt: Oid, ownership: Ownership, held: Baseline
) -> list[str]:
    """Return what is wrong with the append-only files that ``rebuilt`` has and the original has not."""
    new = {
        change.path: change.new
        for change in changes
        if change.old is None
        and change.new is not None
        and ownership.classify(change.path, change.new.mode) is Kind.APPEND
    }
    if not new:
        return []
    view = _View(store, ownership)
    released, original = view.files(held.released), view.files(held.original)
    later = {path: leaf for path, leaf in view.files(held.end).items() if path not in original}
    problems = [
        f"{path}: is new, and history brings a file of this name later" for path in new if path in later
    ]
    mine = [path for path in new if path not in later]
    now = view.nodes(view.files(rebuilt))
    graphs = _Graphs(now, view.nodes(original), view.nodes(released))
    by_name = graphs.ordered_by_name(mine)
    misplaced = _out_of_order(by_name, graphs.ordered_by_name(released))
    problems += misplaced.values()
    in_order = [path for path in by_name if path not in misplaced]
    problems += _same_number(in_order, graphs.ordered_by_name({*released, *original, *later}), new)
    problems += graphs.unreadable(mine)
    problems += graphs.alembic([now[path] for path in mine if path in now])
    problems += graphs.django([now[path] for path in mine if path in now])
    return list(dict.fromkeys(problems))


def last_released(store: ObjectStore, released: Oid, ownership: Ownership) -> tuple[RepoPath, ...]:
    """Return the released migrations that a new one starts from: one for each series, in order of paths."""
    view = _View(store, ownership)
    files = view.files(released)
    nodes = view.nodes(files)
    chained = [node for node in nodes.values() if node.tool == _ALEMBIC]
    heads = {node.path for node in _heads(chained)}
    last: dict[tuple[str, str], Numbered] = {}
    for path in files:
        found = number_of(path) if path not in nodes or nodes[path].tool != _ALEMBIC else None
        if found is not None:
            others = last.get(found.series, found)
            last[found.series] = max(found, others, key=lambda each: each.order)
    return tuple(sorted({*heads, *(each.path for each in last.values())}))


class _View:
    """Reads the append-only files of trees, each file once."""

    def __init__(self, store: ObjectStore, ownership: Ownership) -> None:
        self._store = store
        self._ownership = ownership
        self._files: dict[Oid, dict[RepoPath, Leaf]] = {}
        self._read: dict[tuple[RepoPath, Oid], Node | None] = {}

    def files(self, tree: Oid) -> Mapping[RepoPath, Leaf]:
        """Return the append-only files of a tree."""
        if tree not in self._files:
            self._files[tree] = {
                path: leaf
                for path, leaf in trees.walk(self._store, tree)
                if self._ownership.classify(path, leaf.mode) is Kind.APPEND
            }
        return self._files[tree]

    def nodes(self, files: Mapping[RepoPath, Leaf]) -> dict[RepoPath, Node]:
        """Return those of these files that say what they start from."""
        found = ((path, self._node(path, leaf)) for path, leaf in files.items() if path.endswith(".py"))
        return {path: node for path, node in found if node is not None}

    def _node(self, path: RepoPath, leaf: Leaf) -> Node | None:
        key = (path, leaf.oid)
        if key not in self._read:
            data = self._store.short_blob(leaf.oid, LONGEST_TEXT)
            self._read[key] = read_node(path, data.decode("utf-8", "replace") if data is not None else None)
        return self._read[key]


def _out_of_order(new: Sequence[RepoPath], released: Collection[RepoPath]) -> dict[RepoPath, str]:
    """Hold names against the last released one in the same folder, of the same series where there is one."""
    numbered = [each for each in map(number_of, released) if each is not None]
    problems = {}
    for path in new:
        mine = number_of(path)
        if mine is not None and mine.series[1] in {"u", "b"}:
            continue  # Flyway's undo and baseline migrations stand beside the versions they are about.
        folder = mine.series[0] if mine is not None else posixpath.dirname(path)
        beside = [each for each in numbered if each.series[0] == folder]
        same = [each for each in beside if mine is not None and each.series == mine.series]
        if not same:
            ending = posixpath.splitext(path)[1]
            same = [each for each in beside if posixpath.splitext(each.path)[1] == ending]
            if posixpath.basename(path).startswith(("R__", "_", ".")):
                continue  # Flyway's repeatable ones, and what no tool takes for a migration.
        order = mine.order if mine is not None else natural(posixpath.basename(path))
        last = max(same, key=lambda each: each.order, default=None)
        if last is not None and order <= last.order:
            problems[path] = f"{path}: is new and comes before '{last.path}', which is released"
    return problems


def _same_number(
    new: Sequence[RepoPath], history: Collection[RepoPath], all_new: Collection[RepoPath]
) -> list[str]:
    """Find a new migration with the number of another, unless history itself gives one number to several."""
    known: dict[str, list[Numbered]] = {}
    for each in map(number_of, sorted(history)):
        if each is not None and each.is_exact:
            known.setdefault(each.number, []).append(each)
    if any(len({each.stem for each in several}) > 1 for several in known.values()):
        return []
    problems = []
    for path in sorted(new, key=natural):
        mine = number_of(path)
        if mine is None or not mine.is_exact:
            continue
        others = known.setdefault(mine.number, [])
        other = next((each for each in others if each.stem != mine.stem), None)
        if other is not None:
            which = "also new" if other.path in all_new else "history's"
            problems.append(f"{path}: is new and has the same number as '{other.path}', which is {which}")
        others.append(mine)
    return problems


def _heads(nodes: Collection[Node]) -> list[Node]:
    """Return the nodes of one graph that nothing starts from, in order of their paths."""
    started = {name for node in nodes for _, name in node.parents}
    return sorted((node for node in nodes if node.name not in started), key=lambda node: node.path)


def _started_from(first: Iterable[Node], nodes: Iterable[Node]) -> set[str]:
    """Return the names of all nodes that start from these, near and far, and of these."""
    children: dict[str, list[str]] = {}
    for node in nodes:
        for _, parent in node.parents:
            children.setdefault(parent, []).append(node.name)
    reached: set[str] = set()
    waiting = [node.name for node in first]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += children.get(name, [])
    return reached


@dataclass(frozen=True, slots=True)
class _Graphs:
    """What the migrations of three trees start from: the rebuilt one, the original and the released one."""

    now: Mapping[RepoPath, Node]
    original: Mapping[RepoPath, Node]
    released: Mapping[RepoPath, Node]

    def ordered_by_name(self, paths: Iterable[RepoPath]) -> list[RepoPath]:
        """Leave out what lies where Alembic's revisions do: their names are in no order."""
        every = (*self.now.values(), *self.original.values(), *self.released.values())
        folders = {posixpath.dirname(node.path) for node in every if node.tool == _ALEMBIC}
        return [path for path in paths if posixpath.dirname(path) not in folders]

    def unreadable(self, new: Iterable[RepoPath]) -> list[str]:
        """Name new files in a folder of migrations in Python that do not say what they start from."""
        known = {**self.released, **self.original}
        tools = {posixpath.dirname(path): node.tool for path, node in known.items()}
        problems = []
        for path in new:
            tool = tools.get(posixpath.dirname(path))
            is_helper = posixpath.basename(path).startswith(("_", "~"))
            if tool is None or is_helper or not path.endswith(".py") or path in self.now:
                continue
            wants = "'revision' and 'down_revision'" if tool == _ALEMBIC else "a class 'Migration'"
            problems.append(f"{path}: is new and is no migration for {tool}: {wants} cannot be read in it")
        return problems

    def alembic(self, new: Sequence[Node]) -> list[str]:
        """Hold Alembic's revisions to one line that goes on from the released one."""
        mine = [node for node in new if node.tool == _ALEMBIC]
        return self._judged(
            mine, _of(_ALEMBIC, self.now), _of(_ALEMBIC, self.original), _of(_ALEMBIC, self.released)
        )

    def django(self, new: Sequence[Node]) -> list[str]:
        """Hold the migrations of each Django app to one line that goes on from the released one."""
        problems: list[str] = []
        for folder in sorted({posixpath.dirname(node.path) for node in new if node.tool == _DJANGO}):
            labels = _labels(folder, [*self.now.values()])
            parts = [_app(folder, labels, nodes) for nodes in (self.now, self.original, self.released)]
            paths = {node.path for node in new}
            problems += self._judged([node for node in parts[0] if node.path in paths], *parts)
        return problems

    @staticmethod
    def _judged(
        new: Sequence[Node], now: Sequence[Node], original: Sequence[Node], released: Sequence[Node]
    ) -> list[str]:
        if not new:
            return []
        by_name: dict[str, Node] = {}
        problems = []
        fresh = {node.path for node in new}
        for node in sorted(now, key=lambda node: (node.path in fresh, node.path)):
            other = by_name.setdefault(node.name, node)
            if other is not node and node.path in fresh:
                problems.append(f"{node.path}: is new and has the name '{node.name}' of '{other.path}'")
        heads = _heads(released)
        reached = _started_from(heads, now)
        for node in new:
            missing = [name for _, name in node.parents if name not in by_name]
            if missing:
                problems.append(f"{node.path}: starts from '{missing[0]}', and there is no such migration")
            elif heads and node.name not in reached:
                last = " or ".join(f"'{head.path}'" for head in heads[:_SHOWN])
                problems.append(f"{node.path}: does not start from the last released migration, {last}")
        ends = _heads(now)
        if not problems and len(ends) > max(1, len(_heads(original))):
            names = ", ".join(f"'{node.path}'" for node in ends[:_SHOWN])
            problems.append(f"{new[0].path}: leaves more than one last migration: {names}")
        if not problems and not ends:
            problems.append(f"{new[0].path}: goes round in a circle with what it starts from")
        return problems


def _of(tool: str, nodes: Mapping[RepoPath, Node]) -> list[Node]:
    return [node for node in nodes.values() if node.tool == tool]


def _labels(folder: RepoPath, nodes: Sequence[Node]) -> set[str]:
    """Return the names that a folder's Django app goes by in dependencies: the folder's above, unless set."""
    usual = posixpath.basename(posixpath.dirname(folder))
    inside = [node for node in nodes if posixpath.dirname(node.path) == folder]
    names = {node.name for node in inside}
    used = [app for node in inside for app, name in node.parents if name in names]
    return {usual} if usual in used or not used else {max(sorted(set(used)), key=used.count)}


def _app(folder: RepoPath, labels: Collection[str], nodes: Mapping[RepoPath, Node]) -> list[Node]:
    """Return a Django app's migrations with only what they start from in the app itself."""
    return [
        Node(node.path, node.tool, node.name, tuple(each for each in node.parents if each[0] in labels))
        for node in nodes.values()
        if node.tool == _DJANGO and posixpath.dirname(node.path) == folder
    ]
