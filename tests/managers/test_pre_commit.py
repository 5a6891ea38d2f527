"""The pre-commit framework: ours in front of its scripts, behind them, or named in its settings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from support.managed import ask_and_commit, begin, program, script, state_of

from regen_git.capture.install import HOOKS
from regen_git.capture.managers import hook_states, in_charge
from regen_git.capture.proving import prove
from regen_git.capture.setup import set_up, take_out

if TYPE_CHECKING:
    from conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "post-merge", "post-rewrite")
CONFIG = """\
repos:
- repo: local
  hooks:
  - id: team
    name: team
    language: system
    entry: sh -c 'echo "team $*" >>"{ran}"' --
    always_run: true
    pass_filenames: false
    stages: [pre-commit, post-commit]
"""


@pytest.fixture
def framework(bare_lab: Lab) -> Lab:
    """Return a repository in which the framework is installed for two stages, with a hook of the team's."""
    begin(bare_lab)
    configure(bare_lab, CONFIG.format(ran=bare_lab.bin / "ran"))
    install(bare_lab, "pre-commit", "post-commit")
    return bare_lab


def configure(lab: Lab, text: str) -> None:
    (lab.path / ".pre-commit-config.yaml").write_text(text)
    lab.git("add", ".pre-commit-config.yaml")
    lab.git("commit", "-q", "--no-verify", "-m", "Use pre-commit")
    (lab.bin / "ran").unlink(missing_ok=True)


def install(lab: Lab, *stages: str, word: str = "install") -> None:
    wanted = [option for stage in stages for option in ("--hook-type", stage)]
    done = lab.run(program("pre-commit"), word, *wanted)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def ran(lab: Lab) -> int:
    path = lab.bin / "ran"
    return path.read_text().count("team") if path.exists() else 0


def test_the_teams_hooks_and_ours_run(framework: Lab) -> None:
    set_up(framework.repo)
    assert in_charge(framework.repo).manager == "pre-commit"
    assert set(hook_states(framework.repo).values()) == {"installed"}
    assert "recorded 1 prompt" in ask_and_commit(framework)
    assert ran(framework) == 2


def test_undo_gives_every_byte_back(framework: Lab) -> None:
    before = state_of(framework)
    set_up(framework.repo)
    first = state_of(framework)
    assert first != before
    set_up(framework.repo)
    assert state_of(framework) == first
    ask_and_commit(framework)
    take_out(framework.repo)
    after = state_of(framework)
    del after["hello.txt"]
    assert after == before


def test_ours_survive_that_the_framework_is_installed_again(framework: Lab) -> None:
    before = state_of(framework)
    set_up(framework.repo)
    install(framework, *STAGES)
    assert set(hook_states(framework.repo).values()) == {"installed"}
    ask_and_commit(framework)
    assert ran(framework) == 2
    framework.git("commit", "-q", "--amend", "-m", "Say it better")
    framework.let_hooks_finish()
    assert framework.texts() == ["Add a greeting"]
    set_up(framework.repo)
    assert set(hook_states(framework.repo).values()) == {"installed"}
    take_out(framework.repo)
    install(framework, "prepare-commit-msg", "commit-msg", "post-merge", "post-rewrite", word="uninstall")
    after = state_of(framework)
    del after["hello.txt"]
    assert after == before


def test_a_hook_of_ones_own_below_ours_runs_again_after_init(bare_lab: Lab) -> None:
    begin(bare_lab)
    hooks = bare_lab.path / ".git" / "hooks"
    script(hooks / "post-commit", f'echo mine >>"{bare_lab.bin}/mine"\n')
    set_up(bare_lab.repo)
    configure(bare_lab, CONFIG.format(ran=bare_lab.bin / "ran"))
    install(bare_lab, "pre-commit", "post-commit")
    (bare_lab.bin / "mine").unlink(missing_ok=True)
    assert hook_states(bare_lab.repo)["post-commit"] == "outdated"
    set_up(bare_lab.repo)
    assert set(hook_states(bare_lab.repo).values()) == {"installed"}
    ask_and_commit(bare_lab)
    assert (ran(bare_lab), (bare_lab.bin / "mine").read_text()) == (2, "mine\n")
    take_out(bare_lab.repo)
    assert (hooks / "post-commit.legacy").read_text().endswith('mine"\n')
    assert not [path for path in hooks.iterdir() if "regen" in path.read_text("utf-8", "replace")]


def test_the_proof_is_made_with_the_framework(framework: Lab) -> None:
    set_up(framework.repo)
    before = state_of(framework)
    proof = prove(framework.repo)
    assert proof is not None
    assert (proof.problem, proof.trailer, proof.note) == ("", True, True)
    assert "pre-commit" in proof.by
    assert state_of(framework) == before


def hooks_repository(lab: Lab, folder: Path) -> str:
    """Make a repository as users of the framework name it; return its address and commit as YAML."""
    shutil.copytree(ROOT / "hooks", folder / "hooks")
    shutil.copy2(ROOT / ".pre-commit-hooks.yaml", folder)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "Hooks")):
        assert lab.run("git", *words, cwd=folder).returncode == 0
    return f"repo: {folder}\n  rev: {lab.run('git', 'rev-parse', 'HEAD', cwd=folder).stdout.decode().strip()}"


@pytest.fixture
def named(bare_lab: Lab, tmp_path: Path) -> Lab:
    """Return a repository whose team names our hooks in the framework's settings; no 'init' has run."""
    begin(bare_lab)
    ids = "\n".join(f"  - id: regen-{stage}" for stage in STAGES)
    where = hooks_repository(bare_lab, tmp_path / "regen")
    configure(bare_lab, CONFIG.format(ran=bare_lab.bin / "ran") + f"- {where}\n  hooks:\n{ids}\n")
    install(bare_lab, *STAGES)
    return bare_lab


def test_every_stage_that_is_offered_has_one_hook() -> None:
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in offered] == [f"regen-{stage}" for stage in STAGES]
    assert set(STAGES) < set(HOOKS)
    for hook in offered:
        assert hook["stages"] == [hook["id"].removeprefix("regen-")]
        assert hook["entry"] == f"hooks/framework {hook['stages'][0]}"
        assert hook["always_run"] is True


def test_hooks_named_in_the_settings_record(named: Lab) -> None:
    named.git("config", "notes.rewriteRef", "refs/notes/regen*")
    assert set(hook_states(named.repo).values()) == {"installed"}
    assert "recorded 1 prompt" in ask_and_commit(named)
    assert ran(named) == 2
    named.git("commit", "-q", "--amend", "-m", "Say it better")
    assert named.texts() == ["Add a greeting"]


def test_hooks_named_in_the_settings_know_a_squash(named: Lab) -> None:
    named.git("checkout", "-q", "-b", "topic")
    ask_and_commit(named)
    named.git("checkout", "-q", "main")
    named.git("merge", "-q", "--squash", "topic")
    named.git("commit", "-q", "--no-edit")
    assert len(named.trailers()) == 1
    named.let_hooks_finish()
    assert named.texts() == ["Add a greeting"]


def test_hooks_named_in_the_settings_keep_to_the_policy(named: Lab) -> None:
    named.git("config", "regen.policy", "require")
    named.edit("nobody-typed", "x", "by an agent\n")
    named.git("add", "x")
    done = named.run("git", "commit", "-m", "No prompt")
    assert done.returncode == 1
    assert b"no prompt for that is known" in done.stdout + done.stderr


def test_hooks_named_in_the_settings_leave_an_empty_message_empty(named: Lab) -> None:
    named.regen("record", "Do it")
    done = named.run("git", "commit", "--allow-empty", env={"GIT_EDITOR": "true"})
    assert done.returncode == 1
    assert b"empty commit message" in done.stderr


@pytest.mark.parametrize("order", ["init first", "framework first"])
def test_hooks_named_in_the_settings_step_aside_for_those_of_init(named: Lab, order: str) -> None:
    set_up(named.repo)
    if order == "init first":
        install(named, *STAGES)
    assert set(hook_states(named.repo).values()) == {"installed"}
    said = ask_and_commit(named)
    assert said.count("recorded 1 prompt") == 1
    named.regen("record", "Do it")
    done = named.run("git", "commit", "--allow-empty", env={"GIT_EDITOR": "true"})
    assert done.returncode == 1
    assert b"empty commit message" in done.stderr


def test_a_local_hook_may_call_the_program(bare_lab: Lab) -> None:
    begin(bare_lab)
    events = ("prepare-commit-msg", "post-commit")
    hooks = "".join(
        f"  - id: regen-{event}\n    name: {event}\n    language: system\n    always_run: true\n"
        f"    entry: git-regen hook {event}\n    stages: [{event}]\n"
        for event in events
    )
    configure(bare_lab, f"repos:\n- repo: local\n  hooks:\n{hooks}")
    install(bare_lab, *events)
    ask_and_commit(bare_lab)


def test_a_machine_without_the_program_notices_nothing(named: Lab) -> None:
    (named.bin / "git-regen").unlink()
    done = named.run("git", "commit", "-q", "--allow-empty", "-m", "Without")
    assert done.returncode == 0, done.stderr.decode()
    assert b"Failed" not in done.stderr
