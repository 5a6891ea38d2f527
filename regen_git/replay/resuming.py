"""What an earlier run left in the journal: finished steps, and what people said about stuck ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regen_git.errors import ReplayError
from regen_git.replay.answers import Spent
from regen_git.replay.engine import Finished
from regen_git.replay.workbench import Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid

__all__ = [
    "Amount",
    "check_branch",
    "finished_in",
    "last_run",
    "resolutions_in",
    "spent_in",
    "tallies_in",
    "unknown_in",
]


def finished_in(entries: Sequence[dict[str, Any]]) -> dict[int, Finished]:
    """Return the steps that an earlier run finished, by index."""
    found: dict[int, Finished] = {}
    for entry in entries:
        if entry.get("state") == "committed":
            found[int(entry["step"])] = Finished(entry["commit"], str(entry.get("document", "")).encode())
        elif entry.get("state") == "restart":
            found.clear()
    return found


def resolutions_in(entries: Sequence[dict[str, Any]]) -> dict[int, Resolution]:
    """Return what a person said about stuck steps, the last word counting; notes add up."""
    found: dict[int, Resolution] = {}
    for entry in entries:
        if entry.get("state") == "restart":
            found.clear()
        if entry.get("state") != "resolved":
            continue
        index = int(entry["step"])
        before = found.pop(index, Resolution())  # the last word is the last in order, too
        notes = (*before.notes, *entry.get("notes", []))
        found[index] = Resolution(
            notes, bool(entry.get("original")), bool(entry.get("drop")), entry.get("tree")
        )
    return found


def last_run(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines since the replay was last started from its beginning."""
    starts = [i for i, entry in enumerate(entries) if entry.get("state") == "restart"]
    return entries[starts[-1] + 1 :] if starts else entries


def tallies_in(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last figures of each run since the replay was begun, also of those that were killed."""
    runs: dict[int, dict[str, Any]] = {}
    for entry in entries:
        if entry.get("state") == "restart":
            runs.clear()
        elif entry.get("state") in ("spent", "ended"):
            runs[int(entry.get("run", 0))] = entry
    return list(runs.values())


def spent_in(entries: Sequence[dict[str, Any]]) -> Spent:
    """Return what the earlier runs of a replay used; a run without a known price adds no dollars.

    A call that was about to be sent and of which no more is said counts for what it may have cost.
    """
    calls = _calls_in(entries)
    told = [run for run in tallies_in(entries) if int(run.get("run", 0)) not in calls.runs]
    usd = math.fsum([*(float(run["cost_usd"] or 0.0) for run in told), *(each.usd for each in calls.amounts)])
    tokens = sum(int(run["prompt_tokens"]) + int(run["completion_tokens"]) for run in told)
    numbers = [int(run.get("run", 0)) for run in tallies_in(entries)]
    runs = 1 + max([*numbers, *calls.runs], default=-1)
    return Spent(tokens + sum(each.tokens for each in calls.amounts), usd, runs)


def unknown_in(entries: Sequence[dict[str, Any]]) -> list[Amount]:
    """Return what the calls may have cost whose outcome nobody knows: a kill came while they were out."""
    return [each for waiting in _calls_in(entries).open.values() for each in waiting]


@dataclass(frozen=True, slots=True)
class Amount:
    """What a call cost, or may have cost."""

    usd: float
    tokens: int


@dataclass(slots=True)
class _Calls:
    """What the journal says of single calls. ``runs`` are those that say anything."""

    open: dict[str, list[Amount]] = field(default_factory=dict)
    settled: list[Amount] = field(default_factory=list)
    runs: set[int] = field(default_factory=set)

    @property
    def amounts(self) -> list[Amount]:
        return [*self.settled, *(each for waiting in self.open.values() for each in waiting)]


def _calls_in(entries: Sequence[dict[str, Any]]) -> _Calls:
    calls = _Calls()
    for entry in entries:
        state = entry.get("state")
        if state == "restart":
            calls = _Calls()
        if state not in ("reserved", "settled"):
            continue
        calls.runs.add(int(entry.get("run", 0)))
        waiting = calls.open.setdefault(str(entry.get("call")), [])
        amount = Amount(float(entry.get("usd") or 0.0), int(entry.get("tokens") or 0))
        if state == "reserved":
            waiting.append(amount)
        else:
            # Asked again after a kill, it is the last one that is settled; the first stays unknown.
            if waiting:
                waiting.pop()
            calls.settled.append(amount)
    return calls


def check_branch(entries: Sequence[dict[str, Any]], tip: Oid | None, name: str) -> None:
    """Refuse to go on where somebody else has moved the branch. Raises ``ReplayError``.

    It may be where this replay found it, or at any commit that this replay made.
    """
    states = [entry for entry in entries if entry.get("state") in ("begun", "committed", "ended")]
    known = {entry.get("commit") or entry.get("tip") for entry in states}
    known |= {entry.get("branch") for entry in states}
    if tip is not None and states and tip not in known:
        raise ReplayError(
            f"somebody moved the branch 'regen/{name}'",
            hint=f"keep what is there with 'git branch -m regen/{name} NAME', then go on",
        )
