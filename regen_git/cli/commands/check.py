"""``git regen check``: for continuous integration: is what the commits of a range name really there?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.check_formats import counted, inert, workflow_commands
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
@click.option("--report-only", is_flag=True, help="Say what is found, and refuse nothing.")
@click.option("--each", is_flag=True, help="Also say of every commit where it stands, and why.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "github", "junit"]),
    default="text",
    show_default=True,
    help="'github': annotations for a GitHub workflow. 'junit': a test report, as GitLab shows it.",
)
@click.option("--summary", is_flag=True, help="Also append a table to the summary of the GitHub job.")
@json_option
def command(span: str, *, as_json: bool, **typed: Any) -> int:
    r"""Check that every commit of a range has the intents it names.

    Exit status 1 when one has not. Fetched notes count as they are, so a fresh clone needs nothing but the
    fetch that is printed. RANGE is what this branch adds to its upstream where nothing is said. Broken
    documents, conflicts and words that only look like trailers are named, and refuse nothing.

    Said of each commit: it has an intent; it lost the one it names; an agent made it and none is recorded;
    a person made it; or it is a merge, a revert or an adopted tree, which have no intent of their own.

    \b
    Examples:
      git regen check
      git regen check origin/main..HEAD --require
      git regen check origin/main.. --format junit > regen.xml
    """
    import os

    from regen_git.cli.check_formats import add_summary, junit
    from regen_git.config.reading import GIT_CONFIG_ARGS, read_user
    from regen_git.sharing.check import check

    console = Console(json=as_json)
    repo = open_up_to_date()
    # What the user set, without the repository's own settings: those have no say in this.
    user = read_user(repo.git(*GIT_CONFIG_ARGS, ok=(0, 1)), os.environ)
    strict = typed["require"] or user.policy == "require"
    verdict = check(repo, span, require=strict)
    hint = _hint(repo, verdict)
    if typed["shape"] == "junit":
        console.out(junit(verdict))
    else:
        _print(console, verdict, typed)
    if hint:
        console.say(inert(hint) if typed["shape"] == "github" else hint)
    if typed["summary"]:
        add_summary(verdict, hint)
    console.emit(_to_json(verdict, hint, strict=strict))
    return 0 if verdict.is_good or typed["report_only"] else 1


def _print(console: Console, verdict: Verdict, typed: dict[str, Any]) -> None:
    """Print problems, what each commit is where that is asked for, and the counts."""
    is_github = typed["shape"] == "github"
    if is_github:
        for line in workflow_commands(verdict, is_report_only=typed["report_only"]):
            console.out(line)
    else:
        for problem in verdict.problems:
            mark = style("error", fg="red") if problem.is_fatal else style("note ", fg="yellow")
            console.out(f"{mark} {problem.commit[:10]} {safe(problem.text)}  ({safe(problem.subject)[:60]})")
    for each in verdict.standings if typed["each"] else ():
        line = f"{each.commit[:10]} {each.state:<10} {safe(each.subject)[:60]}  ({safe(each.reason)})"
        console.out(inert(line) if is_github else line)
    errors = sum(problem.is_fatal for problem in verdict.problems)
    said = f"{counted(verdict)}: " + (f"{errors:,} errors" if errors else "good")
    console.out(inert(said) if is_github else said)


def _to_json(verdict: Verdict, hint: str, *, strict: bool) -> dict[str, Any]:
    return {
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
        "counts": verdict.counts,
        "each": [
            {
                "commit": each.commit,
                "subject": each.subject,
                "state": each.state,
                "reason": each.reason,
                "intents": list(each.intents),
            }
            for each in verdict.standings
        ],
    }


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
