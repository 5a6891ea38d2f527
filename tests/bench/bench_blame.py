"""How fast lines are blamed. Run: python tests/bench/bench_blame.py [REPOSITORY FILE…]

``git regen blame`` against ``git blame`` for the same file, whole processes. Without arguments, on a
repository of its own in a temporary folder: one file of some 6,000 lines and 1,500 commits, half of them with
a prompt recorded. Of each, the best of some rounds counts: a busy machine only adds.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from regen_git.domain.ids import derived_intent_id
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt
from regen_git.git.repository import Repository
from regen_git.ledger.store import Ledger

ROUNDS = 7
COMMITS = 1_500
AT_ONCE = 4
REGEN = [sys.executable, "-m", "regen_git"]


def make(path: Path) -> None:
    """Build a file by commits that each put some lines at another place."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=path, stdin=subprocess.PIPE) as process:
        if process.stdin is not None:
            write(process.stdin)
            process.stdin.close()
    repo = Repository.open(path)
    commits = repo.git("rev-list", "--reverse", "main").decode().split()
    records = {}
    for number, commit in enumerate(commits):
        if number % 2 == 0:
            one = derived_intent_id(str(number))
            words = Intent(
                one, (Prompt(f"Change it for the {number}th time.\n"),), "captured", None, Agent("claude")
            )
            hand = {"big.txt": (LineRange(number, number),)} if number % 10 == 0 else None
            records[commit] = [words, Binding(one, ("big.txt",), hand=hand)]
    Ledger(repo).append(records)


def write(out: IO[bytes]) -> None:
    rows: list[str] = []
    for number in range(COMMITS):
        at = number * 7919 % (len(rows) + 1)
        rows[at : at + 1] = [f"line {number}.{i} of a file" for i in range(AT_ONCE + 1)]
        data = "".join(f"{row}\n" for row in rows).encode()
        message = f"Commit {number}\n".encode()
        when = 1_700_000_000 + 60 * number
        out.write(b"commit refs/heads/main\ncommitter Ada <ada@example.org> %d +0000\n" % when)
        out.write(b"data %d\n%s" % (len(message), message))
        out.write(b"M 100644 inline big.txt\ndata %d\n%s\n" % (len(data), data))


def best(argv: list[str], cwd: Path) -> tuple[float, float]:
    """Return the least wall time, and the least processor time, in seconds."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    walls, cpus = [], []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run(argv, cwd=cwd, env=env, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(walls), min(cpus)


def measure(repo: Path, name: str) -> None:
    """Print both, as wall time and as processor time."""
    git = best(["git", "blame", "HEAD", "--", name], repo)
    ours = best([*REGEN, "blame", name, "HEAD"], repo)
    for what, theirs, mine in zip(("wall", "processor"), git, ours, strict=True):
        print(f"{name}, {what}: {theirs * 1000:.0f} ms, {mine * 1000:.0f} ms: {mine / theirs:.2f} x")


def main() -> None:
    """Measure and print, one line a file."""
    if len(sys.argv) > 1:
        for name in sys.argv[2:]:
            measure(Path(sys.argv[1]), name)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "repo")
        make(path)
        subprocess.run(["git", "checkout", "-q", "main"], cwd=path, check=True)
        measure(path, "big.txt")


if __name__ == "__main__":
    main()
