"""Share the ledger with a remote: fetch, unite, and push what is new, where the person has agreed to that.

The remote's history and ours become the parents of one commit, so that a push is always a step forward and
nobody's tip is lost. Whoever pushed meanwhile is fetched and united, and the push tried again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from regen_git.capture.carry import pulled_notes
from regen_git.capture.flush import flush
from regen_git.capture.inbox import locked
from regen_git.capture.install import arm
from regen_git.capture.setup import fetch_ledger_of
from regen_git.errors import GitError, RegenError
from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref, update_ref
from regen_git.ledger.burying import buried_in, cut_log
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, PROVENANCE_REF, Ledger, guard
from regen_git.ledger.uniting import is_ancestor, lacking, unite
from regen_git.llm.purged import purged_in
from regen_git.llm.replies import REPLIES_REF, ReplyStore
from regen_git.sharing.publishing import Offer, agree, agreement, offer, policy
from regen_git.sharing.wire import Wire, forced, tracking_ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.sharing.remotes import Remote

__all__ = ["NOTES", "Asked", "Report", "rehearse", "sync"]

NOTES = (INTENTS_REF, PROVENANCE_REF)
"""The notes that travel. Those under ``refs/notes/private`` never do."""

Asked: TypeAlias = Literal["yes", "no", "never"] | None
"""What a person says to an offer; ``None`` when there is nobody to ask."""

_TRIES = 10
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_LOCK_PATIENCE_S = 60.0
_STALE = "purged: "


@dataclass(slots=True)
class Report:
    """What a sync did. ``failure`` says why nothing was pushed although something should have been."""

    remote: str
    url: str
    refspec_added: bool = False
    documents: int = 0
    intents: int = 0
    replies_fetched: bool = False
    copied: int = 0
    lost: list[Oid] = field(default_factory=list)
    offer: Offer | None = None
    pushed: dict[str, Oid] = field(default_factory=dict)
    tries: int = 0
    held: str = ""
    warnings: list[str] = field(default_factory=list)
    failure: RegenError | None = None


def sync(
    repo: Repository,
    remote: Remote,
    ask: Callable[[Remote, Offer, bool], Asked],
    *,
    push: bool = True,
    agreed: bool = False,
    replies: bool = False,
    patience_s: float | None = None,
) -> Report:
    """Fetch and unite, then publish. Raises ``RegenError`` when not even the fetch can be done.

    What was fetched stays, whatever becomes of the push. ``ask`` is called at most once, before anything is
    published to an address for the first time, and not where the person has ``agreed`` beforehand. With
    ``patience_s`` git asks nothing and gives up after that many seconds.
    """
    policy(repo)
    flush(repo)
    repo.data_dir.mkdir(mode=0o700, exist_ok=True)
    deadline = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        with locked(str(repo.data_dir / "sync.lock"), wait=False) as mine:
            if mine:
                work = _Sync(repo, remote, Wire(repo, remote, patience_s), replies=replies, agreed=agreed)
                work.fetch()
                if push:
                    work.publish(ask)
                return work.report
        if time.monotonic() > deadline:
            raise RegenError("another sync is running here", hint="wait for it, or end it, and try again")
        time.sleep(_FIRST_PAUSE_S)


def rehearse(repo: Repository, remote: Remote, *, replies: bool = False) -> tuple[Report, list[str]]:
    """Say what a sync would do, and which refs of the remote have something new; nothing is written.

    What would become public is judged by what was last fetched.
    """
    report = Report(remote.name, remote.url)
    refs = [*NOTES, *([REPLIES_REF] if replies else [])]
    theirs = {ref: oid for ref in refs if (oid := read_ref(repo, tracking_ref(remote.name, ref)))}
    there = Wire(repo, remote).tips(remote.name, refs)
    ours = {ref: oid for ref in NOTES if (oid := read_ref(repo, ref))}
    report.offer = offer(repo, ours, {ref: oid for ref, oid in theirs.items() if ref in there}, in_full=True)
    answer = agreement(repo, remote.push_urls)
    if answer == "no":
        report.held = _held(repo)
    news = [ref for ref, oid in there.items() if oid not in (theirs.get(ref), ours.get(ref))]
    return report, news


def _held(repo: Repository) -> str:
    if policy(repo) == "never":
        return "regen.publish is 'never'"
    return "you said 'never' for this address; 'git regen sync --yes' publishes"


class _Sync:
    """One sync under its lock."""

    def __init__(self, repo: Repository, remote: Remote, wire: Wire, *, replies: bool, agreed: bool) -> None:
        self._repo = repo
        self._remote = remote
        self._wire = wire
        self._replies = replies
        self._agreed = agreed
        self._unread: set[str] = set()
        self.report = Report(remote.name, remote.url)

    # --- the fetch half --------------------------------------------------------------------------------

    def fetch(self) -> None:
        """Bring the remote's ledger and unite it with ours."""
        repo = self._repo
        guard(repo)
        self.report.refspec_added = fetch_ledger_of(repo, self._remote.name)
        self._take()
        self._copy_named()
        arm(repo)

    def _take(self) -> None:
        """Unite what was fetched earlier, which the next fetch may forget, then what there is now."""
        self._unite(self._tracked())
        self._wire.fetch(replies=self._replies)
        self._unite(self._tracked())
        if self._replies:
            self._take_replies()
        stale = self._stale()
        if stale:
            self.report.warnings = [one for one in self.report.warnings if not one.startswith(_STALE)]
            self.report.warnings.append(
                f"{_STALE}'{self._remote.name}' still has what was purged here, and every clone of it gets "
                f"that; to replace it there: {forced(self._remote.name, stale)}"
            )

    def _stale(self) -> dict[str, Oid]:
        """Return the refs of the remote whose history has what ours has not: something was purged."""
        repo = self._repo
        found: dict[str, Oid] = {}
        for ref in (*NOTES, *([REPLIES_REF] if self._replies else [])):
            ours, theirs = read_ref(repo, ref), read_ref(repo, tracking_ref(self._remote.name, ref))
            if ours is None or theirs is None or ref in self._unread or is_ancestor(repo, theirs, ours):
                continue
            if purged_in(repo, [ours]) if ref == REPLIES_REF else buried_in(repo, [ours]):
                found[ref] = theirs
        return found

    def _tracked(self) -> dict[str, Oid]:
        names = {ref: read_ref(self._repo, tracking_ref(self._remote.name, ref)) for ref in NOTES}
        return {ref: oid for ref, oid in names.items() if oid is not None}

    def _unite(self, theirs: Mapping[str, Oid]) -> None:
        for ref, oid in theirs.items():
            message = f"regen: unite with '{self._remote.name}'"
            try:
                united = unite(self._repo, ref, oid, message)
            except GitError:
                raise
            except RegenError as error:
                self._unread.add(ref)
                warning = f"the notes '{ref}' of '{self._remote.name}' cannot be taken: {error}"
                self.report.warnings += [] if warning in self.report.warnings else [warning]
                continue
            self.report.documents += united.documents
            raws = (raw for documents in united.gained.values() for raw in documents.values())
            self.report.intents += sum(raw.startswith(b"---\nintent:") for raw in raws)
            self.report.warnings += [one for one in united.warnings if one not in self.report.warnings]
            if united.dropped:
                self._drop(ref, len(united.dropped))
        guard(self._repo)

    def _drop(self, ref: str, number: int) -> None:
        """Let go of what others have purged: nothing here is to hold the history that had it."""
        for one in (ref, tracking_ref(self._remote.name, ref)):
            cut_log(self._repo, one)
        what = "a document was" if number == 1 else f"{number} documents were"
        self.report.warnings.append(
            f"{what} purged by others and left the notes' history here, too; "
            "'git regen purge --follow' removes what is still stored of it"
        )

    def _take_replies(self) -> None:
        store = ReplyStore(self._repo)
        store.flush()
        theirs = read_ref(self._repo, tracking_ref(self._remote.name, REPLIES_REF))
        before = read_ref(self._repo, REPLIES_REF)
        if theirs is not None:
            try:
                after = store.merge(theirs)
                self.report.replies_fetched |= after != before
                if before is not None and after is not None and not is_ancestor(self._repo, before, after):
                    self._drop(REPLIES_REF, 1)
            except RegenError as error:
                self._unread.add(REPLIES_REF)
                self.report.warnings.append(f"the replies of '{self._remote.name}' cannot be taken: {error}")
        self.report.warnings += store.warnings

    def _copy_named(self) -> None:
        """Give notes to commits that only name their intents: squashed on a server, or picked elsewhere."""
        repo = self._repo
        status, out = repo.git_status(
            "rev-list",
            "--regexp-ignore-case",
            "--grep=^[ \t]*Regen-Intent:",
            "--branches",
            f"--remotes={self._remote.name}",
            *(["HEAD"] if read_ref(repo, "HEAD") else []),
            "--",
            ok=(0, 128, 129),
        )
        named = out.decode("ascii").split() if status == 0 else []
        if not named:
            return
        noted = {oid for ref in (INTENTS_REF, PRIVATE_REF) for oid in note_blobs(repo, read_ref(repo, ref))}
        found = pulled_notes(repo, [oid for oid in named if oid not in noted])
        for ref, notes in ((INTENTS_REF, found.public), (PRIVATE_REF, found.private)):
            if notes:
                Ledger(repo, ref).append_raw(notes, "regen: copy to commits that name their intents")
                self.report.copied += len(notes)
        self.report.lost = found.lost

    # --- the push half ---------------------------------------------------------------------------------

    def publish(self, ask: Callable[[Remote, Offer, bool], Asked]) -> None:
        """Push what the remote lacks, if the person agrees."""
        try:
            there = self._there()
            moves = self._moves(there)
            if not moves:
                return
            if self._is_agreed(moves, there, ask):
                self._push(moves)
        except RegenError as error:
            self.report.failure = error

    def _there(self) -> list[dict[str, Oid]]:
        """Return what stands at each address that a push goes to; what was not here yet is united."""
        found: list[dict[str, Oid]] = []
        refs = [*NOTES, *([REPLIES_REF] if self._replies else [])]
        for url in self._remote.push_urls:
            if url == self._remote.url:
                names = {ref: read_ref(self._repo, tracking_ref(self._remote.name, ref)) for ref in refs}
                found.append({ref: oid for ref, oid in names.items() if oid is not None})
            else:
                found.append(self._wire.fetch_from(url, refs))
                self._unite({ref: oid for ref, oid in found[-1].items() if ref in NOTES})
                theirs = found[-1].get(REPLIES_REF)
                if theirs is not None:
                    ReplyStore(self._repo).merge(theirs)
        return found

    def _moves(self, there: list[dict[str, Oid]]) -> dict[str, Oid]:
        """Return the refs to push: where an address lacks a document, or a reply."""
        repo = self._repo
        moves: dict[str, Oid] = {}
        stale = self._stale()
        for ref in (one for one in NOTES if one not in stale):
            ours = read_ref(repo, ref)
            if ours is not None and any(lacking(repo, ours, theirs.get(ref)) for theirs in there):
                moves[ref] = ours
        ours = read_ref(repo, REPLIES_REF) if self._replies and REPLIES_REF not in stale else None
        for theirs in there if ours is not None else []:
            known = theirs.get(REPLIES_REF)
            if ours is not None and (known is None or not is_ancestor(repo, ours, known)):
                moves[REPLIES_REF] = ours
        return moves

    def _is_agreed(
        self,
        moves: Mapping[str, Oid],
        there: list[dict[str, Oid]],
        ask: Callable[[Remote, Offer, bool], Asked],
    ) -> bool:
        repo, urls = self._repo, self._remote.push_urls
        setting, answer = policy(repo), agreement(repo, urls)
        notes = {ref: oid for ref, oid in moves.items() if ref in NOTES}
        offers = [offer(repo, notes, theirs, in_full=answer == "unasked") for theirs in there]
        self.report.offer = max(offers, key=lambda one: one.documents)
        if setting == "never" or (answer == "no" and not self._agreed):
            self.report.held = _held(repo)
            return False
        if answer == "yes":
            return True
        said = "yes" if self._agreed else ask(self._remote, self.report.offer, REPLIES_REF in moves)
        if said is None:
            raise RegenError(
                f"nothing was published to '{self._remote.name}': nobody has been asked yet",
                hint="look with 'git regen sync --dry-run', then publish with 'git regen sync --yes'; "
                "'git config regen.publish never' only fetches",
            )
        if said != "no":
            agree(repo, urls, "yes" if said == "yes" else "no")
        if said != "yes":
            self.report.held = "you said no" if said == "no" else _held(repo)
        return said == "yes"

    def _push(self, moves: dict[str, Oid]) -> None:
        pause = _FIRST_PAUSE_S
        why = ""
        for attempt in range(_TRIES):
            self.report.tries = attempt + 1
            done = self._wire.push(moves)
            if done.refused:
                raise self._refused(done.refused)
            if not done.moved:
                self.report.pushed = dict(moves)
                self._remember_replies(moves)
                return
            why = done.moved
            # Each time twice as long: who works at the same pace would meet us again.
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            self._take()
            moves = self._moves(self._there())
            if not moves:
                return
        raise RegenError(
            f"'{self._remote.name}' was moved by others {_TRIES} times while we pushed: {why}",
            hint="nothing is lost; what was fetched is united here. Sync again",
        )

    def _remember_replies(self, moves: Mapping[str, Oid]) -> None:
        """Keep what the remote has now; git does that itself for refs that every fetch brings."""
        pushed = moves.get(REPLIES_REF)
        if pushed is not None:
            name = tracking_ref(self._remote.name, REPLIES_REF)
            update_ref(self._repo, name, pushed, read_ref(self._repo, name), "regen: push")

    def _refused(self, why: str) -> RegenError:
        return RegenError(
            f"'{self._remote.name}' refuses the ledger: {why}",
            hint="nothing is lost; what was fetched is united here. Who runs the remote must allow pushes to "
            "'refs/notes/regen*'; 'git config regen.publish never' only fetches",
        )
