"""Where failures become text and an exit status; the only place that catches everything."""

from __future__ import annotations

import errno
import gc
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regen_git import __version__
from regen_git.cli.console import safe
from regen_git.cli.summary import COMMANDS
from regen_git.errors import GitError, RegenError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["run_command"]

_DEFECT = 70
_INTERRUPTED = 130
_ADVICE = {
    errno.ENOSPC: "make room on the disk and run the command again; nothing was lost",
    errno.EDQUOT: "make room within your quota and run the command again; nothing was lost",
    errno.EROFS: "this repository can be read, not written: it lies on a read-only medium",
    errno.EACCES: "the repository belongs to somebody else, or its permissions were changed",
    errno.EIO: "the disk reports an error; look at it before you go on",
}


class _LazyGroup(click.Group):
    """The group of all commands; a command's module is imported when its name is typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for group in COMMANDS.values() for name in group]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self.list_commands(click.Context(self)):
            return None
        from importlib import import_module

        module = cmd_name.replace("-", "_") + ("_" if cmd_name in ("import", "try") else "")
        loaded = import_module(f"regen_git.cli.commands.{module}")
        found = loaded.command
        if not isinstance(found, click.Command):
            raise TypeError(f"'{module}' has no command")
        _keep_lines(found)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"did you mean '{near[0]}'?" if near else "'git regen -h' lists the commands"
            raise click.UsageError(f"'{safe(args[0])}' is not a command of git regen; {hint}") from error


def _keep_lines(command: click.Command) -> None:
    """Give click its mark for lines not to wrap, where a raw docstring spells it with two characters."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _keep_lines(below)


def group() -> click.Group:
    """Return the group of all commands."""
    return _LazyGroup(
        "git regen",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def run_command(argv: Sequence[str]) -> int:
    """Run one command and return its exit status; every failure is said on standard error."""
    output = sys.stdout
    # What a command reads it needs to its end: looking for garbage again and again finds none.
    gc.set_threshold(100_000, 20, 20)
    try:
        result: Any = group().main(args=list(argv), prog_name="git regen", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return _INTERRUPTED
    except GitError as error:
        if not error.is_interrupted:
            return _explain(error, argv)
        # Ctrl-C on a terminal reaches git, too; which of us says so first is chance.
        _say("interrupted")
        return _INTERRUPTED
    except SystemExit:
        # So click leaves, its output replaced, when whoever reads it, such as 'head', has seen enough.
        if sys.stdout is not output:
            return 0
        raise
    except Exception as error:  # noqa: BLE001 - the boundary: a defect is reported, never shown as a trace
        return _explain(error, argv)
    return result if isinstance(result, int) else 0


def _explain(error: Exception, argv: Sequence[str]) -> int:
    """Say what went wrong and return the exit status that belongs to it."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, RegenError):
        _say(f"error: {error}")
        if error.hint:
            _say(f"hint: {error.hint}")
        return error.exit_status
    if isinstance(error, BrokenPipeError):
        # The reader, a pager for instance, has seen enough.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
        return 0
    if isinstance(error, OSError):
        about = f": '{error.filename}'" if error.filename else ""
        _say(f"error: {error.strerror or error}{about}")
        advice = _ADVICE.get(error.errno or 0)
        if advice:
            _say(f"hint: {advice}")
        return RegenError.exit_status
    return _report_defect(error, argv)


def _report_defect(error: Exception, argv: Sequence[str]) -> int:
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="git-regen-", suffix=".log", delete=False
    ) as log:
        log.write(f"git-regen {__version__}, Python {sys.version.split()[0]}\n")
        log.write(f"command: {list(argv)[:1]}\n\n")
        log.write("".join(traceback.format_exception(error)))
    _say(f"error: a defect of git regen: {type(error).__name__}: {error}")
    _say(f"hint: nothing of yours was lost; please report it with '{log.name}'")
    return _DEFECT


def _say(text: str) -> None:
    sys.stderr.write(safe(text) + "\n")
