"""Import what real agents wrote onto commits made as theirs were: the same prompts as by hooks."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from support.builder import RepoBuilder
from support.recordings import HOME, TRANSCRIPTS, WORK, load_database, recordings

from regen_git.agents import load
from regen_git.domain.ids import derived_intent_id
from regen_git.importers.aider import import_aider
from regen_git.importers.sessions import import_sessions
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from support.recordings import Recording

COMMIT = re.compile(
    r"^commit ([0-9a-f]{40})\n(?:.*\n)*?Date: (\S+)\n\n((?:.*\n)*?)\n\n((?: .*\n?)*)", re.MULTILINE
)


class Stage:
    """A home folder and a repository in it like those of the recording, under another name."""

    def __init__(self, recording: Recording, home: Path) -> None:
        self.recording = recording
        self.home = home
        self.repo = RepoBuilder.init(home / "work" / "hello")
        self.changed: dict[str, str] = {WORK: str(self.repo.path), HOME: str(home)}

    def commits(self) -> list[str]:
        """Make the commits that were recorded, with their dates and paths; return them, oldest first."""
        found = []
        told = (self.recording.folder / "commits.txt").read_text("utf-8")
        for sha, date, message, paths in reversed(COMMIT.findall(told)):
            if message.startswith("Notes added"):
                continue
            files = re.findall(r"^ (\S+) +\|", paths, re.MULTILINE)
            self.repo.write(dict.fromkeys(files, f"{sha}\n"))
            self.repo.git("add", "--", *files)
            env = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
            self.repo.git("commit", "-q", "-m", message, env=env)
            found.append(self.repo.git("rev-parse", "HEAD"))
            self.changed[sha[:7]] = found[-1][:7]
        return found

    def transcripts(self) -> None:
        """Put the transcripts where the agent would keep them."""
        agent, source = self.recording.agent, self.recording.folder
        if agent == "aider":
            for name in (".aider.chat.history.md", ".aider.input.history"):
                (self.repo.path / name).write_text(self.moved((source / name).read_text("utf-8")), "utf-8")
            return
        if agent == "opencode":
            dump = self.home / "dump.sql"
            dump.write_text(self.moved((source / "opencode.db.sql").read_text("utf-8")), "utf-8")
            load_database(dump, self.home / ".local" / "share" / "opencode" / "opencode.db")
            return
        there, kept = TRANSCRIPTS[agent]
        shutil.copytree(source / kept, self.home / there)
        if agent == "gemini":
            shutil.copy(source / "projects.json", self.home / ".gemini")
        top = self.home / there.partition("/")[0]
        for path in sorted(top.rglob("*"), reverse=True):
            path.chmod(0o755 if path.is_dir() else 0o644)
            if path.is_file():
                path.write_text(self.moved(path.read_text("utf-8")), "utf-8")
            path.rename(path.with_name(path.name.replace(encoded(WORK), encoded(str(self.repo.path)))))

    def moved(self, text: str) -> str:
        """Return a text with the paths and commits that it has here."""
        for old, new in self.changed.items():
            text = text.replace(old, new)
        return text


def encoded(path: str) -> str:
    return path.replace("/", "-").replace("\\", "-")


@pytest.mark.parametrize("recording", recordings(), ids=lambda recording: recording.name)
def test_recorded_transcripts_give_the_prompts_that_hooks_would(
    recording: Recording, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some agents make folders' names of paths: there must be nothing in it that they write differently.
    home = tmp_path_factory.mktemp("t")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / ".local" / "share"))
    stage = Stage(recording, home)
    made = stage.commits()
    stage.transcripts()
    opened = stage.repo.opened
    agent = recording.agent
    counts = import_aider(opened) if agent == "aider" else import_sessions(opened, [agent])
    expected = [prompts for _, prompts in recording.expected()]
    wanted = expected[-len(made) + 1 :]
    ledger = Ledger(opened)
    found = [
        [prompt.text for intent in ledger.of(commit).intents.values() for prompt in intent.prompts]
        for commit in made
    ]
    if len(expected) > len(made):
        # A commit is gone since the branch was set back; for all transcripts tell, the next has its edits.
        found[-1] = found[-1][-len(wanted[-1]) :]
    assert found == [[], *wanted]
    assert counts.commits == len(wanted)
    # As the hooks name an intent: by the agent and the key of its first prompt.
    tops = [os.path.realpath(stage.repo.path)]
    read = [load(agent).read_session(path) for path in load(agent).session_files(tops, os.environ)]
    keys = {turn.key for session in read if session is not None for turn in session.turns}
    ids = {derived_intent_id(agent, key) for key in keys}
    assert all(one in ids for commit in made for one in ledger.of(commit).intents)
    again = import_aider(opened) if agent == "aider" else import_sessions(opened, [agent])
    assert (again.intents, again.skipped.get("already in the ledger")) == (0, counts.intents)
