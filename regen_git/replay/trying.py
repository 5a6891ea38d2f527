"""What one sample goes through, in history as in a spec: it is asked, repaired, and shortened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from regen_git.errors import ModelError
from regen_git.llm.client import prompt_estimate
from regen_git.replay.request import repair_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from regen_git.domain.ids import Oid
    from regen_git.llm.client import Request
    from regen_git.replay.attempt import Attempt

__all__ = ["REPAIRS", "SAMPLES", "Accepted", "Failed", "repaired", "shortened"]

SAMPLES = 2
REPAIRS = 2

_ABOUT_STEP = frozenset({"long", "endless"})
"""Failures of a model that say nothing about its other answers: a person is wanted at this step."""

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Accepted:
    """An answer without findings, the request it answers, and all replies that led to it, in order."""

    attempt: Attempt
    request: Request
    replies: tuple[str, ...]
    attempts: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The best state that was reached: it is what a person finds when the step is stuck.

    ``is_too_long`` says that its first request was more than the model takes.
    """

    tree: Oid
    findings: tuple[str, ...]
    score: tuple[int, int, int]
    is_too_long: bool = False


async def repaired(
    request: Request,
    tree: Oid,
    ask: Callable[[Request, Oid], Awaitable[Attempt]],
    *,
    repairs: int,
    heading: str,
    on_repair: Callable[[], None],
) -> Accepted | Failed:
    """Ask once, and ask on with what is wrong; stop early where the same is wrong again.

    ``ask`` puts an answer onto the tree that was reached so far, at first ``tree``.
    """
    best: Failed | None = None
    used: tuple[str, ...] = ()
    seen: set[tuple[str, ...]] = set()
    for number in range(1 + repairs):
        try:
            tried = await ask(request, tree)
        except ModelError as error:
            if error.kind not in _ABOUT_STEP:
                raise
            why = (f"- {error}", f"- {error.hint}")
            return best or Failed(tree, why, (2, 1, 0), error.kind == "long")
        used += tried.replies
        if not tried.findings:
            return Accepted(tried, request, used, number + 1)
        if best is None or tried.score < best.score:
            best = Failed(tried.tree, tried.findings, tried.score)
        if tried.findings in seen or tried.is_refused:
            break
        seen.add(tried.findings)
        on_repair()
        request = repair_request(request, tried.text, f"{heading}, repair {number + 1}", tried.findings)
        tree = tried.tree
    if best is None:
        raise AssertionError("a sample has at least one attempt")
    return best


async def shortened(
    request: Request,
    attempt: Callable[[Request], Awaitable[_Made | Failed]],
    shorter: Callable[[int], Request],
) -> _Made | Failed:
    """Try a sample; where its request is too long for the model, with half of it, then with the least.

    ``shorter`` returns the same request within so many tokens.
    """
    made = await attempt(request)
    for room in (prompt_estimate(request) // 2, 0):
        if not isinstance(made, Failed) or not made.is_too_long:
            break
        less = shorter(room)
        if less != request:
            request = less
            made = await attempt(request)
    return made
