"""People who share a repository: a bare remote and clones of it, each with a ledger."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.cli.main import run as run_program
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.ledger.store import INTENTS_REF, Ledger
from regen_git.ledger.uniting import current
from regen_git.sharing.remotes import choose_remote
from regen_git.sharing.sync import sync
from support.builder import RepoBuilder

if TYPE_CHECKING:
    from regen_git.sharing.sync import Report

__all__ = ["Clone", "Team", "intent", "make_team"]


def intent(number: int, text: str = "") -> Intent:
    words = Prompt(text or f"do thing {number}", at=f"2026-01-02T03:04:{number % 60:02d}Z")
    return Intent(IntentId(f"{number:016x}"), (words,), "explicit", author="Ada Example <ada@example.org>")


@dataclass
class Clone:
    """One person's repository."""

    repo: RepoBuilder

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def git(self, *args: str) -> str:
        return self.repo.git(*args)

    def record(self, number: int, commit: str = "", text: str = "", *, ref: str = INTENTS_REF) -> None:
        oid = self.git("rev-parse", commit or "HEAD")
        Ledger(self.repo.opened, ref).append({oid: [intent(number, text)]})

    def ids(self, commit: str = "") -> list[int]:
        oid = self.git("rev-parse", commit or "HEAD")
        return sorted(int(one, 16) for one in Ledger(self.repo.opened).of(oid).intents)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run git regen within this process, which is quicker; nobody is at a terminal."""
        out, err = io.StringIO(), io.StringIO()
        before = Path.cwd()
        os.chdir(self.repo.path)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = run_program(args)
        finally:
            os.chdir(before)
        return subprocess.CompletedProcess(args, status, out.getvalue(), err.getvalue())

    def sync(self, *args: str) -> dict[str, Any]:
        done = self.run("sync", "--yes", "--json", *args)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def quick(self, *, agreed: bool = True, replies: bool = False, push: bool = True) -> Report:
        """Sync within this process."""
        opened = self.repo.opened
        return sync(opened, choose_remote(opened), lambda *_: None, agreed=agreed, replies=replies, push=push)

    def documents(self, ref: str = INTENTS_REF) -> dict[str, set[str]]:
        return {oid: set(some) for oid, some in current(self.repo.opened, ref).items()}


@dataclass
class Team:
    """A bare remote and its clones."""

    folder: Path
    remote: RepoBuilder

    def clone(self, name: str, *args: str, url: str = "") -> Clone:
        where = url or str(self.remote.path)
        subprocess.run(["git", "clone", "-q", *args, where, str(self.folder / name)], check=True)
        return Clone(RepoBuilder(self.folder / name))

    def hook(self, name: str, text: str) -> None:
        path = self.remote.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def ref(self, name: str = INTENTS_REF) -> str:
        return self.remote.git("for-each-ref", "--format=%(objectname)", name)


def make_team(folder: Path) -> Team:
    """Build a remote with two commits."""
    first = RepoBuilder.init(folder / "first")
    first.commit("Start", {"f": "1"})
    first.commit("Go on", {"f": "2"})
    remote = RepoBuilder.init(folder / "remote.git", "--bare")
    first.git("push", "-q", str(remote.path), "HEAD:main")
    return Team(folder, remote)
