"""Git's object database: read through libgit2, written in memory and flushed as one pack.

A rebuilt history makes many small objects. As loose files they would cost more than all other work; kept in a
dictionary they cost microseconds, and a dry run leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from typing import TYPE_CHECKING

from regen_git.errors import RegenError

if TYPE_CHECKING:
    from pygit2 import Odb

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["ObjectStore"]

_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
_PACK_TYPE = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_TREE_CACHE = 4096


class ObjectStore:
    """Read objects from the repository, and make new ones that exist only here until ``flush``."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._hash_name = repo.hash_name
        self._new: dict[Oid, tuple[str, bytes]] = {}
        self._trees: dict[Oid, bytes] = {}
        self._odb: Odb | None = None

    def read(self, oid: Oid) -> tuple[str, bytes]:
        """Return an object's kind and bytes. Raises ``RegenError`` when the repository does not have it."""
        made = self._new.get(oid)
        if made is not None:
            return made
        try:
            kind, data = self._database().read(oid)
        except (KeyError, ValueError) as error:
            raise RegenError(
                f"object '{oid}' is missing from the repository",
                hint="a shallow or partial clone leaves objects out; fetch the full history first",
            ) from error
        return _KINDS[int(kind)], data

    def blob(self, oid: Oid) -> bytes:
        """Return the bytes of a blob."""
        return self.read(oid)[1]

    def tree(self, oid: Oid) -> bytes:
        """Return the raw bytes of a tree; remembered, since neighbouring commits share most trees."""
        data = self._trees.get(oid)
        if data is None:
            data = self.read(oid)[1]
            if len(self._trees) >= _TREE_CACHE:
                self._trees.clear()
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
        self._odb = None
        for oid, _ in made:
            self._new.pop(oid, None)

    def _pack(self, entries: list[tuple[str, bytes]]) -> bytes:
        parts = [b"PACK" + struct.pack(">II", 2, len(entries))]
        for kind, data in entries:
            parts.append(_entry_header(_PACK_TYPE[kind], len(data)))
            parts.append(zlib.compress(data, 1))
        body = b"".join(parts)
        return body + hashlib.new(self._hash_name, body, usedforsecurity=False).digest()

    def _database(self) -> Odb:
        if self._odb is None:
            if self._hash_name != "sha1":
                raise RegenError(
                    f"this repository names objects by {self._hash_name}, which is not supported yet",
                    hint="use a clone whose objects are named by SHA-1",
                )
            import pygit2

            # The object folder alone, so that neither configuration nor ownership checks get in the way:
            # git itself has opened this repository already.
            self._odb = pygit2.Odb(str(self._repo.common_dir / "objects"))
        return self._odb


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
