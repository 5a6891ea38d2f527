"""What is asked of a model and what comes back, as values, and the one shape that every client has.

Pure: nothing here knows a network, a file or a provider. The canonical form of a request is what replies are
recorded under, so its bytes must never depend on the order of parameters, the platform or the time.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "FINISHES",
    "Finish",
    "Message",
    "ModelClient",
    "Reply",
    "Request",
    "Role",
    "Usage",
    "estimate_tokens",
    "prompt_bound",
    "prompt_estimate",
]

Role: TypeAlias = Literal["system", "user", "assistant"]
"""Who speaks in a message."""

Finish: TypeAlias = Literal["stop", "length", "refused"]
"""Why the model stopped: it was done, it ran out of tokens, or it or a filter declined."""

FINISHES: tuple[Finish, ...] = ("stop", "length", "refused")

_CHARS_PER_TOKEN = 3.5
_TOKENS_PER_MESSAGE = 16
_TOKENS_PER_REQUEST = 64


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    ``parameters`` are what the provider takes beside the messages (``temperature``, ``max_tokens`` and the
    like): values as JSON has them. ``sample`` tells apart answers that are wanted to the same question.
    """

    model: str
    messages: tuple[Message, ...]
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    sample: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", tuple(self.messages))
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def canonical(self) -> bytes:
        """Return the request as deterministic JSON: keys sorted, no blanks, UTF-8.

        Whole floats are written as integers, since ``1`` and ``1.0`` ask the same. Lone surrogates keep their
        own three bytes, so that different requests never share a form. Raises ``ValueError`` for NaN and
        infinities and ``TypeError`` for what JSON does not have.
        """
        shape = {
            "messages": [{"content": m.content, "role": m.role} for m in self.messages],
            "model": self.model,
            "parameters": _plain(self.parameters),
            "sample": self.sample,
        }
        text = json.dumps(shape, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "surrogatepass")

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, 64 hexadecimal digits: what replies are recorded under."""
        return hashlib.sha256(self.canonical()).hexdigest()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the server counted them. ``cached_tokens`` is the part of the prompt it had seen before.

    Zeroes stand for a server that says nothing.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    ``cost_usd`` is ``None`` where no price is known. ``model`` is what the server says it ran.
    """

    text: str
    finish: Finish
    usage: Usage
    cost_usd: float | None
    model: str


class ModelClient(Protocol):
    """Whatever answers requests: a provider, a cassette, recorded history."""

    async def ask(self, request: Request) -> Reply:
        """Return the answer. Raises ``ModelError`` with a hint when there is none."""

    async def aclose(self) -> None:
        """Let go of connections. Asking again after this is a mistake."""


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has: one for each 3.5 characters, rounded up.

    A rule of thumb, within some 30 % for English and for code; for plans and reports, not for promises.
    """
    return math.ceil(len(text) / _CHARS_PER_TOKEN)


def prompt_estimate(request: Request) -> int:
    """Return about how many tokens the messages of a request have together."""
    return sum(estimate_tokens(message.content) + 4 for message in request.messages)


def prompt_bound(request: Request) -> int:
    """Return more tokens than the messages of a request can have.

    A token of today's vocabularies stands for at least one byte of UTF-8; what providers put around each
    message is allowed for.
    """
    size = sum(len(m.content.encode("utf-8", "surrogatepass")) for m in request.messages)
    return size + _TOKENS_PER_MESSAGE * len(request.messages) + _TOKENS_PER_REQUEST


def _plain(value: object) -> object:
    """Return the value as JSON's own types, whole floats as integers."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a parameter's name must be text, not {key!r}")
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
