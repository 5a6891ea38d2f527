"""Commits as values, and new commits made by editing the raw bytes of old ones.

Author, committer, dates, zones, encoding and headers that nobody here knows stay as they were written; a
signature goes, since it speaks of other bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.errors import RegenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.domain.ids import Oid
    from regen_git.git.objects import ObjectStore

__all__ = ["Commit", "parse_commit", "read_commit", "rewrite"]

_SIGNATURES = (b"gpgsig", b"gpgsig-sha256", b"mergetag")
_WHEN = re.compile(rb"> (-?\d+) [+-]\d+\s*$")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. ``author`` and ``committer`` are whole header values, ``message`` is what follows them."""

    id: Oid
    tree: Oid
    parents: tuple[Oid, ...]
    author: bytes
    committer: bytes
    message: bytes
    headers: tuple[tuple[bytes, bytes], ...]

    @property
    def subject(self) -> str:
        """The first line of the message, decoded as far as possible."""
        return self.text.lstrip("\n").split("\n", 1)[0].strip()

    @property
    def text(self) -> str:
        """The whole message as text, in the encoding that the commit names."""
        encoding = next((value for name, value in self.headers if name == b"encoding"), b"utf-8")
        try:
            text = self.message.decode(encoding.decode("ascii", "replace"))
        except (LookupError, ValueError):
            # No such encoding, not in it, or a name that no encoding can have.
            return self.message.decode("utf-8", "replace")
        # Some encodings can spell halves of characters, which nothing else can write down.
        return text.encode("utf-8", "replace").decode("utf-8")

    @property
    def time(self) -> int:
        """When it was committed: seconds since 1970 UTC; 0 when the header cannot be read."""
        found = _WHEN.search(self.committer)
        return int(found.group(1)) if found else 0

    @property
    def is_signed(self) -> bool:
        """Whether a signature is among its headers: its own, or that of a tag it merged."""
        return any(name.rstrip() in _SIGNATURES for name, _ in self.headers)

    @property
    def author_name(self) -> str:
        """``Ada Example <ada@example.org>``."""
        return self.author.rpartition(b">")[0].decode("utf-8", "replace") + ">"


def read_commit(store: ObjectStore, oid: Oid) -> Commit:
    """Read one commit. Raises ``RegenError`` when it is missing, or no commit."""
    kind, raw = store.read(oid)
    if kind != "commit":
        raise RegenError(
            f"object '{oid}' is a {kind} where a commit must be",
            hint="'git for-each-ref' shows which ref points there; 'git update-ref -d <ref>' drops it",
        )
    return parse_commit(oid, raw)


def parse_commit(oid: Oid, raw: bytes) -> Commit:
    """Take a commit's bytes apart; continuation lines stay inside their header's value."""
    head, _, message = raw.partition(b"\n\n")
    # Without an empty line there is no message, and the last header ends with the bytes.
    head = head.removesuffix(b"\n")
    headers: list[tuple[bytes, bytes]] = []
    for line in head.split(b"\n"):
        if line.startswith(b" ") and headers:
            name, value = headers[-1]
            headers[-1] = (name, value + b"\n" + line)
        else:
            name, _, value = line.partition(b" ")
            # A header without a value keeps its blank, or has none: both are written again as they were.
            headers.append((name, value) if value else (line, b""))
    first = dict(reversed(headers))
    return Commit(
        id=oid,
        tree=first[b"tree"].decode("ascii"),
        parents=tuple(value.decode("ascii") for name, value in headers if name == b"parent"),
        author=first.get(b"author", b""),
        committer=first.get(b"committer", b""),
        message=message,
        headers=tuple(headers),
    )


def rewrite(commit: Commit, *, tree: Oid, parents: Sequence[Oid], message: bytes) -> bytes:
    """Return the bytes of a commit like this one on other parents, with another tree and message."""
    out = [b"tree " + tree.encode("ascii")]
    out += [b"parent " + parent.encode("ascii") for parent in parents]
    for name, value in commit.headers:
        if name.rstrip() not in {b"tree", b"parent", *_SIGNATURES}:
            is_empty = not value or value.startswith(b"\n")
            out.append(name + value if is_empty else name + b" " + value)
    return b"\n".join(out) + b"\n\n" + message
