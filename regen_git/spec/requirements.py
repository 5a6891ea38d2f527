"""Tell what one session asked for: which prompts are requirements, which correct them, which ask for nothing.

Works intent by intent, in the order asked. Every prompt of an intent in force ends in a statement, in one of
its conditions, or among what is left out; so does every plan that was accepted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from regen_git.agents.classes import classify, guess
from regen_git.spec.pages import statement_of
from regen_git.spec.values import LeftOut, Source, Statement
from regen_git.spec.wording import follows_up, is_about_it, listed, points_back, segments, trimmed

if TYPE_CHECKING:
    from regen_git.domain.intent import Intent, Prompt, PromptClass
    from regen_git.ledger.effective import Asked

__all__ = ["Requirement", "Told", "left_out_whole", "requirements_of"]

_SHOWN = 100
_CONTENT_WORDS = 3
_INTRO = re.compile(
    r"(?:please\s+)?(?:do |make |implement |add |here (?:is|are) )?(?:the following|(?:a few|two|three|four"
    r"|some|these|several|more) (?:\w+ ){0,2}(?:things|changes|requirements|tasks|features|points|notes)"
    r"|requirements|todos?|tasks?|changes|features):\s*\Z",
    re.IGNORECASE,
)

# Begins as an order to look at something, and as many a wish does: "search by tag", "validate the address".
_COULD_BE_WISHED = re.compile(
    r"\s*(?:please\s+|let'?s\s+)?(?:check|confirm|verify|validate|find|compare|describe|list|summari[sz]e|search"
    r"|evaluate|audit|inspect|determine|identify|review)\b"
    r"(?!\s+(?:if|whether|why|what|where|how|out|it|this|that|these|those|my|our|your|the)\b)",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Requirement:
    """A statement in the making."""

    text: str
    sources: tuple[Source, ...]
    conditions: list[Statement] = field(default_factory=list)

    def add(self, text: str, source: Source) -> None:
        """Add an acceptance condition."""
        self.conditions.append(statement_of(listed(trimmed(text)), (source,)))

    def done(self) -> list[Statement]:
        """Return what it became; a list without words of its own becomes a statement an item."""
        made: list[Statement] = []
        for part in segments(listed(self.text)):
            one = statement_of(part, self.sources)
            if len(one.conditions) > 1 and _INTRO.match(one.text):
                made += [replace(item, sources=self.sources) for item in one.conditions]
            else:
                made.append(one)
        made[-1] = replace(made[-1], conditions=(*made[-1].conditions, *self.conditions))
        return made


@dataclass(slots=True)
class Told:
    """What one intent adds: its requirements, and what it leaves out."""

    requirements: list[Requirement] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


_Role = Literal["statement", "correction", "answer", "question", "left out"]


def requirements_of(asked: Asked, earlier: Requirement | None, *, same_session: bool) -> Told:
    """Return what this intent asks for.

    ``earlier`` is the last requirement of the page it belongs to, of the same session where that is known:
    what corrects it becomes one of its conditions.
    """
    reading = _Reading(Source(asked.intent.id, asked.intent.revision), earlier, same_session=same_session)
    for prompt in asked.intent.prompts:
        reading.take(prompt)
    return reading.finish(asked.intent.approved)


class _Reading:
    """Reads one intent prompt by prompt."""

    def __init__(self, source: Source, earlier: Requirement | None, *, same_session: bool) -> None:
        self.source = source
        self.told = Told()
        self.current = earlier
        self.same_session = same_session
        self.waiting: Prompt | None = None  # a question that what follows may answer
        self.was_question = False  # whether the prompt before ended as one

    def take(self, prompt: Prompt) -> None:
        """Take the next prompt."""
        role, kind = _role(prompt)
        joined = self.waiting if self.waiting is not None and _belongs(prompt, role) else None
        if self.waiting is not None and joined is None:
            self._leave_out(self.waiting, "question")
        self.waiting = None
        if role == "question":
            self.waiting = prompt
        elif joined is not None:
            self._start(f"{trimmed(joined.text)}\n\n{prompt.text.strip()}")
        elif role == "left out":
            self._leave_out(prompt, kind or "noise")
        elif role == "answer":
            self._answer(prompt)
        elif self.current is not None and self._is_condition(role, prompt.text):
            self.current.add(_with_question(prompt), self.source)
        else:
            self._start(trimmed(_with_question(prompt)))
        self.was_question = prompt.text.rstrip().endswith("?")

    def _answer(self, prompt: Prompt) -> None:
        has_content = len(prompt.text.split()) > _CONTENT_WORDS or (self.was_question and self.is_own)
        if not prompt.answers and not has_content:
            self._leave_out(prompt, "answer")
        elif self.current is None or (prompt.answers and not self.is_own and not self.same_session):
            self._start(_with_question(prompt))
        else:
            self.current.add(_with_question(prompt), self.source)

    @property
    def is_own(self) -> bool:
        """Whether what is spoken of was asked for by this intent."""
        return bool(self.told.requirements)

    def _is_condition(self, role: _Role, text: str) -> bool:
        if self.is_own:
            return role == "correction" or points_back(text) or follows_up(text)
        return role == "correction" and (self.same_session or points_back(text))

    def _start(self, text: str) -> None:
        self.current = Requirement(text, (self.source,))
        self.told.requirements.append(self.current)

    def _leave_out(self, prompt: Prompt, reason: str) -> None:
        self.told.left_out.append(_left(prompt.text, self.source, reason))

    def finish(self, plan: str | None) -> Told:
        """Return all that was told; ``plan`` is one that the person accepted: what was agreed on."""
        if self.waiting is not None:
            self._leave_out(self.waiting, "question")
        if plan is not None and plan.strip():
            text = f"The plan that was accepted:\n\n{plan.strip()}"
            if self.is_own and self.current is not None:
                self.current.conditions.append(statement_of(text, (self.source,)))
            else:
                self._start(text)
        return self.told


def left_out_whole(intent: Intent, reason: str) -> LeftOut:
    """Return the entry for an intent of which nothing is required."""
    text = next((prompt.text for prompt in intent.prompts if prompt.text.strip()), intent.approved or "")
    return _left(text, Source(intent.id, intent.revision), reason)


def _role(prompt: Prompt) -> tuple[_Role, PromptClass | None]:
    """Return what is to be done with a prompt: its recorded class decides, else the rules."""
    kind = prompt.kind or classify(prompt.text, prompt.answers)
    if kind == "question" and _could_be_wished(prompt.text):
        kind = None  # most recorded classes come from the same rules: better a line too many than a wish lost
    if kind == "question":
        return "question", kind
    if kind == "operation" or (kind == "noise" and (prompt.kind or "```" not in prompt.text)):
        return "left out", kind
    if kind is None and guess(prompt.text, prompt.answers) == "correction":
        kind = "correction"
    if kind in ("correction", "answer"):
        return kind, kind
    return "statement", kind


def _could_be_wished(text: str) -> bool:
    """Return whether what reads as a look at something may as well be what the program is to do."""
    return "?" not in text and _COULD_BE_WISHED.match(text) is not None


def _belongs(prompt: Prompt, role: _Role) -> bool:
    """Return whether a prompt only has a meaning together with the question before it."""
    if role == "answer" and not prompt.answers:
        return True
    return role in ("statement", "correction") and is_about_it(prompt.text)


def _with_question(prompt: Prompt) -> str:
    """Return a prompt's text together with what it replies to, where it replies to something."""
    if not prompt.answers or not prompt.answers.strip():
        return prompt.text
    quoted = "\n".join(f"> {line}".rstrip() for line in prompt.answers.strip().splitlines())
    return f"{prompt.text.strip()}\n\nThis answers:\n\n{quoted}"


def _left(text: str, source: Source, reason: str) -> LeftOut:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = next((line for line in lines if any(map(str.isalnum, line))), lines[0] if lines else "…")
    short = line if len(line) <= _SHOWN else line[: _SHOWN - 1].rstrip() + "…"
    return LeftOut(" ".join(short.replace("```", "'''").split()), (source,), reason)
