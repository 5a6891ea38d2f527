"""Walk a plan in commit order, make the commits, and keep a journal from which a kill can be survived.

Answers are asked for ahead of their turn where the plan allows it; but what becomes of a step depends on its
turn alone: the request is built again on the tree that really stands there, and an early answer is used only
if it answers that very request. So the same replies give the same commits, whatever runs at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from regen_git.git.commits import Commit, read_commit, rewrite
from regen_git.git.trailers import add, without
from regen_git.git.trees import is_same
from regen_git.replay.again.inputs import asked_of
from regen_git.replay.answers import looked_at
from regen_git.replay.asking import asked_for, first_request
from regen_git.replay.facts import MODEL, SOURCE
from regen_git.replay.generate import begun_with, regenerate, settle_group
from regen_git.replay.merges import MergeInputs, rebuild_merge
from regen_git.replay.people.byhand import apply_history, by_person, compared, kept_whole, settle_carried
from regen_git.replay.people.carry import told_of
from regen_git.replay.plan import Kind, Step
from regen_git.replay.workbench import Made, StuckError

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.git.repository import Repository
    from regen_git.replay.journal import Journal
    from regen_git.replay.keeping import Keeper
    from regen_git.replay.workbench import Workbench

__all__ = ["Engine", "Finished", "Outcome", "Progress"]

_FLUSH_EVERY = 256
_AHEAD = 16


@dataclass(slots=True)
class Progress:
    """How far a replay is, for whoever shows it."""

    total: int
    done: int = 0
    state: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A step that an earlier run finished: its commit, and its provenance, empty for a reused one."""

    commit: Oid
    document: bytes


@dataclass
class Outcome:
    """How a run ended: all steps done, or stuck at one.

    ``made`` is what became of each step of this run; ``resumed`` are the documents of those of earlier runs.
    """

    commits: dict[int, Oid] = field(default_factory=dict)
    reused: set[int] = field(default_factory=set)
    resumed: dict[Oid, bytes] = field(default_factory=dict)
    verifications: dict[int, Verification] = field(default_factory=dict)
    made: dict[int, Made] = field(default_factory=dict)
    stuck: StuckError | None = None


@dataclass
class Engine:
    """Runs one plan. ``finished`` are commits that an earlier run made, by index."""

    repo: Repository
    bench: Workbench
    journal: Journal
    keeper: Keeper
    finished: dict[int, Finished] = field(default_factory=dict)
    merge_base: Callable[[tuple[Oid, ...]], Oid | None] = lambda _parents: None
    on_progress: Callable[[Progress], None] = lambda _progress: None
    run_number: int = 0
    outcome: Outcome = field(default_factory=Outcome)
    _early: dict[int, asyncio.Task[Any]] = field(default_factory=dict)
    _is_asking: bool = False
    _since_flush: int = 0
    _calls_flushed: int = 0

    async def run(self) -> Outcome:
        """Do every step in order. A ``StuckError`` ends it early and is part of the outcome."""
        steps = self.bench.plan.steps
        progress = Progress(len(steps))
        self._watch()
        try:
            for step in steps:
                progress.subject = step.subject
                self.on_progress(progress)
                await self._one(step)
                progress.done += 1
                if self._is_asking:
                    self._ask_ahead()
        except StuckError as stuck:
            self.outcome.stuck = stuck
            about = {"source": stuck.step.commit, "why": list(stuck.why), "best": stuck.best}
            self.journal.note(step=stuck.step.index, state="stuck", **about)
        finally:
            await self._wind_up()
        self.on_progress(progress)
        return self.outcome

    def _watch(self) -> None:
        """Ask ahead from the first step on that is not simply known: before, there is nothing to ask."""
        bench, told = self.bench, self.bench.on_state

        def on_state(step: Step, state: str) -> None:
            told(step, state)
            if state == "generating" and not self._is_asking:
                self._is_asking = True
                self._ask_ahead(step.index)

        bench.on_state = on_state

    async def _wind_up(self) -> None:
        for task in self._early.values():
            task.cancel()
        await asyncio.gather(*self._early.values(), return_exceptions=True)
        settle = getattr(self.bench.answers, "settle", None)
        if settle is not None:
            await settle()
        self._flush()

    async def _one(self, step: Step) -> None:
        index = step.index
        parents = self._parents(step)
        known = self.finished.get(index)
        if known is not None and self._still_fits(known.commit, parents):
            self._keep(step, known.commit)
            self.keeper.add(known.commit, parents)
            if known.document:
                self.outcome.resumed[known.commit] = known.document
            return
        if step.kind is Kind.SKIPPED:
            self._keep(step, parents[0])
            return
        made = await self._make(step, parents)
        if step.kind is Kind.REGENERATED and not self.bench.options.is_original:
            made = compared(self.bench, step, made)
            made = replace(made, carried=(*made.carried, *(made.inside or ())))
        if not made.resolved and index in self.bench.resolutions:
            # What a person said is nowhere but in this clone's journal: a locked replay follows the tree.
            made = replace(made, resolved="with a person's help")
        self._commit(step, made, parents)

    def _still_fits(self, commit: Oid, parents: tuple[Oid, ...]) -> bool:
        """Return whether a commit that an earlier run made is here, whole, on the right parents."""
        store = self.bench.store
        if commit not in store:
            # Collected as garbage before any ref held it. It is made again, from recorded replies.
            return False
        found = read_commit(store, commit)
        return found.parents == parents and found.tree in store

    def _keep(self, step: Step, commit: Oid) -> None:
        self.outcome.commits[step.index] = commit
        if commit == step.commit:
            self.outcome.reused.add(step.index)
        self.bench.results[step.index] = read_commit(self.bench.store, commit).tree

    def _parents(self, step: Step) -> tuple[Oid, ...]:
        by_commit = self.bench.plan.by_commit
        originals = self.bench.facts[step.index].parents
        return tuple(self.outcome.commits[by_commit[p]] if p in by_commit else p for p in originals)

    async def _make(self, step: Step, parents: tuple[Oid, ...]) -> Made:
        bench = self.bench
        store = bench.store
        facts = bench.facts[step.index]
        original = facts.parent_tree
        base = self._trees(step, parents)[0] if parents else None
        if bench.options.mode == "anchored":
            base = original
        resolution = bench.resolutions.get(step.index)
        kept = bench.kept.get(step.index)
        decided = resolution.tree if resolution is not None else None
        if kept is not None and kept.base == base:
            decided = decided or kept.tree
        if decided is not None:
            return Made(decided, by_person(bench, step, decided), resolved="tree")
        if step.kind is Kind.MERGE:
            return await self._merge(step, parents)
        is_regenerated = step.kind is Kind.REGENERATED
        asks = is_regenerated and not (bench.options.is_original and not bench.options.rewrite)
        if base == original and not asks and not facts.dropped:
            # A commit that stays what it is tells nothing; one on new parents tells where its hunks are.
            is_told = parents != facts.parents and step.kind is Kind.CARRIED and not bench.options.is_original
            return Made(facts.tree, kept_whole(bench, step) if is_told else ())
        empty = store.write("tree", b"")
        if not is_regenerated:
            tree, carried, replies = await apply_history(bench, step, base or empty, ())
            return await self._checked(step, Made(tree, carried, replies))
        if step.joins is not None:
            return await settle_group(bench, step, base or empty)
        early = self._early.pop(step.index, None)
        if early is not None:
            # Whether it worked shows when the request is made at its turn; being cancelled is not swallowed.
            await asyncio.wait({early})
        return await regenerate(bench, step, base or empty)

    def _trees(self, step: Step, parents: tuple[Oid, ...]) -> tuple[Oid, ...]:
        """Return the trees of a step's rebuilt parents."""
        by_commit, results = self.bench.plan.by_commit, self.bench.results
        return tuple(
            results[by_commit[old]] if old in by_commit else read_commit(self.bench.store, new).tree
            for old, new in zip(self.bench.facts[step.index].parents, parents, strict=True)
        )

    async def _merge(self, step: Step, parents: tuple[Oid, ...]) -> Made:
        bench = self.bench
        store = bench.store
        facts = bench.facts[step.index]
        if bench.options.mode == "anchored":
            return Made(facts.tree)
        originals = tuple(read_commit(store, p).tree for p in facts.parents)
        rebuilt = self._trees(step, parents)
        if originals == rebuilt:
            return Made(facts.tree)
        fork = self.merge_base(facts.parents)
        new_fork = self.outcome.commits.get(bench.plan.by_commit.get(fork or "", -1), fork)
        trees = MergeInputs(
            facts.tree,
            originals,
            rebuilt,
            read_commit(store, fork).tree if fork else None,
            read_commit(store, new_fork).tree if new_fork else None,
        )
        tree, carried = rebuild_merge(store, trees)
        settled, replies = await settle_carried(bench, step, carried, tree)
        from regen_git.git.trees import edit

        tree = edit(store, tree, {each.path: each.leaf for each in settled})
        return await self._checked(step, Made(tree, tuple(settled), replies))

    async def _checked(self, step: Step, made: Made) -> Made:
        """Judge a step that asked nobody, where every step is to be judged."""
        if self.bench.options.check != "every":
            return made
        self.bench.on_state(step, "checking")
        verification = await self.bench.judge.checks(self.bench.facts[step.index], made.tree)
        return Made(made.tree, made.carried, made.replies, verification=verification)

    def _commit(self, step: Step, made: Made, parents: tuple[Oid, ...]) -> None:
        from regen_git.replay.provenance import encode

        bench = self.bench
        commit = bench.facts[step.index].commit
        options = bench.options
        asked = bool(made.request or made.resolved)
        if asked and step.joins is None and not options.is_original:
            made = replace(made, asked=asked_of(bench.intents[one] for one in asked_for(bench, step)))
        is_compared = made.inside is not None and made.request
        if asked and not is_compared and is_same(bench.store, made.tree, commit.tree):
            made = replace(made, tree=commit.tree)
        unchanged = made.tree == commit.tree and parents == commit.parents
        document = b""
        if unchanged and not options.rewrite and (options.is_original or not asked):
            new = commit.id
            self.outcome.reused.add(step.index)
        else:
            pairs = [(SOURCE, commit.id)]
            if asked:
                pairs.append((MODEL, options.model))
            raw = rewrite(commit, tree=made.tree, parents=parents, message=_message(commit, pairs))
            new = bench.store.write("commit", raw)
            self.keeper.add(new, parents)
            document = encode(step, made, model=options.model, mode=options.mode)
        self.outcome.commits[step.index] = new
        self.outcome.made[step.index] = made
        if made.verification is not None:
            self.outcome.verifications[step.index] = made.verification
        bench.results[step.index] = made.tree
        told = {**_told(made), "document": document.decode("utf-8", "replace")}
        told["kind"] = "reused" if new == commit.id else step.kind.value
        if new != commit.id and commit.is_signed:
            told["unsigned"] = True
        self.journal.note(step=step.index, state="committed", source=commit.id, commit=new, **told)
        self._since_flush += 1
        if bench.answers.tally.calls != self._calls_flushed or self._since_flush >= _FLUSH_EVERY:
            self._flush()

    def _flush(self) -> None:
        """Make what was done survive a kill: replies and objects first, then the lines that speak of them."""
        self.bench.answers.flush()
        reached = self.keeper.gather()
        self.bench.store.flush()
        self.keeper.hold(reached)
        if self.bench.memory is not None:
            self.bench.memory.write()
        tally = self.bench.answers.tally
        if tally.calls != self._calls_flushed:
            self.journal.note(state="spent", run=self.run_number, **tally.told())
        self.journal.write()
        self._since_flush = 0
        self._calls_flushed = tally.calls

    def _ask_ahead(self, now: int | None = None) -> None:
        """Ask for every step whose ancestors in the plan are done, as far as calls may be in flight.

        ``now`` is the step whose turn it is: it asks for itself.
        """
        options = self.bench.options
        if options.is_original or options.locked or options.jobs <= 1:
            return
        open_tasks = sum(not task.done() for task in self._early.values())
        done = len(self.outcome.commits)
        # A bounded look ahead: the work after each step must not grow with the length of history.
        for step in self.bench.plan.steps[done : done + _AHEAD * options.jobs]:
            if open_tasks >= options.jobs:
                return
            index = step.index
            waits = (
                index == now
                or index in self.outcome.commits
                or index in self._early
                or index in self.finished
            )
            if waits or step.kind is not Kind.REGENERATED or step.joins is not None:
                continue
            if all(needed in self.bench.results for needed in step.depends_on):
                task = asyncio.create_task(self._ask_early(step))
                task.add_done_callback(looked_at)
                self._early[index] = task
                open_tasks += 1

    async def _ask_early(self, step: Step) -> None:
        resolution = self.bench.resolutions.get(step.index)
        if resolution is not None and (resolution.tree or resolution.take_original):
            return
        now = self.bench.early(step)
        sample, asked = begun_with(self.bench, step, now)
        store = getattr(self.bench.answers, "store", None)
        if store is not None and store.first(asked.digest) is not None:
            return
        request = asked.request or first_request(self.bench, step, now, sample)
        await self.bench.answers.ask(request, history=None)


def _message(commit: Commit, pairs: list[tuple[str, str]]) -> bytes:
    """Return the commit's message with where it comes from, in the place of what an earlier replay said."""
    return add(without(commit.message, (SOURCE, MODEL)), pairs)


def _told(made: Made) -> dict[str, Any]:
    """Return what the journal keeps of a step, for reports."""
    told: dict[str, Any] = {}
    if made.replies:
        told["replies"] = list(made.replies)
    if made.carried:
        told["carried"] = [told_of(carried) for carried in made.carried]
    if made.ignored:
        told["ignored"] = list(made.ignored)
    if made.resolved:
        told["resolved"] = made.resolved
    if made.attempts:
        told["attempts"] = made.attempts
    if made.verification is not None:
        told["verdict"] = made.verification.verdict.value
    return told
