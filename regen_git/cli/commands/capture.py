"""``git regen capture``: what agents call. Typed by a person it only explains itself."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("capture", hidden=True)
@click.option("--agent", metavar="NAME", help="Who calls, as a hint; the payload decides.")
@click.pass_context
def command(ctx: click.Context, *, agent: str | None) -> None:
    """Read one hook payload of a coding agent on standard input and file it.

    Prints nothing and always succeeds. What goes wrong is in the log that 'git regen doctor' reads.
    """
    from regen_git.capture import fast

    ctx.exit(fast.main(["capture", *(["--agent", agent] if agent else [])]))
