"""Take prompts from Claude Code's own transcripts into the ledger, onto commits that exist already.

A transcript does not say which commit a prompt led to, so it is found: a commit that the agent made itself
wins; else it is the first later commit that changes a file which the agent wrote for the prompt.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from regen_git.agents.claude import intent_id
from regen_git.agents.claude_transcripts import read_session, session_files
from regen_git.domain.intent import Agent, Binding, Intent, Prompt
from regen_git.importers.history import Counts, Orphan, existing_notes, read_past
from regen_git.importers.known import read_known, seconds_of
from regen_git.ledger.store import Ledger
from regen_git.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from regen_git.agents.transcripts import Session, Turn
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.importers.history import Past
    from regen_git.importers.known import Known
    from regen_git.ledger.codec import Record
    from regen_git.ledger.store import NoteView

__all__ = ["Slice", "import_claude", "match", "sessions_of"]

WINDOW_S = 14 * 24 * 3600
"""Seconds after which a commit is no longer taken to come from a prompt."""

NO_EDITS = "no file was written after it in its session"
NO_COMMIT = "no commit within 14 days changed a file written for it"
OUTSIDE = "the files written for it are outside this repository"
KNOWN = "already in the ledger"


@dataclass(slots=True)
class Slice:
    """What one session asked for that became one commit; ``also`` are further commits made of it."""

    session: Session
    commit: Past
    turns: list[Turn] = field(default_factory=list)
    also: list[Past] = field(default_factory=list)
    edits: set[RepoPath] = field(default_factory=set)


def import_claude(
    repo: Repository, span: str = "HEAD", *, max_count: int | None = None, dry_run: bool = False
) -> Counts:
    """Write an intent for each session and commit that belong together; all in one batch.

    The same import again adds nothing. Raises ``RegenError`` for a range that names nothing.
    """
    counts = Counts()
    tops = _worktrees(repo)
    sessions = sessions_of(tops)
    counts.sessions = len(sessions)
    starts = [seconds_of(turn.at) for session in sessions for turn in session.turns]
    if not starts:
        return counts
    past = read_past(repo, span, max_count=max_count, paths=True, since=max(1, min(starts) - 1))
    counts.looked_at = len(past)
    slices, counts.orphans = match(sessions, past, tops)
    wanted = {commit.id for piece in slices for commit in (piece.commit, *piece.also)}
    notes = existing_notes(repo, span, wanted) if wanted else {}
    known = read_known(repo, {piece.session.id for piece in slices})
    records: dict[Oid, list[Record]] = {}
    for piece in slices:
        intent = _intent(piece, notes.get(piece.commit.id), known)
        if intent is None:
            counts.skip(KNOWN)
            continue
        for commit in (piece.commit, *piece.also):
            wrote = tuple(sorted(piece.edits.intersection(commit.changed)))
            binding = Binding(intent.id, wrote=wrote, base=commit.base, result=commit.tree)
            records.setdefault(commit.id, []).extend([intent, binding])
        counts.intents += 1
        counts.prompts += len(intent.prompts)
    counts.commits = len(records)
    if records and not dry_run:
        Ledger(repo).append(records, "regen: import prompts from Claude Code's sessions")
    return counts


def sessions_of(tops: Sequence[str]) -> list[Session]:
    """Return the sessions held in these folders or below, oldest first; a prompt is in one of them only.

    A fork repeats the prompts of the session it came from; they stay with that one.
    """
    found = [session for path in session_files(tops) if (session := read_session(path)) is not None]
    real = [os.path.realpath(top) for top in tops]
    inside = [session for session in found if _relative(session.cwd, real) is not None]
    seen: set[str] = set()
    kept = []
    for session in sorted(inside, key=lambda session: (session.started, session.id)):
        turns = tuple(turn for turn in session.turns if turn.key not in seen)
        seen.update(turn.key for turn in turns)
        if turns:
            kept.append(_with_turns(session, turns))
    return kept


def match(
    sessions: Iterable[Session], past: Sequence[Past], tops: Sequence[str]
) -> tuple[list[Slice], list[Orphan]]:
    """Find the commit of each turn; return what belongs together, oldest session first, and what has none.

    A turn without edits goes with the next turn of its session that has some.
    """
    index = _Index(past)
    real = [os.path.realpath(top) for top in tops]
    slices: list[Slice] = []
    orphans: list[Orphan] = []
    for session in sessions:
        by_commit: dict[Oid, Slice] = {}
        waiting: list[Turn] = []
        for turn in session.turns:
            edits = [path for edit in turn.edits if (path := _relative(edit, real)) is not None]
            made = index.made(turn.commits)
            first = made[0] if made else index.after(seconds_of(turn.at), edits)
            waiting.append(turn)
            if first is not None:
                piece = by_commit.setdefault(first.id, Slice(session, first))
                piece.turns += waiting
                piece.also += [commit for commit in made[1:] if commit not in piece.also]
                piece.edits.update(edits)
                waiting = []
            elif turn.edits:
                orphans += _orphans(session, waiting, NO_COMMIT if edits else OUTSIDE)
                waiting = []
        orphans += _orphans(session, waiting, NO_EDITS)
        slices += by_commit.values()
    return slices, orphans


class _Index:
    """Commits by short id, and by the paths they change in the order of time."""

    def __init__(self, past: Sequence[Past]) -> None:
        self._ids = sorted((commit.id, at) for at, commit in enumerate(past))
        self._past = past
        self._by_path: dict[RepoPath, list[tuple[int, int]]] = {}
        # Newest first as given: of commits in one second the older has the higher position.
        for at, commit in enumerate(past):
            if len(commit.parents) < 2:  # noqa: PLR2004 - a merge makes no change of its own
                for path in commit.changed:
                    self._by_path.setdefault(path, []).append((commit.time, -at))
        for times in self._by_path.values():
            times.sort()

    def made(self, short: Iterable[str]) -> list[Past]:
        """Return the commits that these short ids name, in the order given; unknown ones are left out."""
        found = []
        for sha in short:
            at = bisect_left(self._ids, (sha, -1))
            if at < len(self._ids) and self._ids[at][0].startswith(sha):
                found.append(self._past[self._ids[at][1]])
        return found

    def after(self, second: int, paths: Iterable[RepoPath]) -> Past | None:
        """Return the first commit from this second on that changes one of the paths, if it is near enough."""
        nearest: tuple[int, int] | None = None
        for path in paths:
            times = self._by_path.get(path, [])
            at = bisect_left(times, (second, -len(self._past)))
            if at < len(times) and (nearest is None or times[at] < nearest):
                nearest = times[at]
        if nearest is None or nearest[0] > second + WINDOW_S:
            return None
        return self._past[-nearest[1]]


def _intent(piece: Slice, note: NoteView | None, known: Known) -> Intent | None:
    """Return the intent of a slice; ``None`` when the ledger has it, or has all its prompts already.

    Its id is the one that the hooks give a prompt that they capture.
    """
    session = piece.session
    turns = [turn for turn in piece.turns if not _is_known(turn, session, known)]
    if not turns:
        return None
    others = note.intents if note is not None else {}
    said = {prompt.text.strip() for other in others.values() for prompt in other.prompts}
    redacted = 0
    prompts = []
    for typed in (typed for turn in turns for typed in turn.prompts):
        text = redact(typed.text)
        answers = redact(typed.answers) if typed.answers else None
        if text.text.strip() in said:
            continue
        prompts.append(Prompt(text.text, at=_rfc3339(typed.at), answers=answers.text if answers else None))
        redacted += text.count + (answers.count if answers else 0)
    plans = [redact(turn.approved) for turn in turns if turn.approved]
    if not prompts and (said or not plans):
        return None
    model = next((turn.model for turn in reversed(turns) if turn.model), None)
    return Intent(
        id=intent_id(turns[0].key),
        prompts=tuple(prompts),
        origin="imported",
        author=piece.commit.author,
        agent=Agent("claude", version=session.version, model=model, session=session.id[:8]),
        approved="\n\n".join(plan.text for plan in plans) or None,
        redacted=redacted + sum(plan.count for plan in plans),
    )


def _is_known(turn: Turn, session: Session, known: Known) -> bool:
    """Return whether the ledger has an intent that begins with this prompt, or that holds it."""
    if intent_id(turn.key) in known.ids:
        return True
    # What is typed in the agent's dialogs belongs to the prompt that comes first.
    return any(
        known.has(session.id, redact(typed.text).text, seconds_of(typed.at)) for typed in turn.prompts[:1]
    )


def _worktrees(repo: Repository) -> list[str]:
    """Return the folders of all worktrees: an agent may have worked in any of them."""
    out = repo.git("worktree", "list", "--porcelain", "-z")
    named = [os.fsdecode(field_[9:]) for field_ in out.split(b"\0") if field_.startswith(b"worktree ")]
    return named or ([str(repo.worktree)] if repo.worktree else [])


def _relative(path: str, tops: Sequence[str]) -> RepoPath | None:
    """Return a path relative to the innermost folder that holds it; ``None`` if it is outside of all."""
    if not path:
        return None
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # noqa: PTH118, PTH119, PTH120 - text in, text out
    held = [top for top in tops if real == top or real.startswith(top.rstrip("/") + "/")]
    return os.path.relpath(real, max(held, key=len)).removeprefix(".") if held else None


def _orphans(session: Session, turns: Iterable[Turn], reason: str) -> list[Orphan]:
    return [Orphan(session.id[:8], typed.text, reason) for turn in turns for typed in turn.prompts]


def _with_turns(session: Session, turns: tuple[Turn, ...]) -> Session:
    return session._replace(turns=turns)


def _rfc3339(at: str) -> str | None:
    seconds = seconds_of(at)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None
