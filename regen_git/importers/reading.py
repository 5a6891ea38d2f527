"""Commits with what was asked for in them: from the ledger, or, where that holds nothing, from the message.

For commands that show history. A message standing in for an intent is never written.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from regen_git.errors import GitError, RegenError
from regen_git.git.repository import git_environment
from regen_git.git.trailers import values
from regen_git.ledger.marks import Mark, mark_of, marked_as
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, NoteView, view

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from regen_git.agents.evidence import Evidence
    from regen_git.domain.ids import Oid
    from regen_git.domain.intent import Binding, Intent, Prompt
    from regen_git.git.repository import Repository

__all__ = ["Told", "intent_json", "one", "read_log", "read_some", "told_json"]

_CHUNK = 1 << 16
_FIELDS = 4
_FORMAT = "--format=%H %h %T %P%x00%an <%ae>%n%cn <%ce>%n%ad%x00%B%x00%N"
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
        """The intents that its trailers name and its note does not hold."""
        named = values(self.message.encode("utf-8", "replace"), "Regen-Intent")
        return tuple(name for name in named if name not in self.note.intents)

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


def read_log(repo: Repository, span: str = "HEAD", *, max_count: int | None = None) -> Iterator[Told]:
    """Yield the commits of a range, newest first, as git finds them; one process, whatever their number.

    Raises ``RegenError`` for a range that names nothing.
    """
    args = [] if max_count is None else [f"--max-count={max_count}"]
    try:
        yield from _log(repo, [*args, "--end-of-options", span or "HEAD", "--"])
    except GitError as error:
        hint = "give a revision or a range A..B that exists"
        raise RegenError(f"cannot read the commits of '{span or 'HEAD'}'", hint=hint) from error


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


def _log(repo: Repository, args: Sequence[str], stdin: bytes = b"") -> Iterator[Told]:
    """Run ``git log`` and yield commits as it prints them. Raises ``GitError``, after the last one."""
    argv = ["git", "log", "-z", "--encoding=UTF-8", "--no-show-signature", "--no-color"]
    argv += [f"--notes={INTENTS_REF}", f"--notes={PRIVATE_REF}", "--date=iso-strict", _FORMAT, *args]
    # Read as it comes: the first screen of a long history must not wait for its end.
    with subprocess.Popen(
        argv,
        cwd=repo.worktree or repo.git_dir,
        env=git_environment({"GIT_DIR": str(repo.git_dir)}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        said: list[bytes] = []

        def talk() -> None:
            # What git says, such as warnings of refs that do not exist yet, could fill the pipe and stop it.
            if process.stderr is not None:
                said.append(process.stderr.read())

        listener = threading.Thread(target=talk, daemon=True)
        listener.start()
        try:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                    pipe.write(stdin)
            yield from _parse(process.stdout)
        except GeneratorExit:
            process.kill()
            raise
        finally:
            process.wait()
            listener.join()
    if process.returncode:
        raise GitError(argv, process.returncode, b"", b"".join(said))


def _parse(stream: IO[bytes] | None) -> Iterator[Told]:
    """Read fields separated by NUL, which no field can hold, four to a commit."""
    fields: list[bytes] = []
    rest = b""
    while stream is not None and (chunk := stream.read1(_CHUNK)):  # type: ignore[attr-defined]
        *whole, rest = (rest + chunk).split(b"\0")
        fields += whole
        while len(fields) >= _FIELDS:
            yield _told(fields[:_FIELDS])
            del fields[:_FIELDS]
    fields.append(rest)
    if len(fields) >= _FIELDS:
        yield _told(fields[:_FIELDS])


def _told(fields: Sequence[bytes]) -> Told:
    oid, short, tree, *parents = fields[0].decode("ascii").split()
    author, committer, date = fields[1].decode("utf-8", "replace").split("\n", 2)
    return Told(
        oid,
        short,
        tree,
        tuple(parents),
        author,
        committer,
        date,
        fields[2].decode("utf-8", "replace"),
        view(fields[3]),
    )
