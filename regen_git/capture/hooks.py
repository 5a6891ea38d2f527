"""What git's hooks ask of Python: the flush, and the pull. The rest of their work is sh.

``git-regen hook <event> …`` with another event runs the sh hook of that name, so that configured hooks and
hook managers do the same as scripts in the hooks folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.git.repository import Repository

__all__ = ["run_hook"]

_SHELL = "/bin/sh"


def run_hook(args: Sequence[str]) -> int:
    """Run one hook and return 0, or what a policy that the user chose demands."""
    event = args[0] if args else ""
    if event == "flush":
        _flush(Path(args[1]) if len(args) > 1 else None)
        return 0
    if event == "merged":
        _merged()
        return 0
    from regen_git.capture.install import HOOKS, hook_source

    if event not in HOOKS:
        sys.stderr.write(f"regen: no hook '{event[:40]!a}'\n")
        return 0
    if os.environ.get("PRE_COMMIT"):
        # The framework of that name hands over in the environment what git hands over as arguments.
        return _become(str(hook_source("framework")), args)
    return _become(str(hook_source(event)), args[1:])


def _become(script: str, args: Sequence[str]) -> NoReturn:
    """Turn this process into the sh hook, so that its standard input is still whole."""
    sys.stdout.flush()
    os.execv(_SHELL, [_SHELL, script, *args])  # noqa: S606 - a script of our own


def _flush(where: Path | None) -> None:
    from regen_git.capture.failures import note_failure
    from regen_git.capture.flush import flush

    repo = _open(where)
    if repo is None:
        return
    try:
        flush(repo)
    except Exception as error:  # noqa: BLE001 - a commit that was made is never spoilt by its note; doctor tells
        note_failure(str(repo.data_dir), "flush", error)


def _merged() -> None:
    """Flush after a merge, and say when a merged commit names an intent that nobody knows."""
    from regen_git.capture.failures import note_failure
    from regen_git.capture.flush import flush

    repo = _open(None)
    if repo is None:
        return
    try:
        lost = flush(repo).lost
    except Exception as error:  # noqa: BLE001 - a merge that was made is never spoilt; doctor tells
        note_failure(str(repo.data_dir), "post-merge", error)
        return
    if lost:
        commits = (
            "1 merged commit names an intent"
            if len(lost) == 1
            else f"{len(lost)} merged commits name intents"
        )
        sys.stderr.write(f"regen: {commits} that no note here has; 'git regen sync' fetches published ones\n")


def _open(where: Path | None) -> Repository | None:
    from regen_git.errors import NotARepositoryError
    from regen_git.git.repository import Repository

    try:
        return Repository.open(where)
    except NotARepositoryError:
        return None
