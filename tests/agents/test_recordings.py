"""What real agents did, played again: the ledger holds what was typed for each commit, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.recordings import Player, Recording, recordings

from regen_git.capture.flush import flush
from regen_git.capture.setup import set_up
from regen_git.git.repository import Repository
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from support.lab import Lab


@pytest.mark.skipif(not recordings(), reason="the recordings are not beside the repository")
@pytest.mark.parametrize("recording", recordings(), ids=lambda one: one.name)
def test_the_ledger_holds_exactly_the_prompts_that_were_typed_for_each_commit(
    recording: Recording, bare_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = bare_lab
    (lab.path / "README.md").write_text("hello\n")
    lab.git("add", "-A")
    lab.git("commit", "-q", "-m", "Start")
    set_up(lab.repo)
    home = Path.home()
    player = Player(recording, lab, home, monkeypatch)
    player.play()
    monkeypatch.setattr("regen_git.capture.matching.YOUNG", 0)
    repo = Repository.open(lab.path)
    flush(repo)
    flush(repo)
    if recording.agent == "continue":
        player.import_sessions()
    commits = lab.git("log", "--reverse", "--format=%H %s").splitlines()
    found = []
    for line in commits:
        oid, _, subject = line.partition(" ")
        note = Ledger(repo).of(oid)
        found.append((subject, [p.text.strip() for i in note.intents.values() for p in i.prompts]))
    assert found == recording.expected()
