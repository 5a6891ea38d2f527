"""What steps came to before, by a digest of all that decided it: a cache, so deleting it loses nothing.

It holds ids and digests, never what people or models wrote.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regen_git.git.repository import Repository

__all__ = ["Memory"]

_FILE = "steps.sqlite"
_LARGEST = 256 * 1024 * 1024
_TABLE = "CREATE TABLE IF NOT EXISTS steps (key BLOB PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_WAIT_S = 2.0
# What decides what a request says and what a reply comes to.
_ROOMS = ("replay", "replay/reply", "verify", "config", "git")


class Memory:
    """A table of digests. Where it cannot be read or written it knows nothing, and a replay does all again.

    Every key holds the settings and the program's own files: another version of either finds nothing.
    """

    def __init__(self, repo: Repository, settings: str) -> None:
        self._path = repo.data_dir / _FILE
        self._salt = f"{settings}\0{_program()}"
        self._table = self._open()
        self._new: dict[bytes, str] = {}

    def key(self, *parts: object) -> bytes:
        """Return the key of some values whose ``repr`` says all of them."""
        whole = "\0".join([self._salt, *map(repr, parts)])
        return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).digest()

    def get(self, key: bytes) -> Any:
        """Return the value that was kept, ``None`` if none."""
        text = self._new.get(key)
        if text is None and self._table is not None:
            with suppress(sqlite3.Error):
                row = self._table.execute("SELECT value FROM steps WHERE key = ?", (key,)).fetchone()
                text = row[0] if row is not None else None
        with suppress(ValueError, TypeError):
            return None if text is None else json.loads(text)
        return None

    def put(self, key: bytes, value: Any) -> None:
        """Keep a value, as JSON has it, for the next ``write``."""
        self._new[key] = json.dumps(value, separators=(",", ":"))

    def write(self) -> None:
        """Put what is new on disk. The objects that it names must be there already."""
        if self._new and self._table is None:
            self._table = self._open(is_new=True)
        if self._new and self._table is not None:
            with suppress(sqlite3.Error), self._table:
                self._table.executemany("INSERT OR REPLACE INTO steps VALUES (?, ?)", self._new.items())
                self._new.clear()

    def close(self) -> None:
        """Write, and let go of the file."""
        self.write()
        if self._table is not None:
            self._table.close()
            self._table = None

    def _open(self, *, is_new: bool = False) -> sqlite3.Connection | None:
        """Open the file; what only reads makes none."""
        try:
            if self._path.exists() and self._path.stat().st_size > _LARGEST:
                self._path.unlink()
            if not is_new and not self._path.exists():
                return None
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._connected()
        except (OSError, sqlite3.OperationalError):
            return None
        except sqlite3.DatabaseError:
            # Damaged, or not ours: the next write begins anew.
            with suppress(OSError):
                self._path.unlink()
            return None

    def _connected(self) -> sqlite3.Connection:
        table = sqlite3.connect(self._path, timeout=_WAIT_S)
        table.execute("PRAGMA synchronous = OFF")
        table.execute(_TABLE)
        return table


def _program() -> str:
    """Return what tells this program apart from any other version of it, also from an edited checkout."""
    top = Path(__file__).parents[1]
    seen = [f"{path}:{size}:{time}" for path, size, time in _stamps(top)]
    return hashlib.sha256("\0".join([__version__, sys.version, *seen]).encode()).hexdigest()


def _stamps(top: Path) -> Iterator[tuple[str, int, int]]:
    paths = [path for room in _ROOMS for path in sorted((top / room).glob("*.py"))]
    parser = find_spec("griffe")
    if parser is not None and parser.origin is not None:
        paths.append(Path(parser.origin))
    for path in paths:
        found = path.stat()
        yield str(path.name), found.st_size, found.st_mtime_ns
