"""Take what Entire recorded into the ledger, onto the commits whose messages name its checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from regen_git.domain.ids import derived_intent_id
from regen_git.errors import RegenError
from regen_git.git.blobs import present, read_blobs
from regen_git.importers.entire_prompts import NO_PROMPT, Thread
from regen_git.importers.entire_store import named_in, read_checkpoints
from regen_git.importers.foreign import Piece, write_pieces
from regen_git.importers.history import Counts, Left, Orphan, read_reachable
from regen_git.importers.known import seconds_of
from regen_git.importers.matching import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from regen_git.agents.transcripts import Turn
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.importers.entire_prompts import Told
    from regen_git.importers.entire_store import Recorded
    from regen_git.importers.history import Past

__all__ = ["import_entire"]

NOT_NAMED = "no commit names its checkpoint"
NOT_HERE = "its checkpoint is not in this repository"
OTHER_FILES = "its session wrote other files than its commit has, which another session wrote"
NOT_TYPED = "text that nobody typed"
_LONGEST_TEXT = 64 << 20


def import_entire(
    repo: Repository,
    span: str = "HEAD",
    *,
    max_count: int | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Write an intent for what each checkpoint adds to a session, onto the commits that name the checkpoint.

    The same import again adds nothing. Commits that name a checkpoint and get no intent are in
    ``Counts.left``, each with its reason. ``on_progress`` is told how many transcripts are read, and of how
    many. Raises ``RegenError`` for a range that names nothing, and where Entire has recorded nothing.
    """
    counts = Counts()
    checkpoints = read_checkpoints(repo)
    past, within = read_reachable(repo, span, max_count=max_count)
    counts.looked_at = len(within)
    naming: dict[str, list[Past]] = {}
    for commit in past:
        for one in named_in(commit.message):
            naming.setdefault(one, []).append(commit)
    if not checkpoints:
        hint = "in a clone: git fetch origin '+refs/heads/entire/*:refs/remotes/origin/entire/*' "
        hint += "'+refs/entire/checkpoints/*:refs/entire/checkpoints/*'"
        raise RegenError("no checkpoints of Entire are in this repository", hint=hint)
    # What else a session became decides what is left for a commit; other sessions are not even read.
    threads = _threads(checkpoints, naming, counts)
    counts.sessions = len(threads)
    told = _read(repo, [record for thread in threads for record in thread], counts, on_progress)
    pieces: list[Piece] = []
    reasons: dict[Oid, dict[str, None]] = {}
    for _, some in groupby(told, key=lambda one: one.record.session):
        pieces += _Weaving(naming, reasons).pieces(list(some))
    _without_strangers(pieces, counts)
    done = write_pieces(
        repo, span, pieces, within, counts, tops=(), source="Entire's checkpoints", dry_run=dry_run
    )
    _tell_left(past, within, done, checkpoints, reasons, counts=counts)
    return counts


def _threads(
    checkpoints: dict[str, list[Recorded]], naming: dict[str, list[Past]], counts: Counts
) -> list[list[Recorded]]:
    """Return the sessions that led to commits, each as its checkpoints in order; the rest are orphans."""
    sessions: dict[str, list[Recorded]] = {}
    for records in checkpoints.values():
        for record in records:
            sessions.setdefault(record.session, []).append(record)
            if record.checkpoint not in naming:
                counts.orphans.append(
                    Orphan(record.session[:8], f"checkpoint {record.checkpoint}", NOT_NAMED)
                )
    kept = [some for some in sessions.values() if any(record.checkpoint in naming for record in some)]
    for some in kept:
        some.sort(key=lambda record: (record.created, record.checkpoint, record.number))
    return sorted(kept, key=lambda some: (some[0].created, some[0].session))


def _read(
    repo: Repository,
    records: Sequence[Recorded],
    counts: Counts,
    on_progress: Callable[[int, int], None] | None,
) -> Iterator[Told]:
    """Yield what each record tells; one transcript is in memory at a time."""
    transcripts = [blob for record in records for blob in record.transcript]
    texts = [blob for r in records for blob in (r.prompts, r.outline, r.compact) if blob]
    here = present(repo, [*transcripts, *texts])
    whole = {id(record) for record in records if record.transcript and here.issuperset(record.transcript)}
    blobs = read_blobs(repo, [blob for r in records if id(r) in whole for blob in r.transcript])

    def small(blob: Oid | None) -> str:
        raw = repo.objects.short_blob(blob, _LONGEST_TEXT) if blob is not None and blob in here else None
        return (raw or b"").decode("utf-8", "replace")

    with TemporaryDirectory(prefix="git-regen-") as folder:
        thread = Thread(folder)
        session = ""
        for number, record in enumerate(records, 1):
            if record.session != session:
                session, thread = record.session, Thread(folder)
            data = None
            if id(record) in whole:
                data = b"\n".join(next(blobs)[1].removesuffix(b"\n") for _ in record.transcript) + b"\n"
            told = thread.take(record, data, small)
            if told.dropped:
                counts.skip(NOT_TYPED, told.dropped)
            yield told
            if on_progress is not None:
                on_progress(number, len(records))


@dataclass(slots=True)
class _Weaving:
    """One session: which part of it made which commit. Commits may share a part, and have several."""

    naming: dict[str, list[Past]]
    reasons: dict[Oid, dict[str, None]]
    made: list[Piece] = field(default_factory=list)

    def pieces(self, thread: Sequence[Told]) -> list[Piece]:
        """Return the pieces of a session, oldest first; some have no commit."""
        self._settle(thread)
        for told in thread:
            earlier = list(self.made)
            piece = self._piece(told)
            if piece is not None:
                self.made.append(piece)
            for commit in self.naming.get(told.record.checkpoint, ()):
                if not self._bind(commit, told, piece, earlier):
                    self.reasons.setdefault(commit.id, {})[told.reason or NO_PROMPT] = None
        return self.made

    def _settle(self, thread: Sequence[Told]) -> None:
        """Give turns to the checkpoint that was made in the middle of them.

        A transcript is copied as it was when the agent last stopped: what was typed since then, and led to
        the commit, stands only in the next copy.
        """
        for number, told in enumerate(thread):
            for turn in told.fresh:
                second = seconds_of(turn.at)
                for older in thread[:number]:
                    commits = self.naming.get(older.record.checkpoint, ())
                    is_before = second and second <= older.record.created
                    if is_before and any(_written([turn], commit.changed) for commit in commits):
                        older.fresh, older.reason = (*older.fresh, turn), ""
                        told.fresh = tuple(one for one in told.fresh if one is not turn)
                        told.reason = told.reason or ("" if told.fresh else NO_PROMPT)
                        break

    def _piece(self, told: Told) -> Piece | None:
        if not told.fresh:
            return None
        record = told.record
        # A session can be there twice, as it was at two times.
        one = derived_intent_id("entire", record.checkpoint, record.session, str(record.number))
        return Piece(Found(told.agent, told.session), turns=list(told.fresh), id=one)

    def _bind(self, commit: Past, told: Told, piece: Piece | None, earlier: Sequence[Piece]) -> bool:
        """Say what made this commit; return whether anything did."""
        touched = set(told.record.files).intersection(commit.changed)
        if piece is not None and not touched:
            touched = _edits(piece, commit.changed)
        if piece is None:
            # Its turn began before the commit before, which the agent made in the middle of it.
            if told.reason != NO_PROMPT or not earlier:
                return False
            earlier[-1].add(commit, touched)
            return True
        rest = touched - _edits(piece, touched)
        for older in reversed(earlier):
            # Written for an earlier prompt, and left out of the commit that this led to.
            late = _edits(older, rest).difference(*(one.changed for one in older.commits.values()))
            if late:
                older.add(commit, late)
                rest -= late
        own = _edits(piece, touched) | rest
        piece.add(commit, own or touched)
        return True


def _without_strangers(pieces: Sequence[Piece], counts: Counts) -> None:
    """Take commits from sessions that were only open meanwhile: what others wrote is in them, not theirs."""
    explained = {oid for piece in pieces for oid, wrote in piece.wrote.items() if wrote}
    for piece in pieces:
        strange = [
            oid for oid, wrote in piece.wrote.items() if not wrote and oid in explained and _has_edits(piece)
        ]
        for oid in strange:
            del piece.commits[oid], piece.wrote[oid]
        if strange and not piece.commits:
            session = piece.found.session.id[:8]
            said = (typed.text for turn in piece.turns for typed in turn.prompts)
            counts.orphans += [Orphan(session, text, OTHER_FILES) for text in said]


def _has_edits(piece: Piece) -> bool:
    return any(turn.edits for turn in piece.turns)


def _edits(piece: Piece, paths: Iterable[RepoPath]) -> set[RepoPath]:
    """Return which of the paths a piece wrote; where the repository lay on its machine is unknown."""
    return _written(piece.turns, paths)


def _written(turns: Iterable[Turn], paths: Iterable[RepoPath]) -> set[RepoPath]:
    written = {edit for turn in turns for edit in turn.edits}
    return {path for path in paths if any(edit == path or edit.endswith("/" + path) for edit in written)}


def _tell_left(
    past: Sequence[Past],
    within: set[Oid],
    done: set[Oid],
    checkpoints: dict[str, list[Recorded]],
    reasons: dict[Oid, dict[str, None]],
    *,
    counts: Counts,
) -> None:
    """Name every commit of the range that names a checkpoint and has no intent of it."""
    for commit in past:
        named = named_in(commit.message) if commit.id in within and commit.id not in done else ()
        if not named:
            continue
        why = dict(reasons.get(commit.id, {}))
        if not any(checkpoints.get(one) for one in named):
            why = {NOT_HERE: None}
        reason = next(iter(why), NO_PROMPT)
        counts.skip(reason)
        counts.left.append(Left(commit.id, reason))
