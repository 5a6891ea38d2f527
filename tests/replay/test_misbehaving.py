"""Models and servers that misbehave, once and for ever: the right tree or a clear end, within bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import pytest
from support.faults import FAULTS, Good, Misbehaviour
from support.histories import AsBefore
from support.model_server import ModelServer
from support.playing import Playing, long_history

from regen_git.config import load_settings
from regen_git.errors import BudgetError, ModelError
from regen_git.git.commits import read_commit
from regen_git.llm.litellm_client import LitellmClient
from regen_git.llm.prices import Price
from regen_git.replay.journal import Journal
from regen_git.replay.options import ReplayOptions
from regen_git.replay.prepare import prepare
from regen_git.replay.resuming import spent_in
from regen_git.replay.session import Finish, replays_folder, run_replay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from regen_git.llm.client import Request

# What litellm and what it builds on warn of is not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

TIMEOUT_S = 0.2
PRICE = Price(1e-6, 4e-6)
MOST_TOKENS = 16_000
WORST_PROMPT = 20_000
LONGEST_WAIT_S = 121
TOP = [".git", "AGENTS.md", "LICENSE", "link", "src", "sub", "web"]


def ids(fault: Misbehaviour) -> str:
    return fault.name.encode("unicode_escape").decode()


class Bed:
    """One history for many replays: a step for each fault, beside all that a reply can stumble over."""

    def __init__(self, path: Path) -> None:
        self.history = long_history(path, len(FAULTS))
        self.repo = self.history.repo.opened
        before = AsBefore(self.history)
        self.intents = list(self.history.by_intent)
        self.goods = {intent: Good(before.answer(intent), TIMEOUT_S) for intent in self.intents}
        self.tip = self.repo.resolve("HEAD")
        self.numbers = count(1)
        self._once: Once | None = None

    def options(self, **more: Any) -> ReplayOptions:
        """Return options of the usual kind, for the whole history and a model with a price."""
        number = next(self.numbers)
        options = ReplayOptions(
            name=f"case-{number}",
            span="HEAD",
            tip=self.tip,
            model="openai/of-my-own",
            jobs=1,
            max_tokens=MOST_TOKENS,
            budget_usd=1000.0,
            # A number of its own for each replay: replies that are recorded must not answer for another.
            temperature=number / 10_000,
        )
        return replace(options, **more)

    def first_only(self, **more: Any) -> ReplayOptions:
        """Return options for the first intent alone."""
        first = self.history.by_intent[self.intents[0]]
        return self.options(span=f"{first}~1..{first}", tip=first, **more)

    @property
    def once(self) -> Once:
        """Return what a replay comes to in which every fault happens once; it is run once."""
        if self._once is None:
            self._once = Once(self)
        return self._once


_BEDS: list[Bed] = []


@pytest.fixture
def bed(tmp_path_factory: pytest.TempPathFactory) -> Bed:
    """Return the history; made by the first test that wants it, in its sealed surroundings."""
    if not _BEDS:
        _BEDS.append(Bed(tmp_path_factory.mktemp("bed") / "repo"))
    return _BEDS[0]


class Once:
    """A replay in which each fault happens to one step, resumed as often as a fault stops it."""

    def __init__(self, bed: Bed) -> None:
        dealt = {intent: [fault] for intent, fault in zip(bed.intents, FAULTS, strict=True)}
        self.intents = {fault.name: intent for intent, (fault,) in dealt.items()}
        self.play = Playing(bed.goods, dealt)
        self.waits: dict[str, list[float]] = {}
        self.errors: list[ModelError] = []
        options = bed.options()
        while True:
            self.run = run(bed, self.play, options, self.waits)
            if self.run.error is None:
                break
            self.errors.append(self.run.error)
            assert len(self.errors) <= len(FAULTS)
        listed = bed.history.repo.git("log", "--format=%T", f"regen/{options.name}").split()
        self.trees = dict(zip(reversed(bed.intents), listed, strict=False))


@dataclass
class Run:
    """What one replay came to; ``finish`` is ``None`` where an error ended it."""

    finish: Finish | None
    error: ModelError | None
    waits: dict[str, list[float]]
    asked: int
    spent_usd: float

    @property
    def ending(self) -> str:
        if self.finish is None:
            return "stopped"
        return "stuck" if self.finish.outcome.stuck is not None else "done"

    @property
    def said(self) -> str:
        if self.finish is None:
            return f"{self.error} {self.error.hint if self.error else ''}"
        stuck = self.finish.outcome.stuck
        return "\n".join(stuck.why) if stuck is not None else ""


def run(bed: Bed, play: Playing, options: ReplayOptions, waits: dict[str, list[float]] | None = None) -> Run:
    """Replay against real HTTP. Pauses between attempts are noted, by intent, and not made."""
    paused: dict[str, list[float]] = {} if waits is None else waits

    async def wait(seconds: float) -> None:
        paused.setdefault(play.log[-1].intent, []).append(seconds)

    prepared = prepare(bed.repo, options, load_settings(bed.repo))
    finish, error = None, None
    with ModelServer(play) as server:

        def client(unsure: Callable[[Request], Awaitable[None]]) -> LitellmClient:
            return LitellmClient(1, TIMEOUT_S, api_base=server.url, wait=wait, on_unsure=unsure)

        try:
            finish = run_replay(prepared, client=client, price=PRICE)
        except ModelError as caught:
            error = caught
        asked = server.count
    journal = Journal(replays_folder(bed.repo, options.name) / "journal.jsonl")
    return Run(finish, error, paused, asked, spent_in(journal.read()).usd)


def billed_usd(play: Playing) -> float:
    """Return what an honest provider may ask for."""
    return sum(PRICE.cost(a.prompt_tokens, a.completion_tokens) for a in play.log if a.is_billed)


def always(bed: Bed, fault: Misbehaviour, times: int = 1000) -> Playing:
    return Playing(bed.goods, {bed.intents[0]: [fault] * times})


def named(name: str) -> Misbehaviour:
    return next(fault for fault in FAULTS if fault.name == name)


def assert_nothing_escaped(bed: Bed) -> None:
    path = bed.history.repo.path
    assert [found.name for found in path.parent.iterdir()] == ["repo"]
    assert not (path / ".git" / "hooks" / "x").exists()
    assert sorted(found.name for found in path.iterdir()) == TOP


@pytest.mark.parametrize("fault", FAULTS, ids=ids)
def test_a_fault_that_happens_once_changes_nothing_in_the_end(bed: Bed, fault: Misbehaviour) -> None:
    once = bed.once
    intent = once.intents[fault.name]

    tree = read_commit(bed.repo.objects, bed.history.by_intent[intent]).tree
    assert once.trees[intent] == tree
    asked = [each for each in once.play.log if each.intent == intent]
    assert len(asked) == 1 + fault.extra
    waits = once.waits.get(intent, [])
    assert len(waits) == (fault.reaction == "sent again")
    if fault.waits is not None:
        assert waits == [fault.waits]


def test_a_replay_with_every_fault_in_it_stays_within_its_bounds(bed: Bed) -> None:
    once = bed.once
    extra = sum(fault.extra for fault in FAULTS)
    stops = [fault for fault in FAULTS if fault.reaction == "stopped"]

    assert once.run.ending == "done"
    assert len(once.play.log) == len(FAULTS) + extra
    assert [error.exit_status for error in once.errors] == [3] * len(stops)
    for fault, error in zip(stops, once.errors, strict=True):
        assert fault.says in str(error)
        assert error.hint
    worst = PRICE.cost(WORST_PROMPT, MOST_TOKENS)
    assert billed_usd(once.play) <= once.run.spent_usd <= len(once.play.log) * worst
    assert_nothing_escaped(bed)


@pytest.mark.parametrize("fault", {(each.row, each.says): each for each in FAULTS}.values(), ids=ids)
def test_a_fault_that_happens_for_ever_has_a_clear_end(bed: Bed, fault: Misbehaviour) -> None:
    play = always(bed, fault)

    done = run(bed, play, bed.first_only())

    assert done.ending == fault.ending
    assert fault.says in done.said
    assert fault.least <= done.asked <= fault.bound
    assert all(seconds <= LONGEST_WAIT_S for seconds in chain.from_iterable(done.waits.values()))
    assert billed_usd(play) <= done.spent_usd
    if not fault.billed:
        # Nobody may bill these; what is counted is at most the prompts.
        assert done.spent_usd <= done.asked * PRICE.cost(WORST_PROMPT, 0)
    assert_nothing_escaped(bed)


def test_a_budget_is_kept_by_a_server_that_answers_nothing(bed: Bed) -> None:
    play = always(bed, named("cut in the body"))
    most = 2.5 * PRICE.cost(WORST_PROMPT, MOST_TOKENS)

    done = run(bed, play, bed.first_only(budget_usd=most))

    assert isinstance(done.error, BudgetError)
    assert 2 <= done.asked < 5
    assert billed_usd(play) <= done.spent_usd <= most


def test_what_was_lost_counts_when_a_replay_is_resumed(bed: Bed) -> None:
    play = always(bed, named("cut in the body"), times=5)
    options = bed.first_only()
    stopped = run(bed, play, options)
    assert stopped.ending == "stopped"

    done = run(bed, play, options)

    assert done.ending == "done"
    assert stopped.spent_usd >= 5 * PRICE.cost(0, MOST_TOKENS)
    assert done.spent_usd > stopped.spent_usd


def test_a_replay_that_was_repaired_and_continued_can_be_locked(bed: Bed) -> None:
    faults = [
        named("half a file, finish length"),
        named("[...]"),
        named("thought until its tokens were used up"),
    ]
    play = Playing(
        bed.goods, {bed.intents[0]: [faults[2], faults[0]], bed.intents[1]: [faults[1], faults[0]]}
    )
    options = bed.options(span=bed.history.by_intent[bed.intents[1]])
    options = replace(options, tip=options.span)
    first = run(bed, play, options)
    assert first.ending == "done", first.said
    asked = len(play.log)

    again = run(bed, play, replace(options, locked=True))

    assert first.finish is not None
    assert again.finish is not None
    assert again.finish.tip == first.finish.tip
    assert len(play.log) == asked == 6


@pytest.mark.parametrize("fault", ["401", "404", "prose", "content filter, 400"])
def test_the_command_says_how_to_go_on(
    bed: Bed, fault: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = bed.history.by_intent[bed.intents[0]]
    name = f"said-{next(bed.numbers)}"
    typed = [f"{first}~1..{first}", "--model", "openai/of-my-own", "--name", name, "--max-tokens"]
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    capsys.readouterr()
    with ModelServer(always(bed, named(fault))) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        status = bed.history.regen("replay", *typed, name.removeprefix("said-"))

    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if named(fault).reaction == "stopped":
        assert status == 3
        assert "hint: " in err
        assert f"git regen replay --resume {name}" in err
    else:
        assert status == 1
        assert f"git regen resolve {name} --note" in out
