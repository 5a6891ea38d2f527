"""Pages that can be changed in place: what a merge works on."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regen_git.spec.memory import key_of
from regen_git.spec.pages import render_left_out, render_statement
from regen_git.spec.values import LeftOut, Statement, Written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from regen_git.domain.ids import IntentId
    from regen_git.spec.memory import Key
    from regen_git.spec.values import Page

__all__ = ["Draft", "Node"]


@dataclass(slots=True, eq=False)
class Node:
    """A statement, a condition or what is left out. ``around`` is the list that it stands in."""

    value: Statement | LeftOut
    page: str
    around: list[Node]
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    is_late: bool = False
    known: Key | None = None

    @property
    def key(self) -> Key:
        """What it rested on and said at first."""
        if self.known is None:
            self.known = key_of(self.value)
        return self.known

    @property
    def ids(self) -> tuple[IntentId, ...]:
        """The intents that it rests on, sorted."""
        return self.key[0]

    @property
    def is_statement(self) -> bool:
        """Whether it asks for something."""
        return self.key[1] == "s"

    def built(self) -> Statement | LeftOut:
        """Return the value with what stands below now: the very same one where that is as it was."""
        if isinstance(self.value, LeftOut) or not (self.children or self.value.conditions):
            return self.value
        below = tuple(one for child in self.children if isinstance(one := child.built(), Statement))
        return self.value if _are(below, self.value.conditions) else replace(self.value, conditions=below)

    def raise_revisions(self, revisions: Mapping[IntentId, int]) -> None:
        """Name the newest revision of each intent."""
        if all(revisions.get(one.intent, one.revision) == one.revision for one in self.value.sources):
            return
        sources = tuple(
            replace(one, revision=revisions.get(one.intent, one.revision)) for one in self.value.sources
        )
        self.value = replace(self.value, sources=sources)

    def unindent(self) -> None:
        """Forget how it was indented: it moves up."""
        found = self.value.read
        if found is not None and not found.lines.startswith("<<<<<<<"):
            self.value = replace(self.value, read=None)
        for child in self.children:
            child.unindent()

    def become(self, new: Node) -> None:
        """Take the words of another one; what stands below and rests on intents of its own stays."""
        old = self.value
        marker = Written(old.read.lines, ("", (), "")) if old.read is not None else None
        self.value = replace(new.value, before=old.before, read=marker)
        kept = [child for child in self.children if child.ids]
        self.children[:] = [*new.own_children(self), *kept]

    def own_children(self, parent: Node) -> list[Node]:
        """Return copies of what stands below and rests on nothing of its own."""
        return [
            _grown(child.built(), parent.page, parent.children, parent)
            for child in self.children
            if not child.ids
        ]

    def mark_conflict(self, new: Node | None) -> None:
        """Show both versions as git shows a conflict."""
        own = [child for child in self.children if not child.ids]
        mine = self._lines(self)
        theirs = self._lines(new) if new is not None else ""
        block = f"<<<<<<< spec\n{mine}=======\n{theirs}>>>>>>> fold\n"
        reason = self.value.reason if isinstance(self.value, LeftOut) else ""
        self.value = replace(self.value, read=Written(block, (self.value.text, self.value.sources, reason)))
        self.children[:] = [child for child in self.children if child not in own]

    def _lines(self, one: Node) -> str:
        """Return the lines of a version, indented as this node is, without what rests on other intents."""
        depth, above = 0, self.parent
        while above is not None:
            depth, above = depth + 1, above.parent
        value = one.built()
        if isinstance(value, LeftOut):
            return render_left_out(value)
        shown = tuple(child for child in value.conditions if not child.sources)
        marker = "  " * depth + "- "
        return render_statement(replace(value, before="", conditions=shown), marker)


def _grown(value: Statement | LeftOut, page: str, around: list[Node], parent: Node | None) -> Node:
    """Make a node of a value, and of all below it."""
    node = Node(value, page, around, parent)
    if isinstance(value, Statement):
        for child in value.conditions:
            node.children.append(_grown(child, page, node.children, node))
    return node


class Draft:
    """One page while it is changed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.statements: list[Node] = []
        self.left_out: list[Node] = []
        self.end = page.end
        self.late = page.late
        for one in page.statements:
            self.statements.append(_grown(one, page.name, self.statements, None))
        for node in self.statements[len(self.statements) - page.late :]:
            node.is_late = True
        for left in page.left_out:
            self.left_out.append(_grown(left, page.name, self.left_out, None))

    def nodes(self) -> Iterator[Node]:
        """Yield all nodes, each before those below it."""
        left = [*reversed(self.left_out), *reversed(self.statements)]
        while left:
            node = left.pop()
            yield node
            left += reversed(node.children)

    def add(self, new: Node, parent: Node | None, after: Node | None) -> Node:
        """Add a copy of a node: below ``parent``, else after ``after``, else at the end of its list."""
        if not new.is_statement:
            around = self.left_out
        else:
            around = self.statements if parent is None else parent.children
        node = Node(new.value, self.page.name, around, parent, known=new.key)
        node.children += new.own_children(node)
        at = len(around) - (self.late if around is self.statements else 0)
        if after is not None and after.around is around and not after.is_late:
            while around[at - 1] is not after:
                at -= 1
        around.insert(at, node)
        return node

    def remove(self, node: Node) -> None:
        """Take a node out; what rests on intents of its own moves up, text around it stays."""
        at = node.around.index(node)
        kept = [child for child in node.children if child.ids]
        if node.is_late and node.parent is None:
            self.late += len(kept) - 1
        for child in kept:
            child.around, child.parent, child.is_late = node.around, node.parent, node.is_late
            child.unindent()
        node.around[at : at + 1] = kept
        before = node.value.before
        if not before.strip():
            return
        if at < len(node.around):
            follower = node.around[at]
            follower.value = replace(follower.value, before=before + follower.value.before)
        elif node.is_statement and node.parent is None:
            self._after_last(before, is_late=node.is_late)

    def _after_last(self, text: str, *, is_late: bool) -> None:
        """Keep what stood before the last statement, which is gone."""
        late = next((one for one in self.statements if one.is_late), None)
        follower = self.left_out[0] if self.left_out and not is_late else late
        if follower is None:
            self.end = text + self.end
        elif follower.is_statement or follower.value.before:
            follower.value = replace(follower.value, before=text + follower.value.before)
        else:
            follower.value = replace(follower.value, before=text.rstrip("\n") + "\n\n## Left out\n\n")

    def built(self) -> Page:
        """Return the page as it is now: the very same one where nothing was changed."""
        page = self.page
        statements = tuple(one for node in self.statements if isinstance(one := node.built(), Statement))
        left_out = tuple(one for node in self.left_out if isinstance(one := node.built(), LeftOut))
        is_same = _are(statements, page.statements) and _are(left_out, page.left_out)
        if is_same and (self.late, self.end) == (page.late, page.end):
            return page
        return replace(page, statements=statements, left_out=left_out, late=self.late, end=self.end)


def _are(some: Sequence[object], others: Sequence[object]) -> bool:
    """Return whether these are the very same things: equal ones may be written in other ways."""
    return len(some) == len(others) and all(map(operator.is_, some, others))
