"""Play what real agents did: their payloads through ``capture``, their commits through the hooks, in order.

The recordings lie beside the repository; where they do not, there is nothing to play. Files change as the
recorded tools changed them, transcripts grow as they grew, and commits are made in the environment in which
the agent's shell made them.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import yaml

from regen_git.agents import load
from regen_git.capture.fast import main as capture
from regen_git.capture.flush import flush
from regen_git.git.repository import Repository
from regen_git.importers.sessions import import_sessions
from support.plugged import NODE, happened_in, run_plugin

if TYPE_CHECKING:
    import pytest

    from support.lab import Lab

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "agent-fixtures"
EXPECTED = Path(__file__).resolve().parents[1] / "agents" / "expected"

HOME = "/home/dev"
WORK = "/home/dev/work/hello"
"""Where the recorded person lived and worked."""

_NOT_KEPT = re.compile(r"GIT_(?:AUTHOR|EXEC_PATH|INDEX_FILE|PREFIX|EDITOR|PAGER|ASKPASS|SEQUENCE|SSH)")
TRANSCRIPTS = {
    "claude": (".claude/projects", "transcripts"),
    "codex": (".codex/sessions", "sessions"),
    "gemini": (".gemini/tmp", "tmp"),
    "qwen": (".qwen/projects", "projects"),
    "copilot": (".copilot/session-state", "session-state"),
    "droid": (".factory/sessions", "sessions"),
    "pi": (".pi/agent/sessions", "sessions"),
    "continue": (".continue/sessions", "sessions"),
}
_PLUGGED = ("opencode", "pi")


@dataclass(frozen=True)
class Recording:
    """One log of one agent; ``name`` is that of the table of what is expected of it."""

    name: str
    agent: str
    folder: Path

    def expected(self) -> list[tuple[str, list[str]]]:
        """Return, for each commit, oldest first, its subject and its prompts, as written down by hand."""
        table = yaml.safe_load((EXPECTED / f"{self.name}.yaml").read_text("utf-8"))
        return [(row["commit"], [text.strip() for text in row["prompts"]]) for row in table]


def recordings() -> list[Recording]:
    """Return every recording of which a table of expected prompts exists; those of plugins play in node."""
    found = []
    for path in sorted(EXPECTED.glob("*.yaml")):
        agent, _, mode = path.stem.partition("-")
        folder = FIXTURES / agent / mode
        if (folder / "hooks.jsonl").exists() and (NODE or agent not in _PLUGGED):
            found.append(Recording(path.stem, agent, folder))
    return found


class Player:
    """Plays one recording in a lab; ``home`` stands for the recorded home folder."""

    def __init__(self, recording: Recording, lab: Lab, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.recording = recording
        self.lab = lab
        self.home = home
        self._patch = patch
        self._commits = 0

    def play(self) -> None:
        lines = _lines(self.recording.folder / "hooks.jsonl")
        if self.recording.agent in _PLUGGED:
            self._plug(lines)
        made = [("git", line) for line in _lines(self.recording.folder / "githooks.jsonl")]
        events = sorted([*(("hook", line) for line in lines), *made], key=lambda one: one[1]["time"])
        for kind, line in events:
            if kind == "hook" and "stdin" in line:
                self._payload(line)
            elif kind == "hook" and "told" in line:
                self._told(line)
            elif kind == "git" and line["argv"][0] in (
                "prepare-commit-msg",
                "config-hook-repository:post-commit",
            ):
                self._commit(line)

    def import_sessions(self) -> None:
        """Take what no hook tells from the agent's transcripts, as ``git regen import`` does."""
        there, kept = TRANSCRIPTS[self.recording.agent]
        told = (self.recording.folder / "commits.txt").read_text("utf-8")
        recorded = re.findall(r"^commit ([0-9a-f]{40})$", told, re.MULTILINE)
        # The agent's shell printed the ids of the recorded commits.
        ours = dict(zip(recorded, self.lab.git("log", "--format=%H").splitlines(), strict=True))
        for source in (self.recording.folder / kept).rglob("*"):
            target = self.home / there / source.relative_to(self.recording.folder / kept)
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                text = self._moved(source.read_text("utf-8"))
                for old, new in ours.items():
                    text = text.replace(old[:7], new[:7])
                target.write_text(text, "utf-8")
        import_sessions(Repository.open(self.lab.path), [self.recording.agent])

    def _plug(self, lines: list[dict[str, Any]]) -> None:
        """Add to each line what our plugin told when that happened."""
        agent = self.recording.agent
        told, _ = run_plugin(agent, happened_in(agent, lines), self.lab.path.parent / "plugin")
        for place, payload in told:
            lines[place].setdefault("told", []).append(payload)

    def _told(self, line: dict[str, Any]) -> None:
        given = (line.get("input") or line.get("event") or {}).get("args" if "input" in line else "input")
        if isinstance(given, dict):
            apply_tool(json.loads(self._moved(json.dumps(given))), self.lab.path)
        for payload in line["told"]:
            self.send(self._moved(json.dumps(payload)).encode(), {})

    def _payload(self, line: dict[str, Any]) -> None:
        payload = json.loads(self._moved(line["stdin"]))
        self._grow(payload, line.get("transcript_at_event"))
        self._write(payload, line["argv"][0])
        if not self._is_registered(line["argv"][0].rpartition(":")[2], payload):
            return
        env = {name: self._moved(value) for name, value in line["env"].items()}
        self.send(json.dumps(payload).encode(), env)

    def send(self, raw: bytes, env: dict[str, str], agent: str = "") -> None:
        """Hand a payload to capture in this process; it must print nothing."""
        with self._patch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            said = io.StringIO()
            patch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
            patch.setattr(sys, "stdout", said)
            # The notes are asked for at the end; a process of its own would outlive the test.
            patch.setattr("regen_git.capture.marks.start_flush", lambda _: None)
            assert capture(["capture", "--agent", agent or self.recording.agent]) == 0
        assert said.getvalue() == ""
        log = self.lab.data / "log"
        assert not log.exists(), log.read_text()

    def _is_registered(self, event: str, payload: dict[str, Any]) -> bool:
        """Return whether our entry in the agent's settings would have let this through."""
        settings = load(self.recording.agent).SETTINGS
        if settings is None:
            return False
        if event not in settings.events:
            return False
        matcher = settings.events[event]
        tool = payload.get("tool_name") or payload.get("toolName") or ""
        return not matcher or re.fullmatch(matcher, str(tool)) is not None

    def _moved(self, text: str) -> str:
        return text.replace(WORK, str(self.lab.path)).replace(HOME, str(self.home))

    def _grow(self, payload: dict[str, Any], state: dict[str, Any] | None) -> None:
        """Let the transcript be as long as it was at this event."""
        path = payload.get("transcript_path") or payload.get("transcriptPath")
        if not isinstance(path, str) or not path or state is None:
            return
        there, kept = TRANSCRIPTS[self.recording.agent]
        source = self.recording.folder / kept / os.path.relpath(path, self.home / there)
        target = Path(path)
        if not state.get("exists") or not source.exists():
            target.unlink(missing_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        lines = source.read_text("utf-8").splitlines(keepends=True)[: state.get("lines") or 0]
        target.write_text(self._moved("".join(lines)), "utf-8")
        for beside in source.parent.glob(f"{source.stem}.*"):
            if beside != source and beside.is_file():
                shutil.copy(beside, target.parent / beside.name)

    def _write(self, payload: dict[str, Any], label: str) -> None:
        """Do to the files what the recorded tool did."""
        if not re.search(r"(?i)posttooluse$|aftertool$", label):
            return
        given = payload.get("tool_input", payload.get("toolArgs"))
        if isinstance(given, str):
            try:
                given = json.loads(given)
            except ValueError:
                given = {"input": given}
        if isinstance(given, dict):
            apply_tool(given, self.lab.path)

    def _commit(self, line: dict[str, Any]) -> None:
        """Commit everything, as the agent's shell did."""
        wanted = [subject for subject, _ in self.recording.expected()[1:]]
        undone = self._commits >= len(wanted)
        subject = "Undone" if undone else wanted[self._commits]
        self._commits += 1
        env = {n: self._moved(v) for n, v in line["env"].items() if not _NOT_KEPT.match(n)}
        env.pop("GIT_CONFIG_GLOBAL", None)
        self._aider()
        if load(self.recording.agent).SETTINGS is None:
            (self.lab.path / "hello.py").write_text(f"print('{self._commits}')\n")
            env |= dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"@{int(line['time'])} +0000")
        self.lab.git("add", "-A")
        self.lab.git("reset", "-q", "--", ".aider*")
        command = ["git", "commit", "-q", "-m", subject]
        names = [ancestor[0] for ancestor in line.get("ancestors", [])]
        if "droid" in names:
            program = self.lab.bin / "droid"
            program.write_text('#!/bin/sh\n"$@"\n')
            program.chmod(0o755)
            command.insert(0, "droid")
        done = self.lab.run(*command, env=env)
        assert done.returncode == 0, done.stderr.decode()
        if self.recording.agent == "aider":
            # Seconds passed until its next commit, in which the notes were written.
            flush(Repository.open(self.lab.path))
        if undone:
            self.lab.git("reset", "-q", "--hard", "HEAD~1")

    def _aider(self) -> None:
        """Let aider's history be what it was just before this commit."""
        if self.recording.agent != "aider":
            return
        history = (self.recording.folder / ".aider.chat.history.md").read_text("utf-8")
        ends = [found.start() for found in re.finditer(r"^> Commit [0-9a-f]{7} ", history, re.MULTILINE)]
        (self.lab.path / ".aider.chat.history.md").write_text(history[: ends[self._commits - 1]], "utf-8")
        shutil.copy(self.recording.folder / ".aider.input.history", self.lab.path)
        (self.lab.path / "hello.py").write_text(f"print('{self._commits}')\n")


def apply_tool(given: dict[str, Any], top: Path) -> None:
    """Apply what a tool was given: a whole file, a replacement, or a patch in Codex's form."""
    path = next(
        (given[name] for name in ("file_path", "path", "filePath", "filepath") if given.get(name)), None
    )
    content = next(
        (given[name] for name in ("content", "file_text") if isinstance(given.get(name), str)), None
    )
    for edit in given["edits"] if isinstance(given.get("edits"), list) else []:
        apply_tool({"path": path, **edit}, top)
    old = next(
        (given[name] for name in ("old_string", "old_str", "oldString", "oldText") if name in given), None
    )
    new = next(
        (given[name] for name in ("new_string", "new_str", "newString", "newText") if name in given), ""
    )
    if isinstance(path, str) and content is not None:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(content, "utf-8")
    elif isinstance(path, str) and isinstance(old, str) and (top / path).exists():
        (top / path).write_text((top / path).read_text("utf-8").replace(old, new, 1), "utf-8")
    patch = next((v for v in given.values() if isinstance(v, str) and "*** Begin Patch" in v), None)
    if patch is not None:
        _apply_patch(patch, top)


def _apply_patch(patch: str, top: Path) -> None:
    for part in re.split(r"^\*\*\* (?=Add|Update|Delete)", patch, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind, _, name = head.partition(" File: ")
        path = top / name.strip()
        rows = [row for row in body.splitlines() if not row.startswith("***")]
        if kind == "Add":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(row[1:] + "\n" for row in rows if row.startswith("+")), "utf-8")
        elif kind == "Delete":
            path.unlink(missing_ok=True)
        elif path.exists():
            gone = "".join(row[1:] + "\n" for row in rows if row.startswith((" ", "-")))
            put = "".join(row[1:] + "\n" for row in rows if row.startswith((" ", "+")))
            path.write_text(path.read_text("utf-8").replace(gone, put, 1), "utf-8")


def load_database(dump: Path, target: Path) -> None:
    """Make a database of a dump."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(target) as database:
        database.executescript(dump.read_text("utf-8"))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
