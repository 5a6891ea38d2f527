"""Take what git-ai recorded into the ledger, onto the commits that its notes are on.

Notes written before version 1.3.4 hold the conversations. Later ones only name them; then the prompts are in
the agent's own transcripts, on the machine of whoever held the conversation.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.agents import NAMES, load
from regen_git.agents.transcripts import Session, Turn
from regen_git.domain.ids import derived_intent_id
from regen_git.errors import RegenError
from regen_git.git.blobs import present, read_blobs
from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.importers.foreign import Piece, write_pieces
from regen_git.importers.git_ai_notes import parse_ai_note
from regen_git.importers.history import Counts, Left, read_reachable
from regen_git.importers.known import seconds_of
from regen_git.importers.matching import Found
from regen_git.importers.sessions import transcripts, worktrees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.importers.git_ai_notes import AiNote, Conversation
    from regen_git.importers.history import Past

__all__ = ["import_git_ai", "noted_commits"]

_REFS = ("refs/notes/ai", "refs/notes/remotes/origin/ai")
_TESTS = ("mock_ai", "test-agent")
_AGENTS = {
    "claude-web": "claude",
    "cursor-agent": "cursor",
    "github-copilot": "copilot",
    "github-copilot-cli": "copilot",
    "github-copilot-agent": "copilot",
    "codex-cloud": "codex",
    "continue-cli": "continue",
}
_TOKEN = re.compile(r"[0-9A-Za-z]{8}-[0-9A-Za-z-]{10,}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,30}")
_SLACK_S = 60

UNKNOWN = "note that is broken, or of another version"
NO_LINES = "no line of it comes from a conversation with an agent"
MERGE = "merge"
NO_PROMPT = "nobody typed anything in its conversations"
TESTING = "its conversation is one of git-ai's own tests"


def import_git_ai(
    repo: Repository,
    span: str = "HEAD",
    *,
    max_count: int | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Write an intent for what was said in a conversation between two commits that have lines from it.

    The same import again adds nothing. Commits that have a note and get no intent are in ``Counts.left``,
    each with its reason. ``on_progress`` is told how many notes are read, and of how many. Raises
    ``RegenError`` for a range that names nothing, and where git-ai has recorded nothing.
    """
    counts = Counts()
    tip = next((tip for ref in _REFS if (tip := read_ref(repo, ref)) is not None), None)
    if tip is None:
        hint = "in a clone: git fetch origin '+refs/notes/ai:refs/notes/ai'"
        raise RegenError("no notes of git-ai are in this repository", hint=hint)
    past, within = read_reachable(repo, span, max_count=max_count)
    counts.looked_at = len(within)
    noted = {oid: blob for oid, (_, blob) in note_blobs(repo, tip).items()}
    tops = worktrees(repo)
    weaving = _Weaving(_Local(tops), counts)
    reasons: dict[Oid, str] = {}
    # Oldest first: what was said before the older of two commits belongs to that one.
    todo = [commit for commit in reversed(past) if commit.id in noted]
    for number, (commit, note) in enumerate(_notes(repo, todo, noted), 1):
        reason = UNKNOWN if note is None else weaving.take(commit, note)
        if reason:
            reasons[commit.id] = reason
        if on_progress is not None:
            on_progress(number, len(todo))
    counts.sessions = len(weaving.owners)
    done = write_pieces(
        repo, span, weaving.pieces, within, counts, tops=tops, source="git-ai's notes", dry_run=dry_run
    )
    for commit in past:
        if commit.id in within and commit.id in noted and commit.id not in done:
            counts.skip(reasons.get(commit.id, NO_PROMPT))
            counts.left.append(Left(commit.id, reasons.get(commit.id, NO_PROMPT)))
    return counts


def noted_commits(repo: Repository) -> set[Oid]:
    """Return the commits that have a note of git-ai; empty where it has recorded nothing."""
    tip = next((tip for ref in _REFS if (tip := read_ref(repo, ref)) is not None), None)
    return set(note_blobs(repo, tip)) if tip is not None else set()


def _notes(
    repo: Repository, commits: Sequence[Past], noted: dict[Oid, Oid]
) -> Iterator[tuple[Past, AiNote | None]]:
    """Yield each commit with its note; one note is in memory at a time."""
    here = present(repo, [noted[commit.id] for commit in commits])
    there = [commit for commit in commits if noted[commit.id] in here]
    for commit, (_, raw) in zip(there, read_blobs(repo, [noted[c.id] for c in there]), strict=True):
        yield commit, parse_ai_note(raw)


@dataclass(slots=True)
class _Weaving:
    """Conversations over the commits that have lines from them; ``owners`` says which piece has a prompt."""

    local: _Local
    counts: Counts
    pieces: list[Piece] = field(default_factory=list)
    owners: dict[tuple[str, str], dict[bytes, Piece]] = field(default_factory=dict)

    def take(self, commit: Past, note: AiNote) -> str:
        """Take one commit's note; return why nothing came of it, or nothing."""
        if len(commit.parents) > 1:
            # The commits that it brings together have notes of their own.
            return MERGE
        reason = NO_LINES
        has_any = False
        for one, paths in note.wrote.items():
            wrote = set(paths).intersection(commit.changed)
            if not wrote:
                continue
            if one.tool in _TESTS:
                reason = TESTING
                continue
            turns = _spoken_turns(one) if one.spoken is not None else self.local.turns(one, commit)
            if turns is None:
                # The name comes from a note that anybody may have written.
                who = one.tool if _NAME.fullmatch(one.tool) else "its agent"
                reason = f"what was said to {who} is neither in the note nor on this machine"
                continue
            piece = self._piece(one, turns)
            if piece is None:
                reason = NO_PROMPT
                continue
            has_any = True
            piece.add(commit, wrote)
            hand = {path: lines for path, lines in note.hand.items() if path in wrote}
            if hand:
                piece.hand[commit.id] = hand
        return "" if has_any else reason

    def _piece(self, one: Conversation, turns: Sequence[Turn]) -> Piece | None:
        """Return what this note adds to the conversation, or what it had said last; ``None`` for no words."""
        owner = self.owners.setdefault((one.tool, one.id), {})
        marks = [_mark(turn) for turn in turns]
        fresh = [(turn, mark) for turn, mark in zip(turns, marks, strict=True) if mark not in owner]
        if not fresh:
            return owner[marks[-1]] if marks else None
        agent = _AGENTS.get(one.tool, one.tool)
        said = [mark.hex() for _, mark in fresh]
        piece = Piece(
            Found(agent, Session(one.id, "", None, "", ())),
            turns=[turn for turn, _ in fresh],
            id=derived_intent_id("git-ai", one.tool, one.id, *said),
        )
        self.pieces.append(piece)
        owner.update((mark, piece) for _, mark in fresh)
        return piece


class _Local:
    """The transcripts on this machine, by the ids of their conversations; each is read when asked for."""

    def __init__(self, tops: Sequence[str]) -> None:
        self._paths: dict[str, dict[str, str]] = {}
        for name in NAMES:
            paths = self._paths.setdefault(name, {})
            for path in transcripts(name, tops):
                for token in (*_TOKEN.findall(Path(path).stem), Path(path).stem, Path(path).parent.name):
                    paths.setdefault(token, path)
                    paths.setdefault(token[-36:], path)
                    for tool in (name, *(tool for tool, ours in _AGENTS.items() if ours == name)):
                        paths.setdefault(_short(tool, token[-36:]), path)

    def turns(self, one: Conversation, commit: Past) -> list[Turn] | None:
        """Return the turns that began before the commit was made; ``None`` if none of it is here."""
        name = _AGENTS.get(one.tool, one.tool)
        path = self._paths.get(name, {}).get(one.id)
        session = _read(name, path) if path is not None else None
        if session is None:
            return None
        last = (commit.authored or commit.time) + _SLACK_S
        said = (turn for turn in session.turns if turn.prompts or turn.approved)
        return [turn for turn in said if seconds_of(turn.at) <= last]


@lru_cache(maxsize=64)
def _read(name: str, path: str) -> Session | None:
    try:
        return load(name).read_session(path)
    except OSError:
        return None


def _short(tool: str, conversation: str) -> str:
    """Return the id that git-ai gives a conversation."""
    return "s_" + hashlib.sha256(f"{tool}:{conversation}".encode()).hexdigest()[:14]


def _spoken_turns(one: Conversation) -> list[Turn]:
    return [
        Turn(
            key=_mark_of(spoken.typed.at, spoken.typed.text or spoken.plan or "").hex(),
            prompts=(spoken.typed,) if spoken.typed.text else (),
            at=spoken.typed.at,
            ended="",
            model=one.model,
            approved=spoken.plan,
        )
        for spoken in one.spoken or ()
    ]


def _mark(turn: Turn) -> bytes:
    words = turn.prompts[0].text if turn.prompts else turn.approved or ""
    return _mark_of(turn.at, words)


def _mark_of(at: str, words: str) -> bytes:
    return hashlib.sha256(f"{at}\0{words}".encode("utf-8", "surrogatepass")).digest()[:16]
