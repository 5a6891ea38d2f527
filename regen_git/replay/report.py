"""What a replay came to, told from its journal and its commits alone, so that it can be told at any time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from regen_git.git.commits import read_commit
from regen_git.git.trees import EXECUTABLE, REGULAR, diff
from regen_git.replay import options as stored
from regen_git.replay.journal import Journal
from regen_git.replay.people.carry import How
from regen_git.replay.people.textmerge import first_difference
from regen_git.replay.resuming import last_run, tallies_in, unknown_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.replay.options import ReplayOptions

__all__ = ["HumanHunk", "Report", "difference_between", "read_report"]


_WRITTEN_OVER = "a later step wrote the file anew without it"


class HumanHunk(NamedTuple):
    """One hunk that a person wrote, and where it went: ``how`` is a word of ``carry.How``.

    ``old`` and ``new`` are its lines before and after, ``12-19``, in the files of the person's commit; empty
    where it has none, and ``12-11`` before line 12 where lines were only taken out or put in.
    """

    commit: Oid
    path: RepoPath
    old: str
    new: str
    how: str
    why: str


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
    overwritten: list[list[Any]] = field(default_factory=list)
    is_ended: bool = False
    risk: dict[str, Any] | None = None
    first_difference: dict[str, Any] | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many steps of each kind are done; ``reused`` are commits that stayed what they were."""
        seen = Counter(str(step["kind"]) for step in self.steps.values())
        names = ("regenerated", "carried", "merge", "reused", "skipped")
        return {**{name: seen[name] for name in names}, "stuck": int(self.stuck is not None)}

    @property
    def hunks(self) -> list[HumanHunk]:
        """Every hunk that a person wrote, in the order of history, with where it went."""
        found = [
            HumanHunk(one.commit or str(step["source"]), *one[1:])
            for _, step in sorted(self.steps.items())
            for entry in step.get("carried", [])
            for one in _hunks_of(entry)
        ]
        for commit, path, first, last, *where in self.overwritten:
            _mark_lost(found, (str(commit), str(path)), (int(first), int(last)), where)
        return found

    @property
    def signatures_dropped(self) -> int:
        """How many rebuilt commits, or tags they merged, were signed in the source."""
        return sum(bool(step.get("unsigned")) for step in self.steps.values())

    @property
    def modules(self) -> list[dict[str, Any]]:
        """What became of each module of a spec, and why it was made anew; empty for a replay of history."""
        steps = (step for _, step in sorted(self.steps.items()) if "module" in step)
        return [{key: step.get(key) for key in ("module", "kind", "why", "attempts")} for step in steps]

    def to_json(self, tree: Oid | None) -> dict[str, Any]:
        """Return the object that scripts rely on."""
        hunks = self.hunks
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
            "hunks": dict(Counter(hunk.how for hunk in hunks)),
            "hunks_by_people": [hunk._asdict() for hunk in hunks],
            "signatures_dropped": self.signatures_dropped,
            "stuck": {k: self.stuck[k] for k in ("step", "why", "best")} if self.stuck else None,
            "verification": self.verification,
            "risk": self.risk,
            "modules": self.modules,
        }


def read_report(repo: Repository, name: str, *, is_brief: bool = False) -> Report:
    """Read what is known of a replay. Raises ``ReplayError`` when there is none of this name.

    A brief one says how far it is and how it ended, and nothing of what it came to or cost.
    """
    folder = repo.data_dir / "replays" / name
    report = Report(stored.load(folder, name))
    left_out = ("document", "carried", "replies", "overwritten") if is_brief else ("document",)
    entries = last_run(Journal(folder / "journal.jsonl").read(without=left_out))
    for entry in entries:
        _take(report, entry)
    if is_brief:
        return report
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
    elif state == "risk":
        report.risk = {key: entry.get(key) for key in ("verdict", "reasons", "forced")}
    elif state == "ended":
        report.is_ended = entry.get("stuck") is None
        report.tip = entry.get("tip")
        report.verdict = str(entry.get("verdict"))
        report.verification = entry.get("verification")
        report.overwritten = entry.get("overwritten") or []


def _hunks_of(entry: Sequence[Any]) -> Iterator[HumanHunk]:
    """Read what a journal keeps of a change; an old one has the number of its hunks alone."""
    path, how, count, why, *more = entry
    if not more:
        yield from [HumanHunk("", str(path), "", "", str(how), str(why))] * int(count)
        return
    for old, new, each, reason, commit in more[0]:
        yield HumanHunk(str(commit or ""), str(path), old or "", new or "", str(each), str(reason))


def _mark_lost(
    found: list[HumanHunk], person: tuple[str, str], lines: tuple[int, int], where: Sequence[int]
) -> None:
    """Say of a hunk that was carried whole that the tip lacks it; tell one that no step carried, too."""
    is_explained = False
    for i, hunk in enumerate(found):
        if (hunk.commit, hunk.path) != person or not _meet(hunk.new, lines):
            continue
        is_explained = True
        if hunk.how == How.EXACT.value:
            found[i] = hunk._replace(how=How.PERSON.value, why=_WRITTEN_OVER)
    if not is_explained:
        at = f"{where[0]}-{where[1]}"
        found.append(
            HumanHunk(
                *person,
                "",
                f"{lines[0]}-{lines[1]}",
                How.PERSON.value,
                f"{_WRITTEN_OVER} (lines {at} of the source's tip)",
            )
        )


def _meet(shown: str, lines: tuple[int, int]) -> bool:
    """Return whether a hunk's lines, as they are shown, and these meet; an empty range is one place."""
    if not shown:
        return lines[0] == 0
    first, _, last = shown.partition("-")
    is_empty = int(last) < int(first)
    if is_empty or lines[1] < lines[0]:
        return is_empty and lines[1] < lines[0] and int(first) == lines[0]
    return int(first) <= lines[1] and lines[0] <= int(last)


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
