"""Build real repositories for tests, quickly and always with the same ids."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.git.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FIRST_SECOND = 1_767_323_045


@dataclass
class RepoBuilder:
    """One repository on disk. Each commit is a minute after the one before."""

    path: Path
    ticks: int = 0

    @classmethod
    def init(cls, path: Path, *args: str) -> RepoBuilder:
        """Make an empty repository."""
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", *args, str(path)], check=True)
        return cls(path)

    @property
    def opened(self) -> Repository:
        """The repository as the program opens it."""
        return Repository.open(self.path)

    def git(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        """Run git in the repository and return what it printed, without the last newline."""
        done = subprocess.run(
            ["git", *args],
            cwd=self.path,
            input=stdin,
            capture_output=True,
            check=False,
            env={**os.environ, **(env or {})},
        )
        if done.returncode != 0:
            raise AssertionError(f"git {args} failed: {done.stderr.decode()}")
        return os.fsdecode(done.stdout).rstrip("\n")

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files into the working tree; ``None`` removes one."""
        for name, content in files.items():
            target = self.path / name
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str, files: Mapping[str, str | bytes | None] | None = None, *args: str) -> str:
        """Commit these files (all that changed) and return the commit's id."""
        self.write(files or {})
        self.git("add", "-A")
        when = f"{_FIRST_SECOND + 60 * self.ticks} +0000"
        self.ticks += 1
        env = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        self.git("commit", "-q", "--allow-empty", "-m", message, *args, env=env)
        return self.git("rev-parse", "HEAD")
