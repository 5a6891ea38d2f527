"""One replay from its options to its branch: plan, run, publish locally, and say what came of it."""

from __future__ import annotations

import asyncio
import concurrent.futures
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from regen_git.domain.verdict import Verdict
from regen_git.errors import GitError, ReplayError
from regen_git.git.notes import update_notes
from regen_git.git.refs import read_ref, update_ref
from regen_git.ledger.codec import split, union
from regen_git.ledger.store import PROVENANCE_REF
from regen_git.llm.late import LateClient
from regen_git.llm.replies import ReplyStore
from regen_git.replay import options as stored
from regen_git.replay.again.earlier import Earlier, begin_from
from regen_git.replay.answers import Answers, History, Models, Recorded, Spent
from regen_git.replay.context import Surroundings
from regen_git.replay.engine import Engine, Finished, Outcome, Progress
from regen_git.replay.journal import Journal, hold
from regen_git.replay.judging import TreeJudge
from regen_git.replay.keeping import Keeper
from regen_git.replay.locked import Lock, read_lock
from regen_git.replay.prepare import Prepared, released_tree
from regen_git.replay.provenance import encode, request_line, verdict_document
from regen_git.replay.resuming import check_branch, finished_in, last_run, resolutions_in, spent_in
from regen_git.replay.spending import Spending
from regen_git.replay.workbench import Workbench
from regen_git.verify.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.git.repository import Repository
    from regen_git.llm.client import ModelClient, Request
    from regen_git.llm.prices import Price
    from regen_git.replay.folded.engine import FoldedEngine
    from regen_git.replay.plan import Plan
    from regen_git.verify.runner import Verifier

_PROVENANCE = b"---\nprovenance:"
_NOTES_AT_ONCE = 16_384  # so that a long history is not in memory whole

OpenClient: TypeAlias = "Callable[[Callable[[Request], Awaitable[None]]], ModelClient]"
"""Opens a client. It gets what to await before a question is sent again that may have been billed."""

__all__ = ["Finish", "OpenClient", "replays_folder", "run_replay"]


# asyncio asks for the text of its task's result when it takes its signal handler back: a whole history's.
@dataclass(repr=False)
class Finish:
    """What a run came to. ``verification`` is the tip's; ``seconds`` nobody measures here."""

    prepared: Prepared
    outcome: Outcome
    answers: Answers
    tip: Oid | None
    verification: Verification | None
    previous_tip: Oid | None
    run_number: int = 0

    @property
    def ran(self) -> frozenset[int]:
        """The steps that a model was asked for in this run, by index."""
        called = self.answers.called if isinstance(self.answers, Models) else set()
        return frozenset(
            index
            for index, made in self.outcome.made.items()
            if any(reply.partition("/")[0] in called for reply in made.replies)
        )

    @property
    def verdict(self) -> Verdict:
        """The verdict on the tip; indeterminate as long as there is none."""
        if self.verification is None or self.outcome.stuck is not None:
            return Verdict.INDETERMINATE
        return self.verification.verdict


def replays_folder(repo: Repository, name: str) -> Path:
    """Return where a replay keeps its options and journal."""
    return repo.data_dir / "replays" / name


def run_replay(
    prepared: Prepared,
    *,
    client: OpenClient | None = None,
    price: Price | None = None,
    on_progress: Callable[[Progress, Answers], None] = lambda _p, _a: None,
) -> Finish:
    """Run a prepared replay to its end, or to where a person is wanted, and move its branch.

    Raises ``ModelError`` and ``BudgetError`` when a model cannot go on; what was done is kept, and
    ``KeyboardInterrupt`` leaves the same state.
    """
    repo, options = prepared.repo, prepared.options
    folder = replays_folder(repo, options.name)
    with hold(folder, options.name):
        stored.save(folder, options)
        journal = Journal(folder / "journal.jsonl")
        previous = read_ref(repo, options.branch)
        _refuse_checked_out(repo, options.branch)
        jobs = max(1, options.jobs)
        with concurrent.futures.ThreadPoolExecutor(max_workers=jobs) as executor:
            from regen_git.verify.runner import Verifier

            trusted = Trust(repo).is_trusted(prepared.settings.digest)
            with Verifier(repo, prepared.settings, trusted=trusted, executor=executor) as verifier:
                run = _Run(prepared, journal, verifier, previous, client, price, on_progress)
                return asyncio.run(_drive(run))


@dataclass(frozen=True)
class _Run:
    """What one run of a prepared replay is driven by. ``previous`` is the branch's tip before it."""

    prepared: Prepared
    journal: Journal
    verifier: Verifier
    previous: Oid | None
    client: OpenClient | None
    price: Price | None
    on_progress: Callable[[Progress, Answers], None]


async def _drive(run: _Run) -> Finish:
    prepared, journal = run.prepared, run.journal
    repo, options = prepared.repo, prepared.options
    lock = read_lock(prepared)
    entries = journal.read()
    check_branch(last_run(entries), run.previous, options.name)
    journal.tell([{"state": "begun", "branch": run.previous}], is_durable=True)
    spent = spent_in(entries)
    answers, store, opened = _answers(run, lock, spent)
    judge = TreeJudge(
        repo.objects,
        prepared.ownership,
        run.verifier,
        prepared.facts,
        released_tree(prepared),
        prepared.releases,
    )
    bench = Workbench(
        store=repo.objects,
        options=options,
        ownership=prepared.ownership,
        facts=prepared.facts,
        plan=prepared.plan,
        intents={intent.id: intent for each in prepared.facts for intent in each.intents},
        surroundings=Surroundings(repo.objects, prepared.ownership),
        answers=answers,
        judge=judge,
        resolutions={**lock.resolved, **resolutions_in(entries)},
        followed=lock.followed,
        memory=prepared.memory,
        releases=prepared.releases,
    )
    if (options.changed or options.since) and not options.is_from_spec:
        bench.samples, bench.kept = begin_from(prepared, Earlier(prepared))
    bench.on_state = lambda step, state: journal.note(step=step.index, state=state)
    finished = finished_in(entries)
    keeper = Keeper(repo, options.name, is_going_on=bool(finished))
    engine = _engine(run, bench, finished, keeper=keeper, store=store, number=spent.runs)
    try:
        outcome = await engine.run()
    finally:
        if opened is not None:
            await opened.aclose()
        store.flush()
        if prepared.memory is not None:
            prepared.memory.close()
    tip = _last_commit(prepared.plan, outcome)
    verification = await _judge_tip(prepared, bench, outcome, tip)
    finish = Finish(prepared, outcome, answers, tip, verification, run.previous, run_number=spent.runs)
    _publish(finish)
    journal.note(state="ended", **_ended(finish))
    journal.write()
    if outcome.stuck is None:
        keeper.let_go()
    return finish


def _engine(
    run: _Run,
    bench: Workbench,
    finished: dict[int, Finished],
    *,
    keeper: Keeper,
    store: ReplyStore,
    number: int,
) -> Engine | FoldedEngine:
    """Return what runs the plan: through history, or through the modules of a spec."""
    prepared, repo = run.prepared, run.prepared.repo

    def on_progress(progress: Progress) -> None:
        run.on_progress(progress, bench.answers)

    if prepared.options.is_from_spec:
        from regen_git.replay.folded.engine import FoldedEngine
        from regen_git.replay.folded.planning import FoldedPrepared

        if not isinstance(prepared, FoldedPrepared):
            raise TypeError("a spec is generated as it was planned")
        return FoldedEngine(
            repo,
            bench,
            prepared,
            run.journal,
            run.verifier,
            store,
            released=released_tree(prepared),
            on_progress=on_progress,
            run_number=number,
        )
    return Engine(
        repo,
        bench,
        run.journal,
        keeper,
        finished=finished,
        merge_base=lambda parents: _merge_base(repo, parents),
        on_progress=on_progress,
        run_number=number,
    )


def _ended(finish: Finish) -> dict[str, Any]:
    """Return what the journal keeps of a whole run, for reports."""
    from regen_git.verify.statement import to_json

    return {
        "tip": finish.tip,
        **finish.answers.tally.told(),
        "run": finish.run_number,
        "stuck": finish.outcome.stuck.step.index if finish.outcome.stuck else None,
        "verdict": finish.verdict.value,
        "verification": to_json(finish.verification) if finish.verification else None,
        "overwritten": _overwritten(finish),
    }


def _overwritten(finish: Finish) -> list[list[Any]]:
    """Return the hunks of people that a finished replay's tip lacks; history's own answers lose none."""
    prepared, tip = finish.prepared, finish.tip
    options = prepared.options
    if tip is None or finish.outcome.stuck is not None or options.mode != "chained" or options.is_original:
        return []
    from regen_git.replay.people.overwritten import written_over

    return written_over(prepared.repo, prepared.ownership, (options.tip, tip), prepared.facts)


def _answers(run: _Run, lock: Lock, spent: Spent) -> tuple[Answers, ReplyStore, ModelClient | None]:
    """Return who answers, the store of replies, and the client to close when all is done."""
    from regen_git.llm.budget import Budget

    repo, options = run.prepared.repo, run.prepared.options
    store = ReplyStore(repo)
    if options.locked:
        return Recorded(store, lock.named), store, None
    if options.is_original:
        return History(store if options.rewrite else None), store, None
    if run.client is None:
        raise ReplayError(f"nobody answers for model '{options.model}'", hint="give a model with --model")

    async def unsure(request: Request) -> None:
        await models.unsure(request)

    client = run.client
    opened = LateClient(lambda: client(unsure))
    if run.previous is None:
        # Nothing was replayed before, so a model will be asked: what that takes is brought in meanwhile.
        opened.open()
    budget = Budget(options.budget_usd, options.budget_tokens)
    # The budget is the replay's, however often it is stopped and resumed.
    budget.spent_usd, budget.spent_tokens = spent.usd, spent.tokens
    models = Models(opened, store, budget, run.price, asyncio.Semaphore(max(1, options.jobs)))
    models.spending = Spending(run.journal, spent.runs)
    return models, store, opened


def _merge_base(repo: Repository, parents: tuple[Oid, ...]) -> Oid | None:
    out = repo.git("merge-base", "--octopus", *parents, ok=(0, 1)).decode("ascii").split()
    return out[0] if out else None


def _last_commit(plan: Plan, outcome: Outcome) -> Oid | None:
    """Return the commit of the last step that was done without a gap before it."""
    last = None
    for step in plan.steps:
        if step.index not in outcome.commits:
            break
        last = outcome.commits[step.index]
    return last


async def _judge_tip(
    prepared: Prepared, bench: Workbench, outcome: Outcome, tip: Oid | None
) -> Verification | None:
    """Judge the tip, unless its own step was judged or the replay is not at its end."""
    steps = prepared.plan.steps
    if tip is None or outcome.stuck is not None or prepared.options.check == "never":
        return None
    last = steps[-1]
    judged = outcome.verifications.get(last.index)
    if judged is not None:
        return judged
    return await bench.judge.checks(prepared.facts[last.index], bench.results[last.index])


def _refuse_checked_out(repo: Repository, branch: str) -> None:
    listed = repo.git("worktree", "list", "--porcelain").decode("utf-8", "replace").splitlines()
    if f"branch {branch}" in listed:
        raise ReplayError(
            f"'{branch.removeprefix('refs/heads/')}' is checked out in a worktree",
            hint="check out another branch there, or give this replay another --name",
        )


def _documents(finish: Finish) -> Iterator[tuple[Oid, tuple[bytes | None, Callable[[], bytes]]]]:
    """Yield the provenance of every rebuilt commit: written again where this run made it, else as it was.

    Each is the line that names its request, ``None`` for a document that never is in the ledger already, and
    what writes the document: most need not be written.
    """
    options, outcome = finish.prepared.options, finish.outcome
    for known, document in outcome.resumed.items():
        # That of a spec says what each module rests on now, and is told whenever that is something else.
        is_one = document.startswith(_PROVENANCE) and not options.is_from_spec
        asked = _asked_in(document) if is_one else None
        yield known, (asked, partial(bytes, document))
    for step in finish.prepared.plan.steps:
        commit = outcome.commits.get(step.index)
        if commit is not None and step.index in outcome.made and step.index not in outcome.reused:
            made = outcome.made[step.index]
            written = partial(encode, step, made, model=options.model, mode=options.mode)
            yield commit, (request_line(made), written)


def _told_with(asked: bytes | None, written: Callable[[], bytes]) -> Callable[[bytes], bytes]:
    def united(old: bytes) -> bytes:
        # How a commit first came to be stays: doing it again in the same way says nothing new about it.
        told = (_asked_in(raw) for raw in split(old) if raw.startswith(_PROVENANCE))
        return old if asked is not None and asked in told else union(old, written())

    return united


def _asked_in(document: bytes) -> bytes:
    """Return the line of a provenance document that names its request; empty if nothing was asked."""
    return next((line for line in document.split(b"\n") if line.startswith(b"request: ")), b"")


def _publish(finish: Finish) -> None:
    """Move the replay's branch and write the provenance of its commits. Nothing of the user's is touched."""
    repo, options = finish.prepared.repo, finish.prepared.options
    tip, previous, verification = finish.tip, finish.previous_tip, finish.verification
    repo.objects.flush()
    documents = _documents(finish)
    while chunk := list(islice(documents, _NOTES_AT_ONCE)):
        notes = {oid: _told_with(*told) for oid, told in chunk}
        update_notes(repo, PROVENANCE_REF, notes, f"regen: provenance of {options.name}")
    if tip is not None and verification is not None:
        verdict = verdict_document(tip, verification)
        notes = {tip: lambda old: union(old, verdict)}
        update_notes(repo, PROVENANCE_REF, notes, f"regen: verdict on {options.name}")
    if tip is not None and tip != previous:
        try:
            update_ref(repo, options.branch, tip, previous, f"regen replay: {options.name}")
        except GitError as error:
            raise ReplayError(
                f"cannot move 'regen/{options.name}': {error}",
                hint=f"the rebuilt tip is {tip}; make a branch for it with 'git branch NAME {tip}'",
            ) from error
