"""``git regen hook``: what git's hooks call."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("hook", hidden=True)
@click.argument("event")
@click.argument("args", nargs=-1)
@click.pass_context
def command(ctx: click.Context, event: str, args: tuple[str, ...]) -> None:
    """Do what one of git's hooks asks for; 'flush' writes the notes of marked commits."""
    from regen_git.capture import fast

    ctx.exit(fast.main(["hook", event, *args]))
