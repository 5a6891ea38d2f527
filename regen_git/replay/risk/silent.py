"""Commits without intent that touched what would be regenerated: nobody said what they were for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.replay.risk.values import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository
    from regen_git.replay.facts import CommitFacts
    from regen_git.replay.plan import Plan

__all__ = ["Silent", "find_silent", "silent_in_plan", "silent_in_range"]

_MOST_COUNTED = 2000  # commits whose lines are counted


@dataclass(frozen=True, slots=True)
class Silent:
    """A commit without intent, and the paths of it that would be regenerated."""

    facts: CommitFacts
    paths: tuple[RepoPath, ...]


def silent_in_plan(facts: Sequence[CommitFacts], plan: Plan) -> tuple[list[Silent], int]:
    """Return the carried commits that meet code regenerated before, and how many commits touch such code.

    What stands before the first regenerated step comes out as it was.
    """
    from regen_git.replay.plan import Kind

    rebuilt: set[RepoPath] = set()
    found, touching = [], 0
    for step in plan.steps:
        each = facts[step.index]
        if step.kind is Kind.REGENERATED:
            rebuilt.update(step.wrote)
            touching += 1
            continue
        met = tuple(path for path in each.touched if path in rebuilt)
        if met and step.kind is Kind.CARRIED:
            touching += 1
            found.append(Silent(each, met))
    return found, touching


def silent_in_range(
    facts: Sequence[CommitFacts], generated: Collection[RepoPath]
) -> tuple[list[Silent], int]:
    """Return the commits without intent that touched these paths, and how many commits touched any."""
    found, touching = [], 0
    for each in facts:
        met = tuple(path for path in each.touched if path in generated)
        # What adopted rebuilt code is compiled output: its source is judged.
        if not met or len(each.parents) > 1 or each.adopted:
            continue
        touching += 1
        if not each.intents:
            found.append(Silent(each, met))
    return found, touching


def find_silent(repo: Repository, silent: Sequence[Silent], *, is_from_spec: bool) -> list[Finding]:
    """Tell each of these commits, the one with the most lines first."""
    counts = _lines(repo, silent[-_MOST_COUNTED:])
    sizes = {each.facts.id: _size(each, counts.get(each.facts.id, {})) for each in silent}
    ordered = sorted(silent, key=lambda each: (-sum(sizes[each.facts.id]), each.facts.id))
    return [_finding(each, *sizes[each.facts.id], is_from_spec=is_from_spec) for each in ordered]


def _finding(each: Silent, added: int, removed: int, *, is_from_spec: bool) -> Finding:
    files = f"{len(each.paths)} file{'s' * (len(each.paths) != 1)}"
    amount = f" (+{added} −{removed})" if added or removed else ""  # noqa: RUF001 - a minus, as diffs are told
    who = "a person's commit" if each.facts.mark == "human" else "no intent"
    if is_from_spec:
        way = "the spec cannot know what it was for"
        what_next = "'git regen import commits', or write what it asks for into '.regen/spec'"
    else:
        way = "its diff is carried onto other code"
        what_next = "record what it was for: 'git regen import commits', or 'git regen record' with its words"
    why = f"{who}: '{each.facts.subject}' touches {files} that would be regenerated{amount}; {way}"
    return Finding("no-intent", why, what_next, each.paths[0], None, each.facts.id)


def _size(each: Silent, counts: Mapping[RepoPath, tuple[int, int]]) -> tuple[int, int]:
    found = [counts[path] for path in each.paths if path in counts]
    return sum(added for added, _ in found), sum(removed for _, removed in found)


def _lines(repo: Repository, silent: Iterable[Silent]) -> dict[Oid, dict[RepoPath, tuple[int, int]]]:
    """Return the lines that each commit added and removed, by path, in one walk of git."""
    asked = "".join(f"{each.facts.id}\n" for each in silent)
    if not asked:
        return {}
    out = repo.git(
        "diff-tree", "--stdin", "-r", "--root", "-z", "--numstat", "--no-renames", "--no-ext-diff", "-m",
        "--first-parent", stdin=asked.encode("ascii"),
    )  # fmt: skip
    found: dict[Oid, dict[RepoPath, tuple[int, int]]] = {}
    now: dict[RepoPath, tuple[int, int]] = {}
    for token in out.replace(b"\n", b"\0").split(b"\0"):
        parts = token.split(b"\t", 2)
        if len(parts) == 1 and token:
            now = found.setdefault(token.decode("ascii", "replace"), {})
        elif len(parts) > 2 and parts[0].isdigit() and parts[1].isdigit():  # noqa: PLR2004 - added, removed, path
            now[os.fsdecode(parts[2])] = (int(parts[0]), int(parts[1]))
    return found
