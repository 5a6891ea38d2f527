"""Nothing that was once in the ledger is lost to a writer that did not look: it is put back.

Git's own writers of notes (``git notes``, the copy after amend and rebase) read the notes, and write them
later without asking whether they are still the same. Two things happen then:

- the ref moves from a commit that somebody else has just made to one that does not descend from it: the
  reflog still names what was overwritten, and both are united;
- the new commit names the other one as its parent, since git looks for the parent last, but its tree does
  not have what the other one added. A writer that says it added notes has taken none out on purpose, but for
  the one note that it may have replaced: what is missing beside that is put back.

What somebody took out on purpose stays out: a removal is a commit like any other, after what it removes. One
that raced with another writer and lost must be made again; and what a removal itself overwrote is not seen.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.errors import GitError, RefMovedError, RegenError
from regen_git.git.commits import read_commit
from regen_git.git.notes import commit_notes
from regen_git.git.notestrees import differing_notes, find_note
from regen_git.git.refs import peek_ref, update_ref
from regen_git.ledger.burying import buried_in
from regen_git.ledger.tips import Seen, forget, log_size, read_log, recall, remember
from regen_git.ledger.uniting import Documents, documents_in, with_added

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regen_git.domain.ids import Oid
    from regen_git.git.notestrees import Notes
    from regen_git.git.repository import Repository

__all__ = ["guard_ref"]

_TRIES = 20
_MESSAGE = "regen: put back what another writer overwrote"
_ADDED = re.compile(rb"Notes added by 'git ")
_ONE_NOTE = re.compile(rb"Notes added by 'git notes (?:add|edit|copy)'")
"""What may replace the text of one note on purpose. Source: git's builtin/notes.c."""


@dataclass(frozen=True, slots=True)
class _New:
    """A commit of notes that we have not seen before."""

    parents: tuple[Oid, ...]
    subject: bytes


@dataclass(slots=True)
class _Losses:
    """Tips that the ref has lost, and writers that may have dropped what their parents had."""

    heads: list[Oid] = field(default_factory=list)
    adders: dict[Oid, _New] = field(default_factory=dict)


def guard_ref(repo: Repository, ref: str, made: Oid | None = None) -> bool:
    """See that a notes ref holds all that it ever held; return whether something had to be put back.

    Costs a look at three small files where the ref is what it was when last seen, else one process of git.
    ``made`` is a tip of our own making: where nothing else has happened, that costs no process either.
    """
    restored = False
    for _ in range(_TRIES):
        seen = recall(repo, ref)
        # The log first: a move that comes between is then looked at the next time.
        end = log_size(repo, ref)
        tip = peek_ref(repo, ref)
        if tip is None:
            # Git's writers never delete a ref: who did, meant it.
            if seen is not None:
                forget(repo, ref)
            return restored
        now = Seen(tip, end)
        if seen == now or (seen is None and made is None and not repo.data_dir.is_dir()):
            return restored
        losses = _losses(repo, ref, seen, now, made)
        if losses.heads or losses.adders:
            new = _restored(repo, tip, losses)
            if new is not None:
                restored = _moved(repo, ref, new, tip) or restored
                continue
        remember(repo, ref, now)
        return restored
    return restored


def _moved(repo: Repository, ref: str, new: Oid, old: Oid) -> bool:
    repo.objects.flush()
    try:
        update_ref(repo, ref, new, old, _MESSAGE)
    except GitError as error:
        if not isinstance(error, RefMovedError) and "cannot lock ref" not in str(error):
            raise
        return False
    return True


def _losses(repo: Repository, ref: str, seen: Seen | None, now: Seen, made: Oid | None) -> _Losses:
    """Find what the ref has been, since we last looked, that its tip does not descend from."""
    log = read_log(repo, ref, seen, now.end)
    had = dict.fromkeys(log.ids)
    if seen is not None and not log.made_anew:
        had[seen.tip] = None
    had.pop(now.tip, None)
    if had and made == now.tip:
        for parent in read_commit(repo.objects, now.tip).parents:
            had.pop(parent, None)
    if not had:
        return _Losses()
    start = log.known
    new = _new_commits(repo, [now.tip, *had], start)
    held = _closure([now.tip], new)
    if start is not None and (start == now.tip or any(start in new[one].parents for one in held)):
        had.pop(start, None)
    lost = [one for one in had if one not in held and (one in new or one == start)]
    beyond = _closure(lost, new)
    covered = {parent for one in beyond for parent in new[one].parents}
    losses = _Losses([one for one in lost if one not in covered])
    if seen is not None and not log.made_anew:
        # Later than that only: what has been taken out since then shall not come back.
        losses.adders = {one: new[one] for one in (*held, *beyond) if _is_adder(new[one])}
    return losses


def _is_adder(commit: _New) -> bool:
    return len(commit.parents) == 1 and _ADDED.match(commit.subject) is not None


def _new_commits(repo: Repository, tips: Iterable[Oid], start: Oid | None) -> dict[Oid, _New]:
    """Return the commits that lead to these tips and not to ``start``; what is gone is passed over."""
    asked = "".join(f"{tip}\n" for tip in tips) + (f"^{start}\n" if start else "")
    out = repo.git(
        "rev-list", "--ignore-missing", "--format=%P%x00%s", "--stdin", stdin=asked.encode("ascii")
    )
    lines = out.split(b"\n")
    found: dict[Oid, _New] = {}
    for head, body in zip(lines[::2], lines[1::2], strict=False):
        parents, _, subject = body.partition(b"\0")
        oid = head.removeprefix(b"commit ").decode("ascii")
        found[oid] = _New(tuple(parents.decode("ascii").split()), subject)
    return found


def _closure(tips: Iterable[Oid], new: Mapping[Oid, _New]) -> dict[Oid, None]:
    """Return the new commits that lead to these tips, themselves among them."""
    found: dict[Oid, None] = {}
    todo = list(tips)
    while todo:
        one = todo.pop()
        if one in new and one not in found:
            found[one] = None
            todo += new[one].parents
    return found


def _restored(repo: Repository, tip: Oid, losses: _Losses) -> Oid | None:
    """Make the commit that has everything; ``None`` when nothing is missing."""
    tree = read_commit(repo.objects, tip).tree
    added: dict[Oid, Documents] = {}
    parents = [tip]
    buried = frozenset(buried_in(repo, [tip])) if losses.heads else frozenset()
    for head in losses.heads:
        try:
            found = _since_fork(repo, tip, head)
        except RegenError:
            # Garbage collection has taken what it was made of: there is nothing left to put back.
            continue
        if not buried:
            # Else its history may have what was purged from ours; its documents alone are taken.
            parents.append(head)
        _merge(added, found)
    for oid, commit in losses.adders.items():
        with contextlib.suppress(RegenError):
            _merge(added, _dropped(repo, tree, oid, commit))
    if added and not losses.heads:
        buried = frozenset(buried_in(repo, [tip]))
    united = with_added(repo, tree, added, buried)
    if united == tree and len(parents) == 1:
        return None
    return commit_notes(repo, united, parents, _MESSAGE)


def _merge(added: dict[Oid, Documents], more: Mapping[Oid, Documents]) -> None:
    for oid, documents in more.items():
        added.setdefault(oid, {}).update(documents)


def _compared(repo: Repository, old: Oid | None, new: Oid) -> tuple[Notes, Notes]:
    """Return the notes in which two trees differ, everything at hand that is needed to read them."""
    notes = differing_notes(repo.objects, old, new)
    repo.objects.bring(place.blob for side in notes for places in side.values() for place in places)
    return notes


def _since_fork(repo: Repository, tip: Oid, head: Oid) -> dict[Oid, Documents]:
    """Return what was added on the way to a lost tip since it and ours parted.

    What both had then is not asked for: where ours lacks it now, somebody took it out.
    """
    status, out = repo.git_status("merge-base", tip, head, ok=(0, 1))
    base = read_commit(repo.objects, out.decode("ascii").strip()).tree if status == 0 else None
    olds, news = _compared(repo, base, read_commit(repo.objects, head).tree)
    found: dict[Oid, Documents] = {}
    for oid, places in news.items():
        before = documents_in(repo, olds.get(oid, ()))
        found[oid] = {d: raw for d, raw in documents_in(repo, places).items() if d not in before}
    return found


def _dropped(repo: Repository, present: Oid, oid: Oid, commit: _New) -> dict[Oid, Documents]:
    """Return what a writer that only adds has dropped from the notes of its parent.

    ``present`` is the tree of the tip: a note that the writer had and that is gone now was taken out later.
    """
    parent = read_commit(repo.objects, commit.parents[0]).tree
    olds, news = _compared(repo, parent, read_commit(repo.objects, oid).tree)
    lost: dict[Oid, Documents] = {}
    gained: set[Oid] = set()
    for each in olds.keys() | news.keys():
        before, after = (documents_in(repo, side.get(each, ())) for side in (olds, news))
        missing = {digest: raw for digest, raw in before.items() if digest not in after}
        if missing and not (after and not find_note(repo.objects, present, each)):
            lost[each] = missing
        if after.keys() - before.keys():
            gained.add(each)
    if _ONE_NOTE.match(commit.subject):
        own = gained if len(gained) == 1 else set()
        if len(olds.keys() | news.keys()) == 1:
            own = set(lost)
        for each in own:
            lost.pop(each, None)
    return lost
