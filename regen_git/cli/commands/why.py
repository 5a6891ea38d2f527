"""``git regen why``: which prompt or person a line comes from."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.commands.log import first_line
from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.troubles import tell_troubles
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from regen_git.agents.told import Told
    from regen_git.git.blame import BlamedLine
    from regen_git.git.repository import Repository
    from regen_git.replay.people.origins import Origin, Origins

__all__ = ["command"]

_SHOWN_LINES = 20
_PLACE = re.compile(r"(.+?):(\d+)(?:[-,](\d+))?", re.DOTALL)


@click.command("why")
@click.argument("place", metavar="FILE[:LINE[-LINE]]")
@json_option
def command(place: str, *, as_json: bool) -> None:
    """Say which prompt or person a line comes from.

    With FILE alone: all prompts and people that the file's lines come from, those with most lines first.

    \b
    Examples:
      git regen why src/http.py:42
      git regen why src/http.py --json
    """  # noqa: D301 - click keeps the lines after this mark as they are
    repo = open_up_to_date()
    console = Console(json=as_json)
    path, first, last = _place(place)
    lines = _blame(repo, path, first, last)
    if first is None:
        _explain_file(repo, console, path, lines)
    else:
        _explain_lines(repo, console, path, lines)


def _place(place: str) -> tuple[str, int | None, int | None]:
    """Return file, first and last line; a file whose own name ends in a number is taken as it is."""
    found = _PLACE.fullmatch(place)
    if not found or Path(place).exists():
        return place, None, None
    first = int(found[2])
    last = int(found[3]) if found[3] else first
    if not 0 < first <= last:
        raise UsageError(f"no such lines: '{place}'", hint="lines count from 1: FILE:LINE or FILE:FIRST-LAST")
    return found[1], first, last


def _blame(repo: Repository, path: str, first: int | None, last: int | None) -> list[BlamedLine]:
    from regen_git.git.blame import blame

    named = path if repo.worktree is None else os.path.relpath(Path.cwd() / path, repo.worktree)
    return blame(repo, named, windows=[] if first is None else [f"{first},{last}"])


def _explain_lines(repo: Repository, console: Console, path: str, lines: list[BlamedLine]) -> None:
    from regen_git.replay.people.origins import Origins

    origins = Origins(repo)
    for line, origin in zip(lines, origins.of(lines), strict=True):
        told = origins.told.get(line.commit)
        text = line.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        console.emit({"file": path, "line": line.number, **_json(told, origin)})
        where = f"{safe(path)}:{line.number}"
        console.out(f"{style(where, fg='magenta')}  {safe(text)}")
        _print_cause(console, told, origin)
    _tell_what_is_wrong(repo, console, origins)


def _tell_what_is_wrong(repo: Repository, console: Console, origins: Origins) -> None:
    known = list(origins.told.values())
    tell_troubles(console, ((told.commit, told.note.troubles) for told in known))
    # A rebuilt commit names the intents of its source, and its source has them.
    lost = sum(bool(told.missing) for told in known if not origins.is_rebuilt(told))
    tell_missing(console, repo, lost)


def _json(told: Told | None, origin: Origin) -> dict[str, Any]:
    """Return the facts of a cause. ``told`` is the commit that git blames."""
    from regen_git.importers.reading import intent_json

    cause, behind = origin.cause, origin.told
    shown: dict[str, Any] = {
        "commit": told.commit if told else None,
        "subject": told.subject if told else None,
        "by": cause.by,
        "author": behind.author if behind else None,
        "reason": cause.reason or None,
        "intents": [intent_json(one, behind.binding(one)) for one in cause.intents] if behind else [],
    }
    if told is not None and behind is not None and behind.commit != told.commit:
        shown["source"] = behind.commit
    if origin.model:
        shown["model"] = origin.model
    if origin.module:
        shown["module"] = origin.module
    return shown


def _print_cause(console: Console, told: Told | None, origin: Origin) -> None:
    cause, behind = origin.cause, origin.told
    if told is None or behind is None:
        console.out(f"  {safe(cause.reason)}")
        return
    if not cause.intents:
        how = "written by hand by" if cause.by == "person" else "committed by"
        console.out(f"  {how} {safe(behind.author)}: {safe(cause.reason)}")
    for intent in cause.intents:
        agent = f", {safe(intent.agent.name)}" if intent.agent else ""
        console.out(f"  asked for in intent {style(intent.id, fg='cyan')} ({intent.origin}{agent})")
        for prompt in intent.prompts:
            rows = safe(prompt.text.strip()).split("\n")
            console.out("\n".join(f"    {row}" for row in rows[:_SHOWN_LINES]))
            if len(rows) > _SHOWN_LINES:
                more = len(rows) - _SHOWN_LINES
                console.out(f"    … {more} more lines: 'git regen show {behind.short}'")
        if not intent.prompts and intent.approved:
            console.out(f"    approved plan: {first_line(intent.approved)}")
    if origin.model:
        part = f" for module {safe(origin.module)}" if origin.module else ""
        console.out(f"  generated by {safe(origin.model)}{part}")
    console.out(f"  in {style(told.short, fg='yellow')} {safe(told.subject)}")
    if behind.commit != told.commit:
        console.out(f"  from {style(behind.short, fg='yellow')} {safe(behind.subject)}")


def _explain_file(repo: Repository, console: Console, path: str, lines: list[BlamedLine]) -> None:
    from regen_git.replay.people.origins import Origins

    groups: dict[tuple[str, str, tuple[str, ...], str], tuple[Told | None, Origin, int]] = {}
    origins = Origins(repo)
    for line, origin in zip(lines, origins.of(lines), strict=True):
        behind = origin.told.commit if origin.told else ""
        key = (line.commit, behind, tuple(intent.id for intent in origin.cause.intents), origin.cause.reason)
        count = groups[key][2] if key in groups else 0
        groups[key] = (origins.told.get(line.commit), origin, count + 1)
    ordered = sorted(groups.values(), key=lambda group: -group[2])
    causes = [{"lines": count, **_json(told, origin)} for told, origin, count in ordered]
    console.emit({"file": path, "causes": causes})
    for told, origin, count in ordered:
        console.out(f"{count:>5} {'line ' if count == 1 else 'lines'}  {_brief(told, origin)}")
    _tell_what_is_wrong(repo, console, origins)


def _brief(told: Told | None, origin: Origin) -> str:
    cause, behind = origin.cause, origin.told
    if told is None or behind is None:
        return safe(cause.reason)
    short = style(told.short, fg="yellow")
    if not cause.intents:
        how = "by hand by" if cause.by == "person" else "no prompt recorded, committed by"
        return f"{short} {how} {safe(behind.author)}: {first_line(behind.subject, 60)}"
    heads = [intent.prompts[0].text if intent.prompts else intent.approved or "" for intent in cause.intents]
    return f"{short} {'; '.join(style(first_line(head, 80), fg='cyan') for head in heads)}"
