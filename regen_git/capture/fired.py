"""When an agent last reported something here: the time of an empty file, set while the agent waits."""

from __future__ import annotations

import contextlib
import os

__all__ = ["last_fired", "note_fired"]

_FOLDER = "/fired/"


def note_fired(data: str, agent: str) -> None:
    """Remember that this agent has just reported, in this folder of data. Never raises."""
    path = data + _FOLDER + agent
    try:
        os.utime(path)
    except OSError:
        with contextlib.suppress(OSError):
            _make(data + _FOLDER, path)


def _make(folder: str, path: str) -> None:
    """Make the file, unless there is no folder of data: nothing was ever recorded then."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, mode=0o700)  # noqa: PTH102 - on the capture path
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))


def last_fired(data: str, agent: str) -> float | None:
    """Return when this agent last reported, in seconds of the epoch; ``None`` if it never has."""
    try:
        return os.stat(data + _FOLDER + agent).st_mtime  # noqa: PTH116 - as above
    except OSError:
        return None
