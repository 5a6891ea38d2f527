"""Hooks are put in place beside what is there, and taken out without a trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from regen_git.capture.install import HOOKS, render
from regen_git.capture.managers import hook_states
from regen_git.capture.setup import set_up

if TYPE_CHECKING:
    from conftest import Lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _scripts(bare_lab: Lab) -> None:
    """Install scripts also with a git that has hooks in its configuration."""
    bare_lab.git("config", "--global", "regen.hooks", "scripts")


def listing(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file below, with its mode and content."""
    return {
        str(p.relative_to(folder)): (p.stat().st_mode, p.read_bytes())
        for p in folder.rglob("*")
        if p.is_file()
    }


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", HOOKS)
def test_the_plain_files_are_what_is_installed(bare_lab: Lab, name: str) -> None:
    bare_lab.git("config", "regen.policy", "require")
    bare_lab.git("config", "regen.prePush", "true")
    set_up(bare_lab.repo)
    installed = bare_lab.path / ".git" / "hooks" / name
    assert installed.read_bytes() == (ROOT / "hooks" / name).read_bytes() == render(name).encode()
    assert os.access(installed, os.X_OK)


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox sh"])
def test_every_hook_is_plain_posix_sh(name: str, shell: str) -> None:
    program = shell.split()
    if shutil.which(program[0]) is None:
        pytest.skip(f"no {program[0]} here")
    done = subprocess.run([*program, "-n", str(ROOT / "hooks" / name)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck here")
@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_passes_shellcheck(name: str) -> None:
    done = subprocess.run(["shellcheck", str(ROOT / "hooks" / name)], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_init_and_undo_leave_no_trace(bare_lab: Lab) -> None:
    bare_lab.git("remote", "add", "origin", "https://example.org/x.git")
    script(bare_lab.path / ".git" / "hooks" / "commit-msg", "exit 0\n")
    settings = bare_lab.path / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"model":   "x"}')
    before = listing(bare_lab.path)
    bare_lab.regen("init", "--yes", "--no-config")
    assert "+refs/notes/regen*:refs/notes/remotes/origin/regen*" in bare_lab.git(
        "config", "--get-all", "remote.origin.fetch"
    )
    assert bare_lab.git("config", "notes.rewriteRef") == "refs/notes/regen*"
    bare_lab.regen("init", "--yes", "--no-config")
    bare_lab.regen("init", "--undo")
    assert listing(bare_lab.path) == before


def test_undo_keeps_what_others_changed_meanwhile(bare_lab: Lab) -> None:
    bare_lab.regen("init", "--yes", "--no-config")
    bare_lab.git("config", "user.signingkey", "mine")
    settings = bare_lab.path / ".claude" / "settings.json"
    settings.write_text(json.dumps({"model": "y", **json.loads(settings.read_text())}))
    bare_lab.regen("deinit")
    assert json.loads(settings.read_text()) == {"model": "y"}
    config = (bare_lab.path / ".git" / "config").read_text()
    assert "signingkey = mine" in config
    assert "regen" not in config


def test_undo_keeps_prompts_that_are_in_no_commit(lab: Lab) -> None:
    lab.prompt("Not yet committed")
    done = lab.run("git-regen", "init", "--undo")
    assert b"stay in" in done.stderr
    assert "Not yet committed" in (lab.path / ".git" / "regen" / "inbox.jsonl").read_text()


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_that_was_there_runs_first_and_has_the_last_word(bare_lab: Lab, name: str) -> None:
    bare_lab.git("config", "regen.policy", "require")
    bare_lab.git("config", "regen.prePush", "true")
    hook = bare_lab.path / ".git" / "hooks" / name
    seen = bare_lab.bin / "seen"
    script(hook, f'echo "$*" >>"{seen}"; cat >>"{seen}"; exit 7\n')
    set_up(bare_lab.repo)
    assert hook_states(bare_lab.repo)[name] == "installed"
    done = bare_lab.run(str(hook), "one", "two", stdin=b"a b\n")
    assert done.returncode == 7
    assert seen.read_text() == "one two\na b\n"


def test_no_commit_pays_for_a_hook_that_only_a_policy_needs(bare_lab: Lab) -> None:
    set_up(bare_lab.repo)
    assert not (bare_lab.path / ".git" / "hooks" / "pre-commit").exists()
    assert "pre-commit" not in hook_states(bare_lab.repo)


def test_a_refusing_hook_still_refuses(bare_lab: Lab) -> None:
    script(bare_lab.path / ".git" / "hooks" / "pre-commit", "echo no >&2; exit 1\n")
    set_up(bare_lab.repo)
    done = bare_lab.run("git", "commit", "--allow-empty", "-m", "x")
    assert (done.returncode, done.stderr) == (1, b"no\n")


def test_a_hooks_folder_in_the_repository_is_used(bare_lab: Lab) -> None:
    bare_lab.git("config", "core.hooksPath", ".githooks")
    script(bare_lab.path / ".githooks" / "post-commit", f'touch "{bare_lab.bin}/ran"\n')
    set_up(bare_lab.repo)
    assert bare_lab.git("config", "core.hooksPath") == ".githooks"
    bare_lab.regen("record", "Do it")
    bare_lab.commit("Do it", "--allow-empty")
    assert len(bare_lab.trailers()) == 1
    assert (bare_lab.bin / "ran").exists()


def test_a_hooks_folder_outside_is_left_alone_and_still_runs(bare_lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "it's global"
    script(outside / "post-commit", f'touch "{bare_lab.bin}/ran"\n')
    script(outside / "pre-push", f'touch "{bare_lab.bin}/pushed"\n')
    bare_lab.git("config", "--global", "core.hooksPath", str(outside))
    config = (bare_lab.path / ".git" / "config").read_bytes()
    before = listing(outside)
    bare_lab.regen("init", "--yes", "--no-config", "--claude", "none")
    bare_lab.regen("record", "Do it")
    bare_lab.commit("Do it", "--allow-empty")
    assert len(bare_lab.trailers()) == 1
    assert (bare_lab.bin / "ran").exists()
    bare_lab.git("init", "-q", "--bare", str(tmp_path / "remote"))
    bare_lab.git("push", "-q", str(tmp_path / "remote"), "main")
    assert (bare_lab.bin / "pushed").exists()
    bare_lab.let_hooks_finish()
    bare_lab.regen("init", "--undo")
    assert listing(outside) == before
    assert (bare_lab.path / ".git" / "config").read_bytes() == config


def test_init_names_the_command_that_does_later_what_it_does_not_do_now(bare_lab: Lab) -> None:
    bare_lab.git("commit", "-q", "--allow-empty", "-m", "Ask Claude\n\nPrompt: Add a greeting")
    said = bare_lab.run("git-regen", "init", "--no-config", "--claude", "none").stderr.decode()
    assert "import? 'git regen init --import' or 'git regen import commits' does it\n" in said
    assert "imported 1 prompt" in bare_lab.regen("import", "commits")


def test_doctor_finds_what_is_missing(bare_lab: Lab) -> None:
    assert bare_lab.run("git-regen", "doctor").returncode == 1
    bare_lab.regen("init", "--yes", "--no-config")
    assert "all 5 current" in bare_lab.regen("doctor")
    bare_lab.git("config", "notes.rewriteMode", "cat_sort_uniq")
    (bare_lab.path / ".git" / "hooks" / "post-commit").write_text("#!/bin/sh\n")
    out = bare_lab.run("git-regen", "doctor")
    assert out.returncode == 1
    assert b"post-commit is foreign" in out.stdout
    assert b"sorts lines" in out.stdout


def test_configured_hooks_and_managers_reach_the_same_script(lab: Lab) -> None:
    lab.regen("record", "Do it")
    message = lab.path / "message"
    message.write_text("Subject\n")
    lab.run("git-regen", "hook", "prepare-commit-msg", str(message), "message", env={"GIT_EDITOR": ":"})
    assert message.read_text().startswith("Subject\n\nRegen-Intent: ")


def test_mark_is_a_document_that_readers_of_intents_pass_over(lab: Lab) -> None:
    from regen_git.ledger.marks import marked_as

    lab.regen("mark", "agent", "HEAD")
    lab.regen("mark", "agent", "HEAD")
    note = lab.note()
    assert (len(note.documents), note.intents, note.warnings) == (1, {}, ())
    assert marked_as(note.documents) == "agent"


def test_record_binds_to_a_commit_that_exists_and_keeps_private_things_private(lab: Lab) -> None:
    lab.regen("record", "--commit", "HEAD", "Why it began")
    assert lab.texts() == ["Why it began"]
    lab.regen("record", "--commit", "HEAD", "--private", "-m", "Between us")
    assert lab.texts() == ["Why it began"]
    assert "Between us" in lab.git("notes", "--ref=refs/notes/private/regen", "show", "HEAD")
