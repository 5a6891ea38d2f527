"""Entry of what agents and git call: no click, and nothing that could fail them.

``capture`` prints nothing and always succeeds. ``hook`` succeeds too; what went wrong is in the log.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["main"]

_LIMIT = 64 << 20
"""Bytes of a payload; an agent that sends more is not read."""


def main(argv: Sequence[str]) -> int:
    """Run ``capture`` or ``hook``. Returns 0 whatever happens."""
    where = argv[0]
    try:
        if where == "capture":
            _capture(argv[1:])
            return 0
        from regen_git.capture.hooks import run_hook

        return run_hook(argv[1:])
    except Exception as error:  # noqa: BLE001 - an agent or a commit must never fail for our sake
        _log(where, error)
        return 0


def _capture(args: Sequence[str]) -> None:
    import json

    raw = sys.stdin.buffer.read(_LIMIT)
    if not raw.strip():
        return
    payload: Any = json.loads(raw.decode("utf-8-sig", "replace"), strict=False)
    if not isinstance(payload, dict):
        raise TypeError("the payload is not an object")
    from regen_git.agents import NAMES, caller, load

    if "regen" in payload:
        # From our own hooks and plugins, which need not know how JSON quotes a folder's name.
        payload.setdefault("cwd", os.getcwd())  # noqa: PTH109 - on the capture path

    agent = caller(payload, os.environ, _hint(args))
    if agent not in NAMES:
        raise ValueError(f"unknown agent '{agent}'")
    events = load(agent).read(payload, os.environ)
    if not events:
        return
    from regen_git.capture.events import file_event

    filed = [file_event(event) for event in events]
    for data in {one[0].data for one in filed if one is not None}:
        from regen_git.capture.fired import note_fired

        note_fired(data, agent)
    due = {one[0].data: one[0] for one in filed if one is not None and one[1]}
    for place in due.values():
        from regen_git.capture.marks import start_flush

        start_flush(place)


def _hint(args: Sequence[str]) -> str:
    """Return the agent that the command line names; empty if none."""
    for i, arg in enumerate(args):
        if arg == "--agent":
            return args[i + 1] if i + 1 < len(args) else ""
        if arg.startswith("--agent="):
            return arg.removeprefix("--agent=")
    return ""


def _log(where: str, error: Exception) -> None:
    from regen_git.capture.aside import spool
    from regen_git.capture.failures import note_failure
    from regen_git.capture.place import find_place

    try:
        place = find_place(os.getcwd())  # noqa: PTH109 - on the capture path
    except OSError:
        place = None
    if not (place and note_failure(place.data, where, error)) and not note_failure(spool(), where, error):
        sys.stderr.write(f"regen: {where}: {type(error).__name__}: {ascii(str(error))[:300]}\n")
