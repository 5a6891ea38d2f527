"""Gather what a step's request shows, from the trees it may look at."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.config import Kind, Ownership
from regen_git.config.ownership import is_text
from regen_git.git.trees import TREE, Leaf, lookup, read_tree
from regen_git.replay.compose import text_of
from regen_git.replay.imports import imported_paths, is_about
from regen_git.replay.people.regions import hand_lines
from regen_git.replay.request import Material, Shown
from regen_git.verify.surface import interface, public_surface

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.intent import Intent
    from regen_git.git.objects import ObjectStore
    from regen_git.replay.facts import CommitFacts

__all__ = ["Lookup", "Surroundings", "shown_paths"]

_CONVENTIONS = ("AGENTS.md", "CLAUDE.md", ".regen/conventions.md")
_MAX_TESTS = 40
_REMEMBERED = 4096  # folders


class Lookup:
    """Answers what stands at a path: in one tree, or in several where an ancestor step's result is wanted."""

    def __init__(self, store: ObjectStore, find: Callable[[RepoPath], Leaf | None]) -> None:
        self._store = store
        self._find = find

    def leaf(self, path: RepoPath) -> Leaf | None:
        """Return what stands at the path."""
        return self._find(path)

    def text(self, path: RepoPath) -> str | None:
        """Return the file as a model sees it; ``None`` for nothing, for a link and for what is not text."""
        leaf = self._find(path)
        if leaf is None or leaf.mode not in (0o100644, 0o100755):
            return None
        data = self._store.blob(leaf.oid)
        return text_of(data) if is_text(data) else None


def shown_paths(store: ObjectStore, facts: CommitFacts, parent: Oid | None) -> tuple[RepoPath, ...]:
    """Return the paths whose contents a request for this commit shows beside those it writes.

    They are read off the original trees, so that they are known before any call.
    """
    if parent is None:
        return ()
    found: dict[RepoPath, None] = {}
    for path in facts.wrote:
        leaf = lookup(store, facts.tree, path) or lookup(store, parent, path)
        if leaf is None:
            continue
        data = store.blob(leaf.oid)
        if is_text(data):
            exists = _exists_in(store, parent)
            found.update(dict.fromkeys(imported_paths(path, text_of(data), exists)))
    return tuple(path for path in found if path not in facts.wrote)


def _exists_in(store: ObjectStore, tree: Oid) -> Callable[[RepoPath], bool]:
    return lambda path: lookup(store, tree, path) is not None


@dataclass
class Surroundings:
    """Knows a repository's frozen surroundings; remembers test files by blob, since they rarely change."""

    store: ObjectStore
    ownership: Ownership
    _tests: dict[tuple[RepoPath, Oid], list[tuple[RepoPath, Leaf]]] = field(default_factory=dict)

    def material(
        self,
        facts: CommitFacts,
        intents: Sequence[Intent],
        now: Lookup,
        *,
        wrote: Sequence[RepoPath],
        shows: Sequence[RepoPath],
        parent: Oid | None,
        elsewhere: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
        beside: Sequence[RepoPath] = (),
    ) -> Material:
        """Return everything a request for this commit may hold. ``now`` answers for the rebuilt code.

        ``beside`` are frozen files, read as the original commit has them.
        """
        return Material(
            intents=tuple(intents),
            files=tuple(Shown(path, now.text(path)) for path in wrote),
            surface=self._surface(facts, wrote),
            interfaces=self._interfaces(now, shows),
            tests=self._related_tests(facts, wrote),
            beside=self._beside(facts, beside),
            hand=self.hand(facts),
            conventions=self.conventions(parent),
            elsewhere=elsewhere,
            notes=notes,
        )

    def _surface(self, facts: CommitFacts, wrote: Sequence[RepoPath]) -> Mapping[RepoPath, tuple[str, ...]]:
        original = Lookup(self.store, lambda path: lookup(self.store, facts.tree, path))
        found: dict[RepoPath, tuple[str, ...]] = {}
        for path in wrote:
            text = original.text(path)
            names = public_surface(path, text) if text is not None else None
            if names:
                found[path] = tuple(sorted(names))
        return found

    @staticmethod
    def _interfaces(now: Lookup, shows: Sequence[RepoPath]) -> tuple[Shown, ...]:
        found = []
        for path in shows:
            text = now.text(path)
            if text is not None and (heads := interface(path, text)):
                found.append(Shown(path, heads))
        return tuple(found)

    def _related_tests(self, facts: CommitFacts, wrote: Sequence[RepoPath]) -> tuple[Shown, ...]:
        """Return the shown tests of the original commit: those it changed, then those that name its files."""
        changed = {change.path for change in facts.changes}
        found: list[tuple[bool, RepoPath, str]] = []
        for path, leaf in self.test_files(facts.tree):
            data = self.store.blob(leaf.oid)
            if not is_text(data):
                continue
            text = text_of(data)
            if path in changed or any(is_about(text, mine) for mine in wrote):
                found.append((path not in changed, path, text))
        found.sort(key=lambda item: item[:2])
        return tuple(Shown(path, text) for _, path, text in found[:_MAX_TESTS])

    def test_files(self, tree: Oid, prefix: RepoPath = "") -> list[tuple[RepoPath, Leaf]]:
        """Return the shown tests below a folder; remembered by folder, since commits share most of theirs."""
        known = self._tests.get((prefix, tree))
        if known is not None:
            return known
        found: list[tuple[RepoPath, Leaf]] = []
        for name, leaf in read_tree(self.store, tree).items():
            path = prefix + os.fsdecode(name)
            if leaf.mode == TREE:
                found += self.test_files(leaf.oid, path + "/")
            elif self.ownership.classify(path, leaf.mode) is Kind.TEST:
                found.append((path, leaf))
        if len(self._tests) >= _REMEMBERED:
            self._tests.clear()
        self._tests[prefix, tree] = found
        return found

    def _beside(self, facts: CommitFacts, paths: Sequence[RepoPath]) -> tuple[Shown, ...]:
        original = Lookup(self.store, lambda path: lookup(self.store, facts.tree, path))
        texts = ((path, original.text(path)) for path in paths)
        return tuple(Shown(path, text) for path, text in texts if text is not None)

    def hand(self, facts: CommitFacts) -> Mapping[RepoPath, tuple[str, ...]]:
        """Return the lines that people wrote into this commit's files, by path, in blocks."""
        found: dict[RepoPath, tuple[str, ...]] = {}
        for path, ranges in facts.hand.items():
            leaf = lookup(self.store, facts.tree, path)
            if leaf is not None:
                blocks = hand_lines(self.store.blob(leaf.oid), ranges)
                found[path] = tuple(block.decode("utf-8", "replace") for block in blocks if block)
        return found

    def conventions(self, parent: Oid | None) -> tuple[Shown, ...]:
        """Return what the project tells agents about itself, as history has it: never generated."""
        if parent is None:
            return ()
        original = Lookup(self.store, lambda path: lookup(self.store, parent, path))
        texts = ((path, original.text(path)) for path in _CONVENTIONS)
        return tuple(Shown(path, text) for path, text in texts if text is not None)
