"""Our lines in files of others: in and out again, whatever stands there."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.managed import state_of

from regen_git.capture.install import HOOKS
from regen_git.capture.managers import husky, lefthook
from regen_git.capture.managers.lines import MARK, appended, block, change, without_ours
from regen_git.errors import RegenError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Lab

LINES = st.lists(
    st.sampled_from(
        ["#!/bin/sh", "npx lint-staged", "exit 0", "  exit 1", "exec x", "", "é", "# git", "a: b"]
    )
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)
).map("\n".join)
TEXTS = st.builds(str.__add__, LINES, st.sampled_from(["", "\n"])).filter(lambda text: MARK not in text)


@given(TEXTS, st.sampled_from(HOOKS))
def test_a_line_comes_out_as_it_went_in(text: str, event: str) -> None:
    with_it = husky._with_line(text, event)
    assert with_it.splitlines().count(husky.line(event)) == 1
    assert husky._with_line(with_it, event) == with_it
    assert without_ours(with_it) in (text, text + "\n")


@given(TEXTS, st.lists(st.sampled_from(HOOKS), unique=True, min_size=1))
def test_a_block_comes_out_as_it_went_in(text: str, events: list[str]) -> None:
    with_it = appended(text, block(lefthook.entries(events)))
    assert without_ours(with_it) in (text, text + "\n")
    assert without_ours(appended(with_it, "more: 1\n")) in (text + "more: 1\n", text + "\nmore: 1\n")


@given(TEXTS, st.lists(st.sampled_from(HOOKS), unique=True, min_size=1))
def test_a_private_file_of_lefthook_means_what_it_meant_and_ours(text: str, events: list[str]) -> None:
    after = lefthook._with_entries(text, events)
    if after is None:
        return
    now = yaml.safe_load(after)
    was = yaml.safe_load(text) or {}
    assert {key: now[key] for key in was} == was
    assert set(now) - set(was) == set(events)


def test_nothing_of_ours_is_said_to_be_nothing() -> None:
    assert without_ours("exit 0\n") is None
    assert without_ours("") is None


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "sh -e"])
def test_a_line_hands_over_arguments_and_status(bare_lab: Lab, shell: str) -> None:
    script = bare_lab.path / ".git" / "regen" / "managed" / "post-commit"
    words = [*shell.split(), "-c", husky.line("post-commit"), "hook", "one", "two words"]
    done = subprocess.run(words, cwd=bare_lab.path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    script.parent.mkdir(parents=True)
    script.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nexit 3\n')
    script.chmod(0o755)
    done = subprocess.run(words, cwd=bare_lab.path, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"<one><two words>", b"")


def test_a_link_out_of_the_repository_is_not_followed(bare_lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.write_text("mine\n")
    (bare_lab.path / "post-commit").symlink_to(outside)
    before = state_of(bare_lab)
    with pytest.raises(RegenError, match="leads out of the repository"):
        change(bare_lab.repo, bare_lab.path / "post-commit", "ours\n")
    assert (outside.read_text(), state_of(bare_lab)) == ("mine\n", before)
