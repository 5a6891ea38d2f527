"""Trim courtesy off a prompt, and tell what its words point at; nothing that asks for something goes.

The rules know English; other languages are kept whole.
"""

from __future__ import annotations

import re

from regen_git.spec.markup import Fence

__all__ = ["follows_up", "is_about_it", "listed", "points_back", "segments", "trimmed"]

_OPENING = re.compile(
    r"(?:(?:ok(?:ay)?|great|nice|perfect|cool|awesome|excellent|thanks|thank you|hi|hello|hey|now|next|then"
    r"|oops|hmm+)(?:[,.!:]+\s+|\s+(?=(?:now|next|then|please|can you|could you|let's|let us|please)\b))"
    r"|please,?\s+(?:please\s+)?)+",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"(?:(?:now |next |then )?(?:can|could|would|will) you (?:please |also |now |just )*(?:go ahead and )?"
    r"|(?:let's|let us) (?:now )?(?:go ahead and )?"
    r"|(?:i|we)(?:'d| would) (?:like|love) (?:you )?to |(?:i|we) want (?:you )?to |please )(?=[a-z`])",
    re.IGNORECASE,
)
_KEPT = re.compile(r"(?:can|could|would|will) you (?:please |now |just )*(also )?", re.IGNORECASE)
_CLOSING = re.compile(
    r"(?:(?<=[.!?`)])\s+|\n+)(?:(?:so,? )?(?:please|(?:can|could|would|will) you(?: please)?) "
    r"(?:also )?(?:change|update|make|fix|do|implement|try|add|adjust)"
    r"(?: (?:this|that|it|these|the|them|both))?(?: changes?| updates?| fix(?:es)?)?(?: please)?[?.!]*"
    r"|(?:can|could|would|will) you (?:please )?(?:write|build|create|make|implement|do) (?:this|that)"
    r"(?: \w+)?[?.!]*"
    r"|thanks?(?: you)?[.!]*|thx[.!]*|please[.!]*)\s*\Z",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"\W*(?:(?:oops|no|nope|hmm+|almost|better|sorry|actually|wait|argh|ugh)\b|not (?:what|quite|like|that)\b"
    r"|(?:(?:and|but|so|also|now(?=,)|then|please|yes|ok(?:ay)?)[,.!]*\s+)*(?:you\b|this\b"
    r"|that(?:'s)?\b|it(?:'s)?\b|these\b|those\b|they\b|still\b|again\b|fix\b|revert\b|undo\b|redo\b"
    r"|the (?:last|previous|above)\b|instead\b|there(?:'s| is| are)\b))",
    re.IGNORECASE,
)
_IT = re.compile(
    r"(?:(?:ok(?:ay)?|yes|yeah|yep|great|good|sure|right|sounds good|perfect|please|let's|let us|now|so|then"
    r"|just|can you|could you|go ahead and|also|i'd like (?:you )?to|we should)[,.!]*\s+)*"
    r"(?:implement|do|add|fix|change|make|try|use|go (?:with|for)|remove|apply|build|address"
    r"|start (?:with|on))\s+(?:this|that|it|both|these|those|so|all of (?:this|that|them)"
    r"|the (?:first|second|third|last|latter))\b",
    re.IGNORECASE,
)
_FOLLOWING = re.compile(
    r"\b(?:also|too|as well|this|that|these|those|it|its|instead|the same|above|them)\b"
    r"|\bupdate\b.{0,40}\b(?:readme|docs?|documentation|changelog|comments?|tests?|schema|examples?)\b"
    r"|\b[\w-]*(?:readme|schema|changelog)[\w-]*\.md\b",
    re.IGNORECASE,
)
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]")
_SHORT = 180
_NUMBERED = re.compile(r"(?:(?<=\s)|\A)\((\d)\)\s+")


def trimmed(text: str) -> str:
    """Return a prompt without words of courtesy around what it asks for."""
    text = text.strip()
    whole = text
    text = _CLOSING.sub("", text).rstrip()
    found = _OPENING.match(text)
    if found is not None:
        text = text[found.end() :]
    found = _ASKING.match(text)
    if found is not None:
        also = _KEPT.match(found[0])
        text = ("also " if also and also[1] else "") + text[found.end() :]
        first, mark, rest = text.partition("?")
        if mark and "\n" not in first and ". " not in first and also and (not rest or rest[0] in " \n"):
            # What was put as a question is a sentence now.
            text = f"{first}.{rest}"
    if not text.strip():
        return whole
    if text == whole or not text[0].islower() or not _is_word(text):
        return text
    return text[0].upper() + text[1:]


def _is_word(text: str) -> bool:
    """Return whether the text begins with a word of prose, not a name such as ``parseAuth``."""
    found = re.match(r"[a-z]+(?:'[a-z]+)?(?=[\s,.:;!?]|\Z)", text)
    return found is not None


def points_back(text: str) -> bool:
    """Return whether the first words speak of what was just made."""
    return _POINTING.match(text) is not None


def is_about_it(text: str) -> bool:
    """Return whether the text asks for "this" or "it" and so needs what was said before it."""
    return _IT.match(text.lstrip()) is not None


def follows_up(text: str) -> bool:
    """Return whether a short wish only makes sense beside the one before it."""
    return len(text) <= _SHORT and "\n\n" not in text and _FOLLOWING.search(text) is not None


def listed(text: str) -> str:
    """Return the text with what it counts as ``(1) … (2) …`` made a list, where it does."""
    marks = list(_NUMBERED.finditer(text))
    if len(marks) < 2 or "```" in text or [m[1] for m in marks] != [str(n) for n in range(1, len(marks) + 1)]:  # noqa: PLR2004 - one is no list
        return text
    intro = text[: marks[0].start()].rstrip()
    if intro and intro[-1] not in ":.;!?":
        return text
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    items = [text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)]
    lines = [item.replace("\n", "\n  ") for item in items]
    return "\n".join([*([intro] if intro else []), *(f"- {line}" for line in lines)])


def segments(text: str) -> list[str]:
    """Return the text in parts: what is not indented after a list has ended begins a new one."""
    parts: list[list[str]] = [[]]
    fence = Fence()
    has_list = was_blank = False
    for line in text.split("\n"):
        is_code = fence.feed(line)
        is_item = not is_code and _ITEM.match(line) is not None
        if has_list and was_blank and not is_code and not is_item and line[:1].strip():
            parts.append([])
            has_list = False
        has_list |= is_item
        was_blank = not line.strip()
        parts[-1].append(line)
    return ["\n".join(part).strip() for part in parts]
