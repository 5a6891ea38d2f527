"""Hooks in git's configuration: beside every manager, for git 2.54 and newer."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.managed import ask_and_commit, needs_configured_hooks, program, script, state_of

from regen_git.capture.managers import hook_states, in_charge
from regen_git.capture.managers.configured import are_known_to, line, name_of
from regen_git.capture.proving import prove
from regen_git.capture.setup import set_up, take_out

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Lab

EVENTS = ("prepare-commit-msg", "commit-msg", "post-commit", "post-merge", "post-rewrite")


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("git version 2.39.5\n", False),
        ("git version 2.53.1", False),
        ("git version 2.54.0 (Apple Git-160)", True),
        ("git version 2.55.0.618.g1a3e64c6c4", True),
        ("git version 3.0.0", True),
        ("unknown", False),
    ],
)
def test_which_git_knows_hooks_in_its_configuration(version: str, *, known: bool) -> None:
    assert are_known_to(version) is known


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "sh"])
def test_the_line_does_nothing_where_there_is_no_script(bare_lab: Lab, shell: str) -> None:
    # As git starts it: what follows is the hook's name and arguments.
    words = [*shell.split(), "-c", line("commit-msg") + ' "$@"', line("commit-msg"), "message"]
    done = subprocess.run(words, cwd=bare_lab.path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_older_git_gets_scripts_and_nothing_in_its_configuration(bare_lab: Lab) -> None:
    bare_lab.git("config", "--global", "regen.hooks", "scripts")
    set_up(bare_lab.repo)
    assert (bare_lab.path / ".git" / "hooks" / "post-commit").exists()
    assert "hook" not in (bare_lab.path / ".git" / "config").read_text().replace("hooks", "")


def test_what_was_configured_for_a_newer_git_is_taken_back_for_an_older_one(bare_lab: Lab) -> None:
    bare_lab.git("config", "--global", "regen.hooks", "config")
    before = state_of(bare_lab)
    set_up(bare_lab.repo)
    assert bare_lab.git("config", f"hook.{name_of('post-commit')}.event") == "post-commit"
    assert not (bare_lab.path / ".git" / "hooks" / "post-commit").exists()
    bare_lab.git("config", "--global", "regen.hooks", "scripts")
    assert set(hook_states(bare_lab.repo).values()) == {"missing"}
    set_up(bare_lab.repo)
    assert set(hook_states(bare_lab.repo).values()) == {"installed"}
    assert "regen-post-commit" not in (bare_lab.path / ".git" / "config").read_text()
    ask_and_commit(bare_lab)
    take_out(bare_lab.repo)
    after = state_of(bare_lab)
    del after["hello.txt"]
    assert after == before


def test_undo_keeps_what_others_configured_meanwhile(bare_lab: Lab) -> None:
    bare_lab.git("config", "--global", "regen.hooks", "config")
    set_up(bare_lab.repo)
    bare_lab.git("config", "hook.mine.event", "post-commit")
    take_out(bare_lab.repo)
    text = (bare_lab.path / ".git" / "config").read_text()
    assert '[hook "mine"]' in text
    assert "regen" not in text


@needs_configured_hooks
class TestWithGitThatRunsThem:
    """Only here commits are made."""

    def test_a_commit_is_recorded_and_a_script_of_ones_own_runs_untouched(self, bare_lab: Lab) -> None:
        mine = script(bare_lab.path / ".git" / "hooks" / "post-commit", f'echo mine >>"{bare_lab.bin}/ran"\n')
        before, text = state_of(bare_lab), mine.read_text()
        assert set_up(bare_lab.repo)[0] == "hooks in git's configuration"
        assert set(hook_states(bare_lab.repo).values()) == {"installed"}
        assert mine.read_text() == text
        first = state_of(bare_lab)
        set_up(bare_lab.repo)
        assert state_of(bare_lab) == first
        assert "recorded 1 prompt" in ask_and_commit(bare_lab)
        assert (bare_lab.bin / "ran").read_text() == "mine\n"
        take_out(bare_lab.repo)
        after = state_of(bare_lab)
        del after["hello.txt"]
        assert after == before

    def test_git_lists_one_name_for_each_event(self, bare_lab: Lab) -> None:
        set_up(bare_lab.repo)
        for event in EVENTS:
            assert bare_lab.git("hook", "list", event).split() == [name_of(event)]

    def test_scripts_of_an_older_init_go(self, bare_lab: Lab) -> None:
        mine = script(bare_lab.path / ".git" / "hooks" / "post-commit", f'echo mine >>"{bare_lab.bin}/ran"\n')
        text = mine.read_text()
        bare_lab.git("config", "--global", "regen.hooks", "scripts")
        set_up(bare_lab.repo)
        bare_lab.git("config", "--global", "--unset", "regen.hooks")
        # They run still. The script of one's own runs once for the proof, too.
        assert set(hook_states(bare_lab.repo).values()) == {"installed"}
        proof = prove(bare_lab.repo)
        assert proof is not None
        assert (proof.problem, proof.by) == ("", f"in '{bare_lab.path / '.git' / 'hooks'}'")
        set_up(bare_lab.repo)
        assert in_charge(bare_lab.repo).configured
        folder = bare_lab.path / ".git" / "hooks"
        hooks = [path.name for path in folder.iterdir() if path.suffix != ".sample"]
        assert (hooks, mine.read_text()) == (["post-commit"], text)
        ask_and_commit(bare_lab)
        assert (bare_lab.bin / "ran").read_text() == "mine\n" * 2

    def test_an_agent_that_hides_the_users_settings_is_heard(self, bare_lab: Lab, tmp_path: Path) -> None:
        # As Gemini's shell: no system and global configuration, and no hooks folder.
        set_up(bare_lab.repo)
        (tmp_path / "empty").write_text("")
        hidden = {
            "GIT_CONFIG_GLOBAL": str(tmp_path / "empty"),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": "",
        }
        ask_and_commit(replace(bare_lab, env={**bare_lab.env, **hidden}))

    def test_linked_worktrees_and_git_folders_elsewhere(self, bare_lab: Lab, tmp_path: Path) -> None:
        bare_lab.git("commit", "-q", "--allow-empty", "-m", "Start")
        set_up(bare_lab.repo)
        there = tmp_path / "an other"
        bare_lab.git("worktree", "add", "-q", "-b", "other", str(there))
        ask_and_commit(replace(bare_lab, path=there))
        apart = tmp_path / "apart"
        bare_lab.run("git", "init", "-q", "--separate-git-dir", str(tmp_path / "git dir"), str(apart))
        lab = replace(bare_lab, path=apart)
        set_up(lab.repo)
        ask_and_commit(lab)

    def test_a_script_that_is_gone_fails_no_commit(self, bare_lab: Lab) -> None:
        set_up(bare_lab.repo)
        for path in (bare_lab.path / ".git" / "regen" / "configured").iterdir():
            path.unlink()
        assert bare_lab.commit("Go on", "--allow-empty")[1] == ""
        proof = prove(bare_lab.repo)
        assert proof is not None
        assert "prepare-commit-msg did not run" in proof.problem

    def test_a_script_that_writes_the_message_anew_does_not_lose_the_prompt(self, bare_lab: Lab) -> None:
        set_up(bare_lab.repo)
        script(bare_lab.path / ".git" / "hooks" / "prepare-commit-msg", 'echo "[main] Greet" >"$1"\n')
        prompt = bare_lab.prompt("Add a greeting")
        bare_lab.edit(prompt, "hello.txt", "hello\n")
        bare_lab.git("add", "hello.txt")
        assert "recorded 1 prompt" in bare_lab.commit("Greet")[1]
        bare_lab.let_hooks_finish()
        assert bare_lab.texts() == ["Add a greeting"]

    def test_a_trailer_that_a_person_takes_out_is_out(self, bare_lab: Lab) -> None:
        set_up(bare_lab.repo)
        bare_lab.regen("record", "Do it")
        editor = script(bare_lab.bin / "editor", 'echo "Mine alone" >"$1"\n')
        bare_lab.git("commit", "-q", "--allow-empty", env={"GIT_EDITOR": str(editor)})
        bare_lab.let_hooks_finish()
        assert bare_lab.texts() == []

    def test_rewritten_commits_are_told(self, bare_lab: Lab) -> None:
        bare_lab.git("commit", "-q", "--allow-empty", "-m", "Start")
        set_up(bare_lab.repo)
        ask_and_commit(bare_lab)
        bare_lab.git("config", "--unset-all", "notes.rewriteRef")
        bare_lab.git("commit", "-q", "--amend", "-m", "Say it better")
        bare_lab.let_hooks_finish()
        assert bare_lab.texts() == ["Add a greeting"]

    def test_a_hooks_folder_elsewhere_comes_back_into_its_own(self, bare_lab: Lab, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        script(outside / "post-commit", f'echo mine >>"{bare_lab.bin}/ran"\n')
        bare_lab.git("config", "core.hooksPath", str(outside))
        before = state_of(bare_lab)
        bare_lab.git("config", "--global", "regen.hooks", "scripts")
        set_up(bare_lab.repo)
        bare_lab.git("config", "--global", "--unset", "regen.hooks")
        set_up(bare_lab.repo)
        assert bare_lab.git("config", "core.hooksPath") == str(outside)
        ask_and_commit(bare_lab)
        assert (bare_lab.bin / "ran").read_text() == "mine\n"
        take_out(bare_lab.repo)
        after = state_of(bare_lab)
        del after["hello.txt"]
        assert after == before

    def test_lefthook_and_the_framework_may_do_what_they_want(self, bare_lab: Lab) -> None:
        set_up(bare_lab.repo)
        (bare_lab.path / ".pre-commit-config.yaml").write_text("repos: []\n")
        (bare_lab.path / "lefthook.yml").write_text(
            "post-commit:\n  commands:\n    a:\n      run: echo team\n"
        )
        bare_lab.git("add", "-A")
        for manager, words in (
            ("pre-commit", ("install", "-t", "post-commit")),
            ("lefthook", ("install", "--force")),
        ):
            assert bare_lab.run(program(manager), *words).returncode == 0
            assert in_charge(bare_lab.repo).manager == manager
            assert set(hook_states(bare_lab.repo).values()) == {"installed"}
            ask_and_commit(bare_lab, f"Ask with {manager}", f"{manager}.txt")

    def test_husky_may_do_what_it_wants(self, bare_lab: Lab, node_modules: Path) -> None:
        set_up(bare_lab.repo)
        (bare_lab.path / "node_modules").symlink_to(node_modules)
        assert bare_lab.run("node", "node_modules/husky/bin.js").returncode == 0
        assert in_charge(bare_lab.repo).manager == "husky"
        ask_and_commit(bare_lab)
        assert not (bare_lab.path / ".husky" / "post-commit").exists()

    def test_the_proof_is_made_by_git(self, bare_lab: Lab) -> None:
        set_up(bare_lab.repo)
        proof = prove(bare_lab.repo)
        assert proof is not None
        assert (proof.problem, proof.by) == ("", "in git's configuration")
