"""Which intent somebody means: by its id, by the beginning of that, or by the commit that it made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.cli.console import safe
from regen_git.errors import RegenError
from regen_git.ledger.effective import standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.intent import Intent
    from regen_git.git.repository import Repository
    from regen_git.ledger.holding import Held, Holdings

__all__ = ["first_words", "named_intent"]

_BEGINNING = re.compile(r"[0-9a-f]{4,16}")
_SHOWN = 10
_WIDTH = 60


def named_intent(repo: Repository, name: str, holdings: Holdings, *, retracted: bool = False) -> Held:
    """Return the intent that is meant; ``retracted``: of a commit's intents one without force is wanted.

    Raises ``RegenError`` for what names none, or several.
    """
    if _BEGINNING.fullmatch(name):
        found = holdings.beginning(name)
        if len(found) > 1:
            some = [holdings.held(one) for one in found[:_SHOWN]]
            raise _several(f"{len(found):,} intents begin with '{name}'", some)
        if found:
            held = holdings.held(found[0])
            if not held.documents:
                raise RegenError(
                    f"the documents of intent '{found[0]}' cannot be read by this version",
                    hint="a newer git-regen wrote them; 'git regen doctor' tells more",
                )
            return held
    try:
        commit = repo.resolve(name)
    except RegenError as error:
        raise RegenError(
            f"'{name}' names no intent and no commit",
            hint="'git regen log --json' lists intents; the beginning of an id is enough",
        ) from error
    mine = holdings.on(commit)
    if not mine:
        raise RegenError(
            f"commit '{commit[:10]}' has no recorded intent",
            hint=f"'git regen record --commit {commit[:10]} \"…\"' gives it one",
        )
    stands = standing({each.id: each.claims[0] for each in mine})
    wanted = "retracted" if retracted else "in force"
    fitting = [each for each in mine if stands[each.id][0] == wanted] or mine
    if len(fitting) > 1:
        raise _several(f"commit '{commit[:10]}' has {len(fitting)} intents", fitting)
    return fitting[0]


def _several(what: str, some: Sequence[Held]) -> RegenError:
    shown = "; ".join(
        f"{each.id} ({first_words(each.claims[0]) if each.documents else '?'})" for each in some
    )
    more = "; …" if len(some) == _SHOWN else ""
    return RegenError(what, hint=f"name one of them: {shown}{more}")


def first_words(intent: Intent, width: int = _WIDTH) -> str:
    """Return the first line of what was asked, cut, safe for a terminal."""
    text = intent.prompts[0].text if intent.prompts else intent.approved or ""
    line = safe(text.strip().partition("\n")[0].rstrip())
    more = len(line) > width or "\n" in text.strip()
    return (line[: width - 1].rstrip() + "…") if more else line
