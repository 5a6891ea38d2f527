"""``git regen demo``: see the whole line on a small application."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option
from regen_git.errors import UsageError

__all__ = ["command"]


@click.command("demo")
@click.option("--keep", metavar="DIR", help="Make it in this folder (new or empty), not in a temporary one.")
@json_option
def command(*, keep: str | None, as_json: bool) -> int:
    r"""See the whole line on a small application, in a temporary folder.

    Makes a repository with a history of prompts, corrections and changes by hand, replays it with a newer
    model, verifies the result and says what changed. The model's replies are recorded: no key, no network, no
    cost. Nothing of yours is touched.

    \b
    Examples:
      git regen demo
      git regen demo --keep ../spend
    """
    from regen_git.demo.running import run_demo
    from regen_git.demo.telling import as_object, as_text

    console = Console(json=as_json)
    begun = time.monotonic()
    folder = _folder(keep)
    shown = run_demo(folder, lambda text: console.say(safe(text)))
    seconds = time.monotonic() - begun
    for line in as_text(shown, folder, seconds):
        console.out(safe(line))
    console.emit(as_object(shown, folder, seconds))
    return 0 if shown.verification.verdict.value == "pass" else 1


def _folder(keep: str | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="git-regen-demo-"))
    folder = Path(keep).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"'{keep}' is not an empty folder", hint="name one that does not exist yet")
    return folder
