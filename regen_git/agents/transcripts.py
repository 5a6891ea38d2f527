"""What a transcript tells, whichever agent kept it: a person's prompts, and what came of each.

Named tuples, since the modules that make them are imported while an agent waits.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ANSWERS_LIMIT", "Session", "Turn", "Typed", "question_in"]

ANSWERS_LIMIT = 2048
"""Bytes kept of what a prompt replies to; the end of it, where the question stands."""


class Typed(NamedTuple):
    """One thing a person typed. ``at`` is RFC 3339, UTC, or empty. ``refs``: what it points at."""

    text: str
    at: str = ""
    answers: str | None = None
    refs: tuple[str, ...] = ()


class Turn(NamedTuple):
    """A prompt and what followed it, up to the next one.

    ``key`` names the prompt in this session and its forks, and is the ``key`` of the event that a hook gives
    for it where the payload allows that. ``edits`` are absolute paths that were really written or deleted, in
    order; ``commits`` are the (short) ids of commits the agent made itself. ``approved`` is a plan that the
    agent wrote and the person accepted. ``at`` and ``ended`` are RFC 3339 in UTC, or empty.
    """

    key: str
    prompts: tuple[Typed, ...]
    at: str
    ended: str
    edits: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    model: str | None = None
    approved: str | None = None


class Session(NamedTuple):
    """One transcript: its live turns in the order in which they happened; ``started`` as in ``Turn.at``.

    ``started`` is the time of the file's first line: a fork starts later than the turns it copied. Turns that
    were rewound or undone are left out, and so are sessions of subagents.
    """

    id: str
    cwd: str
    version: str | None
    started: str
    turns: tuple[Turn, ...]


def question_in(said: str) -> str | None:
    """Return what an agent said if it ends in asking something; at most ``ANSWERS_LIMIT`` bytes of it."""
    paragraphs = said.strip().split("\n\n")
    if "?" not in paragraphs[-1]:
        return None
    kept = said.strip().encode("utf-8", "replace")[-ANSWERS_LIMIT:]
    return kept.decode("utf-8", "ignore")
