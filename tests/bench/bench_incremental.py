"""Replays again what was answered: seconds, memory. Run: python tests/bench/bench_incremental.py [N] [KEEP]

The scripted server stands for a model that writes other code than history has, so that every step is rebuilt.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from bench_replay import build  # noqa: E402 - the path comes first
from support.model_server import ModelServer  # noqa: E402 - the path comes first

_NEW = re.compile(r"do not exist yet: (\S+)")
_FILE = re.compile(r"^FILE (\S+)\n```\n(.*?)```", re.MULTILINE | re.DOTALL)
_WANTED = re.compile(r"Add function f(\d+) that adds")
ROUNDS = 3


def answer(body: dict[str, object]) -> str:
    """Add the function that is asked for, in another style than history's."""
    text = body["messages"][-1]["content"]  # type: ignore[index]
    number = _WANTED.search(text)[1]  # type: ignore[index]
    shown = _FILE.search(text)
    path, before = (shown[1], shown[2]) if shown else (_NEW.search(text)[1], '"""Numbers."""\n')  # type: ignore[index]
    return f"FILE {path}\n```python\n{before}\n\ndef f{number}(x):\n    return {number} + x\n```\n"


def timed(path: Path, *args: str, model: str = "openai/scripted") -> float:
    """Return the seconds of one replay as a whole process."""
    argv = [
        sys.executable,
        "-m",
        "regen_git",
        "replay",
        "--model",
        model,
        "--check",
        "never",
        "--mode",
        "chained",
        *args,
    ]
    begun = time.perf_counter()
    subprocess.run(argv, cwd=path, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def told(what: str, seconds: list[float]) -> None:
    """Print the least, the median and the most of some seconds."""
    ordered = sorted(seconds)
    print(f"{what:42} {ordered[0]:6.2f} {ordered[len(ordered) // 2]:6.2f} {ordered[-1]:6.2f} s")


def main() -> None:
    """Measure."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    keep = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "repo"
        build(path, number)
        with ModelServer(answer) as server:
            subprocess.run(["git", "config", "--global", "regen.apiBase", server.url], cwd=path, check=True)
            told(f"{number} intents, asked of a model", [timed(path, "--jobs", "8")])
            told(f"{number} intents, replayed again", [timed(path) for _ in range(ROUNDS)])
            told(f"{number} intents, --locked", [timed(path, "--locked") for _ in range(ROUNDS)])
            told(f"{number} intents, --changed", [timed(path, "--changed") for _ in range(ROUNDS)])
            print(f"calls {server.count}")
        if keep is not None:
            shutil.copytree(path, keep)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"largest child {peak / 1024:6.1f} MiB")


if __name__ == "__main__":
    main()
