"""What a replay has done so far, one transition a line: a killed replay goes on from here.

A line is written only after what it speaks of is on disk. The last line may be torn by a kill; it is ignored,
and the step it spoke of is done again.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap
from sys import intern
from typing import TYPE_CHECKING, Any, BinaryIO

from regen_git.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from io import FileIO
    from pathlib import Path

__all__ = ["Journal", "hold"]

_SHORT = 16
_RESTART = b'{"state":"restart"}'


class Journal:
    """One replay's journal, a file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[str] = []

    def read(self, *, without: Collection[str] = ()) -> list[dict[str, Any]]:
        """Return every whole line since the replay was last begun anew, oldest first; empty without one.

        Fields named in ``without`` are left out: of a long replay they would be most of what is read.
        """
        entries: list[dict[str, Any]] = []
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(_last_start(file))
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    # The same keys and states in every line: one string each.
                    kept = (item for item in entry.items() if item[0] not in without)
                    entries.append({intern(key): _shared(value) for key, value in kept})
        return entries

    def note(self, **entry: Any) -> None:
        """Keep a line for the next ``write``."""
        self._waiting.append(_line(entry))

    def write(self) -> None:
        """Put what waits on disk, durably."""
        if self._waiting:
            self._append(self._waiting)
            self._waiting.clear()

    def tell(self, entries: Sequence[Mapping[str, Any]], *, is_durable: bool) -> None:
        """Write lines at once, before those that wait: for what is true whatever becomes of the step.

        They outlive this process; only the durable ones are sure to outlive the machine.
        """
        self._append([_line(entry) for entry in entries], is_durable=is_durable)

    def _append(self, lines: Sequence[str], *, is_durable: bool = True) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(line + "\n" for line in lines).encode("ascii")
        is_new = not self._path.exists()
        torn = self._ends_torn()
        with self._path.open("ab", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                _write_all(file, b"\n" + data if torn else data)
                if is_durable:
                    os.fsync(file.fileno())
            except OSError:
                # A full disk: no half line stays, and nothing that is told again later.
                with suppress(OSError):
                    file.truncate(size)
                raise
        if is_new and is_durable:
            _sync_folder(self._path.parent)

    def _ends_torn(self) -> bool:
        """Whether the last line lacks its end: a kill came in the middle of it."""
        if not self._path.exists() or self._path.stat().st_size == 0:
            return False
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"


def _last_start(file: BinaryIO) -> int:
    """Return where the last line stands that says the replay begins anew; what is before it is past."""
    if file.seek(0, os.SEEK_END) == 0:
        return 0
    with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        return max(0, data.rfind(_RESTART))


def _shared(value: Any) -> Any:
    return intern(value) if isinstance(value, str) and len(value) <= _SHORT else value


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=True, separators=(",", ":"))


def _write_all(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def hold(folder: Path, name: str) -> Iterator[None]:
    """Hold a replay for this process. Raises ``ReplayError`` when another process has it.

    The system lets go when a process ends, however it ends; the number in the file only tells who it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            number = file.read(20).decode("ascii", "replace").strip()
            who = f"process {number}" if number.isdecimal() else "another process"
            raise ReplayError(
                f"replay '{name}' is running in {who}", hint="wait for it, or give this one another --name"
            ) from error
        file.truncate(0)
        file.write(b"%d\n" % os.getpid())
        yield
