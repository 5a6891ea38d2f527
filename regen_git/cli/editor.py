"""Let a person edit a text in git's editor, and lose nothing of what comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from regen_git.errors import RegenError

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.git.repository import Repository

__all__ = ["edited", "kept_file"]


def kept_file(repo: Repository, name: str) -> Path:
    """Return a new file in the repository's own data for a text; never one that is there already."""
    folder = repo.data_dir / "edit"
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / (f"{name}.md" if number == 1 else f"{name}-{number}.md")
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def edited(repo: Repository, text: str, path: Path, *, quiet: bool = False) -> str:
    """Return the text as the person saved it; it is in the file, too, and stays there.

    ``quiet``: what the editor prints goes to standard error. Raises ``RegenError`` when there is no editor or
    it failed; the file is then gone if it says nothing new.
    """
    path.write_bytes(text.encode("utf-8", "replace"))
    status = _run(repo, path, quiet=quiet)
    saved = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
    if status:
        kept = _kept(path, saved, text)
        raise RegenError(
            f"the editor ended with status {status}",
            hint=kept or "nothing was written; try again, or use '-m'",
        )
    return saved.replace("\r\n", "\n")


def _kept(path: Path, saved: str, text: str) -> str:
    if saved.strip() and saved != text:
        return f"nothing was written; your text is kept in '{path}', and '-F' takes it"
    path.unlink(missing_ok=True)
    return ""


def _run(repo: Repository, path: Path, *, quiet: bool) -> int:
    program = _editor(repo)
    if not program:
        path.unlink(missing_ok=True)
        raise RegenError(
            "there is no editor for this terminal", hint="set GIT_EDITOR or core.editor, or use '-m TEXT'"
        )
    if sys.stderr.isatty():
        sys.stderr.write("waiting for your editor to close the file…\n")
        sys.stderr.flush()
    # Not through the runner of outside commands: this one has the terminal. As git does it: words of the
    # setting are the shell's, the file is one argument. Source: editor.c.
    process = subprocess.Popen(
        ["sh", "-c", f'{program} "$@"', program, str(path)],
        cwd=repo.worktree or repo.git_dir,
        stdout=sys.stderr if quiet else None,
    )
    # Ctrl-C is the editor's until it ends; ignored only now, since a program inherits what is ignored.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _editor(repo: Repository) -> str:
    """Return the command that git would take; empty for none."""
    # What git sets for its hooks is left out of its environment elsewhere; here it is the person's choice.
    chosen = {"GIT_EDITOR": os.environ["GIT_EDITOR"]} if os.environ.get("GIT_EDITOR") else {}
    status, out = repo.git_status("var", "GIT_EDITOR", env=chosen, ok=(0, 1, 128))
    return os.fsdecode(out).strip() if status == 0 else ""
