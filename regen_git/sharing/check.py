"""Judge a range before it is taken in: does every commit that names an intent have its payload?

Notes count wherever they are, fetched ones too, so that a fresh clone needs one fetch and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from regen_git.agents.evidence import Evidence, evidence_of
from regen_git.errors import RegenError
from regen_git.git.history import read_span
from regen_git.git.trailers import values
from regen_git.ledger.links import ADOPTS
from regen_git.ledger.marks import mark_of
from regen_git.ledger.sources import Sources, fetched_refs
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, view
from regen_git.sharing.repair import is_revert
from regen_git.sharing.scan import read_commits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.history import Span
    from regen_git.git.repository import Repository
    from regen_git.ledger.store import NoteView
    from regen_git.sharing.scan import Seen

__all__ = ["STATES", "Problem", "Standing", "Verdict", "check", "default_span"]

Kind = Literal["missing", "unknown", "malformed", "unrecorded", "broken", "conflict", "prose", "buried"]
"""``missing``: another note has the intent. ``unknown``: no note has it. ``malformed``: no id at all.
``unrecorded``: an agent's commit without an intent. ``broken``: a document that cannot be read. ``conflict``:
two documents claim one revision. ``prose``: words about a trailer. ``buried``: an indented line with an id
that nobody knows."""

_FATAL = ("missing", "unknown", "malformed", "unrecorded")
_LOSSES = ("missing", "unknown", "malformed")
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a commit, or only worth a look; ``intent`` is empty for none."""

    commit: Oid
    subject: str
    kind: Kind
    text: str
    intent: str = ""

    @property
    def is_fatal(self) -> bool:
        """Whether the range is refused for it."""
        return self.kind in _FATAL


State = Literal["intent", "lost", "unrecorded", "human", "passed"]
"""``intent``: what was asked is there. ``lost``: the commit names an intent, and what was asked is not there.
``unrecorded``: an agent's work without an intent. ``human``: a person's. ``passed``: a merge, a revert or an
adopted tree, which have no intent of their own."""

STATES: tuple[State, ...] = ("intent", "lost", "unrecorded", "human", "passed")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one commit stands, and what says so; ``intents`` are those that its notes hold."""

    commit: Oid
    subject: str
    state: State
    reason: str
    intents: tuple[str, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What was looked at and what was found, the oldest commit first."""

    span: str
    commits: int = 0
    with_intent: int = 0
    problems: list[Problem] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)

    @property
    def counts(self) -> dict[State, int]:
        """How many commits stand where."""
        return {state: sum(each.state == state for each in self.standings) for state in STATES}

    @property
    def is_good(self) -> bool:
        """Whether the range may pass."""
        return not any(problem.is_fatal for problem in self.problems)

    @property
    def lacks_notes(self) -> bool:
        """Whether payload is missing that another repository may have."""
        return any(problem.kind == "unknown" for problem in self.problems)


def default_span(repo: Repository) -> str:
    """Return what this branch adds to its upstream, else to the remote's own branch, else everything."""
    for base in ("@{upstream}", "refs/remotes/origin/HEAD"):
        if repo.git_status("rev-parse", "--verify", "--quiet", f"{base}^{{commit}}", ok=(0, 1, 128))[0] == 0:
            return f"{base}..HEAD"
    return "HEAD"


def check(repo: Repository, span: str = "", *, require: bool = False) -> Verdict:
    """Check a range; with ``require`` also that every commit of an agent has an intent. An empty one passes.

    Raises ``RegenError`` for a range that names nothing or crosses the edge of a shallow clone.
    """
    span = span or default_span(repo)
    found = _read(repo, span)
    verdict = Verdict(span, len(found.commits))
    if not found.commits:
        return verdict
    listed = "".join(f"{oid}\n" for oid in found.commits).encode("ascii")
    refs = (INTENTS_REF, PRIVATE_REF, *fetched_refs(repo))
    seen = read_commits(repo, ["--no-walk=unsorted", "--stdin"], refs, stdin=listed)
    sources = Sources(repo, with_lost=False)
    for each in seen:
        note = view(each.note)
        problems = _judge(each, note, sources, require=require)
        verdict.with_intent += bool(each.have)
        verdict.problems += problems
        verdict.standings.append(_stands(each, note, problems))
    return verdict


def _read(repo: Repository, span: str) -> Span:
    """Read the range. A failure in a shallow clone says how those who set up its checkout avoid it."""
    try:
        return read_span(repo, span, may_be_empty=True)
    except RegenError as error:
        if not (repo.common_dir / "shallow").exists():
            raise
        raise RegenError(
            f"{error}, in a clone without its whole history",
            hint="check out with 'fetch-depth: 0' on GitHub, 'GIT_DEPTH: 0' on GitLab; "
            "or 'git fetch --unshallow' first",
        ) from error


def _stands(each: Seen, note: NoteView, problems: Sequence[Problem]) -> Standing:
    """Say where a commit stands. What was lost comes before what is there."""
    lost = [problem for problem in problems if problem.kind in _LOSSES]
    state: State
    if lost:
        state, reason = "lost", lost[0].text
    elif each.have:
        names = ", ".join(each.have[:_NAMED])
        state, reason = "intent", names + (" …" if len(each.have) > _NAMED else "")
    elif reason := _passes(each):
        state = "passed"
    else:
        found = _maker(each, note)
        state = "unrecorded" if found.maker == "agent" else "human"
        reason = found.reason
    return Standing(each.id, each.subject, state, reason, each.have)


def _judge(each: Seen, note: NoteView, sources: Sources, *, require: bool) -> list[Problem]:

    def problem(kind: Kind, text: str, intent: str = "") -> Problem:
        return Problem(each.id, each.subject, kind, text, intent)

    found = [problem("broken", warning) for warning in note.warnings]
    for clash in note.conflicts:
        found += [problem("conflict", f"two documents claim the same revision of intent {clash}", clash)]
    for one in each.named.ids:
        if one in note.intents or (one in each.have and not note.warnings):
            # It is there, or there as a later version wrote it.
            continue
        found += [problem(kind, text, one) for kind, text in _absent(each, one, sources)]
    for value in each.named.malformed:
        found += [problem("malformed", f"its trailer says '{value[:40]}', which is no intent id")]
    for line in each.named.prose:
        found += [problem("prose", f"only speaks of a trailer, so it names nothing: '{line[:80]}'")]
    if require and not note.intents and (why := _agents_work(each, note)):
        found += [problem("unrecorded", f"an agent made it, and no prompt is recorded: {why}")]
    return found


def _absent(each: Seen, one: str, sources: Sources) -> Iterator[tuple[Kind, str]]:
    """Say what it means that a commit names an intent which its notes do not hold."""
    if one in each.have:
        yield "missing", f"what its note holds of intent {one} cannot be read"
    elif one in sources.by_id:
        # A merge's message lists what it merged, and those commits have their own notes.
        if not each.is_merge:
            yield "missing", f"its note does not hold intent {one}, which another note has"
    elif one in each.named.indented:
        yield "buried", f"an indented line names {one}, which no note knows"
    else:
        yield "unknown", f"it names intent {one}, which no note here has"


def _agents_work(each: Seen, note: NoteView) -> str:
    """Return why we think that an agent made a commit; empty where nothing says so, or somebody marked it."""
    if _passes(each):
        return ""
    found = _maker(each, note)
    return found.reason if found.maker == "agent" else ""


def _passes(each: Seen) -> str:
    """Return why a commit needs no intent of its own; empty for one that does."""
    if each.is_merge:
        return "a merge"
    if is_revert(each.message):
        return "a revert"
    return "an adopted tree" if values(each.message.encode("utf-8", "replace"), ADOPTS) else ""


def _maker(each: Seen, note: NoteView) -> Evidence:
    """Return who made a commit: what somebody marked, else what message and names tell."""
    mark = mark_of(note.documents)
    if mark is not None:
        return Evidence("agent" if mark.maker == "agent" else "person", str(mark))
    return evidence_of(each.message, each.author.rpartition(">")[0] + ">", each.committer)
