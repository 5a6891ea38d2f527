"""``git regen import``: take intents from what already exists."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regen_git.agents import NAMES, load
from regen_git.cli.classifying import Terms, run, say
from regen_git.cli.commands.log import first_line
from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.progress import counting
from regen_git.errors import RegenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.cli.classifying import Outcome
    from regen_git.git.repository import Repository
    from regen_git.importers.history import Counts

__all__ = ["command"]

_SHOWN_ORPHANS = 5
_OF_THEIR_OWN = ("aider", "amp")
"""Agents without transcripts on the machine: a history file in the repository, or nothing at all."""

_CLASSIFY = "regen_git.classify_with"


class _Imports(click.Group):
    """Has a command for every agent that keeps transcripts; its module is loaded when its name is typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        agents = [name for name in NAMES if name not in _OF_THEIR_OWN]
        return [*super().list_commands(ctx), *agents]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in NAMES and cmd_name not in _OF_THEIR_OWN:
            return _of_agent(cmd_name)
        return super().get_command(ctx, cmd_name)


@click.group("import", cls=_Imports)
def command() -> None:
    """Take intents from commit messages, agents' sessions, or what other tools recorded.

    The same import again adds nothing.

    \b
    Examples:
      git regen import commits --dry-run
      git regen import commits v1.0..HEAD
      git regen import claude
      git regen import sessions
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
    function = click.option(
        "--classify-with",
        metavar="MODEL",
        expose_value=False,
        callback=lambda ctx, _, value: ctx.meta.update({_CLASSIFY: value}),
        help="Then classify the range's prompts as 'git regen classify' does: 'rules', or a model.",
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


@command.command("sessions")
@_options
def sessions(span: str, max_count: int | None, *, dry_run: bool, as_json: bool) -> None:
    """Take prompts from the sessions of all agents on this machine.

    A prompt goes to the commit that the agent made for it, else to the first commit within 14 days
    that changes a file written for it. Secrets are taken out before anything is written.
    """
    agents = [name for name in NAMES if name not in _OF_THEIR_OWN]
    _import_sessions(agents, "agents' sessions", span, max_count, dry_run=dry_run, as_json=as_json)


@command.command("aider")
@_options
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read this chat history (default: .aider.chat.history.md, or what AIDER_CHAT_HISTORY_FILE says).",
)
def aider(span: str, max_count: int | None, *, file: Path | None, dry_run: bool, as_json: bool) -> None:
    """Take prompts from the chat history that aider keeps in the repository.

    A prompt goes to the commits that the history names; where a rebase has replaced one, to the commit
    with the same first line and date. Commits that aider made without a history are counted.
    """
    from regen_git.importers.aider import import_aider

    _take(
        partial(import_aider, file=file),
        "chats",
        "aider's chat history",
        span,
        max_count,
        dry_run=dry_run,
        as_json=as_json,
    )


@command.command("specstory")
@_options
def specstory(span: str, max_count: int | None, *, dry_run: bool, as_json: bool) -> None:
    """Take prompts from the sessions that SpecStory wrote to .specstory/history.

    A prompt goes to the first commit within 14 days that changes a file written for it. What is in the
    agent's own transcript as well is imported once.
    """
    from regen_git.importers.specstory import import_specstory

    _take(import_specstory, "files", "SpecStory's history", span, max_count, dry_run=dry_run, as_json=as_json)


@command.command("entire")
@_options
def entire(span: str, max_count: int | None, *, dry_run: bool, as_json: bool) -> None:
    """Take prompts from the checkpoints that Entire keeps in this repository.

    A commit gets what was typed since the checkpoint before the one its message names. Both forms of storage
    are read: the branch entire/checkpoints/v1 and the refs below refs/entire/checkpoints. A clone has them
    only when they were fetched.
    """
    from regen_git.importers.entire import import_entire

    _take(
        import_entire,
        "transcripts",
        "Entire's checkpoints",
        span,
        max_count,
        dry_run=dry_run,
        as_json=as_json,
    )


@command.command("git-ai")
@_options
def git_ai(span: str, max_count: int | None, *, dry_run: bool, as_json: bool) -> None:
    """Take prompts from the notes of git-ai, or from the sessions that these name.

    Old notes hold the conversations. Newer ones name them, and the prompts come from the sessions on this
    machine. The notes are in refs/notes/ai; a clone has them only when they were fetched.
    """
    from regen_git.importers.git_ai import import_git_ai

    _take(import_git_ai, "notes", "git-ai's notes", span, max_count, dry_run=dry_run, as_json=as_json)


@command.command("agent-trace")
@_options
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read these records (default: .agent-trace/traces.jsonl).",
)
def agent_trace(span: str, max_count: int | None, *, file: Path | None, dry_run: bool, as_json: bool) -> None:
    """Take prompts from the conversations that records of Agent Trace name.

    A record has no prompts; it may name the agent's transcript. Those that are on this machine are read,
    wherever they lie, and matched to commits as sessions are.
    """
    from regen_git.importers.agent_trace import import_agent_trace

    _take(
        partial(import_agent_trace, file=file),
        "transcripts",
        "Agent Trace",
        span,
        max_count,
        dry_run=dry_run,
        as_json=as_json,
    )


def _of_agent(name: str) -> click.Command:
    """Return the command that imports one agent's sessions."""
    title = load(name).TITLE

    @click.command(
        name,
        help=f"""Take prompts from the sessions of {title} on this machine.

        A prompt goes to the commit that the agent made for it, else to the first commit within 14 days
        that changes a file written for it. Secrets are taken out before anything is written.
        """,
    )
    @_options
    def one(span: str, max_count: int | None, *, dry_run: bool, as_json: bool) -> None:
        _import_sessions([name], f"sessions of {title}", span, max_count, dry_run=dry_run, as_json=as_json)

    return one


def _import_sessions(
    agents: list[str], source: str, span: str, max_count: int | None, *, dry_run: bool, as_json: bool
) -> None:
    from regen_git.importers.sessions import import_sessions

    def take(repo: Repository, span: str, **more: Any) -> Counts:
        return import_sessions(repo, agents, span, **more)

    _take(take, "transcripts", source, span, max_count, dry_run=dry_run, as_json=as_json)


def _take(
    importer: Callable[..., Counts],
    unit: str,
    source: str,
    span: str,
    max_count: int | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run an import, with a bar that counts its ``unit``, and say what came of it."""
    repo = open_up_to_date()
    with counting(unit, is_quiet=as_json) as on_progress:
        counts = importer(repo, span, max_count=max_count, dry_run=dry_run, on_progress=on_progress)
    _report(counts, source, dry_run=dry_run, as_json=as_json)


def _report(counts: Counts, source: str, *, dry_run: bool, as_json: bool) -> None:
    console = Console(json=as_json)
    model = click.get_current_context().meta.get(_CLASSIFY)
    classified, failure = _classified(model, is_quiet=as_json) if model and not dry_run else (None, None)
    console.emit(
        {
            "commits": counts.commits,
            "intents": counts.intents,
            "prompts": counts.prompts,
            "skipped": counts.skipped,
            "orphans": len(counts.orphans),
            "orphan_reasons": _reasons(counts),
            "left": [{"commit": left.commit, "reason": left.reason} for left in counts.left],
            "sessions": counts.sessions,
            "looked_at": counts.looked_at,
            "dry_run": dry_run,
            **({"classified": classified.to_json()} if classified is not None else {}),
        }
    )
    done = "would import" if dry_run else "imported"
    if counts.intents:
        prompts, kept = _many(counts.prompts, "prompt"), _many(counts.intents, "intent")
        onto = f"{_many(counts.commits, 'commit')} of {counts.looked_at} looked at"
        console.out(f"{done} {prompts} as {kept} from {source}, onto {onto}")
    elif counts.commits:
        more = "1 more commit" if counts.commits == 1 else f"{counts.commits} more commits"
        console.out(f"{done} intents that the ledger has from {source}, onto {more}")
    else:
        sessions = f" and {_many(counts.sessions, 'session')}" if counts.sessions else ""
        console.out(
            f"nothing to import from {source}: looked at {_many(counts.looked_at, 'commit')}{sessions}"
        )
    for reason, number in sorted(counts.skipped.items(), key=lambda item: -item[1]):
        console.out(f"{number:>6} skipped: {safe(reason)}")
    if counts.left:
        console.out("'--json' lists the commits that have a record and got no intent from it")
    _print_orphans(console, counts)
    if counts.intents and not dry_run:
        console.say("'git regen log' shows them")
    if model and dry_run:
        console.say("nothing is classified in a dry run; 'git regen classify --dry-run' is one")
    if classified is not None:
        say(classified, console)
    if failure is not None:
        raise failure


def _classified(model: str, *, is_quiet: bool) -> tuple[Outcome | None, RegenError | None]:
    """Classify what is in the import's range; a failure comes back, since the import itself is done."""
    try:
        span = click.get_current_context().params["span"]
        return run(open_up_to_date(), span, Terms(model), is_quiet=is_quiet), None
    except RegenError as error:
        return None, error


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
