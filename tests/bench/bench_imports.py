"""Measure the imports of other tools' records on a repository that has them.

    python tests/bench/bench_imports.py REPOSITORY [REVISION]

Nothing is written to the repository. For Entire, what its own lists of prompts hold is compared with what was
typed: an entry counts as typed when the transcript has it as a person's prompt, and as the commit's when it
was typed after the checkpoint before. What the import takes is held against the times of the checkpoints,
which it does not look at.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.agents import load
from regen_git.git.blobs import present, read_blobs
from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.git.repository import Repository
from regen_git.importers.entire import import_entire
from regen_git.importers.entire_store import Recorded, named_in, read_checkpoints
from regen_git.importers.git_ai import import_git_ai
from regen_git.importers.git_ai_notes import parse_ai_note
from regen_git.importers.harness import typed_in
from regen_git.importers.history import read_past
from regen_git.importers.known import seconds_of
from regen_git.ledger.store import INTENTS_REF, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.importers.history import Counts

NEAR_S = 120
BETWEEN = "\n\n---\n\n"


def main() -> None:
    """Measure what there is in the repository."""
    where = Path(sys.argv[1])
    rev = sys.argv[2] if len(sys.argv) > 2 else "HEAD"
    repo = Repository.open(where)
    checkpoints = read_checkpoints(repo)
    if checkpoints:
        told("entire", lambda: import_entire(repo, rev, dry_run=True))
        say("entire's own lists", lists_of_prompts(repo, checkpoints))
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            subprocess.run(["git", "clone", "-q", "--mirror", str(where), str(copy)], check=True)
            again(Repository.open(copy), rev, import_entire)
            say("entire, imported prompts", imported_prompts(Repository.open(copy), rev))
    if read_ref(repo, "refs/notes/ai"):
        told("git-ai", lambda: import_git_ai(repo, rev, dry_run=True))
        start = time.perf_counter()
        say("git-ai, all notes", all_notes(repo), start)


def told(what: str, run: Callable[[], Counts]) -> None:
    """Run an import, and print what it says of itself."""
    start = time.perf_counter()
    counts = run()
    names = ("commits", "intents", "prompts", "sessions", "looked_at", "skipped")
    shown = {name: getattr(counts, name) for name in names}
    say(what, {**shown, "left": len(counts.left), "orphans": len(counts.orphans)}, start)


def say(what: str, counts: dict[str, object], start: float | None = None) -> None:
    """Print one line."""
    if start is not None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        counts = {"seconds": round(time.perf_counter() - start, 1), "peak_mib": round(peak), **counts}
    sys.stdout.write(f"{what}: {json.dumps(counts)}\n")


def again(repo: Repository, rev: str, run: Callable[[Repository, str], Counts]) -> None:
    """Import twice; the second time must add nothing."""
    run(repo, rev)
    tip = read_ref(repo, INTENTS_REF)
    start = time.perf_counter()
    counts = run(repo, rev)
    say("again", {"intents": counts.intents, "is_unchanged": tip == read_ref(repo, INTENTS_REF)}, start)


def all_notes(repo: Repository) -> dict[str, object]:
    """Read every note of git-ai, also those of commits that no branch has."""
    counts: Counter[str] = Counter()
    blobs = sorted(blob for _, blob in note_blobs(repo, read_ref(repo, "refs/notes/ai")).values())
    for _, raw in read_blobs(repo, blobs):
        note = parse_ai_note(raw)
        counts.update(notes=1, bytes=len(raw), unreadable=note is None)
        if note is not None:
            counts.update(conversations=len(note.wrote), spoken=sum(len(c.spoken or ()) for c in note.wrote))
    return dict(counts)


def lists_of_prompts(repo: Repository, checkpoints: dict[str, list[Recorded]]) -> dict[str, object]:
    """Count whose and of which commit the entries of Entire's lists are, where there is a transcript."""
    counts: Counter[str] = Counter()
    records = [record for some in checkpoints.values() for record in some]
    here = present(
        repo, [blob for r in records for blob in (*r.transcript, *([r.prompts] if r.prompts else []))]
    )
    usable = [r for r in records if r.prompts in here and len(r.transcript) == 1 and r.transcript[0] in here]
    counts["checkpoint sessions"] = len(records)
    counts["with transcript"] = sum(bool(r.transcript) and here.issuperset(r.transcript) for r in records)
    counts["with both"] = len(usable)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "full.jsonl"
        for record, (_, raw) in zip(usable, read_blobs(repo, [r.transcript[0] for r in usable]), strict=True):
            path.write_bytes(raw)
            session = load("claude").read_session(str(path))
            before = max((r.created for r in records if is_before(r, record)), default=0.0)
            typed: dict[str, int] = {}
            for turn in session.turns if session else ():
                for one in turn.prompts:
                    typed[plain(one.text)] = max(typed.get(plain(one.text), 0), seconds_of(one.at))
            for entry in repo.objects.blob(record.prompts or "").decode("utf-8", "replace").split(BETWEEN):
                text = plain(entry)
                at = typed.get(text) or max(
                    (typed[t] for t in typed if len(text) > 9 and text in t), default=0
                )
                counts["entries"] += 1
                counts["typed, of this commit" if at > before else "typed, before" if at else "nobody's"] += 1
    return dict(counts)


def imported_prompts(repo: Repository, rev: str) -> dict[str, object]:
    """Count the imported prompts that look like nobody's, and those whose time is not their commit's."""
    counts: Counter[str] = Counter()
    checkpoints = read_checkpoints(repo)
    records = [record for some in checkpoints.values() for record in some]
    named = {past.id: named_in(past.message) for past in read_past(repo, rev)}
    first: dict[str, str] = {}
    for oid, note in reversed(list(Ledger(repo).scan([rev]))):
        for intent in note.intents.values():
            mine = [
                record
                for one in named[oid]
                for record in checkpoints.get(one, [])
                if intent.agent is not None and record.session[-8:] == (intent.agent.session or "")[-8:]
            ]
            if first.setdefault(intent.id, oid) != oid or not mine:
                continue
            last = max(record.created for record in mine)
            before = max((r.created for r in records for m in mine if is_before(r, m)), default=0.0)
            for prompt in intent.prompts:
                at = seconds_of(prompt.at or "")
                counts["prompts"] += 1
                counts["nobody's"] += not typed_in(prompt.text)
                if not at:
                    counts["without a time"] += 1
                else:
                    is_near = before - NEAR_S <= at <= last + NEAR_S
                    counts["between the checkpoints" if is_near else "outside"] += 1
    return dict(counts)


def is_before(one: Recorded, other: Recorded) -> bool:
    """Return whether this is an earlier checkpoint of the same session."""
    return one.session == other.session and one.created < other.created and one.checkpoint != other.checkpoint


def plain(text: str) -> str:
    """Return text for comparing."""
    return re.sub(r"\s+", " ", text).strip()


if __name__ == "__main__":
    main()
