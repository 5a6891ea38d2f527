"""``git regen describe``: name the version of what is asked, as a tree's id names that of the files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console
from regen_git.cli.context import json_option, open_up_to_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.ledger.effective import Asked

__all__ = ["command", "counts_of", "short_version"]

_SHORT = 12


@click.command("describe")
@click.argument("span", metavar="[REV|RANGE]", required=False, default="HEAD")
@json_option
def command(span: str, *, as_json: bool) -> None:
    r"""Print the ledger version of a revision or a range: one name for all that is asked in it.

    Two revisions in which the same intents have force, word for word and in the same order, have the same
    version. Editing, superseding or retracting an intent changes it; a commit that nobody asked for does not.

    \b
    Examples:
      git regen describe
      git regen describe v1.0..v1.2 --json
    """
    from regen_git.git.history import read_span
    from regen_git.ledger.effective import ledger_version, read_asked

    console = Console(json=as_json)
    repo = open_up_to_date()
    # Refuses what names nothing, and what is cut off in a shallow clone.
    read_span(repo, span, may_be_empty=True)
    asked = read_asked(repo, [span])
    version = ledger_version(asked)
    counts = counts_of(asked)
    conflicts = [one.intent.id for one in asked if one.claims > 1]
    open_ones = f", {len(conflicts)} in conflict" if conflicts else ""
    console.out(
        f"{short_version(version)} ({counts['in force']} in force, {counts['superseded']} superseded, "
        f"{counts['retracted']} retracted{open_ones})"
    )
    if conflicts:
        console.say(f"in conflict: {', '.join(conflicts)}; 'git regen edit INTENT' settles one")
    console.emit(
        {
            "revision": span,
            "version": version,
            "short": short_version(version),
            "in_force": counts["in force"],
            "superseded": counts["superseded"],
            "retracted": counts["retracted"],
            "conflicts": conflicts,
        }
    )


def short_version(version: str) -> str:
    """Return a ledger version as people read it."""
    return f"intents-{version[:_SHORT]}"


def counts_of(asked: Sequence[Asked]) -> Counter[str]:
    """Return how many intents have each status."""
    return Counter(one.status for one in asked)
