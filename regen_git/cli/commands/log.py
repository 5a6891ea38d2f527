"""``git regen log``: commits with what was asked for in them."""

from __future__ import annotations

import contextlib
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.pager import paged
from regen_git.cli.troubles import Troubles
from regen_git.domain.ids import IntentId

if TYPE_CHECKING:
    from regen_git.domain.intent import Intent
    from regen_git.importers.reading import Told

__all__ = ["command", "first_line", "with_history"]

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
@click.option("--history", is_flag=True, help="Show every revision of each intent, oldest first.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, revs: tuple[str, ...], max_count: int | None, *, history: bool, as_json: bool
) -> None:
    """List commits with their prompts, newest first.

    A commit without a recorded prompt stands with its message alone. Ranges and paths are git's. With
    --json one object a line. What a commit in the list, or the commit itself, supersedes is marked so.

    \b
    Examples:
      git regen log -n 20
      git regen log v1.0..HEAD --json
      git regen log -- src/http.py
      git regen log --history -n 1
    """  # noqa: D301 - click keeps the lines after this mark as they are
    from regen_git.importers.reading import read_log, told_json

    console = Console(json=as_json)
    repo = open_up_to_date()
    # Paths count from the folder that they were typed in.
    here = Path.cwd() if repo.worktree is not None and Path.cwd().is_relative_to(repo.worktree) else None
    found = read_log(repo, *revs, max_count=max_count, paths=ctx.meta[_PATHS], cwd=here)
    troubles = Troubles()
    lost = 0
    above: dict[IntentId, IntentId] = {}
    with contextlib.nullcontext() if console.is_json else paged(repo):
        for told in found:
            lost += bool(told.missing)
            troubles.add(told.commit, told.note.troubles)
            if console.is_json:
                shown = told_json(told)
                console.emit(with_history(told, shown) if history else shown)
            else:
                _note_superseded(told, above)
                _print(console, told, above, history=history)
    troubles.tell(console)
    tell_missing(console, repo, lost)


def first_line(text: str, width: int = _WIDTH) -> str:
    """Return the first line of a prompt, cut to a width, safe for a terminal."""
    line = safe(text.strip().partition("\n")[0].rstrip())
    more = len(line) > width or "\n" in text.strip()
    return (line[: width - 1].rstrip() + "…") if more else line


def _note_superseded(told: Told, above: dict[IntentId, IntentId]) -> None:
    """Remember what this commit's intents supersede; older commits come after it."""
    for intent in told.note.intents.values():
        if not intent.retracted:
            above.update((old, intent.id) for old in intent.supersedes if old != intent.id)


def with_history(told: Told, shown: dict[str, Any]) -> dict[str, Any]:
    """Add every revision of each intent, oldest first, to what scripts get of a commit."""
    from regen_git.importers.reading import intent_json

    for one in shown["intents"]:
        if one["intent"] is not None:
            revisions = _revisions(told, IntentId(one["intent"]))
            one["history"] = [
                {**intent_json(each, told.binding(each)), "newest": is_newest}
                for each, is_newest in revisions
            ]
    return shown


def _revisions(told: Told, one: IntentId) -> list[tuple[Intent, bool]]:
    """Return the revisions of an intent, oldest first, each with whether nothing takes its place."""
    documents = told.note.revisions[one]
    newest = told.note.versions[one]
    ordered = sorted(documents.items(), key=lambda claim: (claim[1].revision, claim[0]))
    return [(intent, intent in newest) for _, intent in ordered]


def _print(console: Console, told: Told, above: dict[IntentId, IntentId], *, history: bool) -> None:
    console.out(f"{style(told.short, fg='yellow')} {safe(told.subject)}")
    if told.mark is not None:
        console.out(f"    {style(safe(str(told.mark)), dim=True)}")
    contested = told.note.conflicts
    for intent in told.note.intents.values():
        facts = style(f"[{_facts(intent, above.get(intent.id))}]", dim=True)
        head = intent.prompts[0].text if intent.prompts else f"approved plan: {intent.approved or ''}"
        console.out(f"    {style(first_line(head), fg='cyan')} {facts}")
        if intent.id in contested:
            others = len(told.note.versions[intent.id]) - 1
            text = f"conflict: {others} other version{'s' * (others > 1)}, see 'git regen show {told.short}'"
            console.out(f"    {style(text, fg='red')}")
        if history:
            _print_history(console, told, intent)


def _print_history(console: Console, told: Told, intent: Intent) -> None:
    revisions = _revisions(told, intent.id)
    is_conflict = intent.id in told.note.conflicts
    for each, is_newest in revisions:
        state = ", retracted" if each.retracted else ""
        head = style(f"revision {each.revision} of {each.id}{state}", fg="yellow")
        mark = style(" conflict: nobody settled which counts", fg="red") if is_newest and is_conflict else ""
        console.out(f"      {head}{mark}")
        for text in [prompt.text for prompt in each.prompts] or [each.approved or ""]:
            console.out(textwrap.indent(safe(text.rstrip()), " " * 10, lambda _: True))


def _facts(intent: Intent, above: IntentId | None) -> str:
    facts: list[str] = [intent.origin]
    if intent.agent is not None:
        facts.append(safe(intent.agent.model or intent.agent.name))
    if len(intent.prompts) > 1:
        facts.append(f"{len(intent.prompts)} prompts")
    if intent.retracted:
        facts.append("retracted")
    elif above is not None:
        facts.append(f"superseded by {above}")
    return ", ".join(facts)
