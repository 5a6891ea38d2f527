"""What a locked replay follows: the replies and the resolutions that provenance names, by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.git.refs import read_ref
from regen_git.replay.follow import own_replies
from regen_git.replay.provenance import Provenance, recorded_anywhere, recorded_on
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
