"""What a call may cost is in the journal before the call is sent, and what it did cost once that is known.

So a kill at any instant leaves no call uncounted: a replay that goes on counts each call of which it cannot
read the outcome for its worst case.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regen_git.llm.budget import Reservation
    from regen_git.replay.journal import Journal

__all__ = ["Spending"]


@dataclass(slots=True)
class Spending:
    """Tells the journal of one run's calls; a call is named by its request's digest."""

    journal: Journal
    run: int
    _reserved: list[dict[str, Any]] = field(default_factory=list)

    async def reserve(self, call: str, worst: Reservation) -> None:
        """Write down that a call is about to be sent; on disk when this returns."""
        self._reserved.append(self._entry("reserved", call, worst.usd, worst.tokens))
        # Whoever else is about to send shares the wait for the disk.
        await asyncio.sleep(0)
        waiting, self._reserved = self._reserved, []
        if waiting:
            self.journal.tell(waiting, is_durable=True)

    def settle(self, call: str, usd: float, tokens: int) -> None:
        """Write down what a call came to."""
        self.journal.tell([self._entry("settled", call, usd, tokens)], is_durable=False)

    def _entry(self, state: str, call: str, usd: float, tokens: int) -> dict[str, Any]:
        return {"state": state, "run": self.run, "call": call[:16], "usd": usd, "tokens": tokens}
