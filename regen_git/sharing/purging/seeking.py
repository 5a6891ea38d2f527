"""What a purge looks for: secrets, and whole prompts where the words themselves are to go."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from regen_git.errors import UsageError
from regen_git.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from regen_git.domain.intent import Intent

__all__ = ["Sought", "redacted", "secrets_in", "texts_of"]

NAMED = "[redacted:named]"
PURGED = "[purged]"

_SHORTEST_NAMED = 4
_SHORTEST_SECRET = 6
"""Characters of what a rule found, below which it is not looked for elsewhere: it would be everywhere."""

_SHORTEST_PROMPT = 20
"""Characters of a prompt that is looked for within other texts; 'go on' proves nothing."""

_SHORTEST_LINE = 16
"""Characters of a line that counts by itself, of a secret that has several."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for, as bytes with what takes its place; and texts that go only where they stand alone.

    ``marks`` has each secret with its mark, the longest first.
    """

    marks: Mapping[str, str]
    forms: tuple[tuple[bytes, bytes], ...]
    alone: frozenset[str]

    @classmethod
    def of(cls, secrets: Mapping[str, str], prompts: Iterable[str]) -> Sought:
        """Look for secrets, with their marks, and for prompts."""
        marks = dict(sorted(secrets.items(), key=lambda one: -len(one[0])))
        forms: dict[bytes, bytes] = {}
        for secret, mark in marks.items():
            least = _SHORTEST_NAMED if mark == NAMED else _SHORTEST_SECRET
            for text in _lines(secret) if len(secret) >= least else ():
                forms.update(dict.fromkeys(_spellings(text), mark.encode("utf-8")))
        alone = frozenset(text.strip() for text in prompts if text.strip())
        for text in sorted(alone, key=len, reverse=True):
            if len(text) >= _SHORTEST_PROMPT:
                for form in _spellings(text):
                    forms.setdefault(form, PURGED.encode("ascii"))
        return cls(marks, tuple(sorted(forms.items(), key=lambda one: -len(one[0]))), alone)

    def is_in(self, data: bytes) -> bool:
        """Return whether something that is looked for is in these bytes."""
        return any(form in data for form, _ in self.forms)

    def is_secret_in(self, data: bytes) -> bool:
        """Return whether a secret is in these bytes."""
        return any(form in data for form, mark in self.forms if mark != PURGED.encode("ascii"))

    def cleaned(self, data: bytes) -> bytes:
        """Return the bytes with a mark for each of these."""
        for form, mark in self.forms:
            data = data.replace(form, mark)
        return data

    def cleaned_json(self, value: Any) -> Any:
        """Return a value from JSON without them."""
        if isinstance(value, str):
            if value.strip() in self.alone:
                return PURGED
            return self.cleaned(value.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        if isinstance(value, list):
            return [self.cleaned_json(item) for item in value]
        if isinstance(value, dict):
            return {name: self.cleaned_json(item) for name, item in value.items()}
        return value


def _lines(secret: str) -> Iterator[str]:
    """Yield what to look for: of a key in several lines each line, since texts are indented."""
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) == 1:
        yield secret
        return
    yield from (line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----"))


def _spellings(text: str) -> Iterator[bytes]:
    """Yield how a text may be written down: as it is, and within JSON."""
    yield text.encode("utf-8", "surrogatepass")
    yield json.dumps(text)[1:-1].encode("ascii")
    yield json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass")


def texts_of(intent: Intent) -> list[str]:
    """Return every text of an intent."""
    found = [text for prompt in intent.prompts for text in (prompt.text, prompt.answers) if text]
    return [*found, intent.approved] if intent.approved else found


def secrets_in(texts: Iterable[str], named: Sequence[str]) -> dict[str, str]:
    """Return each secret with the mark that takes its place: those named, and what the rules find.

    Raises ``UsageError`` for a named one that is too short to be looked for.
    """
    for one in named:
        if len(one) < _SHORTEST_NAMED:
            raise UsageError(
                f"a text to look for has only {len(one)} characters", hint="name more of it; it is everywhere"
            )
    found = dict.fromkeys(named, NAMED)
    for text in texts:
        for rule, secret in redact(_without_named(text, named)[0]).secrets:
            found.setdefault(secret, f"[redacted:{rule}]")
    return found


def redacted(intent: Intent, named: Sequence[str]) -> Intent:
    """Return the intent without secrets; the same one where it has none."""
    count = 0

    def clean(text: str | None) -> str | None:
        nonlocal count
        if text is None:
            return None
        bare, replaced = _without_named(text, named)
        found = redact(bare)
        count += replaced + found.count
        return found.text

    prompts = tuple(
        replace(prompt, text=clean(prompt.text) or "", answers=clean(prompt.answers))
        for prompt in intent.prompts
    )
    approved = clean(intent.approved)
    if not count:
        return intent
    return replace(intent, prompts=prompts, approved=approved, redacted=intent.redacted + count)


def _without_named(text: str, named: Sequence[str]) -> tuple[str, int]:
    count = 0
    for one in sorted(named, key=len, reverse=True):
        count += text.count(one)
        text = text.replace(one, NAMED)
    return text, count
