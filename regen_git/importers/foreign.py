"""Write what another tool recorded: one intent for each part of a conversation, with all its bindings.

Ids come from the other tool's, so that a second import adds nothing but bindings to commits that are new.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.domain.intent import Binding, Intent, Part
from regen_git.importers.history import existing_notes
from regen_git.importers.known import read_known
from regen_git.importers.matching import Slice
from regen_git.importers.writing import KNOWN, Writer, is_known
from regen_git.ledger.codec import encode
from regen_git.ledger.sources import Sources
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import IntentId, Oid, RepoPath
    from regen_git.domain.intent import LineRange
    from regen_git.git.repository import Repository
    from regen_git.importers.history import Counts, Past
    from regen_git.ledger.store import NoteView

__all__ = ["Piece", "write_pieces"]


@dataclass(slots=True)
class Piece(Slice):
    """A slice with an id of its own; ``hand`` as in a binding, by commit."""

    id: IntentId = field(kw_only=True)
    hand: dict[Oid, Mapping[RepoPath, tuple[LineRange, ...]]] = field(default_factory=dict)

    def binding(self, commit: Past) -> Binding:
        """Return what this did in one of its commits."""
        wrote = tuple(sorted(self.wrote.get(commit.id, ())))
        hand = self.hand.get(commit.id)
        return Binding(self.id, wrote=wrote, hand=hand, base=commit.base, result=commit.tree)


def write_pieces(
    repo: Repository,
    span: str,
    pieces: Sequence[Piece],
    within: set[Oid],
    counts: Counts,
    *,
    tops: Sequence[str],
    source: str,
    dry_run: bool = False,
) -> set[Oid]:
    """Write the pieces that have a commit ``within`` the range, all in one batch, and count them.

    Returns the commits that have an intent of these pieces now. Prompts that the ledger holds already are
    left out. ``source`` names where they come from, in the message of the notes' commit.
    """
    pieces = [piece for piece in pieces if within.intersection(piece.commits)]
    wanted = {oid for piece in pieces for oid in piece.commits if oid in within}
    notes = existing_notes(repo, span, wanted) if wanted else {}
    known = read_known(repo, {piece.found.session.id for piece in pieces})
    writer = Writer(repo, notes, tops)
    added: dict[Oid, list[bytes]] = {}
    done: set[Oid] = set()
    again: list[Piece] = []
    for piece in pieces:
        mine = [commit for commit in piece.commits.values() if commit.id in within]
        done.update(commit.id for commit in mine)
        if piece.id in known.ids:
            again.append(piece)
            continue
        turns = [turn for turn in piece.turns if not is_known(turn, piece.found, known)]
        intent = writer.intent(piece, turns)
        if intent is None:
            counts.skip(KNOWN)
            continue
        agent = intent.agent if piece.found.agent else None
        document = encode(replace(intent, id=piece.id, agent=agent))
        for commit in mine:
            added.setdefault(commit.id, []).extend([document, encode(piece.binding(commit))])
        counts.intents += 1
        counts.prompts += len(intent.prompts)
    if again:
        counts.skip(KNOWN, len(again))
    new = {
        piece.id: [
            one for one in piece.commits.values() if one.id in within and not _is_on(piece, notes, one)
        ]
        for piece in again
    }
    _bind_again(repo, [piece for piece in again if new[piece.id]], new, added)
    counts.commits += len(added)
    if added and not dry_run:
        joined = {oid: b"".join(documents) for oid, documents in added.items()}
        Ledger(repo).append_raw(joined, f"regen: import prompts from {source}")
    return done


def _is_on(piece: Piece, notes: Mapping[Oid, NoteView], commit: Past) -> bool:
    note = notes.get(commit.id)
    return note is not None and piece.id in note.intents


def _bind_again(
    repo: Repository,
    pieces: Sequence[Piece],
    commits: Mapping[IntentId, Sequence[Past]],
    added: dict[Oid, list[bytes]],
) -> None:
    """Give commits that came later, by a rebase for instance, what the ledger has of their intents.

    The documents are copied as they stand: somebody may have edited them. What was purged stays away, and
    what is private too.
    """
    documents = Sources(repo, with_lost=False).documents([piece.id for piece in pieces]) if pieces else {}
    for piece in pieces:
        found = documents.get(piece.id)
        if found is None or found.is_private:
            continue
        raw = [doc.raw + b"\n" for doc in found.documents if isinstance(doc.record, Intent | Part)]
        for commit in commits[piece.id]:
            added.setdefault(commit.id, []).extend([*raw, encode(piece.binding(commit))])
