"""Give commits back the notes they lost: squashed, picked, rewritten, or made where no hook ran.

What is done: a commit gets the documents of its intents byte for byte and a binding of its own. A commit that
has an intent is left alone, and so is a revert. Doing it again changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.capture.carry import payload
from regen_git.git.commits import read_commit
from regen_git.git.history import read_span
from regen_git.git.refs import read_ref
from regen_git.git.trailers import values
from regen_git.ledger.codec import parse_note, split, union
from regen_git.ledger.links import ADOPTS
from regen_git.ledger.marks import marked_as
from regen_git.ledger.sources import Sources
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger
from regen_git.sharing.lineage import Lineage, Origin
from regen_git.sharing.mending import lines_by_hand
from regen_git.sharing.scan import read_commits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.sharing.lineage import How
    from regen_git.sharing.scan import Seen

__all__ = ["Lost", "Outcome", "Repaired", "is_revert", "repair"]

_REVERT = re.compile(r"^This reverts commit [0-9a-f]{7,64}", re.MULTILINE)
_MARK = b"---\nmark: "


@dataclass(frozen=True, slots=True)
class Repaired:
    """A commit that gets intents, how that is known, and from which commit; a trailer names none."""

    commit: Oid
    subject: str
    how: How
    ids: tuple[str, ...]
    source: Oid | None


@dataclass(frozen=True, slots=True)
class Lost:
    """A commit that names intents of which no note here knows."""

    commit: Oid
    subject: str
    ids: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """What a repair did or, dry, would do. ``unplaced``: intents only of commits that no ref has."""

    commits: int
    repaired: list[Repaired] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    unplaced: dict[str, Oid] = field(default_factory=dict)


def is_revert(message: str) -> bool:
    """Return whether git made this commit to undo another, or to undo that: it has no intent of its own."""
    return _REVERT.search(message) is not None


def repair(repo: Repository, span: str = "", *, dry_run: bool = False) -> Outcome:
    """Find the commits of a range that lost their notes, and write what is found in one commit of notes.

    Raises ``RegenError`` for a range that names nothing or crosses the edge of a shallow clone.
    """
    work = _Work(repo, span)
    work.take_named()
    work.take_copies()
    work.count_unplaced()
    if not dry_run:
        for ref, notes in ((INTENTS_REF, work.public), (PRIVATE_REF, work.private)):
            if notes:
                Ledger(repo, ref).append_raw(notes, "regen: repair")
    order = {each.id: at for at, each in enumerate(work.seen)}
    work.outcome.repaired.sort(key=lambda one: order[one.commit])
    return work.outcome


class _Work:
    """One repair: the range, oldest first, and what is to be written."""

    def __init__(self, repo: Repository, span: str) -> None:
        found = read_span(repo, span)
        self.repo = repo
        listed = "".join(f"{oid}\n" for oid in found.commits).encode("ascii")
        args = ["--no-walk=unsorted", "--stdin"]
        self.seen: list[Seen] = read_commits(repo, args, (INTENTS_REF, PRIVATE_REF), stdin=listed)
        self.sources = Sources(repo)
        self.lineage = Lineage(repo, found.tip, self.seen, self.sources)
        self.outcome = Outcome(len(self.seen))
        self.public: dict[Oid, bytes] = {}
        self.private: dict[Oid, bytes] = {}

    def take_named(self) -> None:
        """Give commits what a fetched note says of them, and what their messages name."""
        wanting: dict[Oid, list[str]] = {}
        for each in self.seen:
            if not each.have and each.id in self.sources.notes and self._take_note(each):
                continue
            missing = [one for one in each.named.ids if one not in each.have]
            if missing:
                wanting[each.id] = missing
        wanted = dict.fromkeys(one for missing in wanting.values() for one in missing)
        known = self.sources.documents(wanted) if wanted else {}
        for each in self.seen:
            missing = wanting.get(each.id, [])
            # A merge's body lists what it merged, and those commits have their own notes.
            given = [one for one in missing if one in known and self._may_get(each, one)]
            if given:
                self._give(each, Origin("trailer", each.id, tuple(given)))
            lost = tuple(one for one in missing if one not in known and one not in each.named.indented)
            if lost:
                self.outcome.lost.append(Lost(each.id, each.subject, lost))

    def _may_get(self, each: Seen, one: str) -> bool:
        if one in each.named.trailers:
            return True
        return not each.is_merge and not self._is_empty(each)

    def take_copies(self) -> None:
        """Give commits without an intent what the commits and branches they were made from have."""
        wanted = [each for each in self.seen if self._is_open(each)]
        if not wanted or not self.sources.notes:
            return
        rest: list[Seen] = []
        for each in wanted:
            origin = self.lineage.by_trees(each)
            if origin is not None:
                self._give(each, origin)
            else:
                rest.append(each)
        found = self.lineage.by_patches(rest)
        for each in rest:
            origin = found[each.id]() if each.id in found else None
            if origin is not None:
                self._give(each, origin)

    def _is_open(self, each: Seen) -> bool:
        """Return whether a commit may get what it was made from: not where any rule speaks against it."""
        return not (
            each.have
            or each.id in self.lineage.given
            or each.is_merge
            or is_revert(each.message)
            or self._is_empty(each)
            or values(each.message.encode("utf-8", "replace"), ADOPTS)
            or (each.note and marked_as(parse_note(each.note)[0]) == "human")
        )

    def _is_empty(self, each: Seen) -> bool:
        before, after = self.lineage.pair(each)
        return before == after

    def _take_note(self, each: Seen) -> bool:
        """Take over what other notes refs say of this very commit."""
        ids = self.sources.ids_of(each.id)
        if not ids:
            return False
        for blob, is_private in self.sources.notes[each.id].items():
            notes = self.private if is_private else self.public
            notes[each.id] = union(notes.get(each.id, b""), self.repo.objects.blob(blob))
        self._note(each, Origin("note", each.id, ids), ids)
        return True

    def _give(self, each: Seen, origin: Origin) -> None:
        """Prepare the notes of one commit."""
        known = self.sources.documents(origin.ids)
        if not known:
            return
        commit = read_commit(self.repo.objects, each.id)
        by_hand = {}
        if origin.is_branch:
            people = self._people(origin)
            by_hand = lines_by_hand(self.repo, commit, origin.source, origin.base, people)
        for one, found in known.items():
            raw = payload(self.repo, commit, one, found.documents, by_hand)
            notes = self.private if found.is_private else self.public
            notes[each.id] = union(notes.get(each.id, b""), raw)
        if origin.how in ("trees", "patch") and not origin.is_branch and each.id in self.public:
            self.public[each.id] = union(self.public[each.id], *self._marks(origin.source))
        self._note(each, origin, tuple(known))

    def _note(self, each: Seen, origin: Origin, ids: tuple[str, ...]) -> None:
        self.lineage.given[each.id] = self.lineage.given.get(each.id, ()) + ids
        source = None if origin.source == each.id else origin.source
        self.outcome.repaired.append(Repaired(each.id, each.subject, origin.how, ids, source))

    def _people(self, origin: Origin) -> list[Oid]:
        """Return the commits of a branch that nobody asked an agent for."""
        since = [origin.source, *([f"^{origin.base}"] if origin.base else [])]
        out = self.repo.git("rev-list", "--no-merges", *since, "--").decode("ascii").split()
        return [commit for commit in out if not self.lineage.ids_of(commit)]

    def _marks(self, source: Oid) -> list[bytes]:
        """Return what people said of who made a commit: it is as true of a copy."""
        blobs = [blob for blob, is_private in self.sources.notes.get(source, {}).items() if not is_private]
        return [raw for blob in blobs for raw in split(self.repo.objects.blob(blob)) if raw.startswith(_MARK)]

    def count_unplaced(self) -> None:
        """Find the intents that stand only on commits which no branch or tag has."""
        if not self.sources.notes:
            return
        heads = ["HEAD"] if read_ref(self.repo, "HEAD") else []
        out = self.repo.git("rev-list", "--branches", "--remotes", "--tags", *heads, "--")
        there = set(out.decode("ascii").split())
        placed = {one for ids in self.lineage.given.values() for one in ids}
        away = [commit for commit in self.sources.notes if commit not in there]
        if away:
            placed.update(
                _all(self.sources.ids_of(commit) for commit in self.sources.notes if commit in there)
            )
        for commit in away:
            for one in self.sources.ids_of(commit):
                if one not in placed:
                    self.outcome.unplaced.setdefault(one, commit)


def _all(groups: Iterable[Sequence[str]]) -> Iterable[str]:
    return (one for group in groups for one in group)
