"""Files that we changed, with their bytes from before, so that all of it can be taken back."""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from regen_git.git.repository import Repository

__all__ = [
    "Changed",
    "forget",
    "read_bytes",
    "read_changes",
    "recorded",
    "remove_empty",
    "replace_file",
    "restore",
]


@dataclass(frozen=True, slots=True)
class Changed:
    """A file before and after; ``before`` is ``None`` when it did not exist, ``made`` are its new folders."""

    path: str
    before: bytes | None
    after: bytes
    made: tuple[str, ...] = ()


@contextlib.contextmanager
def recorded(
    repo: Repository, path: Path, clean: Callable[[bytes | None], bytes | None] | None = None
) -> Iterator[None]:
    """Write down how a file changes in the body; the first 'before' of a file counts, the last 'after'.

    A file that others have changed since it was written down may hold something of ours: ``clean`` takes that
    out, for what to go back to.
    """
    present = read_bytes(path)
    made = tuple(str(folder) for folder in path.parents if not folder.exists())
    try:
        yield
    finally:
        after = read_bytes(path) or b""
        if after != (present or b""):
            known = read_changes(repo)
            last = next((c for c in known if c.path == str(path)), None)
            if last is None:
                new = Changed(str(path), present, after, made)
            elif last.after == present:
                new = Changed(str(path), last.before, after, last.made)
            else:
                new = Changed(str(path), clean(present) if clean else present, after, last.made)
            rest = [c for c in known if c.path != str(path)]
            _write(repo, rest if new.after == (new.before or b"") else [*rest, new])


def read_changes(repo: Repository) -> list[Changed]:
    """Return the files that were changed, in the order of their last change; empty if nothing is known."""
    try:
        data = json.loads(_record(repo).read_text("ascii"))
    except (OSError, ValueError):
        return []
    return [
        Changed(
            item["path"],
            None if item["before"] is None else base64.b64decode(item["before"]),
            base64.b64decode(item["after"]),
            tuple(item.get("made", (str(Path(item["path"]).parent),))),
        )
        for item in data
    ]


def forget(repo: Repository, path: Path) -> None:
    """Take a file out of the record: nothing of ours is in it any more."""
    known = read_changes(repo)
    rest = [change for change in known if change.path != str(path)]
    if rest != known:
        _write(repo, rest)


def restore(change: Changed) -> None:
    """Give a file its bytes from before; one that did not exist goes, and the folders made for it too."""
    path = Path(change.path)
    if change.before is not None:
        replace_file(path, change.before)
        return
    path.unlink()
    remove_empty(change.made)


def remove_empty(folders: Iterable[str]) -> None:
    """Remove these folders, the innermost first, as far as they are empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            Path(folder).rmdir()


def read_bytes(path: Path) -> bytes | None:
    """Return what a file holds; ``None`` if there is none. Raises ``OSError`` for what cannot be read."""
    if path.is_fifo():
        # Reading it would wait for ever.
        raise OSError(errno.EINVAL, "it is a pipe", str(path))
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one step, so that nobody reads half of it; a link stays one, permissions stay too."""
    real = Path(os.path.realpath(path))
    real.parent.mkdir(parents=True, exist_ok=True)
    scratch = real.with_name(real.name + ".new")
    try:
        scratch.write_bytes(data)
        if real.exists():
            scratch.chmod(real.stat().st_mode & 0o777)
        scratch.replace(real)
    finally:
        scratch.unlink(missing_ok=True)


def _record(repo: Repository) -> Path:
    return repo.data_dir / "undo.json"


def _write(repo: Repository, changes: Sequence[Changed]) -> None:
    def shown(data: bytes | None) -> str | None:
        return None if data is None else base64.b64encode(data).decode("ascii")

    if not changes:
        _record(repo).unlink(missing_ok=True)
        return
    items = [
        {"path": c.path, "before": shown(c.before), "after": shown(c.after), "made": list(c.made)}
        for c in changes
    ]
    repo.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Settings may hold keys; their copy is nobody else's to read.
    _record(repo).touch(mode=0o600)
    _record(repo).write_text(json.dumps(items), "ascii")
