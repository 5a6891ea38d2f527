"""One answer of a model: ask for all of it, read it, put it onto the tree, keep people's lines, judge it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.config import Kind
from regen_git.domain.verdict import Outcome, Verdict, Verification
from regen_git.git.trees import Leaf, edit, lookup
from regen_git.replay.answers import render_history
from regen_git.replay.compose import compose
from regen_git.replay.fitting import broken, misplaced
from regen_git.replay.people.hand_placing import place_hand_lines
from regen_git.replay.people.regions import missing_hand_lines
from regen_git.replay.reply import ParsedReply, join_continuation, parse_reply
from regen_git.replay.request import continue_request

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.verdict import GateResult
    from regen_git.llm.client import Request
    from regen_git.replay.answers import Answer
    from regen_git.replay.people.carry import Carried
    from regen_git.replay.plan import Step
    from regen_git.replay.reply import Problem
    from regen_git.replay.workbench import Workbench

__all__ = [
    "Attempt",
    "Ground",
    "Reading",
    "apply_reply",
    "attempt",
    "broken_gates",
    "checks_now",
    "describe_failure",
    "goes_on",
    "judged",
    "keep_hand",
    "listed",
    "whole_answer",
]

_PARTS = 5
# Where one of these is wrong, what a reply means is not clear at all; else its other files are good.
_NOTHING_TAKEN = frozenset({"truncated", "ambiguous", "two versions", "refused", "no files"})
_OUTPUT_LIMIT = 6_000


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole answer as text, why it stopped, and where its parts are recorded."""

    text: str
    finish: str
    replies: tuple[str, ...]


@dataclass
class Attempt:
    """One answer, read and judged. No findings: it is accepted. Refused ones are not worth a repair."""

    text: str
    tree: Oid
    findings: tuple[str, ...]
    score: tuple[int, int, int]
    replies: tuple[str, ...]
    ignored: tuple[RepoPath, ...] = ()
    verification: Verification | None = None
    is_refused: bool = False


@dataclass
class Ground:
    """What a step's answers are put onto: history's part is in ``tree`` already.

    ``any_language`` says that new files may be in one that the project does not have yet.
    """

    tree: Oid
    carried: tuple[Carried, ...]
    replies: tuple[str, ...]
    closed: Container[RepoPath] = field(default_factory=frozenset)
    any_language: bool = False


async def attempt(bench: Workbench, step: Step, request: Request, ground: Ground, current: Oid) -> Attempt:
    """Ask once. A repair may answer with blocks against ``current``, the state that it was shown."""
    facts = bench.facts[step.index]
    history = None
    if bench.options.is_original:
        history = render_history(bench.store, ground.tree, facts.tree, step.wrote)
    tried = apply_reply(bench, step, ground, current, await whole_answer(bench, request, history))
    return tried if tried.findings else await judged(bench, step, tried)


def apply_reply(bench: Workbench, step: Step, ground: Ground, current: Oid, reading: Reading) -> Attempt:
    """Read a reply and put it onto ``current``, with what people wrote kept. Judges nothing."""
    text, replies = reading.text, reading.replies
    facts = bench.facts[step.index]
    editable = _editable(bench, step, ground)
    texts = {path: shown for path in editable if (shown := bench.now(current).text(path)) is not None}
    parsed = parse_reply(text, current=texts, finish=reading.finish)
    problems = [f"{_place(problem)}{problem.message}" for problem in parsed.problems]
    if any(problem.kind in _NOTHING_TAKEN for problem in parsed.problems):
        is_refused = reading.finish == "refused"
        if parsed.files or parsed.replacements:
            problems.append("nothing of this answer was taken: give every file again")
        if is_refused:
            problems.append(
                "'git regen edit INTENT' words the prompt differently; another model may answer it"
            )
        score = (2 if is_refused else 1, len(problems), 0)
        return Attempt(text, current, listed(problems), score, replies, is_refused=is_refused)
    original = facts.tree
    unfit = misplaced(bench.store, original, current, parsed, any_language=ground.any_language)
    problems += [f"{path}: {reason}" for path, reason in unfit.items()]
    wanted, ignored = _allowed(bench, step, ground, parsed)
    # What is right stays: a repair answers with the files that must change, and no others.
    sound = wanted - unfit.keys() - {problem.path for problem in parsed.problems}
    made = compose(bench.store, current, original, parsed, sound)
    problems += [*made.problems, *broken(bench.store, original, made.edits)]
    tree = edit(bench.store, current, made.edits)
    tree, lost = keep_hand(bench, step, tree)
    findings = listed([*problems, *lost])
    score = (1, len(findings), 0) if findings else (0, 0, 0)
    return Attempt(text, tree, findings, score, replies, ignored)


def listed(problems: Sequence[str]) -> tuple[str, ...]:
    """Return problems as findings for a model."""
    return tuple(f"- {problem}" for problem in problems)


async def whole_answer(bench: Workbench, request: Request, history: str | None) -> Reading:
    """Ask, and ask on while the model stops in the middle."""
    answer: Answer = await bench.answers.ask(request, history=history)
    text, replies = answer.text, [answer.recorded]
    grew = True
    while goes_on(answer.finish, text, len(replies), grew=grew):
        answer = await bench.answers.ask(continue_request(request, text), history=None)
        before, text = text, join_continuation(text, answer.text)
        grew = len(text) > len(before)
        replies.append(answer.recorded)
    return Reading(text, answer.finish, tuple(reply for reply in replies if reply))


def goes_on(finish: str, text: str, parts: int, *, grew: bool) -> bool:
    """Return whether an answer is continued: it was cut for its length, and there is something to go on from.

    A model that thought until its tokens were used up has said nothing; going on would begin anew. Nor does
    it help where the last part added nothing.
    """
    return finish == "length" and bool(text.strip()) and parts < _PARTS and grew


def _place(problem: Problem) -> str:
    return f"{problem.path}: " if problem.path and problem.path not in problem.message else ""


def _editable(bench: Workbench, step: Step, ground: Ground) -> list[RepoPath]:
    """Return the paths that a reply may change in parts: those it was shown whole."""
    members = [bench.plan.steps[index] for index in step.members] or [step]
    wrote = dict.fromkeys(path for each in members for path in each.wrote)
    return [path for path in wrote if path not in ground.closed]


def _allowed(
    bench: Workbench, step: Step, ground: Ground, parsed: ParsedReply
) -> tuple[frozenset[RepoPath], tuple[RepoPath, ...]]:
    """Split what a reply names into what it may change, and what belongs to history or to people."""
    named = [edit.path for edit in parsed.files]
    named += [gone.path for gone in parsed.deletions]
    named += [change.path for change in parsed.replacements]
    original = bench.facts[step.index].tree
    # Where files may only be added, those of history stay, also what it brings later.
    history = (ground.tree, original, bench.facts[-1].commit.tree)
    wanted: set[RepoPath] = set()
    ignored: list[RepoPath] = []
    for path in dict.fromkeys(named):
        kinds = {bench.kind_of(tree, path) for tree in (ground.tree, original)}
        is_added = kinds == {Kind.APPEND} and not any(lookup(bench.store, t, path) for t in history)
        if (kinds == {Kind.MODEL} or is_added) and path not in ground.closed:
            wanted.add(path)
        else:
            ignored.append(path)
    return frozenset(wanted), tuple(ignored)


def keep_hand(bench: Workbench, step: Step, tree: Oid) -> tuple[Oid, list[str]]:
    """Put back the lines that a person mended inside an agent's commit, where an answer left them out."""
    facts = bench.facts[step.index]
    store = bench.store
    lost: list[str] = []
    for path, ranges in facts.hand.items():
        original, made = lookup(store, facts.tree, path), lookup(store, tree, path)
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
        tree = edit(store, tree, {path: Leaf(made.mode, store.write("blob", placed))})
    return tree, lost


async def judged(bench: Workbench, step: Step, tried: Attempt) -> Attempt:
    """Judge an attempt by the gates, then by the checks where this step is to be checked."""
    facts = bench.facts[step.index]
    broken = broken_gates(bench.judge.gates(facts, tried.tree))
    if broken:
        tried.findings, tried.score = tuple(broken), (0, len(broken), 0)
        return tried
    if not checks_now(bench, step, tried.tree):
        return tried
    bench.on_state(step, "checking")
    verification = await bench.judge.checks(facts, tried.tree)
    tried.verification = verification
    if verification.verdict is Verdict.FAIL:
        tried.findings = tuple(describe_failure(verification, bench.held_out(facts.tree)))
        failing = sum(o is Outcome.FAILED for check in verification.checks for o in check.tests.values())
        tried.score = (0, 0, max(1, failing))
    return tried


def checks_now(bench: Workbench, step: Step, tree: Oid) -> bool:
    """Return whether the checks run at this step; what history itself answered is judged at the tip alone."""
    options = bench.options
    if options.is_original and tree == bench.facts[step.index].tree:
        return False
    return options.check in ("regenerated", "every") and step.is_last_of_group


def broken_gates(gates: Sequence[GateResult]) -> list[str]:
    """Return what gates found, as findings for a model."""
    return [f"- {gate.name}: {problem}" for gate in gates for problem in gate.problems]


def describe_failure(verification: Verification, hidden: frozenset[str] = frozenset()) -> list[str]:
    """Return what a repair needs to know: the lost tests by name, and the end of what the checks printed.

    What names a held-out file, by one of the ``hidden`` names, is left out: such tests are run, never shown.
    """
    lost = verification.ratchet.lost
    shown = [test for test in lost if not any(name in test for name in hidden)]
    lines = [f"- lost: {test} passed on the original and fails now" for test in shown]
    if len(shown) < len(lost):
        lines.append("- lost: tests that are not shown passed on the original and fail now")
    for check in verification.checks:
        if check.verdict is not Verdict.FAIL:
            continue
        if check.reason and not any(name in check.reason for name in hidden):
            lines.append(f"- {check.name}: {check.reason}")
        if not check.output:
            continue
        if any(name in check.output for name in hidden):
            lines.append(f"The check '{check.name}' fails; its output speaks of tests that are not shown.")
        else:
            lines += [f"Output of the check '{check.name}':", check.output[-_OUTPUT_LIMIT:]]
    if not lines and not hidden:
        lines = [f"- {reason}" for reason in verification.reasons]
    return lines or ["- a check failed"]
