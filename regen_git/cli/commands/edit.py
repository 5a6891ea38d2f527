"""``git regen edit``: word a prompt differently, as its next revision."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.errors import RefusedError, RegenError, UsageError

if TYPE_CHECKING:
    from regen_git.domain.intent import Intent
    from regen_git.git.repository import Repository
    from regen_git.ledger.holding import Held

__all__ = ["command", "given_text"]

_COMMITS_SHOWN = 5


@click.command("edit")
@click.argument("name", metavar="INTENT")
@click.option("-m", "--message", "message", metavar="TEXT", help="The new words; no editor is opened.")
@click.option(
    "-F", "--file", "file", metavar="FILE", help="Read the new words from a file; '-' is standard input."
)
@click.option("--prompt", "only", type=click.IntRange(min=1), metavar="N", help="Edit the N-th prompt alone.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
def command(
    name: str,
    message: str | None,
    file: str | None,
    only: int | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    r"""Word a prompt differently: opens your editor on it, as 'git commit --amend' does on a message.

    INTENT is an id, the beginning of one, or a commit that has one intent. What you save becomes the intent's
    next revision on every commit that holds it; no commit changes, and the old words stay in the ledger
    ('git regen log --history'). Secrets are taken out before anything is written. Where two people edited one
    intent, the editor shows both versions, marked as in a merge, and what you save settles it.

    \b
    Examples:
      git regen edit HEAD
      git regen edit 3f9c2a7 -m "Retry at most five times"
    """
    from regen_git.cli.editing import sheet
    from regen_git.cli.editor import edited, kept_file
    from regen_git.cli.naming import named_intent
    from regen_git.ledger.holding import Holdings

    console = Console(json=as_json)
    repo = open_up_to_date()
    held = named_intent(repo, name, Holdings(repo))
    _check(held, only, is_message=message is not None)
    saved = given_text([message] if message is not None else [], file)
    if saved is not None:
        return _finish(console, repo, held, saved, only, dry_run=dry_run)
    for left in sorted((repo.data_dir / "edit").glob(f"{held.id}*.md")):
        console.say(f"note: an earlier text of this intent is kept in '{safe(str(left))}'")
    text = sheet(held, _facts(repo, held), only)
    path = kept_file(repo, held.id)
    saved = edited(repo, text, path, quiet=as_json)
    is_done = False
    try:
        status = _finish(console, repo, held, saved, only, dry_run=dry_run)
        is_done = not dry_run
    finally:
        if is_done:
            path.unlink(missing_ok=True)
        else:
            console.say(f"your text is kept in '{safe(str(path))}'; '-F' takes it")
    return status


def _check(held: Held, only: int | None, *, is_message: bool) -> None:
    """Raise ``UsageError`` for a choice of prompts that the intent does not allow."""
    prompts = held.claims[0].prompts
    if only is not None and len(held.claims) > 1:
        raise UsageError(
            f"two versions of intent '{held.id}' are to be settled as a whole", hint="leave '--prompt' out"
        )
    if only is not None and only > len(prompts):
        raise UsageError(
            f"intent '{held.id}' has no prompt {only}",
            hint=f"it has {len(prompts)}; 'git regen show' lists them",
        )
    if is_message and only is None and len(prompts) > 1:
        raise UsageError(
            f"intent '{held.id}' has {len(prompts)} prompts", hint="say which one is meant with '--prompt N'"
        )


def given_text(messages: list[str], file: str | None) -> str | None:
    """Return the text of options ``-m`` and ``-F``; ``None`` where neither was given."""
    if messages and file is not None:
        raise UsageError("'-m' and '-F' exclude each other", hint="give the words once")
    if messages:
        return "\n\n".join(messages)
    if file == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    return Path(file).read_bytes().decode("utf-8", "replace") if file is not None else None


def _facts(repo: Repository, held: Held) -> list[str]:
    """Return what is said of the intent below the scissors."""
    from regen_git.git.commits import read_commit

    intent = held.claims[0]
    by = f", asked by {intent.author}" if intent.author else ""
    lines = [f"Intent {held.id}, revision {intent.revision}{by}."]
    if intent.retracted:
        lines.append("It is retracted, and stays so: 'git regen retract --undo' gives it force again.")
    for oid in held.commits[:_COMMITS_SHOWN]:
        subject = read_commit(repo.objects, oid).subject if oid in repo.objects else "(not here any more)"
        lines.append(f"On commit {oid[:10]} {subject}")
    more = len(held.commits) - _COMMITS_SHOWN
    return [*lines, f"and on {more} more"] if more > 0 else lines


def _finish(
    console: Console, repo: Repository, held: Held, saved: str, only: int | None, *, dry_run: bool
) -> int:
    """Write what was saved as the next revision; return the exit status."""
    from regen_git.capture.clock import now
    from regen_git.cli.editing import has_markers, read_back, with_words
    from regen_git.ledger.holding import write_revision
    from regen_git.ledger.revisions import revised

    is_conflict = len(held.claims) > 1
    words = read_back(saved, held, only)
    if not words:
        console.say("the text is empty: nothing was written")
        _tell(console, held, held.claims[0], hidden=0, written=False)
        return 1
    if is_conflict and has_markers(saved, held.claims):
        raise RefusedError(
            "the text still has the marks of a conflict", hint="choose, take the marks out, and save again"
        )
    if len(words) > 1 and not all(claim.prompts for claim in held.claims):
        raise RegenError(
            f"intent '{held.id}' has an accepted plan and no prompts", hint="edit it as one text"
        )
    made, hidden = with_words(held, words, only, now())
    count = sum(hidden.values())
    if made == held.claims[0] and not is_conflict:
        console.say("the text is the same: nothing was written")
        _tell(console, held, made, hidden=count, written=False)
        return 0
    new = revised(made, held.documents)
    if not dry_run:
        write_revision(repo, held, new, "regen: edit intent")
    if count:
        console.say(f"{count} secret{'s were' if count > 1 else ' was'} taken out")
    _tell(console, held, new, hidden=count, written=not dry_run)
    commits = "1 commit" if len(held.commits) == 1 else f"{len(held.commits)} commits"
    verb = "would write" if dry_run else "wrote"
    settled = "; that settles the conflict" if is_conflict else ""
    console.out(f"{verb} revision {new.revision} of {held.id} on {commits}{settled}")
    return 0


def _tell(console: Console, held: Held, intent: Intent, *, hidden: int, written: bool) -> None:
    console.emit(
        {
            "intent": held.id,
            "revision": intent.revision,
            "commits": list(held.commits),
            "private": held.is_private,
            "redacted": hidden,
            "settled": len(held.claims) > 1 and intent.revision > held.claims[0].revision,
            "written": written,
        }
    )
