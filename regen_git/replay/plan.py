"""Order the work before anything is asked: which commit becomes which kind of step, and what waits for what.

Pure: everything comes from facts that were read before, so the same history always gives the same plan.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from regen_git.domain.ids import IntentId, Oid, RepoPath
    from regen_git.replay.facts import CommitFacts

__all__ = ["Include", "Kind", "Plan", "Step", "make_plan"]

Include = Literal["recorded", "message", "all"]
"""Which commits are regenerated: with recorded intents, also with evidence of an agent, or all."""

_JOINING = frozenset({"correction", "answer", "operation"})


class Kind(Enum):
    """What a step does."""

    REGENERATED = "regenerated"
    CARRIED = "carried"
    MERGE = "merge"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of the plan.

    ``wrote`` are the paths that the model is asked for, ``shows`` those whose contents the request shows.
    ``joins`` names the step whose request holds this one's prompts already; ``members`` are all steps of a
    group, this one included, in order. ``depends_on`` are indices of steps whose results this one needs.
    ``retracted`` are intents of the commit that are not asked any more.
    """

    index: int
    commit: Oid
    subject: str
    kind: Kind
    intents: tuple[IntentId, ...] = ()
    wrote: tuple[RepoPath, ...] = ()
    shows: tuple[RepoPath, ...] = ()
    touched: tuple[RepoPath, ...] = ()
    depends_on: tuple[int, ...] = ()
    members: tuple[int, ...] = ()
    joins: int | None = None
    retracted: tuple[IntentId, ...] = ()

    @property
    def is_last_of_group(self) -> bool:
        """Whether the group is judged here."""
        return not self.members or self.members[-1] == self.index


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, oldest first. ``waves`` is the length of the longest chain of requests that wait in line."""

    steps: tuple[Step, ...]
    waves: int
    by_commit: Mapping[Oid, int] = field(default_factory=dict)

    def count(self, kind: Kind) -> int:
        """Return how many steps are of this kind."""
        return sum(step.kind is kind for step in self.steps)


def make_plan(
    facts: Sequence[CommitFacts],
    *,
    shown: Mapping[Oid, tuple[RepoPath, ...]],
    regenerate: Collection[Oid],
    grouped: bool,
    skipped: Collection[Oid] = (),
) -> Plan:
    """Plan these commits, oldest first.

    ``shown`` names, by commit, the paths whose contents its request shows; ``regenerate`` the commits with an
    intent to ask for, ``skipped`` those that are compiled output of others. With ``grouped``, what only
    corrects or answers joins the step it speaks of.
    """
    steps = [
        replace(step, kind=Kind.SKIPPED, wrote=(), shows=()) if step.commit in skipped else step
        for step in (_step(index, each, shown, regenerate) for index, each in enumerate(facts))
    ]
    if grouped:
        steps = _group(steps, facts)
    steps = _depend(steps, facts)
    return Plan(tuple(steps), _waves(steps, facts), {step.commit: step.index for step in steps})


def _step(
    index: int,
    facts: CommitFacts,
    shown: Mapping[Oid, tuple[RepoPath, ...]],
    regenerate: Collection[Oid],
) -> Step:
    kind = Kind.CARRIED
    if len(facts.parents) > 1:
        kind = Kind.MERGE
    elif facts.id in regenerate and facts.wrote:
        kind = Kind.REGENERATED
    is_asked = kind is Kind.REGENERATED
    return Step(
        index=index,
        commit=facts.id,
        subject=facts.subject,
        kind=kind,
        intents=tuple(intent.id for intent in facts.intents),
        wrote=facts.wrote if is_asked else (),
        shows=shown.get(facts.id, ()) if is_asked else (),
        touched=facts.touched,
        retracted=facts.retracted,
    )


def _group(steps: list[Step], facts: Sequence[CommitFacts]) -> list[Step]:
    """Let each step that only corrects join the step it corrects: same session, or the nearest same file."""
    leader: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    for step in steps:
        if step.kind is not Kind.REGENERATED:
            continue
        target = _continued(step, steps, facts)
        if target is None and _only_joins(facts[step.index]):
            target = _corrected(step, steps, facts)
        if target is None:
            members[step.index] = [step.index]
            continue
        head = leader.get(target, target)
        leader[step.index] = head
        members[head].append(step.index)
    grouped = list(steps)
    for head, group in members.items():
        if len(group) > 1:
            for index in group:
                grouped[index] = replace(
                    steps[index], members=tuple(group), joins=None if index == head else head
                )
    return grouped


def _continued(step: Step, steps: Sequence[Step], facts: Sequence[CommitFacts]) -> int | None:
    """Return the step right before this one if all that is asked here was asked there already."""
    parents = facts[step.index].parents
    before = steps[step.index - 1] if step.index else None
    if before is None or parents[:1] != (before.commit,) or before.kind is not Kind.REGENERATED:
        return None
    return before.index if set(step.intents) <= set(before.intents) else None


def _only_joins(facts: CommitFacts) -> bool:
    """Whether every prompt is classified as one that corrects, answers or operates."""
    kinds = {prompt.kind for intent in facts.intents for prompt in intent.prompts}
    return bool(kinds) and kinds <= _JOINING


def _corrected(step: Step, steps: Sequence[Step], facts: Sequence[CommitFacts]) -> int | None:
    """Return the nearest earlier regenerated step on the first-parent line that this one can speak of."""
    mine = set(step.wrote)
    position = {each.commit: each.index for each in steps[: step.index]}
    parents = facts[step.index].parents
    while parents and parents[0] in position:
        earlier = steps[position[parents[0]]]
        if earlier.kind is Kind.MERGE:
            return None
        if earlier.kind is Kind.REGENERATED and mine & set(earlier.wrote):
            return earlier.index
        parents = facts[earlier.index].parents
    return None


@dataclass(slots=True)
class _Line:
    """Who wrote what last, on the way to one commit. ``floor`` is the last merge on it: before that, anybody.

    Where a path was not written since, the merge is what has it.
    """

    last: dict[RepoPath, int] = field(default_factory=dict)
    floor: int = -1


def _depend(steps: list[Step], facts: Sequence[CommitFacts]) -> list[Step]:
    """Say which results each step needs: the last writers of what it shows or writes, on its own line.

    A merge needs its parents, and with them all that they stand on. Memory goes with the paths of the lines
    that are open at once, not with the length of history.
    """
    position = {step.commit: step.index for step in steps}
    heirs = Counter(position.get(each.parents[0]) for each in facts if each.parents)
    first: dict[RepoPath, int] = {}
    lines: dict[int, _Line] = {}
    done: list[Step] = []
    for step in steps:
        parents = [position[p] for p in facts[step.index].parents if p in position]
        start = position.get(next(iter(facts[step.index].parents), ""))
        before = _inherited(lines, heirs, start, is_kept=step.kind is not Kind.MERGE)
        if step.kind is Kind.MERGE:
            needs, line = set(parents), _Line(floor=step.index)
        else:
            wanted = {*step.wrote, *step.shows} if step.kind is Kind.REGENERATED else step.touched
            needs, line = set(_writers(before, first, wanted)), before
        line.last.update(dict.fromkeys(step.touched, step.index))
        for path in step.touched:
            first.setdefault(path, step.index)
        if heirs[step.index]:
            lines[step.index] = line
        done.append(replace(step, depends_on=tuple(sorted(needs))))
    return done


def _inherited(
    lines: dict[int, _Line], heirs: Counter[int | None], parent: int | None, *, is_kept: bool
) -> _Line:
    """Return the first parent's line to go on with; the last heir takes it without a copy."""
    if parent is None:
        return _Line()
    heirs[parent] -= 1
    if heirs[parent] == 0:
        return lines.pop(parent)
    return _Line(dict(lines[parent].last), lines[parent].floor) if is_kept else _Line()


def _writers(line: _Line, first: Mapping[RepoPath, int], wanted: Iterable[RepoPath]) -> Iterator[int]:
    for path in wanted:
        if path in line.last:
            yield line.last[path]
        elif first.get(path, line.floor) < line.floor:
            yield line.floor


def _waves(steps: Sequence[Step], facts: Sequence[CommitFacts]) -> int:
    """Return how many requests stand one behind the other on the longest chain."""
    position = {step.commit: step.index for step in steps}
    depth: list[int] = []
    so_far: list[int] = []
    for step in steps:
        parents = [position[p] for p in facts[step.index].parents if p in position]
        behind = max((so_far[index] for index in parents), default=0)
        needed = max((depth[index] for index in step.depends_on), default=0)
        asks = step.kind is Kind.REGENERATED and step.joins is None
        depth.append(behind if step.kind is Kind.MERGE else needed + asks)
        so_far.append(max(behind, depth[-1]))
    return max(depth, default=0)
