"""What agents wrote, line by line, as records of Agent Trace.

Source: the specification of Agent Trace 0.1.0 (a request for comments of January 2026). It has no place for
prompts: a record names the intents instead.
"""

from __future__ import annotations

import os
import re
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from regen_git.domain.intent import LineRange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.intent import Agent, Intent
    from regen_git.git.repository import Repository
    from regen_git.importers.reading import Told

__all__ = ["added_lines", "trace_records"]

VERSION = "0.1.0"

_HUNK = re.compile(rb"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
_SECTION = re.compile(rb"^diff --git ", re.MULTILINE)
_PROVIDERS = (
    (re.compile(r"claude|opus|sonnet|haiku|fable"), "anthropic"),
    (re.compile(r"gpt|codex|o\d"), "openai"),
    (re.compile(r"gemini|gemma"), "google"),
    (re.compile(r"qwen"), "alibaba"),
    (re.compile(r"grok"), "xai"),
    (re.compile(r"deepseek"), "deepseek"),
)
_LONGEST_MODEL = 250


def trace_records(repo: Repository, told: Told) -> Iterator[dict[str, Any]]:
    """Yield a record for each agent with lines in this commit; none for a commit without intents.

    The lines are those that the commit added to what the intent wrote, without those a person mended; lines
    that two intents wrote stand with both.
    """
    by_agent: dict[tuple[str, str], list[Intent]] = {}
    for intent in told.note.intents.values():
        agent = intent.agent
        by_agent.setdefault((agent.name, agent.version or "") if agent else ("", ""), []).append(intent)
    if not by_agent:
        return
    base = _base(repo, told)
    added = added_lines(repo, base, told.tree)
    for (name, version), intents in by_agent.items():
        files = [
            {"path": path, "conversations": conversations}
            for path, conversations in sorted(_conversations(told, intents, added).items())
        ]
        if not files:
            continue
        record = {
            "version": VERSION,
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"git-regen:{told.commit}:{name}:{version}")),
            "timestamp": _utc(told.date),
            "vcs": {"type": "git", "revision": told.commit},
            "files": files,
            "metadata": {"git-regen": {"intents": [intent.id for intent in intents]}},
        }
        if name and version:
            record["tool"] = {"name": name, "version": version}
        yield record


def added_lines(repo: Repository, base: Oid | None, tree: Oid) -> dict[RepoPath, tuple[LineRange, ...]]:
    """Return the lines of ``tree`` that ``base`` has not, by path; only of files that git takes for text."""
    out = repo.git(
        *("diff-tree", "-r", "-z", "--raw", "--patch", "--unified=0", "--no-renames", "--no-color"),
        *("--no-ext-diff", "--no-textconv", "--ignore-submodules=none"),
        base or repo.objects.hash("tree", b""),
        tree,
    )
    raw, _, patch = out.partition(b"\0\0")
    paths: list[bytes | None] = []
    records = iter(raw.removesuffix(b"\0").split(b"\0"))
    for facts in records:
        path = next(records, b"")
        is_file = facts[8:14] in (b"100644", b"100755")
        # A change of kind is shown as one file taken away and one put in its place.
        paths += [path if is_file else None] * (2 if facts.endswith(b"T") else 1)
    sections = _SECTION.split(patch)[1:]
    found: dict[RepoPath, tuple[LineRange, ...]] = {}
    for name, section in zip(paths, sections, strict=True):
        ranges = tuple(
            LineRange(int(first), int(first) + int(count or 1) - 1)
            for first, count in _HUNK.findall(section)
            if count != b"0"
        )
        if name is not None and ranges:
            found[os.fsdecode(name)] = ranges
    return found


def _base(repo: Repository, told: Told) -> Oid | None:
    """Return the tree of the first parent."""
    if not told.parents:
        return None
    return repo.git("rev-parse", "--verify", f"{told.parents[0]}^{{tree}}").decode("ascii").strip()


def _conversations(
    told: Told, intents: Sequence[Intent], added: Mapping[RepoPath, Sequence[LineRange]]
) -> dict[RepoPath, list[dict[str, Any]]]:
    found: dict[RepoPath, list[dict[str, Any]]] = {}
    mended: dict[RepoPath, set[LineRange]] = {}
    for intent in intents:
        binding = told.binding(intent)
        hand = (binding.hand if binding else None) or {}
        # Nothing named means that the whole commit counts.
        for path in (binding.wrote if binding else ()) or sorted(added):
            by_hand = [one for one in hand.get(path, ()) if one.first <= one.last]
            ranges = _without(added.get(path, ()), by_hand)
            mended.setdefault(path, set()).update(by_hand)
            if ranges:
                conversation = {"contributor": _contributor(intent.agent), "ranges": _ranges(ranges)}
                found.setdefault(path, []).append(conversation)
    for path, lines in mended.items():
        if lines:
            person = {"contributor": {"type": "human"}, "ranges": _ranges(sorted(lines))}
            found.setdefault(path, []).append(person)
    return found


def _without(ranges: Sequence[LineRange], others: Sequence[LineRange]) -> list[LineRange]:
    """Return the lines of these ranges that are in none of the others."""
    left = list(ranges)
    for other in others:
        cut: list[LineRange] = []
        for one in left:
            before = LineRange(one.first, min(one.last, other.first - 1))
            after = LineRange(max(one.first, other.last + 1), one.last)
            cut += [piece for piece in (before, after) if piece.first <= piece.last]
        left = cut
    return left


def _ranges(ranges: Sequence[LineRange]) -> list[dict[str, int]]:
    return [{"start_line": one.first, "end_line": one.last} for one in ranges]


def _contributor(agent: Agent | None) -> dict[str, str]:
    model = agent.model if agent is not None else None
    return {"type": "ai", "model_id": _model_id(model)} if model else {"type": "ai"}


def _model_id(model: str) -> str:
    """Return ``provider/model``, where the name tells who makes it."""
    if "/" not in model:
        made_by = next((maker for pattern, maker in _PROVIDERS if pattern.match(model.lower())), None)
        model = f"{made_by}/{model}" if made_by else model
    return model[:_LONGEST_MODEL]


def _utc(date: str) -> str:
    """Return git's date in UTC; the beginning of 1970, as git has it, for one that no calendar knows."""
    try:
        at = datetime.fromisoformat(date.replace("Z", "+00:00")).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        at = datetime.fromtimestamp(0, timezone.utc)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
