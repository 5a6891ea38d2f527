"""Write the command reference from the commands themselves: ``python -m regen_git.cli.reference``."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from regen_git.cli.boundary import group
from regen_git.cli.summary import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["reference"]

_HEAD = """\
# Commands

This page is made from the program's own help by `python -m regen_git.cli.reference`; do not edit it by hand.
`git regen <command> -h` shows the same. The [manual page](man/git-regen.1) says what exit statuses mean, and
[format.md](format.md#json) what `--json` prints.
"""

_KEEP = ("\b", "\\b")
"""What tells click to leave the lines of a paragraph as they are; written out in a raw docstring."""


def reference() -> str:
    """Return the reference as Markdown, commands in the order of the short help."""
    commands = group()
    parts = [_HEAD]
    # As the program makes its own: a command remembers the names under which it was first asked for help.
    with click.Context(commands, info_name="git regen", **commands.context_settings) as ctx:
        for title, names in COMMANDS.items():
            parts.append(f"\n## {title}\n")
            for name in names:
                command = commands.get_command(ctx, name)
                if command is None:
                    raise LookupError(name)
                parts += _pages(command, ctx, name)
    return re.sub(r"\n{3,}", "\n\n", "".join(parts))


def _pages(command: click.Command, parent: click.Context, name: str) -> Iterator[str]:
    """Yield the section of a command and of those below it."""
    with click.Context(command, info_name=name, parent=parent) as ctx:
        yield f"\n### {ctx.command_path.replace('git regen ', '')}\n\n"
        yield f"`{_usage(command, ctx)}`\n\n"
        yield from _described(inspect.cleandoc(command.help or ""))
        yield from _options(command)
        if isinstance(command, click.Group):
            for below in command.list_commands(ctx):
                found = command.get_command(ctx, below)
                if found is not None:
                    yield from _pages(found, ctx, below)


def _usage(command: click.Command, ctx: click.Context) -> str:
    pieces = [ctx.command_path]
    if any(isinstance(parameter, click.Option) for parameter in command.params):
        pieces.append("[options]")
    pieces += [_argument(each) for each in command.params if isinstance(each, click.Argument)]
    return " ".join([*pieces, *(["COMMAND"] if isinstance(command, click.Group) else [])])


def _argument(argument: click.Argument) -> str:
    if argument.metavar:
        return argument.metavar
    name = (argument.name or "").upper() + ("..." if argument.nargs != 1 else "")
    return name if argument.required else f"[{name}]"


def _described(text: str) -> Iterator[str]:
    """Yield the help's paragraphs; one that click is told not to wrap becomes a code block."""
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        if lines[0] not in _KEEP:
            yield paragraph + "\n\n"
            continue
        del lines[0]
        if lines[0].endswith(":"):
            yield lines.pop(0) + "\n\n"
        yield "```\n" + textwrap.dedent("\n".join(lines)) + "\n```\n\n"


def _options(command: click.Command) -> Iterator[str]:
    """Yield one line an option. Told from its values, since click's own wording differs between versions."""
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            names = ", ".join([*option.opts, *option.secondary_opts])
            facts = [] if option.is_flag else [_values(option)]
            default = option.default if option.show_default else None
            yield f"- `{' '.join([names, *facts])}`: {option.help or ''}".rstrip(": ")
            yield f" Default: {default}.\n" if default is not None else "\n"


def _values(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    if isinstance(option.type, click.Path):
        return "PATH"
    return "TEXT" if option.type is click.STRING else "N"


if __name__ == "__main__":
    sys.stdout.write(reference())
