"""What a model's reply comes to: files, deletions, replacements, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from regen_git.domain.ids import RepoPath

__all__ = ["Deletion", "Edit", "FileEdit", "ParsedReply", "Problem", "ProblemKind", "Replacement"]

ProblemKind = Literal[
    "truncated",  # the reply stops in the middle: a fence is open, or the model ran out of tokens
    "elided",  # a line stands for code that was left out
    "no files",  # nothing in it can be applied
    "two versions",  # one path, two different answers
    "bad path",  # outside the tree, inside .git, or no path at all
    "ambiguous",  # it can be read in two ways
    "refused",  # the model or a filter declined
    "not text",  # characters that no source file holds
    "wrong language",  # the block is marked as another language than the path's
    "no match",  # a search text is not in the file, or is there more than once
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason not to apply a reply as it is. ``message`` can be sent back to the model."""

    kind: ProblemKind
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One whole file.

    ``text`` ends in a newline, or is empty, unless ``final_newline`` is false: then it is exactly the file.
    ``None`` means the reply does not say, and the caller decides from what the path was before.
    """

    path: RepoPath
    text: str
    final_newline: bool | None = None
    executable: bool | None = None

    @classmethod
    def exact(cls, path: RepoPath, text: str, *, executable: bool | None = None) -> FileEdit:
        """Return the edit that leaves nothing of this text to be decided."""
        return cls(path, text, text.endswith("\n"), executable)

    def resolved(self, *, final_newline: bool) -> str:
        """Return the text to write; ``final_newline`` counts only where the reply does not say."""
        if self.final_newline is False:
            return self.text
        wanted = self.final_newline or final_newline
        return self.text if wanted else self.text.removesuffix("\n")


@dataclass(frozen=True, slots=True)
class Deletion:
    """One path to take away."""

    path: RepoPath


@dataclass(frozen=True, slots=True)
class Replacement:
    """Whole lines to find in a file, and what stands there afterwards; each line ends in a newline."""

    path: RepoPath
    search: str
    replace: str


Edit: TypeAlias = FileEdit | Deletion | Replacement


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A reply, read. Apply it only when ``problems`` is empty.

    Each of files and deletions in the order of the reply, one entry a path; several replacements of one
    path apply in order. ``complete`` is false when the reply stops in the middle: ask for the rest.
    """

    files: tuple[FileEdit, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    problems: tuple[Problem, ...] = ()
    complete: bool = True
