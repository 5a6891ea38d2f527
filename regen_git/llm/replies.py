"""Recorded replies, under the digest of their request: what makes a replay reproducible.

A new reply goes to a spool file first, on disk when ``put`` returns, so that a kill loses nothing. ``flush``
moves the spool into the ref ``refs/regen/replies``: a chain of commits over a tree
``<digest[:2]>/<digest[2:]>/<blob id>``. Two answers to one request are two files, so merging is set union.

What is read was written by others: each document is bounded, checked against its id and never evaluated.
What cannot be read is passed over, and :attr:`ReplyStore.warnings` says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from typing import TYPE_CHECKING

from regen_git.errors import GitError, NoRecordedReplyError, RefMovedError, RegenError
from regen_git.git.commits import parse_commit
from regen_git.git.objects import ObjectStore
from regen_git.git.refs import read_ref, update_ref
from regen_git.git.trees import REGULAR, Leaf, edit, parse
from regen_git.llm.purged import marked, purged_in, without
from regen_git.llm.reply_document import LIMIT_BYTES, decode, encode
from regen_git.llm.whole import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.llm.client import Reply

__all__ = ["REPLIES_REF", "ReplyStore"]

REPLIES_REF = "refs/regen/replies"

_DIGEST = re.compile(r"[0-9a-f]{64}")
_REPLY_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TREE = 0o040000
_TRIES = 20
_PUT_TRIES = 5
_PAUSE_S = 0.02
_STALE_S = 24 * 3600
_SUBJECT = "regen: record replies"


class ReplyStore:
    """The replies of one repository. Reading the ref costs three tree reads and one blob for each request."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._spool = repo.data_dir / "replies"
        # A store of its own: flushing replies must not write what a replay keeps in memory.
        self._objects = ObjectStore(repo)
        self._tip: Oid | None = None
        self._fans: dict[str, Oid] | None = None
        self._requests: dict[str, dict[bytes, Leaf]] = {}
        self._free: dict[str, dict[Oid, bytes]] = {}
        self.warnings: list[str] = []

    def put(self, digest: str, reply: Reply, *, is_free: bool = False) -> Oid:
        """Record a reply and return its id; on disk when this returns. The same reply again adds nothing.

        One that ``is_free``, since history gives it again at any time, stays in memory until ``flush``.
        Raises ``ModelError`` when the reply is too large to keep.
        """
        _checked(digest)
        data = encode(reply)
        reply_id = self._id(data)
        if is_free:
            if reply_id not in self._leaves(digest):
                self._free.setdefault(digest, {})[reply_id] = data
            return reply_id
        folder = self._spool / digest
        target = folder / reply_id
        if target.exists() or reply_id in self._leaves(digest):
            return reply_id
        # A flush of another process may take the empty folder away between two steps of ours.
        for _ in range(_PUT_TRIES):
            with contextlib.suppress(FileNotFoundError):
                write_whole(target, data)
                return reply_id
        write_whole(target, data)
        return reply_id

    def get(self, digest: str) -> list[tuple[Oid, Reply]]:
        """Return the replies to a request, ordered by id; empty if none. Unreadable ones are left out."""
        _checked(digest)
        known: dict[Oid, bytes | None] = dict.fromkeys(self._leaves(digest))
        known.update(self._free.get(digest, {}))
        known.update(self._spooled(digest))
        found = []
        for reply_id in sorted(known):
            reply = self._readable(digest, reply_id, known[reply_id])
            if reply is not None:
                found.append((reply_id, reply))
        return found

    def first(self, digest: str) -> Oid | None:
        """Return the id of the reply that ``get`` has first, unread; ``None`` if there is none."""
        return min(self._names(digest), default=None)

    def has(self, reference: str) -> bool:
        """Return whether a reply, named as ``<request digest>/<reply id>``, is recorded; it is not read."""
        digest, _, reply_id = reference.partition("/")
        return reply_id in self._names(digest)

    def _names(self, digest: str) -> set[Oid]:
        _checked(digest)
        try:
            paths = (self._spool / digest).iterdir()
            spooled = {path.name for path in paths if _REPLY_ID.fullmatch(path.name)}
        except OSError:
            spooled = set()
        return {*self._leaves(digest), *self._free.get(digest, ()), *spooled}

    def read(self, digest: str, reply_id: Oid) -> Reply:
        """Return one reply. Raises ``NoRecordedReplyError`` when it is not there or cannot be read."""
        _checked(digest)
        data = self._spooled(digest).get(reply_id)
        found = data is not None or reply_id in self._leaves(digest)
        if not found:
            self.refresh()
            found = reply_id in self._leaves(digest)
        if found:
            reply = self._readable(digest, reply_id, data)
            if reply is not None:
                return reply
        raise self.missing(digest, reply_id)

    def missing(self, digest: str, reply_id: str = "") -> NoRecordedReplyError:
        """Return the failure of who needs a reply that is not here: it was purged, or nobody recorded it."""
        purged = self._marks(digest)
        what = f"reply '{reply_id[:12]}' to request '{digest[:12]}'"
        if reply_id in purged or (purged and not reply_id):
            return NoRecordedReplyError(
                f"{what if reply_id else f'the reply to request {digest[:12]}'} was purged",
                hint="replay without --locked asks the model again; the commits made of it are as they were",
            )
        if reply_id:
            hint = "fetch them with 'git fetch REMOTE refs/regen/replies:refs/regen/replies'"
            return NoRecordedReplyError(f"{what} is not recorded here", hint=hint)
        return NoRecordedReplyError(
            f"no reply is recorded for request {digest[:12]}",
            hint="replay without --locked, or fetch the replies of whoever made the replay",
        )

    def refresh(self) -> None:
        """Look at the ref again: another process or a fetch may have moved it."""
        tip = read_ref(self._repo, REPLIES_REF)
        if tip != self._tip or self._fans is None:
            self._tip, self._fans, self._requests = tip, self._load_fans(tip), {}

    def flush(self) -> Oid | None:
        """Move the spool into the ref and return the ref's tip; ``None`` when there is neither.

        What others put there meanwhile stays. Spool files go only once the ref holds them.
        """
        spooled = dict(self._spool_files())
        kept = {
            f"{digest}/{name}": data for digest, some in self._free.items() for name, data in some.items()
        }
        kept.update((path, data) for path, data in spooled.items() if data is not None)
        tip = self._unite(kept, None)
        self._free.clear()
        for path, data in spooled.items():
            if data is not None:
                (self._spool / path).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                (self._spool / path).parent.rmdir()
        self.refresh()
        return tip

    def merge(self, theirs: Oid) -> Oid | None:
        """Unite the ref with a commit of the same shape, as a fetch brings it, and return the new tip.

        Raises ``RegenError`` when that is no commit, or its trees cannot be read.
        """
        self._tree_of(theirs)
        tip = self._unite({}, theirs)
        self.refresh()
        return tip

    def _id(self, data: bytes) -> Oid:
        made = hashlib.new(self._repo.hash_name, b"blob %d\0" % len(data), usedforsecurity=False)
        made.update(data)
        return made.hexdigest()

    def _readable(self, digest: str, reply_id: Oid, data: bytes | None) -> Reply | None:
        try:
            return decode(self._objects.blob(reply_id) if data is None else data)
        except (RegenError, ValueError) as error:
            self._warn(digest, reply_id, str(error))
            return None

    def _warn(self, digest: str, reply_id: str, why: str) -> None:
        warning = f"cannot read reply '{reply_id[:12]}' to request '{digest[:12]}': {why}"
        if warning not in self.warnings:
            self.warnings.append(warning)

    # --- the spool -------------------------------------------------------------------------------------

    def _spooled(self, digest: str) -> dict[Oid, bytes]:
        """Return the spooled documents of a request that are whole, by id."""
        found = {}
        try:
            names = [path.name for path in (self._spool / digest).iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        for name in names:
            data = self._spool_file(digest, name)
            if data is not None:
                found[name] = data
        return found

    def _spool_file(self, digest: str, name: str) -> bytes | None:
        if not _REPLY_ID.fullmatch(name):
            return None
        try:
            with (self._spool / digest / name).open("rb") as file:
                data = file.read(LIMIT_BYTES + 1)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._warn(digest, name, error.strerror or "it cannot be opened")
            return None
        if len(data) > LIMIT_BYTES or self._id(data) != name:
            self._warn(digest, name, "its file is damaged")
            return None
        return data

    def _spool_files(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield (``digest/id``, document) for the whole spool; ``None`` for leftovers that were removed."""
        try:
            digests = [path.name for path in self._spool.iterdir()]
        except FileNotFoundError:
            return
        for digest in sorted(digests):
            if not _DIGEST.fullmatch(digest):
                continue
            for name, data in self._spooled(digest).items():
                yield f"{digest}/{name}", data
            for leftover in (self._spool / digest).glob(".new-*"):
                # Of a writer that was killed; one that still writes is younger.
                with contextlib.suppress(OSError):
                    if time.time() - leftover.stat().st_mtime > _STALE_S:
                        leftover.unlink()
                        yield f"{digest}/{leftover.name}", None

    # --- the ref ---------------------------------------------------------------------------------------

    def _load_fans(self, tip: Oid | None) -> dict[str, Oid]:
        root = self._entries(self._tree_of(tip)) if tip is not None else {}
        return {os.fsdecode(name): leaf.oid for name, leaf in root.items() if leaf.mode == _TREE}

    def _tree_of(self, commit: Oid) -> Oid:
        kind, data = self._objects.read(commit)
        if kind != "commit":
            raise RegenError(f"recorded replies must be a commit, and '{commit}' is a {kind}")
        return parse_commit(commit, data).tree

    def _entries(self, tree: Oid) -> dict[bytes, Leaf]:
        kind, data = self._objects.read(tree)
        if kind != "tree":
            raise RegenError(f"object '{tree}' among the recorded replies is a {kind}, not a tree")
        try:
            return parse(data, len(tree) // 2)
        except ValueError as error:
            raise RegenError(f"tree '{tree}' among the recorded replies is malformed") from error

    def _leaves(self, digest: str) -> list[Oid]:
        """Return the ids that the ref holds for a request; empty if none."""
        return _replies(self._folder(digest))

    def _marks(self, digest: str) -> list[Oid]:
        """Return the ids of the replies to a request that the ref says were purged."""
        return marked(self._objects, self._folder(digest))

    def _folder(self, digest: str) -> dict[bytes, Leaf]:
        if self._fans is None:
            self.refresh()
        fan = digest[:2]
        try:
            if fan not in self._requests:
                found = (self._fans or {}).get(fan)
                self._requests[fan] = {} if found is None else self._entries(found)
            folder = self._requests[fan].get(digest[2:].encode("ascii"))
            return {} if folder is None or folder.mode != _TREE else self._entries(folder.oid)
        except RegenError as error:
            self._warn(digest, "", str(error))
            return {}

    def _beyond(self, ours: Oid | None, theirs: Oid) -> Iterator[tuple[str, Leaf]]:
        """Yield the replies of one tree that another may lack, going only where the two differ.

        Exactly three levels are looked at, so that a tree made by others cannot lead any deeper.
        """
        have = self._entries(ours) if ours else {}
        for fan, folder in self._entries(theirs).items():
            mine = have.get(fan)
            if folder.mode != _TREE or folder == mine:
                continue
            known = self._entries(mine.oid) if mine is not None and mine.mode == _TREE else {}
            for rest, request in self._entries(folder.oid).items():
                digest = os.fsdecode(fan + rest)
                if request.mode == _TREE and request != known.get(rest) and _DIGEST.fullmatch(digest):
                    entries = self._entries(request.oid)
                    for reply_id in _replies(entries):
                        yield f"{digest}/{reply_id}", Leaf(REGULAR, reply_id)
                    for reply_id in marked(self._objects, entries):
                        yield f"{digest}/{reply_id}", entries[reply_id.encode("ascii")]

    def _unite(self, spooled: dict[str, bytes], theirs: Oid | None) -> Oid | None:
        """Move the ref to what it holds, and these documents, and another commit's, by compare-and-swap."""
        for attempt in range(_TRIES):
            tip = read_ref(self._repo, REPLIES_REF)
            new = self._united(tip, spooled, theirs)
            if new == tip or new is None:
                return tip
            self._objects.flush()
            try:
                update_ref(self._repo, REPLIES_REF, new, tip, _SUBJECT)
            except RefMovedError:
                if attempt == _TRIES - 1:
                    raise
            except GitError as error:
                if "cannot lock ref" not in str(error) or attempt == _TRIES - 1:
                    raise
                time.sleep(_PAUSE_S * (attempt + 1))
            else:
                return new
        raise RegenError(f"cannot move '{REPLIES_REF}'", hint="another program keeps moving it; try again")

    def _united(self, tip: Oid | None, spooled: dict[str, bytes], theirs: Oid | None) -> Oid | None:
        """Return the commit that holds it all: the tip or theirs where that does already, else a new one."""
        if theirs is not None and tip is not None and self._is_ancestor(theirs, tip):
            theirs = None
        tip, theirs, purged = self._without_purged(tip, theirs)
        if theirs is not None and not spooled and (tip is None or self._is_ancestor(tip, theirs)):
            return theirs
        ours = self._tree_of(tip) if tip else None
        leaves = {
            path: Leaf(REGULAR, self._objects.write("blob", data))
            for path, data in spooled.items()
            if path.partition("/")[2] not in purged
        }
        if theirs is not None:
            leaves.update(self._beyond(ours, self._tree_of(theirs)))
        tree = (
            edit(self._objects, ours, {f"{p[:2]}/{p[2:]}": leaf for p, leaf in leaves.items()})
            if leaves
            else ours
        )
        if tree is None or (tree == ours and theirs is None):
            return tip
        # A fixed writer: nobody's name travels with a reply.
        who = f"git regen <regen@localhost> {int(time.time())} +0000"
        parents = [parent for parent in (tip, theirs) if parent is not None]
        lines = [f"tree {tree}", *(f"parent {p}" for p in parents), f"author {who}", f"committer {who}"]
        return self._objects.write("commit", ("\n".join(lines) + f"\n\n{_SUBJECT}\n").encode())

    def _without_purged(
        self, ours: Oid | None, theirs: Oid | None
    ) -> tuple[Oid | None, Oid | None, frozenset[Oid]]:
        """Return both sides, neither with a reply that one of them has purged, and the ids of these."""
        purged = purged_in(self._repo, [one for one in (ours, theirs) if one])
        if purged and theirs is not None:
            ours = without(self._repo, ours, purged) if ours else None
            theirs = without(self._repo, theirs, purged)
            self._repo.objects.flush()
            if ours is not None and self._is_ancestor(theirs, ours):
                theirs = None
        return ours, theirs, purged

    def _is_ancestor(self, old: Oid, new: Oid) -> bool:
        return self._repo.git_status("merge-base", "--is-ancestor", old, new, ok=(0, 1))[0] == 0


def _replies(entries: dict[bytes, Leaf]) -> list[Oid]:
    """Return the ids of the files that are named by their own id; nothing else is a reply."""
    return [
        leaf.oid
        for name, leaf in entries.items()
        if leaf.mode == REGULAR and name == leaf.oid.encode("ascii")
    ]


def _checked(digest: str) -> None:
    """Refuse what is no digest before it becomes part of a path."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not the digest of a request: {digest[:80]!r}")
