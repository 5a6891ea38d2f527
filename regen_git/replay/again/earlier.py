"""What is recorded of an earlier replay, step by step: what this one is compared with, and goes on from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from regen_git.errors import UsageError
from regen_git.git.commits import read_commit
from regen_git.git.history import read_span
from regen_git.git.refs import read_ref
from regen_git.replay.plan import Kind
from regen_git.replay.provenance import recorded_anywhere, recorded_on
from regen_git.replay.workbench import First, Kept

if TYPE_CHECKING:
    from regen_git.domain.ids import IntentId, Oid
    from regen_git.git.commits import Commit
    from regen_git.replay.again.inputs import Inputs
    from regen_git.replay.plan import Plan, Step
    from regen_git.replay.prepare import Prepared
    from regen_git.replay.provenance import Provenance

__all__ = ["Before", "Earlier", "begin_from", "since_steps"]

_SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Before:
    """One step of an earlier replay: what is recorded of it, and its rebuilt commit where that is known."""

    provenance: Provenance
    commit: Oid | None

    @property
    def sample(self) -> int:
        """The number of the sample that was taken."""
        told = str(self.provenance.raw.get("sample", "0"))
        return int(told) if told.isdecimal() else 0

    @property
    def inputs(self) -> Inputs | None:
        """What its request was made from; ``None`` where nobody wrote that down."""
        told = self.provenance.raw.get("inputs")
        return {str(kind): str(digest) for kind, digest in told.items()} if isinstance(told, dict) else None

    @property
    def asked(self) -> dict[str, str]:
        """The revision of each intent that was asked."""
        told = self.provenance.raw.get("asked")
        parts = (str(each).partition("@") for each in told) if isinstance(told, list) else ()
        return {intent: revision for intent, _, revision in parts}


class Earlier:
    """The replay that went before: the one on the branch, else what provenance holds of the same mode.

    A step is found by its source commit, and, where history was rewritten since, by what is asked at it.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._by_source: dict[Oid, Before] = {}
        self._by_intents: dict[frozenset[str], Before] = {}
        options = prepared.options
        on_branch = recorded_on(prepared.repo, [self.tip]) if self.tip else ()
        anywhere = [(None, told) for told in recorded_anywhere(prepared.repo)]
        # The same model's first: with another one, all is asked again, whatever else changed.
        anywhere.sort(key=lambda pair: pair[1].model != options.model)
        wanted = set(prepared.plan.by_commit)
        # One commit may have come about in several ways: the last document in its note counts.
        for commit, told in chain(reversed([*on_branch]), anywhere):
            if told.raw.get("mode", options.mode) != options.mode or told.raw.get("kind") == "module":
                continue
            self._take(Before(told, commit), is_wanted=commit is not None or told.source in wanted)

    @cached_property
    def tip(self) -> Oid | None:
        """Where the replay's branch is."""
        return read_ref(self._prepared.repo, self._prepared.options.branch)

    def of(self, step: Step) -> Before | None:
        """Return what is recorded of a step."""
        found = self._by_source.get(step.commit)
        if found is None and step.intents:
            found = self._by_intents.get(frozenset(step.intents))
        return found

    @cached_property
    def rebuilt(self) -> dict[Oid, Commit]:
        """The commits on the branch that the range came to, oldest first, by id."""
        if self.tip is None:
            return {}
        repo = self._prepared.repo
        base = self._prepared.options.span.rpartition("..")
        span = read_span(repo, f"{base[0]}..{self.tip}" if base[1] else self.tip)
        return {oid: read_commit(repo.objects, oid) for oid in span.commits}

    @cached_property
    def words(self) -> frozenset[tuple[str, bytes]]:
        """Subject and author of each of these commits: what stays where history is rewritten."""
        return frozenset((commit.subject, commit.author) for commit in self.rebuilt.values())

    def base_of(self, before: Before) -> Oid | None:
        """Return the tree that a step of the earlier replay stood on; ``None`` for nothing, or not known."""
        commit = self.rebuilt.get(before.commit or "")
        if commit is None or not commit.parents:
            return None
        first = commit.parents[0]
        known = self.rebuilt.get(first)
        return known.tree if known is not None else read_commit(self._prepared.repo.objects, first).tree

    def _take(self, before: Before, *, is_wanted: bool) -> None:
        if not is_wanted:
            return
        told = before.provenance
        self._by_source.setdefault(told.source, before)
        if before.asked:
            self._by_intents.setdefault(frozenset(before.asked), before)


def since_steps(plan: Plan, since: str) -> frozenset[int]:
    """Return the steps that ask for an intent, and all that depend on them.

    It is named by the beginning of its id, or of its commit's. Raises ``UsageError`` where that names none or
    more than one.
    """
    of_intent: dict[IntentId, set[int]] = {}
    for step in plan.steps:
        for intent in step.intents if step.kind is Kind.REGENERATED else ():
            of_intent.setdefault(intent, set()).add(step.index)
    named = [intent for intent in of_intent if intent.startswith(since.lower())]
    commits = [step for step in plan.steps if step.commit.startswith(since.lower())]
    if len(named) > 1:
        raise UsageError(f"'{since}' could be {len(named)} intents", hint="give more of the id")
    if not named and (len(commits) != 1 or commits[0].kind is not Kind.REGENERATED):
        raise UsageError(
            f"no step of this replay asks for '{since}'", hint="'git regen log' shows intents and commits"
        )
    begun = of_intent[named[0]] if named else {commits[0].index}
    return _with_dependents(plan, begun)


def _with_dependents(plan: Plan, begun: set[int]) -> frozenset[int]:
    """Return these steps, the first of each one's group, and all that rest on one of them."""
    found = {plan.steps[index].members[0] if plan.steps[index].members else index for index in begun}
    for step in plan.steps:
        head = step.members[0] if step.members else step.index
        if head in found or step.index in found or any(needed in found for needed in step.depends_on):
            found |= {head, step.index}
    return frozenset(found)


def begin_from(prepared: Prepared, earlier: Earlier) -> tuple[dict[int, First], dict[int, Kept]]:
    """Return with which sample each step begins, and what a person made of a step, by index.

    A step goes on with the sample that was taken the last time. One that is asked afresh takes the number
    after those that were tried then, so that nothing that is recorded answers it.
    """
    since = prepared.options.since
    fresh = since_steps(prepared.plan, since) if since else frozenset()
    samples: dict[int, First] = {}
    kept: dict[int, Kept] = {}
    for step in prepared.plan.steps:
        before = earlier.of(step) if step.kind is Kind.REGENERATED else None
        if before is None:
            continue
        if step.index in fresh:
            samples[step.index] = First((before.sample // _SAMPLES + 1) * _SAMPLES)
        elif before.provenance.resolved and before.provenance.source == step.commit:
            if before.asked == _revisions(prepared, step):
                kept[step.index] = Kept(earlier.base_of(before), before.provenance.tree)
        elif before.sample:
            samples[step.index] = First(before.sample, before.inputs)
    return samples, kept


def _revisions(prepared: Prepared, step: Step) -> dict[str, str]:
    group = [prepared.plan.steps[index] for index in step.members] or [step]
    intents = (intent for each in group for intent in prepared.facts[each.index].intents)
    return {intent.id: str(intent.revision) for intent in intents}
