"""What a person hands in for a generation that is stuck: a tree, and whose module's its files are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regen_git.git.trees import diff, lookup
from regen_git.replay.folded.building import Built

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.trees import Leaf
    from regen_git.replay.folded.planning import FoldedPrepared, Unit
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Resolution

__all__ = ["Given", "read_given", "stuck_told"]


@dataclass(frozen=True)
class Given:
    """A tree by a person. ``files`` are what it holds of the modules that are taken from it.

    ``best`` is the state that the person began with, ``told`` what was known of its modules then, and
    ``named`` the modules that the person was asked about.
    """

    tree: Oid
    files: Mapping[str, Mapping[RepoPath, Leaf | None]]
    named: frozenset[str] = frozenset()
    best: Oid | None = None
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def built(self, prepared: FoldedPrepared, unit: Unit, step: Step) -> Built:
        """Return a module as this tree has it: by its replies where the person left it as it was."""
        name = unit.module.name
        edits, told = self.files[name], self.told.get(name)
        if told is None or self.best is None or name in self.named:
            return Built(unit, step, edits, resolved="tree")
        store = prepared.repo.objects
        paths = set(edits) | {str(path) for path in told["wrote"]}
        if any(lookup(store, self.best, path) != edits.get(path) for path in paths):
            return Built(unit, step, edits, resolved="tree")
        return Built(
            unit,
            step,
            edits,
            request=str(told["request"]),
            replies=tuple(told["replies"]),
            attempts=int(told["attempts"]),
            ignored=tuple(told["ignored"]),
            resolved=str(told["resolved"]),
        )


def stuck_told(modules: Mapping[str, Built]) -> dict[str, Any]:
    """Return what the journal keeps of the modules that are in the state a person goes on from."""
    return {
        name: {
            "wrote": list(built.files),
            "request": built.request,
            "replies": list(built.replies),
            "attempts": built.attempts,
            "ignored": list(built.ignored),
            "resolved": built.resolved,
        }
        for name, built in modules.items()
    }


def read_given(
    prepared: FoldedPrepared, resolutions: Mapping[int, Resolution], entries: Sequence[Mapping[str, Any]]
) -> Given | None:
    """Return the tree that a person handed in last; ``None`` where nobody did."""
    with_tree = [index for index, resolution in resolutions.items() if resolution.tree is not None]
    if not with_tree:
        return None
    tree = resolutions[with_tree[-1]].tree
    if tree is None:
        raise AssertionError("only resolutions with a tree are looked at")
    names = {prepared.index_of(i): unit.module.name for i, unit in enumerate(prepared.units)}
    stuck: Mapping[str, Any] = next(
        (e for e in reversed(entries) if e.get("state") == "stuck" and "modules" in e), {}
    )
    told: Mapping[str, Mapping[str, Any]] = stuck.get("modules", {})
    asked = names.get(with_tree[-1], "")
    files = _files(prepared, tree, told, asked)
    named = frozenset(names[index] for index in with_tree if index in names)
    return Given(tree, files, named, stuck.get("best"), told)


def _files(
    prepared: FoldedPrepared, tree: Oid, told: Mapping[str, Mapping[str, Any]], asked: str
) -> dict[str, dict[RepoPath, Leaf | None]]:
    """Return the files of a tree by module: of its owner in the source, of who wrote it, or of who may."""
    names = [unit.module.name for unit in prepared.units]
    owner = {path: unit.module.name for unit in prepared.units for path in unit.module.files}
    owner.update((str(path), name) for name in told for path in told[name]["wrote"])
    found: dict[str, dict[RepoPath, Leaf | None]] = {name: {} for name in names if name in told}
    if asked:
        found.setdefault(asked, {})
    may_write = prepared.territory.may_write
    for change in diff(prepared.repo.objects, prepared.base, tree):
        path = change.path
        name = owner.get(path)
        if name is None:
            # The one that the person was asked about comes first.
            order = sorted(names, key=lambda each: each != asked)
            name = next((each for each in order if may_write(each, path)), None)
        if name is not None and change.new is not None:
            found.setdefault(name, {})[path] = change.new
    return found
