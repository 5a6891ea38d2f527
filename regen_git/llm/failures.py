"""Understand why a model call failed: try again or not, after how long, and what to tell a person.

litellm names failures unevenly (a missing key may arrive as an internal server error), so what counts is the
HTTP status where a server answered, and what the text says where none did. Pure: nothing here calls anybody.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Failure", "Kind", "classify", "explain", "is_lasting", "retry_after_s", "told"]

Kind: TypeAlias = Literal[
    "limit",
    "server",
    "timeout",
    "unreachable",
    "cut",
    "unreadable",
    "quota",
    "key",
    "denied",
    "model",
    "provider",
    "long",
    "filtered",
    "moved",
    "endless",
    "bad",
]
"""What went wrong, in one word."""

_AGAIN = frozenset({"limit", "server", "timeout", "unreachable", "cut", "unreadable"})
_MAYBE_BILLED = frozenset({"timeout", "cut", "unreadable", "endless"})
# What a gateway says when it got no answer, or none in time: the model behind it may have done the work.
_GATEWAY = frozenset({502, 504, 524})
_LASTING = frozenset({"quota", "key", "denied", "model", "provider", "moved"})
_BELIEVED_WAIT_S = 86_400.0

_BY_STATUS: dict[int, Kind] = {
    401: "key",
    402: "quota",
    403: "denied",
    404: "model",
    408: "timeout",
    409: "limit",
    413: "long",
    425: "limit",
    429: "limit",
}

# The text decides before the status does: providers send these with several statuses.
_BY_TEXT: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "quota",
        re.compile(
            r"insufficient.?quota|exceeded your current quota|insufficient balance|billing", re.IGNORECASE
        ),
    ),
    (
        "filtered",
        re.compile(r"content.?(filter|management|policy)|safety system|responsible ?ai", re.IGNORECASE),
    ),
    (
        "long",
        re.compile(
            r"context.?(length|window)|maximum (context|prompt)|prompt is too long|too many (input )?tokens"
            r"|exceeds? the (maximum|limit).{0,40}tokens|input token count",
            re.IGNORECASE,
        ),
    ),
    ("provider", re.compile(r"LLM Provider NOT provided", re.IGNORECASE)),
    (
        "key",
        re.compile(
            r"missing .{0,40}(api.?key|credentials)|api_key .{0,60}must be set|no api.?key|invalid api.?key"
            r"|incorrect api.?key|set the \w+_API_KEY",
            re.IGNORECASE,
        ),
    ),
)
_NOISE = re.compile(r"^(litellm\.\w+: |\w+Error: |\w+Exception - |Timeout Error: )+")
_SECRET = re.compile(r"\b(sk|pk|key|AIza|gsk|xai)[-_][\w*-]{6,}|\bAIza[\w-]{20,}")
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt. ``wait_s`` is what the server asked for, if it did."""

    kind: Kind
    said: str
    status: int | None = None
    wait_s: float | None = None

    @property
    def is_worth_retrying(self) -> bool:
        """Whether the same call may work a little later."""
        return self.kind in _AGAIN

    @property
    def may_be_billed(self) -> bool:
        """Whether the server may have done the work although no answer arrived."""
        return self.kind in _MAYBE_BILLED or self.status in _GATEWAY


def is_lasting(kind: str) -> bool:
    """Return whether every other question to this model would fail in the same way."""
    return kind in _LASTING


def classify(
    text: str,
    *,
    status: int | None,
    headers: Mapping[str, str],
    timed_out: bool = False,
    connected: bool = True,
    too_long: bool = False,
    filtered: bool = False,
    refused: bool = False,
) -> Failure:
    """Name a failure.

    ``headers`` are the response's, empty when none arrived; ``status`` counts only with them, or where
    ``refused`` says that the library itself turned the request down. ``connected`` is false when no
    connection came about.
    """
    said = told(text)
    answered = status if headers else None
    kind: Kind
    if too_long or filtered:
        kind = "long" if too_long else "filtered"
    elif (named := _named(said, answered)) is not None:
        kind = named
    elif answered is not None:
        kind = _BY_STATUS.get(answered, "server" if answered >= 500 else "bad")  # noqa: PLR2004 - HTTP's classes
    elif timed_out:
        kind = "timeout"
    elif not connected:
        kind = "unreachable"
    elif refused:
        kind = "bad"
    else:
        kind = "cut" if "connection" in said.lower() else "unreadable"
    return Failure(kind, said, answered, retry_after_s(headers))


def _named(said: str, status: int | None) -> Kind | None:
    """Return what the text names; a server in trouble (5xx) may say anything and goes by its status."""
    if status is not None and status >= 500:  # noqa: PLR2004 - HTTP's classes
        return None
    return next((kind for kind, pattern in _BY_TEXT if pattern.search(said)), None)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a server asks to wait, or ``None``. Source: RFC 9110, section 10.2.3.

    More than a day is a mistake of the server's, and counts as if nothing was said.
    """
    found = _said_wait_s(headers)
    return found if found is None or found <= _BELIEVED_WAIT_S else None


def _said_wait_s(headers: Mapping[str, str]) -> float | None:
    lower = {name.lower(): value for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = lower.get(name, "").strip()
        if re.fullmatch(r"\d{1,30}(\.\d{1,9})?", value):
            return float(value) * unit
    try:
        when = parsedate_to_datetime(lower.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=timezone.utc)
    return max(0.0, (when - datetime.now(timezone.utc)).total_seconds())


def told(text: str) -> str:
    """Return what a server or library said as one short line, without keys and without litellm's prefixes."""
    line = " ".join(text.split("Traceback (most recent call last)", maxsplit=1)[0].split())
    line = _SECRET.sub("[key]", _NOISE.sub("", line))
    for name, value in os.environ.items():
        if name.endswith(("_KEY", "_TOKEN", "_SECRET")) and len(value) >= 8:  # noqa: PLR2004 - shorter is a word
            line = line.replace(value, "[key]")
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


_TEXTS: dict[Kind, tuple[str, str]] = {
    "limit": (
        "'{model}'{where} takes no more requests now{said}",
        "wait, or run fewer at once with --jobs",
    ),
    "server": (
        "the server of '{model}'{where} failed with status {status}{said}",
        "try again later; what was answered so far is recorded",
    ),
    "timeout": (
        "'{model}'{where} did not answer within {timeout_s:g} seconds",
        "try again later, or ask for less at once",
    ),
    "unreachable": (
        "cannot reach '{model}'{where}{said}",
        "check the address (git config regen.apiBase) and whether the server runs",
    ),
    "cut": ("the connection to '{model}'{where} broke{said}", "check the network, then try again"),
    "unreadable": (
        "'{model}'{where} sent an answer that cannot be read{said}",
        "check that the address speaks this provider's API (git config regen.apiBase)",
    ),
    "quota": (
        "the account for '{model}' has no credit left{said}",
        "look at the provider's billing page",
    ),
    "key": ("no valid key for '{model}'{said}", "set {variables} in your environment"),
    "denied": (
        "the key may not use '{model}'{said}",
        "check what the key in {variables} is allowed to do",
    ),
    "model": (
        "model '{model}' is unknown{where}{said}",
        "check the name; the address may also be wrong (git config regen.apiBase)",
    ),
    "provider": (
        "'{model}' names no provider",
        "write provider and model, for instance openai/gpt-4o or ollama/llama3",
    ),
    "long": (
        "the request is too long for '{model}'{said}",
        "choose a model with a larger context, or show it less",
    ),
    "filtered": (
        "a content filter stopped the request to '{model}'{said}",
        "word the intent differently",
    ),
    "moved": (
        "the server of '{model}'{where} sends on to another address{said}",
        "if that is the right one, say 'git config regen.apiBase ADDRESS'; nothing was sent there",
    ),
    "endless": (
        "'{model}'{where} answers without an end{said}",
        "check that the address speaks this provider's API, or set a smaller --max-tokens",
    ),
    "bad": ("'{model}'{where} refused the request{said}", "check the model's name and the parameters"),
}
"""Message and hint of each kind, with what is known about the call to fill in."""


def explain(
    failure: Failure, model: str, *, address: str, keys: Sequence[str], timeout_s: float
) -> tuple[str, str]:
    """Return the message and the hint that a person gets.

    ``address`` is the API address in use, empty for the provider's own; ``keys`` the environment variables
    that the provider reads its key from.
    """
    message, hint = _TEXTS[failure.kind]
    known = {
        "model": model,
        "where": f" at '{address}'" if address else "",
        "said": f": {failure.said}" if failure.said else "",
        "status": failure.status,
        "variables": " or ".join(keys) or "the variable that your provider names",
        "timeout_s": timeout_s,
    }
    return message.format_map(known), hint.format_map(known)
