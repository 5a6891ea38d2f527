"""Take documents out of all the history of a notes ref; a tombstone stands where each of them stood.

Which documents: those that a tombstone names. Every clone can find out from the notes alone what to bury, and
comes to the same commits.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.domain.intent import Tombstone
from regen_git.git.commits import read_commit
from regen_git.git.notestrees import list_notes
from regen_git.git.refs import peek_ref
from regen_git.git.rewriting import blobs_of_history, rewritten
from regen_git.ledger.codec import parse_note, split
from regen_git.ledger.encoding import digest_of, encode
from regen_git.ledger.tips import Seen, log_size, remember

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regen_git.domain.ids import IntentId, Oid
    from regen_git.git.repository import Repository

__all__ = ["Buried", "buried_in", "bury", "cut_log", "tombstone"]


@dataclass(frozen=True, slots=True)
class Buried:
    """A history without some documents: its tip, and on which objects each document stood, by digest."""

    tip: Oid
    found: Mapping[str, frozenset[Oid]]


def tombstone(digest: str, intent: IntentId) -> bytes:
    """Return the document that buries another one."""
    return encode(Tombstone(intent, digest))


def buried_in(repo: Repository, tips: Iterable[Oid]) -> dict[str, IntentId]:
    """Return what the notes of these commits bury, on whatever object: digests, with the intent of each."""
    found: dict[str, IntentId] = {}
    for tip in tips:
        if repo.is_partial:
            listed = list_notes(repo.objects, read_commit(repo.objects, tip).tree)
            repo.objects.bring(place.blob for places in listed.values() for place in places)
        out = repo.git("grep", "-l", "-z", "-a", "-G", "-e", "^purge: ", tip, "--", ok=(0, 1))
        for name in filter(None, out.split(b"\0")):
            for document in parse_note(repo.git("cat-file", "blob", os.fsdecode(name)))[0]:
                if isinstance(document.record, Tombstone):
                    found[document.record.digest] = document.record.intent
    return found


def bury(repo: Repository, tip: Oid, dead: Mapping[str, IntentId], since: Oid | None = None) -> Buried:
    """Return this history without the documents of these digests; the same tip where it has none of them.

    What leads to ``since`` is known to have none and is not looked at.
    """
    if not dead:
        return Buried(tip, {})
    swaps: dict[Oid, Oid] = {}
    found: dict[str, set[Oid]] = defaultdict(set)
    for path, blob in blobs_of_history(repo, tip, since):
        raws = split(repo.objects.blob(blob))
        digests = [digest_of(raw) for raw in raws]
        mine = [digest for digest in digests if digest in dead]
        if not mine:
            continue
        kept = {
            tombstone(digest, dead[digest]) if digest in dead else raw: None
            for digest, raw in zip(digests, raws, strict=True)
        }
        swaps[blob] = repo.objects.write("blob", b"".join(kept))
        for digest in mine:
            found[digest].add(path.replace("/", ""))
    return Buried(rewritten(repo, tip, swaps, since), {one: frozenset(oids) for one, oids in found.items()})


def cut_log(repo: Repository, ref: str) -> None:
    """Forget what a ref has been, so that nothing holds its history from before."""
    status, _ = repo.git_status("reflog", "exists", ref, ok=(0, 1))
    if status == 0:
        repo.git("reflog", "expire", "--expire=all", ref)
    tip = peek_ref(repo, ref)
    if ref.startswith("refs/notes/") and tip is not None:
        remember(repo, ref, Seen(tip, log_size(repo, ref)))
