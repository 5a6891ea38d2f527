"""What ``git regen log`` takes and where it shows it: as ``git log`` does."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from regen_git.cli.main import run

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def four(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> RepoBuilder:
    repo.commit("one", {"a.py": "1\n", "sub/b.py": "1\n"})
    repo.commit("two", {"a.py": "2\n"})
    repo.commit("three", {"sub/b.py": "3\n"})
    repo.commit("four", {"a.py": "4\n"})
    repo.git("branch", "side", "HEAD~2")
    monkeypatch.chdir(repo.path)
    return repo


def subjects(capsys: pytest.CaptureFixture[str], *args: str) -> list[str]:
    assert run(["log", "--json", *args]) == 0
    return [json.loads(line)["subject"] for line in capsys.readouterr().out.splitlines()]


def test_log_takes_numbers_ranges_and_paths_as_git_does(
    four: RepoBuilder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for args in (
        ("-n", "2"),
        ("-2",),
        ("-n2",),
        ("--max-count=2",),
        ("HEAD~2..",),
        ("HEAD", "^HEAD~2"),
        ("side..HEAD",),
    ):
        assert subjects(capsys, *args) == ["four", "three"], args
    assert subjects(capsys, "--", "sub") == ["three", "one"]
    assert subjects(capsys, "sub/b.py") == ["three", "one"]
    assert subjects(capsys, "-1", "side", "--", "a.py") == ["two"]
    assert subjects(capsys, "--", "nosuch") == []
    monkeypatch.chdir(four.path / "sub")
    assert subjects(capsys, "--", "b.py") == ["three", "one"]
    assert subjects(capsys, "b.py") == ["three", "one"]
    assert subjects(capsys, "-n", "0") == []


def test_log_says_what_it_does_not_know(four: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    del four
    for args in (("nosuch",), ("nosuch", "--", "a.py"), ("a.py", "--")):
        assert run(["log", *args]) == 3
        assert "hint: " in capsys.readouterr().err
    assert run(["log", "--nosuch"]) == 2


def shown_on_terminal(repo: RepoBuilder, *args: str, **env: str) -> str:
    """Run the program on a terminal of its own and return what it shows there."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "regen_git", *args],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **env},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    got = b""
    try:
        while chunk := os.read(leader, 4096):
            got += chunk
    except OSError:
        pass  # the terminal's last user is gone
    os.close(leader)
    assert process.wait(30) == 0
    return got.decode()


def test_on_a_terminal_log_and_show_go_through_the_users_pager(four: RepoBuilder) -> None:
    for setting in ({"GIT_PAGER": "sed s/^/paged:/"}, {"PAGER": "sed s/^/paged:/"}):
        for command in ("log", "show"):
            lines = shown_on_terminal(four, command, **setting).splitlines()
            assert lines
            assert all(line.startswith("paged:") for line in lines)
    four.git("config", "core.pager", "sed s/^/configured:/")
    assert shown_on_terminal(four, "log").startswith("configured:")
    assert shown_on_terminal(four, "log", GIT_PAGER="cat").startswith(
        four.git("rev-parse", "--short", "HEAD")
    )
    assert shown_on_terminal(four, "log", GIT_PAGER="echo $LESS").strip() == "FRX"
    assert not run_piped(four, "log").startswith(b"configured:")


def test_leaving_the_pager_early_ends_all_without_a_word(four: RepoBuilder) -> None:
    for at in range(40):
        four.commit(f"commit {at}\n\n{'word ' * 400}")
    assert shown_on_terminal(four, "log", GIT_PAGER="true") == ""
    assert "commit 39" in shown_on_terminal(four, "log", GIT_PAGER="head -n 1")


def run_piped(repo: RepoBuilder, *args: str) -> bytes:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "regen_git", *args]
    return subprocess.run(argv, cwd=repo.path, env=env, capture_output=True, check=True).stdout


def test_a_reader_that_has_seen_enough_is_no_failure(four: RepoBuilder) -> None:
    stream = b"".join(
        b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata 300\n%s\n"
        % (1_800_000_000 + at, b"m" * 300)
        for at in range(3000)
    )
    four.git("fast-import", "--quiet", "--force", stdin=stream)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "regen_git", "log"],
        cwd=four.path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
