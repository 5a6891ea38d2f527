"""How long the program takes to start, against ``python -c pass``. Run: python tests/bench/bench_start.py"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time

ROUNDS = 15


def seconds(argv: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def main() -> None:
    program = shutil.which("git-regen", path=str(sys.prefix) + "/bin") or "git-regen"
    contenders = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "git-regen --version": [program, "--version"],
        "git-regen -h": [program, "-h"],
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        # One of each in turn, so that a busy moment falls on all of them.
        for name, argv in contenders.items():
            times[name].append(seconds(argv))
    base = statistics.median(times["python -c pass"])
    for name, measured in times.items():
        middle = statistics.median(measured)
        print(f"{name:<22} {middle * 1000:7.1f} ms   {middle / base:5.2f} x")


if __name__ == "__main__":
    main()
