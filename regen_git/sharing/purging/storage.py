"""Every object that is stored, reachable or not; and taking some of them out, wherever they lie.

Only objects that nothing reaches are ever taken out, and only those that hold what was purged or lead to it:
what else is unreachable may be somebody's lost work, and stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from typing import TYPE_CHECKING

from regen_git.errors import GitError
from regen_git.git.trees import parse
from regen_git.process import run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["contents", "doomed", "reachable", "remove"]

_WHOLE = 64 << 20
"""Bytes of an object that is read at once; a longer one comes in pieces that overlap."""

_OVERLAP = 1 << 20
_INDEX = b"\xfftOc\x00\x00\x00\x02"
_FANOUT = 8 + 256 * 4
_POINTS = re.compile(rb"^(?:tree|parent|object) ([0-9a-f]{40,64})$", re.MULTILINE)


def contents(repo: Repository) -> Iterator[tuple[Oid, str, bytes]]:
    """Yield every object that is stored here: id, kind and bytes, in no order; a long one in pieces."""
    feed = _Feed(repo.git_stream("cat-file", "--batch-all-objects", "--batch", "--unordered", "--buffer"))
    while line := feed.line():
        oid, kind, *size = line.decode("ascii").split()
        if not size:
            continue
        left = int(size[0])
        before = b""
        while True:
            piece = feed.take(min(left, _WHOLE))
            left -= len(piece)
            yield oid, kind, before + piece
            if not left or not piece:
                break
            before = piece[-_OVERLAP:]
        feed.take(1)


class _Feed:
    """Bytes that come in pieces of any size, taken by line or by number."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._data = bytearray()

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._data += chunk
        return bool(chunk)

    def line(self) -> bytes:
        while b"\n" not in self._data and self._more():
            pass
        end = self._data.find(b"\n") + 1
        return self.take(end).rstrip(b"\n") if end else b""

    def take(self, number: int) -> bytes:
        while len(self._data) < number and self._more():
            pass
        taken = bytes(self._data[:number])
        del self._data[:number]
        return taken


def reachable(repo: Repository) -> set[Oid]:
    """Return every object that a ref, a reflog, an index or a state of git's own leads to."""
    roots = [*_heads(repo)]
    out = repo.git(
        *("rev-list", "--objects", "--no-object-names", "--missing=allow-any", "--ignore-missing"),
        *("--all", "--reflog", "--indexed-objects", "--stdin"),
        stdin="".join(f"{oid}\n" for oid in roots).encode("ascii"),
    )
    return set(out.decode("ascii").split())


def _heads(repo: Repository) -> Iterator[Oid]:
    """Yield what HEADs of worktrees, and an operation that is under way, name."""
    folders = [repo.common_dir]
    with contextlib.suppress(OSError):
        folders += [path for path in (repo.common_dir / "worktrees").iterdir() if path.is_dir()]
    for folder in folders:
        for path in folder.glob("*HEAD"):
            # What was fetched last may be what is to go; it keeps nothing alive for git either.
            if path.name != "FETCH_HEAD":
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    named = path.read_text("ascii").strip()
                    if re.fullmatch(r"[0-9a-f]{40,64}", named):
                        yield named


def doomed(repo: Repository, ours: Collection[Oid], kept: Collection[Oid]) -> list[Oid]:
    """Return these objects, and the trees, commits and tags that lead to one of them, all unreachable.

    What leads to another one comes before it.
    """
    found = dict.fromkeys(oid for oid in ours if oid not in kept)
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check", "--unordered").splitlines()
    rows = (line.decode("ascii").split() for line in listed)
    loose = {oid: kind for oid, kind, *_ in rows if kind != "blob" and oid not in kept}
    leads = {oid: _leads_to(repo, oid) for oid in loose}
    while more := [oid for oid, below in leads.items() if oid not in found and not below.isdisjoint(found)]:
        found.update(dict.fromkeys(more))
    return list(reversed(found))


def _leads_to(repo: Repository, oid: Oid) -> frozenset[Oid]:
    kind, data = repo.objects.read(oid)
    if kind != "tree":
        head = data.partition(b"\n\n")[0]
        return frozenset(match.decode("ascii") for match in _POINTS.findall(head))
    with contextlib.suppress(ValueError):
        return frozenset(leaf.oid for leaf in parse(data, len(oid) // 2).values())
    return frozenset()


def remove(repo: Repository, gone: Sequence[Oid]) -> list[str]:
    """Take objects out of the repository; return what could not be done.

    Each pack is made anew without them before the old one goes, so that a kill loses nothing; and what leads
    to others goes before these, so that nothing is left that leads nowhere.
    """
    if not gone:
        return []
    objects = repo.common_dir / "objects"
    troubles: list[str] = []
    _renew_graph(repo, objects / "info")
    for oid in gone:
        (objects / oid[:2] / oid[2:]).unlink(missing_ok=True)
    held = {path: _names(repo, path) for path in sorted((objects / "pack").glob("pack-*.idx"))}
    dead = set(gone)
    packs = {path: names - dead for path, names in held.items() if not names.isdisjoint(dead)}
    for path in [path for path in packs if path.with_suffix(".keep").exists()]:
        troubles.append(f"pack '{path.stem}' holds some of it and is marked to be kept")
        del packs[path]
    if packs:
        indexed = _drop_index_of_packs(objects / "pack")
        _repack(repo, packs)
        if indexed:
            repo.git("multi-pack-index", "write")
    if (objects / "info" / "alternates").exists():
        left = {oid for oid, _, _ in contents(repo)} & dead
        if left:
            troubles.append(f"{len(left)} objects lie in another repository that this one borrows from")
    return troubles


def _names(repo: Repository, index: Path) -> set[Oid]:
    """Return what is in a pack. Source: gitformat-pack(5), the index of version 2; git reads the first."""
    data = index.read_bytes()
    size = len(repo.null_oid) // 2
    if data.startswith(_INDEX):
        count = int.from_bytes(data[_FANOUT - 4 : _FANOUT], "big")
        return {data[at : at + size].hex() for at in range(_FANOUT, _FANOUT + count * size, size)}
    argv = ["git", "show-index", f"--object-format={repo.hash_name}"]
    done = run(argv, stdin=data)
    if done.status:
        raise GitError(argv, done.status, done.stdout, done.stderr)
    return {line.split()[1].decode("ascii") for line in done.stdout.splitlines()}


def _repack(repo: Repository, packs: Mapping[Path, Collection[Oid]]) -> None:
    """Make one pack of what is kept of these, and one of what a remote has promised; then let them go."""
    folder = next(iter(packs)).parent
    for is_promised in (False, True):
        mine = [kept for path, kept in packs.items() if path.with_suffix(".promisor").exists() == is_promised]
        kept = sorted(set().union(*mine))
        if not kept:
            continue
        out = repo.git(
            *("-c", "core.fsync=objects", "pack-objects", "-q", "--delta-base-offset"),
            str(folder / "pack"),
            stdin="".join(f"{oid}\n" for oid in kept).encode("ascii"),
        )
        if is_promised:
            for name in out.decode("ascii").split():
                (folder / f"pack-{name}.promisor").touch()
    # The newest first: it leads to what is in others.
    for index in sorted(packs, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        # Without its index nobody finds a pack; that is the one step that counts.
        index.unlink(missing_ok=True)
        for path in folder.glob(f"{index.stem}.*"):
            path.unlink(missing_ok=True)


def _renew_graph(repo: Repository, folder: Path) -> None:
    """Write the commit graph anew, where there is one: what no ref has any more is not in it then.

    Where that fails, as on the lock of a git that was killed, the graph goes: it is a cache.
    """
    whole, parts = folder / "commit-graph", folder / "commit-graphs"
    if not whole.exists() and not parts.is_dir():
        return
    try:
        repo.git("commit-graph", "write", "--reachable", "--split=replace")
    except GitError:
        whole.unlink(missing_ok=True)
        shutil.rmtree(parts, ignore_errors=True)


def _drop_index_of_packs(folder: Path) -> bool:
    """Remove the index over all packs, which names those that go; return whether there was one."""
    found = [path for path in folder.glob("multi-pack-index*") if os.path.lexists(path)]
    for path in found:
        for one in path.iterdir() if path.is_dir() else [path]:
            one.unlink()
    return bool(found)
