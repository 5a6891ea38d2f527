"""A repository with hooks and an agent in it: payloads as Claude Code sends them, real git, real sh.

A folder of tests imports ``Lab`` and the two fixtures into its conftest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from regen_git.capture.flush import flush
from regen_git.capture.inbox import Inbox
from regen_git.capture.install import HOOKS
from regen_git.git.repository import Repository
from regen_git.ledger.store import Ledger, NoteView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_HOOKS = (
    "-c",
    "core.hooksPath=/dev/null",
    *(word for name in HOOKS for word in ("-c", f"hook.regen-{name}.enabled=false")),
)
"""What git is told so that it runs no hook, neither from a folder nor from its configuration."""

_PROGRAM = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
from regen_git.cli.main import main
main()
"""


@dataclass
class Lab:
    """One worktree in which people commit and agents work."""

    path: Path
    bin: Path
    env: dict[str, str] = field(default_factory=dict)
    turns: int = 0

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            list(args),
            cwd=cwd or self.path,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            check=False,
            env={**os.environ, **self.env, **(env or {})},
        )

    def git(self, *args: str, env: Mapping[str, str] | None = None, stdin: bytes | None = None) -> str:
        done = self.run("git", *args, env=env, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return os.fsdecode(done.stdout).rstrip("\n")

    def regen(self, *args: str, stdin: bytes | None = None) -> str:
        done = self.run("git-regen", *args, stdin=stdin)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def send(self, event: str, *, session: str = "s1", cwd: Path | None = None, **fields: Any) -> None:
        """Hand one payload to ``git regen capture`` as Claude Code does."""
        payload = {
            "session_id": session,
            "transcript_path": f"/home/dev/.claude/projects/-w/{session}.jsonl",
            "cwd": str(cwd or self.path),
            "hook_event_name": event,
            **fields,
        }
        env = {
            "CLAUDECODE": "1",
            "CLAUDE_CODE_SESSION_ID": session,
            "AI_AGENT": "claude-code_2-1-197_harness",
        }
        done = self.run(
            "git-regen",
            "capture",
            "--agent",
            "claude",
            stdin=json.dumps(payload).encode(),
            env=env,
            cwd=Path("/"),
        )
        assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
        assert not Path(self.data, "log").exists(), Path(self.data, "log").read_text()

    def prompt(self, text: str, *, session: str = "s1", **fields: Any) -> str:
        """Type a prompt; return its id."""
        self.turns += 1
        key = f"prompt-{self.turns}"
        self.send("UserPromptSubmit", session=session, prompt_id=key, prompt=text, **fields)
        return key

    def edit(self, prompt: str, name: str, content: str, *, session: str = "s1", **fields: Any) -> None:
        """Let the agent write a file on a prompt."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        tool: dict[str, Any] = {
            "tool_name": "Write",
            "tool_input": {"file_path": str(path), "content": content},
        }
        self.send("PostToolUse", session=session, prompt_id=prompt, **tool, **fields)

    def stop(self, prompt: str, said: str = "Done.", *, session: str = "s1") -> None:
        self.send("Stop", session=session, prompt_id=prompt, last_assistant_message=said)

    def commit(self, message: str, *args: str, env: Mapping[str, str] | None = None) -> tuple[str, str]:
        """Commit what is staged; return the commit and what the hooks said."""
        done = self.run("git", "commit", "-q", "-m", message, *args, env=env)
        assert done.returncode == 0, done.stderr.decode()
        return self.git("rev-parse", "HEAD"), done.stderr.decode()

    def trailers(self, rev: str = "HEAD") -> list[str]:
        return self.git(
            "log", "-1", "--format=%(trailers:key=Regen-Intent,valueonly,separator=%x20)", rev
        ).split()

    @property
    def repo(self) -> Repository:
        return Repository.open(self.path)

    @property
    def data(self) -> Path:
        return self.repo.data_dir

    def note(self, rev: str = "HEAD") -> NoteView:
        """Flush, as the hook does in the background, and return what the ledger says of a commit."""
        flush(self.repo)
        return Ledger(self.repo).of(self.git("rev-parse", rev))

    def texts(self, rev: str = "HEAD") -> list[str]:
        return [prompt.text for intent in self.note(rev).intents.values() for prompt in intent.prompts]

    def waiting(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.regen("status", "--json"))["inbox"]
        return found

    def inbox(self) -> Inbox:
        return Inbox(str(self.data))

    def let_hooks_finish(self) -> None:
        """Wait until the flush in the background has dealt with every mark."""
        for _ in range(400):
            if not (self.data / "marks").exists() and not (self.data / "marks.taken").exists():
                return
            time.sleep(0.02)
        raise AssertionError("the flush in the background has not come to an end")


@pytest.fixture
def bare_lab(tmp_path: Path, repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Return a repository without hooks, with git-regen on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "git-regen"
    program.write_text(_PROGRAM.format(python=sys.executable, root=str(ROOT)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Lab(repo.path, folder)


@pytest.fixture
def lab(bare_lab: Lab) -> Lab:
    """Return a repository with hooks and one commit."""
    from regen_git.capture.setup import set_up

    (bare_lab.path / "README").write_text("hello\n")
    bare_lab.git("add", "-A")
    bare_lab.git("commit", "-q", "-m", "Start")
    set_up(bare_lab.repo)
    return bare_lab
