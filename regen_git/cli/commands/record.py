"""``git regen record``: a prompt for the next commit, or for one that exists, from a person or a script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console
from regen_git.cli.context import json_option, open_repository
from regen_git.domain.intent import PROMPT_CLASSES
from regen_git.errors import RegenError, UsageError

if TYPE_CHECKING:
    from regen_git.capture.inbox import Entry
    from regen_git.git.repository import Repository

__all__ = ["command"]


@click.command("record")
@click.argument("text", nargs=-1)
@click.option(
    "-m", "--message", "messages", multiple=True, metavar="TEXT", help="The prompt; may be given again."
)
@click.option(
    "-F", "--file", "file", metavar="FILE", help="Read the prompt from a file; '-' is standard input."
)
@click.option("--commit", "rev", metavar="REV", help="Bind to this commit now, not to the next one.")
@click.option("--private", is_flag=True, help="Keep it in notes that are never published.")
@click.option("--class", "kind", type=click.Choice(PROMPT_CLASSES), help="What the prompt is for.")
@click.option("--agent", metavar="NAME", help="The agent that acted on it.")
@json_option
def command(
    text: tuple[str, ...],
    messages: tuple[str, ...],
    file: str | None,
    rev: str | None,
    *,
    kind: str | None,
    agent: str | None,
    private: bool,
    as_json: bool,
) -> None:
    r"""Record a prompt for the next commit, or for one that exists.

    Secrets are taken out before anything is written.

    \b
    Examples:
      git regen record "Add a retry with exponential backoff to the HTTP client"
      git regen record --commit HEAD -F prompt.txt
      pbpaste | git regen record -
    """
    console = Console(json=as_json)
    repo = open_repository()
    prompts = _prompts(text, messages, file)
    entries = [_entry(repo, one, kind=kind, agent=agent, private=private) for one in prompts]
    commit = repo.resolve(rev) if rev else None
    if commit is None:
        _wait(repo, entries)
    else:
        from regen_git.capture.flush import bind_to

        for entry in entries:
            bind_to(repo, entry, commit)
    where = f"on {commit[:10]}" if commit else "for the next commit"
    hidden = sum(entry.redacted for entry in entries)
    for entry in entries:
        console.out(f"recorded {entry.id} {where}" + (", private" if private else ""))
    if hidden:
        console.say(f"{hidden} secret{'s were' if hidden > 1 else ' was'} taken out")
    console.emit(
        {
            "intents": [entry.id for entry in entries],
            "commit": commit,
            "private": private,
            "redacted": hidden,
        }
    )


def _prompts(text: tuple[str, ...], messages: tuple[str, ...], file: str | None) -> list[str]:
    """Return the prompts that were given, whichever way. Raises ``UsageError`` when there are none."""
    found = list(messages)
    source = "-" if text == ("-",) and file is None else file
    if source == "-":
        found.append(sys.stdin.buffer.read().decode("utf-8", "replace"))
    elif source is not None:
        found.append(Path(source).read_bytes().decode("utf-8", "replace"))
    if text and text != ("-",):
        found.append(" ".join(text))
    found = [one.strip("\n") for one in found if one.strip()]
    if not found:
        raise UsageError("nothing to record", hint='say it in words: git regen record "Add a retry"')
    return found


def _entry(repo: Repository, text: str, *, kind: str | None, agent: str | None, private: bool) -> Entry:
    from regen_git.capture.clock import now
    from regen_git.capture.inbox import Entry
    from regen_git.capture.place import place_of
    from regen_git.domain.ids import new_intent_id
    from regen_git.redaction import redact

    clean = redact(text)
    ident = repo.git("var", "GIT_AUTHOR_IDENT", ok=(0, 128)).decode("utf-8", "replace")
    return Entry(
        "record",
        agent=agent or "",
        worktree=place_of(repo).key,
        at=now(),
        id=new_intent_id(),
        text=clean.text,
        redacted=clean.count,
        author=ident.rpartition(">")[0] + ">" if ">" in ident else "",
        label=kind or "",
        private=private,
    )


def _wait(repo: Repository, entries: list[Entry]) -> None:
    """Put the records into the inbox and tell the hooks."""
    from regen_git.capture.flush import flush
    from regen_git.capture.inbox import Inbox
    from regen_git.capture.install import write_command
    from regen_git.capture.managers import hook_states
    from regen_git.capture.pending import refresh
    from regen_git.capture.place import place_of
    from regen_git.capture.preferences import read_preferences
    from regen_git.capture.reflog import forward, size

    if repo.worktree is None:
        raise RegenError(
            "there are no files here that a next commit could take up",
            hint="go to a working tree, or name a commit with '--commit REV'",
        )
    flush(repo)
    place = place_of(repo)
    settings = read_preferences(place)
    inbox = Inbox(place.data)
    with inbox.hold():
        present = inbox.add(entries, inbox.read())
        refresh(place.data, present, settings)
    if not Path(place.data, "seen", place.key).exists():
        forward(place, place.key, size(place, place.key))
    if not Path(place.data, "command").exists():
        write_command(repo)
    if set(hook_states(repo).values()) == {"missing"}:
        Console().say(
            "note: no hooks are installed; 'git regen init' sets them up, 'git regen status' binds without"
        )
