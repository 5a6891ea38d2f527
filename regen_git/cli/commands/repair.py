"""``git regen repair``: give commits back the notes that a rewrite, a squash or a bare tool has cost them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date

if TYPE_CHECKING:
    from regen_git.sharing.repair import Outcome, Repaired

__all__ = ["command"]

_HOW = {
    "note": "its note was fetched",
    "trailer": "its message names them",
    "tree": "same tree as branch",
    "trees": "same trees as commit",
    "patch": "same change as",
}


@click.command("repair")
@click.argument("span", metavar="[RANGE]", required=False, default="")
@click.option("--dry-run", is_flag=True, help="Say what would be given back, and write nothing.")
@json_option
def command(span: str, *, dry_run: bool, as_json: bool) -> None:
    r"""Find commits that lost their notes, and give them back.

    Found are: intents that a message names; the branch that a squash, a reset or a rewrite was made from, by
    its tree; commits with the same trees, or the same patch. A commit that has an intent is left alone, and
    so are merges, empty commits and reverts. RANGE is everything up to HEAD where nothing is said.

    \b
    Examples:
      git regen repair --dry-run
      git regen repair v1.0.. --json
    """
    from regen_git.sharing.repair import repair

    console = Console(json=as_json)
    repo = open_up_to_date()
    outcome = repair(repo, span, dry_run=dry_run)
    for one in outcome.repaired:
        console.out(_line(one))
    for lost in outcome.lost:
        head = style(lost.commit[:10], fg="yellow")
        console.out(f"{head} lost: no note here knows {', '.join(lost.ids)}  {safe(lost.subject)[:60]}")
    console.out(_summary(outcome, dry_run=dry_run))
    if outcome.unplaced:
        many = len(outcome.unplaced)
        what = "1 intent stands" if many == 1 else f"{many:,} intents stand"
        console.say(f"{what} only on commits that no branch or tag has")
    if outcome.lost:
        from regen_git.sharing.absent import how_to_get, ledger_remote

        if ledger_remote(repo) is not None:
            console.say(how_to_get(repo))
        else:
            console.say("ask who made these commits to publish the notes: 'git regen sync'")
    console.emit(_json(outcome, dry_run=dry_run))


def _line(one: Repaired) -> str:
    many = "1 intent" if len(one.ids) == 1 else f"{len(one.ids)} intents"
    source = f" {one.source[:10]}" if one.source else ""
    return f"{style(one.commit[:10], fg='yellow')} {many}: {_HOW[one.how]}{source}  {safe(one.subject)[:60]}"


def _summary(outcome: Outcome, *, dry_run: bool) -> str:
    if not outcome.repaired and not outcome.lost:
        return f"nothing is missing in {outcome.commits:,} commits"
    done = "would get notes" if dry_run else "got their notes back"
    text = f"{len(outcome.repaired):,} of {outcome.commits:,} commits {done}"
    return text + (f", {len(outcome.lost):,} cannot be recovered" if outcome.lost else "")


def _json(outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    return {
        "commits": outcome.commits,
        "dry_run": dry_run,
        "repaired": [
            {
                "commit": one.commit,
                "subject": one.subject,
                "how": one.how,
                "intents": list(one.ids),
                "source": one.source,
            }
            for one in outcome.repaired
        ],
        "lost": [
            {"commit": one.commit, "subject": one.subject, "intents": list(one.ids)} for one in outcome.lost
        ],
        "unplaced": [{"intent": one, "commit": commit} for one, commit in outcome.unplaced.items()],
    }
