"""A short log of what went wrong where nobody could be told; ``doctor`` reads it."""

from __future__ import annotations

import contextlib
import os

from regen_git.capture.clock import now

__all__ = ["note_failure", "read_failures"]

_LIMIT = 64 * 1024
"""Bytes; what is older goes first."""


def note_failure(data: str, where: str, error: BaseException | str) -> bool:
    """Add a line to the log in this data folder, and return whether it is there.

    Never raises: it is what is left when all else failed.
    """
    what = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    line = " ".join(f"{now()} {where}: {what}".split())[:500] + "\n"
    path = data + "/log"
    with contextlib.suppress(OSError):
        os.makedirs(data, mode=0o700, exist_ok=True)  # noqa: PTH103 - on the capture path
        with open(path, "ab+") as file:  # noqa: PTH123 - on the capture path
            file.write(line.encode("utf-8", "backslashreplace"))
            file.flush()
            if file.tell() > _LIMIT:
                file.seek(-_LIMIT // 2, os.SEEK_END)
                file.readline()
                kept = file.read()
                file.truncate(0)
                file.write(kept)
        return True
    return False


def read_failures(data: str) -> list[str]:
    """Return the lines of the log, oldest first; empty if nothing ever failed."""
    try:
        with open(data + "/log", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - on the capture path
            return file.read().splitlines()
    except OSError:
        return []
