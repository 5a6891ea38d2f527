"""How fast intents are folded into a spec. Run: python tests/bench/bench_fold.py [N]

On a repository of N commits (default 10,000) that it makes in a temporary folder, each with an intent of two
prompts: the first fold, one that finds nothing new, ``--check``, and how long reading the ledger takes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_log import make, seconds

from regen_git.git.repository import Repository
from regen_git.ledger.effective import read_asked

REGEN = [sys.executable, "-m", "regen_git"]


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        bare, path = Path(folder) / "bare.git", Path(folder) / "work"
        make(bare, number)
        subprocess.run(["git", "clone", "-q", str(bare), str(path)], check=True)
        fetch = ["git", "fetch", "-q", "origin", "refs/notes/regen:refs/notes/regen"]
        subprocess.run(fetch, cwd=path, check=True)
        begun = time.perf_counter()
        asked = read_asked(Repository.open(path), ["HEAD"])
        print(f"{'reading the ledger':28} {time.perf_counter() - begun:6.2f} s  {len(asked):,} intents")
        for name, args in (("first fold", []), ("fold, nothing new", []), ("fold --check", ["--check"])):
            wall, used = seconds([*REGEN, "fold", *args], path)
            print(f"{name:28} {wall:6.2f} s  {used:6.2f} s of processor time")
        pages = list((path / ".regen" / "spec").glob("*.md"))
        size = sum(page.stat().st_size for page in pages)
        print(f"{'the spec':28} {size / 1e6:6.2f} MB in {len(pages)} pages")


if __name__ == "__main__":
    main()
