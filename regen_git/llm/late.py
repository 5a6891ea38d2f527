"""A client that is opened when the first question comes: what asks nothing does not pay for opening it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.llm.client import ModelClient, Reply, Request

__all__ = ["LateClient"]


class LateClient:
    """Asks through the client that ``make`` opens, at the first question or when told to."""

    def __init__(self, make: Callable[[], ModelClient]) -> None:
        self._make = make
        self._client: ModelClient | None = None

    def open(self) -> ModelClient:
        """Return the client, opened now if it is not yet."""
        if self._client is None:
            self._client = self._make()
        return self._client

    async def ask(self, request: Request) -> Reply:
        """Return the answer. Raises ``ModelError`` when there is none."""
        return await self.open().ask(request)

    async def aclose(self) -> None:
        """Let go of the client, if there is one."""
        if self._client is not None:
            await self._client.aclose()
