"""One replay from its options to its branch: plan, run, publish locally, and say what came of it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from regen_git.config import Ownership
from regen_git.domain.ids import derived_intent_id
from regen_git.domain.intent import Intent, Prompt
from regen_git.domain.verdict import Verdict
from regen_git.errors import GitError, ReplayError
from regen_git.git.commits import read_commit
from regen_git.git.history import Span, read_span
from regen_git.git.notes import update_notes
from regen_git.git.refs import read_ref, update_ref
from regen_git.git.trailers import values
from regen_git.ledger.codec import union
from regen_git.ledger.store import PROVENANCE_REF
from regen_git.replay import options as stored
from regen_git.replay.answers import Answers, History, Models, Recorded
from regen_git.replay.context import Surroundings, shown_paths
from regen_git.replay.engine import Engine, Finished, Outcome, Progress
from regen_git.replay.facts import ADOPTS, SOURCE, CommitFacts, read_facts
from regen_git.replay.follow import own_replies
from regen_git.replay.journal import Journal, hold
from regen_git.replay.judging import TreeJudge
from regen_git.replay.plan import Plan, make_plan
from regen_git.replay.provenance import Provenance, recorded_anywhere, recorded_on, verdict_document
from regen_git.replay.workbench import Resolution, Workbench
from regen_git.verify.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from regen_git.config import Settings
    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import Verification
    from regen_git.git.repository import Repository
    from regen_git.llm.client import ModelClient
    from regen_git.llm.prices import Price
    from regen_git.replay.options import ReplayOptions
    from regen_git.verify.runner import Verifier

_TRAILER = re.compile(r"(?:[A-Z][A-Za-z-]*-(?:by|By|Intent|Source|Model)|Claude-Session): ")

__all__ = ["Finish", "Prepared", "prepare", "replays_folder", "run_replay"]


@dataclass
class Prepared:
    """A replay that is planned and has asked nothing yet."""

    repo: Repository
    options: ReplayOptions
    settings: Settings
    facts: list[CommitFacts]
    plan: Plan
    ownership: Ownership


@dataclass
class Finish:
    """What a run came to. ``verification`` is the tip's; ``seconds`` nobody measures here."""

    prepared: Prepared
    outcome: Outcome
    answers: Answers
    tip: Oid | None
    verification: Verification | None
    previous_tip: Oid | None
    warnings: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the tip; indeterminate as long as there is none."""
        if self.verification is None or self.outcome.stuck is not None:
            return Verdict.INDETERMINATE
        return self.verification.verdict


def replays_folder(repo: Repository, name: str) -> Path:
    """Return where a replay keeps its options and journal."""
    return repo.data_dir / "replays" / name


def prepare(repo: Repository, options: ReplayOptions, settings: Settings) -> Prepared:
    """Read history and plan. Raises ``ReplayError`` when there is nothing to regenerate."""
    span = Span(options.only, (options.only,), options.only) if options.only else _pinned(repo, options)
    ownership = Ownership(settings.paths)
    facts = [_with_words(each, options) for each in read_facts(repo, span, ownership)]
    wanted = {f.commit.id for f in facts if _is_asked(f, options)}
    skipped = set() if options.is_original else _compiled(facts)
    store = repo.objects
    shown = {}
    if not options.is_original or options.rewrite:
        for each in facts:
            if each.commit.id in wanted and each.commit.parents:
                parent = read_commit(store, each.commit.parents[0]).tree
                shown[each.commit.id] = shown_paths(store, each, parent)
    grouped = options.grouped and not options.is_original and options.mode == "chained"
    plan = make_plan(facts, shown=shown, regenerate=wanted, grouped=grouped, skipped=skipped)
    if options.mode == "anchored":
        plan = replace(
            plan, steps=tuple(replace(s, depends_on=()) for s in plan.steps), waves=min(1, plan.waves)
        )
    return Prepared(repo, options, settings, facts, plan, ownership)


def _pinned(repo: Repository, options: ReplayOptions) -> Span:
    """Return the range with its end as it was when the replay began: a branch may move meanwhile."""
    base, dots, _ = options.span.rpartition("..")
    return read_span(repo, f"{base}..{options.tip}" if dots else options.tip)


def _with_words(facts: CommitFacts, options: ReplayOptions) -> CommitFacts:
    """Let the message speak for a commit that shall be regenerated and has no recorded intent."""
    if facts.intents or not _is_asked(facts, options):
        return facts
    commit = facts.commit
    intent = derived_intent_id("message", commit.id)
    words = Intent(intent, (Prompt(_without_trailers(commit.text)),), "message", commit.author_name)
    return replace(facts, intents=(words,))


def _without_trailers(text: str) -> str:
    kept = [line for line in text.rstrip().split("\n") if not _TRAILER.match(line)]
    return "\n".join(kept).rstrip() + "\n"


def _is_asked(facts: CommitFacts, options: ReplayOptions) -> bool:
    from regen_git.agents.evidence import evidence_of

    if facts.intents or options.only is not None:
        return True
    if options.include == "recorded":
        return False
    commit = facts.commit
    return options.include == "all" or evidence_of(commit.text, commit.author_name).maker == "agent"


def _compiled(facts: list[CommitFacts]) -> set[Oid]:
    """Return the commits that adopted a rebuilt tree whose sources are in the range: output, not source."""
    commits = {each.commit.id for each in facts}
    return {
        each.commit.id
        for each in facts
        if values(each.commit.message, ADOPTS)
        and any(source in commits for source in values(each.commit.message, SOURCE))
    }


def run_replay(
    prepared: Prepared,
    *,
    client: Callable[[], ModelClient] | None = None,
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
    client: Callable[[], ModelClient] | None
    price: Price | None
    on_progress: Callable[[Progress, Answers], None]


async def _drive(run: _Run) -> Finish:
    prepared, journal = run.prepared, run.journal
    repo, options = prepared.repo, prepared.options
    answers, store, opened = _answers(prepared, run.client, run.price)
    judge = TreeJudge(
        repo.objects, prepared.ownership, run.verifier, prepared.facts, released_tree(repo, prepared)
    )
    entries = journal.read()
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
        resolutions={**_recorded_resolutions(prepared), **resolutions_in(entries)},
        followed=_followed(prepared),
    )
    bench.on_state = lambda step, state: journal.note(step=step.index, state=state)
    engine = Engine(
        repo,
        bench,
        journal,
        finished=finished_in(entries),
        merge_base=lambda parents: _merge_base(repo, parents),
        on_progress=lambda progress: run.on_progress(progress, answers),
    )
    try:
        outcome = await engine.run()
    finally:
        if opened is not None:
            await opened.aclose()
        store.flush()
    tip = _last_commit(prepared.plan, outcome)
    verification = await _judge_tip(prepared, bench, outcome, tip)
    finish = Finish(prepared, outcome, answers, tip, verification, run.previous)
    _publish(finish)
    journal.note(state="ended", **_ended(finish))
    journal.write()
    return finish


def _ended(finish: Finish) -> dict[str, Any]:
    """Return what the journal keeps of a whole run, for reports."""
    from regen_git.verify.statement import to_json

    tally = finish.answers.tally
    return {
        "tip": finish.tip,
        "calls": tally.calls,
        "reused": tally.reused,
        "prompt_tokens": tally.prompt_tokens,
        "completion_tokens": tally.completion_tokens,
        "cost_usd": tally.cost_usd,
        "stuck": finish.outcome.stuck.step.index if finish.outcome.stuck else None,
        "verdict": finish.verdict.value,
        "verification": to_json(finish.verification) if finish.verification else None,
    }


def _answers(
    prepared: Prepared, client: Callable[[], ModelClient] | None, price: Price | None
) -> tuple[Answers, Any, ModelClient | None]:
    """Return who answers, the store of replies, and the client to close when all is done."""
    from regen_git.llm.budget import Budget
    from regen_git.llm.replies import ReplyStore

    repo, options = prepared.repo, prepared.options
    store = ReplyStore(repo)
    if options.locked:
        return Recorded(store, _named_replies(prepared)), store, None
    if options.is_original:
        return History(store if options.rewrite else None), store, None
    if client is None:
        raise ReplayError(f"nobody answers for model '{options.model}'", hint="give a model with --model")
    opened = client()
    budget = Budget(options.budget_usd, options.budget_tokens)
    limit = asyncio.Semaphore(max(1, options.jobs))
    return Models(opened, store, budget, price, limit), store, opened


def _named_replies(prepared: Prepared) -> dict[str, str]:
    """Return, by request, the reply that became a commit, as provenance names it."""
    named: dict[str, str] = {}
    for provenance in _provenance_of(prepared).values():
        for reply in provenance.replies:
            digest, _, reply_id = reply.partition("/")
            named.setdefault(digest, reply_id)
    return named


def _followed(prepared: Prepared) -> dict[int, tuple[str, ...]]:
    """Return, by step, the replies that a locked replay follows."""
    by_commit = prepared.plan.by_commit
    return {
        by_commit[source]: refs
        for source, p in _provenance_of(prepared).items()
        if not p.resolved and p.request and (refs := own_replies(p.request, p.replies))
    }


def _recorded_resolutions(prepared: Prepared) -> dict[int, Resolution]:
    """Return what people resolved, by step, for a locked replay to follow."""
    by_commit = prepared.plan.by_commit
    return {
        by_commit[source]: Resolution(tree=p.tree)
        for source, p in _provenance_of(prepared).items()
        if p.resolved
    }


def _provenance_of(prepared: Prepared) -> dict[Oid, Provenance]:
    """Return the provenance of each step that a locked replay follows, by source commit; empty otherwise.

    That on the replay's own branch counts first, then any by the same model and mode, as notes have it.
    """
    options, repo = prepared.options, prepared.repo
    if not options.locked:
        return {}
    tip = read_ref(repo, options.branch)
    found = [p for _, p in recorded_on(repo, [tip])] if tip else []
    found += [p for p in recorded_anywhere(repo) if p.raw.get("mode") == options.mode]
    known: dict[Oid, Provenance] = {}
    for provenance in found:
        fits = provenance.source in prepared.plan.by_commit
        if fits and (not provenance.model or provenance.model == options.model):
            known.setdefault(provenance.source, provenance)
    return known


def released_tree(repo: Repository, prepared: Prepared) -> Oid | None:
    """Return the tree that makes the data new code must read: the latest tag's, else the source's own.

    ``None`` where the settings say nothing of state.
    """
    if prepared.settings.state is None:
        return None
    source = prepared.facts[-1].commit
    status, out = repo.git_status("describe", "--tags", "--abbrev=0", source.id, ok=(0, 128))
    if status != 0:
        return source.tree
    tag = out.decode("utf-8", "surrogateescape").strip()
    return read_commit(repo.objects, repo.resolve(f"refs/tags/{tag}")).tree


def finished_in(entries: list[dict[str, Any]]) -> dict[int, Finished]:
    """Return the steps that an earlier run finished, by index."""
    found: dict[int, Finished] = {}
    for entry in entries:
        if entry.get("state") == "committed":
            found[int(entry["step"])] = Finished(entry["commit"], str(entry.get("document", "")).encode())
        elif entry.get("state") == "restart":
            found.clear()
    return found


def resolutions_in(entries: list[dict[str, Any]]) -> dict[int, Resolution]:
    """Return what a person said about stuck steps, the last word counting; notes add up."""
    found: dict[int, Resolution] = {}
    for entry in entries:
        if entry.get("state") == "restart":
            found.clear()
        if entry.get("state") != "resolved":
            continue
        index = int(entry["step"])
        before = found.get(index, Resolution())
        notes = (*before.notes, *entry.get("notes", []))
        found[index] = Resolution(
            notes, bool(entry.get("original")), bool(entry.get("drop")), entry.get("tree")
        )
    return found


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


def _publish(finish: Finish) -> None:
    """Move the replay's branch and write the provenance of its commits. Nothing of the user's is touched."""
    repo, options = finish.prepared.repo, finish.prepared.options
    tip, previous, verification = finish.tip, finish.previous_tip, finish.verification
    repo.objects.flush()
    documents = {oid: [raw] for oid, raw in finish.outcome.documents.items() if raw}
    if tip is not None and verification is not None:
        documents.setdefault(tip, []).append(verdict_document(tip, verification))

    def united_with(added: list[bytes]) -> Callable[[bytes], bytes]:
        return lambda old: union(old, *added)

    if documents:
        notes = {oid: united_with(raws) for oid, raws in documents.items()}
        update_notes(repo, PROVENANCE_REF, notes, f"regen: provenance of {options.name}")
    if tip is not None and tip != previous:
        try:
            update_ref(repo, options.branch, tip, previous, f"regen replay: {options.name}")
        except GitError as error:
            raise ReplayError(
                f"cannot move 'regen/{options.name}': {error}",
                hint=f"the rebuilt tip is {tip}; make a branch for it with 'git branch NAME {tip}'",
            ) from error
