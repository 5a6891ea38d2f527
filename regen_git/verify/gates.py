"""What a rebuilt tree must hold to without any model or command: pure rules over two trees."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.config import LONGEST_TEXT, Kind
from regen_git.domain.verdict import GateResult
from regen_git.git import trees
from regen_git.git.materialise import path_problem
from regen_git.verify.migrations import Baseline, migration_problems
from regen_git.verify.surface import bare_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Change, Leaf

    KeptRegions = Callable[[RepoPath, str], Sequence[str]]
    PublicSurface = Callable[[RepoPath, str], "frozenset[str] | None"]
    SurfaceChanges = Callable[["frozenset[str]", "frozenset[str]"], list[str]]

__all__ = ["Gates", "frozen_paths", "run_gates"]

_MARKERS = re.compile(rb"^(?:<{7} .*|>{7} .*|\|{7} .*|={7})\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Gates:
    """What the gates ask others for, and what this step is allowed.

    ``kept_regions`` returns the people's regions of a file in order; ``public_surface`` the public names of a
    file, ``None`` for a kind of file it cannot read; ``surface_changes`` what was removed or changed between
    two. A gate without its function is not run and not listed. ``allowed`` are names that may go or change.
    ``released`` is the tree of the last release, ``end`` the one at the end of history: new migrations come
    after the first, and beside what the second brings; without them the original's tree stands for both.
    """

    ownership: Ownership
    kept_regions: KeptRegions | None = None
    public_surface: PublicSurface | None = None
    surface_changes: SurfaceChanges | None = None
    allowed: Collection[str] = field(default_factory=frozenset)
    released: Oid | None = None
    end: Oid | None = None


def run_gates(
    store: ObjectStore, original: Oid, rebuilt: Oid, gates: Gates, sound: set[Change] | None = None
) -> tuple[GateResult, ...]:
    """Judge the rebuilt tree against the original commit's. Looks only at what differs.

    ``sound`` remembers differences without a problem, for callers with many trees that share most files;
    what is ``allowed`` may only grow from one call to the next.
    """
    differing = trees.diff(store, original, rebuilt)
    changes = [change for change in differing if sound is None or change not in sound]
    results = [
        GateResult("paths", tuple(_escapes(changes))),
        GateResult("frozen", tuple(_frozen(store, changes, gates.ownership))),
        GateResult("conflict markers", tuple(_markers(store, changes))),
    ]
    if gates.ownership.appends:
        held = Baseline(original, gates.released or original, gates.end or original)
        problems = migration_problems(store, differing, rebuilt, gates.ownership, held)
        results.append(GateResult("migrations", tuple(problems)))
    if gates.kept_regions is not None:
        results.append(GateResult("kept regions", tuple(_regions(store, changes, gates.kept_regions))))
    if gates.public_surface is not None and gates.surface_changes is not None:
        problems = _surface(store, changes, gates, gates.public_surface, gates.surface_changes)
        results.append(GateResult("public surface", tuple(problems)))
    if sound is not None and not any(result.problems for result in results):
        sound.update(changes)
    return tuple(results)


def frozen_paths(
    store: ObjectStore,
    tree: Oid,
    ownership: Ownership,
    known: dict[tuple[RepoPath, Leaf], bool] | None = None,
) -> tuple[RepoPath, ...]:
    """Return the paths of a tree that come from history byte for byte, in git's order.

    ``known`` remembers what was judged, for callers with many trees that share most files.
    """
    seen = {} if known is None else known
    out = []
    for path, leaf in trees.walk(store, tree):
        is_frozen = seen.get((path, leaf))
        if is_frozen is None:
            is_frozen = seen[path, leaf] = _kind(store, ownership, path, leaf).is_frozen
        if is_frozen:
            out.append(path)
    return tuple(out)


def _kind(store: ObjectStore, ownership: Ownership, path: RepoPath, leaf: Leaf) -> Kind:
    return ownership.classify(path, leaf.mode, lambda: store.short_blob(leaf.oid, LONGEST_TEXT))


def _escapes(changes: Sequence[Change]) -> list[str]:
    found = ((change.path, path_problem(change.path)) for change in changes if change.new is not None)
    return [f"{path}: {problem}" for path, problem in found if problem is not None]


def _frozen(store: ObjectStore, changes: Sequence[Change], ownership: Ownership) -> list[str]:
    """Compare by object id. Judged on the original tree; a path new there is judged by its name and mode.

    Where files may be added, the gate "migrations" judges the new ones.
    """
    problems = []
    for change in changes:
        if change.old is not None:
            kind = _kind(store, ownership, change.path, change.old)
            if kind.is_frozen:
                what = "is gone" if change.new is None else "differs"
                problems.append(f"{change.path}: {what}, and is {kind.value}")
        elif change.new is not None:
            kind = _kind(store, ownership, change.path, change.new)
            if kind.is_frozen and kind is not Kind.APPEND:
                problems.append(f"{change.path}: is new, and only history adds {kind.value} files")
    return problems


def _markers(store: ObjectStore, changes: Sequence[Change]) -> list[str]:
    """Find conflict markers in files whose original has none; a lone ``=======`` underlines headings."""
    return [
        f"{change.path}: holds conflict markers"
        for change in changes
        if _has_markers(store, change.new) and not _has_markers(store, change.old)
    ]


def _has_markers(store: ObjectStore, leaf: Leaf | None) -> bool:
    if leaf is None or leaf.mode not in {trees.REGULAR, trees.EXECUTABLE}:
        return False
    kinds = {found[:1] for found in _MARKERS.findall(store.blob(leaf.oid))}
    return {b"<", b">"} <= kinds or {b"<", b"="} <= kinds or {b"=", b">"} <= kinds


def _text(store: ObjectStore, leaf: Leaf | None) -> str | None:
    if leaf is None or leaf.mode not in {trees.REGULAR, trees.EXECUTABLE}:
        return None
    try:
        return store.blob(leaf.oid).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _regions(store: ObjectStore, changes: Sequence[Change], kept_regions: KeptRegions) -> list[str]:
    """Every region that people keep in the original is in the rebuilt file, word for word, in order."""
    problems = []
    for change in changes:
        before = _text(store, change.old)
        wanted = kept_regions(change.path, before) if before is not None else ()
        if not wanted:
            continue
        after = _text(store, change.new)
        present = list(kept_regions(change.path, after)) if after is not None else []
        for number, region in enumerate(wanted, 1):
            if region not in present:
                problems.append(f"{change.path}: kept region {number} is changed or gone")
                continue
            del present[: present.index(region) + 1]
    return problems


def _surface(
    store: ObjectStore,
    changes: Sequence[Change],
    gates: Gates,
    public_surface: PublicSurface,
    surface_changes: SurfaceChanges,
) -> list[str]:
    problems = []
    for change in changes:
        before = _text(store, change.old)
        old = public_surface(change.path, before) if before is not None else None
        if not old:
            continue
        after = _text(store, change.new)
        new = public_surface(change.path, after) if after is not None else frozenset()
        if new is None:
            problems.append(f"{change.path}: its public names cannot be read any more")
            continue
        kept_old = frozenset(name for name in old if not _is_allowed(name, gates.allowed))
        problems += [f"{change.path}: {what}" for what in surface_changes(kept_old, new)]
    return problems


def _is_allowed(name: str, allowed: Collection[str]) -> bool:
    """Return whether the name, without its signature, may go: by its whole name or by its last part."""
    bare = bare_name(name)
    return bare in allowed or bare.rpartition(".")[2] in allowed
