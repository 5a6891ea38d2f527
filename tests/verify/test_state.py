"""Data is made by the release, with its own dependencies, and read anew by each tree."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from regen_git.config import read_settings
from regen_git.domain.verdict import Verdict
from regen_git.verify.runner import Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.builder import RepoBuilder


@contextmanager
def verifier(
    repo: RepoBuilder, make: str, check: str, setup: str = "", *, trusted: bool = True, sandbox: str = "auto"
) -> Iterator[Verifier]:
    lines = ["state:", "  make: |", *_block(make), "  check: |", *_block(check)]
    lines += ["setup: |", *_block(setup)] if setup else []
    settings = read_settings(b"regen.sandbox\n%s\0" % sandbox.encode(), "\n".join([*lines, ""]).encode(), {})
    with (
        ThreadPoolExecutor(1) as executor,
        Verifier(repo.opened, settings, trusted=trusted, executor=executor) as made,
    ):
        yield made


def _block(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]


def trees(repo: RepoBuilder) -> tuple[str, str]:
    """Return a released tree and a new one; each knows its own name."""
    repo.commit("released", {"name": "old\n", "requirements.txt": "old\n"})
    repo.commit("next", {"name": "new\n", "requirements.txt": "new\n"})
    return repo.git("rev-parse", "HEAD~^{tree}"), repo.git("rev-parse", "HEAD^{tree}")


def test_each_version_runs_with_its_own_dependencies(repo: RepoBuilder) -> None:
    old, new = trees(repo)
    make = 'cat "$REGEN_ENV/which" > "$REGEN_STATE/made"'
    check = 'echo "$(cat "$REGEN_STATE/made") $(cat "$REGEN_ENV/which")"; exit 1'
    with verifier(repo, make, check, setup='cp requirements.txt "$REGEN_ENV/which"') as made:
        found = made.verify_tree(new, released=old)
    assert found.checks[0].output == "old new"


def test_data_is_made_once_and_laid_down_anew_for_each_tree(repo: RepoBuilder, tmp_path: Path) -> None:
    old, new = trees(repo)
    log = tmp_path / "log"
    log.touch()
    make = f"echo made >> {log}\ncd $REGEN_STATE\nmkdir d && echo data > d/f && ln -s f d/l"
    check = 'cd $REGEN_STATE\ntest "$(cat d/l)" = data && ! test -e x && touch x && rm -r d'
    with verifier(repo, make, check, sandbox="off") as made:
        assert made.verify_tree(new, released=old).verdict is Verdict.PASS
        assert made.verify_tree(old, released=old).verdict is Verdict.PASS
    assert log.read_text() == "made\n"


def test_what_cannot_be_kept_is_said(repo: RepoBuilder) -> None:
    old, new = trees(repo)
    with verifier(repo, 'mkfifo "$REGEN_STATE/pipe"', "true") as made:
        found = made.verify_tree(new, released=old)
    assert found.verdict is Verdict.INDETERMINATE
    assert "its data cannot be kept" in found.reasons[0]


def test_a_failure_counts_only_when_it_comes_again(repo: RepoBuilder, tmp_path: Path) -> None:
    old, new = trees(repo)
    once = tmp_path / "once"
    check = f"test $(cat name) = old || test -e {once} || {{ touch {once}; exit 1; }}"
    with verifier(repo, "true", check, sandbox="off") as made:
        assert made.verify_tree(new, old, released=old).verdict is Verdict.PASS


@pytest.mark.parametrize("is_end", [True, False])
def test_only_at_the_end_of_a_history_the_state_must_be_there(repo: RepoBuilder, *, is_end: bool) -> None:
    old, new = trees(repo)
    with verifier(repo, "echo not yet; exit 7", "true") as made:
        found = made.verify_tree(new, old, released=old, is_end=is_end)
    assert found.verdict is Verdict.INDETERMINATE
    assert [check.name for check in found.checks] == (["state"] if is_end else [])
    assert ("exit status 7: not yet" if is_end else "no checks are configured") in found.reasons[0]


def test_nothing_runs_before_it_is_trusted(repo: RepoBuilder, tmp_path: Path) -> None:
    old, new = trees(repo)
    with verifier(repo, f"touch {tmp_path}/ran", "true", trusted=False) as made:
        found = made.verify_tree(new, released=old)
    assert found.verdict is Verdict.INDETERMINATE
    assert not (tmp_path / "ran").exists()
