"""Read a range of history and plan its replay: everything is known here before anything is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from regen_git.agents.evidence import evidence_of
from regen_git.config import Ownership
from regen_git.domain.ids import derived_intent_id
from regen_git.domain.intent import Intent, Prompt
from regen_git.git.commits import read_commit
from regen_git.git.history import Span, read_span
from regen_git.git.releases import last_release, releases_along
from regen_git.git.trees import SUBMODULE, diff
from regen_git.replay.again.memory import Memory
from regen_git.replay.context import shown_paths
from regen_git.replay.facts import CommitFacts, in_force, read_facts
from regen_git.replay.plan import Plan, make_plan

if TYPE_CHECKING:
    from regen_git.config import Settings
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.objects import ObjectStore
    from regen_git.git.repository import Repository
    from regen_git.replay.options import ReplayOptions

__all__ = ["Prepared", "prepare", "released_tree"]

_TRAILER = re.compile(r"(?:[A-Z][A-Za-z-]*-(?:by|By|Intent|Source|Model)|Claude-Session): ")


@dataclass
class Prepared:
    """A replay that is planned and has asked nothing yet."""

    repo: Repository
    options: ReplayOptions
    settings: Settings
    facts: list[CommitFacts]
    plan: Plan
    ownership: Ownership
    memory: Memory | None = field(default=None, kw_only=True)

    @cached_property
    def last_release(self) -> Oid | None:
        """The tree of the last tag at or before the end of the range; ``None`` where there is no tag."""
        return last_release(self.repo, self.facts[-1].id)

    @cached_property
    def releases(self) -> dict[Oid, Oid]:
        """The tree of the last tag at or before each commit of the range, where anything asks for it."""
        if self.settings.state is None and not self.ownership.appends:
            return {}
        found = releases_along(self.repo, ((each.id, each.tree, each.parents) for each in self.facts))
        # Between two sides of a merge git has the last word on which is the last.
        return found | ({self.facts[-1].id: self.last_release} if found and self.last_release else {})


def prepare(repo: Repository, options: ReplayOptions, settings: Settings) -> Prepared:
    """Read history and plan. Raises ``ReplayError`` when there is nothing to regenerate."""
    span = Span(options.only, (options.only,), options.only) if options.only else _pinned(repo, options)
    if repo.is_partial:
        _bring(repo, span)
    ownership = Ownership(settings.paths)
    told = read_facts(repo, span, ownership)
    if not options.is_original:
        told = [in_force(each) for each in told]
    facts = [_with_words(each, options) for each in told]
    wanted = {f.id for f in facts if _is_asked(f, options)}
    skipped = set() if options.is_original else _compiled(facts)
    store = repo.objects
    memory = None if options.is_original else Memory(repo, settings.digest)
    shown = {}
    if not (options.is_original or options.locked):
        for each in facts:
            if each.id in wanted and each.parents:
                shown[each.id] = _shown(store, each, memory)
    grouped = options.grouped and not options.is_original and options.mode == "chained"
    plan = make_plan(facts, shown=shown, regenerate=wanted, grouped=grouped, skipped=skipped)
    if options.mode == "anchored":
        plan = replace(
            plan, steps=tuple(replace(s, depends_on=()) for s in plan.steps), waves=min(1, plan.waves)
        )
    return Prepared(repo, options, settings, facts, plan, ownership, memory=memory)


def _shown(store: ObjectStore, facts: CommitFacts, memory: Memory | None) -> tuple[RepoPath, ...]:
    """Return the paths that a request for this commit shows; reading them off its files takes a while."""
    if memory is None:
        return shown_paths(store, facts, facts.parent_tree)
    key = memory.key("shows", facts.id, facts.wrote)
    known = memory.get(key)
    if known is None:
        known = shown_paths(store, facts, facts.parent_tree)
        memory.put(key, known)
    return tuple(known)


def _bring(repo: Repository, span: Span) -> None:
    """Fetch what the range's commits changed, before and after, in one go."""
    store = repo.objects
    store.bring(span.commits)
    commits = [read_commit(store, oid) for oid in span.commits]
    firsts = {commit.parents[0] for commit in commits if commit.parents}
    store.bring(firsts)
    tree_of = {oid: read_commit(store, oid).tree for oid in firsts}
    store.bring([*tree_of.values(), *(commit.tree for commit in commits)])
    wanted: dict[Oid, None] = {}
    for commit in commits:
        for change in diff(store, tree_of[commit.parents[0]] if commit.parents else None, commit.tree):
            for leaf in (change.old, change.new):
                if leaf is not None and leaf.mode != SUBMODULE:
                    wanted[leaf.oid] = None
    store.bring(wanted)


def _pinned(repo: Repository, options: ReplayOptions) -> Span:
    """Return the range with its end as it was when the replay began: a branch may move meanwhile."""
    base, dots, _ = options.span.rpartition("..")
    return read_span(repo, f"{base}..{options.tip}" if dots else options.tip)


def _with_words(facts: CommitFacts, options: ReplayOptions) -> CommitFacts:
    """Let the message speak for a commit that shall be regenerated and has no recorded intent."""
    if facts.intents or not _is_asked(facts, options):
        return facts
    commit = facts.commit
    intent = derived_intent_id("message", commit.id)
    words = Intent(intent, (Prompt(_without_trailers(commit.text)),), "message", commit.author_name)
    return replace(facts, intents=(words,))


def _without_trailers(text: str) -> str:
    kept = [line for line in text.rstrip().split("\n") if not _TRAILER.match(line)]
    return "\n".join(kept).rstrip() + "\n"


def _is_asked(facts: CommitFacts, options: ReplayOptions) -> bool:
    if facts.mark == "human" or (facts.retracted and not facts.intents):
        return False
    if facts.intents or options.only is not None:
        return True
    if options.include == "recorded":
        return False
    if options.include == "all" or facts.mark == "agent":
        return True
    commit = facts.commit
    return evidence_of(commit.text, commit.author_name).maker == "agent"


def _compiled(facts: list[CommitFacts]) -> set[Oid]:
    """Return the commits that adopted a rebuilt tree whose sources are in the range: output, not source."""
    commits = {each.id for each in facts}
    return {each.id for each in facts if any(source in commits for source in each.adopted)}


def released_tree(prepared: Prepared) -> Oid | None:
    """Return the tree that makes the data new code must read: the latest tag's, else the source's own.

    ``None`` where the settings say nothing of state.
    """
    if prepared.settings.state is None:
        return None
    return prepared.last_release or prepared.facts[-1].commit.tree
