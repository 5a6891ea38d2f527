"""``git regen adopt``: take a rebuilt tree, or history, into the current branch."""

from __future__ import annotations

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository
from regen_git.errors import RefusedError

__all__ = ["command"]


@click.command("adopt")
@click.argument("name")
@click.argument("paths", nargs=-1)
@click.option("--history", is_flag=True, help="Move the branch itself to the rebuilt history.")
@click.option("--published", is_flag=True, help="With --history: also where a remote has the old commits.")
@click.option("--force", is_flag=True, help="Also where the verdict is 'fail'.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@json_option
def command(
    name: str,
    paths: tuple[str, ...],
    *,
    history: bool,
    published: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    r"""Add one commit with the rebuilt tree, or PATHS of it, on top of the current branch.

    It can be pushed and reviewed like any commit, and 'git revert' takes it back. With --history the branch
    itself moves; a backup ref keeps where it was.

    \b
    git regen adopt gpt-5
    git regen adopt gpt-5 -- src/billing
    git regen adopt gpt-5 --history
    """
    from regen_git.cli.replaying import require_ended
    from regen_git.replay.adopt import adopt_history, adopt_tree
    from regen_git.replay.report import read_report

    console = Console(json=as_json)
    repo = open_repository()
    report = read_report(repo, name)
    require_ended(report)
    if report.verdict == "fail" and not force:
        raise RefusedError(
            f"the verdict on '{name}' is fail",
            hint=f"'git regen compare {name}' shows why; --force adopts it",
        )
    if report.verdict == "indeterminate":
        console.say("warning: the verdict is indeterminate: what this rests on was not fully verified")
    if dry_run:
        what = "move this branch to" if history else "add one commit with the tree of"
        console.emit({"name": name, "tip": report.tip, "history": history, "dry_run": True})
        console.out(f"would {what} {report.tip} (regen/{name})")
        return 0
    done = adopt_history(repo, report, published=published) if history else adopt_tree(repo, report, paths)
    console.emit({"branch": done.branch, "old": done.old, "new": done.new, "undo": done.undo})
    console.out(f"{safe(done.branch.removeprefix('refs/heads/'))} is now {done.new[:12]}")
    for each in done.carried:
        console.out(f"  carried {safe(each.path)}: {each.how.value}")
    console.out(f"undo with: {done.undo}")
    return 0
