"""husky runs its team's hooks and ours, and our lines go again without a trace."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.managed import ask_and_commit, begin, script, state_of

from regen_git.capture.managers import hook_states, in_charge
from regen_git.capture.setup import set_up, take_out

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Lab


@pytest.fixture
def husky(bare_lab: Lab, node_modules: Path) -> Lab:
    """Return a repository in which husky is installed, with a hook of the team's."""
    lab = bare_lab
    begin(lab)
    (lab.path / "node_modules").symlink_to(node_modules)
    (lab.path / ".gitignore").write_text("node_modules\n")
    install(lab)
    (lab.path / ".husky" / "post-commit").write_text(f'echo "team: $0" >>"{lab.bin}/ran"')
    (lab.path / ".husky" / "commit-msg").write_text(f'echo "team: $1" >>"{lab.bin}/ran"\nexit 0\n')
    lab.git("add", "-A")
    lab.git("commit", "-q", "-m", "Use husky", "--no-verify")
    (lab.bin / "ran").unlink()
    return lab


def install(lab: Lab) -> None:
    done = lab.run("node", "node_modules/husky/bin.js")
    assert done.returncode == 0, done.stderr.decode()


def test_the_teams_hooks_and_ours_run(husky: Lab) -> None:
    done = set_up(husky.repo)
    assert in_charge(husky.repo).manager == "husky"
    assert done[0].startswith("hooks run by husky")
    assert set(hook_states(husky.repo).values()) == {"installed"}
    said = ask_and_commit(husky)
    assert "regen: recorded 1 prompt" in said
    assert (husky.bin / "ran").read_text().count("team: ") == 2
    assert husky.git("config", "core.hooksPath") == ".husky/_"


def test_undo_gives_every_byte_back(husky: Lab) -> None:
    before = state_of(husky)
    set_up(husky.repo)
    first = state_of(husky)
    assert first != before
    set_up(husky.repo)
    assert state_of(husky) == first
    ask_and_commit(husky)
    take_out(husky.repo)
    after = state_of(husky)
    del after["hello.txt"]
    assert after == before


def test_husky_8_whose_hooks_git_runs_itself(bare_lab: Lab, node_modules: Path) -> None:
    begin(bare_lab)
    if not (node_modules / "husky8").is_dir():
        pytest.skip("husky 8 is not installed")
    (bare_lab.path / "node_modules").symlink_to(node_modules)
    assert bare_lab.run("node", "node_modules/husky8/lib/bin.js", "install").returncode == 0
    add = ("add", ".husky/post-commit", f'echo team >>"{bare_lab.bin}/ran"')
    assert bare_lab.run("node", "node_modules/husky8/lib/bin.js", *add).returncode == 0
    before = state_of(bare_lab)
    set_up(bare_lab.repo)
    assert in_charge(bare_lab.repo).manager == "husky"
    ask_and_commit(bare_lab)
    assert (bare_lab.bin / "ran").read_text() == "team\n"
    take_out(bare_lab.repo)
    after = state_of(bare_lab)
    del after["hello.txt"]
    assert after == before


def test_lines_survive_that_husky_is_installed_again(husky: Lab) -> None:
    set_up(husky.repo)
    install(husky)
    ask_and_commit(husky)


def test_scripts_from_before_husky_leave_no_trace(bare_lab: Lab, node_modules: Path) -> None:
    begin(bare_lab)
    script(bare_lab.path / ".git" / "hooks" / "post-commit", "exit 0\n")
    before = state_of(bare_lab)
    set_up(bare_lab.repo)
    (bare_lab.path / "node_modules").symlink_to(node_modules)
    install(bare_lab)
    assert set(hook_states(bare_lab.repo).values()) == {"missing"}
    set_up(bare_lab.repo)
    ask_and_commit(bare_lab)
    take_out(bare_lab.repo)
    bare_lab.git("config", "--unset", "core.hooksPath")
    after = state_of(bare_lab)
    for name in [one for one in after if one.startswith((".husky", "node_modules", "hello", ".git/config"))]:
        del after[name]
    del before[".git/config"]
    assert after == before


def test_what_a_colleague_changes_in_a_hook_stays_when_ours_goes(husky: Lab) -> None:
    set_up(husky.repo)
    hook = husky.path / ".husky" / "post-commit"
    before = hook.read_text()
    hook.write_text(before + "echo more\n")
    take_out(husky.repo)
    assert hook.read_text() == f'echo "team: $0" >>"{husky.bin}/ran"\necho more\n'
    assert not (husky.path / ".husky" / "post-merge").exists()


def test_a_colleague_without_git_regen_notices_nothing(husky: Lab, tmp_path: Path) -> None:
    set_up(husky.repo)
    husky.git("add", "-A")
    husky.git("commit", "-q", "-m", "Record prompts")
    clone = tmp_path / "clone"
    husky.git("clone", "-q", str(husky.path), str(clone))
    (clone / "node_modules").symlink_to((husky.path / "node_modules").resolve())
    subprocess.run(["node", "node_modules/husky/bin.js"], cwd=clone, check=True)
    done = husky.run("git", "commit", "--allow-empty", "-q", "-m", "Theirs", cwd=clone)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not (clone / ".git" / "regen").exists()
    amended = husky.run("git", "commit", "--amend", "--allow-empty", "-q", "-m", "Theirs again", cwd=clone)
    assert (amended.returncode, amended.stderr) == (0, b"")


def test_a_hook_that_leaves_early_has_our_line_in_front(husky: Lab) -> None:
    set_up(husky.repo)
    lines = (husky.path / ".husky" / "commit-msg").read_text().splitlines()
    assert lines[0].endswith("# git regen")
    assert lines[-1] == "exit 0"


def test_amend_keeps_the_note(husky: Lab) -> None:
    set_up(husky.repo)
    ask_and_commit(husky)
    husky.git("commit", "-q", "--amend", "-m", "Say it better")
    husky.let_hooks_finish()
    assert husky.texts() == ["Add a greeting"]


def test_doctor_proves_it_and_finds_a_line_that_is_gone(husky: Lab) -> None:
    set_up(husky.repo)
    before = state_of(husky)
    found = findings(husky)
    assert found["proof"]["good"], found["proof"]
    assert "with hooks by husky" in found["proof"]["text"]
    assert state_of(husky) == before
    (husky.path / ".husky" / "prepare-commit-msg").unlink()
    found = findings(husky)
    assert "prepare-commit-msg is missing" in found["hooks"]["text"]
    assert "ours for prepare-commit-msg did not run" in found["proof"]["text"]


def findings(lab: Lab) -> dict[str, dict[str, str]]:
    out = json.loads(lab.run("git-regen", "doctor", "--json").stdout)
    return {one["name"]: one for one in out["findings"]}
