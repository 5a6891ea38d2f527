"""What an earlier run left in the journal: finished steps, and what people said about stuck ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.replay.engine import Finished
from regen_git.replay.workbench import Resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["finished_in", "resolutions_in"]


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
