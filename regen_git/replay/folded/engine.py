"""Generate a planned spec: agree on interfaces, build modules side by side, mend the whole, make one commit.

What a module is asked depends on the spec, the agreed interfaces and the public surface of what it needs, and
on nothing that runs at the same time; so the same replies give the same commit, whatever ``--jobs`` says.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from regen_git.errors import NoRecordedReplyError
from regen_git.git.trees import diff, edit, is_same, subtree
from regen_git.replay.answers import Recorded
from regen_git.replay.engine import Outcome, Progress
from regen_git.replay.folded.agreeing import agree
from regen_git.replay.folded.building import Builder, Built
from regen_git.replay.folded.given import read_given, stuck_told
from regen_git.replay.folded.last import documents_on
from regen_git.replay.folded.mending import Mender
from regen_git.replay.folded.recording import commit_bytes, documents
from regen_git.replay.folded.source import AFRESH, CHANGED
from regen_git.replay.folded.standing import Standing
from regen_git.replay.folded.telling import module_told, people_told
from regen_git.replay.resuming import last_run
from regen_git.replay.workbench import StuckError
from regen_git.spec.values import SPEC_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.git.repository import Repository
    from regen_git.llm.replies import ReplyStore
    from regen_git.replay.folded.asking import Asked
    from regen_git.replay.folded.planning import FoldedPrepared, Unit
    from regen_git.replay.journal import Journal
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench
    from regen_git.verify.runner import Verifier

__all__ = ["FoldedEngine"]


@dataclass
class FoldedEngine:
    """Runs one generation. ``released`` is the tree that makes the data which the new code must read."""

    repo: Repository
    bench: Workbench
    prepared: FoldedPrepared
    journal: Journal
    verifier: Verifier
    replies: ReplyStore
    released: Oid | None = None
    on_progress: Callable[[Progress], None] = lambda _progress: None
    run_number: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    _progress: Progress = field(default_factory=lambda: Progress(0))

    def __post_init__(self) -> None:
        """Make what builds and mends modules; a person may have handed in some of them."""
        bench, prepared = self.bench, self.prepared
        self._builder = Builder(bench, prepared)
        self._standing = Standing(bench.store, prepared)
        self._given = read_given(prepared, bench.resolutions, self.journal.read())
        self._mender = Mender(
            bench, prepared, self._standing, self._builder, self.verifier, self.released, self._given
        )

    async def run(self) -> Outcome:
        """Generate everything that must run. A ``StuckError`` ends it early and is part of the outcome."""
        self._progress = Progress(len(self.prepared.plan.steps))
        self.on_progress(self._progress)
        try:
            if not self.bench.options.locked and not self._is_without_interfaces():
                self._standing.agreement = await agree(self.bench, self.prepared, self.replies)
            await self._build_all()
            tree, verification = await self._mender.settled()
            self._commit(tree, verification)
        except StuckError as stuck:
            self._stop_at(stuck)
        finally:
            await self._wind_up()
        self.on_progress(self._progress)
        return self.outcome

    def _is_without_interfaces(self) -> bool:
        """Return whether a person handed in a tree because nobody had the interfaces."""
        first = self.bench.resolutions.get(0)
        return self.prepared.has_interfaces and first is not None and first.tree is not None

    def _stop_at(self, stuck: StuckError) -> None:
        """Keep what a person needs to go on: the state, whose its files are, and what would help."""
        self.outcome.stuck = stuck
        step = stuck.step
        ways = ["note", "edit"]
        if any(unit.module.files for unit in self.prepared.units if step.subject == _subject(unit)):
            ways.insert(1, "original")
        self.bench.store.flush()
        self.journal.note(
            step=step.index,
            state="stuck",
            source=step.commit,
            why=list(stuck.why),
            best=stuck.best,
            ways=ways,
            modules=stuck_told(self._standing.built),
        )

    async def _wind_up(self) -> None:
        settle = getattr(self.bench.answers, "settle", None)
        if settle is not None:
            await settle()
        self.bench.answers.flush()
        self.bench.store.flush()
        self.journal.note(state="spent", run=self.run_number, **self.bench.answers.tally.told())
        self.journal.write()

    # Building -----------------------------------------------------------------------------------------

    async def _build_all(self) -> None:
        """Build every module, each as soon as all it needs is there."""
        tasks: dict[str, asyncio.Task[Built]] = {}
        for position, unit in enumerate(self.prepared.units):
            step = self.bench.plan.steps[self.prepared.index_of(position)]
            needed = [tasks[name] for name in unit.module.needs]
            tasks[unit.module.name] = asyncio.create_task(self._when_ready(unit, step, needed))
        done = await asyncio.gather(*tasks.values(), return_exceptions=True)
        failed = [each for each in done if isinstance(each, BaseException)]
        stuck = next((each for each in failed if isinstance(each, StuckError)), None)
        other = next((each for each in failed if not isinstance(each, StuckError)), None)
        if other is not None:
            raise other
        if stuck is not None:
            edits = {c.path: c.new for c in diff(self.bench.store, self.prepared.base, stuck.best)}
            raise StuckError(stuck.step, stuck.why, edit(self.bench.store, self._standing.whole(), edits))

    async def _when_ready(self, unit: Unit, step: Step, needed: list[asyncio.Task[Built]]) -> Built:
        if needed:
            await asyncio.gather(*needed)
        built = await self._one(unit, step)
        self._standing.built[unit.module.name] = built
        self.bench.on_state(step, "built")
        self._progress.done += 1
        self._progress.subject = step.subject
        self.on_progress(self._progress)
        return built

    async def _one(self, unit: Unit, step: Step) -> Built:
        name = unit.module.name
        if step.index in self.bench.followed and isinstance(self.bench.answers, Recorded):
            return self._builder.follow(unit, step, self._standing.ground(unit), self.bench.answers.read)
        if self.bench.options.locked:
            if unit.why and step.index not in self.bench.resolutions:
                raise NoRecordedReplyError(
                    f"no reply is recorded for module '{name}'",
                    hint="replay without --locked, or fetch the replies of whoever generated this",
                )
            kept = self._builder.kept(unit, step)
            return replace(kept, resolved="tree") if step.index in self.bench.resolutions else kept
        inputs, asked = self._standing.inputs(unit)
        if self._given is not None and name in self._given.files:
            return replace(self._given.built(self.prepared, unit, step), inputs=inputs)
        if not unit.why:
            last = self.prepared.last.modules[name]
            # Early cut-off: what it needs may have been written anew and look from outside as it did.
            why = tuple(CHANGED[kind] for kind in inputs if last.inputs.get(kind) != inputs[kind])
            if not why:
                return replace(self._builder.kept(unit, step), inputs=inputs)
            unit = replace(unit, why=why)
        self.bench.on_state(step, "generating")
        sample = self._fresh_sample(unit, step, asked) if unit.why[0].startswith(AFRESH) else 0
        built = await self._builder.build(unit, step, asked, self._standing.ground(unit), sample)
        return replace(built, inputs=inputs)

    def _fresh_sample(self, unit: Unit, step: Step, asked: Asked) -> int:
        """Return the first sample that nobody asked for; once chosen, it stays so when a kill is resumed."""
        chosen = [e for e in last_run(self.journal.read()) if e.get("state") == "sampled"]
        known = next((int(e["sample"]) for e in chosen if e.get("step") == step.index), None)
        if known is not None:
            return known
        sample = 0
        while self.replies.first(self._builder.request(unit, step, asked, sample).digest) is not None:
            sample += 1
        self.journal.tell([{"step": step.index, "state": "sampled", "sample": sample}], is_durable=True)
        return sample

    # Recording ----------------------------------------------------------------------------------------

    def _commit(self, tree: Oid, verification: Verification | None) -> None:
        prepared, store, options = self.prepared, self.bench.store, self.bench.options
        tip = prepared.tip
        built = self._standing.as_seen_next()
        if is_same(store, tree, tip.tree):
            tree = tip.tree
        commit = tip.id
        if tree != tip.tree or options.rewrite:
            raw = commit_bytes(tip, tree, subtree(store, tip.tree, SPEC_FOLDER) or "", options, built)
            commit = store.write("commit", raw)
            # What is followed says nothing new of what it rested on, and knows less of it.
            if not options.locked or not documents_on(self.repo, commit):
                notes = documents(prepared, self._standing.agreement, built, tree, verification)
                self.outcome.resumed[commit] = notes
        else:
            self.outcome.reused.update(step.index for step in prepared.plan.steps)
            if not options.locked and not options.is_original:
                # The source is what its own spec generates: the next generation need not find that out again.
                notes = documents(prepared, self._standing.agreement, built, tree, verification)
                self.outcome.resumed[commit] = notes
        store.flush()
        by_index: Mapping[int, Built] = {each.step.index: each for each in built}
        for step in prepared.plan.steps:
            self.outcome.commits[step.index] = commit
            self.bench.results[step.index] = tree
            made = by_index.get(step.index)
            told: dict[str, Any] = {"kind": "interfaces", "replies": list(self._standing.agreement.replies)}
            if made is not None:
                told = module_told(made, people_told(self.bench.store, self.prepared, made, tree))
            self.journal.note(step=step.index, state="committed", source=tip.id, commit=commit, **told)
        if verification is not None:
            self.outcome.verifications[prepared.plan.steps[-1].index] = verification


def _subject(unit: Unit) -> str:
    return f"module {unit.module.name}"
