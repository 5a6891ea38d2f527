"""What the last generation of a spec rested on and came to: read off the history that took it over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regen_git.git.commits import read_commit
from regen_git.git.notes import read_note
from regen_git.git.trailers import values
from regen_git.ledger.store import PROVENANCE_REF
from regen_git.replay.facts import ADOPTS
from regen_git.replay.provenance import read_note_documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository

__all__ = ["Generated", "Last", "documents_on", "read_last"]

_LOOKED_AT = 200  # commits that could be a generation, the newest first


@dataclass(frozen=True, slots=True)
class Generated:
    """One module as it was generated last: what it rested on by kind, its files, and the replies it is."""

    inputs: Mapping[str, str]
    wrote: tuple[RepoPath, ...]
    request: str
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Last:
    """The last generation in a history: its commit, its modules by name, the replies of its interface pass.

    Without one, ``commit`` is empty.
    """

    commit: Oid = ""
    modules: Mapping[str, Generated] = field(default_factory=dict)
    interfaces: tuple[str, ...] = ()


def read_last(repo: Repository, tip: Oid) -> Last:
    """Return the newest generation that the history of ``tip`` holds, adopted as a tree or as a commit."""
    # With notes shown, git looks for the pattern in them, too: a source may be what its spec generates.
    pattern = f"^({ADOPTS}|Regen-Spec|module): "
    notes = f"--notes={PROVENANCE_REF}"
    out = repo.git("log", f"-{_LOOKED_AT}", notes, "-E", f"--grep={pattern}", "--format=%H", tip, "--")
    for oid in out.decode("ascii").split():
        message = read_commit(repo.objects, oid).message
        for commit in (oid, *values(message, ADOPTS)):
            found = _from(commit, documents_on(repo, commit))
            if found.commit:
                return found
    return Last()


def documents_on(repo: Repository, commit: Oid) -> list[dict[str, Any]]:
    """Return the documents on one commit that speak of modules.

    The commit itself need not be here: an adopted branch is seldom pushed, and its notes are.
    """
    note = read_note(repo, PROVENANCE_REF, commit)
    return [data for data in read_note_documents(note) if "module" in data]


def _from(commit: Oid, documents: list[dict[str, Any]]) -> Last:
    modules: dict[str, Generated] = {}
    interfaces: tuple[str, ...] = ()
    for data in documents:
        replies = _texts(data.get("replies"))
        if data.get("kind") == "interfaces":
            interfaces = replies
            continue
        inputs = data.get("inputs")
        told = {str(k): str(v) for k, v in inputs.items()} if isinstance(inputs, dict) else {}
        modules[str(data["module"])] = Generated(
            told, _texts(data.get("wrote")), str(data.get("request", "")), replies
        )
    return Last(commit, modules, interfaces) if modules else Last()


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
