"""What a locked replay follows: the replies and the resolutions that provenance names, by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from regen_git.git.refs import read_ref
from regen_git.replay.follow import own_replies
from regen_git.replay.provenance import Provenance, recorded_anywhere, recorded_on, recorded_on_commit
from regen_git.replay.workbench import Resolution

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.replay.prepare import Prepared

__all__ = ["Lock", "read_lock"]


@dataclass(frozen=True)
class Lock:
    """What is followed; all empty for a replay that is not locked.

    ``named`` maps a request's digest to the reply that became a commit; ``followed`` and ``resolved`` go by
    the index of a step.
    """

    named: dict[str, str] = field(default_factory=dict)
    followed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    resolved: dict[int, Resolution] = field(default_factory=dict)


def read_lock(prepared: Prepared) -> Lock:
    """Read what provenance says of the steps of a locked replay."""
    if not prepared.options.locked:
        return Lock()
    if prepared.options.is_from_spec:
        return _of_modules(prepared)
    by_commit = prepared.plan.by_commit
    lock = Lock()
    for source, provenance in _provenance_of(prepared).items():
        index = by_commit[source]
        for reply in provenance.replies:
            digest, _, reply_id = reply.partition("/")
            lock.named.setdefault(digest, reply_id)
        if provenance.resolved:
            lock.resolved[index] = Resolution(tree=provenance.tree)
        elif provenance.request and (refs := own_replies(provenance.request, provenance.replies)):
            lock.followed[index] = refs
    return lock


def _provenance_of(prepared: Prepared) -> dict[Oid, Provenance]:
    """Return the provenance of each step, by source commit.

    That on the replay's own branch counts first, then any by the same model and mode, as notes have it.
    """
    options, repo = prepared.options, prepared.repo
    wanted = set(prepared.plan.by_commit)
    known: dict[Oid, Provenance] = {}

    def take(provenance: Provenance) -> None:
        fits = provenance.source in wanted and provenance.model in ("", options.model)
        if fits and provenance.raw.get("mode", options.mode) == options.mode:
            known.setdefault(provenance.source, provenance)

    tip = read_ref(repo, options.branch)
    for _, provenance in recorded_on(repo, [tip]) if tip else ():
        take(provenance)
    if len(known) < len(wanted):
        for provenance in recorded_anywhere(repo):
            take(provenance)
    return known


def _of_modules(prepared: Prepared) -> Lock:
    """Read what provenance says of each module of a spec: that on the branch first, then any other."""
    options, repo = prepared.options, prepared.repo
    of_modules = (step for step in prepared.plan.steps if step.subject.startswith("module "))
    position = {step.subject.removeprefix("module "): step.index for step in of_modules}
    lock = Lock()
    seen: set[int] = set()
    tip = read_ref(repo, options.branch)
    on_branch = recorded_on_commit(repo, tip) if tip else ()
    for provenance in chain(on_branch, recorded_anywhere(repo)):
        index = position.get(str(provenance.raw.get("module", "")))
        fits = provenance.source == options.tip and provenance.model == options.model
        fits = fits and provenance.raw.get("kind") == "module"
        if index is None or not fits or provenance.raw.get("mode") != options.mode:
            continue
        if index in seen:
            continue
        seen.add(index)
        if "kept" in provenance.raw:
            continue
        if provenance.resolved:
            lock.resolved[index] = Resolution(tree=provenance.tree)
        elif provenance.request and (refs := own_replies(provenance.request, provenance.replies)):
            lock.followed[index] = refs
    return lock
