"""What somebody asked for, and what that did in one commit. Source: docs/format.md, "The note"."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.domain.ids import IntentId, Oid, RepoPath

PromptClass = Literal["feature", "constraint", "correction", "answer", "question", "operation", "noise"]
"""What a prompt is for. A prompt that nobody classified has none."""

PROMPT_CLASSES: tuple[PromptClass, ...] = (
    "feature",
    "constraint",
    "correction",
    "answer",
    "question",
    "operation",
    "noise",
)

Origin = Literal["captured", "explicit", "message", "imported"]
"""How an intent came to be known; ``message`` is never written, it is the commit message standing in."""

ORIGINS: tuple[Origin, ...] = ("captured", "explicit", "message", "imported")

FORMAT = 1
"""The format version that our writers give an intent."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person typed, word for word.

    ``at`` is RFC 3339 in UTC, to the second. ``answers`` is what this replies to, at most 2 KiB. ``refs``
    are files and commands the person pointed at, a file as ``path@blob``.
    """

    text: str
    at: str | None = None
    kind: PromptClass | None = None
    answers: str | None = None
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """The program that acted on a prompt; every part but the name may be unknown."""

    name: str
    version: str | None = None
    model: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing asked for: the prompts in the order they were typed. Never empty of both text and plan.

    ``approved`` is a plan the agent wrote and the person accepted. ``redacted`` counts replaced secrets. A
    retracted intent stays, without force. ``edits`` are the documents of this intent that this revision
    knows and takes the place of, each by the beginning of its digest; empty: all of lower revisions.
    """

    id: IntentId
    prompts: tuple[Prompt, ...]
    origin: Origin
    author: str | None = None
    agent: Agent | None = None
    approved: str | None = None
    revision: int = 1
    supersedes: tuple[IntentId, ...] = ()
    redacted: int = 0
    format: int = FORMAT
    retracted: bool = False
    edits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A further document of an intent that is too long for one; it goes on where the one before ended.

    ``continues`` belongs to the end of the last prompt so far, ``approved`` to the end of the plan.
    """

    intent: IntentId
    continues: str | None = None
    prompts: tuple[Prompt, ...] = ()
    approved: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class LineRange:
    """Lines ``first`` to ``last`` of a file, counted from 1, both included.

    ``last == first - 1`` is the empty range before line ``first``: lines were taken out there.
    """

    first: int
    last: int

    def __str__(self) -> str:
        """Return ``12-19``."""
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Binding:
    """What one intent did in the commit whose note this is in.

    ``wrote`` empty means unknown: the whole commit counts. ``hand`` is ``None`` when unknown, and empty when
    nothing was mended. ``base`` and ``result`` are tree ids.
    """

    intent: IntentId
    wrote: tuple[RepoPath, ...] = ()
    read: tuple[RepoPath, ...] = ()
    hand: Mapping[RepoPath, tuple[LineRange, ...]] | None = None
    base: Oid | None = None
    result: Oid | None = None
    checks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Says that a document was purged: it wins over the document with this digest in every union."""

    intent: IntentId
    digest: str
