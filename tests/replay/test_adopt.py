"""A rebuilt tree or history is taken over as a whole, and can be taken back by one command."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.histories import History
from support.spoiling import spoil_reply

if TYPE_CHECKING:
    from support.builder import RepoBuilder


@pytest.fixture
def rebuilt(repo: RepoBuilder) -> History:
    """Return a pushed history with a rebuilt branch that differs from it in one recorded reply."""
    remote = repo.path.parent / "remote.git"
    history = History(repo)
    history.by_hand("Start", {"README.md": "x\n", "pkg/other.py": "other = 1\n"})
    history.asked("Write one.", {"a.py": "one = 1\n"})
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    repo.git("remote", "add", "origin", str(remote))
    repo.git("push", "-q", "-u", "origin", "main")
    history.regen("replay", "--model", "original", "--rewrite", "--name", "r")
    spoil_reply(history, "one = 1", "one = 11")
    history.regen("replay", "--model", "original", "--rewrite", "--name", "r", "--locked")
    return history


def undo_of(out: str) -> list[str]:
    line = next(line for line in out.splitlines() if line.startswith("undo with: "))
    return shlex.split(line.removeprefix("undo with: git "))


def test_the_tree_is_one_commit_on_top_and_one_command_takes_it_back(
    rebuilt: History, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = rebuilt.repo
    before = repo.git("rev-parse", "HEAD")
    capsys.readouterr()

    assert rebuilt.regen("adopt", "r") == 0

    assert repo.git("rev-parse", "HEAD~1") == before
    assert (repo.path / "a.py").read_text() == "one = 11\n"
    assert repo.git("status", "--porcelain") == ""
    assert "Regen-Adopts: " in repo.git("log", "-1", "--format=%B")
    repo.git(*undo_of(capsys.readouterr().out))
    assert repo.git("rev-parse", "HEAD^{tree}") == repo.git("rev-parse", f"{before}^{{tree}}")


def test_work_that_came_after_the_replay_is_carried_and_kept(rebuilt: History) -> None:
    repo = rebuilt.repo
    repo.commit("Later work", {"pkg/other.py": "other = 2\n"})

    assert rebuilt.regen("adopt", "r") == 0

    assert (repo.path / "a.py").read_text() == "one = 11\n"
    assert (repo.path / "pkg/other.py").read_text() == "other = 2\n"


def test_only_named_paths_are_taken(rebuilt: History) -> None:
    repo = rebuilt.repo

    assert rebuilt.regen("adopt", "r", "--", "pkg") == 3
    assert rebuilt.regen("adopt", "r", "--", "a.py") == 0

    assert (repo.path / "a.py").read_text() == "one = 11\n"


def test_local_changes_in_the_way_stop_it_before_anything_moves(
    rebuilt: History, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = rebuilt.repo
    before = repo.git("rev-parse", "HEAD")
    (repo.path / "a.py").write_text("mine\n")

    assert rebuilt.regen("adopt", "r") == 3

    assert (repo.path / "a.py").read_text() == "mine\n"
    assert repo.git("rev-parse", "HEAD") == before
    assert repo.git("diff", "--cached", "--name-only") == ""
    assert "in the way" in capsys.readouterr().err


def test_history_that_a_remote_has_is_not_left_behind_unless_said(
    rebuilt: History, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = rebuilt.repo
    before = repo.git("rev-parse", "HEAD")

    assert rebuilt.regen("adopt", "r", "--history") == 3
    assert repo.git("rev-parse", "HEAD") == before
    capsys.readouterr()
    assert rebuilt.regen("adopt", "r", "--history", "--published") == 0

    assert repo.git("rev-parse", "HEAD") == repo.git("rev-parse", "regen/r")
    assert (repo.path / "a.py").read_text() == "one = 11\n"
    assert "Write one." in repo.git("notes", "--ref=regen", "show", "HEAD")
    repo.git(*undo_of(capsys.readouterr().out))
    assert repo.git("rev-parse", "HEAD") == before


def test_a_later_replay_with_a_model_skips_what_was_adopted(
    rebuilt: History, capsys: pytest.CaptureFixture[str]
) -> None:
    rebuilt.regen("adopt", "r")
    capsys.readouterr()

    assert rebuilt.regen("plan", "--model", "openai/gpt-5", "--json") == 0

    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [step["kind"] for step in steps] == ["carried", "regenerated", "skipped"]
