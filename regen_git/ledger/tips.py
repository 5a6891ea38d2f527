"""What a notes ref was when we last looked: its tip, and how much of its reflog we had read.

One small file for each ref in ``<common>/regen/tips``, ``<tip> <bytes>``. Losing it loses nothing: the whole
reflog is looked at again then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository

__all__ = ["Log", "Seen", "forget", "log_size", "read_log", "recall", "remember"]

_MOST = 1 << 20
"""Bytes of a reflog that are read at once, the newest."""

_IDS = 2


class Seen(NamedTuple):
    """The tip of a ref and the length of its reflog in bytes; 0 where the log is no file."""

    tip: Oid
    end: int


class Log(NamedTuple):
    """What a reflog says since we last looked. ``known`` is what the ref was before.

    ``made_anew``: the ref was deleted since and made again; what it was before is not looked for.
    """

    ids: list[Oid]
    known: Oid | None
    made_anew: bool = False


def _file(repo: Repository, ref: str) -> Path:
    return repo.data_dir / "tips" / ref.removeprefix("refs/notes/")


def recall(repo: Repository, ref: str) -> Seen | None:
    """Return what was remembered of a ref; ``None`` for nothing."""
    try:
        tip, end = _file(repo, ref).read_text("ascii").split()
        return Seen(tip, int(end))
    except (OSError, ValueError):
        return None


def remember(repo: Repository, ref: str, seen: Seen) -> None:
    """Write down what a ref is. A repository that cannot be written is only looked at again."""
    path = _file(repo, ref)
    scratch = path.with_name(f"{path.name}.new{os.getpid()}")
    with contextlib.suppress(OSError):
        repo.data_dir.mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(f"{seen.tip} {seen.end}\n", "ascii")
        scratch.replace(path)


def forget(repo: Repository, ref: str = "") -> None:
    """Forget one ref, or all: what is lost on purpose is not to be put back."""
    if ref:
        with contextlib.suppress(OSError):
            _file(repo, ref).unlink(missing_ok=True)
    else:
        shutil.rmtree(repo.data_dir / "tips", ignore_errors=True)


def log_size(repo: Repository, ref: str) -> int:
    """Return the length of a ref's reflog; 0 where there is none, or none that is a file."""
    try:
        return (repo.common_dir / "logs" / ref).stat().st_size
    except OSError:
        return 0


def read_log(repo: Repository, ref: str, seen: Seen | None, end: int) -> Log:
    """Return what a ref was since we last looked, oldest first, up to this byte of its reflog."""
    if end == 0:
        return Log(_ask_git(repo, ref), seen.tip if seen else None)
    if seen is not None and 0 < seen.end <= end:
        lines = _lines(repo, ref, max(seen.end, end - _MOST), end)
        if not lines or seen.tip in (*lines[0], *(new for _, new in lines)):
            return Log(_ids(lines), seen.tip)
    lines = _lines(repo, ref, max(0, end - _MOST), end)
    ids = _ids(lines)
    if seen is None:
        return Log(ids, ids[0] if ids else None)
    is_first = bool(lines) and not lines[0][0].strip("0") and end <= _MOST
    return Log(ids, ids[0] if ids else None, made_anew=is_first and seen.tip not in ids)


def _lines(repo: Repository, ref: str, start: int, end: int) -> list[tuple[Oid, Oid]]:
    """Return (old, new) of each entry; what stands before the first line break of a cut log is left out."""
    try:
        with (repo.common_dir / "logs" / ref).open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
    except OSError:
        return []
    found = []
    for line in data.splitlines():
        words = line[:200].split(b" ", _IDS)
        if len(words) > _IDS and all(len(word) in (40, 64) for word in words[:_IDS]):
            found.append((words[0].decode("ascii", "replace"), words[1].decode("ascii", "replace")))
    return found


def _ids(lines: list[tuple[Oid, Oid]]) -> list[Oid]:
    return [oid for oid in dict.fromkeys(oid for pair in lines for oid in pair) if oid.strip("0")]


def _ask_git(repo: Repository, ref: str) -> list[Oid]:
    """Return what git says of a reflog that is no file, oldest first; empty where there is none."""
    if not (repo.common_dir / "reftable").is_dir():
        return []
    args = ("rev-list", "-g", "--ignore-missing", "--max-count=2000", ref, "--")
    status, out = repo.git_status(*args, ok=(0, 128))
    return list(dict.fromkeys(reversed(out.decode("ascii").split()))) if status == 0 else []
