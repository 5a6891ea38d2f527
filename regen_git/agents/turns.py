"""Put turns together while a transcript is read from its beginning, and find the transcripts to read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.agents.transcripts import ANSWERS_LIMIT, Turn, Typed, question_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Turns", "commits_in", "folder_names", "home_folder", "is_inside", "live_prompts", "may_commit"]

_COMMITTED = re.compile(r"^(?:Output: )?\[[^\]\n]*?\b([0-9a-f]{7,64})\] ", re.MULTILINE)
_COMMAND_ENDS = re.compile(r"[\n|;&]")
_GIT = re.compile(r"\bgit\b")
_COMMITS = re.compile(r"\b(?:commit|cherry-pick|revert|merge|am)\b")


def commits_in(command: str, output: str) -> list[str]:
    """Return the short ids of the commits that a shell command made, by what git printed."""
    return _COMMITTED.findall(output) if may_commit(command) else []


def may_commit(command: str) -> bool:
    """Return whether a shell's command line has git make a commit."""
    # In steps that are linear in its length: the line may be anything.
    for part in _COMMAND_ENDS.split(command):
        git = _GIT.search(part)
        if git and _COMMITS.search(part, git.end()):
            return True
    return False


class Turns:
    """Takes what a transcript tells, in its order; what comes before the first prompt belongs to no turn."""

    def __init__(self) -> None:
        self._done: list[Turn] = []
        self._edits: dict[str, None] = {}
        self._commits: dict[str, None] = {}
        self._said = ""

    def typed(self, key: str, text: str, at: str, refs: Iterable[str] = ()) -> None:
        """Begin a turn. What was said last in the one before is kept if it asks something."""
        self._close()
        typed = Typed(text, at, question_in(self._said) if self._said else None, tuple(refs))
        self._done.append(Turn(key, (typed,), at, at))
        self._said = ""

    def typed_meanwhile(self, text: str, at: str) -> None:
        """Add what was typed while the agent worked and reached it in this turn."""
        if self._done:
            last = self._done[-1]
            self._done[-1] = last._replace(prompts=(*last.prompts, Typed(text, at)))

    def approved(self, plan: str) -> None:
        """Add a plan that the person accepted."""
        if self._done and plan.strip():
            last = self._done[-1]
            both = f"{last.approved}\n\n{plan}" if last.approved else plan
            self._done[-1] = last._replace(approved=both)

    def said(self, text: str) -> None:
        """Take the agent's words."""
        self._said = text[-ANSWERS_LIMIT:] if text.strip() else self._said

    def saw(self, at: str, model: str = "") -> None:
        """Take the time of a line of this turn, and the model's name if it has one."""
        if self._done:
            last = self._done[-1]
            self._done[-1] = last._replace(ended=max(last.ended, at), model=last.model or model or None)

    def edited(self, paths: Iterable[str]) -> None:
        """Take absolute paths that were really written or deleted."""
        if self._done:
            self._edits.update(dict.fromkeys(paths))

    def committed(self, commits: Iterable[str]) -> None:
        """Take the (short) ids of commits that the agent made."""
        if self._done:
            self._commits.update(dict.fromkeys(commits))

    def finish(self) -> tuple[Turn, ...]:
        """Return all turns, in order."""
        self._close()
        return tuple(self._done)

    def _close(self) -> None:
        if self._done:
            edits, commits = tuple(self._edits), tuple(self._commits)
            self._done[-1] = self._done[-1]._replace(edits=edits, commits=commits)
            self._edits, self._commits = {}, {}


def live_prompts(parents: Sequence[int], is_prompt: Sequence[bool]) -> list[int]:
    """Return, for each line of a tree, the prompt it follows from if that was not rewound; else -1.

    ``parents`` are the indexes of earlier lines, or -1. Only prompts from which the last line descends count;
    a prompt follows from itself.
    """
    owner: list[int] = []
    for index, parent in enumerate(parents):
        owner.append(index if is_prompt[index] else owner[parent] if parent >= 0 else -1)
    live = {-1}
    index = len(parents) - 1
    while index >= 0:
        if is_prompt[index]:
            live.add(index)
        index = parents[index]
    return [one if one in live else -1 for one in owner]


def home_folder(env: Mapping[str, str], name: str, variable: str = "") -> Path:
    """Return an agent's folder: in the home folder, or where its variable says."""
    if variable and env.get(variable):
        return Path(env[variable])
    # Where nothing names a home, "~" stays, and there is nothing below it.
    return Path(env.get("HOME") or os.path.expanduser("~")) / name  # noqa: PTH111 - pathlib's raises then


def folder_names(tops: Sequence[str]) -> tuple[str, ...]:
    """Return how folders are named after these, as most agents do: every odd character is a dash."""
    return tuple(sorted({re.sub(r"[^A-Za-z0-9-]", "-", os.path.realpath(top)) for top in tops}))


def is_inside(folder: str, tops: Sequence[str]) -> bool:
    """Return whether a folder is one of these or lies below."""
    try:
        real = os.path.realpath(folder)
    except ValueError:
        # Bytes that no path can have.
        return False
    return any(real == top or real.startswith(top.rstrip("/") + "/") for top in map(os.path.realpath, tops))
