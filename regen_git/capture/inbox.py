"""The inbox: what was captured and waits for a commit, one JSON object a line, append-only.

An entry is on the disk before ``append`` returns. Only ``rewrite`` takes entries out, by writing a new file
and renaming it over the old one; so at no instant is a line missing that nobody has taken out.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Entry", "EntryKind", "Inbox", "has_commits", "locked"]

EntryKind = Literal[
    "prompt", "typed", "plan", "edit", "end", "gone", "session", "record", "commit", "bound", "done", "head"
]


_SCRATCH = ".new"
"""What a file that is being written has at the end of its name, before the number of who writes it."""


class Entry(NamedTuple):
    """One line of the inbox. Which fields are set follows from ``kind``.

    ``n`` counts lines for ever, also across rewrites. ``prompt``, ``plan`` and ``record``: ``id`` is the
    intent that begins here if one does, ``key`` tells prompts of one ``turn`` apart. ``typed``: the prompt
    with this ``key`` was typed as ``text``. ``edit``: ``path`` in ``worktree`` had the content ``blob``
    afterwards, empty for a file that was deleted. ``end`` and ``gone``: the turn, or the session, is over.
    ``commit``: a new ``commit`` was noticed in ``worktree``, just after a command of ``session`` if it has
    one. ``bound``: the intent ``id`` made of ``turns`` is in the ledger, on ``commit``; ``intent`` is the
    document word for word. ``done``: nothing of ``path`` is left to commit. ``head`` only keeps the count.
    ``prompt``, ``end``, ``gone`` and ``session`` have in ``path`` the transcript that the agent keeps.
    """

    kind: EntryKind
    n: int = 0
    agent: str = ""
    session: str = ""
    turn: str = ""
    worktree: str = ""
    at: str = ""
    id: str = ""
    key: str = ""
    text: str = ""
    answers: str = ""
    refs: tuple[str, ...] = ()
    path: str = ""
    blob: str = ""
    commit: str = ""
    turns: tuple[str, ...] = ()
    intent: str = ""
    redacted: int = 0
    model: str = ""
    version: str = ""
    author: str = ""
    label: str = ""
    private: bool = False


_DEFAULTS: dict[str, Any] = {"kind": None, **Entry._field_defaults}
_FIELDS = tuple(_DEFAULTS)
_VALUES = tuple(_DEFAULTS.values())


def _encode(entry: Entry) -> bytes:
    shown = {name: value for name in _DEFAULTS if (value := getattr(entry, name)) != _DEFAULTS[name]}
    return json.dumps(shown, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _decode(line: bytes) -> Entry | None:
    """Return the entry on a line; ``None`` for a line torn by a crash or written by another version."""
    try:
        return _entry(json.loads(line))
    except ValueError:
        return None


def _entry(data: Any) -> Entry | None:
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        return None
    for name in ("refs", "turns"):
        if name in data:
            data[name] = tuple(str(item) for item in data[name] or ())
    return Entry._make(map(data.get, _FIELDS, _VALUES))


@contextlib.contextmanager
def locked(path: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on a file; yield whether it was had. The system frees it if we are killed."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


class Inbox:
    """The inbox in one data folder, which is made when something is first written."""

    def __init__(self, data: str) -> None:
        self.data = data
        self.path = data + "/inbox.jsonl"

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other writers out for a moment."""
        os.makedirs(self.data, mode=0o700, exist_ok=True)  # noqa: PTH103 - an agent waits
        with locked(self.data + "/inbox.lock"):
            yield

    def read(self) -> list[Entry]:
        """Return what is there, oldest first; empty if nothing. Lines that cannot be read are passed over."""
        lines = self._lines()
        try:
            # At once, which takes a third of the time; every capture reads all that waits.
            found = json.loads(b"[" + b",".join(line for line in lines if line != b"\n") + b"]")
        except ValueError:
            return [entry for line in lines if (entry := _decode(line)) is not None]
        return [entry for data in found if (entry := _entry(data)) is not None]

    def _lines(self) -> list[bytes]:
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123 - an agent waits
                return file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return []

    def add(self, entries: Sequence[Entry], present: Sequence[Entry]) -> list[Entry]:
        """Append while holding, and return all entries; ``present`` is what ``read`` gave meanwhile."""
        last = present[-1].n if present else 0
        numbered = [entry._replace(n=last + i) for i, entry in enumerate(entries, 1)]
        if numbered:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            size = os.fstat(handle).st_size
            try:
                # A line that a crash has torn must not swallow the next one.
                torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
                _write_all(handle, (b"\n" if torn else b"") + b"".join(map(_encode, numbered)))
                os.fsync(handle)
            except OSError:
                # A full disk: what is there by half must not look as if it were there.
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, size)
                raise
            finally:
                os.close(handle)
            if size == 0:
                _sync_folder(self.data)
        return [*present, *numbered]

    def append(self, entries: Sequence[Entry]) -> list[Entry]:
        """Append entries, on the disk when this returns, and return the whole inbox."""
        with self.hold():
            return self.add(entries, self.read())

    def rewrite(self, keep: Sequence[Entry]) -> None:
        """Leave only these entries, and every line nobody can read; while holding."""
        lines = self._lines()
        entries = [(line, _decode(line)) for line in lines]
        kept = {entry.n for entry in keep}
        last = max((entry.n for _, entry in entries if entry is not None), default=0)
        out = [_encode(Entry("head", n=last))] if last else []
        for line, entry in entries:
            whole = line if line.endswith(b"\n") else line + b"\n"
            if entry is None and line.strip():
                out.insert(0, whole)
            elif entry is not None and entry.kind != "head" and entry.n in kept:
                out.insert(-1, whole)
        _remove_scratch(self.path)
        write_file(self.path, b"".join(out))


def has_commits(data: str) -> bool:
    """Return whether commits that no hook told us of wait in the inbox of a data folder; parses nothing."""
    try:
        with open(data + "/inbox.jsonl", "rb") as file:  # noqa: PTH123 - an agent waits
            return b'{"kind":"commit"' in file.read()
    except OSError:
        return False


def write_file(path: str, data: bytes) -> None:
    """Replace a file as a whole: either the old content is there or the new one, also after a crash."""
    scratch = f"{path}{_SCRATCH}{os.getpid()}"
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(handle, data)
        os.fsync(handle)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(scratch)  # noqa: PTH108 - an agent waits
        raise
    finally:
        os.close(handle)
    os.replace(scratch, path)  # noqa: PTH105 - an agent waits
    _sync_folder(os.path.dirname(path))  # noqa: PTH120 - see above


def _remove_scratch(path: str) -> None:
    """Remove what writers of this file left that were killed; while no other may write it."""
    folder, name = os.path.split(path)
    for entry in os.scandir(folder):
        if entry.name.startswith(name + _SCRATCH):
            with contextlib.suppress(OSError):
                os.unlink(entry.path)  # noqa: PTH108 - an agent waits


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _sync_folder(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
