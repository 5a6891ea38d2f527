"""What a transcript tells, whichever agent kept it: a person's prompts, and what came of each.

Named tuples, since the modules that make them are imported while an agent waits.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ANSWERS_LIMIT", "Session", "Turn", "Typed", "between", "question_in", "without_put_in"]

_PUT_IN = re.compile(
    r"<(system-reminder|system_reminder|ide_opened_file|ide_selection|ide_diagnostics)>", re.ASCII
)
_BLANKS = re.compile(r"\s*")

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


def between(text: str, tag: str) -> str | None:
    """Return what stands between the first such tag and its end; ``None`` if there is none."""
    _, _, rest = text.partition(f"<{tag}>")
    inner, end, _ = rest.partition(f"</{tag}>")
    return inner if end else None


def without_put_in(text: str) -> str:
    """Return a text without what editors and programs put into it between tags of theirs.

    Linear in the text's length, also where a tag opens a thousand times and never ends.
    """
    kept: list[str] = []
    endless: set[str] = set()
    last = at = 0
    while (found := _PUT_IN.search(text, at)) is not None:
        tag = found[1]
        end = -1 if tag in endless else text.find(f"</{tag}>", found.end())
        if end < 0:
            endless.add(tag)
            at = found.end()
            continue
        kept.append(text[last : found.start()])
        blanks = _BLANKS.match(text, end + len(tag) + 3)
        last = at = blanks.end() if blanks else len(text)
    return "".join(kept) + text[last:]
