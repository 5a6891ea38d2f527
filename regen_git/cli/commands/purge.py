"""``git regen purge``: take what leaked out of everything that is recorded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from regen_git.sharing.purging import Outcome
    from regen_git.sharing.purging.holders import Holder

__all__ = ["command"]

_SHOWN = 12


@click.command("purge")
@click.argument("intents", metavar="[INTENT]...", nargs=-1)
@click.option(
    "--text-file",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="Also what the lines of FILE say ('-' for standard input); without INTENT all that hold it.",
)
@click.option(
    "--keep-redacted", is_flag=True, help="Keep the intents, as a next revision without their secrets."
)
@click.option("--follow", is_flag=True, help="Remove what others have purged from all that is stored here.")
@click.option("--dry-run", is_flag=True, help="Say what would go; write nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
def command(
    intents: tuple[str, ...],
    *,
    text_file: Any,
    keep_redacted: bool,
    follow: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    r"""Take intents out of the notes with all their history, and out of replies and files that quote them.

    The words of each INTENT go, in every revision; a tombstone keeps them from coming back. What they did to
    commits stays. With --keep-redacted only documents with a secret go, which today's rules find or
    --text-file names, and the intent goes on without it. What is then to be pushed is printed. Commits and
    files that hold the secret are yours: they are listed, and not rewritten.

    \b
    Examples:
      git regen purge 3f9c2a7be01d4c55 --keep-redacted
      git regen purge --text-file leaked.txt --dry-run
      git regen purge --follow
    """
    from regen_git.sharing.purging import Wish, purge

    console = Console(json=as_json)
    lines = text_file.read().splitlines() if text_file is not None else []
    named = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if follow == bool(intents or named):
        raise UsageError(
            "say what to purge: intents, or --text-file, or --follow alone",
            hint="'git regen log --json' lists intents with their ids",
        )
    repo = open_repository()
    wish = Wish(tuple(one.lower() for one in intents), named, keep_redacted, follow)
    if not dry_run and not yes and not _is_agreed(console, purge(repo, wish, dry_run=True)):
        console.say("nothing was purged")
        return
    outcome = purge(repo, wish, dry_run=dry_run)
    _show(console, outcome, dry_run=dry_run)
    console.emit(_facts(outcome, dry_run=dry_run))


def _is_agreed(console: Console, outcome: Outcome) -> bool:
    if console.is_json or not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to be asked",
            hint="look with --dry-run, then purge with --yes; it cannot be undone",
        )
    for line in _lines(outcome, dry_run=True):
        console.say(line)
    return click.confirm("purge this? It cannot be undone", err=True)


def _show(console: Console, outcome: Outcome, *, dry_run: bool) -> None:
    for line in _lines(outcome, dry_run=dry_run):
        console.out(line)
    for trouble in outcome.troubles:
        console.say(f"warning: {safe(trouble)}")
    for command_line in outcome.pushes.values():
        console.out(
            "others still have it; once you have looked at the notes:"
            if not dry_run
            else "then to be pushed:"
        )
        console.out(f"  {safe(command_line)}")
    if outcome.pushes:
        console.say(
            "other clones drop it at their next 'git regen sync'; a hosting site may keep what nothing leads "
            "to until it cleans up: a secret that was pushed is known, so change it"
        )
    for one in outcome.others:
        console.say(f"intent {one} holds a secret, too: git regen purge {one}")
    _show_holders(console, outcome)


def _lines(outcome: Outcome, *, dry_run: bool) -> list[str]:
    would = "would go" if dry_run else "purged"
    if not (outcome.documents or outcome.replies):
        return ["nothing is purged, here or in what was fetched"]
    named = ", ".join(outcome.intents)
    parts = [
        _many(outcome.documents, "document"),
        _many(outcome.replies, "recorded reply", "recorded replies"),
    ]
    lines = [f"{would}: {' and '.join(parts)} of {named}"]
    lines += [f"  {safe(ref)} {old[:10]} -> {new[:10]}" for ref, (old, new) in outcome.moved.items()]
    if outcome.revisions:
        lines.append(f"  {_many(outcome.revisions, 'revision')} without the secret in their place")
    lines += [f"  cleaned: {safe(str(path))}" for path in outcome.files[:_SHOWN]]
    if len(outcome.files) > _SHOWN:
        lines.append(f"  and {len(outcome.files) - _SHOWN} more files")
    lines.append(f"  {_many(outcome.objects, 'stored object')} {'would go' if dry_run else 'removed'}")
    if not outcome.secrets:
        lines.append(
            "  no rule knows a secret in these prompts: replies and files are searched for whole prompts "
            "only; --text-file names more"
        )
    return lines


def _show_holders(console: Console, outcome: Outcome) -> None:
    """Say what is the person's own to rewrite, and how."""
    if not outcome.holders:
        return
    console.say("still in what is yours, and not rewritten:")
    for one in outcome.holders:
        console.say(f"  {_holder(one)}")
    if outcome.beyond:
        console.say(f"  and {_many(outcome.beyond, 'object')} more")
    rebuilt = sorted({ref for one in outcome.holders if one.is_rebuilt for ref in one.refs})
    for ref in rebuilt:
        name = ref.removeprefix("refs/heads/")
        drop = f"git branch -D {name}" if name != ref else f"git update-ref -d {ref}"
        console.say(f"a replay made it, and can make it again: {safe(drop)}")
    if any(one.commit and not one.is_rebuilt for one in outcome.holders):
        console.say("to rewrite branches: git filter-repo --replace-text FILE --replace-message FILE")
    if any(not one.commit for one in outcome.holders):
        console.say(
            "what no branch has goes with: git reflog expire --expire-unreachable=now --all && "
            "git gc --prune=now; that removes all lost work"
        )


def _holder(one: Holder) -> str:
    if not one.commit:
        return f"{one.kind} {one.object[:12]}, which no branch or tag has"
    where = f" in {', '.join(safe(ref) for ref in one.refs)}" if one.refs else ""
    what = f"file '{safe(one.path)}' of commit" if one.path else "message of commit"
    return f"{what} {one.commit[:12]}{where}"


def _many(count: int, what: str, several: str = "") -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {several or what + 's'}"


def _facts(outcome: Outcome, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "intents": list(outcome.intents),
        "documents": outcome.documents,
        "replies": outcome.replies,
        "revisions": outcome.revisions,
        "secrets": outcome.secrets,
        "moved": [{"ref": ref, "old": old, "new": new} for ref, (old, new) in outcome.moved.items()],
        "files": [str(path) for path in outcome.files],
        "objects": outcome.objects,
        "pushes": outcome.pushes,
        "others": list(outcome.others),
        "held_by": [
            {
                "object": one.object,
                "kind": one.kind,
                "commit": one.commit,
                "path": one.path,
                "refs": list(one.refs),
            }
            for one in outcome.holders
        ],
        "held_by_more": outcome.beyond,
        "troubles": outcome.troubles,
    }
