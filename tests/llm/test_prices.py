"""Prices come from the table in litellm's package."""

from __future__ import annotations

import pytest

from regen_git.llm.prices import Price, lookup, read_price

ENTRY = {
    "mode": "chat",
    "input_cost_per_token": 1e-6,
    "output_cost_per_token": 4e-6,
    "max_input_tokens": 1000,
}


def test_a_known_model_has_a_price_with_and_without_its_provider() -> None:
    plain = lookup("gpt-4o")
    assert plain is not None
    assert 0 < plain.input_usd_per_token < plain.output_usd_per_token < 0.01
    assert plain.max_input is not None
    assert plain.max_input > 10_000
    assert lookup("openai/gpt-4o") == plain


def test_a_name_of_another_provider_is_not_taken_for_it() -> None:
    assert lookup("mistral/gpt-4o") is None


def test_an_unknown_model_has_no_price() -> None:
    assert lookup("openai/a-model-nobody-sells") is None
    assert lookup("sample_spec") is None


def test_a_model_on_the_users_own_machine_costs_nothing() -> None:
    price = lookup("ollama/some-model-of-tomorrow:7b")
    assert price is not None
    assert price.cost(10**6, 10**6) == 0


def test_long_prompts_cost_what_their_tier_says() -> None:
    price = read_price(
        {
            **ENTRY,
            "input_cost_per_token_above_200k_tokens": 2e-6,
            "output_cost_per_token_above_200k_tokens": 6e-6,
        }
    )
    assert price is not None
    assert price.cost(200_000, 10) == pytest.approx(0.2 + 4e-5)
    assert price.cost(200_001, 10) == pytest.approx(0.400002 + 6e-5)


def test_thinking_at_a_dearer_price_sets_the_price_of_output() -> None:
    price = read_price({**ENTRY, "output_cost_per_reasoning_token": 9e-6})
    assert price is not None
    assert price.output_usd_per_token == 9e-6


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {**ENTRY, "mode": "embedding"},
        {**ENTRY, "input_cost_per_token": None},
        {**ENTRY, "output_cost_per_token": -1.0},
        {**ENTRY, "output_cost_per_token": "free"},
        {**ENTRY, "input_cost_per_token": True},
    ],
)
def test_an_entry_without_prices_for_text_gives_none(entry: dict[str, object]) -> None:
    assert read_price(entry) is None


def test_limits_that_are_no_numbers_are_unknown() -> None:
    assert read_price({**ENTRY, "max_input_tokens": "lots"}) == Price(1e-6, 4e-6)
