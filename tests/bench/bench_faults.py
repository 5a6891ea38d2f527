"""A replay against a server of which three replies in ten fail, in every way of tests/support/faults.py.

Run: python tests/bench/bench_faults.py [--seed N] [--intents N] [REPOSITORY…]

Each REPOSITORY with recorded intents is copied and replayed beside a synthetic history. Prints what each
replay came to, and one table of all faults as Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.builder import RepoBuilder  # noqa: E402 - found beside this file, not installed
from support.faults import FAULTS, Good, Misbehaviour  # noqa: E402
from support.histories import History  # noqa: E402
from support.model_server import ModelServer  # noqa: E402
from support.playing import Playing, long_history  # noqa: E402

from regen_git.config import Kind, Ownership, load_settings  # noqa: E402
from regen_git.git.commits import read_commit  # noqa: E402
from regen_git.git.trees import diff, read_tree  # noqa: E402
from regen_git.ledger.store import Ledger  # noqa: E402
from regen_git.llm.prices import lookup  # noqa: E402
from regen_git.replay.answers import render_history  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.playing import Asked

    from regen_git.llm.prices import Price

MODEL = "openai/gpt-5"
SHARE = 0.31
IN_A_ROW = 3
TIMEOUT_S = 1.0
JOBS = 4
MAX_TOKENS = 64_000


@dataclass
class Cost:
    """What the faults of one row came to; ``parts`` add up what each cost, in calls without a fault."""

    seen: int = 0
    calls: int = 0
    parts: float = 0.0


def goods_of(history: History) -> dict[str, Good]:
    """Return what history would reply to each intent, with the files that are the model's."""
    repo = history.repo.opened
    store, ownership = repo.objects, Ownership(load_settings(repo).paths)
    found = {}
    for intent, oid in history.by_intent.items():
        commit = read_commit(store, oid)
        parent = read_commit(store, commit.parents[0]).tree if commit.parents else None
        paths = []
        for change in diff(store, parent, commit.tree):
            leaf = change.new or change.old
            if leaf is None:
                continue
            kind = ownership.classify(change.path, leaf.mode, lambda oid=leaf.oid: store.blob(oid))  # type: ignore[misc]
            if kind is Kind.MODEL:
                paths.append(change.path)
        found[intent] = Good(render_history(store, parent, commit.tree, paths), TIMEOUT_S)
    return found


def imported_history(source: Path, target: Path) -> History:
    """Copy a repository with recorded intents; what earlier replays left is taken away."""
    shutil.copytree(source, target, symlinks=True)
    builder = RepoBuilder(target)
    listed = builder.git("for-each-ref", "--format=delete %(refname)", "refs/heads/regen", "refs/regen")
    builder.git("update-ref", "--stdin", stdin=(listed + "\n").encode() if listed else b"")
    for name in ("replays", "replies"):
        shutil.rmtree(target / ".git" / "regen" / name, ignore_errors=True)
    history = History(builder)
    for oid, view in Ledger(builder.opened).scan(["HEAD"]):
        for intent in view.intents:
            history.by_intent.setdefault(intent, oid)
    history.by_intent = dict(reversed(history.by_intent.items()))
    return history


def fits(history: History, intent: str, good: Good, fault: Misbehaviour) -> bool:
    """Return whether a reply can be spoiled so: it has such a file, and the tree what is stumbled over."""
    if not good.has(*fault.needs):
        return False
    path, mode = fault.stands
    store = history.repo.opened.objects
    entry = read_tree(store, read_commit(store, history.by_intent[intent]).tree).get(path.encode())
    return not path or (entry is not None and entry.mode == int(mode, 8))


def deal(history: History, goods: Mapping[str, Good], seed: int) -> dict[str, list[Misbehaviour]]:
    """Deal faults to the intents, so that three replies in ten fail and every fault comes as often."""
    chance = random.Random(seed)
    deck: list[Misbehaviour] = []
    dealt: dict[str, list[Misbehaviour]] = defaultdict(list)
    for intent, good in goods.items():
        while len(dealt[intent]) < IN_A_ROW and chance.random() < SHARE:
            if len(deck) < len(FAULTS):
                deck += chance.sample(FAULTS, len(FAULTS))
            known: set[str] = {fault.reaction for fault in dealt[intent]}
            one = next((f for f in deck if fits(history, intent, good, f) and _can_follow(f, known)), None)
            if one is None:
                break
            deck.remove(one)
            dealt[intent].append(one)
    return dealt


def _can_follow(fault: Misbehaviour, known: set[str]) -> bool:
    """A step that is refused twice is stuck, as it should be; too long is said of the first request."""
    if fault.reaction == "shorter":
        return not known
    return not (fault.reaction == "new sample" and known & {"new sample", "asked again"})


def replay(history: History, play: Playing) -> dict[str, Any]:
    """Replay with the real program, resumed after every stop; return the report, stops and seconds."""
    env = {**os.environ, "OPENAI_API_KEY": "unused", "PYTHONPATH": str(ROOT)}
    history.repo.git("config", "regen.timeout", str(TIMEOUT_S))
    begun = time.perf_counter()
    stops: list[str] = []
    with ModelServer(play) as server:
        env["OPENAI_API_BASE"] = server.url
        typed = ["--model", MODEL, "--jobs", str(JOBS), "--max-tokens", str(MAX_TOKENS), "--budget", "100"]
        while True:
            argv = [sys.executable, "-m", "regen_git", "replay", "--json", *typed]
            done = subprocess.run(
                argv, cwd=history.repo.path, env=env, capture_output=True, text=True, check=False
            )
            if "Traceback" in done.stderr or done.returncode not in (0, 3):
                raise SystemExit(f"exit status {done.returncode}: {done.stderr}{done.stdout[-2000:]}")
            if done.returncode == 0:
                break
            stops.append(done.stderr.splitlines()[0])
            typed = ["--resume", "gpt-5", "--jobs", str(JOBS)]
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**report, "stops": len(stops), "seconds": time.perf_counter() - begun}


def price() -> Price:
    """Return what the model costs."""
    found = lookup(MODEL)
    if found is None:
        raise SystemExit(f"no price is known for '{MODEL}'")
    return found


def add_costs(play: Playing, costs: dict[str, Cost]) -> None:
    """Add what each fault came to: its own request, and what the requests after it cost more."""
    by_intent: dict[str, list[Asked]] = defaultdict(list)
    for asked in play.log:
        by_intent[asked.intent].append(asked)
    for intent, log in by_intent.items():
        good = len(play.goods[intent].text) // 4
        one = price().cost(log[0].prompt_tokens, good)
        longer: Misbehaviour | None = None
        for asked in log:
            usd = price().cost(asked.prompt_tokens, asked.completion_tokens) if asked.is_billed else 0.0
            if asked.fault is None:
                if longer is not None:
                    costs[longer.row].parts += usd / one - 1
                continue
            cost = costs[asked.fault.row]
            cost.seen += 1
            if asked.fault.reaction != "taken":
                cost.calls += 1
                cost.parts += usd / one
            if asked.fault.reaction in ("asked again", "continued", "shorter"):
                # What is sent after it holds more, or less, than what was sent first.
                longer = asked.fault


def rows(costs: Mapping[str, Cost]) -> Iterator[str]:
    """Yield the table's lines."""
    yield "| fault | seen | what is done | calls more | cost more |"
    yield "|---|---|---|---|---|"
    for row in dict.fromkeys(fault.row for fault in FAULTS):
        cost = costs[row]
        done = ", ".join(sorted({fault.reaction for fault in FAULTS if fault.row == row}))
        if not cost.seen:
            yield f"| {row} | 0 | {done} | | |"
            continue
        share = cost.parts / cost.seen
        yield f"| {row} | {cost.seen} | {done} | {cost.calls / cost.seen:.1f} | {share:.0%} of a call |"


def trees(history: History, rev: str) -> list[str]:
    return history.repo.git("log", "--topo-order", "--format=%T", rev).split()


def one(history: History, name: str, seed: int, costs: dict[str, Cost]) -> None:
    """Replay one history and say what came of it."""
    goods = goods_of(history)
    play = Playing(goods, deal(history, goods, seed))
    report = replay(history, play)
    faulty = [asked for asked in play.log if asked.fault is not None]
    honest = sum(price().cost(a.prompt_tokens, a.completion_tokens) for a in play.log if a.is_billed)
    clean = sum(
        price().cost(log.prompt_tokens, len(goods[log.intent].text) // 4)
        for log in {asked.intent: asked for asked in reversed(play.log)}.values()
    )
    same = trees(history, report["branch"]) == trees(history, "HEAD")
    add_costs(play, costs)
    print(f"{name}: {len(goods)} intents, seed {seed}")
    print(f"  every tree equal to history   {same}")
    print(
        f"  requests                      {len(play.log)}, of which {len(faulty)} failed "
        f"({len(faulty) / len(play.log):.0%}) in {len({a.fault.name for a in faulty if a.fault})} ways"
    )
    print(f"  stopped and resumed           {report['stops']} times")
    print(
        f"  counted by the tool           ${report['cost_usd']:.2f}, {report['calls']} calls, "
        f"{report['calls_unanswered']} without an answer"
    )
    print(f"  an honest provider's bill     ${honest:.2f}; without any fault ${clean:.2f}")
    print(f"  seconds                       {report['seconds']:.1f}")
    if not same or honest > report["cost_usd"]:
        raise SystemExit("not as it should be")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("repositories", nargs="*", type=Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--intents", type=int, default=300)
    typed = parser.parse_args()
    costs: dict[str, Cost] = defaultdict(Cost)
    with tempfile.TemporaryDirectory() as folder:
        one(long_history(Path(folder) / "made", typed.intents), "synthetic", typed.seed, costs)
        for number, source in enumerate(typed.repositories):
            history = imported_history(source, Path(folder) / str(number))
            one(history, source.name, typed.seed + number + 1, costs)
    print()
    print("\n".join(rows(costs)))


if __name__ == "__main__":
    main()
