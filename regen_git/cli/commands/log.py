"""``git regen log``: commits with what was asked for in them."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.pager import paged
from regen_git.cli.troubles import Troubles

if TYPE_CHECKING:
    from regen_git.domain.intent import Intent
    from regen_git.importers.reading import Told

__all__ = ["command", "first_line"]

_WIDTH = 100
_PATHS = "regen_git.log.paths"
_NUMBER = re.compile(r"\A-([0-9]+)\Z")


class _Log(click.Command):
    """Takes arguments as ``git log`` does: ``-20`` for ``-n 20``, and paths after ``--``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        paths = None
        if "--" in args:
            at = args.index("--")
            args, paths = args[:at], args[at + 1 :]
        ctx.meta[_PATHS] = paths
        return super().parse_args(ctx, [_NUMBER.sub(r"-n\1", arg) for arg in args])


@click.command("log", cls=_Log, options_metavar="[OPTIONS]")
@click.argument("revs", metavar="[RANGE…] [[--] PATH…]", nargs=-1)
@click.option(
    "-n", "--max-count", type=click.IntRange(min=0), metavar="N", help="Show only the newest N commits."
)
@json_option
@click.pass_context
def command(ctx: click.Context, revs: tuple[str, ...], max_count: int | None, *, as_json: bool) -> None:
    """List commits with their prompts, newest first.

    A commit without a recorded prompt stands with its message alone. Ranges and paths are git's. With
    --json one object a line.

    \b
    Examples:
      git regen log -n 20
      git regen log v1.0..HEAD --json
      git regen log -- src/http.py
    """  # noqa: D301 - click keeps the lines after this mark as they are
    from regen_git.importers.reading import read_log, told_json

    console = Console(json=as_json)
    repo = open_up_to_date()
    # Paths count from the folder that they were typed in.
    here = Path.cwd() if repo.worktree is not None and Path.cwd().is_relative_to(repo.worktree) else None
    found = read_log(repo, *revs, max_count=max_count, paths=ctx.meta[_PATHS], cwd=here)
    troubles = Troubles()
    lost = 0
    with contextlib.nullcontext() if console.is_json else paged(repo):
        for told in found:
            lost += bool(told.missing)
            troubles.add(told.commit, told.note.troubles)
            if console.is_json:
                console.emit(told_json(told))
            else:
                _print(console, told)
    troubles.tell(console)
    tell_missing(console, repo, lost)


def first_line(text: str, width: int = _WIDTH) -> str:
    """Return the first line of a prompt, cut to a width, safe for a terminal."""
    line = safe(text.strip().partition("\n")[0].rstrip())
    more = len(line) > width or "\n" in text.strip()
    return (line[: width - 1].rstrip() + "…") if more else line


def _print(console: Console, told: Told) -> None:
    console.out(f"{style(told.short, fg='yellow')} {safe(told.subject)}")
    if told.mark is not None:
        console.out(f"    {style(safe(str(told.mark)), dim=True)}")
    contested = told.note.conflicts
    for intent in told.note.intents.values():
        facts = style(f"[{_facts(intent)}]", dim=True)
        head = intent.prompts[0].text if intent.prompts else f"approved plan: {intent.approved or ''}"
        console.out(f"    {style(first_line(head), fg='cyan')} {facts}")
        if intent.id in contested:
            others = len(told.note.versions[intent.id]) - 1
            text = f"conflict: {others} other version{'s' * (others > 1)}, see 'git regen show {told.short}'"
            console.out(f"    {style(text, fg='red')}")


def _facts(intent: Intent) -> str:
    facts: list[str] = [intent.origin]
    if intent.agent is not None:
        facts.append(safe(intent.agent.model or intent.agent.name))
    if len(intent.prompts) > 1:
        facts.append(f"{len(intent.prompts)} prompts")
    return ", ".join(facts)
