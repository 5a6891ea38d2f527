"""``git regen export``: the ledger for other programs and for people."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.missing import tell_missing
from regen_git.cli.troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from regen_git.git.repository import Repository
    from regen_git.sharing.exporting import Exported

__all__ = ["command"]


@click.command("export")
@click.argument("form", metavar="FORMAT", type=click.Choice(["json", "markdown", "agent-trace"]))
@click.argument("revs", metavar="[RANGE…]", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE."
)
@click.option(
    "--private", is_flag=True, help="Take private intents along; what you write is then private too."
)
@json_option
def command(form: str, revs: tuple[str, ...], output: Path | None, *, private: bool, as_json: bool) -> None:
    r"""Write the ledger of a range (default: HEAD) for other programs, or for people.

    FORMAT is 'json' (one object a line: what 'log --json' prints, and all else the ledger holds), 'markdown'
    (a document of the prompts by commit) or 'agent-trace' (records of Agent Trace 0.1.0, one a line: which
    lines an agent wrote; that format has no place for prompts). With -o, --json says what was written.

    \b
    Examples:
      git regen export json > ledger.jsonl
      git regen export markdown v1.0..HEAD -o prompts.md
      git regen export agent-trace -o .agent-trace/traces.jsonl
    """
    from regen_git.sharing.exporting import exported

    if as_json and output is None and form == "markdown":
        raise click.UsageError("'--json' says what was written to a file; name one with '--output'")
    console = Console(json=as_json and output is not None)
    repo = open_up_to_date()
    tally = _Tally()
    commits = tally.watch(exported(repo, revs, with_private=private))
    with _target(output) as target:
        for text in _WRITERS[form](repo, commits, revs):
            target.write(text)
    tally.troubles.tell(console)
    tell_missing(console, repo, tally.missing)
    if tally.left_out:
        what = "1 private intent is" if tally.left_out == 1 else f"{tally.left_out:,} private intents are"
        console.say(f"{what} left out; '--private' takes them along")
    if output is not None:
        counts = {"commits": tally.commits, "intents": len(tally.intents), "private_left_out": tally.left_out}
        console.emit({"format": form, "file": str(output), **counts})
        if not as_json:
            written = f"{len(tally.intents):,} intents of {tally.commits:,} commits"
            console.say(f"{written} are in '{safe(str(output))}'")


class _Tally:
    """Counts what goes by, and what is wrong with it."""

    def __init__(self) -> None:
        self.commits = self.missing = self.left_out = 0
        self.intents: set[str] = set()
        self.troubles = Troubles()

    def watch(self, commits: Iterator[Exported]) -> Iterator[Exported]:
        for one in commits:
            self.commits += 1
            self.intents.update(one.told.note.intents)
            self.missing += bool(one.missing)
            self.left_out += one.left_out
            self.troubles.add(one.told.commit, one.told.note.troubles)
            yield one


@contextlib.contextmanager
def _target(output: Path | None) -> Iterator[TextIO]:
    """Give what is written to; a file that is there already is replaced only when all is written."""
    if output is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # What other programs read is the same wherever it is written.
            sys.stdout.reconfigure(encoding="utf-8")
        yield sys.stdout
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = output.with_name(f".{output.name}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        beside.replace(output)
    finally:
        beside.unlink(missing_ok=True)


def _json(repo: Repository, commits: Iterator[Exported], revs: tuple[str, ...]) -> Iterator[str]:
    from regen_git.sharing.exporting import as_json

    del repo, revs
    for one in commits:
        yield _line(as_json(one))


def _markdown(repo: Repository, commits: Iterator[Exported], revs: tuple[str, ...]) -> Iterator[str]:
    from regen_git.sharing.exporting import as_markdown

    name = (repo.worktree or repo.common_dir).name
    title = f"Prompts of {name}" + (f", {' '.join(revs)}" if revs else "")
    yield from map(safe, as_markdown(commits, title))


def _agent_trace(repo: Repository, commits: Iterator[Exported], revs: tuple[str, ...]) -> Iterator[str]:
    from regen_git.sharing.agent_trace import trace_records

    del revs
    for one in commits:
        for record in trace_records(repo, one.told):
            yield _line(record)


def _line(value: object) -> str:
    """Return one object on one line. A byte of a path that is no UTF-8 has the same escape as in Python."""
    text = json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


_WRITERS = {"json": _json, "markdown": _markdown, "agent-trace": _agent_trace}
