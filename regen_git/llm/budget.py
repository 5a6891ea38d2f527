"""Keep model calls under a limit: the worst case is set aside before a call, the real cost follows after it.

Made for the tasks of one event loop: nothing here waits while it changes a figure, so no two tasks can both
take the last of the budget. It is not for threads.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import BudgetError
from regen_git.llm.client import estimate_tokens, prompt_bound, prompt_estimate

if TYPE_CHECKING:
    from regen_git.llm.client import Reply, Request
    from regen_git.llm.prices import Price

__all__ = ["Budget", "Reservation", "counted_tokens"]

# Sums of floats carry rounding errors far below this; a real overdraft is far above it.
_ROUNDING_USD = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """What one call may use at most, set aside. ``usd`` is 0 where only tokens are counted."""

    prompt_tokens: int
    completion_tokens: int
    usd: float
    price: Price | None
    prompt_estimate: int

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


class Budget:
    """A limit in US dollars, in tokens, in both or in neither, and what has been used of it.

    What is spent plus what is reserved never exceeds a limit, whatever a server reports: figures that cannot
    be true are replaced by an estimate, and none counts for more than was reserved.
    """

    def __init__(self, limit_usd: float | None = None, limit_tokens: int | None = None) -> None:
        self.limit_usd = limit_usd
        self.limit_tokens = limit_tokens
        self.spent_usd = 0.0
        self.spent_tokens = 0
        self._open: set[Reservation] = set()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def reserved_usd(self) -> float:
        """What the calls in flight may cost at most."""
        return math.fsum(reservation.usd for reservation in self._open)

    @property
    def reserved_tokens(self) -> int:
        """What the calls in flight may use at most."""
        return sum(reservation.tokens for reservation in self._open)

    def reserve(self, request: Request, max_tokens: int, price: Price | None) -> Reservation:
        """Set aside the worst case of a call: every byte of the prompt a token, and ``max_tokens`` in answer.

        Raises ``BudgetError`` when that is more than what is left beside the calls in flight, and when a
        limit in dollars meets a model without a known price.
        """
        worst = self._worst(request, max_tokens, price)
        self._check(worst, request.model, self.reserved_usd, self.reserved_tokens)
        self._open.add(worst)
        return worst

    async def reserve_when_free(self, request: Request, max_tokens: int, price: Price | None) -> Reservation:
        """Reserve as ``reserve`` does, but wait for calls in flight to settle where that can make room.

        So whether a call fits does not depend on how many run at once. Raises ``BudgetError`` when it would
        not fit even alone.
        """
        worst = self._worst(request, max_tokens, price)
        while True:
            self._check(worst, request.model, 0.0, 0)
            if self._fits(worst, self.reserved_usd, self.reserved_tokens):
                self._open.add(worst)
                return worst
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            finally:
                if turn in self._waiting:
                    self._waiting.remove(turn)

    def settle(self, reservation: Reservation, reply: Reply) -> float:
        """Put the real cost in the place of what was reserved, and return it in US dollars.

        Settling twice, or after ``release``, is a mistake: ``ValueError``.
        """
        prompt, completion, believed = counted_tokens(reservation, reply)
        usd = self._cost(reservation, reply, prompt, completion, believed=believed)
        self._close(reservation)
        self.spent_usd += usd
        self.spent_tokens += prompt + completion
        return usd

    def release(self, reservation: Reservation) -> None:
        """Give back what was reserved for a call that was never sent, or that failed without being billed."""
        self._close(reservation)

    def forfeit(self, reservation: Reservation) -> None:
        """Count the whole worst case as spent: the call was sent, and nobody knows what it cost."""
        self._close(reservation)
        self.spent_usd += reservation.usd
        self.spent_tokens += reservation.tokens

    def _close(self, reservation: Reservation) -> None:
        if reservation not in self._open:
            raise ValueError("this reservation is not open")
        self._open.remove(reservation)
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _worst(self, request: Request, max_tokens: int, price: Price | None) -> Reservation:
        if price is None and self.limit_usd is not None:
            raise BudgetError(
                f"no price is known for model '{request.model}', so a budget in dollars cannot be kept",
                hint="give the budget in tokens with --budget-tokens instead of --budget",
            )
        estimate = prompt_estimate(request)
        prompt = prompt_bound(request)
        if price is not None and price.max_input is not None:
            # A server refuses more than its model takes, so no more is ever billed.
            prompt = min(prompt, max(price.max_input, estimate))
        output = max(0, max_tokens)
        usd = price.cost(prompt, output) if price is not None else 0.0
        return Reservation(prompt, output, usd, price, estimate)

    def _fits(self, worst: Reservation, held_usd: float, held_tokens: int) -> bool:
        if self.limit_usd is not None and (
            self.spent_usd + held_usd + worst.usd > self.limit_usd + _ROUNDING_USD
        ):
            return False
        return self.limit_tokens is None or (
            self.spent_tokens + held_tokens + worst.tokens <= self.limit_tokens
        )

    def _check(self, worst: Reservation, model: str, held_usd: float, held_tokens: int) -> None:
        if self._fits(worst, held_usd, held_tokens):
            return
        if self.limit_tokens is not None and (
            self.spent_tokens + held_tokens + worst.tokens > self.limit_tokens
        ):
            left = self.limit_tokens - self.spent_tokens - held_tokens
            raise BudgetError(
                f"the next call to '{model}' may use {worst.tokens} tokens, and {left} of "
                f"{self.limit_tokens} are left",
                hint="raise the budget with --budget-tokens",
            )
        limit = self.limit_usd or 0.0
        rest = max(0.0, limit - self.spent_usd - held_usd)
        raise BudgetError(
            f"the next call to '{model}' may cost {_money(worst.usd)}, and {_money(rest)} of "
            f"{_money(limit)} is left",
            hint="raise the budget with --budget, or choose a cheaper model",
        )

    def _cost(
        self, reservation: Reservation, reply: Reply, prompt: int, completion: int, *, believed: bool
    ) -> float:
        cost = reply.cost_usd
        if not believed or cost is None or not math.isfinite(cost) or cost < 0:
            cost = reservation.price.cost(prompt, completion) if reservation.price is not None else 0.0
        return min(cost, reservation.usd) if reservation.price is not None else cost


def counted_tokens(reservation: Reservation, reply: Reply) -> tuple[int, int, bool]:
    """Return the tokens of prompt and answer that are counted, and whether they are the server's figures.

    What is missing or negative is estimated; what is larger than can be counts as the worst case.
    """
    prompt, completion = reply.usage.prompt_tokens, reply.usage.completion_tokens
    if prompt <= 0:
        prompt = reservation.prompt_estimate
    if completion < 0 or (completion == 0 and reply.text):
        completion = estimate_tokens(reply.text)
    prompt, completion = (
        min(prompt, reservation.prompt_tokens),
        min(completion, reservation.completion_tokens),
    )
    return (
        prompt,
        completion,
        (prompt, completion) == (reply.usage.prompt_tokens, reply.usage.completion_tokens),
    )


def _money(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"
