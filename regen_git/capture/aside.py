"""What was typed while a repository could not be written: kept in the user's data folder until it can be.

A full disk or a repository on a medium that is read-only must not cost a prompt. Each repository has a folder
of its own there, named by the digest of its data folder's path, with an inbox as any.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from regen_git.capture.inbox import Inbox
from regen_git.domain.digests import sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.capture.inbox import Entry

__all__ = ["put_aside", "spool", "take_back"]


def spool() -> str:
    """Return the folder for sessions outside of every repository."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111 - an agent waits
    return base + "/git-regen/spool"


def _folder(data: str) -> str:
    return f"{spool()}/aside/{sha256(os.fsencode(data)).hexdigest()[:32]}"


def put_aside(data: str, entries: Sequence[Entry]) -> None:
    """Keep entries for the inbox in ``data``, on the disk when this returns."""
    if entries:
        Inbox(_folder(data)).append(entries)


def take_back(data: str) -> None:
    """Move what was put aside into the inbox in ``data``, where that can be written again.

    What is in there already stays as it is: a kill between the two steps of this only does the first again.
    """
    folder = _folder(data)
    if not os.path.exists(folder + "/inbox.jsonl"):  # noqa: PTH110 - an agent waits
        return
    aside, inbox = Inbox(folder), Inbox(data)
    with contextlib.suppress(OSError), aside.hold(), inbox.hold():
        present = inbox.read()
        known = {entry._replace(n=0) for entry in present}
        inbox.add([entry for entry in aside.read() if entry._replace(n=0) not in known], present)
        os.unlink(aside.path)  # noqa: PTH108 - an agent waits
