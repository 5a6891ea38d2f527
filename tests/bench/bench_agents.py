"""What one capture costs for every agent, as recorded payloads come: whole process, fsync included.

Usage: python tests/bench/bench_agents.py [ROUNDS]

Payloads are taken from the recordings beside the repository; rounds are interleaved over the agents. ``python
-c pass`` stands beside them, since most of a capture is the start of Python. No test asserts a time.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_hooks import ROOT, Bench

from regen_git.agents import load

_FIXTURES = ROOT.parent / "shared" / "agent-fixtures"
_WORK = "/home/dev/work/hello"


def main() -> None:
    """Print medians in milliseconds, by agent and event."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        bench = Bench(Path(name))
        (bench.hooked / "hello.py").write_text('print("hello")\n')
        payloads = _payloads(bench.hooked)
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            times.setdefault(("python -c pass", ""), []).append(
                bench.run(bench.hooked, sys.executable, "-c", "pass")
            )
            for (agent, event), raw in payloads.items():
                taken = bench.run(bench.hooked, "git-regen", "capture", "--agent", agent, stdin=raw)
                times.setdefault((agent, event), []).append(taken)
    for (agent, event), taken_all in times.items():
        print(f"{agent:<16}{event:<22}{statistics.median(taken_all):8.1f} ms")


def _payloads(work: Path) -> dict[tuple[str, str], bytes]:
    """Return, by agent and event, the first recorded payload of each event that we are told of."""
    found: dict[tuple[str, str], bytes] = {}
    for path in sorted(_FIXTURES.glob("**/hooks.jsonl")):
        agent = path.relative_to(_FIXTURES).parts[0]
        settings = load(agent).SETTINGS
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            event = str((record.get("argv") or [""])[0]).rpartition(":")[2]
            if settings is None or "stdin" not in record or event not in settings.events:
                continue
            raw = record["stdin"].replace(_WORK, str(work)).encode()
            found.setdefault((agent, event), raw)
    return found


if __name__ == "__main__":
    main()
