"""One reply as a document that a person can read with ``git show``, and back.

::

    format: 1
    model: gpt-4o-2024-08-06
    finish: stop
    prompt-tokens: 812
    completion-tokens: 240
    cached-tokens: 0
    cost-usd: 0.00443

    FILE src/http.py
    …

A few ``key: value`` lines, an empty line, then the text as it came, to the last byte. ``cost-usd`` is absent
where no price was known or the figure is none. The same reply always gives the same bytes. Readers pass over
keys they do not know.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

from regen_git.errors import ModelError
from regen_git.llm.client import FINISHES, Reply, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.llm.client import Finish

__all__ = ["LIMIT_BYTES", "decode", "encode"]

LIMIT_BYTES = 8 * 1024 * 1024
"""Larger replies are neither written nor read."""

_FORMAT = "1"
_PLAIN = re.compile(r"[!#-~][ -~]*(?<! )|[!#-~]")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_HEADER_LIMIT = 64 * 1024


def encode(reply: Reply) -> bytes:
    """Return the document. Raises ``ModelError`` when it would be larger than the limit."""
    lines = [
        f"format: {_FORMAT}",
        f"model: {_quoted(reply.model)}",
        f"finish: {reply.finish}",
        f"prompt-tokens: {reply.usage.prompt_tokens}",
        f"completion-tokens: {reply.usage.completion_tokens}",
        f"cached-tokens: {reply.usage.cached_tokens}",
    ]
    if reply.cost_usd is not None and math.isfinite(reply.cost_usd) and reply.cost_usd >= 0:
        lines.append(f"cost-usd: {reply.cost_usd!r}")
    text = reply.text.encode("utf-8", "surrogatepass")
    data = "\n".join(lines).encode("ascii") + b"\n\n" + text
    if len(data) > LIMIT_BYTES:
        raise ModelError(
            f"the reply of '{reply.model}' has {len(data)} bytes, and at most {LIMIT_BYTES} are kept",
            hint="ask for less at once: fewer files in a step, or a smaller max_tokens",
        )
    return data


def decode(data: bytes) -> Reply:
    """Read a document. Raises ``ValueError``, saying what is wrong, for what ``encode`` never makes."""
    if len(data) > LIMIT_BYTES:
        raise ValueError(f"larger than {LIMIT_BYTES} bytes")
    end = data.find(b"\n\n", 0, _HEADER_LIMIT)
    if end < 0:
        raise ValueError("no header")
    header: dict[str, str] = {}
    for line in data[:end].decode("ascii").split("\n"):
        key, separator, value = line.partition(": ")
        if not separator or key in header:
            raise ValueError(f"unreadable header line {line[:80]!r}")
        header[key] = value
    if header.get("format") != _FORMAT:
        raise ValueError(f"unknown format {header.get('format', '')[:20]!r}")
    return Reply(
        text=data[end + 2 :].decode("utf-8", "surrogatepass"),
        finish=_finish(header.get("finish")),
        usage=Usage(
            _count(header, "prompt-tokens"),
            _count(header, "completion-tokens"),
            _count(header, "cached-tokens"),
        ),
        cost_usd=_cost(header.get("cost-usd")),
        model=_unquoted(header.get("model", "")),
    )


def _quoted(value: str) -> str:
    """Return a value as it is where that is one plain ASCII line, else as a JSON string."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    text = json.loads(value)
    if not isinstance(text, str):
        raise ValueError("a quoted value that is not text")
    return text


def _finish(value: str | None) -> Finish:
    for known in FINISHES:
        if value == known:
            return known
    raise ValueError(f"unknown finish {str(value)[:20]!r}")


def _count(header: Mapping[str, str], key: str) -> int:
    value = header.get(key, "")
    if not _NUMBER.fullmatch(value):
        raise ValueError(f"'{key}' is no number")
    return int(value)


def _cost(value: str | None) -> float | None:
    if value is None:
        return None
    cost = float(value)
    if not math.isfinite(cost) or cost < 0:
        raise ValueError("'cost-usd' is no price")
    return cost
