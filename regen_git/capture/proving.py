"""Prove that hooks fire: make a commit where everything is as in a repository, except that it is another one.

The hooks, the settings that bear on them and the files of hook managers are copied; nothing is written to the
repository itself. Hooks of others run too, as far as a commit with ``--no-verify`` runs them.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.capture.managers import configured, lines, standing
from regen_git.git.repository import Repository, git_environment
from regen_git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regen_git.process import Completed

__all__ = ["Proof", "prove"]

_WAIT_S = 10.0
_STEP_S = 0.02
_SETTINGS = re.compile(r"(hook|regen|notes|i18n|user)\..+|commit\.cleanup|core\.comment(char|string)")
"""What bears on hooks, and nothing that a proof could reach the outside with."""
_FILES = (
    ".pre-commit-config.yaml",
    ".husky",
    ".lefthook",
    ".lefthook-local",
    *(
        f"{name}{suffix}.{ending}"
        for name in ("lefthook", ".lefthook", ".config/lefthook")
        for suffix in ("", "-local")
        for ending in ("yml", "yaml", "toml", "json", "jsonc")
    ),
)
_DATA = (configured.FOLDER, lines.FOLDER, "command", "git-regen")


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of a commit with a prompt waiting. ``said`` is what git and all hooks printed."""

    by: str
    bare_ms: float
    took_ms: float = 0.0
    trailer: bool = False
    note: bool = False
    said: str = ""
    problem: str = ""

    @property
    def good(self) -> bool:
        """Whether the prompt was recorded, as the settings want it."""
        return not self.problem


def prove(repo: Repository) -> Proof | None:
    """Make the commit; ``None`` for a repository in which nobody commits, since it has no working tree."""
    if repo.worktree is None:
        return None
    with tempfile.TemporaryDirectory(prefix="regen-proof-", ignore_cleanup_errors=True) as folder:
        top = Path(os.path.realpath(folder), "repository")
        return _Proving(repo, repo.worktree, top).prove()


class _Proving:
    """One temporary repository, made after another."""

    def __init__(self, repo: Repository, worktree: Path, top: Path) -> None:
        self.repo = repo
        self.worktree = worktree
        self.top = top
        names = {f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        given = {name: os.environ.get(name) or "doctor@example.org" for name in names}
        self.env = git_environment({**given, "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":"})

    def prove(self) -> Proof:
        """Make the repository, a commit without hooks, and one with."""
        proof = Proof(str(standing(self.repo)[0]), self._make())
        self._take_over()
        program = self._program()
        if program is None:
            return replace(proof, problem="the program 'git-regen' is not found")
        recorded = run([program, "record", "Prove that hooks fire"], cwd=self.top, env=self.env)
        if recorded.status:
            return replace(proof, said=_said(recorded), problem=f"'{program}' does not run")
        done, took_ms = self._commit("hooked")
        proof = replace(proof, said=_said(done), took_ms=took_ms)
        if done.status:
            return replace(
                proof, problem="a hook made the commit fail; hooks of yours run there without your files"
            )
        return self._judge(Repository.open(self.top), proof)

    def _judge(self, there: Repository, proof: Proof) -> Proof:
        """Look what the commit got."""
        prepared = there.git_dir / "regen-prepared"
        prepares = prepared.exists()
        records = prepares and not prepared.stat().st_size
        if records:
            self._await_flush(there.data_dir)
        trailer = bool(there.git("log", "-1", "--format=%(trailers:key=Regen-Intent,valueonly)").strip())
        note = there.git_status("notes", "--ref=regen", "list", "HEAD", ok=(0, 1))[0] == 0
        wanted = (there.config("regen.trailers") or "").lower() not in ("false", "no", "off", "0")
        lacks = [name for name, has in (("trailer", trailer or not wanted), ("note", note)) if not has]
        problem = f"hooks fired, and the commit has no {' and no '.join(lacks)}" if lacks else ""
        if not records:
            event = "post-commit" if prepares else "prepare-commit-msg"
            problem = f"hooks do not fire: ours for {event} did not run"
        return replace(proof, trailer=trailer, note=note, problem=problem)

    def _await_flush(self, data: Path) -> None:
        """Wait until the flush in the background has made the note."""
        end = time.monotonic() + _WAIT_S
        while time.monotonic() < end and any((data / name).exists() for name in ("marks", "marks.taken")):
            time.sleep(_STEP_S)

    def _git(self, *args: str) -> Completed:
        # No signature, which could ask for a passphrase, and no work of git's own in the background.
        plain = ("-c", "commit.gpgSign=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
        return run(["git", *plain, "-c", "core.fsmonitor=false", *args], cwd=self.top, env=self.env)

    def _commit(self, text: str, *options: str) -> tuple[Completed, float]:
        """Commit a file; return how that ended and its milliseconds."""
        (self.top / "proof").write_text(text + "\n")
        self._git("add", "proof")
        start = time.perf_counter()
        # Checks of the project would fail here, where its files are not.
        done = self._git(*options, "commit", "-q", "--no-verify", "-m", "Prove that hooks fire")
        return done, (time.perf_counter() - start) * 1000

    def _make(self) -> float:
        """Make the repository with the managers' files in it, and return what a commit takes there."""
        self.top.mkdir()
        self._git("init", "-q", "--template=")
        for name in _FILES:
            _copy(self.worktree / name, self.top / name)
        plain = ("-c", "core.hooksPath=/dev/null")
        self._git("add", "-A")
        self._git(*plain, "commit", "-q", "--no-verify", "--allow-empty", "-m", "Start")
        return self._commit("bare", *plain)[1]

    def _take_over(self) -> None:
        """Give the repository hooks and settings like those of the other."""
        git_dir = self.top / ".git"
        for name in ("hooks", "info"):
            _copy(self.repo.common_dir / name, git_dir / name)
        for name in _DATA:
            _copy(self.repo.data_dir / name, git_dir / "regen" / name)
        for key, value in self._settings():
            self._git("config", "--add", key, value)
        hooks = self.repo.config("core.hooksPath")
        if hooks is not None:
            self._git("config", "core.hooksPath", hooks)
            if not Path(hooks).expanduser().is_absolute():
                _copy(self.worktree / hooks, self.top / hooks)
        modules = self.worktree / "node_modules"
        if modules.is_dir():
            # Where husky and lefthook are installed.
            (self.top / "node_modules").symlink_to(modules)

    def _settings(self) -> Iterator[tuple[str, str]]:
        """Yield the repository's own settings that bear on hooks; the user's hold there as well."""
        out = self.repo.git("config", "--null", "--list", "--show-scope")
        words = iter(out.decode("utf-8", "surrogateescape").split("\0"))
        for scope, item in zip(words, words, strict=False):
            key, newline, value = item.partition("\n")
            if scope in ("local", "worktree") and _SETTINGS.fullmatch(key):
                yield key, value if newline else "true"

    def _program(self) -> str | None:
        """Return the program that hooks call, found as they find it."""
        found = shutil.which("git-regen")
        if found:
            return found
        try:
            named = os.fsdecode((self.repo.data_dir / "command").read_bytes()).strip()
        except OSError:
            return None
        return named if named and os.access(named, os.X_OK) else None


def _said(done: Completed) -> str:
    return os.fsdecode(done.stdout + done.stderr).strip()


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder, if it is there and the copy is not."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore_dangling_symlinks=True)
    elif source.is_file():
        shutil.copy2(source, target)
