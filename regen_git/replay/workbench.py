"""What every step of one replay shares: the repository's objects, the plan, and who answers and judges."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
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
    from regen_git.replay.again.inputs import Inputs
    from regen_git.replay.again.memory import Memory
    from regen_git.replay.answers import Answers
    from regen_git.replay.context import Surroundings
    from regen_git.replay.facts import CommitFacts
    from regen_git.replay.options import ReplayOptions
    from regen_git.replay.people.carry import Carried
    from regen_git.replay.plan import Plan, Step

__all__ = ["Desk", "First", "Judge", "Kept", "Made", "Resolution", "StuckError", "Workbench"]


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
    to change and may not. ``request`` is the digest of the first request, ``sample`` its number, ``inputs``
    what it was made from and ``asked`` the intents in it with their revisions. ``inside`` is what became of
    people's lines in the agent's own commit; ``None`` as long as nobody has compared it with history.
    """

    tree: Oid
    carried: tuple[Carried, ...] = ()
    replies: tuple[str, ...] = ()
    request: str = ""
    ignored: tuple[RepoPath, ...] = ()
    verification: Verification | None = None
    resolved: str = ""
    attempts: int = 0
    sample: int = 0
    inputs: tuple[tuple[str, str], ...] = ()
    asked: tuple[str, ...] = ()
    inside: tuple[Carried, ...] | None = None


class StuckError(Exception):
    """A step that neither rules nor the model could finish: a person is wanted. Not a failure of ours."""

    def __init__(self, step: Step, why: Sequence[str], best: Oid) -> None:
        super().__init__(why[0] if why else "no acceptable result")
        self.step = step
        self.why = tuple(why)
        self.best = best


@dataclass(frozen=True, slots=True)
class First:
    """The number of the first sample to ask a step for; only where it has these inputs, if any are given."""

    sample: int
    inputs: Inputs | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a person made of a step on ``base``: the tree stays as long as that is what it stands on."""

    base: Oid | None
    tree: Oid


@dataclass(kw_only=True)
class Desk:
    """What a request is made from: the repository's objects, the plan, and what is known of its steps."""

    store: ObjectStore
    options: ReplayOptions
    ownership: Ownership
    facts: Sequence[CommitFacts]
    plan: Plan
    intents: Mapping[IntentId, Intent]
    surroundings: Surroundings
    resolutions: Mapping[int, Resolution] = field(default_factory=dict)
    memory: Memory | None = None

    def original_parent(self, step: Step) -> Oid | None:
        """Return the tree of the original commit's first parent; ``None`` for a root."""
        return self.facts[step.index].parent_tree

    def now(self, tree: Oid) -> Lookup:
        """Return a view of one tree."""
        return Lookup(self.store, lambda path: lookup(self.store, tree, path))

    def group(self, step: Step) -> list[Step]:
        """Return the steps that are asked for together with this one, in order."""
        return [self.plan.steps[index] for index in step.members] or [step]

    @cached_property
    def steps_of(self) -> Mapping[IntentId, Sequence[Step]]:
        """The steps that write something, by intent, in order."""
        found: dict[IntentId, list[Step]] = {}
        for step in self.plan.steps:
            for intent in step.intents if step.wrote else ():
                found.setdefault(intent, []).append(step)
        return found

    @cached_property
    def pasts(self) -> Sequence[str]:
        """A digest, by step, of all commits of the range up to it and of what is known of who wrote them."""
        found, so_far = [], ""
        for each in self.facts:
            said = repr((so_far, each.id, each.bindings, bool(each.intents), each.mark))
            so_far = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
            found.append(so_far)
        return found


@dataclass(kw_only=True)
class Workbench(Desk):
    """One replay's shared values. ``results`` are the trees of finished steps, by index.

    ``followed`` names, for a locked replay, the recorded replies that became each step. ``samples`` say with
    which sample a step begins, and ``kept`` what a person made of one, where that goes by an earlier replay.
    ``releases`` are the trees of the last release at each commit, where migrations are judged by them.
    """

    answers: Answers
    judge: Judge
    results: dict[int, Oid] = field(default_factory=dict)
    followed: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    samples: Mapping[int, First] = field(default_factory=dict)
    kept: Mapping[int, Kept] = field(default_factory=dict)
    releases: Mapping[Oid, Oid] = field(default_factory=dict)
    on_state: Callable[[Step, str], None] = lambda _step, _state: None

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
