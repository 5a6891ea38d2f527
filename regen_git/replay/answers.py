"""Where answers come from: history itself, what was recorded, or a model within a budget.

Every answer, wherever from, is a text that the same reader reads.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from regen_git.errors import ModelError, NoRecordedReplyError
from regen_git.git.trees import lookup
from regen_git.llm.budget import counted_tokens
from regen_git.llm.client import Finish, Reply, Usage
from regen_git.llm.failures import is_lasting
from regen_git.replay.compose import text_of
from regen_git.replay.reply import Deletion, FileEdit, render_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.llm.budget import Budget, Reservation
    from regen_git.llm.client import ModelClient, Request
    from regen_git.llm.prices import Price
    from regen_git.llm.replies import ReplyStore
    from regen_git.replay.spending import Spending

__all__ = [
    "Answer",
    "Answers",
    "History",
    "Models",
    "Recorded",
    "Spent",
    "Tally",
    "looked_at",
    "render_history",
]

_ABOUT_REQUEST = frozenset({"long", "endless"})
"""Failures that the same request would meet again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply's text and where it is recorded: ``<request digest>/<reply id>``, empty if it is not."""

    text: str
    finish: Finish
    recorded: str = ""


@dataclass(slots=True)
class Tally:
    """What was asked so far, and what it cost. ``cost_usd`` is ``None`` once a price is unknown.

    ``unanswered`` are those of the ``calls`` that no answer came to and that may have been billed all the
    same; they count with the most that they can have used.
    """

    calls: int = 0
    unanswered: int = 0
    reused: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0

    def count(self, prompt_tokens: int, completion_tokens: int, cost: float | None) -> None:
        """Add one call that was really made, as the budget counts it."""
        self.calls += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost

    def told(self) -> dict[str, int | float | None]:
        """Return the figures for the journal."""
        return {
            "calls": self.calls,
            "unanswered": self.unanswered,
            "reused": self.reused,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost_usd": self.cost_usd,
        }


@dataclass(frozen=True, slots=True)
class Spent:
    """What the earlier runs of a replay used."""

    tokens: int = 0
    usd: float = 0.0
    runs: int = 0


class Answers(Protocol):
    """Answers a request for a step."""

    tally: Tally

    async def ask(self, request: Request, *, history: str | None) -> Answer:
        """Return an answer; ``history`` is what the original commit would have replied, where it can."""

    def flush(self) -> None:
        """Put on disk what only memory holds of the answers given so far."""


@dataclass(slots=True)
class History:
    """Answers with what history holds. Where a store is given, what it says is recorded like any reply."""

    store: ReplyStore | None = None
    tally: Tally = field(default_factory=Tally)

    async def ask(self, request: Request, *, history: str | None) -> Answer:
        """Return the original commit's files as a reply."""
        text = history or ""
        if self.store is None:
            return Answer(text, "stop")
        digest = request.digest
        reply = Reply(text, "stop", Usage(0, 0), 0.0, request.model)
        return Answer(text, "stop", f"{digest}/{self.store.put(digest, reply, is_free=True)}")

    def flush(self) -> None:
        """Move what was recorded into the ref, all at once."""
        if self.store is not None:
            self.store.flush()


@dataclass(slots=True)
class Recorded:
    """Answers only with recorded replies, those that provenance names first."""

    store: ReplyStore
    named: dict[str, str]
    tally: Tally = field(default_factory=Tally)

    def read(self, reference: str) -> Reply:
        """Return the reply that provenance names as ``<request digest>/<reply id>``.

        Where it is gone but the request has another recorded reply, that one: the result then shows where
        it differs. Raises ``NoRecordedReplyError`` when there is none.
        """
        digest, _, reply_id = reference.partition("/")
        self.tally.reused += 1
        try:
            return self.store.read(digest, reply_id)
        except NoRecordedReplyError:
            others = self.store.get(digest)
            if not others:
                raise
            return others[0][1]

    async def ask(self, request: Request, *, history: str | None) -> Answer:
        """Return the recorded reply. Raises ``NoRecordedReplyError`` when there is none."""
        del history
        digest = request.digest
        found = self.store.get(digest)
        if not found:
            raise self.store.missing(digest)
        wanted = self.named.get(digest)
        reply_id, reply = next(((rid, r) for rid, r in found if rid == wanted), found[0])
        self.tally.reused += 1
        return Answer(reply.text, reply.finish, f"{digest}/{reply_id}")

    def flush(self) -> None:
        """Do nothing: what is read here is recorded already."""


@dataclass(slots=True)
class Models:
    """Answers with a model, unless the same request was answered before. Reserves before each call.

    ``called`` are the digests of the requests that were answered in this run.
    """

    client: ModelClient
    store: ReplyStore
    budget: Budget
    price: Price | None
    limit: asyncio.Semaphore
    tally: Tally = field(default_factory=Tally)
    in_flight: dict[str, asyncio.Task[Answer]] = field(default_factory=dict)
    early: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    open_calls: dict[str, Reservation] = field(default_factory=dict)
    hopeless: dict[str, ModelError] = field(default_factory=dict)
    spending: Spending | None = None
    is_closing: bool = False

    async def ask(self, request: Request, *, history: str | None) -> Answer:
        """Return a recorded reply or a new one, recorded before this returns. Raises ``ModelError``."""
        del history
        digest = request.digest
        found = self.store.get(digest)
        if found:
            self.count_reused(digest)
            reply_id, reply = found[0]
            return Answer(reply.text, reply.finish, f"{digest}/{reply_id}")
        task = self.in_flight.get(digest)
        if task is None:
            self._refuse_hopeless(digest)
            task = asyncio.create_task(self._call(digest, request))
            task.add_done_callback(looked_at)
            self.in_flight[digest] = task
        try:
            # Whoever started the call may be cancelled: the reply is paid for and must be recorded.
            return await asyncio.shield(task)
        finally:
            if task.done():
                self.in_flight.pop(digest, None)

    def count_reused(self, digest: str) -> None:
        """Count a recorded reply, unless this very run asked for it ahead of its turn: that was a call."""
        self.tally.reused += digest not in self.early
        self.early.discard(digest)

    def flush(self) -> None:
        """Do nothing: a reply that was paid for is on disk before it is used."""

    async def unsure(self, request: Request) -> None:
        """Count a call whose answer never came as spent, and reserve for sending it again.

        Raises ``BudgetError`` when that is more than what is left.
        """
        digest = request.digest
        reservation = self.open_calls.pop(digest, None)
        if reservation is not None:
            self._forfeit(digest, reservation)
            await self._reserve(digest, request)

    async def settle(self) -> None:
        """Wait for calls that were sent, so that what is paid for is recorded; send no more."""
        self.is_closing = True
        await asyncio.gather(*self.in_flight.values(), return_exceptions=True)
        self.in_flight.clear()

    async def _call(self, digest: str, request: Request) -> Answer:
        async with self.limit:
            await self._reserve(digest, request)
            if self.is_closing:
                self._release(digest, self.open_calls.pop(digest))
                raise asyncio.CancelledError
            try:
                reply = await self.client.ask(request)
            except BaseException as error:
                self._close(digest, error)
                raise
            try:
                # First of all: a disk that fills up now shall not cost a reply that is paid for.
                recorded = f"{digest}/{self.store.put(digest, reply)}"
            finally:
                self._settle(digest, reply)
            self.early.add(digest)
            self.called.add(digest)
            return Answer(reply.text, reply.finish, recorded)

    def _settle(self, digest: str, reply: Reply) -> None:
        reservation = self.open_calls.pop(digest)
        prompt, completion, _ = counted_tokens(reservation, reply)
        cost = self.budget.settle(reservation, reply)
        known = reply.cost_usd is not None or self.price is not None
        self.tally.count(prompt, completion, cost if known else None)
        self._tell(digest, cost, prompt + completion)

    def _close(self, digest: str, error: BaseException) -> None:
        """Give back what was reserved for a call that failed, unless it may be billed all the same."""
        if isinstance(error, ModelError) and (is_lasting(error.kind) or error.kind in _ABOUT_REQUEST):
            self.hopeless["" if is_lasting(error.kind) else digest] = error
        reservation = self.open_calls.pop(digest, None)
        if reservation is None:
            return
        is_unknown = isinstance(error, ModelError) and error.may_be_billed
        if is_unknown or isinstance(error, asyncio.CancelledError):
            self._forfeit(digest, reservation)
        else:
            self._release(digest, reservation)

    async def _reserve(self, digest: str, request: Request) -> None:
        """Set aside what the call may cost, here and on the disk: a kill must not let it be forgotten."""
        most = int(request.parameters.get("max_tokens", 0))
        reservation = await self.budget.reserve_when_free(request, most, self.price)
        if self.spending is not None:
            try:
                await self.spending.reserve(digest, reservation)
            except OSError:
                self.budget.release(reservation)
                raise
        self.open_calls[digest] = reservation

    def _tell(self, digest: str, usd: float, tokens: int) -> None:
        if self.spending is not None:
            self.spending.settle(digest, usd, tokens)

    def _release(self, digest: str, reservation: Reservation) -> None:
        self.budget.release(reservation)
        self._tell(digest, 0.0, 0)

    def _forfeit(self, digest: str, reservation: Reservation) -> None:
        self.budget.forfeit(reservation)
        self._tell(digest, reservation.usd, reservation.tokens)
        self.tally.unanswered += 1
        known = reservation.price is not None
        self.tally.count(
            reservation.prompt_tokens, reservation.completion_tokens, reservation.usd if known else None
        )

    def _refuse_hopeless(self, digest: str) -> None:
        """Fail as a call before this one did, where asking again cannot help."""
        error = self.hopeless.get(digest) or self.hopeless.get("")
        if error is not None:
            raise ModelError(str(error), hint=error.hint, kind=error.kind) from error


def looked_at(task: asyncio.Task[Any]) -> None:
    """Take a task's failure as seen: an answer asked for early fails again, and is told, at its turn."""
    if not task.cancelled():
        task.exception()


def render_history(store: ObjectStore, base: Oid | None, original: Oid, paths: Sequence[RepoPath]) -> str:
    """Return the reply that turns these paths of ``base`` into what the original commit has."""
    edits: list[FileEdit | Deletion] = []
    for path in paths:
        leaf = lookup(store, original, path)
        if leaf is None:
            if base is None or lookup(store, base, path) is not None:
                edits.append(Deletion(path))
            continue
        data = store.blob(leaf.oid)
        text = text_of(data)
        # Mode and endings follow from the path's own history; a missing last newline is said.
        edits.append(FileEdit(path, text, None if text.endswith("\n") or not text else False))
    return render_reply(edits)
