"""Why each step must run, or need not: this replay's steps against an earlier one's, before any call.

What a step that runs will answer is not known, so all that rests on it is said to run, too. When the replay
is made, a step that comes out as before stops that: what rests on it then keeps its recorded reply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.git.trees import lookup
from regen_git.llm.replies import ReplyStore
from regen_git.replay.again.earlier import Earlier, since_steps
from regen_git.replay.again.inputs import KINDS
from regen_git.replay.asking import asks, material_of, wrote_by
from regen_git.replay.context import Lookup, Surroundings
from regen_git.replay.plan import Kind
from regen_git.replay.workbench import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.replay.again.earlier import Before
    from regen_git.replay.asking import Asks
    from regen_git.replay.plan import Step
    from regen_git.replay.prepare import Prepared
    from regen_git.replay.request import Shown

__all__ = ["Forecast", "forecast", "summary"]

_UNCHANGED = "nothing that it rests on changed"
_SAID = {
    "notes": "what a person added for the model changed",
    "files": "the files it writes are others, or stand otherwise",
    "interfaces": "the interfaces it is shown are others",
    "migrations": "the migrations beside it changed",
    "surface": "the names that other code uses changed",
    "hand": "the lines that people wrote into its files changed",
    "elsewhere": "what other commits of its prompts cover changed",
    "rules": "the rules that every request begins with changed",
}


@dataclass(frozen=True, slots=True)
class Forecast:
    """Whether a step runs, and why. ``step`` is the first of its group."""

    step: Step
    runs: bool
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Unknown:
    """Who leaves a path in a state that is not known yet: a step that runs, or a commit that is new."""

    step: Step
    how: str


def forecast(prepared: Prepared, earlier: Earlier | None = None) -> list[Forecast]:
    """Return what becomes of each step that a model is asked for, in order. Asks nothing, writes nothing."""
    return _Forecaster(prepared, earlier or Earlier(prepared)).all()


def summary(told: Sequence[Forecast]) -> str:
    """Return ``3 of 40 steps run``."""
    running = sum(each.runs for each in told)
    verb = "runs" if running == 1 else "run"
    return f"{running} of {len(told)} {'step' if len(told) == 1 else 'steps'} {verb}"


class _Forecaster:
    def __init__(self, prepared: Prepared, earlier: Earlier) -> None:
        self._prepared = prepared
        self._earlier = earlier
        self._replies = ReplyStore(prepared.repo)
        since = prepared.options.since
        self._fresh = since_steps(prepared.plan, since) if since else frozenset()
        self._desk = Desk(
            store=prepared.repo.objects,
            options=prepared.options,
            ownership=prepared.ownership,
            facts=prepared.facts,
            plan=prepared.plan,
            intents={intent.id: intent for each in prepared.facts for intent in each.intents},
            surroundings=Surroundings(prepared.repo.objects, prepared.ownership),
            memory=prepared.memory,
        )

    def all(self) -> list[Forecast]:
        found: list[Forecast] = []
        on_line: dict[Oid, Mapping[RepoPath, _Unknown]] = {}
        for step in self._prepared.plan.steps:
            parents = self._prepared.facts[step.index].parents
            unknown: dict[RepoPath, _Unknown] = {}
            for parent in parents if self._prepared.options.mode == "chained" else ():
                unknown.update(on_line.get(parent, {}))
            if step.kind is Kind.REGENERATED and step.joins is None:
                told = self._one(step, unknown)
                found.append(told)
                if told.runs:
                    mine = _Unknown(step, f"will be made anew (step {step.index + 1})")
                    unknown.update(dict.fromkeys(wrote_by(self._desk, step), mine))
            else:
                unknown.update(self._by_people(step))
            on_line[step.commit] = unknown
        return found

    def _one(self, step: Step, unknown: Mapping[RepoPath, _Unknown]) -> Forecast:
        before = self._earlier.of(step)
        if step.index in self._fresh:
            return Forecast(step, runs=True, why=(f"asked afresh from {self._prepared.options.since} on",))
        if before is None:
            return Forecast(step, runs=True, why=("never generated",))
        below = [path for path in (*wrote_by(self._desk, step), *step.shows) if path in unknown]
        why = [f"{path} below it {unknown[path].how}" for path in below]
        if before.provenance.resolved:
            done = f"a person finished it ({before.provenance.resolved})"
            return Forecast(step, bool(why), (*why, done))
        asked = asks(self._desk, step, self._then(before), before.sample)
        why = [*self._differences(step, before, asked), *why]
        if below:
            return Forecast(step, runs=True, why=tuple(why))
        if asked.digest == before.provenance.request:
            missing = [reply for reply in before.provenance.replies if not self._replies.has(reply)]
            why = ["its reply is not recorded here"] if missing else [_UNCHANGED]
            return Forecast(step, bool(missing), tuple(why))
        is_recorded = self._replies.first(self._first(step, before, asked)) is not None
        return Forecast(step, not is_recorded, (*why, "its reply is recorded") if is_recorded else tuple(why))

    def _first(self, step: Step, before: Before, asked: Asks) -> str:
        """Return the digest of the request that is asked where the inputs are others than before."""
        if not before.sample or before.inputs == asked.inputs:
            return asked.digest
        return asks(self._desk, step, self._then(before), 0).digest

    def _then(self, before: Before) -> Lookup:
        """Return the files that the step stood on in the earlier replay."""
        tree, store = self._earlier.base_of(before), self._prepared.repo.objects
        return Lookup(store, lambda path: lookup(store, tree, path) if tree is not None else None)

    def _differences(self, step: Step, before: Before, asked: Asks) -> Iterator[str]:
        was = before.inputs
        if was is None:
            if asked.digest != before.provenance.request:
                yield "what it asks is not what was asked the last time"
            return
        for kind in KINDS:
            if was.get(kind) == asked.inputs.get(kind):
                continue
            if kind == "prompt":
                yield from self._prompts(step, before)
            elif kind == "model":
                yield self._model(before)
            elif kind in ("tests", "conventions"):
                yield from self._frozen(step, before, kind)
            else:
                yield _SAID[kind]

    def _prompts(self, step: Step, before: Before) -> Iterator[str]:
        group = self._desk.group(step)
        now = {one.id: str(one.revision) for s in group for one in self._prepared.facts[s.index].intents}
        was = before.asked
        for intent, revision in now.items():
            if intent not in was:
                yield f"prompt of {intent} is new here"
            elif was[intent] != revision:
                yield f"prompt of {intent} changed (revision {was[intent]} → {revision})"
        for gone in sorted(was.keys() - now.keys()):
            yield f"prompt of {gone} is not asked any more"
        if was == now:
            yield "its prompts are put otherwise"

    def _model(self, before: Before) -> str:
        was, now = before.provenance.model, self._prepared.options.model
        return f"model {was} → {now}" if was != now else "the parameters of the model changed"

    def _frozen(self, step: Step, before: Before, kind: str) -> Iterator[str]:
        """Name the files of history that differ from those in the earlier rebuilt commit."""
        material = material_of(self._desk, step, self._then(before))
        shown: Sequence[Shown] = material.tests if kind == "tests" else material.conventions
        commit = self._earlier.rebuilt.get(before.commit or "")
        store = self._prepared.repo.objects
        facts = self._prepared.facts[self._desk.group(step)[-1].index]
        changed = [
            each.path
            for each in shown
            if commit is None or lookup(store, commit.tree, each.path) != lookup(store, facts.tree, each.path)
        ]
        names = ", ".join(changed[:3]) + (" …" if len(changed) > 3 else "")  # noqa: PLR2004 - enough to know
        what = "frozen " if kind == "tests" else ""
        yield f"{what}{names} changed" if changed else f"the {kind} it is shown are others"

    def _by_people(self, step: Step) -> dict[RepoPath, _Unknown]:
        """Return the model's paths that a commit writes and that the earlier replay did not have from it."""
        facts = self._prepared.facts[step.index]
        before = self._earlier.of(step)
        if step.joins is not None or self._is_known(step, before):
            return {}
        mine = _Unknown(step, f"changes with step {step.index + 1}")
        return {
            path: mine for path in step.touched if path in facts.kinds and not facts.kinds[path].is_frozen
        }

    def _is_known(self, step: Step, before: Before | None) -> bool:
        """Return whether the earlier replay had this commit, as it is or before history was rewritten."""
        if before is not None:
            return before.provenance.raw.get("kind") == step.kind.value
        author = self._prepared.facts[step.index].commit.author
        return step.commit in self._earlier.rebuilt or (step.subject, author) in self._earlier.words
