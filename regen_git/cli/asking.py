"""Ask a model many small things: what ``classify`` and ``fold`` share of budget, prices and replies."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from regen_git.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regen_git.config import User
    from regen_git.git.repository import Repository
    from regen_git.llm.prices import Price
    from regen_git.replay.answers import Models

__all__ = ["Limits", "ask", "price_for"]

_T = TypeVar("_T")


class Limits(Protocol):
    """Which model is asked, and how much that may cost."""

    @property
    def model(self) -> str:
        """The model, as litellm names it."""

    @property
    def budget_usd(self) -> float | None:
        """Most US dollars to be spent."""

    @property
    def budget_tokens(self) -> int | None:
        """Most tokens to be used."""

    @property
    def jobs(self) -> int:
        """Calls at once."""


def price_for(repo: Repository, limits: Limits) -> Price | None:
    """Return the model's price. Raises ``UsageError`` where it is unknown and a budget in dollars is set."""
    from regen_git.llm.prices import lookup

    price = lookup(limits.model)
    if price is None and _most(repo, limits) is not None:
        raise UsageError(
            f"no price is known for model '{limits.model}', so a budget in dollars cannot be kept",
            hint="give the budget in tokens with --budget-tokens",
        )
    return price


def _user(repo: Repository) -> User:
    """Return what the user set; the repository's own settings have no say in who is asked."""
    import os

    from regen_git.config.reading import GIT_CONFIG_ARGS, read_user

    return read_user(repo.git(*GIT_CONFIG_ARGS, ok=(0, 1)), os.environ)


def _most(repo: Repository, limits: Limits) -> float | None:
    if limits.budget_usd is not None or limits.budget_tokens is not None:
        return limits.budget_usd
    return _user(repo).budget_usd


def ask(
    repo: Repository,
    limits: Limits,
    price: Price | None,
    total: int,
    asking: Callable[[Models, Callable[[], None]], Awaitable[_T]],
    *,
    is_quiet: bool,
) -> _T:
    """Run what asks, with a model behind it whose replies are recorded; ``total`` requests are shown to go.

    ``asking`` calls its second argument after each answer. Raises ``ModelError`` and ``BudgetError``.
    """
    from regen_git.cli.progress import counting

    with counting("requests", is_quiet=is_quiet) as on_progress:
        answered = 0

        def on_answer() -> None:
            nonlocal answered
            answered += 1
            if on_progress is not None:
                on_progress(answered, total)

        return asyncio.run(_drive(repo, limits, price, lambda models: asking(models, on_answer)))


async def _drive(
    repo: Repository, limits: Limits, price: Price | None, asking: Callable[[Models], Awaitable[_T]]
) -> _T:
    from regen_git.llm.budget import Budget
    from regen_git.llm.litellm_client import LitellmClient
    from regen_git.llm.replies import ReplyStore
    from regen_git.replay.answers import Models

    user = _user(repo)
    store = ReplyStore(repo)
    models: Models

    async def unsure(request: Any) -> None:
        await models.unsure(request)

    jobs = max(1, limits.jobs)
    client = LitellmClient(jobs, user.timeout_s, api_base=user.api_base, on_unsure=unsure)
    client.warm()
    budget = Budget(_most(repo, limits), limits.budget_tokens)
    models = Models(client, store, budget, price, asyncio.Semaphore(jobs))
    try:
        return await asking(models)
    finally:
        await client.aclose()
        store.flush()
