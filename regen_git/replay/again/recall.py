"""What a step came to before, taken again where all that decided it is the same: nothing is asked or read.

Two shortcuts, and both give what the whole way gives. Where a step stands on the very tree it stood on
before, its result is known. Where only other files changed, its request is known to be the same, and the
recorded reply is put onto the tree and judged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from regen_git.domain.intent import LineRange
from regen_git.domain.verdict import Verdict
from regen_git.git.trees import Leaf
from regen_git.replay.answers import Models, Recorded
from regen_git.replay.asking import decided_by
from regen_git.replay.attempt import Reading, apply_reply, checks_now, judged
from regen_git.replay.follow import own_replies
from regen_git.replay.people.carry import Carried, How, Part
from regen_git.replay.workbench import Made

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.replay.attempt import Ground
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench

__all__ = ["answered_before", "recall", "remember"]


async def recall(bench: Workbench, step: Step, base: Oid, sample: int) -> Made | None:
    """Return what the step came to on this very tree, from this sample on; ``None`` where nobody knows.

    It counts as long as the same replies would be read again, and the checks, where they run, say no other.
    """
    if bench.memory is None or step.index in bench.resolutions:
        return None
    made = _decoded(bench.memory.get(_key(bench, step, base, sample)))
    if made is None or made.tree not in bench.store or not _is_followed(bench, step, made):
        return None
    if checks_now(bench, step, made.tree):
        bench.on_state(step, "checking")
        verification = await bench.judge.checks(bench.facts[step.index], made.tree)
        if verification.verdict is Verdict.FAIL:
            return None
        made = replace(made, verification=verification)
    bench.answers.tally.reused += len(made.replies)
    return made


def remember(bench: Workbench, step: Step, base: Oid, sample: int, made: Made) -> None:
    """Keep what the step came to. What a person decided is not kept, nor what no reply stands for."""
    is_asked = step.joins is None
    if bench.memory is None or made.resolved or step.index in bench.resolutions:
        return
    if bench.options.locked or made.sample != sample or (is_asked and not made.replies):
        return
    if made.verification is None and checks_now(bench, step, made.tree):
        return
    bench.memory.put(_key(bench, step, base, sample), _encoded(made))


async def answered_before(bench: Workbench, step: Step, ground: Ground, request: str) -> Made | None:
    """Return what the recorded reply to this request comes to, if it is accepted as it is."""
    if not isinstance(bench.answers, Models):
        return None
    found = bench.answers.store.get(request)
    if not found or found[0][1].finish == "length":
        return None
    reply_id, reply = found[0]
    reading = Reading(reply.text, reply.finish, (f"{request}/{reply_id}",))
    tried = apply_reply(bench, step, ground, ground.tree, reading)
    if not tried.findings:
        tried = await judged(bench, step, tried)
    if tried.findings:
        return None
    bench.answers.count_reused(request)
    used = (*ground.replies, *tried.replies)
    return Made(tried.tree, ground.carried, used, request, tried.ignored, tried.verification, attempts=1)


def _key(bench: Workbench, step: Step, base: Oid, sample: int) -> bytes:
    if bench.memory is None:
        raise AssertionError("there is nothing to look in")
    # Which names may go depends on all commits before; how migrations are judged, on releases and the end.
    end = bench.facts[-1].tree if bench.ownership.appends else ""
    judged_by = (bench.pasts[step.index], bench.releases.get(step.commit), end)
    return bench.memory.key("comes to", decided_by(bench, step), sample, judged_by, base)


def _is_followed(bench: Workbench, step: Step, made: Made) -> bool:
    """Return whether the whole way would read these replies, too: the named ones, or the first of each."""
    answers = bench.answers
    if isinstance(answers, Recorded):
        named = bench.followed.get(step.index)
        if named is None:
            return step.joins is not None and not made.replies
        return own_replies(made.request, made.replies) == named and all(map(answers.store.has, made.replies))
    if not isinstance(answers, Models):
        return False
    parts = (reply.partition("/") for reply in made.replies)
    return all(answers.store.first(digest) == reply_id for digest, _, reply_id in parts)


def _encoded(made: Made) -> dict[str, Any]:
    return {
        "tree": made.tree,
        "carried": [_plain_change(each) for each in made.carried],
        "replies": made.replies,
        "request": made.request,
        "ignored": made.ignored,
        "attempts": made.attempts,
        "sample": made.sample,
        "inputs": made.inputs,
        "inside": None if made.inside is None else [_plain_change(each) for each in made.inside],
    }


def _plain_change(each: Carried) -> list[Any]:
    return [each.path, each.leaf, each.base, each.theirs, [_plain(part) for part in each.parts]]


def _plain(part: Part) -> list[Any]:
    ranges = [each and (each.first, each.last) for each in (part.old, part.new)]
    return [*ranges, part.how.value, part.why, part.commit]


def _part(told: list[Any]) -> Part:
    old, new, how, why, commit = told
    return Part(old and LineRange(*old), new and LineRange(*new), How(how), why, commit)


def _leaf(told: list[Any] | None) -> Leaf | None:
    return None if told is None else Leaf(*told)


def _changes(told: list[Any]) -> tuple[Carried, ...]:
    return tuple(
        Carried(path, _leaf(leaf), tuple(_part(part) for part in parts), _leaf(base), _leaf(theirs))
        for path, leaf, base, theirs, parts in told
    )


def _decoded(told: Any) -> Made | None:
    """Return what was kept; ``None`` for what this version does not read."""
    try:
        carried, inside = _changes(told["carried"]), told["inside"]
        return Made(
            tree=told["tree"],
            carried=carried,
            replies=tuple(told["replies"]),
            request=told["request"],
            ignored=tuple(told["ignored"]),
            attempts=told["attempts"],
            sample=told["sample"],
            inputs=tuple((kind, digest) for kind, digest in told["inputs"]),
            inside=None if inside is None else _changes(inside),
        )
    except (TypeError, KeyError, ValueError):
        return None
