"""The one door to litellm: ask a provider, try again where that helps, and explain where it does not.

litellm takes seconds to import, so that happens in a thread which ``warm`` starts and which every question
waits for. Addresses and keys come from the user's environment and git configuration, handed in as values.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any, cast

from regen_git.errors import ModelError
from regen_git.llm.client import Reply, Usage
from regen_git.llm.failures import Failure, classify, explain, told
from regen_git.llm.guard import EndlessError, MovedError, PackedError, find_refusal, install
from regen_git.llm.reply_document import LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

    from regen_git.llm.client import Finish, Request
    from regen_git.llm.failures import Kind

__all__ = ["PARAMETERS", "LitellmClient"]

PARAMETERS = frozenset(
    {
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "thinking",
        "top_k",
        "top_p",
        "verbosity",
    }
)
"""What a request may set. Anything else could change where it goes or what it carries, and is refused."""

_ENVIRONMENT = {
    # No price list, header list or blog posts from the network at import.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    # Otherwise litellm reads a '.env' file above the folder it is installed in, which may be a repository's.
    "LITELLM_MODE": "PRODUCTION",
}
_CONNECTIONS_PER_HOST = 1000
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 30.0
_LONGEST_ASKED_WAIT_S = 120.0
_UNREACHABLE_ATTEMPTS = 3
_TOKENS_BELIEVED = 10**9
_NAME_SHOWN = 200
_LOADING = threading.Lock()
_ready: list[Any] = []
_REFUSALS: dict[type[Exception], Kind] = {
    MovedError: "moved",
    EndlessError: "endless",
    PackedError: "unreadable",
}
_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "refused"}


class LitellmClient:
    """Ask models through litellm, at most ``concurrency`` questions at once.

    ``timeout_s`` is how long a server may send nothing; an answer that keeps coming is waited for. ``wait``
    sleeps between attempts. ``on_unsure`` is awaited before a question is sent again whose last sending may
    have been billed; a ``BudgetError`` that it raises ends the question.
    """

    def __init__(
        self,
        concurrency: int = 8,
        timeout_s: float = 600.0,
        *,
        api_base: str | None = None,
        attempts: int = 5,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_unsure: Callable[[Request], Awaitable[None]] | None = None,
    ) -> None:
        self._free = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._timeout_s = timeout_s
        self._api_base = api_base
        self._attempts = attempts
        self._wait = wait
        self._on_unsure = on_unsure

    def warm(self) -> None:
        """Begin to import litellm beside the caller's work. Costs nothing when that has happened."""
        threading.Thread(target=_load, args=(self._concurrency,), name="import-litellm", daemon=True).start()

    async def ask(self, request: Request) -> Reply:
        """Ask, and return the answer. A content filter's refusal is an answer too.

        Raises ``ModelError`` with a hint when the question cannot be asked or stays unanswered.
        """
        from tenacity import AsyncRetrying, retry_if_exception_type

        unknown = sorted(set(request.parameters) - PARAMETERS)
        if unknown:
            raise ModelError(
                f"parameter '{unknown[0]}' is not one that requests carry",
                hint=f"known parameters: {', '.join(sorted(PARAMETERS))}",
            )
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_FailedError),
            stop=self._is_over,
            wait=_pause_s,
            sleep=self._wait,
            before_sleep=self._note_unsure(request),
            reraise=True,
        )
        async with self._free:
            # The thread is for the seconds of the first import only.
            litellm = _loaded() or await asyncio.to_thread(_load, self._concurrency)
            try:
                return await retrying(self._ask_once, litellm, request)
            except _FailedError as error:
                failure = error.failure
                if failure.kind == "filtered":
                    return Reply(
                        text="", finish="refused", usage=Usage(0, 0), cost_usd=None, model=request.model
                    )
                raise self._explained(litellm, request.model, failure) from error.__cause__

    async def aclose(self) -> None:
        """Close the connections that litellm keeps. They are one pool for the whole process."""
        litellm = _loaded()
        if litellm is not None:
            await litellm.close_litellm_async_clients()
            # It keeps the closed clients and would hand them out again.
            litellm.in_memory_llm_clients_cache.flush_cache()

    async def _ask_once(self, litellm: Any, request: Request) -> Reply:
        import openai

        options: dict[str, Any] = dict(request.parameters)
        if self._api_base is not None:
            options["api_base"] = self._api_base
            if request.model.startswith("openai/") and not os.environ.get("OPENAI_API_KEY"):
                # A server of one's own asks for no key, but the library insists on one.
                options["api_key"] = "unused"
        try:
            response = await litellm.acompletion(
                model=request.model,
                messages=[{"role": m.role, "content": _sendable(m.content)} for m in request.messages],
                timeout=self._timeout_s,
                max_retries=0,
                num_retries=0,
                drop_params=True,
                **options,
            )
        except (openai.OpenAIError, OSError) as error:
            raise _FailedError(_failure(litellm, error)) from error
        return _reply(response, request)

    def _is_over(self, state: RetryCallState) -> bool:
        failure = _failure_of(state)
        limit = (
            min(self._attempts, _UNREACHABLE_ATTEMPTS) if failure.kind == "unreachable" else self._attempts
        )
        too_long = failure.wait_s is not None and failure.wait_s > _LONGEST_ASKED_WAIT_S
        return not failure.is_worth_retrying or too_long or state.attempt_number >= limit

    def _note_unsure(self, request: Request) -> Callable[[RetryCallState], Awaitable[None]]:
        async def note(state: RetryCallState) -> None:
            if self._on_unsure is not None and _failure_of(state).may_be_billed:
                await self._on_unsure(request)

        return note

    def _explained(self, litellm: Any, model: str, failure: Failure) -> ModelError:
        keys = (
            litellm.validate_environment(model)["missing_keys"] if failure.kind in {"key", "denied"} else ()
        )
        message, hint = explain(
            failure,
            model,
            address=self._api_base or "",
            keys=[str(key) for key in keys] or [f"{model.partition('/')[0].upper()}_API_KEY"],
            timeout_s=self._timeout_s,
        )
        if failure.wait_s is not None and failure.wait_s > _LONGEST_ASKED_WAIT_S:
            hint = f"the server asks to wait {failure.wait_s:.0f} seconds; resume the replay after that"
        return ModelError(message, hint=hint, kind=failure.kind, may_be_billed=failure.may_be_billed)


class _FailedError(Exception):
    """One attempt failed; never leaves this module."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.said)
        self.failure = failure


def _failure_of(state: RetryCallState) -> Failure:
    error = state.outcome.exception() if state.outcome is not None else None
    return cast("_FailedError", error).failure


def _pause_s(state: RetryCallState) -> float:
    """Return how long to wait: what the server asks for, else 1, 2, 4 … seconds, a little uneven."""
    from tenacity import wait_exponential_jitter

    asked = _failure_of(state).wait_s
    if asked is not None:
        return asked
    return float(wait_exponential_jitter(initial=_FIRST_WAIT_S, max=_LONGEST_WAIT_S)(state))


def _failure(litellm: Any, error: Exception) -> Failure:
    import openai

    refusal = find_refusal(error)
    if refusal is not None:
        return Failure(_REFUSALS[type(refusal)], told(str(refusal)))
    headers = _headers(error)
    return classify(
        str(error),
        status=getattr(error, "status_code", None),
        headers=headers,
        timed_out=isinstance(error, openai.APITimeoutError | TimeoutError),
        connected=not _is_no_connection(error),
        too_long=isinstance(error, litellm.ContextWindowExceededError),
        filtered=isinstance(error, litellm.ContentPolicyViolationError),
        refused=isinstance(error, openai.BadRequestError),
    )


def _headers(error: Exception) -> dict[str, str]:
    """Return the headers of the response behind a failure; empty when no server answered."""
    response = getattr(error, "response", None)
    for found in (getattr(error, "litellm_response_headers", None), getattr(response, "headers", None)):
        if found:
            return {str(name): str(value) for name, value in found.items()}
    return {}


def _is_no_connection(error: BaseException | None) -> bool:
    """Return whether no connection came about: then nothing was asked, and nothing billed."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if type(error).__name__ in {"ConnectError", "ClientConnectorError", "ClientConnectorDNSError"}:
            return True
        error = error.__cause__ or error.__context__
    return False


def _reply(response: Any, request: Request) -> Reply:
    """Turn a response into a value; what a server may get wrong is checked here."""
    choices = getattr(response, "choices", None)
    if not choices:
        raise _FailedError(Failure("unreadable", "it holds no choices"))
    choice = choices[0]
    text = choice.message.content or ""
    if len(text) > LIMIT_BYTES:
        raise ModelError(
            f"'{request.model}' answered with {len(text)} characters, more than is kept of one reply",
            hint="set a smaller --max-tokens",
            kind="endless",
            may_be_billed=True,
        )
    usage, is_believed = _usage(getattr(response, "usage", None))
    cost = (getattr(response, "_hidden_params", None) or {}).get("response_cost")
    refusal = getattr(choice.message, "refusal", None)
    finish: Finish = "refused" if refusal and not text else _FINISH.get(choice.finish_reason, "stop")
    return Reply(
        text=_sendable(text or str(refusal or "")),
        finish=finish,
        usage=usage,
        cost_usd=float(cost) if is_believed and isinstance(cost, int | float) and cost >= 0 else None,
        model=str(getattr(response, "model", None) or request.model)[:_NAME_SHOWN],
    )


def _usage(usage: Any) -> tuple[Usage, bool]:
    """Return the server's figures, zero for what cannot be true, and whether they can be believed."""
    details = getattr(usage, "prompt_tokens_details", None)
    prompt = _count(getattr(usage, "prompt_tokens", None))
    completion = _count(getattr(usage, "completion_tokens", None))
    cached = _count(getattr(details, "cached_tokens", None)) or 0
    figures = Usage(prompt or 0, completion or 0, min(cached, prompt or 0))
    return figures, bool(prompt) and completion is not None


def _count(value: object) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return cast("int", value) if is_number and 0 <= cast("int", value) <= _TOKENS_BELIEVED else None


def _sendable(text: str) -> str:
    """Return text that UTF-8 can carry: what is no character becomes the replacement sign."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _loaded() -> Any:
    """Return litellm, or ``None`` while it is not wholly imported by ``_load``."""
    return _ready[0] if _ready else None


def _load(concurrency: int) -> Any:
    """Import litellm once, quiet and offline, and return it."""
    with _LOADING:
        # Each time: litellm looks at some of these only when it first needs what they are about.
        os.environ.update(_ENVIRONMENT)
        if _ready:
            return _ready[0]
        os.environ.setdefault(
            "AIOHTTP_CONNECTOR_LIMIT_PER_HOST", str(max(concurrency, _CONNECTIONS_PER_HOST))
        )
        collects = gc.isenabled()
        gc.disable()
        try:
            with warnings.catch_warnings():
                # What its libraries have to say about each other is nothing a user can act on.
                warnings.simplefilter("ignore")
                import litellm
        finally:
            if collects:
                gc.enable()
        _silence(litellm)
        install()
        _ready.append(litellm)
        return litellm


def _silence(litellm: Any) -> None:
    """No banners, no callbacks, no logging of what is asked; litellm's own warnings are not the user's."""
    litellm.suppress_debug_info = True
    litellm.set_verbose = False
    litellm.turn_off_message_logging = True
    for name in ("callbacks", "input_callback", "success_callback", "failure_callback", "service_callback"):
        setattr(litellm, name, [])
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "openai", "httpx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pydantic(\..*)?")
