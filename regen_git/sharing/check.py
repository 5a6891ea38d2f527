"""Judge a range before it is taken in: does every commit that names an intent have its payload?

Notes count wherever they are, fetched ones too, so that a fresh clone needs one fetch and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from regen_git.agents.evidence import evidence_of
from regen_git.git.history import read_span
from regen_git.git.trailers import values
from regen_git.ledger.links import ADOPTS
from regen_git.ledger.marks import mark_of
from regen_git.ledger.sources import Sources, fetched_refs
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, view
from regen_git.sharing.repair import is_revert
from regen_git.sharing.scan import read_commits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.store import NoteView
    from regen_git.sharing.scan import Seen

__all__ = ["Problem", "Verdict", "check", "default_span"]

Kind = Literal["missing", "unknown", "malformed", "unrecorded", "broken", "conflict", "prose", "buried"]
"""``missing``: another note has the intent. ``unknown``: no note has it. ``malformed``: no id at all.
``unrecorded``: an agent's commit without an intent. ``broken``: a document that cannot be read. ``conflict``:
two documents claim one revision. ``prose``: words about a trailer. ``buried``: an indented line with an id
that nobody knows."""

_FATAL = ("missing", "unknown", "malformed", "unrecorded")


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


@dataclass(slots=True)
class Verdict:
    """What was looked at and what was found, the oldest commit first."""

    span: str
    commits: int = 0
    with_intent: int = 0
    problems: list[Problem] = field(default_factory=list)

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
    found = read_span(repo, span, may_be_empty=True)
    verdict = Verdict(span, len(found.commits))
    if not found.commits:
        return verdict
    listed = "".join(f"{oid}\n" for oid in found.commits).encode("ascii")
    refs = (INTENTS_REF, PRIVATE_REF, *fetched_refs(repo))
    seen = read_commits(repo, ["--no-walk=unsorted", "--stdin"], refs, stdin=listed)
    sources = Sources(repo, with_lost=False)
    for each in seen:
        verdict.with_intent += bool(each.have)
        verdict.problems += _judge(each, sources, require=require)
    return verdict


def _judge(each: Seen, sources: Sources, *, require: bool) -> list[Problem]:
    note = view(each.note)

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
    if each.is_merge or is_revert(each.message) or values(each.message.encode("utf-8", "replace"), ADOPTS):
        return ""
    mark = mark_of(note.documents)
    if mark is not None:
        return str(mark) if mark.maker == "agent" else ""
    author = each.author.rpartition(">")[0] + ">"
    found = evidence_of(each.message, author, each.committer)
    return found.reason if found.maker == "agent" else ""
