"""What every response passes before litellm reads it: no redirects, no endless bodies, no broken figures.

A redirect would carry the question, and so the code in it, to an address that nobody chose. A body without an
end would fill the memory. Figures of usage that are no numbers would make litellm throw an answer away that
is paid for. Wraps the methods of the transports that litellm's clients use.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

__all__ = ["BODY_LIMIT", "EndlessError", "MovedError", "PackedError", "find_refusal", "install"]

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of one response that are read; several times what is kept of a reply, since JSON escapes."""

_ADDRESS_SHOWN = 200
_FIRST_FAILURE, _LAST_FAILURE = 400, 599


class MovedError(Exception):
    """The server sends on to another address."""


class EndlessError(Exception):
    """The response is larger than anything that is an answer."""


class PackedError(Exception):
    """The response is compressed, which nobody asked for."""


def find_refusal(error: BaseException | None) -> MovedError | EndlessError | PackedError | None:
    """Return what was refused here, behind the errors that libraries made of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, MovedError | EndlessError | PackedError):
            return error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return None


def install() -> None:
    """Guard the transports of this process, once."""
    import httpx
    from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport

    transports: tuple[Any, ...] = (LiteLLMAiohttpTransport, httpx.AsyncHTTPTransport)
    for transport in transports:
        original = transport.handle_async_request
        if not hasattr(original, "is_guarded"):
            transport.handle_async_request = _guarded(original)


def _guarded(original: Callable[..., Awaitable[httpx.Response]]) -> Any:
    import httpx

    async def handle(self: Any, request: httpx.Request) -> httpx.Response:
        # A compressed body may grow a thousandfold when it is read.
        request.headers["Accept-Encoding"] = "identity"
        response = await original(self, request)
        if response.is_redirect:
            await response.aclose()
            raise MovedError(response.headers.get("location", "")[:_ADDRESS_SHOWN])
        if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
            await response.aclose()
            raise PackedError("it is compressed, which was not asked for")
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise TypeError("an asynchronous transport gave a response that cannot be read so")
        if "json" not in response.headers.get("content-type", ""):
            response.stream = _bounded_stream(stream)
            return response
        try:
            body = b"".join([piece async for piece in _bounded(stream)])
        finally:
            await stream.aclose()
        status, body = mended(response.status_code, body)
        headers = [(k, v) for k, v in response.headers.multi_items() if k.lower() not in _ABOUT_BODY]
        return httpx.Response(
            status, headers=headers, content=body, request=request, extensions=response.extensions
        )

    handle.is_guarded = True  # type: ignore[attr-defined]
    return handle


_ABOUT_BODY = frozenset({"content-length", "transfer-encoding", "content-encoding"})


async def _bounded(stream: httpx.AsyncByteStream) -> AsyncIterator[bytes]:
    size = 0
    async for piece in stream:
        size += len(piece)
        if size > BODY_LIMIT:
            raise EndlessError(f"more than {BODY_LIMIT} bytes")
        yield piece


def _bounded_stream(stream: httpx.AsyncByteStream) -> httpx.AsyncByteStream:
    import httpx

    class Bounded(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for piece in _bounded(stream):
                yield piece

        async def aclose(self) -> None:
            await stream.aclose()

    return Bounded()


def mended(status: int, body: bytes) -> tuple[int, bytes]:
    """Return status and body as litellm can read them.

    Figures of usage that are no whole numbers become 0. An error that a gateway wraps into a success gets
    the status that it names. A refusal in a field of its own, which litellm drops, becomes the reason for
    stopping.
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return status, body
    if not isinstance(data, dict):
        return status, body
    error = data.get("error")
    if status < _FIRST_FAILURE and isinstance(error, dict) and not data.get("choices"):
        code = error.get("code")
        if isinstance(code, int) and _FIRST_FAILURE <= code <= _LAST_FAILURE:
            return code, body
        return status, body
    is_mended = _mark_refusals(data.get("choices"))
    usage = data.get("usage")
    if is_mended:
        body = json.dumps(data).encode("ascii")
    if usage is None or (isinstance(usage, dict) and all(map(_is_figure, usage, usage.values()))):
        return status, body
    if isinstance(usage, dict):
        data["usage"] = {k: v if _is_figure(k, v) else 0 for k, v in usage.items()}
    else:
        del data["usage"]
    return status, json.dumps(data).encode("ascii")


def _mark_refusals(choices: object) -> bool:
    """Say of choices that only refuse that they were filtered; return whether there was one."""
    found = False
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, dict) else None
        if isinstance(message, dict) and message.get("refusal") and not message.get("content"):
            choice["finish_reason"] = "content_filter"
            found = True
    return found


def _is_figure(name: str, value: object) -> bool:
    if not name.endswith("_tokens"):
        return True
    if isinstance(value, str):
        return value.isascii() and value.isdigit()
    return value is None or (isinstance(value, int) and not isinstance(value, bool))
