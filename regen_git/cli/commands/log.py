"""``git regen log``: commits with what was asked for in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date

if TYPE_CHECKING:
    from regen_git.domain.intent import Intent
    from regen_git.importers.reading import Told

__all__ = ["command", "first_line"]

_WIDTH = 100


@click.command("log")
@click.argument("span", metavar="[RANGE]", required=False, default="HEAD")
@click.option(
    "-n", "--max-count", type=click.IntRange(min=0), metavar="N", help="Show only the newest N commits."
)
@json_option
def command(span: str, max_count: int | None, *, as_json: bool) -> None:
    """List commits with their prompts, newest first.

    A commit without a recorded prompt stands with its message alone. With --json one object a line.

    \b
    Examples:
      git regen log -n 20
      git regen log v1.0..HEAD --json
    """  # noqa: D301 - click keeps the lines after this mark as they are
    from regen_git.importers.reading import read_log, told_json

    console = Console(json=as_json)
    lost = 0
    for told in read_log(open_up_to_date(), span, max_count=max_count):
        lost += bool(told.missing)
        if console.is_json:
            console.emit(told_json(told))
        else:
            _print(console, told)
    if lost:
        console.say(
            f"{lost} of these commits name an intent that their note does not hold;"
            " 'git fetch <remote> refs/notes/regen:refs/notes/regen' brings published notes"
        )


def first_line(text: str, width: int = _WIDTH) -> str:
    """Return the first line of a prompt, cut to a width, safe for a terminal."""
    line = safe(text.strip().partition("\n")[0].rstrip())
    more = len(line) > width or "\n" in text.strip()
    return (line[: width - 1].rstrip() + "…") if more else line


def _print(console: Console, told: Told) -> None:
    console.out(f"{style(told.short, fg='yellow')} {safe(told.subject)}")
    if told.mark is not None:
        console.out(f"    {style(safe(str(told.mark)), dim=True)}")
    for intent in told.note.intents.values():
        facts = style(f"[{_facts(intent)}]", dim=True)
        head = intent.prompts[0].text if intent.prompts else f"approved plan: {intent.approved or ''}"
        console.out(f"    {style(first_line(head), fg='cyan')} {facts}")


def _facts(intent: Intent) -> str:
    facts: list[str] = [intent.origin]
    if intent.agent is not None:
        facts.append(safe(intent.agent.model or intent.agent.name))
    if len(intent.prompts) > 1:
        facts.append(f"{len(intent.prompts)} prompts")
    return ", ".join(facts)
