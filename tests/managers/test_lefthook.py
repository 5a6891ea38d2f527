"""lefthook runs its team's hooks and ours, also after it has installed itself again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from support.managed import ask_and_commit, begin, program, script, state_of

from regen_git.capture.managers import hook_states, in_charge
from regen_git.capture.proving import prove
from regen_git.capture.setup import set_up, take_out

if TYPE_CHECKING:
    from conftest import Lab

CONFIG = """\
prepare-commit-msg:
  jobs:
    - name: team
      run: echo team prepare >>"{ran}"
post-commit:
  commands:
    team:
      run: echo team post-commit >>"{ran}"
"""


@pytest.fixture
def lefthook(bare_lab: Lab) -> Lab:
    """Return a repository in which lefthook is installed, with two hooks of the team's."""
    lab = bare_lab
    begin(lab)
    (lab.path / "lefthook.yml").write_text(CONFIG.format(ran=lab.bin / "ran"))
    lab.git("add", "-A")
    lab.git("commit", "-q", "-m", "Use lefthook")
    install(lab)
    return lab


def install(lab: Lab, *args: str) -> None:
    done = lab.run(program("lefthook"), "install", *args)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def ran(lab: Lab) -> list[str]:
    return (lab.bin / "ran").read_text().splitlines()


def test_the_teams_hooks_and_ours_run(lefthook: Lab) -> None:
    set_up(lefthook.repo)
    assert in_charge(lefthook.repo).manager == "lefthook"
    assert set(hook_states(lefthook.repo).values()) == {"installed"}
    assert "recorded 1 prompt" in ask_and_commit(lefthook) + "".join(ran(lefthook))
    assert ran(lefthook) == ["team prepare", "team post-commit"]
    assert lefthook.git("status", "--porcelain") == ""


def test_undo_gives_every_byte_back(lefthook: Lab) -> None:
    before = state_of(lefthook)
    set_up(lefthook.repo)
    first = state_of(lefthook)
    assert first != before
    set_up(lefthook.repo)
    assert state_of(lefthook) == first
    # Its own list of what it has installed changes with each run.
    prompt = lefthook.prompt("Add a greeting")
    lefthook.edit(prompt, "hello.txt", "hello\n")
    take_out(lefthook.repo)
    after = state_of(lefthook)
    del after["hello.txt"]
    assert after == before


def test_hooks_survive_that_lefthook_is_installed_again(lefthook: Lab) -> None:
    set_up(lefthook.repo)
    install(lefthook)
    install(lefthook, "--force")
    assert set(hook_states(lefthook.repo).values()) == {"installed"}
    ask_and_commit(lefthook)
    assert ran(lefthook) == ["team prepare", "team post-commit"]


def test_a_hook_that_lefthook_takes_over_is_noticed_and_mended(lefthook: Lab) -> None:
    set_up(lefthook.repo)
    config = lefthook.path / "lefthook.yml"
    config.write_text(
        config.read_text()
        + f'commit-msg:\n  commands:\n    team:\n      run: echo team commit-msg >>"{lefthook.bin}/ran"\n'
    )
    install(lefthook)
    assert hook_states(lefthook.repo)["commit-msg"] == "missing"
    set_up(lefthook.repo)
    assert set(hook_states(lefthook.repo).values()) == {"installed"}
    assert not list((lefthook.path / ".git" / "hooks").glob("*.old"))
    ask_and_commit(lefthook)
    assert ran(lefthook) == ["team prepare", "team commit-msg", "team post-commit"]


def test_hooks_of_an_init_before_lefthook_move_into_its_settings(bare_lab: Lab) -> None:
    begin(bare_lab)
    hooks = bare_lab.path / ".git" / "hooks"
    script(hooks / "post-commit", f'echo mine >>"{bare_lab.bin}/ran"\n')
    set_up(bare_lab.repo)
    (bare_lab.path / "lefthook.yml").write_text(CONFIG.format(ran=bare_lab.bin / "ran"))
    install(bare_lab)
    assert hook_states(bare_lab.repo)["post-commit"] == "missing"
    proof = prove(bare_lab.repo)
    assert proof is not None
    assert proof.problem
    set_up(bare_lab.repo)
    ask_and_commit(bare_lab)
    assert ran(bare_lab)[-1] == "team post-commit"
    # What was there before either is where lefthook would have moved it.
    assert (hooks / "post-commit.old").read_text().endswith('ran"\n')
    take_out(bare_lab.repo)
    assert not [path for path in hooks.iterdir() if "regen" in path.read_text("utf-8", "replace")]


def test_a_private_file_of_ones_own_keeps_its_words(lefthook: Lab) -> None:
    local = lefthook.path / "lefthook-local.yml"
    local.write_text("# mine\noutput:\n  - failure\n")
    set_up(lefthook.repo)
    assert local.read_text().startswith("# mine\noutput:\n  - failure\n# git regen: begin\n")
    assert yaml.safe_load(local.read_text())["output"] == ["failure"]
    ask_and_commit(lefthook)
    take_out(lefthook.repo)
    assert local.read_text() == "# mine\noutput:\n  - failure\n"


def test_init_says_what_to_add_where_it_is_not_safe_to_write(lefthook: Lab) -> None:
    local = lefthook.path / "lefthook-local.yml"
    text = "post-commit:\n  commands:\n    mine:\n      run: echo mine\n"
    local.write_text(text)
    done = set_up(lefthook.repo)
    assert local.read_text() == text
    at = next(i for i, line in enumerate(done) if "add to" in line)
    snippet = "\n".join(line for line in done[at + 1 :] if line.startswith((" ", "p")))
    assert set(yaml.safe_load(snippet)) == {"prepare-commit-msg", "post-commit"}
    assert hook_states(lefthook.repo)["post-commit"] == "missing"
    # As a person would: the one is new, the other goes below what is there.
    added = yaml.safe_load(snippet)
    added["post-commit"]["commands"]["mine"] = {"run": "echo mine"}
    local.write_text(yaml.safe_dump(added))
    assert set(hook_states(lefthook.repo).values()) == {"installed"}
    ask_and_commit(lefthook)


def test_rewritten_commits_reach_ours_where_lefthook_owns_the_hook(lefthook: Lab) -> None:
    config = lefthook.path / "lefthook.yml"
    config.write_text(
        config.read_text() + "post-rewrite:\n  commands:\n    team:\n      run: echo rewritten\n"
    )
    install(lefthook)
    set_up(lefthook.repo)
    ask_and_commit(lefthook)
    lefthook.git("config", "--unset-all", "notes.rewriteRef")
    lefthook.git("commit", "-q", "--amend", "-m", "Say it better")
    lefthook.let_hooks_finish()
    assert lefthook.texts() == ["Add a greeting"]


def test_a_worktree_with_a_space_in_its_name_is_served(lefthook: Lab) -> None:
    from dataclasses import replace

    set_up(lefthook.repo)
    there = lefthook.path.parent / "an other"
    lefthook.git("worktree", "add", "-q", "-b", "other", str(there))
    (there / "lefthook-local.yml").write_bytes((lefthook.path / "lefthook-local.yml").read_bytes())
    ask_and_commit(replace(lefthook, path=there))


def test_the_proof_is_made_by_lefthook(lefthook: Lab) -> None:
    set_up(lefthook.repo)
    before = state_of(lefthook)
    proof = prove(lefthook.repo)
    assert proof is not None
    assert proof.problem == ""
    assert "lefthook" in proof.by
    assert (proof.trailer, proof.note) == (True, True)
    assert state_of(lefthook) == before
