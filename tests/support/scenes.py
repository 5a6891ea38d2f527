"""What is ended, and what must hold afterwards: each scene is one command on a repository made for it.

``check`` looks first at what the kill left, as it is, and then goes on as a person would: removes git's lock
where git says so, runs the command again, and looks whether everything came to what it comes to unharmed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.capture import matching
from regen_git.capture.flush import flush
from regen_git.capture.inbox import Inbox
from regen_git.capture.setup import set_up
from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.git.repository import Repository
from regen_git.ledger.store import INTENTS_REF, Ledger
from regen_git.llm.prices import lookup
from support.builder import RepoBuilder
from support.histories import AsBefore, History
from support.killing import Victim, run_to_end
from support.model_server import Answer, ModelServer
from support.spoiling import spoil_reply

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SCENES",
    "Adopts",
    "Captures",
    "Commits",
    "Flushes",
    "Pays",
    "Records",
    "Replays",
    "Scene",
    "Syncs",
]

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
from regen_git.cli.main import main
main()
"""
FIRST, SECOND = "Add a greeting to the program", "And make it polite"


@dataclass
class Scene:
    """A folder with a repository in it, ``<folder>/repo``; each case works on a copy of its own."""

    folder: Path
    name = ""

    def __post_init__(self) -> None:
        self.bin = self.folder / "bin"
        self.bin.mkdir(parents=True)
        program = self.bin / "git-regen"
        program.write_text(_PROGRAM.format(python=sys.executable, root=str(ROOT)))
        program.chmod(0o755)
        self.template = self.folder / "template"
        (self.template / "data").mkdir(parents=True)
        self.made = RepoBuilder.init(self.template / "repo", "--template=")
        (self.template / "repo/.git/hooks").mkdir()
        self.build()

    def build(self) -> None:
        """Make the repository."""

    def victim(self, case: Path) -> Victim:
        """Return what is to be ended."""
        raise NotImplementedError

    def check(self, case: Path) -> None:
        """Raise ``AssertionError`` unless everything that was promised holds."""

    def copy(self, number: int) -> Path:
        """Return a copy of the template."""
        case = self.folder / f"case-{number}"
        shutil.copytree(self.template, case, symlinks=True)
        return case

    # --- means -----------------------------------------------------------------------------------------

    def env(self, case: Path) -> dict[str, str]:
        return {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "XDG_DATA_HOME": str(case / "data"),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def command(self, case: Path, *argv: str, stdin: bytes = b"", **more: Any) -> Victim:
        return Victim(argv, case / "repo", stdin, self.env(case), **more)

    def regen(self, case: Path, *args: str, stdin: bytes = b"") -> Victim:
        return self.command(case, sys.executable, "-m", "regen_git", *args, stdin=stdin)

    def run(self, victim: Victim, *ok: int) -> tuple[str, str]:
        status, out, err = run_to_end(victim)
        if status not in (ok or (0,)):
            raise AssertionError(f"{victim.argv} gave {status}: {out.decode()}{err.decode()}")
        return out.decode(), err.decode()

    def captured(self, case: Path, event: str, key: str, **fields: Any) -> Victim:
        """Return the call that Claude Code would make."""
        payload = {
            "session_id": "s1",
            "transcript_path": "/home/dev/.claude/projects/-w/s1.jsonl",
            "cwd": str(case / "repo"),
            "hook_event_name": event,
            "prompt_id": key,
            **fields,
        }
        victim = self.regen(case, "capture", "--agent", "claude", stdin=json.dumps(payload).encode())
        env = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s1", **victim.env}
        return Victim(victim.argv, victim.cwd, victim.stdin, env)

    def prompt(self, case: Path, key: str, text: str) -> Victim:
        return self.captured(case, "UserPromptSubmit", key, prompt=text)

    def edit(self, case: Path, key: str, name: str, content: str) -> Victim:
        path = case / "repo" / name
        path.write_text(content)
        tool = {"file_path": str(path), "content": content}
        return self.captured(case, "PostToolUse", key, tool_name="Write", tool_input=tool)

    @staticmethod
    def repo(case: Path) -> RepoBuilder:
        return RepoBuilder(case / "repo")

    def texts(self, case: Path) -> str:
        """Return everything that is kept of what was typed: inbox, what was put aside, notes."""
        opened = Repository.open(case / "repo")
        inboxes = [opened.data_dir, *(path.parent for path in (case / "data").rglob("inbox.jsonl"))]
        kept = [entry.text for folder in inboxes for entry in Inbox(str(folder)).read()]
        blobs = note_blobs(opened, read_ref(opened, INTENTS_REF))
        kept += [opened.objects.blob(blob).decode() for _, blob in blobs.values()]
        return "\n".join(kept)

    def sound(self, case: Path) -> None:
        """Look at git's own state, and remove the locks that a killed git leaves, as git itself says."""
        ours = case / "repo/.git/regen"
        for lock in (case / "repo/.git").rglob("*.lock"):
            if lock.parent != ours:
                lock.unlink()
        self.repo(case).git("fsck", "--connectivity-only", "--no-dangling", "--no-progress")

    def flush(self, case: Path) -> None:
        """Write what is due, without waiting for what hooks might still do."""
        before, matching.YOUNG = matching.YOUNG, 0
        try:
            flush(Repository.open(case / "repo"))
        finally:
            matching.YOUNG = before

    def note(self, case: Path) -> str:
        opened = Repository.open(case / "repo")
        view = Ledger(opened).of(opened.resolve("HEAD"))
        return "\n".join(p.text for intent in view.intents.values() for p in intent.prompts)


@dataclass
class _Lab(Scene):
    """A repository with hooks, and an agent that was asked once and has written a file."""

    def build(self) -> None:
        self.made.commit("Start", {"README": "hello\n"})
        set_up(self.made.opened)
        self.run(self.prompt(self.template, "p1", FIRST))
        self.run(self.edit(self.template, "p1", "hello.py", "print('hello')\n"))


@dataclass
class Captures(_Lab):
    """An agent reports a prompt."""

    name = "capture"

    def victim(self, case: Path) -> Victim:
        return self.prompt(case, "p2", SECOND)

    def check(self, case: Path) -> None:
        assert FIRST in self.texts(case)
        self.run(self.prompt(case, "p2", SECOND))
        typed = [e.text for e in Inbox(str(case / "repo/.git/regen")).read() if e.kind == "prompt"]
        assert typed == [FIRST, SECOND]
        repo = self.repo(case)
        repo.git("add", "-A")
        self.run(self.command(case, "git", "commit", "-q", "-m", "Greet"))
        self.flush(case)
        assert FIRST in self.note(case)
        assert SECOND in self.texts(case)


@dataclass
class Edits(_Lab):
    """An agent reports that it has written a file."""

    name = "capture of an edit"

    def victim(self, case: Path) -> Victim:
        return self.edit(case, "p1", "polite.py", "print('dear')\n")

    def check(self, case: Path) -> None:
        assert FIRST in self.texts(case)
        self.sound(case)
        self.run(self.edit(case, "p1", "polite.py", "print('dear')\n"))
        self.repo(case).git("add", "-A")
        self.run(self.command(case, "git", "commit", "-q", "-m", "Greet"))
        self.flush(case)
        assert FIRST in self.note(case)


@dataclass
class Records(_Lab):
    """A person records a prompt by hand."""

    name = "record"

    def victim(self, case: Path) -> Victim:
        return self.regen(case, "record", SECOND)

    def check(self, case: Path) -> None:
        assert FIRST in self.texts(case)
        if SECOND not in self.texts(case):
            self.run(self.regen(case, "record", SECOND))
        self.repo(case).git("add", "-A")
        self.run(self.command(case, "git", "commit", "-q", "-m", "Greet"))
        self.flush(case)
        assert FIRST in self.note(case)
        # Ended before the hooks were told of it, a record waits for the commit after this one.
        assert SECOND in self.texts(case)


@dataclass
class Commits(_Lab):
    """A person commits what the agent wrote, with all hooks; the note is written in the background.

    ``only_this``: without the commit after it.
    """

    name = "commit"
    only_this: bool = False

    def build(self) -> None:
        super().build()
        self.made.git("add", "-A")

    def victim(self, case: Path) -> Victim:
        return self.command(case, "git", "commit", "-q", "-m", "Greet", hooks=True)

    def check(self, case: Path) -> None:
        assert FIRST in self.texts(case)
        self.sound(case)
        repo = self.repo(case)
        if repo.git("rev-list", "--count", "HEAD") == "1":
            self.run(self.command(case, "git", "commit", "-q", "-m", "Greet"))
        assert repo.git("show", "HEAD:hello.py") == "print('hello')"
        assert repo.git("log", "-1", "--format=%s") == "Greet"
        self.flush(case)
        assert FIRST in self.note(case)
        assert "Regen-Intent: " in repo.git("log", "-1", "--format=%B")
        if self.only_this:
            return
        # What comes next is not disturbed by what was left behind.
        self.run(self.prompt(case, "p2", SECOND))
        self.run(self.edit(case, "p2", "polite.py", "print('dear')\n"))
        repo.git("add", "-A")
        self.run(self.command(case, "git", "commit", "-q", "-m", "Polite"))
        self.flush(case)
        assert self.note(case) == SECOND
        assert repo.git("status", "--porcelain") == ""


@dataclass
class Flushes(_Lab):
    """The note of a commit is written."""

    name = "flush"

    def build(self) -> None:
        super().build()
        repo = self.made
        (repo.path / ".git/regen/command").write_text("/bin/true\n")
        (self.bin / "git-regen").rename(self.bin / "away")
        repo.git("add", "-A")
        self.run(self.command(self.template, "git", "commit", "-q", "-m", "Greet"))
        (self.bin / "away").rename(self.bin / "git-regen")
        assert (repo.path / ".git/regen/marks").exists()

    def victim(self, case: Path) -> Victim:
        return self.regen(case, "hook", "flush")

    def check(self, case: Path) -> None:
        assert FIRST in self.texts(case)
        self.sound(case)
        self.flush(case)
        assert self.note(case) == FIRST
        left = {path.name for path in (case / "repo/.git/regen").iterdir()}
        assert not {name for name in left if name.startswith("marks")}


@dataclass
class Replays(Scene):
    """History is rebuilt from what history holds, every commit anew."""

    name = "replay"
    tip: str = ""

    def build(self) -> None:
        history = History(self.made)
        history.by_hand("Start", {"README": "hello\n"})
        for number in range(6):
            history.asked(f"Write file {number}.", {f"m{number}.py": f"value = {number}\n"})
            if number == 3:
                self.made.git("checkout", "-q", "-b", "side")
            history.by_hand(f"Note {number}", {"notes.txt": f"{number}\n"})
        self.made.git("checkout", "-q", "main")
        history.by_hand("Beside", {"beside.txt": "x\n"})
        self.made.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
        case = self.copy(0)
        self.run(self.victim(case))
        self.tip = self.repo(case).git("rev-parse", "regen/original")
        self.before = self.standing(case)
        shutil.rmtree(case)

    def victim(self, case: Path) -> Victim:
        return self.regen(case, "replay", "--model", "original", "--rewrite")

    def standing(self, case: Path) -> tuple[Any, ...]:
        """Return what is the user's: branches, HEAD, index and files."""
        repo = self.repo(case)
        index = (case / "repo/.git/index").read_bytes()
        refs = repo.git(
            "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/main", "refs/heads/side"
        )
        files = {
            str(path.relative_to(repo.path)): path.read_bytes()
            for path in repo.path.rglob("*")
            if path.is_file() and ".git" not in path.parts
        }
        return refs, repo.git("symbolic-ref", "HEAD"), index, files

    def check(self, case: Path) -> None:
        assert self.standing(case) == self.before
        self.sound(case)
        started = (case / "repo/.git/regen/replays/original/plan.json").exists()
        again = self.regen(case, "replay", "--resume", "original") if started else self.victim(case)
        self.run(again)
        assert self.repo(case).git("rev-parse", "regen/original") == self.tip
        assert self.standing(case) == self.before
        assert self.repo(case).git("for-each-ref", "refs/regen/progress") == ""


@dataclass
class Pays(Replays):
    """A model is asked over the network, within a budget.

    The server bills each question that arrives for the longest possible answer. Every other case has just
    enough for one undisturbed run: whoever forgets a call that was lost asks for more than that.
    """

    name = "replay with a model"
    billed: dict[str, float] = field(default_factory=dict)
    refused: int = 0

    def build(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[str, str] = {}
        self._case = ""
        price = lookup("openai/gpt-5")
        assert price is not None
        self._price = price
        self._server = ModelServer(self._answer)
        self._server.__enter__()
        self._cost = 0.0
        self.budget = 1.0
        self._history = History(self.made)
        history = self._history
        history.by_hand("Start", {"README": "hello\n"})
        for number in range(4):
            history.asked(f"Write file {number}.", {f"m{number}.py": f"value = {number}\n"})
        before = AsBefore(history)
        self._answers = {intent: before.answer(intent) for intent in history.by_intent}
        self.made.git("branch", "side")
        case = self.copy(0)
        self.run(self.victim(case))
        self._cost = self.billed.pop(self._case)
        self.tip = self.repo(case).git("rev-parse", "regen/gpt-5")
        self.before = self.standing(case)
        shutil.rmtree(case)

    def close(self) -> None:
        self._server.__exit__(None, None, None)

    def _answer(self, body: Mapping[str, Any]) -> Answer:
        text = body["messages"][-1]["content"]
        intent = next(each for each in self._answers if f"Intent {each}" in text)
        prompt = sum(len(str(m["content"]).encode()) for m in body["messages"])
        most = int(body.get("max_tokens") or body["max_completion_tokens"])
        with self._lock:
            # The case is in the key, so that a late question is billed to who asked it.
            cost = self._price.cost(prompt, most)
            self.billed[self._case] = self.billed.get(self._case, 0.0) + cost
        usage = {"prompt_tokens": prompt, "completion_tokens": most, "total_tokens": prompt + most}
        return Answer(self._answers[intent], usage=usage, delay_s=0.05)

    def env(self, case: Path) -> dict[str, str]:
        return {**super().env(case), "OPENAI_API_KEY": "unused", "OPENAI_API_BASE": self._server.url}

    def victim(self, case: Path) -> Victim:
        self._case = case.name
        if self._cost:
            self.budget = self._cost * (1.9 if int(case.name.partition("-")[2]) % 2 else 1.1)
        args = ["--model", "openai/gpt-5", "--max-tokens", "2000", "--jobs", "2"]
        return self.regen(case, "replay", *args, "--budget", str(self.budget))

    def check(self, case: Path) -> None:
        assert self.standing(case) == self.before
        self.sound(case)
        started = (case / "repo/.git/regen/replays/gpt-5/plan.json").exists()
        again = self.regen(case, "replay", "--resume", "gpt-5") if started else self.victim(case)
        status, out, err = run_to_end(again)
        spent = self.billed.pop(self._case, 0.0)
        assert spent <= self.budget, f"billed {spent}, budget {self.budget}"
        if status == 3 and b"is left" in err:
            self.refused += 1
            return
        assert status == 0, (out + err).decode()
        assert self.repo(case).git("rev-parse", "regen/gpt-5") == self.tip
        assert self.standing(case) == self.before


@dataclass
class Syncs(Scene):
    """The ledger is united with that of a remote where somebody else has written, and pushed."""

    name = "sync"

    def build(self) -> None:
        self.made.commit("Start", {"README": "hello\n"})
        remote = self.template / "remote.git"
        self.made.git("init", "-q", "--bare", "--template=", str(remote))
        self.made.git("remote", "add", "origin", "../remote.git")
        self.made.git("push", "-q", "origin", "main")
        other = self.folder / "other"
        self.made.git("clone", "-q", str(remote), str(other / "repo"))
        self.run(self.regen(other, "record", "--commit", "HEAD", SECOND))
        self.run(self.regen(other, "sync", "origin", "--yes"))
        self.run(self.regen(self.template, "record", "--commit", "HEAD", FIRST))

    def victim(self, case: Path) -> Victim:
        return self.regen(case, "sync", "origin", "--yes")

    def check(self, case: Path) -> None:
        assert FIRST in self.texts(case)
        self.sound(case)
        remote = RepoBuilder(case / "remote.git")
        for lock in remote.path.rglob("*.lock"):
            lock.unlink()
        remote.git("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
        self.run(self.victim(case))
        here = self.repo(case).git("notes", "--ref=regen", "show", "HEAD")
        assert FIRST in here
        assert SECOND in here
        assert remote.git("notes", "--ref=regen", "show", "main") == here


@dataclass
class Adopts(Scene):
    """A rebuilt tree becomes one commit on top of the branch."""

    name = "adopt"
    history: bool = False

    def build(self) -> None:
        history = History(self.made)
        history.by_hand("Start", {"README.md": "x\n", "pkg/other.py": "other = 1\n"})
        files = {f"{name}.py": f"{name} = 1\n" * 40 for name in ("one", "two", "three")}
        history.asked("Write three.", {"pkg/old.py": "old = 1\n", **files})
        history.asked("Move it.", {"pkg/old.py": None, "new/deep/file.py": "deep = 1\n"})
        history.regen("replay", "--model", "original", "--rewrite", "--name", "r")
        spoil_reply(history, "one = 1\n", "one = 11\n")
        spoil_reply(history, "two = 1\n", f"two = 12  # {'far ' * 500}\n")
        spoil_reply(history, "DELETE pkg/old.py", "DELETE pkg/other.py")
        history.regen("replay", "--model", "original", "--rewrite", "--name", "r", "--locked")
        self.made.git("update-index", "--refresh")
        self.old = self.made.git("rev-parse", "HEAD")
        self.tree = self.made.git("rev-parse", "regen/r^{tree}")
        assert self.made.git("diff", "--name-only", "HEAD", "regen/r").count("\n") >= 3

    def victim(self, case: Path) -> Victim:
        return self.regen(case, "adopt", "r", "--force", *(["--history"] if self.history else []))

    def check(self, case: Path) -> None:
        repo = self.repo(case)
        status, _, err = run_to_end(self.victim(case))
        if status == 3 and b".lock'" in err:
            assert b"hint: if no other git is at work here" in err, err
            self.sound(case)
            status, _, err = run_to_end(self.victim(case))
        done = b"nothing to adopt" in err or b"has moved since" in err
        assert status == 0 or (status == 3 and done), err
        head = repo.git("rev-parse", "HEAD")
        assert repo.git("rev-parse", "HEAD^{tree}") == self.tree
        assert (
            head == repo.git("rev-parse", "regen/r")
            if self.history
            else self.old == repo.git("rev-parse", "HEAD~1")
        )
        assert repo.git("status", "--porcelain", "--untracked-files=all") == ""
        assert not (case / "repo/.git/regen-adopting.json").exists()
        self.sound(case)


@dataclass
class AdoptsHistory(Adopts):
    """The branch itself moves to the rebuilt history."""

    name = "adopt --history"
    history: bool = True


SCENES: tuple[type[Scene], ...] = (
    Captures,
    Edits,
    Records,
    Commits,
    Flushes,
    Syncs,
    Replays,
    Pays,
    Adopts,
    AdoptsHistory,
)
