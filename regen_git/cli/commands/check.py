"""``git regen check``: for continuous integration: is what the commits of a range name really there?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date

if TYPE_CHECKING:
    from regen_git.git.repository import Repository
    from regen_git.sharing.check import Verdict

__all__ = ["command"]


@click.command("check")
@click.argument("span", metavar="[RANGE]", required=False, default="")
@click.option(
    "--require",
    is_flag=True,
    help="Also refuse commits of an agent without an intent (always so where regen.policy is 'require').",
)
@json_option
def command(span: str, *, require: bool, as_json: bool) -> int:
    r"""Check that every commit of a range has the intents it names.

    Exit status 1 when one has not. Fetched notes count as they are, so a fresh clone needs nothing but the
    fetch that is printed. RANGE is what this branch adds to its upstream where nothing is said. Broken
    documents, conflicts and words that only look like trailers are named, and refuse nothing.

    \b
    Examples:
      git regen check
      git regen check origin/main..HEAD --require
    """
    import os

    from regen_git.config.reading import GIT_CONFIG_ARGS, read_user
    from regen_git.sharing.check import check

    console = Console(json=as_json)
    repo = open_up_to_date()
    # What the user set, without the repository's own settings: those have no say in this.
    strict = require or read_user(repo.git(*GIT_CONFIG_ARGS, ok=(0, 1)), os.environ).policy == "require"
    verdict = check(repo, span, require=strict)
    for problem in verdict.problems:
        mark = style("error", fg="red") if problem.is_fatal else style("note ", fg="yellow")
        console.out(f"{mark} {problem.commit[:10]} {safe(problem.text)}  ({safe(problem.subject)[:60]})")
    console.out(_summary(verdict))
    hint = _hint(repo, verdict)
    if hint:
        console.say(hint)
    console.emit(
        {
            "range": verdict.span,
            "good": verdict.is_good,
            "commits": verdict.commits,
            "with_intent": verdict.with_intent,
            "required": strict,
            "problems": [
                {
                    "commit": p.commit,
                    "subject": p.subject,
                    "kind": p.kind,
                    "fatal": p.is_fatal,
                    "intent": p.intent or None,
                    "text": p.text,
                }
                for p in verdict.problems
            ],
            "hint": hint or None,
        }
    )
    return 0 if verdict.is_good else 1


def _summary(verdict: Verdict) -> str:
    errors = sum(problem.is_fatal for problem in verdict.problems)
    said = f"{verdict.commits:,} commits in {safe(verdict.span)}, {verdict.with_intent:,} with an intent"
    return f"{said}: " + (f"{errors:,} errors" if errors else "good")


def _hint(repo: Repository, verdict: Verdict) -> str:
    """Return what to type next; empty where there is nothing to mend."""
    from regen_git.sharing.absent import fetch_command, ledger_remote

    kinds = {problem.kind for problem in verdict.problems}
    if "unknown" in kinds:
        remote = ledger_remote(repo)
        if remote is not None:
            return f"the ledger of '{safe(remote)}' was never fetched here: {safe(fetch_command(remote))}"
        return "who made these commits has not published their notes: 'git regen sync' there does"
    if "missing" in kinds:
        return "'git regen repair' gives commits their notes back"
    if "unrecorded" in kinds:
        return "say what was asked with 'git regen record --commit REV \"…\"', or 'git regen mark human REV'"
    return ""
