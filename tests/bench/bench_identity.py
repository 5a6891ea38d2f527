"""Is a history rebuilt from its own answers the history it was? On real repositories, with time and memory.

Usage: python tests/bench/bench_identity.py [--range A..B] [--markdown] REPOSITORY…

Each repository is mirrored to a scratch folder. Recorded intents are given to every commit whose message or
author names an agent; where those are fewer than one in a hundred, to each third commit with one parent. Then
`git regen replay --model original` runs as a process, plain and with `--rewrite`, and every new commit is
read with git alone and held against its source: tree, parents, author, committer, dates, encoding, message.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.identity import git, problems_of, read_all  # noqa: E402 - found beside this file

FEW = 100
EACH = 3


def give_intents(path: str, span: str) -> None:
    """Record intents on a share of the commits, in one batch, and print how it was chosen."""
    from regen_git.agents.evidence import evidence_of
    from regen_git.domain.ids import derived_intent_id
    from regen_git.domain.intent import Binding, Intent, Prompt
    from regen_git.git.commits import parse_commit
    from regen_git.git.repository import Repository
    from regen_git.ledger.codec import encode
    from regen_git.ledger.store import Ledger

    repo = Repository.open(Path(path))
    commits = git(path, "rev-list", "--topo-order", "--reverse", span).split()
    broken = missing_in(path, span)
    single, agents = [], []
    for oid in commits:
        if oid in broken:
            continue
        commit = parse_commit(oid.decode(), repo.objects.read(oid.decode())[1])
        if len(commit.parents) <= 1:
            single.append(commit)
            if evidence_of(commit.text, commit.author_name).maker == "agent":
                agents.append(commit)
    chosen, how = agents, "agents' commits"
    if len(agents) * FEW < len(commits):
        chosen, how = single[::EACH], f"each {EACH}rd commit"
    notes = {}
    for commit in chosen:
        intent = derived_intent_id("message", commit.id)
        words = Intent(intent, (Prompt(commit.text.strip() or "(no message)"),), "imported")
        notes[commit.id] = encode(words) + encode(Binding(intent, result=commit.tree))
    Ledger(repo).append_raw(notes, "regen: record")
    roots = git(path, "rev-list", "--max-parents=0", span).split()
    octopus = git(path, "rev-list", "--min-parents=3", span).split()
    merges = git(path, "rev-list", "--min-parents=2", span).split()
    told = {
        "commits": len(commits),
        "merges": len(merges),
        "octopus": len(octopus),
        "roots": len(roots),
        "given": len(chosen),
        "how": how,
    }
    print(json.dumps(told))


def missing_in(path: str, span: str) -> set[bytes]:
    """Return the commits with files that the repository itself lacks, as mirrors without large files do."""
    listed = git(path, "rev-list", "--objects", "--missing=print", span).splitlines()
    missing = {line[1:] for line in listed if line.startswith(b"?")}
    found: set[bytes] = set()
    commit = b""
    for line in git(path, "log", "--raw", "--no-abbrev", "--no-renames", "--format=%H", span).splitlines():
        if not line.startswith(b":"):
            commit = line or commit
        elif missing.intersection(line.split(b" ")[2:4]):
            found.add(commit)
    return found


def replay(path: str, span: str, *args: str) -> tuple[dict[str, object], tuple[str, str, str]]:
    """Run one replay as a process; return what it told, its seconds by clock and by CPU, and its peak MiB."""
    argv = [sys.executable, "-m", "regen_git", "replay", span, "--model", "original", "--json", *args]
    begun = time.perf_counter()
    child = subprocess.Popen(
        argv, cwd=path, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    out = child.stdout.read() if child.stdout else b""
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    told = json.loads(out.splitlines()[-1]) if out.strip() else {}
    told["status"] = child.returncode
    cpu = usage.ru_utime + usage.ru_stime
    return told, (f"{seconds:.1f}", f"{cpu:.1f}", f"{usage.ru_maxrss / 1024:.0f}")


def compare(path: str, span: str, tip: str) -> None:
    """Hold every commit below ``tip`` against its source; print the first things that differ."""
    old = read_all(path, git(path, "rev-list", span).split())
    end = span.rpartition("..")[2]
    new = read_all(path, git(path, "rev-list", tip, f"^{end}").split())
    problems = problems_of(old, new)
    signed = sum(commit.is_signed for commit in old.values())
    print(json.dumps({"ok": not problems, "problems": problems[:5], "signed": signed}))


def inner(*args: str) -> dict[str, object]:
    """Run a part of this file as a process of its own: a child's peak memory begins at its parent's."""
    done = subprocess.run([sys.executable, __file__, *args], check=True, stdout=subprocess.PIPE)
    told: dict[str, object] = json.loads(done.stdout)
    return told


COLUMNS = (
    "repository", "commits", "merges", "octopus", "roots", "signed", "intents given to",
    "plain: s", "CPU s", "MiB", "rewrite: s", "CPU s", "MiB", "regenerated", "carried", "merged", "identical",
)  # fmt: skip


def measure(source: Path, span: str) -> list[str]:
    """Return one row of the table."""
    name = next((part for part in reversed(source.resolve().parts) if "+" in part), source.name)
    with tempfile.TemporaryDirectory(prefix="regen-identity-") as folder:
        path = str(Path(folder) / "mirror.git")
        subprocess.run(["git", "clone", "-q", "--mirror", "--shared", str(source), path], check=True)
        facts = inner("--give-intents", path, span)
        tip = git(path, "rev-parse", span.rpartition("..")[2]).decode().strip()
        plain, first = replay(path, span, "--name", "plain")
        again, second = replay(path, span, "--rewrite", "--name", "rewritten")
        steps = again.get("steps")
        kinds = steps if isinstance(steps, dict) else {}
        same = plain.get("tip") == tip and plain["status"] == 0
        held = {"ok": False, "problems": ["no tip"], "signed": 0}
        if again.get("tip"):
            held = inner("--compare", path, span, str(again["tip"]))
        ok = same and again["status"] == 0 and held["ok"]
        if not ok:
            print(name, "plain:", plain, "rewrite:", again, "held:", held, file=sys.stderr)
    return [
        name.replace("+", "/"), *(f"{facts[key]}" for key in ("commits", "merges", "octopus", "roots")),
        f"{held['signed']}", f"{facts['given']} ({facts['how']})",
        *first, *second,
        *(f"{kinds.get(kind)}" for kind in ("regenerated", "carried", "merge")), "yes" if ok else "NO",
    ]  # fmt: skip


def main() -> None:
    if sys.argv[1:2] == ["--give-intents"]:
        give_intents(*sys.argv[2:])
        return
    if sys.argv[1:2] == ["--compare"]:
        compare(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("repository", nargs="+", type=Path)
    parser.add_argument("--range", default="HEAD")
    given = parser.parse_args()
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    is_good = True
    for source in given.repository:
        row = measure(source, given.range)
        is_good = is_good and row[-1] == "yes"
        print("| " + " | ".join(row) + " |", flush=True)
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
