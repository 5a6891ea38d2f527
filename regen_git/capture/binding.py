"""Make the documents of one commit: what was asked, and what that did there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.capture.hand import mended
from regen_git.capture.loose import blob_id
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import PROMPT_CLASSES, Agent, Binding, Intent, Prompt
from regen_git.git.commits import read_commit
from regen_git.git.trees import diff

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regen_git.capture.inbox import Entry
    from regen_git.capture.matching import Group, Session
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.intent import LineRange
    from regen_git.git.commits import Commit
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Change

__all__ = ["binding_of", "changes_of", "intent_of_group", "intent_of_record", "moved_to"]

_EMPTY = (blob_id(b"", "sha1"), blob_id(b"", "sha256"))
"""A file with nothing in it may be any."""


def changes_of(repo: Repository, commit: Commit) -> dict[RepoPath, Change]:
    """Return what the commit changed against its first parent."""
    return {change.path: change for change in diff(repo.objects, _base(repo, commit), commit.tree)}


def moved_to(
    changes: Mapping[RepoPath, Change], wrote: Iterable[RepoPath], left_by_agent: Mapping[RepoPath, Oid]
) -> dict[RepoPath, Oid]:
    """Return where a commit has files that somebody moved after the agent wrote them, with their blobs."""
    places = (changes.get(path) for path in set(wrote))
    there = {change.path for change in places if change is not None and change.new is not None}
    blobs = {left_by_agent.get(path) for path in set(wrote) - there} - {None, "", *_EMPTY}
    return {
        change.path: change.new.oid
        for change in changes.values()
        if change.old is None and change.new is not None and change.new.oid in blobs
    }


def _base(repo: Repository, commit: Commit) -> Oid | None:
    # Beyond the edge of a shallow clone a commit names a parent that is not there.
    if not commit.parents or commit.parents[0] not in repo.objects:
        return None
    return read_commit(repo.objects, commit.parents[0]).tree


def intent_of_group(group: Group, session: Session, author: str) -> Intent:
    """Return the intent that these turns make."""
    typed = [entry for entry in group.prompts if entry.kind == "prompt"]
    plans = [entry.text for entry in group.prompts if entry.kind == "plan"]
    return Intent(
        id=IntentId(group.id),
        prompts=tuple(_prompt(entry) for entry in typed),
        origin="captured",
        author=author,
        agent=Agent(group.agent, session.version or None, session.model or None, group.session or None),
        approved="\n\n".join(plans) or None,
        redacted=sum(entry.redacted for entry in group.prompts),
    )


def intent_of_record(entry: Entry, author: str) -> Intent:
    """Return the intent that somebody recorded by hand."""
    return Intent(
        id=IntentId(entry.id),
        prompts=(_prompt(entry),),
        origin="explicit",
        author=entry.author or author,
        agent=Agent(entry.agent) if entry.agent else None,
        redacted=entry.redacted,
    )


def _prompt(entry: Entry) -> Prompt:
    """Return a prompt with the class that somebody gave it, else the one that the rules are sure of."""
    from regen_git.agents.classes import classify

    given = next((kind for kind in PROMPT_CLASSES if kind == entry.label), None)
    return Prompt(
        text=entry.text,
        at=entry.at or None,
        kind=given or classify(entry.text, entry.answers or None),
        answers=entry.answers or None,
        refs=entry.refs,
    )


def binding_of(
    repo: Repository,
    intent: str,
    commit: Commit,
    wrote: Iterable[RepoPath],
    left_by_agent: Mapping[RepoPath, Oid],
) -> Binding:
    """Return what an intent did in a commit.

    ``wrote`` is what its turns edited; what the commit did not change falls out. ``left_by_agent`` has each
    path's blob after an agent's last edit.
    """
    changes = changes_of(repo, commit)
    paths = tuple(sorted(path for path in set(wrote) if path in changes))
    return Binding(
        intent=IntentId(intent),
        wrote=paths,
        hand=_hand(repo, [changes[path] for path in paths], left_by_agent) if paths else None,
        base=_base(repo, commit),
        result=commit.tree,
    )


def _hand(
    repo: Repository, changes: Iterable[Change], left_by_agent: Mapping[RepoPath, Oid]
) -> dict[RepoPath, tuple[LineRange, ...]] | None:
    """Return the lines mended by a person; ``None`` when a file cannot be told and none is known to be."""
    found: dict[RepoPath, tuple[LineRange, ...]] = {}
    unknown = False
    for change in changes:
        agent = left_by_agent.get(change.path)
        if change.new is None:
            continue
        ranges = (
            mended(repo, agent, change.old.oid if change.old else None, change.new.oid) if agent else None
        )
        if ranges is None:
            unknown = True
        elif ranges:
            found[change.path] = ranges
    return None if unknown and not found else found
