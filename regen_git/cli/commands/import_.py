"""``git regen import``: take intents from what already exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.commands.log import first_line
from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_up_to_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.importers.history import Counts

__all__ = ["command"]

_SHOWN_ORPHANS = 5


@click.group("import")
def command() -> None:
    """Take intents from commit messages or from an agent's sessions.

    The same import again adds nothing.

    \b
    Examples:
      git regen import commits --dry-run
      git regen import commits v1.0..HEAD
      git regen import claude
    """  # noqa: D301 - click keeps the lines after this mark as they are


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give an import its range and its options."""
    function = json_option(function)
    function = click.option("--dry-run", is_flag=True, help="Say what would be imported; write nothing.")(
        function
    )
    function = click.option(
        "-n",
        "--max-count",
        type=click.IntRange(min=1),
        metavar="N",
        help="Look only at the newest N commits.",
    )(function)
    return click.argument("span", metavar="[RANGE]", required=False, default="HEAD")(function)


@command.command("commits")
@_options
def commits(span: str, max_count: int | None, *, dry_run: bool, as_json: bool) -> None:
    """Take the prompts that commit messages quote.

    Looked for are lines such as "Prompt: …", "Additional prompt: …" or "Prompts:", with the words behind or
    below them, up to where the message speaks for itself again. Other messages are left as they are.
    """
    from regen_git.importers.commits import import_commits

    counts = import_commits(open_up_to_date(), span, max_count=max_count, dry_run=dry_run)
    _report(counts, "commit messages", dry_run=dry_run, as_json=as_json)


@command.command("claude")
@_options
def claude(span: str, max_count: int | None, *, dry_run: bool, as_json: bool) -> None:
    """Take prompts from Claude Code's sessions on this machine.

    A prompt goes to the commit that the agent made for it, else to the first commit within 14 days
    that changes a file written for it. Secrets are taken out before anything is written.
    """
    from regen_git.importers.claude import import_claude

    counts = import_claude(open_up_to_date(), span, max_count=max_count, dry_run=dry_run)
    _report(counts, "Claude Code's sessions", dry_run=dry_run, as_json=as_json)


def _report(counts: Counts, source: str, *, dry_run: bool, as_json: bool) -> None:
    console = Console(json=as_json)
    console.emit(
        {
            "commits": counts.commits,
            "intents": counts.intents,
            "prompts": counts.prompts,
            "skipped": counts.skipped,
            "orphans": len(counts.orphans),
            "orphan_reasons": _reasons(counts),
            "sessions": counts.sessions,
            "looked_at": counts.looked_at,
            "dry_run": dry_run,
        }
    )
    done = "would import" if dry_run else "imported"
    if counts.intents:
        prompts, kept = _many(counts.prompts, "prompt"), _many(counts.intents, "intent")
        onto = f"{_many(counts.commits, 'commit')} of {counts.looked_at} looked at"
        console.out(f"{done} {prompts} as {kept} from {source}, onto {onto}")
    else:
        sessions = f" and {_many(counts.sessions, 'session')}" if counts.sessions else ""
        console.out(
            f"nothing to import from {source}: looked at {_many(counts.looked_at, 'commit')}{sessions}"
        )
    for reason, number in sorted(counts.skipped.items(), key=lambda item: -item[1]):
        console.out(f"{number:>6} skipped: {reason}")
    _print_orphans(console, counts)
    if counts.intents and not dry_run:
        console.say("'git regen log' shows them")


def _print_orphans(console: Console, counts: Counts) -> None:
    for reason, number in _reasons(counts).items():
        console.out(f"{number:>6} left where {'it is' if number == 1 else 'they are'}: {reason}")
        some = [orphan for orphan in counts.orphans if orphan.reason == reason]
        for orphan in some[:_SHOWN_ORPHANS]:
            console.out(f"         {safe(orphan.session)}  {first_line(orphan.text, 70)}")
        if len(some) > _SHOWN_ORPHANS:
            console.out(f"         and {len(some) - _SHOWN_ORPHANS} more")


def _reasons(counts: Counts) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for orphan in counts.orphans:
        reasons[orphan.reason] = reasons.get(orphan.reason, 0) + 1
    return reasons


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
