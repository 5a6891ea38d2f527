"""A budget is never exceeded, whatever the order of calls and whatever servers report."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.errors import BudgetError
from regen_git.llm.budget import Budget, Reservation
from regen_git.llm.client import Message, Reply, Request, Usage, estimate_tokens, prompt_bound
from regen_git.llm.prices import Price

PRICE = Price(1e-6, 5e-6)
ASKED = Request("openai/gpt-4o", (Message("user", "x" * 1000),))
WORST_USD = PRICE.cost(prompt_bound(ASKED), 1000)
WORST_TOKENS = prompt_bound(ASKED) + 1000


def reply(
    prompt: int = 250, completion: int = 100, cost: float | None = None, text: str = "y" * 350
) -> Reply:
    return Reply(text, "stop", Usage(prompt, completion), cost, "gpt-4o")


def test_the_worst_case_is_reserved_and_the_real_cost_remains() -> None:
    budget = Budget(limit_usd=1.0)
    held = budget.reserve(ASKED, 1000, PRICE)
    assert budget.reserved_usd == pytest.approx(WORST_USD)
    assert budget.spent_usd == 0
    assert budget.settle(held, reply(cost=0.0007)) == 0.0007
    assert budget.reserved_usd == 0
    assert budget.spent_usd == 0.0007
    assert budget.spent_tokens == 350


def test_a_call_that_may_cost_too_much_is_refused_with_both_figures() -> None:
    budget = Budget(limit_usd=0.005)
    with pytest.raises(
        BudgetError, match=r"may cost \$0\.0061, and \$0\.0050 of \$0\.0050 is left"
    ) as caught:
        budget.reserve(ASKED, 1000, PRICE)
    assert "--budget" in caught.value.hint
    assert budget.reserved_usd == 0


def test_calls_in_flight_count_against_the_limit() -> None:
    budget = Budget(limit_usd=WORST_USD * 1.5)
    first = budget.reserve(ASKED, 1000, PRICE)
    with pytest.raises(BudgetError):
        budget.reserve(ASKED, 1000, PRICE)
    budget.release(first)
    budget.reserve(ASKED, 1000, PRICE)


def test_a_limit_in_tokens_needs_no_price() -> None:
    budget = Budget(limit_tokens=WORST_TOKENS)
    held = budget.reserve(ASKED, 1000, None)
    budget.settle(held, reply())
    assert (budget.spent_tokens, budget.spent_usd) == (350, 0)
    with pytest.raises(BudgetError, match=r"2080 tokens, and 1730 of 2080 are left") as caught:
        budget.reserve(ASKED, 1000, None)
    assert "--budget-tokens" in caught.value.hint


def test_a_limit_in_dollars_without_a_price_asks_for_a_limit_in_tokens() -> None:
    with pytest.raises(BudgetError, match="no price is known for model 'openai/gpt-4o'") as caught:
        Budget(limit_usd=5.0).reserve(ASKED, 1000, None)
    assert "--budget-tokens" in caught.value.hint


def test_a_model_that_costs_nothing_fits_a_budget_of_nothing() -> None:
    budget = Budget(limit_usd=0.0)
    held = budget.reserve(ASKED, 1000, Price(0.0, 0.0))
    assert budget.settle(held, reply(cost=0.0)) == 0


def test_without_limits_everything_fits_and_is_counted() -> None:
    budget = Budget()
    held = budget.reserve(ASKED, 10**9, None)
    budget.settle(held, reply(cost=0.25))
    assert budget.spent_usd == 0.25


def test_a_prompt_beyond_what_the_model_takes_is_not_reserved_for() -> None:
    held = Budget(limit_usd=1.0).reserve(ASKED, 0, Price(1e-6, 5e-6, max_input=600))
    assert held.prompt_tokens == 600


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (Usage(0, 0), (290, 100)),
        (Usage(-5, -7), (290, 100)),
        (Usage(250, 10**15), (250, 1000)),
        (Usage(10**15, 100), (prompt_bound(ASKED), 100)),
    ],
)
def test_figures_that_cannot_be_true_are_replaced(usage: Usage, counted: tuple[int, int]) -> None:
    budget = Budget(limit_usd=1.0)
    held = budget.reserve(ASKED, 1000, PRICE)
    cost = budget.settle(held, Reply("y" * 350, "stop", usage, -3.0, "m"))
    assert cost == pytest.approx(PRICE.cost(*counted))
    assert budget.spent_tokens == sum(counted)


@pytest.mark.parametrize("cost", [math.nan, math.inf, -1.0])
def test_a_cost_that_is_no_price_is_worked_out_from_the_tokens(cost: float) -> None:
    budget = Budget(limit_usd=1.0)
    held = budget.reserve(ASKED, 1000, PRICE)
    assert budget.settle(held, reply(cost=cost)) == pytest.approx(PRICE.cost(250, 100))


def test_a_cost_beyond_the_worst_case_counts_as_the_worst_case() -> None:
    budget = Budget(limit_usd=1.0)
    held = budget.reserve(ASKED, 1000, PRICE)
    assert budget.settle(held, reply(cost=1e6)) == pytest.approx(WORST_USD)


def test_a_call_of_unknown_outcome_counts_in_full() -> None:
    budget = Budget(limit_usd=1.0)
    budget.forfeit(budget.reserve(ASKED, 1000, PRICE))
    assert budget.spent_usd == pytest.approx(WORST_USD)
    assert budget.spent_tokens == WORST_TOKENS


def test_a_reservation_ends_once() -> None:
    budget = Budget(limit_usd=1.0)
    held = budget.reserve(ASKED, 1000, PRICE)
    budget.release(held)
    for end in (budget.release, budget.forfeit):
        with pytest.raises(ValueError, match="not open"):
            end(held)
    with pytest.raises(ValueError, match="not open"):
        budget.settle(held, reply())
    assert budget.spent_usd == 0


def test_a_waiting_call_goes_ahead_when_another_settles() -> None:
    async def main() -> list[str]:
        budget = Budget(limit_usd=WORST_USD * 1.2)
        done: list[str] = []

        async def call(name: str) -> None:
            held = await budget.reserve_when_free(ASKED, 1000, PRICE)
            await asyncio.sleep(0)
            done.append(name)
            budget.settle(held, reply(cost=0.0001))

        await asyncio.gather(call("first"), call("second"), call("third"))
        assert budget.spent_usd == pytest.approx(0.0003)
        return done

    assert asyncio.run(main()) == ["first", "second", "third"]


def test_a_waiting_call_is_refused_once_it_cannot_fit_any_more() -> None:
    async def main() -> None:
        budget = Budget(limit_usd=WORST_USD * 1.2)
        held = budget.reserve(ASKED, 1000, PRICE)
        waiting = asyncio.create_task(budget.reserve_when_free(ASKED, 1000, PRICE))
        await asyncio.sleep(0)
        budget.forfeit(held)
        with pytest.raises(BudgetError):
            await waiting

    asyncio.run(main())


def test_a_cancelled_waiter_leaves_nothing_behind() -> None:
    async def main() -> None:
        budget = Budget(limit_usd=WORST_USD)
        held = budget.reserve(ASKED, 1000, PRICE)
        waiting = asyncio.create_task(budget.reserve_when_free(ASKED, 1000, PRICE))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        budget.release(held)
        assert budget.reserved_usd == 0
        budget.reserve(ASKED, 1000, PRICE)

    asyncio.run(main())


ANY_COST = st.none() | st.floats() | st.floats(0, 1e-3)
ANY_COUNT = st.integers(-(10**12), 10**12) | st.integers(0, 500)
CALLS = st.tuples(
    st.integers(0, 400),
    st.integers(0, 200),
    ANY_COUNT,
    ANY_COUNT,
    ANY_COST,
    st.integers(0, 3),
    st.integers(0, 3),
)


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0, 5e-3),
    st.none() | st.integers(0, 3000),
    st.booleans(),
    st.lists(CALLS, min_size=1, max_size=12),
)
def test_no_interleaving_and_no_report_exceeds_a_limit(
    usd: float,
    tokens: int | None,
    waits: bool,  # noqa: FBT001 - hypothesis draws it
    calls: list[tuple[int, int, int, int, float | None, int, int]],
) -> None:
    async def main() -> None:
        budget = Budget(usd, tokens)

        def holds() -> None:
            assert budget.spent_usd + budget.reserved_usd <= usd + 1e-8
            assert tokens is None or budget.spent_tokens + budget.reserved_tokens <= tokens

        async def call(one: tuple[int, int, int, int, float | None, int, int]) -> None:
            size, most, prompt, completion, cost, pauses, end = one
            asked = Request("m", (Message("user", "z" * size),))
            try:
                held: Reservation = (
                    await budget.reserve_when_free(asked, most, PRICE)
                    if waits
                    else budget.reserve(asked, most, PRICE)
                )
            except BudgetError:
                return
            holds()
            for _ in range(pauses):
                await asyncio.sleep(0)
            if end == 0:
                budget.release(held)
            elif end == 1:
                budget.forfeit(held)
            else:
                budget.settle(held, Reply("z" * most, "stop", Usage(prompt, completion), cost, "m"))
            holds()

        await asyncio.wait_for(asyncio.gather(*(call(one) for one in calls)), 10)
        assert budget.reserved_tokens == 0
        assert math.isfinite(budget.spent_usd)
        assert budget.spent_usd >= 0

    asyncio.run(main())


def test_an_estimate_stands_in_for_a_silent_server() -> None:
    budget = Budget(limit_tokens=10_000)
    budget.settle(budget.reserve(ASKED, 1000, None), Reply("y" * 350, "stop", Usage(0, 0), None, "m"))
    assert budget.spent_tokens == estimate_tokens("x" * 1000) + 4 + estimate_tokens("y" * 350)
