"""Identities: of intents, which we give out, and of git objects, which git does."""

from __future__ import annotations

import re
from typing import NewType, TypeAlias

from regen_git.domain.digests import sha256

IntentId = NewType("IntentId", str)
"""Sixteen lower-case hexadecimal digits; stable for ever."""

Oid: TypeAlias = str
"""A git object id in full, lower-case hexadecimal: 40 digits, or 64 in a SHA-256 repository."""

RepoPath: TypeAlias = str
"""A path relative to the top of the tree, ``/`` between parts; bytes that are not UTF-8 as surrogates."""

INTENT_ID = re.compile(r"[0-9a-f]{16}")


def new_intent_id() -> IntentId:
    """Return an id nobody has used."""
    # Imported here: it brings random and hmac along, and most of those who need this module make no id.
    import secrets

    return IntentId(secrets.token_hex(8))


def derived_intent_id(*parts: str) -> IntentId:
    """Return the id that these foreign identifiers always give, so that a second import adds nothing."""
    whole = "\0".join(parts)
    try:
        raw = whole.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # JSON can hold half a character, as no text of a file system can.
        raw = whole.encode("utf-8", "surrogatepass")
    return IntentId(sha256(raw).hexdigest()[:16])


def is_intent_id(text: str) -> bool:
    """Return whether this is written as an intent id."""
    return INTENT_ID.fullmatch(text) is not None
