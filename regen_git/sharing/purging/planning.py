"""Which documents are to go, what takes their place, and what to look for elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from regen_git.domain.ids import IntentId
from regen_git.errors import LedgerError, UsageError
from regen_git.ledger.codec import split
from regen_git.ledger.encoding import digest_of, encode
from regen_git.ledger.revisions import newest, revised
from regen_git.sharing.purging.archive import intent_of, parts_of, whole
from regen_git.sharing.purging.seeking import Sought, redacted, secrets_in, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.sharing.purging.archive import Archive

__all__ = ["Plan", "Wish", "made_plan"]

_FEWEST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. ``named`` are texts that must not stay; ``follow``: what others have purged.

    ``keep``: the intents stay, as a next revision without the secrets.
    """

    intents: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    keep: bool = False
    follow: bool = False


@dataclass(slots=True)
class Plan:
    """Documents to bury by digest, the ones that stand in for some of them, and what to look for.

    ``stand_ins`` go by the digest of the document whose place they take. ``others`` are intents that hold
    one of the secrets, too, and are not asked about.
    """

    intents: tuple[IntentId, ...]
    sought: Sought
    dead: dict[str, IntentId] = field(default_factory=dict)
    stand_ins: dict[str, bytes] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def made_plan(archive: Archive, wish: Wish) -> Plan:
    """Decide it all. Raises ``LedgerError`` for an intent that nobody knows, or that has no secret."""
    ids = _ids(archive, wish)
    stones = {digest: one for digest, one in archive.stones.items() if one in ids}
    dead = dict(stones)
    stand_ins: dict[str, bytes] = {}
    texts: list[str] = []
    alone: list[str] = []
    for one in ids:
        raws = archive.of(one)
        said = whole(raws)
        mine = [text for intent in said.values() for text in texts_of(intent)]
        texts += mine
        doomed = _doomed(raws, wish, stones)
        dead.update(dict.fromkeys(doomed, one))
        if wish.keep:
            stand_ins.update(_stand_ins(raws, doomed, wish, dead))
        elif doomed >= raws.keys():
            alone += mine
    sought = Sought.of(secrets_in(texts, wish.named), alone)
    if not dead and ids:
        raise LedgerError(
            f"no rule finds a secret in {', '.join(ids)}",
            hint="name it with --text-file FILE, or purge the whole prompts: leave --keep-redacted away",
        )
    plan = Plan(tuple(ids), sought, dead, stand_ins)
    _clean_others(archive, plan)
    return plan


def _ids(archive: Archive, wish: Wish) -> list[IntentId]:
    known = archive.ids()
    if wish.follow:
        return sorted(set(archive.stones.values()))
    if not wish.intents:
        needles = Sought.of(secrets_in((), wish.named), ())
        found = {intent_of(raw) for raw in archive.raws.values() if needles.is_in(raw)} - {""}
        if not found:
            raise LedgerError("no intent holds that", hint="'git regen log' lists what is recorded")
        return sorted(map(IntentId, found))
    ids: list[IntentId] = []
    for given in wish.intents:
        fitting = (
            sorted(one for one in known if one.startswith(given)) if len(given) >= _FEWEST_DIGITS else []
        )
        if len(fitting) > 1:
            raise UsageError(f"'{given}' may be {' or '.join(fitting)}", hint="give more of its digits")
        if not fitting:
            raise LedgerError(f"no intent '{given}' is known here", hint="'git regen log' lists intents")
        ids.append(IntentId(fitting[0]))
    return list(dict.fromkeys(ids))


def _doomed(raws: dict[str, bytes], wish: Wish, stones: Iterable[str]) -> set[str]:
    """Return which documents of one intent are to go."""
    buried = set(stones) & raws.keys()
    if wish.follow:
        return buried
    if not wish.keep:
        return set(raws)
    said = whole(raws)
    parts = {part for digest in said for part in parts_of(raws[digest])}
    heads = {digest for digest, intent in said.items() if redacted(intent, wish.named) != intent}
    # What no reader understands can only be looked at as text.
    needles = Sought.of(secrets_in((raws[d].decode("utf-8", "replace") for d in raws), wish.named), ())
    broken = {digest for digest in raws.keys() - said.keys() - parts if needles.is_in(raws[digest])}
    living = {part for digest in said.keys() - heads for part in parts_of(raws[digest])}
    return buried | broken | heads | ({part for head in heads for part in parts_of(raws[head])} - living)


def _stand_ins(
    raws: dict[str, bytes], doomed: set[str], wish: Wish, dead: dict[str, IntentId]
) -> dict[str, bytes]:
    """Return the next revision of an intent without its secrets, for each newest one that goes.

    Parts that are the same with and without them stay.
    """
    said = whole(raws)
    current = newest(said)
    found: dict[str, bytes] = {}
    for digest in doomed & said.keys():
        if said[digest] in current:
            found[digest] = encode(revised(redacted(said[digest], wish.named), said))
            for raw in split(found[digest]):
                dead.pop(digest_of(raw), None)
    return found


def _clean_others(archive: Archive, plan: Plan) -> None:
    """Find who else quotes it: documents that are no intents are cleaned, other intents are only named."""
    others: set[str] = set()
    for digest, raw in archive.raws.items():
        if digest in plan.dead or raw.startswith(b"---\npurge:"):
            continue
        one = intent_of(raw)
        if one and one not in plan.intents:
            if plan.sought.is_secret_in(raw):
                others.add(one)
        elif not one and plan.intents and plan.sought.is_in(raw):
            plan.dead[digest] = plan.intents[0]
            plan.stand_ins[digest] = plan.sought.cleaned(raw)
    plan.others = tuple(sorted(others))
