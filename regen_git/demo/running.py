"""Replay the application with recorded replies, judge the result, and hold the old code against the new."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.config import LONGEST_TEXT, Kind, Ownership, load_settings
from regen_git.demo.application import make_application
from regen_git.errors import ReplayError
from regen_git.git.commits import read_commit
from regen_git.git.trees import edit, lookup, walk
from regen_git.llm.cassette import Cassette, intent_of
from regen_git.replay.judging import region_texts
from regen_git.replay.options import ReplayOptions
from regen_git.replay.people.regions import hand_lines, missing_hand_lines
from regen_git.replay.plan import Kind as StepKind
from regen_git.replay.prepare import prepare
from regen_git.replay.report import read_report
from regen_git.replay.session import run_replay
from regen_git.verify.compare import compare_trees
from regen_git.verify.gates import Gates
from regen_git.verify.runner import Verifier
from regen_git.verify.surface import public_surface, surface_changes
from regen_git.verify.trust import Trust, describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from regen_git.config import Settings
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.verdict import Verification
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Leaf
    from regen_git.llm.client import Reply, Request
    from regen_git.replay.facts import CommitFacts
    from regen_git.replay.prepare import Prepared
    from regen_git.replay.report import Report
    from regen_git.verify.compare import Comparison

__all__ = ["MODEL", "NAME", "RELEASE", "Shown", "StepShown", "run_demo"]

NAME = "newer-model"
"""The replay's name: its branch is ``regen/newer-model``."""

MODEL = "recorded/newer-model"
RELEASE = "v0.1"

_AT_ONCE = 4
_LOST = "- lost: "
_REPLIES = Path(__file__).parent / "replies"


@dataclass(frozen=True, slots=True)
class StepShown:
    """One commit and what became of it. ``prompts`` are (class, text).

    ``carried`` are (path, how) of people's changes, ``mended`` the lines that a person mended inside the
    agent's commit and that stand in the result, ``failed`` the tests that each refused answer lost, ``joins``
    the subject of the commit whose request holds these prompts.
    """

    source: Oid
    commit: Oid
    subject: str
    author: str
    kind: str
    prompts: tuple[tuple[str, str], ...]
    attempts: int
    joins: str
    verdict: str
    carried: tuple[tuple[str, str], ...]
    mended: tuple[str, ...]
    failed: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Shown:
    """All that the demonstration has to tell. ``comparison`` is of the code that models write."""

    repo: Repository
    trusted: tuple[str, ...]
    steps: list[StepShown]
    report: Report
    tip: Oid
    verification: Verification
    comparison: Comparison


class _Listening:
    """The recorded model, and what it was told when an answer was not accepted, by intent."""

    def __init__(self, told: dict[str, list[tuple[str, ...]]]) -> None:
        self._model = Cassette.from_folder(_REPLIES)
        self._told = told

    async def ask(self, request: Request) -> Reply:
        """Answer; a request with an answer in it is a repair."""
        if any(message.role == "assistant" for message in request.messages):
            said = request.messages[-1].content.splitlines()
            lost = tuple(line[len(_LOST) :].split(" ", 1)[0] for line in said if line.startswith(_LOST))
            self._told.setdefault(intent_of(request) or "", []).append(lost)
        return await self._model.ask(request)

    async def aclose(self) -> None:
        """Let go of the model."""
        await self._model.aclose()


def run_demo(folder: Path, say: Callable[[str], None]) -> Shown:
    """Make the application in a folder, replay it there and compare. Raises ``RegenError``."""
    say(f"making a small application with a history in '{folder}'")
    repo = make_application(folder)
    settings = load_settings(repo)
    Trust(repo).grant(settings.digest)
    options = ReplayOptions(name=NAME, span="", tip=repo.resolve("main"), model=MODEL, jobs=1)
    prepared = prepare(repo, options, settings)
    say("running the tests of every commit that will be rebuilt, twice, to know what must stay true")
    _baselines(prepared)
    told: dict[str, list[tuple[str, ...]]] = {}
    say(f"replaying {len(prepared.facts)} commits, each rebuilt one judged by the tests of its original")
    finish = run_replay(prepared, client=lambda _unsure: _Listening(told))
    report = read_report(repo, NAME)
    if finish.tip is None or report.stuck is not None:
        why = "; ".join(report.stuck["why"]) if report.stuck else "no commit was made"
        raise ReplayError(f"the demonstration is stuck: {why}", hint=f"look at it in '{folder}'")
    say("checking that data of the released version survives, and comparing")
    verification, comparison = _judge(repo, settings, prepared.facts[-1].tree, finish.tip)
    return Shown(
        repo=repo,
        trusted=tuple(describe(settings)),
        steps=_steps(prepared, report, told),
        report=report,
        tip=finish.tip,
        verification=verification,
        comparison=comparison,
    )


def _baselines(prepared: Prepared) -> None:
    """Run the checks on the originals, several at once; the replay finds the results in the cache."""
    repo, settings = prepared.repo, prepared.settings
    judged = [
        prepared.facts[step.index].tree
        for step in prepared.plan.steps
        if step.kind is StepKind.REGENERATED and step.is_last_of_group
    ]
    with ThreadPoolExecutor(_AT_ONCE) as executor, _verifier(repo, settings, executor) as verifier:
        for waiting in [verifier.submit(tree, tree) for tree in judged]:
            waiting.result()


def _verifier(repo: Repository, settings: Settings, executor: Executor) -> Verifier:
    trusted = Trust(repo).is_trusted(settings.digest)
    return Verifier(repo, settings, trusted=trusted, executor=executor)


def _judge(repo: Repository, settings: Settings, original: Oid, tip: Oid) -> tuple[Verification, Comparison]:
    """Verify the tip once more, now with the data of the release, and compare what models wrote."""
    store = repo.objects
    ownership = Ownership(settings.paths)
    rebuilt = read_commit(store, tip).tree
    released = read_commit(store, repo.resolve(RELEASE)).tree
    gates = Gates(
        ownership,
        kept_regions=region_texts,
        public_surface=public_surface,
        surface_changes=surface_changes,
    )
    with ThreadPoolExecutor(1) as executor, _verifier(repo, settings, executor) as verifier:
        before = verifier.verify_tree(original)
        after = verifier.verify_tree(rebuilt, original, gates=gates, released=released)
    comparison = compare_trees(
        store,
        _code(repo, ownership, original),
        _code(repo, ownership, rebuilt),
        public_surface=public_surface,
        verified=(before, after),
    )
    return after, comparison


def _code(repo: Repository, ownership: Ownership, tree: Oid) -> Oid:
    """Return the tree without what is frozen or people's: tests and migrations are the same on both sides."""
    store = repo.objects

    def is_code(path: RepoPath, leaf: Leaf) -> bool:
        kind = ownership.classify(path, leaf.mode, lambda: store.short_blob(leaf.oid, LONGEST_TEXT))
        return kind is Kind.MODEL

    others = [path for path, leaf in walk(store, tree) if not is_code(path, leaf)]
    return edit(store, tree, dict.fromkeys(others))


def _steps(prepared: Prepared, report: Report, told: dict[str, list[tuple[str, ...]]]) -> list[StepShown]:
    found = []
    for step in prepared.plan.steps:
        facts, line = prepared.facts[step.index], report.steps[step.index]
        intents = [str(intent.id) for intent in facts.intents]
        joins = prepared.plan.steps[step.joins].subject if step.joins is not None else ""
        found.append(
            StepShown(
                source=facts.id,
                commit=line["commit"],
                subject=step.subject,
                author=facts.commit.author_name.partition(" <")[0],
                kind=str(line["kind"]),
                prompts=tuple((p.kind or "", p.text) for intent in facts.intents for p in intent.prompts),
                attempts=int(line.get("attempts", 0)),
                joins=joins,
                verdict=str(line.get("verdict", "")),
                carried=tuple((path, how) for path, how, *_ in line.get("carried", [])),
                mended=_mended(prepared.repo, facts, line["commit"]),
                failed=tuple(lost for intent in intents for lost in told.get(intent, [])),
            )
        )
    return found


def _mended(repo: Repository, facts: CommitFacts, rebuilt: Oid) -> tuple[str, ...]:
    """Return the lines that a person mended in this commit and that the rebuilt commit has."""
    store = repo.objects
    tree = read_commit(store, rebuilt).tree
    kept: list[str] = []
    for path, ranges in facts.hand.items():
        old, new = lookup(store, facts.tree, path), lookup(store, tree, path)
        if old is None or new is None:
            continue
        before = store.blob(old.oid)
        missing = missing_hand_lines(before, ranges, store.blob(new.oid))
        blocks = hand_lines(before, [part for part in ranges if part not in missing])
        kept += [block.decode("utf-8", "replace").strip() for block in blocks]
    return tuple(kept)
