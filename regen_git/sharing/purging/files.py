"""Files that never travel and may quote a prompt: inboxes, journals, spools, logs, caches."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.capture.aside import spool
from regen_git.capture.inbox import Inbox, write_file
from regen_git.errors import ReplayError
from regen_git.ledger.codec import union
from regen_git.replay.journal import hold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regen_git.git.repository import Repository
    from regen_git.sharing.purging.seeking import Sought

__all__ = ["clean_files", "files_with"]

_MOST = 512 << 20
"""Bytes of a file that is looked into."""


def _roots(repo: Repository) -> list[Path]:
    return [repo.data_dir, Path(spool())]


def _files(repo: Repository) -> Iterator[Path]:
    """Yield every file of ours, and what git keeps of a merge of notes or a message that is being written."""
    for root in _roots(repo):
        for folder, folders, names in os.walk(root):
            # The working tree of a step is somebody's code.
            folders[:] = [] if ".git" in (*folders, *names) else folders
            yield from (Path(folder, name) for name in names)
    for pattern in ("NOTES_*", "NOTES_MERGE_WORKTREE/*", "COMMIT_EDITMSG", "*/COMMIT_EDITMSG"):
        yield from repo.common_dir.glob(pattern)


def files_with(repo: Repository, sought: Sought, replaced: Mapping[str, bytes]) -> list[Path]:
    """Return the files that hold something that is looked for, or a document that is replaced."""
    found = []
    for path in _files(repo):
        with contextlib.suppress(OSError):
            if not path.is_symlink() and path.is_file() and path.stat().st_size <= _MOST:
                data = path.read_bytes()
                if sought.is_in(data) or _cleaned(path, data, sought, replaced) != data:
                    found.append(path)
    return found


def clean_files(repo: Repository, sought: Sought, replaced: Mapping[str, bytes]) -> list[str]:
    """Put marks in the place of what is looked for; return what could not be done.

    ``replaced`` are documents that an inbox may hold word for word, with what takes the place of each.
    """
    found = [_clean(path, sought, replaced) for path in files_with(repo, sought, replaced)]
    return [trouble for trouble in found if trouble]


def _clean(path: Path, sought: Sought, replaced: Mapping[str, bytes]) -> str:
    """Clean one file, while nobody else writes it; return why that failed, if it did."""
    try:
        with contextlib.ExitStack() as stack:
            if path.name == "inbox.jsonl":
                stack.enter_context(Inbox(str(path.parent)).hold())
            elif path.name == "journal.jsonl":
                stack.enter_context(hold(path.parent, path.parent.name))
            new = _cleaned(path, path.read_bytes(), sought, replaced)
            write_file(str(path), new)
    except (OSError, ReplayError) as error:
        return f"'{path}' cannot be cleaned: {error}"
    return f"'{path}' still holds some of it; remove the file" if sought.is_in(new) else ""


def _cleaned(path: Path, data: bytes, sought: Sought, replaced: Mapping[str, bytes]) -> bytes:
    if path.suffix != ".jsonl":
        return sought.cleaned(data)
    lines = [_cleaned_line(line, sought, replaced) for line in data.splitlines(keepends=True)]
    return b"".join(lines)


def _cleaned_line(line: bytes, sought: Sought, replaced: Mapping[str, bytes]) -> bytes:
    try:
        entry = json.loads(line)
    except ValueError:
        return sought.cleaned(line)
    new = _cleaned_entry(entry, sought, replaced) if isinstance(entry, dict) else sought.cleaned_json(entry)
    if new == entry:
        return line
    return json.dumps(new, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _cleaned_entry(entry: dict[str, Any], sought: Sought, replaced: Mapping[str, bytes]) -> dict[str, Any]:
    """Return an entry without what goes; a document that it holds becomes the one that takes its place."""
    documents = entry.get("intent")
    rest = sought.cleaned_json({name: value for name, value in entry.items() if name != "intent"})
    if not isinstance(documents, str):
        return {name: rest.get(name, documents) for name in entry}
    raw = documents.encode("utf-8", "surrogatepass")
    for old, new in replaced.items():
        if old.encode("utf-8", "surrogatepass") in raw:
            raw = raw.replace(old.encode("utf-8", "surrogatepass"), new)
    raw = union(raw) if raw != documents.encode("utf-8", "surrogatepass") else sought.cleaned(raw)
    return {name: raw.decode("utf-8", "replace") if name == "intent" else rest[name] for name in entry}
