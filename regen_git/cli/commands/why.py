"""``git regen why``: which prompt or person a line comes from."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from regen_git.cli.commands.log import first_line
from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.troubles import tell_troubles
from regen_git.errors import GitError, RegenError, UsageError
from regen_git.git.repository import no_commits

if TYPE_CHECKING:
    from regen_git.domain.intent import Intent
    from regen_git.git.repository import Repository
    from regen_git.importers.reading import Told

__all__ = ["command"]

_HEAD = re.compile(rb"^([0-9a-f]{40,64}) (\d+) (\d+)")
_SHOWN_LINES = 20
_PLACE = re.compile(r"(.+?):(\d+)(?:[-,](\d+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Line:
    """One blamed line: where it stands now, and where it stood in the commit that wrote it."""

    commit: str
    path: str
    line: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a line is there: the intents that wrote it, or, when empty, who did without; and the reason."""

    intents: tuple[Intent, ...]
    reason: str
    by: Literal["prompt", "agent", "person"]


_UNCOMMITTED = _Cause((), "not committed yet", "person")


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


def _blame(repo: Repository, path: str, first: int | None, last: int | None) -> list[_Line]:
    named = path if repo.worktree is None else os.path.relpath(Path.cwd() / path, repo.worktree)
    window = [] if first is None else ["-L", f"{first},{last}"]
    # A bare repository has no files to compare with: there the newest commit is asked.
    revision = ["HEAD"] if repo.worktree is None else []
    try:
        return list(_parse(repo.git("blame", "--porcelain", *window, *revision, "--", named)))
    except GitError as error:
        if repo.is_unborn:
            raise no_commits() from error
        said = os.fsdecode(error.stderr).strip().removeprefix("fatal: ")
        hint = "name a file that git tracks, and a line that it has"
        raise RegenError(f"cannot tell about '{path}': {said}", hint=hint) from error


def _parse(out: bytes) -> list[_Line]:
    """Read ``git blame --porcelain``: a path is told once for each commit, not for each line."""
    found: list[_Line] = []
    paths: dict[bytes, bytes] = {}
    head: re.Match[bytes] | None = None
    for line in out.split(b"\n"):
        if line.startswith(b"\t") and head is not None:
            path = os.fsdecode(paths.get(head[1], b""))
            text = line[1:].decode("utf-8", "replace")
            found.append(_Line(head[1].decode("ascii"), path, int(head[2]), int(head[3]), text))
        elif line.startswith(b"filename ") and head is not None:
            paths[head[1]] = _unquoted(line[9:])
        else:
            head = _HEAD.match(line) or head
    return found


def _unquoted(name: bytes) -> bytes:
    """Take off git's quotes around a name with unusual bytes."""
    if not (name.startswith(b'"') and name.endswith(b'"')):
        return name
    plain = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
    return re.sub(
        rb"\\([0-7]{3}|.)",
        lambda m: bytes([int(m[1], 8)]) if len(m[1]) > 1 else plain.get(m[1], m[1]),
        name[1:-1],
    )


def _cause(told: Told, line: _Line) -> _Cause:
    """Return which intents of a commit a line comes from."""
    mark = told.mark
    if not told.note.intents or (mark is not None and mark.maker == "human"):
        return _without_prompt(told)
    wrote: list[Intent] = []
    mended = False
    for intent in told.note.intents.values():
        binding = told.binding(intent)
        if binding is not None and binding.wrote and line.path not in binding.wrote:
            continue
        ranges = (binding.hand or {}).get(line.path, ()) if binding is not None else ()
        if any(r.first <= line.line <= r.last for r in ranges):
            mended = True
        else:
            wrote.append(intent)
    if wrote:
        return _Cause(tuple(wrote), "", "prompt")
    reason = "mended by hand after the agent" if mended else "no prompt of the commit wrote this file"
    return _Cause((), reason, "person")


def _without_prompt(told: Told) -> _Cause:
    """Return who wrote a commit of which no prompt counts."""
    evidence = told.evidence()
    if evidence.maker == "agent":
        how = evidence.reason if told.mark else f"{evidence.agent or 'an agent'} took part"
        return _Cause((), f"{how}, but no prompt is recorded", "agent")
    return _Cause((), evidence.reason if evidence.maker == "person" else "no prompt is recorded", "person")


def _read(repo: Repository, lines: list[_Line]) -> dict[str, Told]:
    """Return the commits that the lines come from; the zeros that stand for no commit have none."""
    from regen_git.importers.reading import read_some

    return read_some(repo, dict.fromkeys(line.commit for line in lines if line.commit.strip("0")))


def _explain_lines(repo: Repository, console: Console, path: str, lines: list[_Line]) -> None:
    known = _read(repo, lines)
    for line in lines:
        told = known.get(line.commit)
        cause = _cause(told, line) if told else _UNCOMMITTED
        console.emit(_json(path, line, told, cause))
        where = f"{safe(path)}:{line.number}"
        console.out(f"{style(where, fg='magenta')}  {safe(line.text)}")
        _print_cause(console, told, cause)
    tell_troubles(console, ((told.commit, told.note.troubles) for told in known.values()))
    tell_missing(console, repo, sum(bool(told.missing) for told in known.values()))


def _json(path: str, line: _Line, told: Told | None, cause: _Cause) -> dict[str, Any]:
    from regen_git.importers.reading import intent_json

    return {
        "file": path,
        "line": line.number,
        "commit": told.commit if told else None,
        "subject": told.subject if told else None,
        "by": cause.by,
        "author": told.author if told else None,
        "reason": cause.reason or None,
        "intents": [intent_json(intent, told.binding(intent)) for intent in cause.intents] if told else [],
    }


def _print_cause(console: Console, told: Told | None, cause: _Cause) -> None:
    if told is None:
        console.out("  not committed yet")
        return
    commit = f"{style(told.short, fg='yellow')} {safe(told.subject)}"
    if not cause.intents:
        how = "written by hand by" if cause.by == "person" else "committed by"
        console.out(f"  {how} {safe(told.author)}: {safe(cause.reason)}")
        console.out(f"  in {commit}")
        return
    for intent in cause.intents:
        agent = f", {safe(intent.agent.name)}" if intent.agent else ""
        console.out(f"  asked for in intent {style(intent.id, fg='cyan')} ({intent.origin}{agent})")
        for prompt in intent.prompts:
            rows = safe(prompt.text.strip()).split("\n")
            console.out("\n".join(f"    {row}" for row in rows[:_SHOWN_LINES]))
            if len(rows) > _SHOWN_LINES:
                console.out(f"    … {len(rows) - _SHOWN_LINES} more lines: 'git regen show {told.short}'")
        if not intent.prompts and intent.approved:
            console.out(f"    approved plan: {first_line(intent.approved)}")
    console.out(f"  in {commit}")


def _explain_file(repo: Repository, console: Console, path: str, lines: list[_Line]) -> None:
    unrecorded: dict[str, _Cause] = {}
    groups: dict[tuple[str, tuple[str, ...], str], tuple[Told | None, _Cause, int]] = {}
    known = _read(repo, lines)
    for line in lines:
        told = known.get(line.commit)
        if told is not None and not told.note.intents:
            # The same for every line of the commit, and reading the message takes time.
            cause = unrecorded.get(line.commit) or unrecorded.setdefault(line.commit, _cause(told, line))
        else:
            cause = _cause(told, line) if told else _UNCOMMITTED
        key = (line.commit, tuple(intent.id for intent in cause.intents), cause.reason)
        count = groups[key][2] if key in groups else 0
        groups[key] = (told, cause, count + 1)
    ordered = sorted(groups.values(), key=lambda group: -group[2])
    console.emit({"file": path, "causes": [_file_json(told, cause, count) for told, cause, count in ordered]})
    for told, cause, count in ordered:
        console.out(f"{count:>5} {'line ' if count == 1 else 'lines'}  {_brief(told, cause)}")
    tell_troubles(console, ((told.commit, told.note.troubles) for told in known.values()))
    tell_missing(console, repo, sum(bool(told.missing) for told in known.values()))


def _file_json(told: Told | None, cause: _Cause, count: int) -> dict[str, Any]:
    from regen_git.importers.reading import intent_json

    return {
        "lines": count,
        "commit": told.commit if told else None,
        "subject": told.subject if told else None,
        "by": cause.by,
        "author": told.author if told else None,
        "reason": cause.reason or None,
        "intents": [intent_json(intent, told.binding(intent)) for intent in cause.intents] if told else [],
    }


def _brief(told: Told | None, cause: _Cause) -> str:
    if told is None:
        return "not committed yet"
    short = style(told.short, fg="yellow")
    if not cause.intents:
        how = "by hand by" if cause.by == "person" else "no prompt recorded, committed by"
        return f"{short} {how} {safe(told.author)}: {first_line(told.subject, 60)}"
    heads = [intent.prompts[0].text if intent.prompts else intent.approved or "" for intent in cause.intents]
    return f"{short} {'; '.join(style(first_line(head, 80), fg='cyan') for head in heads)}"
