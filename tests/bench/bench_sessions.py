"""What idle sessions in the inbox cost: a commit that records, and one capture, with 0, 100 and 500 of them.

Usage: python tests/bench/bench_sessions.py [ROUNDS]

Rounds are interleaved, so that a machine that slows down slows all of them. No test asserts a time.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench_hooks import Bench

from regen_git.capture.inbox import Entry, Inbox

_SESSIONS = (0, 100, 500)


def main() -> None:
    """Print medians in milliseconds by the number of sessions."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    benches: dict[int, Bench] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        for number in _SESSIONS:
            home = Path(name, str(number))
            home.mkdir()
            benches[number] = Bench(home)
            _fill(benches[number].hooked, number)
        times: dict[str, list[float]] = {}
        for i in range(rounds):
            for number, bench in benches.items():
                for what, taken in _round(bench, i).items():
                    times.setdefault(f"{what}, {number} idle sessions", []).append(taken)
    for what in sorted(times):
        print(f"{what:<44} {statistics.median(times[what]):8.1f} ms")


def _fill(where: Path, number: int) -> None:
    """Put sessions into the inbox that asked for something and wrote nothing."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    inbox = Inbox(str(where / ".git" / "regen"))
    entries = []
    for i in range(number):
        one = Entry("prompt", agent="claude", session=f"idle-{i:04}", turn=f"t{i}", worktree="main", at=at)
        entries.append(one._replace(id=f"{i:016x}", key=f"t{i}", text=f"What does file {i} do, and why?"))
    inbox.append(entries)


def _round(bench: Bench, i: int) -> dict[str, float]:
    path = bench.hooked / "d1" / "f1.txt"
    base = {"session_id": "busy", "cwd": str(bench.hooked), "prompt_id": f"p{i}"}
    asked = {**base, "hook_event_name": "UserPromptSubmit", "prompt": f"Write {i} into f1"}
    capture = ["git-regen", "capture", "--agent", "claude"]
    taken = bench.run(bench.hooked, *capture, stdin=json.dumps(asked).encode())
    path.write_text(f"round {i} {time.time_ns()}\n")
    wrote = {"tool_name": "Write", "tool_input": {"file_path": str(path)}}
    bench.run(
        bench.hooked, *capture, stdin=json.dumps({**base, "hook_event_name": "PostToolUse", **wrote}).encode()
    )
    bench.run(bench.bare, "git", "add", "-A")
    (bench.bare / "d1" / "f1.txt").write_text(f"round {i} {time.time_ns()}\n")
    bench.run(bench.bare, "git", "add", "-A")
    bench.run(bench.hooked, "git", "add", "-A")
    recorded = bench.run(bench.hooked, "git", "commit", "-q", "-m", "Record")
    bare = bench.run(bench.bare, "git", "commit", "-q", "-m", "Bare")
    time.sleep(0.3)
    return {"capture of a prompt": taken, "commit that records": recorded, "bare commit": bare}


if __name__ == "__main__":
    main()
