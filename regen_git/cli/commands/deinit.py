"""``git regen deinit``: take everything out that ``init`` put in."""

from __future__ import annotations

import click

from regen_git.cli.console import Console
from regen_git.cli.context import json_option

__all__ = ["command"]


@click.command("deinit")
@json_option
def command(*, as_json: bool) -> None:
    """Take out the hooks, settings and agent entries that 'init' put in.

    The same as 'git regen init --undo'. Notes and what was captured stay.
    """
    from regen_git.cli.commands.init import undo

    undo(Console(json=as_json))
