"""An intent's words as one text to edit, and back: prompts apart, comments below a scissors line.

Two documents that claim to be an intent's newest revision are shown merged, with what differs marked as git
marks conflicts.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from regen_git.cli.console import safe
from regen_git.domain.intent import Prompt
from regen_git.ledger.revisions import KNOWN_BY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.intent import Intent
    from regen_git.ledger.holding import Held

__all__ = ["SCISSORS", "has_markers", "read_back", "sheet", "with_words", "words_of"]

SCISSORS = "# ------------------------ >8 ------------------------"
_WARNING = "# Do not modify or remove the line above."
_MARKERS = re.compile(r"^(?:<{7}|\|{7}|>{7}) .*$|^={7}$", re.MULTILINE)
_DASHES = 20
_ANSWER_SHOWN = 400


def words_of(intent: Intent) -> tuple[str, ...]:
    """Return the texts that are edited: the prompts, or, where there are none, the accepted plan."""
    if intent.prompts:
        return tuple(prompt.text for prompt in intent.prompts)
    return (intent.approved or "",)


def sheet(held: Held, facts: Sequence[str], only: int | None = None) -> str:
    """Return what a person edits. ``facts`` are lines of comment; ``only`` is the number of one prompt."""
    claims = held.claims
    many = only is None and max(len(words_of(claim)) for claim in claims) > 1
    lines = [
        SCISSORS,
        _WARNING,
        "# Everything below it is ignored.",
        "#",
        *(f"# {safe(fact)}".rstrip() for fact in facts),
        "#",
        f"# Saving writes revision {max(c.revision for c in claims) + 1}; the old words stay in the ledger.",
    ]
    if len(claims) > 1:
        lines += [
            "# Two versions are marked as in a merge: keep what is right, and take the markers out.",
            "# An empty text writes nothing.",
        ]
    else:
        lines.append("# An empty text, or the same text, writes nothing.")
    if many:
        lines.append("# Each prompt stands below a line with its number. One without words is taken out.")
    lines += _answered(claims[0], only)
    return f"{_body(held, only)}\n" + "\n".join(lines) + "\n"


def _answered(intent: Intent, only: int | None) -> list[str]:
    """Say in comments what the prompts reply to."""
    lines: list[str] = []
    for number, prompt in enumerate(intent.prompts, 1):
        if prompt.answers and only in (None, number):
            shown = safe(prompt.answers.strip()[-_ANSWER_SHOWN:]).split("\n")
            lines += ["#", f"# Prompt {number} answers:", *(f"#   {line}".rstrip() for line in shown)]
    return lines


def _body(held: Held, only: int | None) -> str:
    """Return the words; of several claims those merged."""
    claims = held.claims
    dashes = _dashes(held)
    texts = [_apart(words_of(claim), dashes, only) for claim in claims]
    if len(set(texts)) == 1:
        return texts[0]
    labels = [f"version {at} of {len(claims)}, revision {c.revision}" for at, c in enumerate(claims, 1)]
    if len(claims) > 2:  # noqa: PLR2004 - a merge has two sides
        middle = "=======\n".join(f"{text}" for text in texts)
        return f"<<<<<<< {labels[0]}\n{middle}>>>>>>> {labels[-1]}\n"
    from regen_git.replay.people.textmerge import merge_text

    base = _known_to_all(held)
    old = _apart(words_of(base), dashes, only) if base is not None else ""
    named = (labels[0], f"revision {base.revision}" if base is not None else "nothing", labels[1])
    ours, theirs = (text.encode("utf-8", "replace") for text in texts)
    merged = merge_text(old.encode("utf-8", "replace"), ours, theirs, labels=named)
    return merged.data.decode("utf-8", "replace")


def _known_to_all(held: Held) -> Intent | None:
    """Return the newest document that all claims take the place of."""
    claims = held.claims
    older = [
        (-intent.revision, digest, intent)
        for digest, intent in held.documents.items()
        if all(_knows(claim, digest, intent) for claim in claims)
    ]
    return min(older, key=lambda one: one[:2])[2] if older else None


def _knows(claim: Intent, digest: str, intent: Intent) -> bool:
    return digest[:KNOWN_BY] in claim.edits if claim.edits else intent.revision < claim.revision


def _dashes(held: Held) -> str:
    """Return the dashes of the lines between prompts: more than any such line in the words themselves."""
    texts = (text for claim in held.claims for text in words_of(claim))
    found = (len(match[1]) for text in texts for match in re.finditer(r"^(-{8,}) prompt", text, re.MULTILINE))
    return "-" * max((_DASHES, *(length + 1 for length in found)))


def _apart(texts: Sequence[str], dashes: str, only: int | None) -> str:
    if only is not None:
        texts = texts[only - 1 : only]
    if len(texts) == 1:
        return texts[0].strip("\n") + "\n"
    parts = (
        f"{dashes} prompt {at} of {len(texts)} {dashes}\n{text.strip(chr(10))}\n"
        for at, text in enumerate(texts, 1)
    )
    return "\n".join(parts)


def has_markers(text: str, claims: Sequence[Intent]) -> bool:
    """Return whether a text still has lines that mark a conflict, and that nobody had typed."""
    typed = {line for claim in claims for words in words_of(claim) for line in words.split("\n")}
    return any(match[0] not in typed for match in _MARKERS.finditer(text))


def read_back(saved: str, held: Held, only: int | None = None) -> list[tuple[int, str]]:
    """Return the prompts of an edited text, each with its number; those without words are left out."""
    text = _above_scissors(saved)
    dashes = _dashes(held)
    parts = re.split(
        rf"^{dashes} prompt ([0-9]{{1,6}})(?: of [0-9]+)? {dashes}[ \t]*$", text, flags=re.MULTILINE
    )
    found = list(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    if parts[0].strip():
        # Words above the first line with a number belong to the first prompt.
        first = only or 1
        if found and found[0][0] == first:
            found[0] = (first, parts[0].rstrip() + "\n\n" + found[0][1].lstrip("\n"))
        else:
            found.insert(0, (first, parts[0]))
    return [(number, words.strip("\n")) for number, words in found if words.strip()]


def _above_scissors(saved: str) -> str:
    text = saved.replace("\r\n", "\n")
    for line in (SCISSORS, _WARNING):
        at = ("\n" + text).rfind("\n" + line + "\n")
        if at >= 0:
            return text[:at]
    return text


def with_words(
    held: Held, words: Sequence[tuple[int, str]], only: int | None, now: str
) -> tuple[Intent, Mapping[int, int]]:
    """Return the intent in these words, secrets taken out, and how many were, by number of the prompt.

    A prompt keeps its time, its class and what it answers; one with a new number was typed now. Of several
    claims the first is gone on from: it supersedes what any of them does, and has force unless all are
    retracted.
    """
    from regen_git.redaction import redact

    claims = held.claims
    intent = claims[0]
    hidden: dict[int, int] = {}

    def clean(number: int, text: str) -> str:
        if any(text == old.strip("\n") for claim in claims for old in words_of(claim)):
            return next(old for claim in claims for old in words_of(claim) if text == old.strip("\n"))
        found = redact(text)
        hidden[number] = found.count
        return found.text

    if not any(claim.prompts for claim in claims):
        made = replace(intent, approved="\n\n".join(clean(number, text) for number, text in words))
    else:
        known = {at: prompt for claim in reversed(claims) for at, prompt in enumerate(claim.prompts, 1)}
        prompts = []
        for number, text in words:
            old = known.pop(number, None) or Prompt("", at=now)
            prompts.append(replace(old, text=clean(number, text)))
        if only is not None:
            before, after = intent.prompts[: only - 1], intent.prompts[only:]
            prompts = [*before, *prompts, *after]
        made = replace(intent, prompts=tuple(prompts))
    replaced = dict.fromkeys(one for claim in claims for one in claim.supersedes)
    return replace(
        made,
        supersedes=tuple(replaced),
        retracted=all(claim.retracted for claim in claims),
        redacted=max(claim.redacted for claim in claims) + sum(hidden.values()),
    ), hidden
