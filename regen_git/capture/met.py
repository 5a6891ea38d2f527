"""The sessions whose prompts are in commits here, remembered so that their transcripts are looked at later.

One line a session: its agent, its id, when it was last in a commit (seconds since 1970), and how much of its
transcript was there when somebody last looked. Words are parted by tabs; what cannot be read is dropped.
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
    """A session that was in a commit; ``size`` is that of its transcript in bytes when last looked at."""

    agent: str
    session: str
    at: int
    size: int = -1


def met_sessions(data: str) -> list[Met]:
    """Return the sessions remembered in a data folder, the oldest first; empty if there are none."""
    try:
        with open(data + "/met", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - beside the rest
            rows = [line.rstrip("\n").split("\t") for line in file]
    except OSError:
        return []
    return [Met(row[0], row[1], int(row[2]), int(row[3])) for row in rows if _is_row(row)]


def remember_sessions(data: str, sessions: Iterable[Met]) -> None:
    """Add sessions, or replace what was remembered of them; what cannot be written is not remembered."""
    known = {(one.agent, one.session): one for one in met_sessions(data)}
    for one in sessions:
        before = known.pop((one.agent, one.session), None)
        size = before.size if before is not None and one.size < 0 else one.size
        known[one.agent, one.session] = one._replace(size=size)
    kept = list(known.values())[-_MOST:]
    text = "".join(f"{one.agent}\t{one.session}\t{one.at}\t{one.size}\n" for one in kept if _is_plain(one))
    scratch = f"{data}/met.new{os.getpid()}"
    with contextlib.suppress(OSError):
        with open(scratch, "w", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - beside the rest
            file.write(text)
        os.replace(scratch, data + "/met")  # noqa: PTH105 - beside the rest


def _is_row(row: list[str]) -> bool:
    # Longer numbers are none that was written here; Python refuses to read them.
    if len(row) != _FIELDS or not row[0] or not row[1] or max(len(row[2]), len(row[3])) > _DIGITS:
        return False
    return row[2].isdecimal() and row[3].removeprefix("-").isdecimal()


def _is_plain(one: Met) -> bool:
    return not any(c in one.agent + one.session for c in "\t\n\r")
