"""Stopped at any transition of its journal, by a kill or by Ctrl-C, a replay goes on to the same commits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import driven
from support.builder import RepoBuilder
from support.histories import AsBefore, History

if TYPE_CHECKING:
    from pathlib import Path

ARGV = ["replay", "--model", "some/model", "--name", "r", "--jobs", "2", "--no-sandbox"]
CONFIG = "checks:\n- {name: fine, run: 'test ! -e bad.txt'}\n"


class Driven:
    """A history of which one commit needs a repair, and the model that answers it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = RepoBuilder.init(folder / "repo")
        history = History(self.repo)
        history.by_hand("Start", {"README": "hello\n", ".regen/config.yaml": CONFIG})
        for number in range(3):
            history.asked(f"Write file {number}.", {f"m{number}.py": f"value = {number}\n"})
            history.by_hand(f"Note {number}", {"notes.txt": f"{number}\n"})
        assert history.regen("trust", "--yes") == 0
        before = AsBefore(history)
        self.intents = list(history.by_intent)
        self.answers = {intent: before.answer(intent) for intent in self.intents}
        spoilt = self.intents[1]
        self.answers[f"{spoilt} repair"] = self.answers[spoilt] + "\nDELETE bad.txt\n"
        self.answers[spoilt] += "\nFILE bad.txt\n```\nx\n```\n"

    def run(self, *argv: str, **how: Any) -> tuple[int, str]:
        plan = {
            "answers": self.answers,
            "asked": str(self.folder / "asked"),
            "seen": str(self.folder / "seen"),
            **how,
        }
        path = self.folder / "plan.json"
        path.write_text(json.dumps(plan))
        (self.folder / "seen").unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, str(driven.__file__), str(path), "--", *(argv or ARGV)],
            cwd=self.repo.path,
            capture_output=True,
            check=False,
            start_new_session=True,
            preexec_fn=_listen,
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    def lines(self, name: str) -> list[str]:
        return (self.folder / name).read_text("ascii").splitlines()

    def forget(self) -> None:
        """Take everything away that a replay leaves."""
        git = self.repo.git
        for ref in git("for-each-ref", "--format=%(refname)", "refs/regen", "refs/heads/regen").split():
            git("update-ref", "-d", ref)
        git("update-ref", "-d", "refs/notes/regen-provenance")
        for name in ("replays", "replies", "steps.sqlite"):
            subprocess.run(["rm", "-rf", str(self.repo.path / ".git/regen" / name)], check=True)
        (self.folder / "asked").unlink(missing_ok=True)


def _listen() -> None:
    """Let the interrupt arrive: who runs tests in the background hands down that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def driven_replay(tmp_path: Path) -> Driven:
    return Driven(tmp_path)


SOME = {
    signal.SIGKILL: ("reserved written", "repairing noted", "ended before writing"),
    signal.SIGINT: ("settled before writing", "checking noted", "committed noted"),
}


def transitions(replay: Driven, how: signal.Signals) -> list[tuple[str, int]]:
    """Return names and numbers: some, or all where PYTEST_EVERY_TRANSITION is set (it takes minutes)."""
    found = list(enumerate(replay.lines("seen"), 1))
    if os.environ.get("PYTEST_EVERY_TRANSITION"):
        return [(name, number) for number, name in found]
    # The last of each kind, with as much as possible done before it.
    last = {name: number for number, name in found}
    return [(name, last[name]) for name in SOME[how]]


@pytest.mark.parametrize(
    ("how", "whole"),
    [(signal.SIGKILL, False), (signal.SIGINT, True)],
    ids=["kill", "ctrl-c"],
)
def test_a_replay_that_is_stopped_at_a_transition_comes_to_the_same_commits(
    driven_replay: Driven, how: signal.Signals, *, whole: bool
) -> None:
    replay = driven_replay
    status, said = replay.run()
    assert status == 0, said
    tip = replay.repo.git("rev-parse", "regen/r")
    asked = replay.lines("asked")
    assert len(asked) == 4
    standing = replay.repo.git("status", "--porcelain"), replay.repo.git("rev-parse", "HEAD")
    names = " ".join(replay.lines("seen"))
    for state in ("restart", "begun", "reserved", "settled", "generating", "checking", "repairing", "ended"):
        assert state in names

    for name, number in transitions(replay, how):
        replay.forget()
        status, said = replay.run(at=number, signal=int(how), whole=whole)
        if how is signal.SIGKILL:
            assert status == -signal.SIGKILL, (name, said)
        elif status != 0:
            # At the very end there is nothing left to interrupt.
            assert status == 130, (name, said)
            if not name.startswith("restart"):
                assert "--resume r" in said, (name, said)
        begun = (replay.repo.path / ".git/regen/replays/r/plan.json").exists()
        status, said = replay.run(
            *(["replay", "--resume", "r", "--jobs", "2", "--no-sandbox"] if begun else ARGV)
        )
        assert status == 0, (name, said)
        assert replay.repo.git("rev-parse", "regen/r") == tip, name
        assert len(replay.lines("asked")) <= len(asked) + 2, name
        assert (replay.repo.git("status", "--porcelain"), replay.repo.git("rev-parse", "HEAD")) == standing
        assert replay.repo.git("for-each-ref", "refs/regen/progress") == ""


def test_a_stuck_replay_that_is_killed_as_it_says_so_is_stuck_again_without_asking(
    driven_replay: Driven,
) -> None:
    replay = driven_replay
    spoilt = replay.intents[1]
    replay.answers[f"{spoilt} repair"] = replay.answers[spoilt]
    status, said = replay.run()
    assert status == 1, said
    asked = len(replay.lines("asked"))
    places = [n for n, name in enumerate(replay.lines("seen"), 1) if "stuck" in name]

    for number in places[:: len(places) - 1]:
        replay.forget()
        assert replay.run(at=number, signal=int(signal.SIGKILL))[0] == -signal.SIGKILL
        status, said = replay.run("replay", "--resume", "r", "--no-sandbox")
        assert status == 1, said
        assert "stuck at step" in said
        assert len(replay.lines("asked")) <= asked + 2
