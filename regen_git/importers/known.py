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

__all__ = ["Known", "read_known", "seconds_of"]

_ID = re.compile(rb"^intent: \"?([0-9a-f]{16})\"?[ \t\r]*$", re.MULTILINE)
_SHORT = 8
"""Characters of a session's id that every intent has: hooks keep all of it, an import these."""

_NEAR_S = 60
"""Seconds between what a hook and what a transcript says of when one prompt was typed, at most."""


@dataclass(slots=True)
class Known:
    """The ids of all intents, and by session the prompts with when they were typed (0: unknown)."""

    ids: set[str] = field(default_factory=set)
    said: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def has(self, session: str, text: str, second: int) -> bool:
        """Return whether this prompt of a session is in an intent."""
        clean = text.strip()
        return any(
            clean == known and (not at or not second or abs(at - second) <= _NEAR_S)
            for known, at in self.said.get(session[:_SHORT], [])
        )


def read_known(repo: Repository, sessions: Collection[str]) -> Known:
    """Read all notes; only those that name one of these sessions are parsed."""
    known = Known()
    words = [session[:_SHORT].encode() for session in sessions if session]
    for ref in (INTENTS_REF, PRIVATE_REF):
        for _, blob in note_blobs(repo, read_ref(repo, ref)).values():
            raw = repo.objects.blob(blob)
            known.ids.update(match[1].decode("ascii") for match in _ID.finditer(raw))
            if not any(word in raw for word in words):
                continue
            for intent in view(raw).intents.values():
                if intent.agent is not None and intent.agent.session:
                    prompts = [
                        (prompt.text.strip(), seconds_of(prompt.at or "")) for prompt in intent.prompts
                    ]
                    known.said.setdefault(intent.agent.session[:_SHORT], []).extend(prompts)
    return known


def seconds_of(at: str) -> int:
    """Return an RFC 3339 time as seconds since 1970 UTC; 0 for what is no time."""
    try:
        return int(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp())
    except ValueError:
        return 0
