"""Commits with what was asked for in them: from the ledger, or, where that holds nothing, from the message.

For commands that show history. A message standing in for an intent is never written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents.told import Told, log_commits, read_some
from regen_git.errors import GitError, RegenError
from regen_git.git.repository import no_commits
from regen_git.ledger.marks import marked_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from regen_git.domain.intent import Binding, Intent, Prompt
    from regen_git.git.repository import Repository

__all__ = ["Told", "intent_json", "one", "read_log", "read_some", "told_json"]


def read_log(
    repo: Repository,
    *revs: str,
    max_count: int | None = None,
    paths: Sequence[str] | None = (),
    cwd: Path | None = None,
    with_private: bool = True,
) -> Iterator[Told]:
    """Yield the commits that these revisions reach (default: HEAD), newest first, as git finds them.

    ``paths`` leaves out what changes none of them; they count from ``cwd``. Where ``paths`` is ``None``, git
    sees for itself which of ``revs`` are paths. ``with_private`` says whether intents are read that are never
    published. One process, whatever the number of commits. Raises ``RegenError`` for what names nothing.
    """
    asked = [rev for rev in revs if rev] or ([] if paths is None else ["HEAD"])
    args = [] if max_count is None else [f"--max-count={max_count}"]
    last = [] if paths is None else ["--", *paths]
    try:
        yield from log_commits(
            repo, [*args, "--end-of-options", *asked, *last], cwd=cwd, with_private=with_private
        )
    except GitError as error:
        if set(asked) <= {"HEAD"} and repo.is_unborn:
            raise no_commits() from error
        if error.hint:
            raise
        hint = "give a revision, or a range A..B, that exists; '--' stands before paths"
        raise RegenError(f"cannot read the commits of '{' '.join(asked) or 'HEAD'}'", hint=hint) from error


def one(repo: Repository, rev: str = "HEAD") -> Told:
    """Return one commit. Raises ``RegenError`` when the revision names none."""
    found = next(read_log(repo, rev, max_count=1), None)
    if found is None:
        raise RegenError(f"unknown revision '{rev}'", hint="name a commit, branch or tag")
    return found


def told_json(told: Told) -> dict[str, Any]:
    """Return the fields of one commit that scripts rely on."""
    intents = [intent_json(intent, told.binding(intent)) for intent in told.note.intents.values()]
    return {
        "commit": told.commit,
        "subject": told.subject,
        "origin": told.origin,
        "intents": intents or [_message_json(told)],
        "mark": marked_as(told.note.documents),
        "conflicts": list(told.note.conflicts),
        "missing": list(told.missing),
        "warnings": list(told.note.warnings),
    }


def intent_json(intent: Intent, binding: Binding | None) -> dict[str, Any]:
    """Return one intent with what it did in one commit. ``wrote`` empty and ``hand`` null mean unknown."""
    agent = intent.agent
    hand = binding.hand if binding is not None else None
    return {
        "intent": intent.id,
        "revision": intent.revision,
        "origin": intent.origin,
        "agent": None
        if agent is None
        else {"name": agent.name, "version": agent.version, "model": agent.model, "session": agent.session},
        "author": intent.author,
        "prompts": [_prompt_json(prompt) for prompt in intent.prompts],
        "approved": intent.approved,
        "wrote": list(binding.wrote) if binding is not None else [],
        "hand": None if hand is None else {path: [str(r) for r in ranges] for path, ranges in hand.items()},
        "redacted": intent.redacted,
        "supersedes": list(intent.supersedes),
        "retracted": intent.retracted,
    }


def _prompt_json(prompt: Prompt) -> dict[str, Any]:
    shown: dict[str, Any] = {"text": prompt.text, "at": prompt.at, "class": prompt.kind}
    if prompt.answers is not None:
        shown["answers"] = prompt.answers
    if prompt.refs:
        shown["refs"] = list(prompt.refs)
    return shown


def _message_json(told: Told) -> dict[str, Any]:
    return {
        "intent": None,
        "revision": None,
        "origin": "message",
        "agent": None,
        "author": told.author,
        "prompts": [{"text": told.message.strip("\n"), "at": None, "class": None}],
        "approved": None,
        "wrote": [],
        "hand": None,
        "redacted": 0,
        "supersedes": [],
        "retracted": False,
    }
