"""What the hooks and the capture cost, as ratios in one run; no test asserts a time.

Usage: python tests/bench/bench_hooks.py [ROUNDS]

Rounds are interleaved (bare, nothing, records), so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from regen_git.capture.inbox import locked  # noqa: E402 - found beside this file

_PROGRAM = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
from regen_git.cli.main import main
main()
"""
_FILES = 500


def _environment(home: Path) -> dict[str, str]:
    folder = home / "bin"
    folder.mkdir()
    program = folder / "git-regen"
    program.write_text(_PROGRAM.format(python=sys.executable, root=str(ROOT)))
    program.chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }


class Bench:
    """Two repositories alike, one with hooks."""

    def __init__(self, home: Path) -> None:
        self.env = _environment(home)
        self.bare = self._make(home / "bare")
        self.hooked = self._make(home / "hooked")
        self.run(self.hooked, "git-regen", "init", "--yes", "--claude", "none", "--no-config", "--no-import")
        self.count = 0

    def run(self, where: Path, *args: str, stdin: bytes = b"") -> float:
        """Run one command and return how long it took, in milliseconds."""
        start = time.perf_counter()
        subprocess.run(list(args), cwd=where, env=self.env, input=stdin, check=True, capture_output=True)
        return (time.perf_counter() - start) * 1000

    def _make(self, where: Path) -> Path:
        where.mkdir()
        self.run(where, "git", "init", "-q")
        self.run(where, "git", "config", "gc.auto", "0")
        for i in range(_FILES):
            path = where / f"d{i % 20}" / f"f{i}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{i}\n")
        self.run(where, "git", "add", "-A")
        self.run(where, "git", "commit", "-q", "-m", "Start")
        return where

    def commit(self, where: Path, name: str = "d0/f0.txt") -> float:
        """Change a file, stage it, and time the commit alone."""
        self.count += 1
        (where / name).write_text(f"changed {self.count}\n")
        self.run(where, "git", "add", name)
        return self.run(where, "git", "commit", "-q", "-m", "Change it")

    def capture(self, event: str, **fields: object) -> float:
        """Hand over one payload and time the whole process."""
        payload = {"session_id": "s1", "cwd": str(self.hooked), "hook_event_name": event, **fields}
        command = ("git-regen", "capture", "--agent", "claude")
        return self.run(self.hooked, *command, stdin=json.dumps(payload).encode())

    def settle(self) -> None:
        """Wait for the flush in the background."""
        data = self.hooked / ".git" / "regen"
        while (data / "marks").exists() or (data / "marks.taken").exists():
            time.sleep(0.01)
        # A flush that was just started takes its lock, or is through.
        time.sleep(0.25)
        with locked(str(data / "flush.lock")):
            pass

    def recording(self, i: int) -> tuple[float, float, float]:
        """One turn of an agent and its commit; return the times of prompt, edit and commit."""
        key = f"prompt-{i}"
        prompt = self.capture("UserPromptSubmit", prompt_id=key, prompt="Change the first file, please")
        path = str(self.hooked / "d1/f1.txt")
        Path(path).write_text(f"agent {i}\n")
        tool = {"tool_name": "Write", "tool_input": {"file_path": path, "content": ""}}
        edit = self.capture("PostToolUse", prompt_id=key, **tool)
        self.capture("Stop", prompt_id=key, last_assistant_message="Done.")
        self.run(self.hooked, "git", "add", "d1/f1.txt")
        self.settle()
        commit = self.run(self.hooked, "git", "commit", "-q", "-m", "Change it")
        self.settle()
        return prompt, edit, commit


def main() -> None:
    """Print the figures."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        times: dict[str, list[float]] = {
            name: [] for name in ("bare", "nothing", "records", "prompt", "edit")
        }
        for i in range(rounds + 2):
            row = {"bare": bench.commit(bench.bare), "nothing": bench.commit(bench.hooked)}
            row["prompt"], row["edit"], row["records"] = bench.recording(i)
            bench.capture("SessionEnd", reason="other")
            bench.settle()
            if i >= 2:
                for name, took in row.items():
                    times[name].append(took)
        python = [bench.run(ROOT, sys.executable, "-c", "pass") for _ in range(rounds)]
    base = statistics.median(times["bare"])
    print(f"{rounds} rounds, {_FILES} files; medians")
    for name, label in (
        ("bare", "bare git commit"),
        ("nothing", "commit, hooks, nothing to record"),
        ("records", "commit that records"),
    ):
        middle = statistics.median(times[name])
        pairs = [a / b for a, b in zip(times[name], times["bare"], strict=True)]
        print(
            f"{label:<36} {middle:8.2f} ms  {middle / base:5.2f} x"
            f"  (pair by pair {statistics.median(pairs):.2f} x)"
        )
    for name, label in (("prompt", "capture of a prompt"), ("edit", "capture of an edit")):
        print(f"{label:<36} {statistics.median(times[name]):8.2f} ms")
    print(f"{'python -c pass':<36} {statistics.median(python):8.2f} ms")


if __name__ == "__main__":
    main()
