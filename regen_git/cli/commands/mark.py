"""``git regen mark``: say who made a commit, where the evidence says something else or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console
from regen_git.cli.context import json_option, open_repository

if TYPE_CHECKING:
    from regen_git.ledger.marks import Maker

__all__ = ["command"]


@click.command("mark")
@click.argument("maker", metavar="human|agent", type=click.Choice(["human", "agent"]))
@click.argument("revs", metavar="REV…", nargs=-1, required=True)
@json_option
def command(maker: Maker, revs: tuple[str, ...], *, as_json: bool) -> None:
    r"""Say that commits were made by a person, or by an agent.

    The answer is written to the commits' notes and counts before any other evidence. The newest one counts.

    \b
    Examples:
      git regen mark human HEAD
      git regen mark agent v1.0..v1.2
    """
    from regen_git.capture.flush import flush
    from regen_git.capture.marking import mark_commits

    console = Console(json=as_json)
    repo = open_repository()
    flush(repo)
    commits: list[str] = []
    for rev in revs:
        if ".." in rev:
            from regen_git.git.history import read_span

            commits += read_span(repo, rev).commits
        else:
            commits.append(repo.resolve(rev))
    commits = list(dict.fromkeys(commits))
    mark_commits(repo, maker, commits)
    for oid in commits:
        console.out(f"{oid[:10]} made by {'a person' if maker == 'human' else 'an agent'}")
    console.emit({"maker": maker, "commits": commits})
