"""What a replay may cost, from the original files alone: nothing is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.git.commits import read_commit
from regen_git.git.trees import lookup
from regen_git.llm.client import estimate_tokens, prompt_estimate
from regen_git.llm.prices import lookup as price_of
from regen_git.replay.answers import render_history
from regen_git.replay.context import Lookup, Surroundings
from regen_git.replay.plan import Kind
from regen_git.replay.request import build_request

if TYPE_CHECKING:
    from regen_git.domain.ids import RepoPath
    from regen_git.llm.client import Request
    from regen_git.replay.plan import Step
    from regen_git.replay.prepare import Prepared

__all__ = ["Estimate", "estimate", "request_of"]

REPAIRS_EXPECTED = 0.25
"""Repairs a step, as an expectation; a repair costs about what the first request and reply did."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens in all; US dollars, ``None`` without a known price; seconds of checks, if ever measured.

    ``carry_calls``: changes of people that meet regenerated code; each may need one call, which is counted.
    """

    tokens: int
    cost_usd: float | None
    check_seconds: float | None
    carry_calls: int = 0


def estimate(prepared: Prepared) -> Estimate:
    """Build every request on the original trees and take the original files for the replies."""
    surroundings = Surroundings(prepared.repo.objects, prepared.ownership)
    asked = answered = 0
    for step in prepared.plan.steps:
        if step.kind is Kind.REGENERATED and step.joins is None:
            one, other = _step_tokens(prepared, surroundings, step)
            asked += one
            answered += other
    carries = _carry_tokens(prepared)
    asked, answered = asked + 2 * sum(carries), answered + sum(carries)
    asked, answered = round(asked * (1 + REPAIRS_EXPECTED)), round(answered * (1 + REPAIRS_EXPECTED))
    price = None if prepared.options.is_original else price_of(prepared.options.model)
    cost = price.cost(asked, answered) if price is not None else None
    return Estimate(asked + answered, cost, _check_seconds(prepared), len(carries))


def _carry_tokens(prepared: Prepared) -> list[int]:
    """Return, for each change of a person that meets regenerated code, the tokens of its file."""
    store = prepared.repo.objects
    regenerated: set[RepoPath] = set()
    found: list[int] = []
    for step, facts in zip(prepared.plan.steps, prepared.facts, strict=True):
        regenerated.update(step.wrote)
        left = {*step.wrote, *facts.dropped}
        for change in facts.changes:
            is_person_s = change.path not in left and not facts.kinds[change.path].is_frozen
            if is_person_s and change.path in regenerated and change.new is not None:
                found.append(estimate_tokens(store.blob(change.new.oid).decode("utf-8", "replace")))
    return found


def request_of(prepared: Prepared, step: Step) -> Request:
    """Return the request for a step as it is on the original trees."""
    surroundings = Surroundings(prepared.repo.objects, prepared.ownership)
    return _request(prepared, surroundings, step)[0]


def _step_tokens(prepared: Prepared, surroundings: Surroundings, step: Step) -> tuple[int, int]:
    request, reply = _request(prepared, surroundings, step)
    return prompt_estimate(request), estimate_tokens(reply)


def _request(prepared: Prepared, surroundings: Surroundings, step: Step) -> tuple[Request, str]:
    """Return the request on the original trees, and the reply that history gives to it."""
    store = prepared.repo.objects
    facts = prepared.facts[step.index]
    parents = facts.parents
    parent = read_commit(store, parents[0]).tree if parents else None
    now = Lookup(store, lambda path: lookup(store, parent, path) if parent else None)
    material = surroundings.material(
        facts, facts.intents, now, wrote=step.wrote, shows=step.shows, parent=parent
    )
    options = prepared.options
    request = build_request(
        material, model=options.model, parameters=options.parameters, context_tokens=options.context_tokens
    )
    return request, render_history(store, parent, facts.tree, step.wrote)


def _check_seconds(prepared: Prepared) -> float | None:
    """Return about how long the checks take, by earlier runs of them; ``None`` if none ran yet."""
    from regen_git.verify.cache import ResultCache

    if not prepared.settings.checks:
        return None
    per_run = ResultCache(prepared.repo.data_dir / "checks").typical_seconds()
    if per_run is None:
        return None
    asked = sum(s.kind is Kind.REGENERATED and s.is_last_of_group for s in prepared.plan.steps)
    # Each judged step runs its checks once and its baseline twice.
    return per_run * len(prepared.settings.checks) * 3 * (asked + 1)
