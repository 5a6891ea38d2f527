"""``git regen supersede``: ask for something else in the place of an intent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from regen_git.cli.commands.edit import given_text
from regen_git.cli.commands.retract import refuse_conflict
from regen_git.cli.console import Console
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.domain.intent import Intent
    from regen_git.git.repository import Repository
    from regen_git.ledger.codec import Record
    from regen_git.ledger.holding import Held, Holdings

__all__ = ["command"]


@click.command("supersede")
@click.argument("name", metavar="INTENT")
@click.option(
    "-m",
    "--message",
    "messages",
    multiple=True,
    metavar="TEXT",
    help="What is asked instead; may be repeated.",
)
@click.option("-F", "--file", "file", metavar="FILE", help="Read it from a file; '-' is standard input.")
@click.option("--by", metavar="OTHER", help="An intent that exists takes its place.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
def command(
    name: str, messages: tuple[str, ...], file: str | None, by: str | None, *, dry_run: bool, as_json: bool
) -> None:
    r"""Ask for something else in the place of an intent; the old one stays in the ledger, without force.

    The new intent belongs to the same commits and files, so that a replay with a model asks it there. With
    --by an intent that exists takes the other's place; where it belongs to a later commit, a replay step by
    step still asks the old one first, as history did. Secrets are taken out before anything is written.

    \b
    Examples:
      git regen supersede 3f9c2a7 -m "Retry on 503 only, at most three times"
      git regen supersede 3f9c2a7 --by HEAD
    """
    from regen_git.cli.naming import named_intent
    from regen_git.ledger.holding import Holdings

    console = Console(json=as_json)
    repo = open_up_to_date()
    holdings = Holdings(repo)
    old = named_intent(repo, name, holdings)
    text = given_text(list(messages), file)
    if (text is None) == (by is None):
        raise UsageError("what is asked instead", hint="say it with '-m TEXT', or name an intent with '--by'")
    if by is not None:
        _by_other(console, repo, holdings, old, by, dry_run=dry_run)
    else:
        _by_new(console, repo, old, text or "", dry_run=dry_run)


def _by_new(console: Console, repo: Repository, old: Held, text: str, *, dry_run: bool) -> None:
    from regen_git.capture.clock import now
    from regen_git.domain.ids import new_intent_id
    from regen_git.domain.intent import Intent, Prompt
    from regen_git.ledger.holding import append_to
    from regen_git.redaction import redact

    if not text.strip():
        raise UsageError("nothing to ask", hint="say it in words, or use 'git regen retract'")
    clean = redact(text.strip("\n"))
    ident = repo.git("var", "GIT_AUTHOR_IDENT", ok=(0, 128)).decode("utf-8", "replace")
    new = Intent(
        new_intent_id(),
        (Prompt(clean.text, at=now()),),
        "explicit",
        author=ident.rpartition(">")[0] + ">" if ">" in ident else None,
        supersedes=(old.id,),
        redacted=clean.count,
    )
    records: dict[tuple[str, Oid], list[Record]] = {
        (ref, oid): [new, *(replace(bound, intent=new.id) for bound in old.bindings.get((ref, oid), ()))]
        for ref, commits in old.places.items()
        for oid in commits
    }
    if not dry_run:
        append_to(repo, records, "regen: supersede intent")
    if clean.count:
        console.say(f"{clean.count} secret{'s were' if clean.count > 1 else ' was'} taken out")
    _tell(console, old, new, old.commits, redacted=clean.count, dry_run=dry_run)


def _by_other(
    console: Console, repo: Repository, holdings: Holdings, old: Held, by: str, *, dry_run: bool
) -> None:
    from regen_git.cli.naming import named_intent
    from regen_git.ledger.holding import write_revision
    from regen_git.ledger.revisions import revised

    other = named_intent(repo, by, holdings)
    if other.id == old.id:
        raise UsageError(f"intent '{old.id}' cannot supersede itself", hint="name another intent with '--by'")
    refuse_conflict(other)
    intent = other.claims[0]
    if old.id in intent.supersedes:
        console.say(f"{other.id} supersedes {old.id} already: nothing was written")
        _tell(console, old, intent, other.commits, redacted=0, dry_run=dry_run, written=False)
        return
    if other.id in old.claims[0].supersedes:
        console.say("note: they supersede each other now; the one that was asked last has force")
    new = revised(replace(intent, supersedes=(*intent.supersedes, old.id)), other.documents)
    if not dry_run:
        write_revision(repo, other, new, "regen: supersede intent")
    if new.retracted:
        console.say(f"note: {other.id} is retracted; while it is, {old.id} stays in force")
    _tell(console, old, new, other.commits, redacted=0, dry_run=dry_run)


def _tell(
    console: Console,
    old: Held,
    new: Intent,
    commits: tuple[str, ...],
    *,
    redacted: int,
    dry_run: bool,
    written: bool = True,
) -> None:
    if written:
        where = "1 commit" if len(commits) == 1 else f"{len(commits)} commits"
        verb = "would be superseded" if dry_run else "is superseded"
        console.out(f"{old.id} {verb} by {new.id} on {where}")
    console.emit(
        {
            "intent": new.id,
            "revision": new.revision,
            "supersedes": list(new.supersedes),
            "commits": list(commits),
            "private": old.is_private,
            "redacted": redacted,
            "written": written and not dry_run,
        }
    )
