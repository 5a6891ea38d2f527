"""The living spec as values: pages of statements, and what each statement rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regen_git.domain.ids import IntentId, RepoPath

__all__ = ["SPEC_FOLDER", "LeftOut", "Page", "Source", "Statement", "Written"]

SPEC_FOLDER = ".regen/spec"
"""Where the pages lie in a tree."""


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """The revision of an intent that a statement rests on."""

    intent: IntentId
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Written:
    """An item's own lines as read, bullet and line ends included, and what they said: text, sources, reason.

    They are kept for as long as the item says the same.
    """

    lines: str
    says: tuple[str, tuple[Source, ...], str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One requirement: Markdown without its bullet and without what it rests on; may have several lines.

    ``sources`` is empty for what a person wrote into the spec. ``conditions`` are what the result must hold
    to, nested below. ``before`` is what stands between the statement before and this one, as written:
    headings, paragraphs, blank lines. ``read`` is how it was written; ``None`` for what no file holds yet.
    """

    text: str
    sources: tuple[Source, ...] = ()
    conditions: tuple[Statement, ...] = ()
    before: str = ""
    read: Written | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A prompt that asks for nothing the spec must say, with the reason; the rest as in `Statement`."""

    text: str
    sources: tuple[Source, ...]
    reason: str
    before: str = ""
    read: Written | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One module of the spec: what its page says, in order.

    ``name`` is the file's name without ``.md``. ``paths`` are the patterns, as in ``.gitignore``, of the
    files it describes; empty where the model may choose them. ``needs`` are the names of the pages whose
    interfaces it uses. ``prose`` is all that stands before the requirements. A page named ``project`` speaks
    of every module and has no files of its own.

    The rest keeps what a person wrote where it stands: ``late`` counts the statements below the left-out
    list, ``end`` is what follows the last of all, ``head`` is all before the first, as read, and ``newline``
    ends each line of the file.
    """

    name: str
    title: str
    paths: tuple[RepoPath, ...] = ()
    needs: tuple[str, ...] = ()
    prose: str = ""
    statements: tuple[Statement, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    late: int = 0
    end: str = ""
    head: str | None = field(default=None, compare=False, repr=False)
    newline: str = field(default="\n", compare=False, repr=False)
