"""Judge a step's tree: the gates at once, the checks in a thread, both against the original commit."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.config.ownership import is_text
from regen_git.git.trees import EXECUTABLE, REGULAR, lookup, walk
from regen_git.replay.people.regions import kept_regions
from regen_git.verify.gates import Gates, run_gates
from regen_git.verify.surface import bare_name, public_surface, surface_changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.verdict import GateResult, Verification
    from regen_git.git.objects import ObjectStore
    from regen_git.git.trees import Change
    from regen_git.replay.facts import CommitFacts
    from regen_git.verify.runner import Verifier

__all__ = ["TreeJudge", "may_change", "region_texts"]

_REMEMBERED = 65_536  # differences without a problem
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]{2,}")


@dataclass
class TreeJudge:
    """Judges with the repository's own checks. ``history`` are all commits of the replay, oldest first.

    ``released`` is the tree that makes the data which the last step's tree must be able to read, ``None``
    where no data is kept; ``releases`` maps each commit to the tree of the last release at or before it. An
    earlier step reads the data of the release before it, or else of its own original.
    """

    store: ObjectStore
    ownership: Ownership
    verifier: Verifier
    history: Sequence[CommitFacts]
    released: Oid | None = None
    releases: Mapping[Oid, Oid] = field(default_factory=dict)
    _words: dict[Oid, frozenset[bytes]] = field(default_factory=dict)
    _free: list[frozenset[str]] = field(default_factory=list)
    _sound: set[Change] = field(default_factory=set)
    _judged: int = 0
    _places: dict[Oid, int] = field(default_factory=dict)

    def gates(self, facts: CommitFacts, tree: Oid) -> tuple[GateResult, ...]:
        """Judge without running anything."""
        if tree == facts.tree:
            return ()
        rules = self._rules(facts)
        position = self._position(facts)
        if position < self._judged or len(self._sound) >= _REMEMBERED:
            self._sound.clear()
        self._judged = position
        return run_gates(self.store, facts.tree, tree, rules, self._sound)

    async def checks(self, facts: CommitFacts, tree: Oid) -> Verification:
        """Run the checks in a thread, with the ratchet against the original commit's tree."""
        is_last = facts.id == self.history[-1].id
        released = self.released
        if released is not None and not is_last:
            released = self.releases.get(facts.id, facts.tree)
        # The original's own tree loses no name; finding out which are free would read all of history.
        rules = Gates(self.ownership) if tree == facts.tree else self._rules(facts)
        future = self.verifier.submit(tree, facts.tree, gates=rules, released=released, is_end=is_last)
        return await asyncio.wrap_future(future)

    def _rules(self, facts: CommitFacts) -> Gates:
        return Gates(
            self.ownership,
            kept_regions=region_texts,
            public_surface=public_surface,
            surface_changes=surface_changes,
            allowed=self._free_until(facts),
            released=self.releases.get(self.history[-1].id, self.history[-1].tree),
            end=self.history[-1].tree,
        )

    def _position(self, facts: CommitFacts) -> int:
        if not self._places:
            self._places.update((each.id, index) for index, each in enumerate(self.history))
        return self._places[facts.id]

    def _free_until(self, facts: CommitFacts) -> frozenset[str]:
        """Return the names that this commit, or one before it whose code is still there, left free."""
        position = self._position(facts)
        while len(self._free) <= position:
            before = self._free[-1] if self._free else frozenset()
            here = self.history[len(self._free)]
            self._free.append(before | may_change(self.store, here, self._words))
        return self._free[position]


def region_texts(path: RepoPath, text: str) -> list[str]:
    """Return the texts of a file's kept regions, in order."""
    del path
    return [region.text for region in kept_regions(text)]


def may_change(store: ObjectStore, facts: CommitFacts, known: dict[Oid, frozenset[bytes]]) -> frozenset[str]:
    """Return the public names that this commit brought and that no other file of its tree mentions.

    Nobody relies on those: a new model may find better ones.
    """
    gone: set[str] = set()
    for path in facts.dropped:
        # What nobody asks for any more need not be there, whoever used it.
        gone |= _names(store, facts, path, old=False) - _names(store, facts, path, old=True)
    if not facts.intents or facts.mark == "human":
        return frozenset(gone)
    fresh: set[str] = set()
    for path in facts.wrote:
        new = _names(store, facts, path, old=False)
        fresh |= new - _names(store, facts, path, old=True)
    if not fresh:
        return frozenset(gone)
    used: set[bytes] = set()
    mine = set(facts.wrote)
    for path, leaf in walk(store, facts.tree):
        if path in mine or leaf.mode not in (REGULAR, EXECUTABLE):
            continue
        if leaf.oid not in known:
            data = store.blob(leaf.oid)
            known[leaf.oid] = frozenset(_WORD.findall(data)) if is_text(data) else frozenset()
        used |= known[leaf.oid]
    return frozenset({*gone, *(name for name in fresh if name.rpartition(".")[2].encode() not in used)})


def _names(store: ObjectStore, facts: CommitFacts, path: RepoPath, *, old: bool) -> set[str]:
    """Return the public names of a file before or after the commit, without their signatures."""
    if old:
        leaf = next((change.old for change in facts.changes if change.path == path), None)
    else:
        leaf = lookup(store, facts.tree, path)
    if leaf is None or leaf.mode not in (REGULAR, EXECUTABLE):
        return set()
    data = store.blob(leaf.oid)
    names = public_surface(path, data.decode("utf-8")) if is_text(data) else None
    return {bare_name(name) for name in names or ()}
