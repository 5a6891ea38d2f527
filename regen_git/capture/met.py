"""The sessions whose prompts are in commits here, remembered so that their transcripts are looked at later.

One line a session: its agent, its id, how much of its transcript was there when somebody last looked, and
where the agent keeps that. Words are parted by tabs; what cannot be read is dropped.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Met", "met_sessions", "remember_sessions"]

_MOST = 200
"""Sessions that are remembered, the newest."""

_FIELDS = 4
_DIGITS = 20


class Met(NamedTuple):
    """A session that was in a commit; ``size`` is that of its ``transcript`` in bytes when last looked at."""

    agent: str
    session: str
    transcript: str
    size: int = -1


def met_sessions(data: str) -> list[Met]:
    """Return the sessions remembered in a data folder, the oldest first; empty if there are none."""
    try:
        with open(data + "/met", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - beside the rest
            rows = [line.rstrip("\n").split("\t") for line in file]
    except OSError:
        return []
    return [Met(row[0], row[1], row[3], int(row[2])) for row in rows if _is_row(row)]


def remember_sessions(data: str, sessions: Iterable[Met]) -> None:
    """Add sessions, or replace what was remembered of them; what cannot be written is not remembered."""
    known = {(one.agent, one.session): one for one in met_sessions(data)}
    for one in sessions:
        before = known.pop((one.agent, one.session), None)
        size = before.size if before is not None and one.size < 0 else one.size
        known[one.agent, one.session] = one._replace(size=size)
    rows = ((one.agent, one.session, str(one.size), one.transcript) for one in list(known.values())[-_MOST:])
    text = "".join("\t".join(row) + "\n" for row in rows if not any(c in "".join(row) for c in "\t\n\r"))
    scratch = f"{data}/met.new{os.getpid()}"
    with contextlib.suppress(OSError, UnicodeError):
        with open(scratch, "w", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - beside the rest
            file.write(text)
        os.replace(scratch, data + "/met")  # noqa: PTH105 - beside the rest


def _is_row(row: list[str]) -> bool:
    # Longer numbers are none that was written here; Python refuses to read them.
    if len(row) != _FIELDS or not all(row) or len(row[2]) > _DIGITS:
        return False
    return row[2].removeprefix("-").isdecimal()
