"""``git regen blame``: each line of a file with the prompt or person it comes from."""

from __future__ import annotations

import contextlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.pager import paged
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from regen_git.agents.told import Told
    from regen_git.git.blame import BlamedLine
    from regen_git.git.repository import Repository
    from regen_git.replay.people.origins import Origin, Origins

__all__ = ["command"]

_SHORT = 8
_NAME = 18


@click.command("blame")
@click.argument("file", metavar="FILE")
@click.argument("rev", metavar="[REV]", required=False)
@click.option(
    "-L",
    "windows",
    metavar="FIRST,LAST",
    multiple=True,
    help="Show these lines only, as git blame takes them.",
)
@json_option
def command(file: str, rev: str | None, windows: tuple[str, ...], *, as_json: bool) -> None:
    """Show each line of a file with its prompt or person.

    A prompt is shown by the beginning of its intent's id, a person by name, in the place of the author that
    git blame shows. Rebuilt and adopted commits are followed to the prompts they were generated from. With
    --json one object a line.

    \b
    Examples:
      git regen blame src/http.py
      git regen blame src/http.py regen/gpt-5 -L 10,20
    """  # noqa: D301 - click keeps the lines after this mark as they are
    console = Console(json=as_json)
    if rev is not None and not Path(file).exists() and Path(rev).exists():
        # As git blame takes them: the revision first.
        file, rev = rev, file
    if rev is not None and rev.startswith("-"):
        raise UsageError(f"'{rev}' is no revision", hint="name a commit, branch or tag")
    with ThreadPoolExecutor(max_workers=1) as pool:
        # Git's own work takes longest: it goes on while this program loads what it needs itself.
        started: list[Future[list[BlamedLine]]] = []
        repo = open_up_to_date(lambda opened: started.append(pool.submit(_blame, opened, file, rev, windows)))
        from regen_git.replay.people.origins import Origins

        lines = started[0].result()
    origins = Origins(repo)
    with contextlib.nullcontext() if console.is_json else paged(repo):
        _show(console, file, lines, origins)
    _tell_missing(console, repo, origins)


def _blame(repo: Repository, file: str, rev: str | None, windows: tuple[str, ...]) -> list[BlamedLine]:
    from regen_git.git.blame import blame

    named = file if repo.worktree is None else os.path.relpath(Path.cwd() / file, repo.worktree)
    return blame(repo, named, rev, windows)


def _show(console: Console, file: str, lines: list[BlamedLine], origins: Origins) -> None:
    labels: dict[int, str] = {}
    digits = len(str(max((line.number for line in lines), default=0)))
    found = origins.of(lines)
    width = max((len(_who(origin)) for origin in {id(one): one for one in found}.values()), default=0)
    for line, origin in zip(lines, found, strict=True):
        text = line.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if console.is_json:
            console.emit(_json(file, line, text, origins.told.get(line.commit), origin))
            continue
        label = labels.get(id(origin))
        if label is None:
            shown = _who(origin).ljust(width)
            label = labels[id(origin)] = style(shown, fg="cyan") if origin.cause.intents else shown
        console.out(f"{line.commit[:_SHORT]} ({label} {line.number:>{digits}}) {safe(text)}")


def _who(origin: Origin) -> str:
    """Return the short id of the newest intent, or the person, or that an agent did without a prompt."""
    cause = origin.cause
    if cause.intents:
        more = f"+{len(cause.intents) - 1}" if len(cause.intents) > 1 else ""
        return f"{cause.intents[-1].id[:_SHORT]}{more}"
    if origin.told is None:
        return safe(cause.reason)
    if cause.by == "agent":
        return "no prompt"
    name = safe(origin.told.author.partition(" <")[0])
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"


def _json(file: str, line: BlamedLine, text: str, told: Told | None, origin: Origin) -> dict[str, Any]:
    cause, behind = origin.cause, origin.told
    shown: dict[str, Any] = {
        "file": file,
        "line": line.number,
        "commit": told.commit if told else None,
        "by": cause.by,
        "author": behind.author if behind else None,
        "reason": cause.reason or None,
        "intents": [intent.id for intent in cause.intents],
        "text": text,
    }
    if told is not None and behind is not None and behind.commit != told.commit:
        shown["source"] = behind.commit
    if origin.model:
        shown["model"] = origin.model
    if origin.module:
        shown["module"] = origin.module
    return shown


def _tell_missing(console: Console, repo: Repository, origins: Origins) -> None:
    known = list(origins.told.values())
    tell_missing(console, repo, sum(bool(told.missing) for told in known if not origins.is_rebuilt(told)))
