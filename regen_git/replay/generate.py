"""Regenerate one step: ask, read, compose, judge; repair twice, sample afresh, repair twice, then stuck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.config import Kind
from regen_git.errors import ModelError
from regen_git.git.trees import edit, lookup
from regen_git.llm.client import prompt_estimate
from regen_git.replay.answers import Recorded
from regen_git.replay.attempt import Attempt, Ground, attempt, judged, keep_hand
from regen_git.replay.byhand import apply_history
from regen_git.replay.context import shown_paths
from regen_git.replay.follow import follow
from regen_git.replay.request import build_request, history_request, repair_request
from regen_git.replay.workbench import Made, StuckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import IntentId, Oid, RepoPath
    from regen_git.llm.client import Request
    from regen_git.replay.context import Lookup
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench

__all__ = ["first_request", "regenerate", "settle_group"]

_ABOUT_STEP = frozenset({"long", "endless"})
"""Failures of a model that say nothing about its other answers: a person is wanted at this step."""

SAMPLES = 2
REPAIRS = 2


@dataclass
class _Candidate:
    """The best state so far: it is what a person finds when the step is stuck.

    ``is_too_long`` says that its first request was more than the model takes.
    """

    tree: Oid
    findings: tuple[str, ...]
    score: tuple[int, int, int]
    is_too_long: bool = False


def first_request(
    bench: Workbench, step: Step, now: Lookup, sample: int = 0, room: int | None = None
) -> Request:
    """Return what is asked first for a step; a group is asked for at once, at its first step.

    History answers without reading: for it, naming the commit is enough. ``room`` is how many tokens it may
    have, in the place of what the options say; what people asked and the files to write are always in it.
    """
    if bench.options.is_original:
        return history_request(bench.options.model, step.intents, step.commit)
    steps = [bench.plan.steps[index] for index in step.members] or [step]
    last = bench.facts[steps[-1].index]
    ids = _asked_for(bench, step)
    wrote = tuple(dict.fromkeys(path for each in steps for path in each.wrote))
    resolution = bench.resolutions.get(step.index)
    material = bench.surroundings.material(
        last,
        [bench.intents[intent] for intent in ids],
        now,
        wrote=wrote,
        shows=step.shows or _shows(bench, step),
        parent=bench.original_parent(step),
        elsewhere=_elsewhere(bench, step, set(ids)),
        notes=tuple(f"A person adds: {note}" for note in (resolution.notes if resolution else ())),
        beside=_migrations(bench, steps),
    )
    return build_request(
        material,
        model=bench.options.model,
        parameters=bench.options.parameters,
        sample=sample,
        context_tokens=bench.options.context_tokens if room is None else room,
    )


def _shows(bench: Workbench, step: Step) -> tuple[RepoPath, ...]:
    """Return what a plan that asks nothing ahead did not look up."""
    if not bench.options.locked:
        return ()
    return shown_paths(bench.store, bench.facts[step.index], bench.original_parent(step))


def _asked_for(bench: Workbench, step: Step) -> tuple[IntentId, ...]:
    """Return the intents of the step's group, in order."""
    steps = [bench.plan.steps[index] for index in step.members] or [step]
    return tuple(dict.fromkeys(intent for each in steps for intent in each.intents))


def _migrations(bench: Workbench, steps: Sequence[Step]) -> tuple[RepoPath, ...]:
    """Return the migrations that these commits brought: code that stores data cannot be written without."""
    found: dict[RepoPath, None] = {}
    for step in steps:
        facts = bench.facts[step.index]
        found.update((c.path, None) for c in facts.changes if facts.kinds[c.path] is Kind.APPEND)
    return tuple(found)


def _elsewhere(bench: Workbench, step: Step, ids: set[str]) -> tuple[str, ...]:
    """Say what other commits of the same intents cover, so that this one does not do their part."""
    mine = set(step.members) or {step.index}
    return tuple(
        f"another commit, '{other.subject}', answers the same request in {', '.join(other.wrote)}"
        for other in bench.plan.steps
        if other.index not in mine and other.wrote and ids & set(other.intents)
    )


async def regenerate(bench: Workbench, step: Step, base: Oid) -> Made:
    """Return what the step comes to on ``base``. Raises ``StuckError`` when a person is wanted."""
    ground = await _lay_ground(bench, step, base)
    done = await _without_asking(bench, step, ground)
    if done is not None:
        return done
    best: _Candidate | None = None
    for sample in range(SAMPLES if not bench.options.is_original else 1):
        bench.on_state(step, "generating")
        made = await _sample(bench, step, ground, base, sample)
        if isinstance(made, Made):
            return made
        if best is None or made.score < best.score:
            best = made
        if made.is_too_long:
            break
    if best is None:
        raise AssertionError("a step has at least one sample")
    raise StuckError(step, best.findings, best.tree)


async def _sample(bench: Workbench, step: Step, ground: Ground, base: Oid, sample: int) -> Made | _Candidate:
    """Try one sample; where its request is too long for the model, with half of it, then with the least."""
    request = first_request(bench, step, bench.now(base), sample)
    made = await _try_sample(bench, step, request, ground)
    for room in (prompt_estimate(request) // 2, 0):
        if isinstance(made, Made) or not made.is_too_long:
            return made
        shorter = first_request(bench, step, bench.now(base), sample, room)
        if shorter != request:
            request = shorter
            made = await _try_sample(bench, step, request, ground)
    return made


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


async def _try_sample(bench: Workbench, step: Step, request: Request, ground: Ground) -> Made | _Candidate:
    """Ask once and repair; return what was accepted, or the best of what was not."""
    first = request.digest
    best: _Candidate | None = None
    used: tuple[str, ...] = ground.replies
    seen: set[tuple[str, ...]] = set()
    current = ground.tree
    for number in range(1 + (REPAIRS if not bench.options.is_original else 0)):
        try:
            tried = await attempt(bench, step, request, ground, current)
        except ModelError as error:
            if error.kind not in _ABOUT_STEP:
                raise
            left = _Candidate(current, (f"- {error}", f"- {error.hint}"), (2, 1, 0), error.kind == "long")
            return best or left
        used += tried.replies
        if not tried.findings:
            return Made(
                tried.tree,
                ground.carried,
                used,
                first,
                tried.ignored,
                tried.verification,
                attempts=number + 1,
            )
        if best is None or tried.score < best.score:
            best = _Candidate(tried.tree, tried.findings, tried.score)
        if tried.findings in seen or tried.is_refused:
            break
        seen.add(tried.findings)
        bench.on_state(step, "repairing")
        heading = f"Intent {' '.join(_asked_for(bench, step))}, repair {number + 1}"
        request = repair_request(request, tried.text, heading, tried.findings)
        current = tried.tree
    if best is None:
        raise AssertionError("a sample has at least one attempt")
    return best


async def settle_group(bench: Workbench, step: Step, base: Oid) -> Made:
    """Finish a step whose prompts were asked for at an earlier one: judge here, and repair if that fails."""
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
    heading = f"Intent {' '.join(_asked_for(bench, step))}, repair 0"
    request = repair_request(asked, "(the files as they are now)", heading, tried.findings)
    made = await _try_sample(bench, step, request, ground)
    if isinstance(made, Made):
        return made
    raise StuckError(step, made.findings, made.tree)
