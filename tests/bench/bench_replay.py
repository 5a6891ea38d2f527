"""A replay served from recorded replies: seconds, memory. Run: python tests/bench/bench_replay.py [N]"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.git.repository import Repository
from regen_git.ledger.store import Ledger

FILES = 50


def build(path: Path, number: int) -> None:
    """Make a history of ``number`` commits with an intent each, over fifty files."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    stream = []
    for i in range(number):
        message = f"Add f{i}\n\nRegen-Intent: {i + 1:016x}\n"
        text = "".join(f"def f{j}(x):\n    return x + {j}\n\n\n" for j in range(i % FILES, i + 1, FILES))
        stream += [
            f"commit refs/heads/main\nmark :{i + 1}",
            f"committer A <a@example.org> {1_700_000_000 + i * 60} +0000",
            f"data {len(message)}\n{message}" + (f"from :{i}" if i else ""),
            f"M 100644 inline src/m{i % FILES}.py\ndata {len(text)}\n{text}",
        ]
    subprocess.run(["git", "fast-import", "--quiet"], input="\n".join(stream).encode(), cwd=path, check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=path, check=True)
    repo = Repository.open(path)
    commits = repo.git("rev-list", "--reverse", "HEAD").decode().split()
    records = {}
    for i, commit in enumerate(commits):
        intent = IntentId(f"{i + 1:016x}")
        words = Intent(intent, (Prompt(f"Add function f{i} that adds {i}."),), "captured")
        records[commit] = [words, Binding(intent, (f"src/m{i % FILES}.py",))]
    Ledger(repo).append(records)


def timed(path: Path, *args: str) -> float:
    argv = [sys.executable, "-m", "regen_git", "replay", "--model", "original", *args]
    begun = time.perf_counter()
    subprocess.run(argv, cwd=path, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        build(path, number)
        print(f"{number} intents, nothing changes          {timed(path):6.2f} s")
        print(f"{number} intents, written and read back    {timed(path, '--rewrite', '--name', 'r'):6.2f} s")
        locked = timed(path, "--rewrite", "--name", "r", "--locked")
        print(f"{number} intents, from recorded replies    {locked:6.2f} s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"largest child                         {peak / 1024:6.1f} MiB")


if __name__ == "__main__":
    main()
