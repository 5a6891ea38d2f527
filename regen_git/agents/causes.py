"""Why a line is there: which prompts of its commit wrote it, or who did without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from regen_git.agents.told import Told
    from regen_git.domain.ids import RepoPath
    from regen_git.domain.intent import Intent

__all__ = ["NO_LINE", "Cause", "cause_of", "is_alike"]

NO_LINE = 0
"""Stands for the line where only the file is known: it is in no range of lines that a person mended."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a line is there: the intents that wrote it, or, when empty, who did without; and the reason."""

    intents: tuple[Intent, ...]
    reason: str
    by: Literal["prompt", "agent", "person"]


def cause_of(told: Told, path: RepoPath, line: int) -> Cause:
    """Return where a line of a commit's file comes from, given that this commit wrote it.

    It is a person's when the commit has no intent and nothing tells of an agent, when a person marked the
    commit so, when it was mended after the agent's last write, and when no intent of the commit wrote the
    file.
    """
    mark = told.mark
    if not told.note.intents or (mark is not None and mark.maker == "human"):
        return _without_prompt(told)
    wrote: list[Intent] = []
    for intent in told.note.intents.values():
        binding = told.binding(intent)
        if binding is not None and binding.wrote and path not in binding.wrote:
            continue
        ranges = (binding.hand or {}).get(path, ()) if binding is not None else ()
        if any(part.first <= line <= part.last for part in ranges):
            return Cause((), "mended by hand after the agent", "person")
        wrote.append(intent)
    if wrote:
        return Cause(tuple(wrote), "", "prompt")
    return Cause((), "no prompt of the commit wrote this file", "person")


def is_alike(told: Told, path: RepoPath) -> bool:
    """Return whether all lines of a file that the commit wrote have one cause: nothing was mended."""
    return not any((binding.hand or {}).get(path) for binding in told.note.bindings)


def _without_prompt(told: Told) -> Cause:
    """Return who wrote a commit of which no prompt counts."""
    evidence = told.evidence()
    if evidence.maker == "agent":
        how = evidence.reason if told.mark else f"{evidence.agent or 'an agent'} took part"
        return Cause((), f"{how}, but no prompt is recorded", "agent")
    return Cause((), evidence.reason if evidence.maker == "person" else "no prompt is recorded", "person")
