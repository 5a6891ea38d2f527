"""What is asked for now: every intent of a range in its newest revision, and whether it has force.

Pure facts of the ledger, whatever the order in which its documents were united.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from regen_git.errors import GitError, RegenError
from regen_git.ledger.encoding import encode
from regen_git.ledger.revisions import newest
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from regen_git.domain.ids import IntentId, Oid, RepoPath
    from regen_git.domain.intent import Intent
    from regen_git.git.repository import Repository
    from regen_git.ledger.store import NoteView

__all__ = ["Asked", "Status", "ledger_version", "read_asked", "standing"]

Status = Literal["in force", "retracted", "superseded"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One intent of a range.

    ``intent`` is its newest revision; of several that claim to be that (``claims``) the first. ``commits``
    are those of the range that hold it, oldest first, and ``wrote`` what it wrote in all of them; empty:
    unknown. ``by`` are the intents of the range that supersede it.
    """

    intent: Intent
    commits: tuple[Oid, ...]
    wrote: tuple[RepoPath, ...]
    claims: int
    status: Status
    by: tuple[IntentId, ...] = ()


@dataclass(slots=True)
class _Gathered:
    """What the notes of a range say of one intent so far; ``commits`` newest first."""

    claims: dict[str, Intent] = field(default_factory=dict)
    commits: list[Oid] = field(default_factory=list)
    wrote: set[RepoPath] = field(default_factory=set)
    is_known: bool = True
    first: int = 0


def read_asked(repo: Repository, revs: Sequence[str]) -> list[Asked]:
    """Return the intents of these revisions (as ``git log`` takes them) in the order they were asked.

    That is the order of their first commits, parents first; within a commit that of the time, then of the
    id: the order of a note is that in which it was united. Private ones are left out, as they are of replays.
    Empty on a branch without commits. Raises ``RegenError`` for what names nothing.
    """
    found: dict[IntentId, _Gathered] = {}
    try:
        for at, (oid, view) in enumerate(Ledger(repo).scan(revs, by_parents=True)):
            if view.documents:
                _gather(found, at, oid, view)
    except GitError as error:
        if set(revs) <= {"HEAD"} and repo.is_unborn:
            return []
        hint = error.hint or "give a revision, or a range A..B, that exists"
        raise RegenError(f"cannot read the intents of '{' '.join(revs)}'", hint=hint) from error
    claims = {one: newest(gathered.claims) for one, gathered in found.items()}
    order = sorted(found, key=lambda one: (-found[one].first, _asked_at(claims[one][0]), one))
    stands = standing({one: claims[one][0] for one in order})
    return [
        Asked(
            claims[one][0],
            tuple(reversed(found[one].commits)),
            tuple(sorted(found[one].wrote)) if found[one].is_known else (),
            len(claims[one]),
            *stands[one],
        )
        for one in order
    ]


def _asked_at(intent: Intent) -> str:
    return next((prompt.at for prompt in intent.prompts if prompt.at), "")


def _gather(found: dict[IntentId, _Gathered], at: int, commit: Oid, view: NoteView) -> None:
    """Add what a commit's note says; ``at`` counts from the newest, so that the last one is the first."""
    for one, claims in view.revisions.items():
        mine = found.get(one)
        if mine is None:
            mine = found[one] = _Gathered()
        mine.claims.update(claims)
        mine.commits.append(commit)
        mine.first = at
        bindings = [binding for binding in view.bindings if binding.intent == one]
        mine.is_known &= bool(bindings) and all(binding.wrote for binding in bindings)
        for binding in bindings:
            mine.wrote.update(binding.wrote)


def standing(intents: Mapping[IntentId, Intent]) -> dict[IntentId, tuple[Status, tuple[IntentId, ...]]]:
    """Return of each intent, in the order asked, whether it has force, and what supersedes it.

    What a retracted intent superseded is in force again. What supersedes an intent may itself be superseded:
    the old words stay old. Where intents supersede each other, the one that was asked last has force.
    """
    above: dict[IntentId, list[IntentId]] = {}
    for one, intent in intents.items():
        for old in () if intent.retracted else dict.fromkeys(intent.supersedes):
            if old in intents and old != one and not intents[old].retracted:
                above.setdefault(old, []).append(one)
    winners = _winners(list(intents), above) if above else set()
    found: dict[IntentId, tuple[Status, tuple[IntentId, ...]]] = {}
    for one, intent in intents.items():
        if intent.retracted:
            found[one] = ("retracted", ())
        elif one in above and one not in winners:
            found[one] = ("superseded", tuple(above[one]))
        else:
            found[one] = ("in force", ())
    return found


def _winners(order: Sequence[IntentId], above: Mapping[IntentId, Sequence[IntentId]]) -> set[IntentId]:
    """Return the intents that have force although others supersede them: the last of each closed ring.

    A ring is closed where nothing outside supersedes one of its intents.
    """
    place = {one: at for at, one in enumerate(order)}
    found: set[IntentId] = set()
    for ring in _rings(above):
        members = set(ring)
        if len(ring) > 1 and all(other in members for one in ring for other in above[one]):
            found.add(max(ring, key=place.__getitem__))
    return found


def _rings(above: Mapping[IntentId, Sequence[IntentId]]) -> list[list[IntentId]]:
    """Return the strongly connected parts of a graph. Source: Tarjan 1972, without calling itself."""
    number: dict[IntentId, int] = {}
    low: dict[IntentId, int] = {}
    path: list[IntentId] = []
    on_path: set[IntentId] = set()
    rings: list[list[IntentId]] = []
    for start in above:
        if start in number:
            continue
        work = [(start, 0)]
        while work:
            one, at = work.pop()
            nexts = above.get(one, ())
            if at == 0:
                number[one] = low[one] = len(number)
                path.append(one)
                on_path.add(one)
            elif nexts[at - 1] in on_path:
                low[one] = min(low[one], low[nexts[at - 1]])
            while at < len(nexts) and nexts[at] in number:
                if nexts[at] in on_path:
                    low[one] = min(low[one], number[nexts[at]])
                at += 1
            if at < len(nexts):
                work += [(one, at + 1), (nexts[at], 0)]
            elif low[one] == number[one]:
                rings.append(_cut(path, one))
                on_path.difference_update(rings[-1])
    return rings


def _cut(path: list[IntentId], one: IntentId) -> list[IntentId]:
    """Take the end of a path off, from this intent on, and return it."""
    end = [path.pop()]
    while end[-1] != one:
        end.append(path.pop())
    return end


def ledger_version(asked: Iterable[Asked]) -> str:
    """Return the digest of what has force: the version of the source, as a tree's id is of the output.

    64 hexadecimal digits. It rests on what is asked, in order: not on the commits that hold it, nor on how
    often it was reworded, or taken back and asked again, until it stood so.
    """
    whole = hashlib.sha256()
    for one in asked:
        if one.status == "in force":
            content = replace(one.intent, revision=1, supersedes=(), edits=())
            whole.update(encode(content))
    return whole.hexdigest()
