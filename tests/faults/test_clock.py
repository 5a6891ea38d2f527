"""A clock that is set forwards or back changes no order and loses nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.scenes import FIRST, SECOND, Commits, Replays

from regen_git.capture.inbox import Entry, Inbox
from regen_git.capture.matching import is_young

if TYPE_CHECKING:
    from pathlib import Path

    from support.killing import Victim


def shifted(victim: Victim, by: str) -> Victim:
    """Let a command see another time."""
    program = shutil.which("faketime")
    if program is None:
        pytest.skip("faketime is not here")
    return replace(victim, argv=(program, "-f", by, *victim.argv))


def test_a_commit_that_was_noticed_in_the_future_is_not_waited_for() -> None:
    seen = Entry("commit", at="2026-01-01T12:00:00Z")
    noon = 1_767_268_800
    assert is_young(seen, noon)
    assert is_young(seen, noon + 2)
    assert not is_young(seen, noon + 3)
    assert not is_young(seen, noon - 3600)


@pytest.mark.parametrize("by", ["+2d", "-2d"])
def test_prompts_keep_their_order_when_the_clock_jumps(tmp_path: Path, by: str) -> None:
    scene = Commits(tmp_path / "s")
    case = scene.copy(1)
    # The agent's own key is left out, so that only time and text tell prompts apart.
    typed = scene.captured(case, "UserPromptSubmit", "", prompt=SECOND)
    scene.run(typed)
    scene.run(shifted(typed, by))
    scene.run(scene.prompt(case, "p3", "Last of all"))

    kept = [e.text for e in Inbox(str(case / "repo/.git/regen")).read() if e.kind == "prompt"]
    assert kept == [FIRST, SECOND, SECOND, "Last of all"]

    scene.run(shifted(scene.edit(case, "p3", "polite.py", "print('dear')\n"), by))
    scene.repo(case).git("add", "-A")
    scene.run(shifted(scene.command(case, "git", "commit", "-q", "-m", "Greet"), by))
    scene.flush(case)
    assert scene.note(case).splitlines() == [FIRST, SECOND, SECOND, "Last of all"]


def test_a_replay_does_not_look_at_the_clock(tmp_path: Path) -> None:
    scene = Replays(tmp_path / "s")
    case = scene.copy(1)
    scene.run(shifted(scene.victim(case), "-400d"))
    scene.check(case)
