"""The program's entry: find out what was typed, load only that.

``--version``, ``-h``, ``capture`` and ``hook`` answer before click is imported, since agents and git wait for
them. Everything else is a click command in a file of its own.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from regen_git import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "run"]


def main() -> None:
    """Run the program and leave with its exit status."""
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        # The reader, a pager for instance, has seen enough.
        pass
    reader = sys.modules.get("regen_git.git.reader")
    if reader is not None:
        reader.close_readers()
    # Interpreter shutdown would free thousands of objects one by one; the process is over anyway.
    os._exit(status)


def run(argv: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return the exit status."""
    first = argv[0] if argv else "-h"
    if first in ("--version", "version"):
        sys.stdout.write(f"git-regen {__version__}\n")
        return 0
    if first == "-h" and len(argv) <= 1:
        from regen_git.cli.summary import SUMMARY

        sys.stdout.write(SUMMARY)
        return 0 if argv else 2
    if first in ("--help", "help"):
        from regen_git.cli.manual import open_manual

        return open_manual()
    if first in ("capture", "hook"):
        from regen_git.capture.fast import main as run_fast

        return run_fast(argv)
    from regen_git.cli.boundary import run_command

    return run_command(argv)
