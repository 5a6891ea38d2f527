"""What a replay came to, told from its journal and its commits alone, so that it can be told at any time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regen_git.git.commits import read_commit
from regen_git.git.trees import EXECUTABLE, REGULAR, diff
from regen_git.replay import options as stored
from regen_git.replay.journal import Journal
from regen_git.replay.resuming import last_run, tallies_in, unknown_in
from regen_git.replay.textmerge import first_difference

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.replay.options import ReplayOptions

__all__ = ["Report", "difference_between", "read_report"]


@dataclass
class Report:
    """One replay. ``steps`` are the last journal line of each finished step, by index."""

    options: ReplayOptions
    steps: dict[int, dict[str, Any]] = field(default_factory=dict)
    stuck: dict[str, Any] | None = None
    tip: Oid | None = None
    verdict: str = "indeterminate"
    verification: dict[str, Any] | None = None
    calls: int = 0
    unanswered: int = 0
    reused: int = 0
    tokens: int = 0
    cost_usd: float | None = 0.0
    calls_unknown: int = 0
    cost_unknown_usd: float = 0.0
    is_ended: bool = False
    first_difference: dict[str, Any] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many steps of each kind are done; ``reused`` are commits that stayed what they were."""
        seen = Counter(str(step["kind"]) for step in self.steps.values())
        names = ("regenerated", "carried", "merge", "reused", "skipped")
        return {**{name: seen[name] for name in names}, "stuck": int(self.stuck is not None)}

    @property
    def carried(self) -> list[tuple[str, str, str, int, str]]:
        """Every change of a person: (source commit, path, how, hunks, why)."""
        return [
            (str(step["source"]), str(path), str(how), int(hunks), str(why))
            for step in self.steps.values()
            for path, how, hunks, why in step.get("carried", [])
        ]

    @property
    def signatures_dropped(self) -> int:
        """How many rebuilt commits, or tags they merged, were signed in the source."""
        return sum(bool(step.get("unsigned")) for step in self.steps.values())

    def to_json(self, tree: Oid | None) -> dict[str, Any]:
        """Return the object that scripts rely on."""
        hunks: Counter[str] = Counter()
        for _, _, how, count, _ in self.carried:
            hunks[how] += count
        return {
            "name": self.options.name,
            "branch": self.options.branch.removeprefix("refs/heads/"),
            "tip": self.tip,
            "tree": tree,
            "mode": self.options.mode,
            "model": self.options.model,
            "steps": self.counts,
            "calls": self.calls,
            "calls_unanswered": self.unanswered,
            "replies_reused": self.reused,
            "tokens": self.tokens,
            "cost_usd": self.cost_usd,
            "calls_unknown": self.calls_unknown,
            "cost_unknown_usd": self.cost_unknown_usd,
            "verdict": self.verdict,
            "first_difference": self.first_difference,
            "hunks": dict(hunks),
            "signatures_dropped": self.signatures_dropped,
            "stuck": {k: self.stuck[k] for k in ("step", "why", "best")} if self.stuck else None,
            "verification": self.verification,
        }


def read_report(repo: Repository, name: str) -> Report:
    """Read what is known of a replay. Raises ``ReplayError`` when there is none of this name."""
    folder = repo.data_dir / "replays" / name
    report = Report(stored.load(folder, name))
    entries = last_run(Journal(folder / "journal.jsonl").read(without=["document"]))
    for entry in entries:
        _take(report, entry)
    _count(report, entries)
    report.first_difference = _first_difference(repo.objects, report)
    return report


def _take(report: Report, entry: dict[str, Any]) -> None:
    state = entry.get("state")
    if state == "committed":
        report.steps[int(entry["step"])] = entry
        if report.stuck is not None and report.stuck["step"] == entry["step"]:
            report.stuck = None
    elif state == "stuck":
        report.stuck = entry
    elif state == "ended":
        report.is_ended = entry.get("stuck") is None
        report.tip = entry.get("tip")
        report.verdict = str(entry.get("verdict"))
        report.verification = entry.get("verification")


def _count(report: Report, entries: list[dict[str, Any]]) -> None:
    """Add up what all runs used, also those that were stopped or killed."""
    unknown = unknown_in(entries)
    report.calls_unknown, report.cost_unknown_usd = len(unknown), sum(each.usd for each in unknown)
    for run in tallies_in(entries):
        report.calls += int(run["calls"])
        report.unanswered += int(run.get("unanswered", 0))
        report.reused += int(run["reused"])
        report.tokens += int(run["prompt_tokens"]) + int(run["completion_tokens"])
        cost = run["cost_usd"]
        report.cost_usd = None if cost is None or report.cost_usd is None else report.cost_usd + cost


def _first_difference(store: ObjectStore, report: Report) -> dict[str, Any] | None:
    """Return where the rebuilt history first differs from its source: commit, file and line."""
    for _, step in sorted(report.steps.items()):
        if step["commit"] == step["source"] or step["kind"] == "skipped":
            continue
        old, new = read_commit(store, step["source"]), read_commit(store, step["commit"])
        found = difference_between(store, old.tree, new.tree)
        if found is not None:
            return {"commit": old.id, "subject": old.subject, **found}
    return None


def difference_between(store: ObjectStore, old: Oid, new: Oid) -> dict[str, Any] | None:
    """Return the first path on which two trees differ, with the line where both have it as text."""
    changes = diff(store, old, new)
    if not changes:
        return None
    change = changes[0]
    line = None
    if change.old and change.new and {change.old.mode, change.new.mode} <= {REGULAR, EXECUTABLE}:
        line = first_difference(store.blob(change.old.oid), store.blob(change.new.oid))
    return {"path": change.path, "line": line}
