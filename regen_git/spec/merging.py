"""Merge a fold into the spec: what people wrote stays, what nobody touched follows the intents.

Decided intent by intent. Where an intent says what it said at the last fold, nothing of the spec changes.
Where it says something else: what the fold itself had written is replaced, what a person edited is marked as
a conflict, and what a person took out stays out.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

from regen_git.spec.drafts import Draft, Node
from regen_git.spec.memory import Memory, asked_now, remember
from regen_git.spec.values import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from regen_git.domain.ids import IntentId
    from regen_git.spec.memory import Key

__all__ = ["Change", "Merged", "merge"]

_COMPARED = 400  # characters by which two versions are told to be of one statement

Sign = Literal["+", "~", "-", "!"]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the delta: added, modified, removed, or a conflict."""

    sign: Sign
    page: str
    text: str
    intents: tuple[IntentId, ...]


@dataclass(slots=True)
class Merged:
    """The pages after the merge, by name, what the fold must remember, and what changed."""

    pages: list[Page]
    memory: Memory
    changes: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """The intents that share statements, and all that rests on them: in the spec, and as folded now."""

    ids: set[IntentId] = field(default_factory=set)
    mine: list[Node] = field(default_factory=list)
    fresh: list[Node] = field(default_factory=list)


def merge(
    fresh: Sequence[Page],
    mine: Sequence[Page],
    memory: Memory,
    *,
    asked: Mapping[IntentId, str] | None = None,
    reworded: Collection[str] = (),
) -> Merged:
    """Merge what was folded now into the pages as they are.

    The pages ``reworded`` are in a model's words; ``asked`` tells what the rules had made of each intent.
    Such words take the place of what the fold had written, where nobody has edited that. Intents that are not
    in ``fresh`` are of other ranges and are left alone.
    """
    return _Merge(fresh, mine, memory, asked, reworded).run()


class _Merge:
    def __init__(
        self,
        fresh: Sequence[Page],
        mine: Sequence[Page],
        memory: Memory,
        asked: Mapping[IntentId, str] | None,
        reworded: Collection[str],
    ) -> None:
        self.folded = {page.name: Draft(page) for page in fresh}
        self.drafts = {page.name: Draft(page) for page in mine}
        self.memory = memory
        folded = [node for draft in self.folded.values() for node in draft.nodes() if node.value.sources]
        self.asked = asked_now(node.key for node in folded) if asked is None else asked
        self.reworded = reworded
        self.changed: dict[int, bool] = {}
        self.wrote_for: dict[IntentId, list[Key]] = {}
        for key in memory.wrote:
            self.wrote_for.setdefault(key[0][0], []).append(key)
        self.revisions = {source.intent: source.revision for node in folded for source in node.value.sources}
        self.counterparts: dict[Node, Node] = {}
        self.skipped: set[Node] = set()
        self.changes: list[Change] = []
        self.last: dict[tuple[IntentId, ...], Node] = {}  # what stands last for these intents so far
        self.replaced: dict[Node, tuple[Node, bool]] = {}  # fresh: mine, and whether that is a conflict
        self.gone: list[tuple[Node, bool]] = []

    def run(self) -> Merged:
        groups = _groups(self.drafts.values(), self.folded.values(), self.memory)
        for group in groups:
            if group.fresh:
                self._match(group)
        for draft in self.folded.values():
            for node in draft.nodes():
                if node.ids:
                    self._apply(node)
        for node, is_conflict in self.gone:
            self._say("!" if is_conflict else "-", node)
            if is_conflict:
                node.mark_conflict(None)
            else:
                self.drafts[node.page].remove(node)
        for name, draft in self.folded.items():
            if name not in self.drafts and name not in self.memory.pages and draft.page.paths:
                self._make(name)  # its files have a page, although all that is asked of them stands on others
        pages = [self.drafts[name].built() for name in sorted(self.drafts)]
        return Merged(pages, self._remembered(groups), self.changes)

    def _match(self, group: _Group) -> None:
        """Find for everything folded now what stands for it in the spec, and decide what becomes of that."""
        fresh, mine = list(group.fresh), list(group.mine)
        for one, other in _pairs(fresh, mine, lambda one, other: one.key == other.key):
            self._keep(one, other)
        for one, other in _pairs(fresh, mine, lambda one, other: one.key[1:] == other.key[1:]):
            self._keep(one, other)
        is_known = any(one in self.memory.asked for one in group.ids)
        if not is_known and not group.mine:
            return
        if not self._is_changed(group) or (not is_known and not self._is_older(mine)):
            for one, other in _pairs(fresh, mine, lambda one, other: one.is_statement == other.is_statement):
                self._keep(one, other)
            self.skipped.update(fresh)
            return
        edited = [node for node in mine if node.key not in self.memory.wrote]
        was_written = [one for one in fresh if one.key in self.memory.wrote]
        for one, other in _pairs(was_written, edited, lambda one, other: one.ids == other.ids):
            self._keep(one, other)
            fresh.remove(one)
            mine.remove(other)
        self.skipped.update(was_written)
        fresh = [one for one in fresh if one not in self.skipped]
        self._match_changed(group, fresh, mine)
        if is_known:
            self._match_removed(group)
        else:
            self.skipped.update(group.fresh)

    def _match_changed(self, group: _Group, fresh: list[Node], mine: list[Node]) -> None:
        """Decide about what is in other words than before."""
        wrote = self.memory.wrote
        for one, other in _alike(fresh, mine):
            self.replaced[one] = other, other.key not in wrote
            self.counterparts[one] = other
            fresh.remove(one)
            mine.remove(other)
        for one, other in _pairs(fresh, mine, lambda one, other: one.is_statement and other.key not in wrote):
            self._keep(one, other)  # a person has left it out
        is_asked = any(one.is_statement for one in group.fresh)
        for node in mine:
            if node.key in wrote:
                self.gone.append((node, False))
            elif not is_asked and node.is_statement:
                self.gone.append((node, True))

    def _match_removed(self, group: _Group) -> None:
        """Pass over what takes the place of something that a person took out."""
        known = {node.key for node in (*group.mine, *group.fresh)}
        removed = [key[1] for one in group.ids for key in self.wrote_for.get(one, ()) if key not in known]
        # What a person edited is one of these.
        edited = sum(node.key not in self.memory.wrote and node.is_statement for node in group.mine)
        left = {"s": removed.count("s") - edited, "l": removed.count("l")}
        for one in group.fresh:
            is_new = one not in self.counterparts and one not in self.skipped
            if is_new and left[one.key[1]] > 0:
                left[one.key[1]] -= 1
                self.skipped.add(one)

    def _keep(self, one: Node, other: Node) -> None:
        self.counterparts[one] = other
        other.raise_revisions(self.revisions)

    def _is_changed(self, group: _Group) -> bool:
        """Return whether an intent says something else than at the last fold, or says it in better words."""
        known = self.changed.get(id(group))
        if known is None:
            folded = {intent for one in group.fresh for intent in one.ids}
            known = any(self.asked.get(one, "") not in self.memory.asked.get(one, ()) for one in folded)
            known = self.changed[id(group)] = known or self._is_reworded(group)
        return known

    def _is_reworded(self, group: _Group) -> bool:
        """Return whether a model worded anew what stands as the fold had written it."""
        if not all(one.page in self.reworded for one in group.fresh if one.is_statement):
            return False
        wrote = {key for one in group.ids for key in self.wrote_for.get(one, ())}
        return wrote == {node.key for node in group.mine} != {node.key for node in group.fresh}

    def _is_older(self, mine: Iterable[Node]) -> bool:
        """Return whether something names an older revision than the one folded now."""
        return any(
            source.revision < self.revisions.get(source.intent, 0)
            for node in mine
            for source in node.value.sources
        )

    def _apply(self, one: Node) -> None:
        """Bring one thing that was folded into the spec."""
        if one in self.replaced:
            other, is_conflict = self.replaced[one]
            self._say("!" if is_conflict else "~", one, other.page)
            if is_conflict:
                other.mark_conflict(one)
            else:
                other.become(one)
        elif one not in self.counterparts and one not in self.skipped:
            self._add(one)
        if one.is_statement and one in self.counterparts:
            self.last[one.ids] = self.counterparts[one]

    def _add(self, one: Node) -> None:
        if one.page not in self.drafts:
            self._make(one.page)
        above = self.counterparts.get(one.parent) if one.parent is not None else None
        draft = self.drafts[above.page if above is not None else one.page]
        self.counterparts[one] = draft.add(one, above, self.last.get(one.ids) if above is None else None)
        if one.is_statement:
            self._say("+", one)

    def _make(self, name: str) -> None:
        page = self.folded[name].page
        self.drafts[name] = Draft(Page(page.name, page.title, page.paths, page.needs, page.prose))

    def _say(self, sign: Sign, node: Node, page: str = "") -> None:
        self.changes.append(Change(sign, page or node.page, node.value.text, node.ids))

    def _remembered(self, groups: Sequence[_Group]) -> Memory:
        """Return what the next fold must know."""
        memory = Memory(dict(self.memory.asked), dict(self.memory.revisions), dict(self.memory.wrote))
        memory.pages = self.memory.pages | (self.folded.keys() & self.drafts.keys())
        for group in groups:
            if not group.fresh:
                continue
            if self._is_changed(group):
                for key in [key for one in group.ids for key in self.wrote_for.get(one, ())]:
                    memory.wrote.pop(key, None)
                for one in group.fresh:
                    remember(memory, one.page, one.key, one.value.sources)
            for intent in {intent for one in group.fresh for intent in one.ids} & self.asked.keys():
                memory.asked[intent] = {self.asked[intent]}
                memory.revisions[intent] = self.revisions[intent]
        return memory


def _pairs(
    fresh: list[Node], mine: list[Node], same: Callable[[Node, Node], bool]
) -> list[tuple[Node, Node]]:
    """Return what belongs together, in order, and take it out of both lists."""
    found: list[tuple[Node, Node]] = []
    for one in list(fresh):
        other = next((each for each in mine if same(one, each)), None)
        if other is not None:
            found.append((one, other))
            fresh.remove(one)
            mine.remove(other)
    return found


def _alike(fresh: Sequence[Node], mine: Sequence[Node]) -> list[tuple[Node, Node]]:
    """Return which new statement takes the place of which old one: in order, else by likeness."""
    new = [one for one in fresh if one.is_statement]
    old = [one for one in mine if one.is_statement]
    if len(new) == len(old):
        return list(zip(new, old, strict=True))
    # Where statements were joined or taken apart, the first takes the place of the first.
    found = _pairs(new, old, lambda one, other: one.ids != other.ids and bool({*one.ids} & {*other.ids}))
    scored = sorted(
        ((-_likeness(one, other), at, to) for at, one in enumerate(new) for to, other in enumerate(old)),
    )
    taken_new: set[int] = set()
    taken_old: set[int] = set()
    for _, at, to in scored:
        if at not in taken_new and to not in taken_old:
            taken_new.add(at)
            taken_old.add(to)
            found.append((new[at], old[to]))
    return found


def _likeness(one: Node, other: Node) -> float:
    return SequenceMatcher(None, one.value.text[:_COMPARED], other.value.text[:_COMPARED]).ratio()


def _groups(mine: Iterable[Draft], fresh: Iterable[Draft], memory: Memory) -> list[_Group]:
    """Return the intents in groups that share no statement, in the order in which they are folded."""
    above: dict[IntentId, IntentId] = {}

    def top(one: IntentId) -> IntentId:
        while above.setdefault(one, one) != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    here = [node for draft in mine for node in draft.nodes() if node.ids]
    now = [node for draft in fresh for node in draft.nodes() if node.ids]
    for ids in [*(node.ids for node in now), *(node.ids for node in here), *(key[0] for key in memory.wrote)]:
        for one in ids[1:]:
            above[top(one)] = top(ids[0])
    groups: dict[IntentId, _Group] = defaultdict(_Group)
    for node in now:
        groups[top(node.ids[0])].fresh.append(node)
    for node in here:
        groups[top(node.ids[0])].mine.append(node)
    for one, group in groups.items():
        group.ids.add(one)
        for node in (*group.fresh, *group.mine):
            group.ids.update(node.ids)
    return list(groups.values())
