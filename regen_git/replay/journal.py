"""What a replay has done so far, one transition a line: a killed replay goes on from here.

A line is written only after what it speaks of is on disk. The last line may be torn by a kill; it is ignored,
and the step it spoke of is done again.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from regen_git.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Journal", "hold"]


class Journal:
    """One replay's journal, a file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[str] = []

    def read(self) -> list[dict[str, Any]]:
        """Return every whole line, oldest first; empty when there is no journal yet."""
        if not self._path.exists():
            return []
        entries: list[dict[str, Any]] = []
        for line in self._path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                entries.append(entry)
        return entries

    def note(self, **entry: Any) -> None:
        """Keep a line for the next ``write``."""
        self._waiting.append(json.dumps(entry, ensure_ascii=True, separators=(",", ":")))

    def write(self) -> None:
        """Put what waits on disk, durably."""
        if not self._waiting:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(line + "\n" for line in self._waiting).encode("ascii")
        torn = self._ends_torn()
        with self._path.open("ab") as file:
            file.write(b"\n" + data if torn else data)
            file.flush()
            os.fsync(file.fileno())
        self._waiting.clear()

    def _ends_torn(self) -> bool:
        """Whether the last line lacks its end: a kill came in the middle of it."""
        if not self._path.exists() or self._path.stat().st_size == 0:
            return False
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"


@contextmanager
def hold(folder: Path, name: str) -> Iterator[None]:
    """Hold a replay for this process. Raises ``ReplayError`` when another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ReplayError(
                f"replay '{name}' is running in another process",
                hint="wait for it, or give this one another --name",
            ) from error
        yield
