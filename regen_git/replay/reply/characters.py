"""Characters that no source file holds, unless somebody means them: a sign of a broken reply."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["is_encodable", "odd_character"]

# Control characters beside tab, line ends, form feed and vertical tab; half surrogates; and the sign that
# stands for what could not be decoded.
_ODD = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffd]")


def is_encodable(lines: Iterable[str]) -> bool:
    """Return whether the lines can be written as UTF-8: no half surrogates."""
    try:
        "".join(lines).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def odd_character(lines: Iterable[str], known: frozenset[str]) -> tuple[int, str] | None:
    """Return the first odd character's line, from 1, and its name; ``None`` if there is none.

    ``known`` holds the stripped lines the file already has: those are the file's own.
    """
    lines = list(lines)
    if _ODD.search("\n".join(lines)) is None:
        return None
    for number, line in enumerate(lines, 1):
        found = _ODD.search(line)
        if found is not None and line.strip() not in known:
            return number, f"U+{ord(found[0]):04X}"
    return None
