"""Many blobs read in one pass: git inflates them while they are looked at, one is in memory at a time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from regen_git.errors import RegenError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["present", "read_blobs"]


def present(repo: Repository, oids: Iterable[Oid]) -> set[Oid]:
    """Return which of these objects are here.

    What a partial clone left out is fetched first, all at once; where that cannot be had, it stays away.
    """
    wanted = list(dict.fromkeys(oids))
    store = repo.objects
    if repo.is_partial:
        # A mirror of a partial clone has nobody to ask. Who needs the objects says that they are missing.
        with contextlib.suppress(RegenError):
            store.bring(wanted)
    return {oid for oid in wanted if oid in store}


def read_blobs(repo: Repository, oids: Sequence[Oid]) -> Iterator[tuple[Oid, bytes]]:
    """Yield these objects in the order given, with their bytes; all of them must be here.

    One process, read as it comes: memory grows with the longest of them only. Raises ``GitError``.
    """
    if not oids:
        return
    asked = "".join(f"{oid}\n" for oid in oids).encode("ascii")
    reader = _Pieces(repo.git_stream("cat-file", "--batch", "--buffer", stdin=asked))
    for oid in oids:
        head = reader.line().split()
        if len(head) != 3:  # noqa: PLR2004 - id, kind, size; else "<what was asked> missing"
            raise RegenError(f"object '{oid}' is missing from the repository", hint="ask 'git fsck'")
        yield oid, reader.take(int(head[2]))
        reader.take(1)
    reader.close()


class _Pieces:
    """Lines and counted bytes out of chunks of any size."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def line(self) -> bytes:
        while b"\n" not in self._rest:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def take(self, size: int) -> bytes:
        parts = [self._rest[:size]]
        self._rest = self._rest[size:]
        left = size - len(parts[0])
        while left:
            chunk = next(self._chunks, b"")
            if not chunk:
                raise RegenError("git stopped while it read objects", hint="'git fsck' tells what is broken")
            parts.append(chunk[:left])
            self._rest = chunk[left:]
            left -= len(parts[-1])
        return b"".join(parts)

    def close(self) -> None:
        """Let git end, and hear whether it failed."""
        for _ in self._chunks:
            pass
