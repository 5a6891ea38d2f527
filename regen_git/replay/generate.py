"""Regenerate one step: ask, read, compose, judge; repair twice, sample afresh, repair twice, then stuck."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from regen_git.git.trees import edit, lookup
from regen_git.replay.again.recall import answered_before, recall, remember
from regen_git.replay.answers import Recorded
from regen_git.replay.asking import Asks, asked_for, asks, first_request
from regen_git.replay.attempt import Attempt, Ground, attempt, judged, keep_hand
from regen_git.replay.follow import follow
from regen_git.replay.people.byhand import apply_history, compared
from regen_git.replay.request import repair_request
from regen_git.replay.trying import REPAIRS, SAMPLES, Failed, repaired, shortened
from regen_git.replay.workbench import First, Made, StuckError

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.llm.client import Request
    from regen_git.replay.context import Lookup
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench

__all__ = ["begun_with", "regenerate", "settle_group"]


async def regenerate(bench: Workbench, step: Step, base: Oid) -> Made:
    """Return what the step comes to on ``base``. Raises ``StuckError`` when a person is wanted."""
    if bench.options.is_original:
        return await _as_before(bench, step, base)
    begin = bench.samples.get(step.index, First(0))
    known = await recall(bench, step, base, begin.sample)
    if known is not None:
        return known
    ground = await _lay_ground(bench, step, base)
    done = await _without_asking(bench, step, ground)
    if done is not None:
        return done
    first, asked = begun_with(bench, step, bench.now(base))
    made = await _samples(bench, step, ground, base, (first, asked))
    made = compared(bench, step, replace(made, inputs=tuple(asked.inputs.items())))
    if made.request == asked.digest:
        remember(bench, step, base, first, made)
    return made


def begun_with(bench: Workbench, step: Step, now: Lookup) -> tuple[int, Asks]:
    """Return the number of the first sample, and what is asked with it.

    Where the number comes from an earlier replay, it counts for what was asked then and for nothing else.
    """
    begin = bench.samples.get(step.index, First(0))
    asked = asks(bench, step, now, begin.sample)
    if begin.sample and begin.inputs is not None and begin.inputs != asked.inputs:
        return 0, asks(bench, step, now, 0)
    return begin.sample, asked


async def _as_before(bench: Workbench, step: Step, base: Oid) -> Made:
    """Return what history answers, or a locked replay of that follows."""
    ground = await _lay_ground(bench, step, base)
    done = await _without_asking(bench, step, ground)
    if done is not None:
        return done
    bench.on_state(step, "generating")
    made = await _sample(bench, step, ground, base, first_request(bench, step, bench.now(base)))
    if isinstance(made, Made):
        return made
    raise StuckError(step, made.findings, made.tree)


async def _samples(bench: Workbench, step: Step, ground: Ground, base: Oid, begin: tuple[int, Asks]) -> Made:
    """Try one sample after the other; the recorded reply to the first is read without its request."""
    first, asked = begin
    best: Failed | None = None
    bench.on_state(step, "generating")
    if asked.request is None:
        known = await answered_before(bench, step, ground, asked.digest)
        if known is not None:
            return replace(known, sample=first)
    for sample in range(first, first + SAMPLES):
        request = asked.request if sample == first else None
        request = request or first_request(bench, step, bench.now(base), sample)
        made = await _sample(bench, step, ground, base, request)
        if isinstance(made, Made):
            return replace(made, sample=sample)
        if best is None or made.score < best.score:
            best = made
        if made.is_too_long:
            break
        bench.on_state(step, "generating")
    if best is None:
        raise AssertionError("a step has at least one sample")
    raise StuckError(step, best.findings, best.tree)


async def _sample(bench: Workbench, step: Step, ground: Ground, base: Oid, request: Request) -> Made | Failed:
    """Try one sample, with less in its request where that is too long for the model."""
    return await shortened(
        request,
        lambda asked: _try_sample(bench, step, asked, ground),
        lambda room: first_request(bench, step, bench.now(base), request.sample, room),
    )


async def _lay_ground(bench: Workbench, step: Step, base: Oid) -> Ground:
    """Put history's part of the step onto ``base``."""
    tree, carried, replies = await apply_history(bench, step, base, step.wrote)
    return Ground(tree, carried, replies, frozenset(c.path for c in carried))


async def _without_asking(bench: Workbench, step: Step, ground: Ground) -> Made | None:
    """Return what a person decided, or what a locked replay follows; ``None`` where the model is asked."""
    resolved = _resolved(bench, step, ground)
    if resolved is None and step.index in bench.followed and isinstance(bench.answers, Recorded):
        return await follow(bench, step, ground, bench.answers.read)
    return resolved


def _resolved(bench: Workbench, step: Step, ground: Ground) -> Made | None:
    resolution = bench.resolutions.get(step.index)
    if resolution is not None and resolution.take_original:
        original = bench.facts[step.index].tree
        taken = {path: lookup(bench.store, original, path) for path in step.wrote}
        return Made(
            edit(bench.store, ground.tree, taken), ground.carried, ground.replies, resolved="original"
        )
    return None


async def _try_sample(bench: Workbench, step: Step, request: Request, ground: Ground) -> Made | Failed:
    """Ask once and repair; return what was accepted, or the best of what was not."""
    came = await repaired(
        request,
        ground.tree,
        lambda asked, current: attempt(bench, step, asked, ground, current),
        repairs=0 if bench.options.is_original else REPAIRS,
        heading=f"Intent {' '.join(asked_for(bench, step))}",
        on_repair=lambda: bench.on_state(step, "repairing"),
    )
    if isinstance(came, Failed):
        return came
    tried = came.attempt
    used = (*ground.replies, *came.replies)
    return Made(
        tried.tree,
        ground.carried,
        used,
        request.digest,
        tried.ignored,
        tried.verification,
        attempts=came.attempts,
    )


async def settle_group(bench: Workbench, step: Step, base: Oid) -> Made:
    """Finish a step whose prompts were asked for at an earlier one: judge here, and repair if that fails."""
    known = await recall(bench, step, base, 0)
    if known is not None:
        return known
    made = compared(bench, step, await _settle(bench, step, base))
    remember(bench, step, base, 0, made)
    return made


async def _settle(bench: Workbench, step: Step, base: Oid) -> Made:
    ground = await _lay_ground(bench, step, base)
    done = await _without_asking(bench, step, ground)
    if done is not None:
        return done
    tree, lost = keep_hand(bench, step, ground.tree)
    tried = Attempt("", tree, tuple(f"- {line}" for line in lost), (0, len(lost), 0), ())
    if not tried.findings and step.is_last_of_group:
        tried = await judged(bench, step, tried)
    if not tried.findings:
        return Made(tried.tree, ground.carried, ground.replies, verification=tried.verification)
    bench.on_state(step, "repairing")
    asked = first_request(bench, step, bench.now(tried.tree))
    heading = f"Intent {' '.join(asked_for(bench, step))}, repair 0"
    request = repair_request(asked, "(the files as they are now)", heading, tried.findings)
    made = await _try_sample(bench, step, request, ground)
    if isinstance(made, Made):
        return made
    raise StuckError(step, made.findings, made.tree)
