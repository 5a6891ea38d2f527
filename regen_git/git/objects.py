"""Git's object database: read through libgit2 or git, written in memory and flushed as one pack.

A rebuilt history makes many small objects. As loose files they would cost more than all other work; kept in a
dictionary they cost microseconds, and a dry run leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from typing import TYPE_CHECKING

from regen_git.errors import RegenError
from regen_git.git.reader import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from regen_git.domain.ids import Oid
    from regen_git.git.reader import Reader
    from regen_git.git.repository import Repository

__all__ = ["ObjectStore"]

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_PACK_TYPE = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_WHOLE = 8 << 20  # bytes: a longer blob is read by git, in pieces
_TREE_CACHE = 16 << 20  # bytes: folders can be wide


class ObjectStore:
    """Read objects from the repository, and make new ones that exist only here until ``flush``."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._hash_name = repo.hash_name
        self._new: dict[Oid, tuple[str, bytes]] = {}
        self._trees: dict[Oid, bytes] = {}
        self._trees_size = 0
        self.parsed: dict[Oid, dict[bytes, tuple[bytes, bytes]]] = {}
        """Trees that were taken apart last, for whoever looks up paths: mode and id by name."""
        self._reader: Reader | None = None
        self._fetching = threading.Lock()

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Return an object's kind and bytes. Raises ``RegenError`` when the repository does not have it."""
        made = self._new.get(oid)
        if made is not None:
            return made
        try:
            kind, data = self._database().read(oid)
        except (KeyError, ValueError) as error:
            kind, data = self._read_late(oid, error)
        return _KINDS[int(kind)], data

    def _read_late(self, oid: Oid, error: Exception) -> tuple[int, bytes]:
        """Read what was not there at first, and a partial clone can fetch."""
        if self._repo.is_partial:
            self.bring([oid])
            if oid in self:
                return self._database().read(oid)
        raise RegenError(
            f"object '{oid}' is missing from the repository",
            hint="a shallow or broken clone leaves objects out; fetch the full history, or ask 'git fsck'",
        ) from error

    def bring(self, oids: Iterable[Oid]) -> None:
        """Fetch those of the objects that a partial clone left out, all at once; elsewhere do nothing.

        Raises ``RegenError`` when they cannot be had.
        """
        if not self._repo.is_partial:
            return
        from regen_git.git.partial import absent, fetch_objects

        with self._fetching:
            wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._new]
            by_list = self._hash_name != "sha1" and len(wanted) > 1
            missing = absent(self._repo, wanted) if by_list else [oid for oid in wanted if oid not in self]
            if missing:
                fetch_objects(self._repo, missing)

    def blob(self, oid: Oid) -> bytes:
        """Return the bytes of a blob."""
        return self.read(oid)[1]

    def short_blob(self, oid: Oid, most: int) -> bytes | None:
        """Return the bytes of a blob, ``None`` where it has more than ``most``: those are not read at all.

        ``None`` also for one that is nowhere: a broken clone can be rebuilt around what it lacks.
        """
        made = self._new.get(oid)
        if made is not None:
            return made[1] if len(made[1]) <= most else None
        try:
            size = self._database().read_header(oid)[1]
        except (KeyError, ValueError):
            return self.blob(oid) if self._repo.is_partial else None
        return self.blob(oid) if size <= most else None

    def pieces(self, oid: Oid) -> Iterator[bytes]:
        """Yield the bytes of a blob, a large one in pieces: it is never held whole."""
        short = self.short_blob(oid, _WHOLE)
        if short is not None:
            yield short
        elif oid in self._new:
            yield self.blob(oid)
        else:
            # Above this size git, too, reads in pieces.
            yield from self._repo.git_stream("-c", f"core.bigFileThreshold={_WHOLE}", "cat-file", "blob", oid)

    def tree(self, oid: Oid) -> bytes:
        """Return the raw bytes of a tree; remembered, since neighbouring commits share most trees."""
        data = self._trees.get(oid)
        if data is None:
            data = self.read(oid)[1]
            self._trees_size += len(data)
            if self._trees_size > _TREE_CACHE:
                self._trees.clear()
                self._trees_size = len(data)
            self._trees[oid] = data
        return data

    def __contains__(self, oid: Oid) -> bool:
        """Return whether the object can be read."""
        return oid in self._new or oid in self._database()

    def write(self, kind: str, data: bytes) -> Oid:
        """Make an object and return its id. It reaches the disk with ``flush``."""
        oid = self.hash(kind, data)
        if oid not in self._new and oid not in self._database():
            self._new[oid] = (kind, data)
        return oid

    def hash(self, kind: str, data: bytes) -> Oid:
        """Return the id that an object has, without making it."""
        digest = hashlib.new(self._hash_name, usedforsecurity=False)
        digest.update(b"%s %d\0" % (kind.encode(), len(data)))
        digest.update(data)
        return digest.hexdigest()

    @property
    def unflushed(self) -> int:
        """How many objects exist only in memory."""
        return len(self._new)

    def flush(self) -> None:
        """Write all new objects as one pack, on disk when this returns."""
        # Another thread may write meanwhile: what is new since this copy stays for the next flush.
        made = list(self._new.items())
        if not made:
            return
        pack = self._pack([entry for _, entry in made])
        # core.fsync is git's own switch for "durable when the command returns".
        self._repo.git("-c", "core.fsync=objects", "index-pack", "--stdin", stdin=pack)
        if self._hash_name == "sha1":
            # libgit2 looks for new packs at a miss only, and a miss costs it more than to open anew.
            self._reader = None
        for oid, _ in made:
            self._new.pop(oid, None)

    def _pack(self, entries: list[tuple[str, bytes]]) -> bytes:
        parts = [b"PACK" + struct.pack(">II", 2, len(entries))]
        for kind, data in entries:
            parts.append(_entry_header(_PACK_TYPE[kind], len(data)))
            parts.append(zlib.compress(data, 1))
        body = b"".join(parts)
        return body + hashlib.new(self._hash_name, body, usedforsecurity=False).digest()

    def _database(self) -> Reader:
        if self._reader is None:
            self._reader = open_reader(self._repo)
        return self._reader


def _entry_header(number: int, size: int) -> bytes:
    """Return a pack entry's header. Source: gitformat-pack(5)."""
    byte = (number << 4) | (size & 0x0F)
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)
