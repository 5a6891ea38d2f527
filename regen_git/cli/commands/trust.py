"""``git regen trust``: show what this repository's settings would run, and ask once."""

from __future__ import annotations

import sys

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository

__all__ = ["command"]


@click.command("trust")
@click.option("--yes", is_flag=True, help="Say yes without being asked.")
@json_option
def command(*, yes: bool, as_json: bool) -> None:
    r"""Show what this repository would run, and allow it.

    Checks and setup commands come with the repository, so nothing of them runs before you say yes. The answer
    holds for these commands and path rules in this clone; when they change, you are asked again.

    \b
    Examples:
      git regen trust
      git regen trust --yes
    """
    from regen_git.config import load_settings
    from regen_git.errors import RefusedError
    from regen_git.verify.trust import Trust, describe

    console = Console(json=as_json)
    repo = open_repository()
    settings = load_settings(repo)
    trust = Trust(repo)
    already = trust.is_trusted(settings.digest)
    for line in settings.warnings:
        console.say(f"warning: {safe(line)}")
    lines = [safe(line) for line in describe(settings)]
    for line in lines:
        (console.say if as_json else console.out)(line)
    if not already:
        if not yes and not _asked(console):
            raise RefusedError(
                "not trusted: nobody said yes", hint="'git regen trust --yes' says it without asking"
            )
        trust.grant(settings.digest)
    console.out("already trusted" if already else "trusted")
    console.emit(
        {
            "trusted": True,
            "already": already,
            "digest": settings.digest,
            "commands": [{"for": purpose, "run": run} for purpose, run in settings.commands],
            "notes": lines[len(settings.commands) :],
        }
    )


def _asked(console: Console) -> bool:
    """Ask on the terminal; without one nobody is there to say yes."""
    if not sys.stdin.isatty():
        return False
    console.say("")
    return click.confirm("Run these in this clone?", default=False, err=True)
