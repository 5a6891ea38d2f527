"""Regenerate one step: ask, read, compose, judge; repair twice, sample afresh, repair twice, then stuck."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.domain.verdict import Outcome, Verdict, Verification
from regen_git.git.trees import REGULAR, Leaf, edit, lookup
from regen_git.replay.answers import render_history
from regen_git.replay.byhand import apply_history
from regen_git.replay.compose import compose
from regen_git.replay.hand_placing import place_hand_lines
from regen_git.replay.regions import missing_hand_lines
from regen_git.replay.reply import ParsedReply, join_continuation, parse_reply
from regen_git.replay.request import build_request, continue_request, repair_request
from regen_git.replay.workbench import Made, StuckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.verdict import GateResult
    from regen_git.llm.client import Request
    from regen_git.replay.answers import Answer
    from regen_git.replay.carry import Carried
    from regen_git.replay.context import Lookup
    from regen_git.replay.plan import Step
    from regen_git.replay.workbench import Workbench

__all__ = ["first_request", "regenerate", "settle_group"]

SAMPLES = 2
REPAIRS = 2
_CONTINUATIONS = 4
_OUTPUT_LIMIT = 6_000


@dataclass
class _Candidate:
    """The best state so far: it is what a person finds when the step is stuck."""

    tree: Oid
    findings: tuple[str, ...]
    score: tuple[int, int, int]


@dataclass
class _Attempt:
    """One answer, read and judged. No findings: it is accepted."""

    text: str
    tree: Oid
    findings: tuple[str, ...]
    score: tuple[int, int, int]
    replies: tuple[str, ...]
    ignored: tuple[RepoPath, ...] = ()
    verification: Verification | None = None


@dataclass
class _Ground:
    """What a step's answers are put onto: history's part is in ``tree`` already."""

    tree: Oid
    carried: tuple[Carried, ...]
    replies: tuple[str, ...]
    closed: frozenset[RepoPath] = field(default_factory=frozenset)


def first_request(bench: Workbench, step: Step, now: Lookup, sample: int = 0) -> Request:
    """Return what is asked first for a step; a group is asked for at once, at its first step."""
    steps = [bench.plan.steps[index] for index in step.members] or [step]
    last = bench.facts[steps[-1].index]
    ids = dict.fromkeys(intent for each in steps for intent in each.intents)
    wrote = tuple(dict.fromkeys(path for each in steps for path in each.wrote))
    resolution = bench.resolutions.get(step.index)
    material = bench.surroundings.material(
        last,
        [bench.intents[intent] for intent in ids],
        now,
        wrote=wrote,
        shows=step.shows,
        parent=bench.original_parent(step),
        elsewhere=_elsewhere(bench, step, set(ids)),
        notes=tuple(f"A person adds: {note}" for note in (resolution.notes if resolution else ())),
        beside=_migrations(bench, steps),
    )
    return build_request(
        material,
        model=bench.options.model,
        parameters=bench.options.parameters,
        sample=sample,
        context_tokens=bench.options.context_tokens,
    )


def _migrations(bench: Workbench, steps: Sequence[Step]) -> tuple[RepoPath, ...]:
    """Return the migrations that these commits brought: code that stores data cannot be written without."""
    from regen_git.config import Kind

    found: dict[RepoPath, None] = {}
    for step in steps:
        facts = bench.facts[step.index]
        found.update((c.path, None) for c in facts.changes if facts.kinds[c.path] is Kind.APPEND)
    return tuple(found)


def _elsewhere(bench: Workbench, step: Step, ids: set[str]) -> tuple[str, ...]:
    """Say what other commits of the same intents cover, so that this one does not do their part."""
    mine = set(step.members) or {step.index}
    return tuple(
        f"another commit, '{other.subject}', answers the same request in {', '.join(other.wrote)}"
        for other in bench.plan.steps
        if other.index not in mine and other.wrote and ids & set(other.intents)
    )


async def regenerate(bench: Workbench, step: Step, base: Oid) -> Made:
    """Return what the step comes to on ``base``. Raises ``StuckError`` when a person is wanted."""
    tree, carried, replies = await apply_history(bench, step, base, step.wrote)
    ground = _Ground(tree, carried, replies, frozenset(c.path for c in carried))
    resolved = _resolved(bench, step, ground)
    if resolved is not None:
        return resolved
    best: _Candidate | None = None
    for sample in range(SAMPLES if not bench.options.is_original else 1):
        bench.on_state(step, "generating")
        request = first_request(bench, step, bench.now(base), sample)
        made = await _try_sample(bench, step, request, ground)
        if isinstance(made, Made):
            return made
        if best is None or made.score < best.score:
            best = made
    if best is None:
        raise AssertionError("a step has at least one sample")
    raise StuckError(step, best.findings, best.tree)


def _resolved(bench: Workbench, step: Step, ground: _Ground) -> Made | None:
    resolution = bench.resolutions.get(step.index)
    if resolution is not None and resolution.take_original:
        original = bench.facts[step.index].commit.tree
        taken = {path: lookup(bench.store, original, path) for path in step.wrote}
        return Made(
            edit(bench.store, ground.tree, taken), ground.carried, ground.replies, resolved="original"
        )
    return None


async def _try_sample(bench: Workbench, step: Step, request: Request, ground: _Ground) -> Made | _Candidate:
    """Ask once and repair; return what was accepted, or the best of what was not."""
    first = request.digest
    best: _Candidate | None = None
    used: tuple[str, ...] = ground.replies
    seen: set[tuple[str, ...]] = set()
    current = ground.tree
    for attempt in range(1 + (REPAIRS if not bench.options.is_original else 0)):
        tried = await _attempt(bench, step, request, ground, current)
        used += tried.replies
        if not tried.findings:
            return Made(
                tried.tree,
                ground.carried,
                used,
                first,
                tried.ignored,
                tried.verification,
                attempts=attempt + 1,
            )
        if best is None or tried.score < best.score:
            best = _Candidate(tried.tree, tried.findings, tried.score)
        if tried.findings in seen:
            break
        seen.add(tried.findings)
        bench.on_state(step, "repairing")
        heading = request.messages[-1].content.split("\n", 1)[0].split(", repair")[0].rstrip(":")
        heading = heading.removesuffix(": the result is not accepted yet.")
        request = repair_request(request, tried.text, f"{heading}, repair {attempt + 1}", tried.findings)
        current = tried.tree
    if best is None:
        raise AssertionError("a sample has at least one attempt")
    return best


async def _attempt(bench: Workbench, step: Step, request: Request, ground: _Ground, current: Oid) -> _Attempt:
    """Ask once. A repair may answer with blocks against ``current``, the state that it was shown."""
    facts = bench.facts[step.index]
    history = None
    if bench.options.is_original:
        history = render_history(bench.store, ground.tree, facts.commit.tree, step.wrote)
    text, finish, replies = await _whole_answer(bench, request, history)
    editable = _editable(bench, step, ground)
    texts = {path: shown for path in editable if (shown := bench.now(current).text(path)) is not None}
    parsed = parse_reply(text, current=texts, finish=finish)
    if parsed.problems:
        findings = tuple(f"- {problem.message}" for problem in parsed.problems)
        return _Attempt(text, current, findings, (1, len(findings), 0), replies)
    wanted, ignored = _allowed(bench, step, ground, parsed)
    made = compose(bench.store, current, facts.commit.tree, parsed, wanted)
    tree = edit(bench.store, current, made.edits)
    tree, lost = _keep_hand(bench, step, tree)
    findings = tuple(f"- {problem}" for problem in (*made.problems, *lost))
    if findings:
        return _Attempt(text, tree, findings, (1, len(findings), 0), replies, ignored)
    return await _judged(bench, step, _Attempt(text, tree, (), (0, 0, 0), replies, ignored))


async def _whole_answer(
    bench: Workbench, request: Request, history: str | None
) -> tuple[str, str, tuple[str, ...]]:
    """Ask, and ask on while the model stops in the middle."""
    answer: Answer = await bench.answers.ask(request, history=history)
    text, replies = answer.text, [answer.recorded]
    for _ in range(_CONTINUATIONS):
        if answer.finish != "length":
            break
        answer = await bench.answers.ask(continue_request(request, text), history=None)
        text = join_continuation(text, answer.text)
        replies.append(answer.recorded)
    return text, answer.finish, tuple(reply for reply in replies if reply)


def _editable(bench: Workbench, step: Step, ground: _Ground) -> list[RepoPath]:
    """Return the paths that a reply may change in parts: those it was shown whole."""
    members = [bench.plan.steps[index] for index in step.members] or [step]
    wrote = dict.fromkeys(path for each in members for path in each.wrote)
    return [path for path in wrote if path not in ground.closed]


def _allowed(
    bench: Workbench, step: Step, ground: _Ground, parsed: ParsedReply
) -> tuple[frozenset[RepoPath], tuple[RepoPath, ...]]:
    """Split what a reply names into what it may change, and what belongs to history or to people."""
    from regen_git.config import Kind

    named = [edit.path for edit in parsed.files]
    named += [gone.path for gone in parsed.deletions]
    named += [change.path for change in parsed.replacements]
    original = bench.facts[step.index].commit.tree
    wanted: set[RepoPath] = set()
    ignored: list[RepoPath] = []
    for path in dict.fromkeys(named):
        kinds = {bench.kind_of(tree, path) for tree in (ground.tree, original)}
        if kinds == {Kind.MODEL} and path not in ground.closed:
            wanted.add(path)
        else:
            ignored.append(path)
    return frozenset(wanted), tuple(ignored)


def _keep_hand(bench: Workbench, step: Step, tree: Oid) -> tuple[Oid, list[str]]:
    """Put back the lines that a person mended inside an agent's commit, where an answer left them out."""
    facts = bench.facts[step.index]
    store = bench.store
    lost: list[str] = []
    for path, ranges in facts.hand.items():
        original, made = lookup(store, facts.commit.tree, path), lookup(store, tree, path)
        if original is None:
            continue
        before = store.blob(original.oid)
        if made is None:
            lost.append(f"{path} holds lines that a person wrote, and is gone")
            continue
        now = store.blob(made.oid)
        missing = missing_hand_lines(before, ranges, now)
        if not missing:
            continue
        # What the agent had written just before is not kept; the lines are placed by their own surroundings.
        placed = place_hand_lines(None, before, ranges, now, path=path)
        if placed is None or missing_hand_lines(before, ranges, placed):
            numbers = ", ".join(map(str, missing))
            lost.append(f"{path}: lines a person wrote are missing (lines {numbers} of the original file)")
            continue
        tree = edit(store, tree, {path: Leaf(made.mode or REGULAR, store.write("blob", placed))})
    return tree, lost


async def _judged(bench: Workbench, step: Step, tried: _Attempt) -> _Attempt:
    facts = bench.facts[step.index]
    broken = _broken(bench.judge.gates(facts, tried.tree))
    if broken:
        tried.findings, tried.score = tuple(broken), (0, len(broken), 0)
        return tried
    if not _checks_now(bench, step, tried.tree):
        return tried
    bench.on_state(step, "checking")
    verification = await bench.judge.checks(facts, tried.tree)
    tried.verification = verification
    if verification.verdict is Verdict.FAIL:
        tried.findings = tuple(describe_failure(verification))
        failing = sum(o is Outcome.FAILED for check in verification.checks for o in check.tests.values())
        tried.score = (0, 0, max(1, failing))
    return tried


def _checks_now(bench: Workbench, step: Step, tree: Oid) -> bool:
    options = bench.options
    if options.is_original and tree == bench.facts[step.index].commit.tree:
        return False
    return options.check in ("regenerated", "every") and step.is_last_of_group


def _broken(gates: Sequence[GateResult]) -> list[str]:
    return [f"- {gate.name}: {problem}" for gate in gates for problem in gate.problems]


def describe_failure(verification: Verification) -> list[str]:
    """Return what a repair needs to know: the lost tests by name, and the end of what the checks printed."""
    lines = [f"- lost: {test} passed on the original and fails now" for test in verification.ratchet.lost]
    for check in verification.checks:
        if check.verdict is Verdict.FAIL and check.output:
            lines += [f"Output of the check '{check.name}':", check.output[-_OUTPUT_LIMIT:]]
    return lines or [f"- {reason}" for reason in verification.reasons] or ["- a check failed"]


async def settle_group(bench: Workbench, step: Step, base: Oid) -> Made:
    """Finish a step whose prompts were asked for at an earlier one: judge here, and repair if that fails."""
    tree, carried, replies = await apply_history(bench, step, base, step.wrote)
    ground = _Ground(tree, carried, replies, frozenset(c.path for c in carried))
    resolved = _resolved(bench, step, ground)
    if resolved is not None:
        return resolved
    tree, lost = _keep_hand(bench, step, tree)
    tried = _Attempt("", tree, tuple(f"- {line}" for line in lost), (0, len(lost), 0), ())
    if not tried.findings and step.is_last_of_group:
        tried = await _judged(bench, step, tried)
    if not tried.findings:
        return Made(tried.tree, carried, replies, verification=tried.verification)
    bench.on_state(step, "repairing")
    asked = first_request(bench, step, bench.now(tried.tree))
    heading = asked.messages[-1].content.split("\n", 1)[0]
    request = repair_request(asked, "(the files as they are now)", f"{heading}, repair 0", tried.findings)
    made = await _try_sample(bench, step, request, ground)
    if isinstance(made, Made):
        return made
    raise StuckError(step, made.findings, made.tree)
