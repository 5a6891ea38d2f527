"""Compare the spec with the ledger, without a model: what is asked and not in it, what in it is not asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.spec.values import SPEC_FOLDER, Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from regen_git.domain.ids import IntentId
    from regen_git.ledger.effective import Asked
    from regen_git.spec.memory import Memory
    from regen_git.spec.values import LeftOut, Page, Source

__all__ = ["Findings", "Stale", "check"]


@dataclass(frozen=True, slots=True)
class Stale:
    """Something on a page that names what the ledger does not hold so."""

    page: str
    intent: IntentId
    why: str
    text: str

    @property
    def path(self) -> str:
        """The page's file."""
        return f"{SPEC_FOLDER}/{self.page}.md"


@dataclass(slots=True)
class Findings:
    """What a check found. ``missing`` and ``stale`` are wrong; the rest is told.

    ``removed`` are intents that a person took out of the spec; ``unbacked`` statements, with their page, that
    rest on no intent.
    """

    missing: list[Asked] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)
    removed: list[Asked] = field(default_factory=list)
    unbacked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether the spec says what is asked."""
        return not self.missing and not self.stale


def check(asked: Sequence[Asked], pages: Sequence[Page], memory: Memory, *, is_whole: bool) -> Findings:
    """Compare pages with intents. ``is_whole``: the intents are all there are, so that others are unknown."""
    known = {one.intent.id: one for one in asked}
    findings = Findings()
    named: set[IntentId] = set()
    for page in pages:
        findings.unbacked += [(page.name, one.text) for one in page.statements if not _rests(one)]
        for one, source in _named(page):
            named.add(source.intent)
            why = _complaint(known.get(source.intent), source, one, is_whole=is_whole)
            if why:
                findings.stale.append(Stale(page.name, source.intent, why, one.text))
    for each in asked:
        if each.status == "in force" and each.intent.id not in named:
            was_there = each.intent.id in memory.asked
            (findings.removed if was_there else findings.missing).append(each)
    return findings


def _rests(one: Statement) -> bool:
    return bool(one.sources) or any(map(_rests, one.conditions))


def _named(page: Page) -> Iterator[tuple[Statement | LeftOut, Source]]:
    yield from _below(page.statements)
    for left in page.left_out:
        yield from ((left, source) for source in left.sources)


def _below(statements: Iterable[Statement]) -> Iterator[tuple[Statement, Source]]:
    for one in statements:
        yield from ((one, source) for source in one.sources)
        yield from _below(one.conditions)


def _complaint(asked: Asked | None, source: Source, one: Statement | LeftOut, *, is_whole: bool) -> str:
    """Return what is wrong with naming this revision of an intent, or nothing."""
    if asked is None:
        return "no commit here has this intent" if is_whole else ""
    revision = asked.intent.revision
    if source.revision > revision:
        return f"revision {source.revision} is not here, only {revision}"
    if not isinstance(one, Statement):
        return ""
    if asked.status == "superseded":
        return f"superseded by {' '.join(asked.by)}"
    if asked.status == "retracted":
        return "retracted"
    return f"revision {revision} says something else" if source.revision < revision else ""
