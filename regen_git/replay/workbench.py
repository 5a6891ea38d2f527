"""What every step of one replay shares: the repository's objects, the plan, and who answers and judges."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from regen_git.config import LONGEST_TEXT, Kind
from regen_git.git.trees import REGULAR, lookup, walk
from regen_git.replay.context import Lookup
from regen_git.replay.plan import Kind as StepKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from regen_git.config import Ownership
    from regen_git.domain.ids import IntentId, Oid, RepoPath
    from regen_git.domain.intent import Intent
    from regen_git.domain.verdict import GateResult, Verification
    from regen_git.git.objects import ObjectStore
    from regen_git.replay.answers import Answers
    from regen_git.replay.carry import Carried
    from regen_git.replay.context import Surroundings
    from regen_git.replay.facts import CommitFacts
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.plan import Plan, Step

__all__ = ["Judge", "Made", "Resolution", "StuckError", "Workbench"]


class Judge(Protocol):
    """Decides whether a tree is acceptable in the place of an original commit's."""

    def gates(self, facts: CommitFacts, tree: Oid) -> tuple[GateResult, ...]:
        """Judge without running anything."""

    async def checks(self, facts: CommitFacts, tree: Oid) -> Verification:
        """Run the checks, with the ratchet against the original."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person said about a stuck step: words for the model, or what to take."""

    notes: tuple[str, ...] = ()
    take_original: bool = False
    drop: bool = False
    tree: Oid | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What a step came to, before it is a commit.

    ``replies`` name the recorded replies that became it, in order. ``ignored`` are paths that a reply wanted
    to change and may not. ``request`` is the digest of the first request.
    """

    tree: Oid
    carried: tuple[Carried, ...] = ()
    replies: tuple[str, ...] = ()
    request: str = ""
    ignored: tuple[RepoPath, ...] = ()
    verification: Verification | None = None
    resolved: str = ""
    attempts: int = 0


class StuckError(Exception):
    """A step that neither rules nor the model could finish: a person is wanted. Not a failure of ours."""

    def __init__(self, step: Step, why: Sequence[str], best: Oid) -> None:
        super().__init__(why[0] if why else "no acceptable result")
        self.step = step
        self.why = tuple(why)
        self.best = best


@dataclass
class Workbench:
    """One replay's shared values. ``results`` are the trees of finished steps, by index.

    ``followed`` names, for a locked replay, the recorded replies that became each step.
    """

    store: ObjectStore
    options: ReplayOptions
    ownership: Ownership
    facts: Sequence[CommitFacts]
    plan: Plan
    intents: Mapping[IntentId, Intent]
    surroundings: Surroundings
    answers: Answers
    judge: Judge
    resolutions: Mapping[int, Resolution] = field(default_factory=dict)
    results: dict[int, Oid] = field(default_factory=dict)
    followed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    on_state: Callable[[Step, str], None] = lambda _step, _state: None

    def original_parent(self, step: Step) -> Oid | None:
        """Return the tree of the original commit's first parent; ``None`` for a root."""
        return self.facts[step.index].parent_tree

    def now(self, tree: Oid) -> Lookup:
        """Return a view of one tree."""
        return Lookup(self.store, lambda path: lookup(self.store, tree, path))

    def early(self, step: Step) -> Lookup:
        """Return the view of the step's ancestors in the plan alone, for asking before its turn.

        Where nobody in the range wrote a path, history's own parent has it.
        """
        parent = self.original_parent(step)

        def find(path: RepoPath) -> object:
            # A merge has whatever was written on any side of it, and nobody wrote since.
            steps = (self.plan.steps[i] for i in step.depends_on)
            writers = [each.index for each in steps if path in each.touched or each.kind is StepKind.MERGE]
            tree = self.results[max(writers)] if writers else parent
            return lookup(self.store, tree, path) if tree is not None else None

        return Lookup(self.store, find)  # type: ignore[arg-type]

    def held_out(self, tree: Oid) -> frozenset[str]:
        """Return the names, without folders and endings, of a tree's held-out files; no request says them."""
        if not self.ownership.holds_out:
            return frozenset()
        leaves = walk(self.store, tree)
        paths = (p for p, leaf in leaves if self.ownership.classify(p, leaf.mode) is Kind.HOLDOUT)
        return frozenset(PurePosixPath(path).stem for path in paths)

    def kind_of(self, tree: Oid, path: RepoPath) -> Kind:
        """Return whose a path is in a tree; one that is not there yet is judged by its name."""
        leaf = lookup(self.store, tree, path)
        if leaf is None:
            return self.ownership.classify(path, REGULAR)
        return self.ownership.classify(path, leaf.mode, lambda: self.store.short_blob(leaf.oid, LONGEST_TEXT))
