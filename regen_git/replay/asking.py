"""What a step is asked: its material, its first request, and what of that is known without building it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.config import Kind
from regen_git.replay.again.inputs import Inputs, inputs_of
from regen_git.replay.context import shown_paths
from regen_git.replay.request import build_request, history_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import IntentId, RepoPath
    from regen_git.llm.client import Request
    from regen_git.replay.context import Lookup
    from regen_git.replay.plan import Step
    from regen_git.replay.request import Material
    from regen_git.replay.workbench import Desk

__all__ = ["Asks", "asked_for", "asks", "decided_by", "first_request", "material_of", "wrote_by"]


@dataclass(frozen=True, slots=True)
class Asks:
    """What a step asks: the digest of its first request, and the inputs that this was made from.

    ``request`` is there only if it had to be built.
    """

    inputs: Inputs
    digest: str
    request: Request | None = None


def asks(desk: Desk, step: Step, now: Lookup, sample: int) -> Asks:
    """Return what a step asks on the tree that ``now`` shows, without building it where that was done before.

    All that a request says follows from the step's own commits, what is known of them, and the files that
    it shows as they are now.
    """
    memory = desk.memory
    key = b""
    if memory is not None:
        files = [(path, now.leaf(path)) for path in (*wrote_by(desk, step), *step.shows)]
        key = memory.key("asks", decided_by(desk, step), sample, files)
        known = memory.get(key)
        if known is not None:
            return Asks(dict(known["inputs"]), str(known["digest"]))
    material = material_of(desk, step, now)
    request = _request(desk, material, sample, desk.options.context_tokens)
    found = Asks(inputs_of(material, desk.options), request.digest, request)
    if memory is not None:
        memory.put(key, {"inputs": found.inputs, "digest": found.digest})
    return found


def decided_by(desk: Desk, step: Step) -> tuple[object, ...]:
    """Return what decides a step's request beside the files that it shows, and its result beside its base."""
    options, group, ids = desk.options, desk.group(step), asked_for(desk, step)
    resolution = desk.resolutions.get(step.index)
    return (
        (options.model, sorted(options.parameters.items()), options.context_tokens, options.mode),
        step.commit,
        [(each.commit, each.wrote) for each in group],
        [(f.bindings, f.void, f.mark) for f in (desk.facts[each.index] for each in group)],
        [desk.intents[intent] for intent in ids],
        resolution.notes if resolution else (),
        _elsewhere(desk, step, ids),
    )


def first_request(desk: Desk, step: Step, now: Lookup, sample: int = 0, room: int | None = None) -> Request:
    """Return what is asked first for a step; a group is asked for at once, at its first step.

    History answers without reading: for it, naming the commit is enough. ``room`` is how many tokens it may
    have, in the place of what the options say; what people asked and the files to write are always in it.
    """
    if desk.options.is_original:
        return history_request(desk.options.model, step.intents, step.commit)
    material = material_of(desk, step, now)
    return _request(desk, material, sample, desk.options.context_tokens if room is None else room)


def material_of(desk: Desk, step: Step, now: Lookup) -> Material:
    """Return all that a step's request may hold."""
    group = desk.group(step)
    ids = asked_for(desk, step)
    resolution = desk.resolutions.get(step.index)
    return desk.surroundings.material(
        desk.facts[group[-1].index],
        [desk.intents[intent] for intent in ids],
        now,
        wrote=wrote_by(desk, step),
        shows=step.shows or _shows(desk, step),
        parent=desk.original_parent(step),
        elsewhere=_elsewhere(desk, step, ids),
        notes=tuple(f"A person adds: {note}" for note in (resolution.notes if resolution else ())),
        beside=_migrations(desk, group),
    )


def _request(desk: Desk, material: Material, sample: int, room: int) -> Request:
    options = desk.options
    return build_request(
        material, model=options.model, parameters=options.parameters, sample=sample, context_tokens=room
    )


def wrote_by(desk: Desk, step: Step) -> tuple[RepoPath, ...]:
    """Return the paths that a step's group is asked for."""
    return tuple(dict.fromkeys(path for each in desk.group(step) for path in each.wrote))


def _shows(desk: Desk, step: Step) -> tuple[RepoPath, ...]:
    """Return what a plan that asks nothing ahead did not look up."""
    if not desk.options.locked:
        return ()
    return shown_paths(desk.store, desk.facts[step.index], desk.original_parent(step))


def asked_for(desk: Desk, step: Step) -> tuple[IntentId, ...]:
    """Return the intents of the step's group, in order."""
    return tuple(dict.fromkeys(intent for each in desk.group(step) for intent in each.intents))


def _migrations(desk: Desk, steps: Sequence[Step]) -> tuple[RepoPath, ...]:
    """Return the migrations that these commits brought: code that stores data cannot be written without."""
    found: dict[RepoPath, None] = {}
    for step in steps:
        facts = desk.facts[step.index]
        found.update((c.path, None) for c in facts.changes if facts.kinds[c.path] is Kind.APPEND)
    return tuple(found)


def _elsewhere(desk: Desk, step: Step, ids: Sequence[IntentId]) -> tuple[str, ...]:
    """Say what other commits of the same intents cover, so that this one does not do their part."""
    mine = set(step.members) or {step.index}
    others = {other.index: other for one in ids for other in desk.steps_of.get(one, ())}
    return tuple(
        f"another commit, '{other.subject}', answers the same request in {', '.join(other.wrote)}"
        for index, other in sorted(others.items())
        if index not in mine
    )
