"""People's hunks that a rebuilt tip lacks although each found its place when it was carried.

A step that asks a model for a whole file can leave out what a person had written there before. The step is
good by its checks; so what is missing is looked for once, at the end, and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.config import Kind
from regen_git.git.commits import read_commit
from regen_git.git.refs import peek_ref
from regen_git.git.trees import diff
from regen_git.ledger.store import PRIVATE_REF
from regen_git.replay.facts import ADOPTS, MODEL, SOURCE
from regen_git.replay.people.authorship import hunk_fates, people_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.replay.facts import CommitFacts

__all__ = ["generated", "written_over"]

_FOLLOWED = (SOURCE.encode(), ADOPTS.encode(), MODEL.encode())  # lines of such a commit may be another's


def written_over(
    repo: Repository, ownership: Ownership, tips: tuple[Oid, Oid], facts: Sequence[CommitFacts]
) -> list[list[Any]]:
    """Return the hunks of the source's tip, in files that a model may write, that the rebuilt tip lacks.

    ``tips`` are the source's and the rebuilt one, ``facts`` what is known of commits of the source.

    Each is what a journal keeps of it: the person's commit, the path, its first and last line there, and
    its first and last line in the source's tip. A deletion has a last line before its first, or 0 for both.
    """
    store = repo.objects
    source, tip = tips
    before, after = read_commit(store, source).tree, read_commit(store, tip).tree
    paths = [
        change.path
        for change in diff(store, before, after)
        if (leaf := change.old or change.new) is not None
        and ownership.classify(change.path, leaf.mode) is Kind.MODEL
    ]
    known = generated(repo, facts)
    hunks = [hunk for found in people_in(repo, source, paths, known=known).values() for hunk in found]
    return [
        [hunk.commit, hunk.path, hunk.at, hunk.at + len(hunk.lines) - 1, hunk.first, hunk.last]
        for hunk, fate in zip(hunks, hunk_fates(store, hunks, after), strict=True)
        if not fate.is_kept
    ]


def generated(repo: Repository, facts: Sequence[CommitFacts]) -> dict[Oid, tuple[RepoPath, ...]]:
    """Return commits with the paths of which it is certain, without a look, that prompts alone wrote them."""
    if peek_ref(repo, PRIVATE_REF) is not None:
        # What only this clone knows of its commits is not among the facts.
        return {}
    found: dict[Oid, tuple[RepoPath, ...]] = {}
    for each in facts:
        bound = {binding.intent: binding for binding in each.bindings}
        is_plain = bool(each.intents) and each.mark is None and each.is_whole and not each.retracted
        if not is_plain or len(bound) != len(each.intents) or any(b.hand for b in each.bindings):
            continue
        paths = {path for binding in each.bindings for path in binding.wrote}
        everything = any(not binding.wrote for binding in each.bindings)
        if any(name in each.commit.message for name in _FOLLOWED):
            continue
        found[each.id] = each.touched if everything else tuple(path for path in each.touched if path in paths)
    return found
