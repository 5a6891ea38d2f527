"""``git regen retract``: an intent stays in the ledger, without force."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.errors import RegenError

if TYPE_CHECKING:
    from regen_git.ledger.holding import Held

__all__ = ["command", "refuse_conflict"]


@click.command("retract")
@click.argument("name", metavar="INTENT")
@click.option("--undo", is_flag=True, help="Give a retracted intent its force again.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
def command(name: str, *, undo: bool, dry_run: bool, as_json: bool) -> None:
    r"""Take an intent back: it stays in the ledger, and no later replay asks for it.

    INTENT is an id, the beginning of one, or a commit that has one intent. No commit changes. What the intent
    superseded is in force again. A replay with a model does not make the code that only this intent asked
    for; tests and people's changes of the same commit are kept.

    \b
    Examples:
      git regen retract 3f9c2a7
      git regen retract 3f9c2a7 --undo
    """
    from regen_git.cli.naming import first_words, named_intent
    from regen_git.ledger.holding import Holdings, write_revision
    from regen_git.ledger.revisions import revised

    console = Console(json=as_json)
    repo = open_up_to_date()
    held = named_intent(repo, name, Holdings(repo), retracted=undo)
    refuse_conflict(held)
    intent = held.claims[0]
    changes = intent.retracted == undo
    new = revised(replace(intent, retracted=not undo), held.documents) if changes else intent
    if changes and not dry_run:
        write_revision(repo, held, new, "regen: retract intent" if not undo else "regen: retract undone")
    state = "in force" if undo else "retracted"
    if changes:
        console.out(f"{held.id} {'would be' if dry_run else 'is'} {state}: {first_words(new)}")
    else:
        console.say(f"{held.id} is {state} already: nothing was written")
    console.emit(
        {
            "intent": held.id,
            "revision": new.revision,
            "retracted": new.retracted,
            "commits": list(held.commits),
            "written": changes and not dry_run,
        }
    )


def refuse_conflict(held: Held) -> None:
    """Raise ``RegenError`` where two documents claim to be the newest: a choice would be made silently."""
    if len(held.claims) > 1:
        raise RegenError(
            f"two versions of intent '{held.id}' are in conflict",
            hint=f"'git regen edit {held.id}' settles it",
        )
