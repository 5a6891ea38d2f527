"""A few of the thousand kills of ``tests/bench/kills.py``, the same ones every time.

``python tests/bench/kills.py 1000`` runs as many as wanted, over every place where a command can be ended.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from support.killing import Instant, Place, can_trace, end, places_of
from support.scenes import Adopts, AdoptsHistory, Captures, Commits, Flushes, Replays, Scene

if TYPE_CHECKING:
    from pathlib import Path

SEED = 7
# A commit is the cheapest to look at afterwards, and has the most that can go wrong.
COUNTS = [(Captures, 4), (Commits, 9), (Flushes, 7), (Replays, 2), (Adopts, 4), (AdoptsHistory, 3)]


@pytest.mark.parametrize(("kind", "count"), COUNTS, ids=lambda value: getattr(value, "name", ""))
def test_nothing_is_lost_wherever_a_command_is_killed(kind: type[Scene], count: int, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    scene = kind(tmp_path / "scene")
    if isinstance(scene, Commits):
        scene.only_this = True
    chosen: list[Instant | Place] = [Instant(rng.uniform(0.0, 0.4), rng.random() < 0.5)]
    if can_trace():
        places = places_of(scene.victim(scene.copy(0)), scene.folder)
        drawn = rng.sample(places, count - 1)
        chosen += [Place(p.target, p.call, p.n, rng.random() < 0.5) for p in drawn]

    for number, how in enumerate(chosen, 1):
        case = scene.copy(number)
        end(scene.victim(case), how, scene.folder)
        try:
            scene.check(case)
        except AssertionError as error:
            raise AssertionError(f"{scene.name}, {how}: {error}") from error


def test_no_call_is_forgotten_by_a_budget(tmp_path: Path) -> None:
    """What is said of it in the journal decides: a kill can come before and after each line."""
    from regen_git.replay.journal import Journal
    from regen_git.replay.resuming import spent_in, unknown_in

    journal = Journal(tmp_path / "journal.jsonl")
    call = {"run": 0, "call": "aa", "usd": 0.5, "tokens": 100}
    assert spent_in(journal.read()).usd == 0

    journal.tell([{"state": "reserved", **call}], is_durable=True)
    assert (spent_in(journal.read()).usd, spent_in(journal.read()).tokens) == (0.5, 100)
    assert len(unknown_in(journal.read())) == 1

    # Asked again by the next run, and answered: the first one still counts in full.
    journal.tell([{"state": "reserved", **call, "run": 1}], is_durable=True)
    journal.tell([{"state": "settled", **call, "run": 1, "usd": 0.1, "tokens": 20}], is_durable=False)
    spent = spent_in(journal.read())
    assert (spent.usd, spent.tokens, spent.runs) == (0.6, 120, 2)

    # A run's own sum says nothing that its calls have not said.
    figures = {"calls": 1, "reused": 0, "prompt_tokens": 10, "completion_tokens": 10, "cost_usd": 0.1}
    journal.tell([{"state": "spent", "run": 1, **figures}], is_durable=True)
    assert spent_in(journal.read()) == spent

    journal.tell([{"state": "restart"}], is_durable=True)
    assert spent_in(journal.read()).usd == 0
