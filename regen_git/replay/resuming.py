"""What an earlier run left in the journal: finished steps, and what people said about stuck ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.replay.answers import Spent
from regen_git.replay.engine import Finished
from regen_git.replay.workbench import Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["finished_in", "resolutions_in", "spent_in", "tallies_in"]


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
        before = found.get(index, Resolution())
        notes = (*before.notes, *entry.get("notes", []))
        found[index] = Resolution(
            notes, bool(entry.get("original")), bool(entry.get("drop")), entry.get("tree")
        )
    return found


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
    """Return what the earlier runs of a replay used; a run without a known price adds no dollars."""
    runs = tallies_in(entries)
    tokens = sum(int(run["prompt_tokens"]) + int(run["completion_tokens"]) for run in runs)
    return Spent(tokens, sum(float(run["cost_usd"] or 0.0) for run in runs), len(runs))
