"""What a journal keeps of a generation, module by module, so that it can be told at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.replay.people.authorship import hunk_fates
from regen_git.replay.people.carry import How, hardest

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.git.objects import ObjectStore
    from regen_git.replay.folded.building import Built
    from regen_git.replay.folded.planning import FoldedPrepared
    from regen_git.replay.people.authorship import HunkFate

__all__ = ["module_told", "people_told"]


def people_told(store: ObjectStore, prepared: FoldedPrepared, built: Built, tree: Oid) -> list[Any]:
    """Return what became of every hunk that people wrote into a module's files, as a journal keeps it."""
    told: list[Any] = []
    for path in built.unit.module.files:
        fates = hunk_fates(store, prepared.hunks.get(path, ()), tree)
        if not fates:
            continue
        parts = [_part(fate) for fate in fates]
        how = hardest(How(part[2]) for part in parts)
        why = "; ".join(dict.fromkeys(part[3] for part in parts if part[3]))
        told.append([path, how.value, len(parts), why, parts])
    return told


def _part(fate: HunkFate) -> list[Any]:
    """Return one hunk as a journal keeps it: lines before and after, how, why, and its commit."""
    hunk = fate.hunk
    lines = f"{hunk.first}-{hunk.last}"
    if fate.is_kept:
        return [lines, f"{fate.first}-{fate.last}" if hunk.lines else None, How.EXACT.value, "", hunk.commit]
    why = "lines that a person took out are there again" if not hunk.lines else "its lines are not there"
    return [lines, None, How.PERSON.value, why, hunk.commit]


def module_told(built: Built, people: list[Any]) -> dict[str, Any]:
    """Return what the journal keeps of a module, for reports."""
    told: dict[str, Any] = {
        "module": built.unit.module.name,
        "kind": "reused" if built.is_kept else "regenerated",
        "why": list(built.unit.why),
        "replies": list(built.replies),
        "attempts": built.attempts,
    }
    if people:
        told["carried"] = people
    if built.ignored:
        told["ignored"] = list(built.ignored)
    if built.resolved:
        told["resolved"] = built.resolved
    return told
