"""The demonstration from its command to its result: two whole runs, at once, each in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import regen_git
from regen_git.cli.main import run
from regen_git.demo.application import make_application, read_history

_TOP = Path(regen_git.__file__).parent.parent


@dataclass(frozen=True)
class Runs:
    """What a run said as JSON, what another said in words, and their folders."""

    told: dict[str, Any]
    text: str
    folder: Path
    other: Path

    def git(self, folder: Path, *args: str) -> str:
        env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", *args], cwd=folder, env=env, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def step(self, subject: str) -> dict[str, Any]:
        return next(step for step in self.told["history"] if step["subject"] == subject)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    top = tmp_path_factory.mktemp("demo")
    (top / "home").mkdir()
    # Nothing of the machine but its programs: no keys, no name, no git settings.
    env = {
        **{name: os.environ[name] for name in ("PATH", "VIRTUAL_ENV") if name in os.environ},
        "HOME": str(top / "home"),
        "PYTHONPATH": str(_TOP),
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }
    command = [sys.executable, "-m", "regen_git", "demo", "--keep"]
    started = [
        subprocess.Popen([*command, *rest], cwd=top, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for rest in (["one", "--json"], ["two"])
    ]
    ended = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0], ended
    return Runs(json.loads(ended[0][0]), ended[1][0].decode(), top / "one", top / "two")


def test_the_result_passes_its_tests_and_reads_the_data_of_the_release(runs: Runs) -> None:
    verification = runs.told["verification"]
    assert verification["verdict"] == runs.told["replay"]["verdict"] == "pass"
    checks = {check["name"]: check for check in verification["checks"]}
    assert checks["tests"]["tests"]["passed"] >= 30
    assert checks["tests"]["tests"]["failed"] == 0
    assert checks["state"]["verdict"] == "pass"
    assert verification["ratchet"]["lost"] == []
    assert not any(gate["problems"] for gate in verification["gates"])
    assert "migrations" in [gate["name"] for gate in verification["gates"]]


def test_every_kind_of_step_is_there(runs: Runs) -> None:
    steps = runs.told["replay"]["steps"]
    assert steps["regenerated"] == 8
    assert steps["carried"] == 2
    assert steps["reused"] == 1
    assert steps["stuck"] == 0


def test_a_line_mended_by_hand_stands_in_the_result(runs: Runs) -> None:
    (mended,) = runs.step("Export a month as CSV")["mended"]
    assert mended.startswith('DELIMITER = ";"')
    assert mended in runs.git(runs.folder, "show", "regen/newer-model:spend/export.py").splitlines()


def test_changes_by_hand_are_carried_exactly_and_by_symbol(runs: Runs) -> None:
    carried = {
        each["path"]: each["how"] for each in runs.step("Accept dates as my bank prints them")["carried"]
    }
    # The tests beside it are frozen: they come from history, and the person wrote them, too.
    others = {"README.md": "exact", "tests/test_dates.py": "exact"}
    assert carried == {**others, "spend/parse.py": "by symbol"}
    assert '"%d.%m.%Y" if "." in text' in runs.git(runs.folder, "show", "regen/newer-model:spend/parse.py")
    assert "@03.11.2025" in runs.git(runs.folder, "show", "regen/newer-model:README.md")


def test_an_answer_that_loses_a_test_is_mended_by_the_next(runs: Runs) -> None:
    step = runs.step("Let an expense have several tags")
    assert step["attempts"] == 2
    assert step["failed"] == [["tests.test_tags.TagTest::test_it_counts_once_in_the_total"]]
    assert step["verdict"] == "pass"


def test_corrections_are_asked_with_what_they_correct(runs: Runs) -> None:
    for subject in ("Use Decimal for amounts", "Count budgets for each month"):
        step = runs.step(subject)
        assert [prompt["class"] for prompt in step["prompts"]] == ["correction"]
        assert (step["attempts"], step["verdict"]) == (0, "pass")


def test_the_newer_code_is_smaller_and_loses_no_name_and_no_test(runs: Runs) -> None:
    comparison = runs.told["comparison"]
    assert comparison["new_size"]["lines"] < comparison["old_size"]["lines"]
    assert comparison["new_size"]["complexity"] < comparison["old_size"]["complexity"]
    assert comparison["surface"]["lost"] == comparison["tests"]["lost"] == []
    assert comparison["dependencies"]["lost"] == ["python:tabulate"]


def test_two_runs_make_the_same_commits(runs: Runs) -> None:
    names = ("main", "v0.1", "regen/newer-model")
    assert [runs.git(runs.folder, "rev-parse", n) for n in names] == [
        runs.git(runs.other, "rev-parse", n) for n in names
    ]
    assert runs.git(runs.folder, "rev-parse", "regen/newer-model") == runs.told["replay"]["tip"]


def test_a_locked_replay_makes_the_same_commits_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(runs.other)
    before = runs.git(runs.other, "rev-parse", "regen/newer-model")
    words = ["--locked", "--model", "recorded/newer-model", "--name", "newer-model"]
    assert run(["replay", *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tip"] == before
    assert told["calls"] == 0


def test_every_recorded_reply_is_asked_for(runs: Runs) -> None:
    replies = Path(regen_git.__file__).parent / "demo" / "replies"
    assert runs.told["replay"]["calls"] == len(list(replies.glob("*.md")))


def test_the_working_tree_is_left_as_the_last_commit_has_it(runs: Runs) -> None:
    assert runs.git(runs.folder, "status", "--porcelain") == ""
    assert runs.git(runs.folder, "symbolic-ref", "--short", "HEAD") == "main"


def test_what_people_read_says_where_it_is_and_what_is_recorded(runs: Runs) -> None:
    assert f"It lies in {runs.other} and stays there." in runs.text
    assert "are recorded: they come with this program" in runs.text
    assert "History and replies were written for this demonstration" in runs.text
    assert "The verdict: pass." in runs.text
    assert f"git -C {runs.other} regen adopt newer-model" in runs.text
    assert "git regen replay --model original" in runs.text


def test_git_log_shows_the_prompts_as_notes(runs: Runs) -> None:
    shown = runs.git(runs.folder, "log", "--notes=regen", "--format=%N", "main")
    for told in read_history():
        assert told.intent is None or f"intent: {told.intent}" in shown.replace('"', "")
        assert told.prompt in " ".join(shown.split())


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run(["demo", "--keep", str(tmp_path)]) == 2
    assert "not an empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["mine.txt"]


def test_the_users_git_settings_do_not_change_the_history(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "home" / ".gitconfig"
    config.write_text(
        "[init]\n\tdefaultBranch = trunk\n[core]\n\tautocrlf = true\n[commit]\n\tgpgSign = true\n"
    )
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    repo = make_application(tmp_path / "made")
    assert repo.resolve("main") == runs.git(runs.folder, "rev-parse", "main")
    assert b"\r" not in (tmp_path / "made" / "README.md").read_bytes()


def test_the_lines_said_to_be_mended_are_those(tmp_path: Path) -> None:
    repo = make_application(tmp_path / "made")
    (told,) = (told for told in read_history() if told.hand)
    for path, ranges in told.hand.items():
        lines = repo.git("show", f"v0.1:{path}").decode().splitlines()
        assert [lines[part.first - 1].split(" = ")[0] for part in ranges] == ["DELIMITER"]
