"""Take prompts from the chat history that aider keeps in the repository.

A prompt goes to the commits that the history names; where a rebase has replaced one, to the commit with the
same first line and time. Commits that aider made and no history tells of are counted.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from regen_git.agents import load
from regen_git.agents.evidence import evidence_of
from regen_git.errors import RegenError
from regen_git.importers.history import Counts, existing_notes, read_past
from regen_git.importers.matching import inside
from regen_git.importers.sessions import import_found, read_sessions, worktrees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from regen_git.git.repository import Repository
    from regen_git.importers.matching import Found

__all__ = ["import_aider"]

NO_HISTORY = "made by aider, and no chat history here tells of it"
SAVED = "made by aider of what a person had changed"

_VARIABLE = "AIDER_CHAT_HISTORY_FILE"
_COMMITTED = re.compile(rb"^> Commit ([0-9a-f]{7,64}) (.*?)\s*$", re.MULTILINE)


def import_aider(
    repo: Repository,
    span: str = "HEAD",
    *,
    file: Path | None = None,
    max_count: int | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Write an intent for each chat and commit that belong together; all in one batch.

    ``file`` is the chat history to read; the paths of one that lies elsewhere count from the top of the
    working tree. The same import again adds nothing. Raises ``RegenError`` for a range that names nothing,
    and where ``file`` is no chat history.
    """
    tops = worktrees(repo)
    counts = Counts()
    named = {} if file is None else {_VARIABLE: os.path.abspath(file)}  # noqa: PTH100 - text in, text out
    chats = load("aider").session_files(tops, {**os.environ, **named})
    if file is not None and not chats:
        hint = "name a file like .aider.chat.history.md"
        raise RegenError(f"'{file}' is no chat history of aider", hint=hint)
    folders = [os.path.dirname(os.path.abspath(chat.rpartition("#")[0])) for chat in chats]  # noqa: PTH100, PTH120 - text in, text out
    read = read_sessions([("aider", chat) for chat in chats], [*tops, *folders], counts, on_progress)
    real = [os.path.realpath(top) for top in tops]
    found = [
        one if inside(one.session.cwd, real) is not None else _moved(one, tops[0]) for one in read if tops
    ]
    titles = _titles(chat.rpartition("#")[0] for chat in chats)
    import_found(
        repo,
        found,
        span,
        counts=counts,
        tops=tops,
        source="aider's chat history",
        titles=titles,
        max_count=max_count,
        dry_run=dry_run,
    )
    _count_untold(repo, span, counts, max_count, tuple(titles))
    return counts


def _moved(one: Found, top: str) -> Found:
    """Return a chat whose history lies elsewhere with its paths counting from ``top``."""
    folder = one.session.cwd
    turns = tuple(
        turn._replace(edits=tuple(top + edit.removeprefix(folder) for edit in turn.edits))
        for turn in one.session.turns
    )
    return one._replace(session=one.session._replace(cwd=top, turns=turns))


def _titles(files: Iterable[str]) -> dict[str, str]:
    """Return the first lines of the commits that histories name, by their short ids."""
    found: dict[str, str] = {}
    for file in sorted(set(files)):
        with open(file, "rb") as lines:  # noqa: PTH123 - text in
            for match in _COMMITTED.finditer(lines.read()):
                found[match[1].decode("ascii")] = match[2].decode("utf-8", "replace")
    return found


def _count_untold(
    repo: Repository, span: str, counts: Counts, max_count: int | None, named: tuple[str, ...]
) -> None:
    """Count the commits of the range that aider made and that no prompt is known of.

    Before it edits a file that a person has changed, aider commits that: the history names such a commit too.
    """
    past = read_past(repo, span, max_count=max_count)
    counts.looked_at = len(past)
    made = [
        commit.id
        for commit in past
        if commit.id not in counts.matched
        and evidence_of(commit.message, commit.author, commit.committer).agent == "aider"
    ]
    notes = existing_notes(repo, span, set(made)) if made else {}
    for oid in made:
        if oid not in notes or not notes[oid].intents:
            counts.skip(SAVED if named and oid.startswith(named) else NO_HISTORY)
