"""Rewriting a history without a model, beside git's own ways to do it.

Run: python tests/bench/bench_rewrite.py [COMMITS [FILES [ROUNDS]]]

A history of COMMITS (1,000) over FILES (500) is rewritten by ``git replay`` and ``git rebase`` onto a base
with one file more, and by ``git regen replay --model original --rewrite``: once with no intent recorded, so
that every commit is carried, and once with an intent on every commit, so that every commit is rendered as a
reply, recorded and read back. Each run gets a fresh copy, the runs take turns, medians are shown.
``git replay`` is in git 2.44 and newer; put another git first in PATH to compare with it.
"""

from __future__ import annotations

import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.git.repository import Repository
from regen_git.ledger.store import Ledger

FUNCTIONS = 40
START = 1_700_000_000


def build(path: Path, number: int, files: int) -> None:
    """Make the history on ``main``, and a branch ``base`` beside it that has one file more at its start."""
    chance = random.Random(1)
    texts = {
        f"src/d{i % 20}/m{i}.py": [f"def f{j}(x):\n    return x + {j}\n\n\n" for j in range(FUNCTIONS)]
        for i in range(files)
    }
    stream = [_commit("main", 1, START, "Start"), *(_file(name, body) for name, body in texts.items())]
    for i in range(number):
        name = chance.choice(list(texts))
        place = chance.randrange(FUNCTIONS)
        texts[name][place] = f"def f{place}(x):\n    return x + {chance.randrange(10_000)}\n\n\n"
        stream += [_commit("main", i + 2, START + 60 * (i + 1), f"Change {name}"), _file(name, texts[name])]
    stream += [_commit("base", number + 2, START, "More", "from :1\n"), _file("more.txt", ["more\n"])]
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    subprocess.run(["git", "fast-import", "--quiet"], input=b"".join(stream), cwd=path, check=True)


def _commit(branch: str, mark: int, seconds: int, message: str, start: str = "") -> bytes:
    head = f"commit refs/heads/{branch}\nmark :{mark}\ncommitter A <a@example.org> {seconds} +0000\n"
    return f"{head}data {len(message)}\n{message}\n{start}".encode()


def _file(name: str, body: list[str]) -> bytes:
    text = "".join(body)
    return f"M 100644 inline {name}\ndata {len(text)}\n{text}\n".encode()


def record(path: Path) -> None:
    """Give every commit but the first an intent."""
    repo = Repository.open(path)
    out = repo.git("log", "--reverse", "--format=%H %s", "main").decode()
    lines = [line.partition(" Change ") for line in out.splitlines()]
    Ledger(repo).append(
        {
            commit: [
                Intent(IntentId(f"{i + 1:016x}"), (Prompt(f"Change what {name} returns."),), "captured"),
                Binding(IntentId(f"{i + 1:016x}"), (name,)),
            ]
            for i, (commit, _, name) in enumerate(lines)
            if name
        }
    )


def timed(source: Path, *argv: str, checkout: bool = False) -> float:
    """Run a command in a fresh copy and return its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "copy")
        shutil.copytree(source, path)
        if checkout:
            subprocess.run(["git", "checkout", "-q", "main"], cwd=path, check=True)
        begun = time.perf_counter()
        subprocess.run(argv, cwd=path, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begun


def main() -> None:
    number, files, rounds = ([int(arg) for arg in sys.argv[1:]] + [1000, 500, 5][len(sys.argv) - 1 :])[:3]
    version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    usage = subprocess.run(["git", "replay", "-h"], capture_output=True, check=False)
    known = b"--onto" in usage.stdout + usage.stderr
    with tempfile.TemporaryDirectory() as folder:
        plain, asked = Path(folder, "plain"), Path(folder, "asked")
        build(plain, number, files)
        shutil.copytree(plain, asked)
        record(asked)
        root = f"main~{number}"
        ours = [
            sys.executable,
            "-m",
            "regen_git",
            "replay",
            "--model",
            "original",
            "--rewrite",
            "--check",
            "never",
        ]
        runs = {
            "git rebase": (plain, ["git", "rebase", "-q", "--onto", "base", root, "main"]),
            "git regen replay, all carried": (plain, [*ours, f"{root}..main"]),
            "git regen replay, all with intents": (asked, [*ours, f"{root}..main"]),
        }
        if known:
            runs = {"git replay": (plain, ["git", "replay", "--onto", "base", f"{root}..main"]), **runs}
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, (source, argv) in runs.items():
                times[name].append(timed(source, *argv, checkout=name == "git rebase"))
    print(f"{number} commits, {files} files, {version}; medians of {rounds}")
    first = statistics.median(next(iter(times.values())))
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        print(f"{name:36} {middle:7.2f} s  {middle / first:5.2f} x {next(iter(times))}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"{'largest child':36} {peak / 1024:7.1f} MiB")


if __name__ == "__main__":
    main()
