"""Write the completion for bash from the commands themselves: ``python -m regen_git.cli.completion``.

Git's own completion calls ``_git_regen`` for ``git regen <TAB>`` and brings helpers that know branches and
paths. The script is static: no TAB waits for Python.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from regen_git.cli.boundary import group
from regen_git.cli.summary import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["completion"]

_SCRIPT = """\
# Completion of 'git regen <TAB>' for bash, to be read by ~/.bashrc; git's own completion calls it.
# Made by 'python -m regen_git.cli.completion'; do not edit it by hand.
# shellcheck disable=SC2154 # cword, words, cur and prev are set by git's completion
_git_regen ()
{{
	local at word path=""
	at=$((${{__git_cmd_idx:-1}} + 1))
	while [ "$at" -lt "$cword" ]; do
		word=${{words[at]}}
		at=$((at + 1))
		case "$word" in
		-*) continue ;;
		esac
		case "$path $word" in
{steps}
		*) ;;
		esac
	done
	case "$path:$prev" in
{values}
	*) ;;
	esac
	case "$path:$cur" in
{options}
	:*)
		__gitcomp "{commands}"
		;;
{below}
	*)
		__git_complete_refs 2>/dev/null || __gitcomp_nl "$(__git_refs)"
		;;
	esac
}}
"""


def completion() -> str:
    """Return the script, commands in the order of the short help."""
    found = dict(_commands())
    steps = "\n".join(f'\t\t"{parent} {name}") path="{path}" ;;' for path, (parent, name, _) in found.items())
    values, options, below = [], [], []
    for path, (_, _, command) in found.items():
        given = [each for each in command.params if isinstance(each, click.Option) and not each.hidden]
        for option in given:
            if isinstance(option.type, click.Choice):
                words = " ".join(map(str, option.type.choices))
                values += [f'\t{path}:{name}) __gitcomp "{words}"; return ;;' for name in option.opts]
        names = (name for option in given for name in (*option.opts, *option.secondary_opts))
        long = " ".join(name for name in names if name.startswith("--"))
        options.append(f'\t{path}:--*) __gitcomp "{long}" ;;')
        children = [name for parent, name, _ in found.values() if parent == path]
        if children:
            below.append(f'\t{path}:*) __gitcomp "{" ".join(children)}" ;;')
    return _SCRIPT.format(
        steps=steps,
        values="\n".join(values),
        options="\n".join(options),
        below="\n".join(below),
        commands=" ".join(name for parent, name, _ in found.values() if not parent),
    )


def _commands() -> Iterator[tuple[str, tuple[str, str, click.Command]]]:
    """Yield every command under its path, with the path above it, its name, and itself."""
    commands = group()
    with click.Context(commands, info_name="git regen") as ctx:
        for names in COMMANDS.values():
            for name in names:
                command = commands.get_command(ctx, name)
                if command is None:
                    raise LookupError(name)
                yield f"/{name}", ("", name, command)
                if isinstance(command, click.Group):
                    for below in command.list_commands(ctx):
                        found = command.get_command(ctx, below)
                        if found is not None:
                            yield f"/{name}/{below}", (f"/{name}", below, found)


if __name__ == "__main__":
    sys.stdout.write(completion())
