"""What generating a spec may cost, from its pages and the files so far: nothing is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.git.trees import lookup
from regen_git.llm.client import estimate_tokens, prompt_estimate
from regen_git.llm.prices import lookup as price_of
from regen_git.replay.estimate import REPAIRS_EXPECTED, Estimate
from regen_git.replay.folded.agreeing import material
from regen_git.replay.folded.asking import interfaces_request, module_request

if TYPE_CHECKING:
    from regen_git.replay.folded.planning import FoldedPrepared, Unit

__all__ = ["estimate_spec"]

_REPLY_PER_PAGE = 6
"""Tokens of code for a token of specification, where there is no code yet to go by."""

_INTERFACE_TOKENS = 300
"""Tokens of one module's interface, about."""


def estimate_spec(prepared: FoldedPrepared) -> Estimate:
    """Build the requests of the modules that must run, and take their files so far for the replies."""
    options = prepared.options
    running = [unit for unit in prepared.units if unit.why]
    asked = answered = 0
    if prepared.has_interfaces and running:
        names = [unit.module.name for unit in running]
        request = interfaces_request(
            material(prepared, {}, ()),
            names,
            model=options.model,
            parameters=options.parameters,
            room=options.context_tokens,
        )
        asked += prompt_estimate(request)
        answered += _INTERFACE_TOKENS * len(names)
    for unit in running:
        request = module_request(
            unit.asked,
            unit.module.name,
            model=options.model,
            parameters=options.parameters,
            sample=0,
            room=options.context_tokens,
        )
        known = len(unit.module.needs) + len(unit.module.agreed) + int(prepared.has_interfaces)
        asked += prompt_estimate(request) + known * _INTERFACE_TOKENS
        answered += _reply_tokens(prepared, unit)
    asked, answered = round(asked * (1 + REPAIRS_EXPECTED)), round(answered * (1 + REPAIRS_EXPECTED))
    price = None if options.is_original else price_of(options.model)
    cost = price.cost(asked, answered) if price is not None else None
    return Estimate(asked + answered, cost, None)


def _reply_tokens(prepared: FoldedPrepared, unit: Unit) -> int:
    store = prepared.repo.objects
    leaves = (lookup(store, unit.own, path) for path in unit.module.files)
    texts = (store.blob(leaf.oid).decode("utf-8", "replace") for leaf in leaves if leaf is not None)
    so_far = sum(estimate_tokens(text) for text in texts)
    pages = sum(estimate_tokens(text) for text in unit.asked.pages.values())
    return so_far or pages * _REPLY_PER_PAGE
