"""What Entire keeps in a repository: checkpoints, each with the sessions that led to one commit.

They lie on a branch, a folder each, or under one ref each; both hold the same files. Source: Entire's
"Sessions and Checkpoints" and "Ref-Based Checkpoint Backend".
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from regen_git.agents.payloads import text
from regen_git.errors import RegenError
from regen_git.git.blobs import present
from regen_git.git.commits import read_commit
from regen_git.git.trees import TREE, read_tree, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.git.repository import Repository

__all__ = ["Recorded", "has_checkpoints", "named_in", "read_checkpoints"]

_ID = r"(?:[0-9a-f]{12}|[0-9A-HJKMNP-TV-Z]{26})"
# A whole line, in the block of trailers or buried in a body by a squash.
_NAMED = re.compile(rf"^[ \t]*Entire-Checkpoint:[ \t]*({_ID})[ \t]*\r?$", re.MULTILINE | re.IGNORECASE)
_REF = re.compile(rf"refs/entire/checkpoints/([0-9A-Za-z]{{2}})/({_ID})")
_BRANCHES = ("entire/checkpoints/v1", "entire/sessions/v1", "entire/sessions")
_FILE = re.compile(
    r"(?:(\d{1,6})/)?(metadata\.json|full\.jsonl(?:\.\d{3})?|transcript\.jsonl|prompt\.txt|context\.md)"
)
_LONGEST_METADATA = 4 << 20
_DAY = re.compile(r"\A\d{4}-\d{2}-\d{2}-(?=.)")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a checkpoint holds of one session.

    ``agent`` is the name that Entire gives it; ``kind`` is empty for a person's own session. ``created`` is
    in seconds since 1970 UTC. ``start`` is how many lines (or messages) of the transcript were there before
    this checkpoint, 0 also where that is unknown. ``transcript`` are blobs to be joined by newlines.
    """

    checkpoint: str
    number: int
    session: str
    agent: str = ""
    model: str | None = None
    kind: str = ""
    created: float = 0.0
    files: tuple[RepoPath, ...] = ()
    start: int = 0
    compact_start: int = 0
    transcript: tuple[Oid, ...] = ()
    compact: Oid | None = None
    prompts: Oid | None = None
    outline: Oid | None = None


@dataclass(slots=True)
class _Folder:
    """The blobs of a checkpoint, by session and name; ``None`` for what belongs to no session."""

    files: dict[int | None, dict[str, Oid]] = field(default_factory=dict)

    def put(self, path: RepoPath, blob: Oid) -> None:
        match = _FILE.fullmatch(path)
        if match:
            number = int(match[1]) if match[1] is not None else None
            self.files.setdefault(number, {})[match[2]] = blob


def named_in(message: str) -> tuple[str, ...]:
    """Return the checkpoints that a commit's message names, in order."""
    return tuple(dict.fromkeys(_NAMED.findall(message)))


def has_checkpoints(repo: Repository) -> bool:
    """Return whether Entire has recorded anything that is here."""
    return bool(_tips(repo))


def read_checkpoints(repo: Repository) -> dict[str, list[Recorded]]:
    """Return the sessions of every checkpoint, by its id; those under refs win over those on branches."""
    folders: dict[str, _Folder] = {}
    for name, tip in _tips(repo):
        under_ref = _REF.fullmatch(name)
        if under_ref is None:
            for one, folder in _on_branch(repo, tip):
                folders.setdefault(one, folder)
        elif under_ref[2].endswith(under_ref[1]):
            with contextlib.suppress(RegenError):
                # A folder that is not here is a checkpoint that is not here.
                folders.setdefault(under_ref[2], _in_tree(repo, _tree_of(repo, tip)))
    wanted = [
        files["metadata.json"]
        for folder in folders.values()
        for files in folder.files.values()
        if "metadata.json" in files
    ]
    here = present(repo, wanted)
    return {one: list(_sessions(repo, one, folder, here)) for one, folder in folders.items()}


def _tips(repo: Repository) -> list[tuple[str, Oid]]:
    """Return the refs that may hold checkpoints, the ones to believe first in front."""
    patterns = ["refs/entire/checkpoints/"]
    patterns += [f"refs/heads/{name}" for name in _BRANCHES]
    patterns += [f"refs/remotes/*/{name}" for name in _BRANCHES]
    found: list[tuple[str, Oid]] = []
    for pattern in patterns:
        out = repo.git("for-each-ref", "--format=%(objectname) %(refname)", pattern)
        lines = out.decode("utf-8", "surrogateescape").splitlines()
        found += [(name, oid) for oid, _, name in (line.partition(" ") for line in lines)]
    if not found:
        return []
    # A ref whose object is gone, or is no commit, must not hide the others.
    asked = "".join(f"{oid}\n" for _, oid in found).encode("ascii")
    kinds = repo.git("cat-file", "--batch-check=%(objecttype)", stdin=asked).splitlines()
    return [one for one, kind in zip(found, kinds, strict=True) if kind == b"commit"]


def _tree_of(repo: Repository, tip: Oid) -> Oid:
    return read_commit(repo.objects, tip).tree


def _on_branch(repo: Repository, tip: Oid) -> Iterator[tuple[str, _Folder]]:
    """Yield the checkpoints of a branch: ``ab/cdef…/``, the first two characters of the id in front."""
    store = repo.objects
    for shard, leaf in read_tree(store, _tree_of(repo, tip)).items():
        if leaf.mode != TREE or len(shard) != 2:  # noqa: PLR2004 - two characters of an id
            continue
        for rest, folder in read_tree(store, leaf.oid).items():
            one = (shard + rest).decode("ascii", "replace")
            if folder.mode == TREE and re.fullmatch(_ID, one):
                with contextlib.suppress(RegenError):
                    yield one, _in_tree(repo, folder.oid)


def _in_tree(repo: Repository, tree: Oid) -> _Folder:
    """Return what is known of a checkpoint's files: its own and, a folder deep, its sessions'."""
    store = repo.objects
    folder = _Folder()
    for raw, leaf in read_tree(store, tree).items():
        name = raw.decode("utf-8", "surrogateescape")
        if leaf.mode != TREE:
            folder.put(name, leaf.oid)
        elif name.isdecimal():
            # What agents of agents said lies in other folders, which can be large.
            for path, below in walk(store, leaf.oid, name + "/"):
                folder.put(path, below.oid)
    return folder


def _sessions(repo: Repository, one: str, folder: _Folder, here: set[Oid]) -> Iterator[Recorded]:
    for number, files in sorted(folder.files.items(), key=lambda item: -1 if item[0] is None else item[0]):
        blob = files.get("metadata.json")
        raw = repo.objects.short_blob(blob, _LONGEST_METADATA) if blob in here and blob else None
        data = _object(raw)
        # Beside its sessions a checkpoint has a summary; the oldest ones had their only session in its place.
        if number is not None or text(data.get("session_id")):
            yield _recorded(one, number or 0, files, data)


def _recorded(one: str, number: int, files: Mapping[str, Oid], data: Mapping[str, Any]) -> Recorded:
    touched = data.get("files_touched")
    chunks = sorted(name for name in files if name.startswith("full.jsonl"))
    return Recorded(
        checkpoint=one,
        number=number,
        session=_DAY.sub("", text(data.get("session_id"))) or f"{one}/{number}",
        agent=text(data.get("agent")),
        model=text(data.get("model")) or None,
        kind=text(data.get("kind")),
        created=_seconds(text(data.get("created_at"))),
        files=tuple(path for path in touched if isinstance(path, str)) if isinstance(touched, list) else (),
        start=_number(data.get("checkpoint_transcript_start"))
        or _number(data.get("transcript_lines_at_start")),
        compact_start=_number(data.get("compact_transcript_start")),
        transcript=tuple(files[name] for name in chunks),
        compact=files.get("transcript.jsonl"),
        prompts=files.get("prompt.txt"),
        outline=files.get("context.md"),
    )


def _object(raw: bytes | None) -> dict[str, Any]:
    try:
        data = json.loads((raw or b"").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _seconds(at: str) -> float:
    # Nine digits of a second are more than Python reads before 3.12.
    plain = re.sub(r"(\.\d{6})\d+", r"\1", at.replace("Z", "+00:00"))
    plain = re.sub(r"\.(\d{1,5})(?=[+-])", lambda m: f".{m[1]:0<6}", plain)
    try:
        return datetime.fromisoformat(plain).timestamp()
    except (ValueError, OverflowError):
        return 0.0
