"""Which documents of one intent count: the revisions that no other revision takes the place of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.domain.intent import Intent

__all__ = ["KNOWN_BY", "newest", "revised"]

KNOWN_BY = 16
"""Digits of a digest by which a revision names a document that it takes the place of."""


def newest(claims: Mapping[str, Intent]) -> tuple[Intent, ...]:
    """Return the documents that nothing takes the place of; ``claims`` are all of one intent, by digest.

    A revision that names what it knows takes the place of that alone: what somebody else wrote meanwhile
    stays, whatever its number. More than one is a conflict; the highest revision comes first, then the lowest
    digest, so that the order is the same in every clone.
    """
    if len(claims) == 1:
        return tuple(claims.values())
    named = {one for intent in claims.values() for one in intent.edits}
    above = max((intent.revision for intent in claims.values() if not intent.edits), default=0)
    left = [
        (-intent.revision, digest, intent)
        for digest, intent in claims.items()
        if intent.revision >= above and digest[:KNOWN_BY] not in named
    ]
    # Only documents that name each other in a ring, which no writer makes, leave nothing.
    found = left or [(-intent.revision, digest, intent) for digest, intent in claims.items()]
    return tuple(intent for _, _, intent in sorted(found, key=lambda claim: claim[:2]))


def revised(intent: Intent, known: Mapping[str, Intent]) -> Intent:
    """Return an intent as the next revision of these documents of it, all of which it takes the place of."""
    named = dict.fromkeys(one for claim in known.values() for one in claim.edits)
    named.update(dict.fromkeys(digest[:KNOWN_BY] for digest in sorted(known)))
    last = max(claim.revision for claim in known.values())
    return replace(intent, revision=last + 1, edits=tuple(sorted(named)))
