"""From a commit's message to the intents it names.

Trailers name intents. So do whole lines that a squash has buried in the body, once the ledger knows the id.
What stands in a sentence or between the fences of a code block speaks of trailers and is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from regen_git.domain.ids import is_intent_id
from regen_git.git.trailers import block, values

__all__ = ["ADOPTS", "TRAILER", "Named", "named_in", "named_intents"]

TRAILER = "Regen-Intent"
ADOPTS = "Regen-Adopts"

_BURIED = re.compile(rb"^[ \t]*(?i:Regen-Intent):[ \t]*([0-9a-f]{16})[ \t]*\r?$", re.MULTILINE)
_MENTION = re.compile(rb"^.*\bRegen-Intent[ \t]*:.*$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(rb"^[ \t]*(`{3,}|~{3,})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Named:
    """What a message says of intents.

    ``trailers`` are ids in the trailer block. ``buried`` are ids on whole lines of the body, ``indented``
    those of them that never stand at the beginning of a line. ``malformed`` are values of trailers that are
    no ids. ``prose`` are lines that only speak of a trailer.
    """

    trailers: tuple[str, ...] = ()
    buried: tuple[str, ...] = ()
    indented: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id, in the order of the message: trailers end it."""
        return (*self.buried, *self.trailers)


_NOTHING = Named()


def named_in(message: bytes) -> Named:
    """Take a message apart; nothing is repeated."""
    if b"regen-intent" not in message.lower():
        return _NOTHING
    found = values(message, TRAILER)
    trailers = tuple(dict.fromkeys(value for value in found if is_intent_id(value)))
    malformed = tuple(dict.fromkeys(value for value in found if not is_intent_id(value)))
    body = _without_fences(message)
    buried: dict[str, bool] = {}
    for match in _BURIED.finditer(body):
        one = match[1].decode("ascii")
        if one not in trailers:
            buried[one] = buried.get(one, True) and match[0][:1] in (b" ", b"\t")
    own = {line.rstrip() for line in block(message)}
    prose = [
        line[0].strip().decode("utf-8", "replace")
        for line in _MENTION.finditer(message)
        if line[0].rstrip() not in own and not _counts(line[0], body)
    ]
    return Named(
        trailers,
        tuple(buried),
        tuple(one for one, is_indented in buried.items() if is_indented),
        malformed,
        tuple(dict.fromkeys(prose)),
    )


def named_intents(message: bytes) -> tuple[list[str], list[str]]:
    """Return the ids in the trailers, and those on lines buried in the body, without repetitions."""
    named = named_in(message)
    return list(named.trailers), list(named.buried)


def _counts(line: bytes, body: bytes) -> bool:
    """Return whether a line names an intent as a buried one does, outside of all fences."""
    return _BURIED.fullmatch(line) is not None and line in body.split(b"\n")


def _without_fences(message: bytes) -> bytes:
    """Leave out what stands between fences; a fence that nothing closes is only a line."""
    kept: list[bytes] = []
    inside: list[bytes] = []
    fence = b""
    for line in message.split(b"\n"):
        mark = _FENCE.match(line)
        if not fence and mark:
            fence, inside = mark[1], [line]
        elif fence:
            inside.append(line)
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[:1]):
                fence, inside = b"", []
        else:
            kept.append(line)
    return b"\n".join([*kept, *inside])
