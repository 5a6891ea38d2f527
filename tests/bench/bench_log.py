"""How fast history is read with its notes. Run: python tests/bench/bench_log.py [N]

Against ``git log --notes``, on a repository of N commits (default 10,000) that it makes in a temporary
folder, each with a note of some 760 bytes. A busy machine changes the processor time least.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from regen_git.domain.ids import derived_intent_id
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt
from regen_git.git.notes import scan_notes
from regen_git.git.repository import Repository
from regen_git.ledger.encoding import encode
from regen_git.ledger.store import INTENTS_REF, Ledger

ROUNDS = 5
REGEN = [sys.executable, "-m", "regen_git"]
GIT = ["git", "log", "--notes=regen"]
TEXT = (
    "Add a retry with exponential backoff to the HTTP client, and log each one that fails for the third time"
)


def note(number: int) -> bytes:
    one = derived_intent_id(str(number))
    prompts = (
        Prompt(f"{TEXT} ({number}).\nNot more than {number % 9} tries.\n", "2026-11-22T09:58:12Z", "feature"),
        Prompt(
            "yes, and log each one", "2026-11-22T10:01:40Z", None, "Shall I also retry?\n", ("docs/a.md",)
        ),
    )
    agent = Agent("claude", "2.1.197", "claude-opus-4-8", one[:8])
    path = f"src/f{number % 500}.py"
    return encode(Intent(one, prompts, "captured", "Ada Example <ada@example.org>", agent)) + encode(
        Binding(one, (path,), (), {path: (LineRange(12, 19),)}, one + "0" * 24, one + "1" * 24)
    )


def make(path: Path, number: int) -> None:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=path, stdin=subprocess.PIPE) as process:
        if process.stdin is not None:
            write(process.stdin, number)
            process.stdin.close()


def write(out: IO[bytes], number: int) -> None:
    for at in range(number):
        message = f"Commit {at}\n\nRegen-Intent: {derived_intent_id(str(at))}\n".encode()
        when = 1_700_000_000 + 60 * at
        head = b"commit refs/heads/main\nmark :%d\ncommitter Ada <a@b> %d +0000\ndata %d\n%s\n"
        out.write(head % (at + 1, when, len(message), message))
        out.write(b"M 100644 inline src/f%d.py\ndata %d\n%d\n" % (at % 500, len(str(at)), at))
    out.write(b"commit refs/notes/regen\ncommitter A <a@b> 1800000000 +0000\ndata 0\n")
    for at in range(number):
        raw = note(at)
        out.write(b"N inline :%d\ndata %d\n%s\n" % (at + 1, len(raw), raw))


def seconds(argv: list[str], path: Path, *, head: bool = False) -> tuple[float, float]:
    """Return the time of a whole process, and the processor time of it and its children."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with subprocess.Popen(argv, cwd=path, env=env, stdout=subprocess.PIPE) as process:
        if process.stdout is not None:
            while process.stdout.read(1 << 16) and not head:
                pass
            process.stdout.close()
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(path: Path) -> None:
    contenders = {
        "git log --notes=regen": (GIT, False),
        "git regen log": ([*REGEN, "log"], False),
        "git regen log --json": ([*REGEN, "log", "--json"], False),
        "git regen log | head": ([*REGEN, "log"], True),
        "git regen log -n 1": ([*REGEN, "log", "-n", "1"], False),
        "git regen show": ([*REGEN, "show"], False),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        # One of each in turn, so that a busy moment falls on all of them.
        for name, (argv, head) in contenders.items():
            times[name].append(seconds(argv, path, head=head))
    middles = {
        name: [statistics.median(one) for one in zip(*some, strict=True)] for name, some in times.items()
    }
    base = middles["git log --notes=regen"]
    for name, (wall, cpu) in middles.items():
        shown = f"{wall * 1000:8.0f} ms {wall / base[0]:6.2f} x"
        print(f"{name:<24} {shown}   {cpu * 1000:8.0f} ms of processor {cpu / base[1]:6.2f} x")


def inside(path: Path, number: int) -> None:
    repo = Repository.open(path)
    begun = time.process_time()
    for _ in scan_notes(repo, INTENTS_REF, ["HEAD"]):
        pass
    scanned = time.process_time()
    for _ in Ledger(repo).scan(["HEAD"]):
        pass
    parsing = (time.process_time() - scanned) - (scanned - begun)
    print(f"scanning, without git    {(scanned - begun) / number * 1e6:8.1f} us a note")
    print(f"parsing                  {parsing / number * 1e6:8.1f} us a note")
    print(f"memory of this process   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.1f} MiB")


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "repo")
        make(path, number)
        compare(path)
        inside(path, number)


if __name__ == "__main__":
    main()
