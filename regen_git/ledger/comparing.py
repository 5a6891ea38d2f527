"""What was asked between two revisions: the intents of both, each with what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regen_git.domain.intent import Intent
    from regen_git.ledger.effective import Asked

__all__ = ["Difference", "What", "differences", "words_of"]

What = Literal["added", "changed", "superseded", "retracted", "removed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one intent; ``old`` or ``new`` is ``None`` where that side does not have it."""

    what: What
    old: Asked | None
    new: Asked | None

    @property
    def asked(self) -> Asked:
        """The intent as the new side has it, else as the old one had it."""
        found = self.new or self.old
        if found is None:
            raise ValueError("a difference without sides")
        return found


def differences(old: Iterable[Asked], new: Iterable[Asked]) -> Iterator[Difference]:
    """Yield what differs between two lists of intents, in the order of the new one; removed ones last.

    An intent that is new and without force already was asked and taken back: it counts as that.
    """
    before = {one.intent.id: one for one in old}
    seen: set[str] = set()
    for one in new:
        seen.add(one.intent.id)
        was = before.get(one.intent.id)
        what = _what(was, one)
        if what is not None:
            yield Difference(what, was, one)
    for one in before.values():
        if one.intent.id not in seen:
            yield Difference("removed", one, None)


def _what(was: Asked | None, now: Asked) -> What | None:
    if was is None:
        return "added" if now.status == "in force" else now.status
    if was.status != now.status:
        return "added" if now.status == "in force" else now.status
    return "changed" if words_of(was.intent) != words_of(now.intent) else None


def words_of(intent: Intent) -> tuple[str, ...]:
    """Return all that an intent asks for, as texts; a class or a time is no words."""
    plan = (intent.approved,) if intent.approved is not None else ()
    return (*(prompt.text for prompt in intent.prompts), *plan)
