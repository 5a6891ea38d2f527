"""What the ledger holds already, on whatever commit, so that no prompt gets a second intent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, view

if TYPE_CHECKING:
    from collections.abc import Collection

    from regen_git.git.repository import Repository

__all__ = ["Known", "is_near", "read_known", "seconds_of"]

_ID = re.compile(rb"^(intent|purge): \"?([0-9a-f]{16})\"?[ \t\r]*$", re.MULTILINE)
_SHORT = 8
"""Characters of a session's id that every intent has; some have no more."""

_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799
"""The first and the last second of the years 1 to 9999, which are all that can be written down."""

_NEAR_S = 60
"""Seconds between what a hook and what a transcript says of when one prompt was typed, at most."""


@dataclass(slots=True)
class Known:
    """The ids of all intents; and by the first digits of a session its id, a prompt and when it was typed.

    That is in seconds, and 0 where nobody knows it. ``purged`` are those of the ids whose words were purged.
    """

    ids: set[str] = field(default_factory=set)
    purged: set[str] = field(default_factory=set)
    said: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)

    def has(self, session: str, text: str, second: int) -> bool:
        """Return whether this prompt of a session is in an intent."""
        clean = text.strip()
        return any(
            # Some agents count time in the first digits of an id, so these alone tell little.
            clean == known
            and (session == whole or _SHORT in (len(session), len(whole)))
            and is_near(at, second)
            for whole, known, at in self.said.get(session[:_SHORT], [])
        )


def read_known(repo: Repository, sessions: Collection[str]) -> Known:
    """Read all notes; only those that name one of these sessions are parsed."""
    known = Known()
    words = [session[:_SHORT].encode() for session in sessions if session]
    for ref in (INTENTS_REF, PRIVATE_REF):
        for _, blob in note_blobs(repo, read_ref(repo, ref)).values():
            raw = repo.objects.blob(blob)
            for match in _ID.finditer(raw):
                one = match[2].decode("ascii")
                known.ids.add(one)
                if match[1] == b"purge":
                    known.purged.add(one)
            if not any(word in raw for word in words):
                continue
            for intent in view(raw).intents.values():
                session = intent.agent.session if intent.agent is not None else None
                if session:
                    said = known.said.setdefault(session[:_SHORT], [])
                    said += [(session, p.text.strip(), seconds_of(p.at or "")) for p in intent.prompts]
    return known


def is_near(one: int, other: int) -> bool:
    """Return whether two seconds may be those of one prompt; 0 may be any."""
    return not one or not other or abs(one - other) <= _NEAR_S


def seconds_of(at: str) -> int:
    """Return an RFC 3339 time as seconds since 1970 UTC; 0 for what is no time."""
    try:
        second = int(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp())
    except (ValueError, OverflowError):
        return 0
    return second if _FIRST_S <= second <= _LAST_S else 0
