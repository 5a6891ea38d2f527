"""What a model's tokens cost, from the table that litellm's package brings along.

The table is read as a file: importing litellm takes seconds, and a plan must not wait for that.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Price", "lookup", "read_price"]

_TABLE = "model_prices_and_context_window_backup.json"
_ABOVE = re.compile(r"(input|output)_cost_per_token_above_(\d+)k_tokens")
_MODES = ("chat", "completion", "responses")

# Served from the user's own machine: no table lists every model, and nobody sends a bill.
_OWN_MACHINE = ("ollama", "ollama_chat", "llamafile", "lm_studio")


@dataclass(frozen=True, slots=True)
class Tier:
    """Prices, in US dollars a token, of a request whose prompt has more than ``above`` tokens."""

    above: int
    input_usd_per_token: float
    output_usd_per_token: float


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars a token, and the most tokens a model takes and gives; ``None`` where that is not known.

    ``tiers`` are the prices of long prompts, longest first.
    """

    input_usd_per_token: float
    output_usd_per_token: float
    max_input: int | None = None
    max_output: int | None = None
    tiers: tuple[Tier, ...] = ()

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return US dollars for one call, nothing of it cached."""
        price: Price | Tier = self
        for tier in self.tiers:
            if prompt_tokens > tier.above:
                price = tier
                break
        return prompt_tokens * price.input_usd_per_token + completion_tokens * price.output_usd_per_token


def lookup(model: str) -> Price | None:
    """Return what a model costs, or ``None`` when the table does not say.

    ``model`` is written as litellm takes it: ``gpt-4o``, ``openai/gpt-4o``, ``anthropic/…``, ``ollama/…``.
    """
    table = _table()
    provider, _, name = model.partition("/")
    entry = table.get(model)
    if entry is None and name and _serves(provider, table.get(name)):
        entry = table.get(name)
    if entry is not None:
        return read_price(entry)
    return Price(0.0, 0.0) if name and provider in _OWN_MACHINE else None


def read_price(entry: Mapping[str, Any]) -> Price | None:
    """Return the prices that one entry of the table states, or ``None`` when it has none for text."""
    if entry.get("mode") not in _MODES:
        return None
    base_in, base_out = _usd(entry.get("input_cost_per_token")), _usd(entry.get("output_cost_per_token"))
    if base_in is None or base_out is None:
        return None
    # Thinking is billed as output, for a few models at a price of its own: the dearer one holds.
    base_out = max(base_out, _usd(entry.get("output_cost_per_reasoning_token")) or 0.0)
    steps = sorted({int(found[2]) for key in entry if (found := _ABOVE.fullmatch(key))}, reverse=True)
    tiers = []
    for step in steps:
        dear_in = _usd(entry.get(f"input_cost_per_token_above_{step}k_tokens"))
        dear_out = _usd(entry.get(f"output_cost_per_token_above_{step}k_tokens"))
        tiers.append(
            Tier(
                step * 1000,
                base_in if dear_in is None else dear_in,
                base_out if dear_out is None else max(dear_out, base_out),
            )
        )
    return Price(
        base_in,
        base_out,
        _count(entry.get("max_input_tokens")),
        _count(entry.get("max_output_tokens")),
        tuple(tiers),
    )


def _serves(provider: str, entry: Mapping[str, Any] | None) -> bool:
    """Return whether an entry listed without its provider is this one's (also ``vertex_ai-…``)."""
    listed = entry.get("litellm_provider") if entry is not None else None
    return isinstance(listed, str) and (
        listed.removesuffix("_converse") == provider or listed.startswith(provider + "-")
    )


def _usd(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


@cache
def _table() -> dict[str, Any]:
    """Read the table once; empty when the package is not there or brings none."""
    found = find_spec("litellm")
    for folder in found.submodule_search_locations or () if found is not None else ():
        try:
            table = json.loads((Path(folder) / _TABLE).read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(table, dict):
            return {name: entry for name, entry in table.items() if isinstance(entry, dict)}
    return {}
