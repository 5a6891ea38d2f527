"""Commits with what was asked for in them: from the ledger, or, where that holds nothing, from the message.

For commands that show history. A message standing in for an intent is never written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regen_git.errors import GitError, RegenError
from regen_git.git.notes import LONGEST_NOTE, bring_notes
from regen_git.git.repository import no_commits
from regen_git.ledger.links import named_in
from regen_git.ledger.marks import Mark, mark_of, marked_as
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, NoteView, view
from regen_git.process import fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from regen_git.agents.evidence import Evidence
    from regen_git.domain.ids import Oid
    from regen_git.domain.intent import Binding, Intent, Prompt
    from regen_git.git.repository import Repository

__all__ = ["Told", "intent_json", "one", "read_log", "read_some", "told_json"]

_FORMAT = "--format=%H %h %T %P%x00%an <%ae>%n%cn <%ce>%n%ad%x00%B%x00%N"
_MENTIONED = re.compile(r"^Regen-Intent: ([0-9a-f]{16})$", re.MULTILINE)
_ORDER = ("captured", "explicit", "imported")


@dataclass(frozen=True, slots=True)
class Told:
    """One commit and what the ledger says of it; ``short`` is its abbreviated id, ``date`` ISO 8601."""

    commit: Oid
    short: str
    tree: Oid
    parents: tuple[Oid, ...]
    author: str
    committer: str
    date: str
    message: str
    note: NoteView

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.lstrip("\n").partition("\n")[0].strip()

    @property
    def origin(self) -> str:
        """The strongest origin among its intents; ``message`` if it has none."""
        origins = {intent.origin for intent in self.note.intents.values()}
        return next((origin for origin in _ORDER if origin in origins), "message")

    @property
    def missing(self) -> tuple[str, ...]:
        """The intents that it names and its note does not hold; what only looks like a trailer names none."""
        if _is_complete(self.message, self.note):
            return self.note.unknown
        named = named_in(self.message.encode("utf-8", "replace"))
        # What a merge lists in its body, and what stands indented, may be others' or an example.
        buried = [one for one in named.buried if one not in named.indented] if len(self.parents) < 2 else []  # noqa: PLR2004 - a merge has two
        ids = dict.fromkeys((*named.trailers, *buried, *self.note.unknown))
        return tuple(one for one in ids if one not in self.note.intents)

    @property
    def mark(self) -> Mark | None:
        """What a person said of who made the commit."""
        return mark_of(self.note.documents)

    def evidence(self) -> Evidence:
        """Return who made the commit: as a person marked it, else as its message and names tell."""
        from regen_git.agents.evidence import Evidence, evidence_of

        told = evidence_of(self.message, self.author, self.committer)
        if self.mark is None:
            return told
        if self.mark.maker == "human":
            return Evidence("person", str(self.mark))
        return Evidence("agent", str(self.mark), told.agent)

    def binding(self, intent: Intent) -> Binding | None:
        """Return what the intent did in this commit, or ``None`` when nobody wrote that down."""
        return self.note.binding(intent.id, self.tree)


def _is_complete(message: str, note: NoteView) -> bool:
    """Return whether every mention of an intent is a trailer's of one that the note holds: nearly always."""
    ids = _MENTIONED.findall(message)
    return message.lower().count("regen-intent") == len(ids) and all(one in note.intents for one in ids)


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
        yield from _log(repo, [*args, "--end-of-options", *asked, *last], cwd=cwd, with_private=with_private)
    except GitError as error:
        if set(asked) <= {"HEAD"} and repo.is_unborn:
            raise no_commits() from error
        if error.hint:
            raise
        hint = "give a revision, or a range A..B, that exists; '--' stands before paths"
        raise RegenError(f"cannot read the commits of '{' '.join(asked) or 'HEAD'}'", hint=hint) from error


def read_some(repo: Repository, commits: Iterable[Oid]) -> dict[Oid, Told]:
    """Return these commits, all read by one process; ids that name no commit are not allowed here."""
    wanted = "\n".join(commits)
    if not wanted:
        return {}
    return {told.commit: told for told in _log(repo, ["--no-walk=unsorted", "--stdin"], wanted.encode())}


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
    }


def _log(
    repo: Repository,
    args: Sequence[str],
    stdin: bytes | None = None,
    cwd: Path | None = None,
    *,
    with_private: bool = True,
) -> Iterator[Told]:
    """Run ``git log`` and yield commits as it prints them. Raises ``GitError``, after the last one."""
    refs = (INTENTS_REF, PRIVATE_REF) if with_private else (INTENTS_REF,)
    bring_notes(repo, refs)
    # Read as it comes: the first screen of a long history must not wait for its end.
    chunks = repo.git_stream(
        "log",
        "-z",
        "--encoding=UTF-8",
        "--no-show-signature",
        "--no-color",
        *(f"--notes={ref}" for ref in refs),
        "--date=iso-strict",
        _FORMAT,
        *args,
        stdin=stdin,
        cwd=cwd,
    )
    # NUL separates, and no field can hold one: git cuts messages there and writes notes without.
    found = fields(chunks, LONGEST_NOTE)
    for four in zip(found, found, found, found, strict=False):
        yield _told(four)


def _told(found: Sequence[bytes]) -> Told:
    oid, short, tree, *parents = found[0].decode("ascii").split()
    author, committer, date = found[1].decode("utf-8", "replace").split("\n", 2)
    return Told(
        oid,
        short,
        tree,
        tuple(parents),
        author,
        committer,
        date,
        found[2].decode("utf-8", "replace"),
        view(found[3]),
    )
