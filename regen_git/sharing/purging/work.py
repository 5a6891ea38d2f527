"""The whole of a purge: refs first and together, then what else names them, then what is only stored.

Every step can be done again and finds what an interrupted purge has left: tombstones say which documents
went, and what is stored is looked through in full.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.capture.flush import flush
from regen_git.capture.inbox import locked
from regen_git.errors import RefMovedError
from regen_git.git.commits import read_commit
from regen_git.git.notes import commit_notes
from regen_git.git.notestrees import list_notes
from regen_git.git.reader import close_readers
from regen_git.git.refs import update_refs
from regen_git.git.repository import Repository
from regen_git.ledger.burying import bury, cut_log, tombstone
from regen_git.ledger.codec import split
from regen_git.ledger.encoding import digest_of
from regen_git.ledger.store import INTENTS_REF, PROVENANCE_REF
from regen_git.ledger.uniting import unite, with_added
from regen_git.llm.purged import purged_in, replies_of_history, without
from regen_git.llm.replies import REPLIES_REF, ReplyStore
from regen_git.sharing.purging.archive import Archive, home_of, ledger_refs, reply_refs
from regen_git.sharing.purging.files import clean_files, files_with
from regen_git.sharing.purging.holders import holders
from regen_git.sharing.purging.planning import Wish, made_plan
from regen_git.sharing.purging.storage import contents, doomed, reachable, remove
from regen_git.sharing.wire import forced

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from regen_git.domain.ids import IntentId, Oid
    from regen_git.sharing.purging.holders import Holder
    from regen_git.sharing.purging.planning import Plan

__all__ = ["Outcome", "Wish", "purge"]

_TRIES = 10
_MESSAGE = "regen: purge"


@dataclass(slots=True)
class Outcome:
    """What a purge did, or would do.

    ``documents`` and ``replies`` went; ``revisions`` were written in their place. ``moved`` are refs with
    what they were and are. ``pushes`` has a command for each remote that has had it. ``holders`` is what is
    not ours to rewrite, ``beyond`` how much more there is. ``others``: intents that hold a secret, too.
    """

    intents: tuple[IntentId, ...]
    secrets: int
    documents: int
    replies: int = 0
    revisions: int = 0
    moved: dict[str, tuple[Oid, Oid]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    objects: int = 0
    pushes: dict[str, str] = field(default_factory=dict)
    holders: list[Holder] = field(default_factory=list)
    beyond: int = 0
    others: tuple[str, ...] = ()
    troubles: list[str] = field(default_factory=list)


def purge(repo: Repository, wish: Wish, *, dry_run: bool = False) -> Outcome:
    """Purge, or with ``dry_run`` only say what that would do.

    Raises ``LedgerError`` where there is nothing of the kind, and ``RefMovedError`` where others keep moving
    the notes; then nothing is lost, and it can be done again.
    """
    if dry_run:
        return _purge(repo, wish, dry_run=True)
    repo.data_dir.mkdir(mode=0o700, exist_ok=True)
    # Not while a sync pushes what is about to go.
    with locked(str(repo.data_dir / "sync.lock")):
        flush(repo)
        ReplyStore(repo).flush()
        _take_fetched(repo)
        return _purge(repo, wish, dry_run=False)


def _purge(repo: Repository, wish: Wish, *, dry_run: bool) -> Outcome:
    for attempt in range(_TRIES):
        archive = Archive()
        archive.read(repo, ledger_refs(repo).items())
        _read_stored(repo, archive, wish)
        plan = made_plan(archive, wish)
        replies = _replies(repo, plan)
        moved = _moves(repo, archive, plan, replies)
        if dry_run:
            break
        repo.objects.flush()
        try:
            update_refs(repo, [(ref, new, old) for ref, (old, new) in moved.items()], _MESSAGE)
            break
        except RefMovedError:
            if attempt == _TRIES - 1:
                raise
    outcome = Outcome(plan.intents, len(plan.sought.marks), len(plan.dead), len(replies))
    outcome.revisions = sum(one.startswith(b"---\nintent:") for one in plan.stand_ins.values())
    outcome.moved, outcome.others = moved, plan.others
    outcome.pushes = _pushes(moved)
    _tidy(repo, archive, plan, replies, outcome, dry_run=dry_run)
    return outcome


def _take_fetched(repo: Repository) -> None:
    """Unite what was fetched with ours, since a push that replaces the remote's refs must lack nothing."""
    for ref, tip in ledger_refs(repo).items():
        remote, name = home_of(ref)
        if remote and name in (INTENTS_REF, PROVENANCE_REF):
            unite(repo, name, tip, f"regen: unite with '{remote}'")
    for ref, tip in reply_refs(repo).items():
        if home_of(ref) != ("", ref) and home_of(ref)[1] == REPLIES_REF:
            ReplyStore(repo).merge(tip)


def _read_stored(repo: Repository, archive: Archive, wish: Wish) -> None:
    """Read the documents that no ref has any more: of a purge that was interrupted, or of lost notes."""
    wanted = [one.encode("ascii", "replace") for one in wish.intents] or [b""]
    for _, kind, data in contents(repo):
        if kind == "blob" and data.startswith(b"---\n") and any(one in data for one in wanted):
            archive.add(data, is_stored_only=True)


def _replies(repo: Repository, plan: Plan) -> dict[Oid, str]:
    """Return the recorded replies that hold what is looked for, and those that others have purged."""
    refs = reply_refs(repo)
    found = dict.fromkeys(purged_in(repo, refs.values()), "")
    for tip in refs.values():
        for path, blob in replies_of_history(repo, tip):
            if blob not in found and plan.sought.is_in(repo.objects.blob(blob)):
                found[blob] = path
    return found


def _moves(
    repo: Repository, archive: Archive, plan: Plan, replies: Mapping[Oid, str]
) -> dict[str, tuple[Oid, Oid]]:
    """Return the refs that change, with what they are and shall be; the commits are made."""
    moved: dict[str, tuple[Oid, Oid]] = {}
    for ref, tip in ledger_refs(repo).items():
        new = bury(repo, tip, plan.dead).tip
        if not home_of(ref)[0]:
            new = _with_stones(repo, ref, new, archive, plan)
        if new != tip:
            moved[ref] = (tip, new)
    for ref, tip in reply_refs(repo).items():
        new = without(repo, tip, replies)
        if new != tip:
            moved[ref] = (tip, new)
    return moved


def _with_stones(repo: Repository, ref: str, tip: Oid, archive: Archive, plan: Plan) -> Oid:
    """Return a commit that also has the tombstones that its notes lack, and what stands in for documents."""
    where: dict[str, set[Oid]] = defaultdict(set)
    for one, places in archive.where.items():
        if home_of(one)[1] == ref:
            for digest in plan.dead.keys() & places.keys():
                where[digest] |= places[digest]
    tree = read_commit(repo.objects, tip).tree
    present = _stones_in(repo, tree)
    added: dict[Oid, dict[str, bytes]] = defaultdict(dict)
    for digest, oids in where.items():
        documents = [] if digest in present else [tombstone(digest, plan.dead[digest])]
        documents += split(plan.stand_ins.get(digest, b""))
        for oid in oids:
            added[oid].update({digest_of(raw): raw for raw in documents})
    new = with_added(repo, tree, added)
    return tip if new == tree else commit_notes(repo, new, [tip], _MESSAGE)


def _stones_in(repo: Repository, tree: Oid) -> dict[str, IntentId]:
    """Return what a tree of notes buries, which need not be on the disk yet."""
    stones = Archive()
    for places in list_notes(repo.objects, tree).values():
        for place in places:
            data = repo.objects.blob(place.blob)
            if b"\npurge:" in data:
                stones.add(data)
    return stones.stones


def _pushes(moved: Mapping[str, tuple[Oid, Oid]]) -> dict[str, str]:
    """Return, by remote, the command that replaces there what was rewritten here."""
    leases: dict[str, dict[str, Oid]] = defaultdict(dict)
    for ref, (old, _) in moved.items():
        remote, name = home_of(ref)
        if remote:
            leases[remote][name] = old
    return {remote: forced(remote, refs) for remote, refs in leases.items()}


def _tidy(
    repo: Repository,
    archive: Archive,
    plan: Plan,
    replies: Mapping[Oid, str],
    outcome: Outcome,
    *,
    dry_run: bool,
) -> None:
    """Remove what is left once the refs have moved: reflogs, files, objects. Objects go last."""
    replaced = {
        archive.raws[digest].decode("utf-8", "surrogatepass"): tombstone(digest, one)
        + plan.stand_ins.get(digest, b"")
        for digest, one in plan.dead.items()
        if digest in archive.raws
    }
    outcome.files = files_with(repo, plan.sought, replaced)
    if not dry_run:
        for ref in (*ledger_refs(repo), *reply_refs(repo)):
            cut_log(repo, ref)
        outcome.troubles += clean_files(repo, plan.sought, replaced)
    ours, found = _stored(repo, plan, replies)
    # What was read before is not what is stored now.
    close_readers()
    fresh = Repository(repo.git_dir, repo.common_dir, repo.worktree, repo.hash_name)
    kept = reachable(fresh)
    if dry_run:
        outcome.objects = len(ours)
    else:
        gone = doomed(fresh, ours, kept)
        outcome.troubles += remove(fresh, gone)
        outcome.objects = len(gone)
        outcome.troubles += _still_held(ours & kept)
    rest = {oid: kind for oid, kind in found.items() if oid not in ours}
    outcome.holders, outcome.beyond = holders(fresh, rest, kept)


def _still_held(oids: set[Oid]) -> list[str]:
    if not oids:
        return []
    return [f"{len(oids)} objects stay: another ref or reflog leads to them, such as '{min(oids)[:12]}'"]


def _stored(repo: Repository, plan: Plan, replies: Mapping[Oid, str]) -> tuple[set[Oid], dict[Oid, str]]:
    """Look through all that is stored: notes and replies of ours, and whatever holds what is looked for."""
    ours = set(replies)
    found: dict[Oid, str] = {}
    for oid, kind, data in contents(repo):
        if kind == "blob" and data.startswith(b"---\n"):
            if any(digest_of(raw) in plan.dead for raw in split(data)):
                ours.add(oid)
        elif kind == "blob" and data.startswith(b"format: 1\nmodel: ") and plan.sought.is_in(data):
            ours.add(oid)
        if plan.sought.is_in(data):
            found[oid] = kind
    return ours, found
