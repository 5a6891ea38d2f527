"""Find out which names are mentioned: as whole words, however they are written together.

``max_retries``, ``maxRetries``, ``--max-retries``, ``MAX_RETRIES`` and "max retries" are one name. Source and
text are cut into the same small words; a name is mentioned where its words, joined, are those of neighbours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["compact", "mentioned_in"]

_WORD = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
_GROUPED = re.compile(r"(?<=\d)[,_](?=\d{3}(?!\d))")


def words_of(text: str) -> list[str]:
    """Return the small words of a text in order: ``HTTPServer2`` gives ``http``, ``server``, ``2``."""
    return list(map(str.lower, _WORD.findall(_GROUPED.sub("", text))))


def compact(name: str) -> str:
    """Return a name's words as one; empty for a name without letters and digits."""
    return "".join(words_of(name))


def mentioned_in(texts: Iterable[str], wanted: Iterable[str]) -> set[str]:
    """Return those of the wanted names, compact, that any of the texts mentions."""
    left = {name for name in wanted if name}
    begun = {name[:end] for name in left for end in range(1, len(name) + 1)}
    found: set[str] = set()
    for text in texts:
        words = words_of(text)
        for at in [at for at, word in enumerate(words) if word in begun]:
            joined, after = words[at], at + 1
            while joined in begun:
                if joined in left:
                    found.add(joined)
                if after == len(words):
                    break
                joined += words[after]
                after += 1
    return found
