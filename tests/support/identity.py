"""Hold a rebuilt history against its source, reading both with git alone and nothing of the program."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Raw", "git", "problems_of", "reached", "read_all", "read_everything"]

SIGNATURES = (b"gpgsig", b"gpgsig-sha256", b"mergetag")
ADDED = (b"Regen-Source: ", b"Regen-Model: ")


@dataclass(frozen=True)
class Raw:
    """A commit as git prints it. ``headers`` are all but tree and parents, with their continuation lines."""

    tree: bytes
    parents: tuple[bytes, ...]
    headers: tuple[bytes, ...]
    message: bytes

    @property
    def is_signed(self) -> bool:
        """Whether it, or a tag that it merged, is signed."""
        return any(line.split(b" ", 1)[0] in SIGNATURES for line in self.headers)

    @property
    def kept_headers(self) -> tuple[bytes, ...]:
        """The headers that a rebuilt commit keeps."""
        return tuple(line for line in self.headers if line.split(b" ", 1)[0] not in SIGNATURES)

    @property
    def source(self) -> bytes:
        """The commit that this one was rebuilt from; empty if it does not say."""
        lines = [line for line in self.message.split(b"\n") if line.startswith(ADDED[0])]
        return lines[-1].removeprefix(ADDED[0]).strip() if lines else b""


def git(path: Path | str, *args: str, stdin: bytes | None = None) -> bytes:
    """Run git there and return what it printed."""
    argv = ["git", "--no-replace-objects", "-C", str(path), *args]
    return subprocess.run(argv, input=stdin, check=True, capture_output=True).stdout


def read_all(path: Path | str, commits: Sequence[bytes]) -> dict[bytes, Raw]:
    """Return these commits, by id."""
    out = git(path, "cat-file", "--batch", stdin=b"".join(oid + b"\n" for oid in commits))
    found: dict[bytes, Raw] = {}
    at = 0
    for oid in commits:
        end = out.index(b"\n", at)
        size = int(out[at:end].split()[2])
        found[oid] = _parse(out[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found


def read_everything(path: Path | str) -> dict[bytes, Raw]:
    """Return every commit of a small repository, reached by a ref or not, with one process."""
    out = git(path, "cat-file", "--batch-all-objects", "--unordered", "--batch")
    found: dict[bytes, Raw] = {}
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        oid, kind, size = out[at:end].split()
        if kind == b"commit":
            found[oid] = _parse(out[end + 1 : end + 1 + int(size)])
        at = end + 1 + int(size) + 1
    return found


def reached(commits: Mapping[bytes, Raw], tip: str) -> dict[bytes, Raw]:
    """Return the commits up to this one."""
    found: dict[bytes, Raw] = {}
    left = [tip.encode()]
    while left:
        oid = left.pop()
        if oid not in found:
            found[oid] = commits[oid]
            left += commits[oid].parents
    return found


def _parse(raw: bytes) -> Raw:
    head, _, message = raw.partition(b"\n\n")
    lines: list[bytes] = []
    for line in head.split(b"\n"):
        if line.startswith(b" "):
            lines[-1] += b"\n" + line
        else:
            lines.append(line)
    parents = tuple(line[7:] for line in lines if line.startswith(b"parent "))
    rest = tuple(line for line in lines if not line.startswith((b"tree ", b"parent ")))
    return Raw(lines[0].removeprefix(b"tree "), parents, rest, message)


def problems_of(old: Mapping[bytes, Raw], new: Mapping[bytes, Raw]) -> list[str]:
    """Return what is not as it was: ``new`` are all rebuilt commits, ``old`` the range they come from."""
    found: list[str] = []
    sources = {oid: commit.source for oid, commit in new.items()}
    for oid, commit in new.items():
        source = old.get(sources[oid])
        if source is None:
            found.append(f"{oid.decode()}: has no source")
            continue
        told = [
            "the tree is another" if commit.tree != source.tree else "",
            "the parents are others" if _from(commit.parents, sources) != source.parents else "",
            "the headers are others" if commit.headers != source.kept_headers else "",
            _message_problem(source.message, commit.message),
        ]
        found += [f"{oid.decode()} from {sources[oid].decode()}: {what}" for what in told if what]
    if sorted(sources.values()) != sorted(old):
        found.append(f"{len(new)} new commits for {len(old)} sources")
    return found


def _from(parents: tuple[bytes, ...], sources: Mapping[bytes, bytes]) -> tuple[bytes, ...]:
    return tuple(sources.get(parent, parent) for parent in parents)


def _message_problem(old: bytes, new: bytes) -> str:
    """Return what became of a message, beside the lines at its end that say where the commit comes from."""
    kept = _without_end(old)
    if not new.startswith(kept):
        return "the message is another"
    rest = new[len(kept) :].strip(b"\n").split(b"\n")
    return "" if all(line.startswith(ADDED) for line in rest) else "the message has more"


def _without_end(message: bytes) -> bytes:
    """Return a message without newlines at its end, and without what an earlier replay said in trailers."""
    body, blank, last = message.rstrip(b"\n").rpartition(b"\n\n")
    lines = [line for line in last.split(b"\n") if not line.startswith(ADDED)] if blank else [last]
    return (body + blank + b"\n".join(lines)).rstrip(b"\n")
