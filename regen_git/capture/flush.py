"""Make notes of what the hooks have marked: the one place where the inbox becomes the ledger.

Every step may be the last one: the notes are written first, then the inbox forgets, then the marks go. Doing
it again writes the same documents, which change nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.capture.aside import take_back
from regen_git.capture.binding import binding_of, changes_of, intent_of_group, intent_of_record, moved_to
from regen_git.capture.carry import copied_notes, has_intent, payload, pulled_notes
from regen_git.capture.clock import now, seconds
from regen_git.capture.inbox import Entry, Inbox, locked
from regen_git.capture.marks import CommitMark, Marks, anything_marked, drop_marks, take_marks
from regen_git.capture.matching import choose, edits_of, is_young, read_sessions
from regen_git.capture.met import Met, remember_sessions
from regen_git.capture.pending import refresh
from regen_git.capture.place import MAIN, place_of
from regen_git.capture.preferences import read_preferences
from regen_git.capture.reflog import forward, read_new
from regen_git.capture.retiring import finished, ignored, kept, left_on_disk
from regen_git.errors import RegenError
from regen_git.git.commits import read_commit
from regen_git.git.refs import read_ref
from regen_git.ledger.codec import encode, union
from regen_git.ledger.links import named_intents
from regen_git.ledger.sources import Sources
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger, guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.capture.matching import Group, Session
    from regen_git.capture.place import Place
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.commits import Commit
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Change

__all__ = ["Flushed", "bind_to", "flush", "refresh_hooks"]

_PATIENCE_S = 5.0
"""How long to wait for another flush before leaving the work to it."""

_MOST_PULLED = 2000


@dataclass(slots=True)
class Flushed:
    """What a flush did: the intents each commit got, and pulled commits whose intents nobody knows."""

    recorded: dict[Oid, list[str]] = field(default_factory=dict)
    lost: list[Oid] = field(default_factory=list)


@dataclass(slots=True)
class _Work:
    """What a flush has in hand: the inbox as it was, and what is to be written."""

    repo: Repository
    place: Place
    entries: list[Entry]
    public: dict[Oid, bytes] = field(default_factory=dict)
    private: dict[Oid, bytes] = field(default_factory=dict)
    news: list[Entry] = field(default_factory=list)
    done: Flushed = field(default_factory=Flushed)

    def add(self, commit: Oid, raw: bytes, *, private: bool = False) -> None:
        notes = self.private if private else self.public
        notes[commit] = union(notes.get(commit, b""), raw)


def flush(repo: Repository) -> Flushed:
    """Write the notes of all commits that hooks have marked or that HEAD's reflog shows, and tidy the inbox.

    Costs next to nothing when there is nothing to do. Raises ``RegenError`` when notes cannot be written.
    """
    place = place_of(repo)
    take_back(place.data)
    if not Path(place.data).is_dir():
        return Flushed()
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        with locked(place.data + "/flush.lock", wait=False) as mine:
            if mine:
                return _flush(repo, place)
        if time.monotonic() > deadline:
            return Flushed()
        time.sleep(0.02)


def _flush(repo: Repository, place: Place) -> Flushed:
    _notice(place)
    entries = Inbox(place.data).read()
    if not anything_marked(place.data) and not any(entry.kind == "commit" for entry in entries):
        return Flushed()
    guard(repo)
    marks = take_marks(place.data)
    work = _Work(repo, place, entries)
    commits, waiting = _commits(marks, work.entries)
    unsure = {entry.commit: entry.text for entry in work.entries if entry.kind == "commit" and entry.text}
    for mark, hooks_ran in commits:
        try:
            commit = read_commit(repo.objects, mark.commit)
        except RegenError:
            # Gone before its note was written, for instance by a repository that was restored from a copy.
            continue
        if not hooks_ran and not _follows(commit, unsure.get(mark.commit)):
            # HEAD was moved to a commit that was there before.
            continue
        _bind(work, commit, mark, hooks_ran=hooks_ran)
    _copy_rewritten(work, marks)
    _take_pulled(work, marks)
    if work.public:
        Ledger(repo).append_raw(work.public)
    if work.private:
        Ledger(repo, PRIVATE_REF).append_raw(work.private)
    if work.public or work.private:
        Path(place.data, "armed").touch()
    _settle(work, commits, waiting)
    drop_marks(place.data, marks.size)
    return work.done


def _follows(commit: Commit, before: str | None) -> bool:
    """Return whether the commit was made where HEAD was before; a null id stands for no commit."""
    return before is None or commit.parents[:1] == ((before,) if before.strip("0") else ())


def _notice(place: Place) -> None:
    """Put commits that no hook told us of into the inbox, in the order in which they came."""
    keys = [
        MAIN,
        *(f"worktrees/{p.name}" for p in Path(place.common_dir, "worktrees").glob("*") if p.is_dir()),
    ]
    inbox = Inbox(place.data)
    for key in keys:
        moved, end = read_new(place, key)
        new = [
            Entry("commit", worktree=key, commit=one.commit, at=now(), text=one.unsure_since) for one in moved
        ]
        if new:
            inbox.append(new)
        forward(place, key, end)


def _commits(marks: Marks, entries: Sequence[Entry]) -> tuple[list[tuple[CommitMark, bool]], set[int]]:
    """Return the commits to look at, whether hooks ran for them, and the entries left for the next time."""
    found = {mark.commit: (mark, True) for mark in marks.commits}
    waiting: set[int] = set()
    present = seconds(now())
    for entry in entries:
        if entry.kind != "commit" or entry.commit in found:
            continue
        if is_young(entry, present):
            waiting.add(entry.n)
        else:
            found[entry.commit] = (CommitMark(entry.commit, entry.worktree, entry.n, entry.session), False)
    return list(found.values()), waiting


def _bind(work: _Work, commit: Commit, mark: CommitMark, *, hooks_ran: bool) -> None:
    """Prepare the documents of one commit: what its message names, or what missing hooks would name."""
    trailers, buried = named_intents(commit.message)
    ids = [*trailers, *mark.ids]
    changed = changes_of(work.repo, commit)
    if not ids and not buried and not hooks_ran and len(commit.parents) < 2:  # noqa: PLR2004 - a merge has two
        left = edits_of(work.entries, mark.worktree, mark.upto)
        paths = {*changed, *(path for path in left if moved_to(changed, [path], left))}
        chosen = choose(work.entries, mark.worktree, paths, upto=mark.upto, session=mark.session)
        ids = [group.id for group in chosen.groups] + [entry.id for entry in chosen.records]
    ours = _bind_ours(work, commit, mark, ids, changed)
    foreign = [one for one in dict.fromkeys([*buried, *ids]) if one not in ours]
    for ref in (INTENTS_REF, PRIVATE_REF):
        foreign = [one for one in foreign if not has_intent(work.repo, commit.id, one, ref)]
    known = Sources(work.repo, with_lost=False).documents(foreign) if foreign else {}
    for one, found in known.items():
        raw = payload(work.repo, commit, one, found.documents)
        work.add(commit.id, raw, private=found.is_private)
        ours.append(one)
    if ours:
        work.done.recorded[commit.id] = ours
    work.news += finished(work.entries, mark, changed, left_on_disk(work.repo, work.place, mark, changed))


def _bind_ours(
    work: _Work, commit: Commit, mark: CommitMark, ids: Sequence[str], changed: Mapping[RepoPath, Change]
) -> list[str]:
    """Add documents for the ids that are in the inbox; return these ids."""
    agents = edits_of(work.entries, mark.worktree, mark.upto)
    sessions = {(s.agent, s.name): s for s in read_sessions(work.entries, mark.upto)}
    groups: dict[str, list[tuple[Group, Session]]] = {}
    for session in sessions.values():
        for group in session.groups:
            groups.setdefault(group.id, []).append((group, session))
    bound = {e.id: e for e in work.entries if e.kind == "bound"}
    records = {e.id: e for e in work.entries if e.kind == "record"}
    ours: list[str] = []
    for one in dict.fromkeys(ids):
        if one and one in groups:
            known = bound.get(one)
            raw = known.intent if known else _intent_of(groups[one], commit)
            # Forks of a session have the prompt in common, and files of their own.
            turns = [turn for group, _ in groups[one] for turn in group.turns]
            wrote = [p for turn in turns for w, p in turn.edits if w == mark.worktree]
            moved = moved_to(changed, wrote, agents)
            binding = binding_of(work.repo, one, commit, [*wrote, *moved], {**agents, **moved})
            work.add(commit.id, raw.encode() + encode(binding))
            for group, session in groups[one]:
                work.news += _bound(group, session, mark, raw)
        elif one in records:
            _bind_record(work, commit, records[one])
        else:
            continue
        ours.append(one)
    return ours


def _intent_of(groups: Sequence[tuple[Group, Session]], commit: Commit) -> str:
    """Return the document of an intent as the session has it that has most of it."""
    group, session = max(groups, key=lambda one: len(one[0].prompts))
    return encode(intent_of_group(group, session, commit.author_name)).decode()


def _bound(group: Group, session: Session, mark: CommitMark, raw: str) -> list[Entry]:
    turns = tuple(turn.key for turn in group.turns)
    base = Entry("bound", agent=group.agent, session=group.session, at=now())
    news = [base._replace(worktree=mark.worktree, id=group.id, turns=turns, commit=mark.commit, intent=raw)]
    if session.reports_edits:
        news.append(Entry("session", agent=group.agent, session=group.session, label="edits"))
    return news


def _bind_record(work: _Work, commit: Commit, entry: Entry) -> None:
    raw = encode(intent_of_record(entry, commit.author_name))
    binding = binding_of(work.repo, entry.id, commit, (), {})
    work.add(commit.id, raw + encode(binding), private=entry.private)
    work.news.append(
        Entry("bound", id=entry.id, commit=commit.id, intent=raw.decode(), private=entry.private, at=now())
    )


def _copy_rewritten(work: _Work, marks: Marks) -> None:
    for ref, notes in ((INTENTS_REF, work.public), (PRIVATE_REF, work.private)):
        for oid, raw in copied_notes(work.repo, marks.rewrites, ref).items():
            notes[oid] = union(notes.get(oid, b""), raw)


def _take_pulled(work: _Work, marks: Marks) -> None:
    """Take over what fetched notes say of commits that a merge brought in."""
    for key in marks.merges:
        if work.place.key != key:
            continue
        before, after = read_ref(work.repo, "ORIG_HEAD"), read_ref(work.repo, "HEAD")
        if before is None or after is None:
            continue
        out = work.repo.git("rev-list", f"--max-count={_MOST_PULLED}", after, f"^{before}", "--", ok=(0, 128))
        pulled = pulled_notes(work.repo, out.decode("ascii").split())
        for oid, raw in pulled.public.items():
            work.add(oid, raw)
        for oid, raw in pulled.private.items():
            work.add(oid, raw, private=True)
        work.done.lost += pulled.lost


def _settle(work: _Work, commits: Sequence[tuple[CommitMark, bool]], waiting: set[int]) -> None:
    """Write down what is bound, let go what is finished, and tell the hooks."""
    inbox = Inbox(work.place.data)
    settings = read_preferences(work.place)
    bound = {(entry.agent, entry.session) for entry in work.news if entry.kind == "bound"}
    met = [one for one in read_sessions(work.entries) if one.transcript and (one.agent, one.name) in bound]
    if met:
        remember_sessions(work.place.data, [Met(one.agent, one.name, one.transcript) for one in met])
    handled = {mark.commit for mark, _ in commits}
    with inbox.hold():
        entries = inbox.read()
        entries = inbox.add(work.news, entries)
        entries = inbox.add(ignored(work.repo, work.place, entries, settled=not waiting), entries)
        stay = [e for e in kept(entries) if e.kind != "commit" or e.n in waiting or e.commit not in handled]
        stay = _confirmed(work.repo, entries, stay)
        if len(stay) < len([e for e in entries if e.kind != "head"]):
            inbox.rewrite(stay)
            entries = inbox.read()
        refresh(work.place.data, entries, settings)


def _confirmed(repo: Repository, entries: Sequence[Entry], stay: list[Entry]) -> list[Entry]:
    """Before anything leaves the inbox: see that its document stands under the notes' present tip.

    Git's own writers of notes can undo ours when both write at once; then the document is written again.
    """
    leaving = {e.n for e in entries} - {e.n for e in stay}
    for entry in entries:
        if entry.n in leaving and entry.kind == "bound":
            ledger = Ledger(repo, PRIVATE_REF if entry.private else INTENTS_REF)
            ledger.append_raw({entry.commit: entry.intent.encode()}, "regen: record again")
    return stay


def bind_to(repo: Repository, entry: Entry, commit: Oid) -> None:
    """Bind what was recorded by hand to a commit that exists, at once; nothing passes through the inbox."""
    place = place_of(repo)
    work = _Work(repo, place, [])
    _bind_record(work, read_commit(repo.objects, commit), entry)
    ledger = Ledger(repo, PRIVATE_REF if entry.private else INTENTS_REF)
    ledger.append_raw(work.private if entry.private else work.public)


def refresh_hooks(repo: Repository) -> None:
    """Let the hooks know of settings that have changed; nothing is recorded by it."""
    place = place_of(repo)
    if not Path(place.data).is_dir():
        return
    settings = read_preferences(place)
    inbox = Inbox(place.data)
    with inbox.hold():
        refresh(place.data, inbox.read(), settings)
