"""A full disk, a read-only one, and one that fails: said in one line, and nothing is lost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.killing import Place, Victim, can_trace, end, run_to_end
from support.scenes import FIRST, SECOND, Adopts, Commits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = f"{SECOND}: {'politely ' * 1000}"
"""More than fits into what is left of the block in which a file ends."""

READING = [
    ("log",),
    ("show", "HEAD"),
    ("why", "hello.py:1"),
    ("status",),
    ("plan", "--model", "original"),
    ("doctor",),
]
WRITING = [
    ("record", "x"),
    ("record", "--commit", "HEAD", "x"),
    ("replay", "--model", "original", "--rewrite"),
    ("mark", "human", "HEAD"),
    ("init", "--yes", "--claude", "none", "--no-config", "--no-import"),
]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk of its own, of six megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=6m", "small", str(folder)]
    try:
        mounted = subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no disk can be mounted here; root can")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no byte of room."""
    with (folder / "full").open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size):
                    pass


def make_room(folder: Path) -> None:
    (folder / "full").unlink()


def said_plainly(err: bytes) -> bool:
    """Whether a failure was told as one, not as a defect, and without a trace."""
    return b"error: " in err and b"defect" not in err and b"Traceback" not in err


def test_what_is_typed_while_the_disk_is_full_is_put_aside_and_comes_back(
    small_disk: Path, tmp_path: Path
) -> None:
    scene = Commits(small_disk / "s")
    case = scene.copy(1)
    (case / "data").rmdir()
    (case / "data").symlink_to(tmp_path)
    fill(small_disk)

    status, out, err = run_to_end(scene.prompt(case, "p2", LONG))

    assert (status, out, err) == (0, b"", b"")
    assert SECOND in scene.texts(case)
    aside = [path.read_text() for path in tmp_path.rglob("git-regen/spool/aside/*/inbox.jsonl")]
    assert SECOND in aside[0]
    make_room(small_disk)
    scene.run(scene.edit(case, "p2", "polite.py", "print('dear')\n"))
    assert not list(tmp_path.rglob("git-regen/spool/aside/*/inbox.jsonl"))
    scene.repo(case).git("add", "-A")
    scene.run(scene.command(case, "git", "commit", "-q", "-m", "Greet"))
    scene.flush(case)
    assert scene.note(case).splitlines() == [FIRST, LONG]


def test_where_nothing_at_all_can_be_written_the_agent_goes_on_and_one_line_says_it(small_disk: Path) -> None:
    scene = Commits(small_disk / "s")
    case = scene.copy(1)
    fill(small_disk)

    status, out, err = run_to_end(scene.prompt(case, "p2", LONG))

    assert (status, out) == (0, b"")
    assert err.startswith(b"regen: capture: OSError: ")
    assert err.count(b"\n") == 1
    assert FIRST in scene.texts(case)
    make_room(small_disk)
    scene.check(case)


def test_a_commit_on_a_full_disk_fails_as_git_does_and_works_once_there_is_room(small_disk: Path) -> None:
    scene = Commits(small_disk / "s")
    case = scene.copy(1)
    fill(small_disk)

    assert run_to_end(scene.victim(case))[0] != 0

    make_room(small_disk)
    scene.check(case)


@pytest.mark.parametrize("argv", [*WRITING, ("log",), ("status",)], ids=lambda argv: " ".join(argv[:2]))
def test_a_command_on_a_full_disk_says_so_and_works_once_there_is_room(
    small_disk: Path, argv: tuple[str, ...]
) -> None:
    scene = Commits(small_disk / "s")
    case = scene.copy(1)
    scene.run(scene.command(case, "git", "commit", "-q", "-m", "Greet"))
    fill(small_disk)

    status, _, err = run_to_end(scene.regen(case, *argv))

    if argv == ("log",):
        assert status == 0, err
    else:
        assert status in (0, 3), err
        assert status == 0 or (said_plainly(err) and b"hint: make room" in err), err
    make_room(small_disk)
    scene.run(scene.regen(case, *argv))
    scene.flush(case)
    assert FIRST in scene.note(case)


def test_an_adoption_for_which_the_disk_has_no_room_is_taken_back(small_disk: Path) -> None:
    scene = Adopts(small_disk / "s")
    case = scene.copy(1)
    repo = scene.repo(case)
    fill(small_disk)
    # Room for the record, not for all of the files.
    os.truncate(small_disk / "full", (small_disk / "full").stat().st_size - 12 * 4096)

    status, _, err = run_to_end(scene.victim(case))

    assert status == 3, err
    assert said_plainly(err), err
    assert repo.git("rev-parse", "HEAD") == scene.old
    make_room(small_disk)
    scene.check(case)


def read_only(victim: Victim, folder: Path) -> tuple[int, bytes, bytes]:
    """Run a command that can write nowhere below a folder."""
    program = shutil.which("bwrap")
    if program is None:
        pytest.skip("bubblewrap is not here")
    wrap = [program, "--dev-bind", "/", "/", "--ro-bind", str(folder), str(folder)]
    if subprocess.run([*wrap, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("bubblewrap may not do its work here")
    return run_to_end(Victim((*wrap, *victim.argv), victim.cwd, victim.stdin, victim.env))


def test_a_repository_that_cannot_be_written_can_be_read_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Commits(tmp_path / "s")
    case = scene.copy(1)
    scene.run(scene.command(case, "git", "commit", "-q", "-m", "Greet"))
    scene.flush(case)
    before = scene.repo(case).git("for-each-ref")

    for argv in READING:
        status, out, err = read_only(scene.regen(case, *argv), case / "repo")
        assert status in ((0, 1) if argv[0] == "doctor" else (0,)), (argv, err)
        assert out, argv
        assert b"error: " not in err, (argv, err)
    for argv in WRITING:
        status, _, err = read_only(scene.regen(case, *argv), case / "repo")
        assert status == 3, (argv, err)
        assert said_plainly(err), (argv, err)
    status, out, err = read_only(scene.prompt(case, "p2", SECOND), case / "repo")
    assert (status, out, err) == (0, b"", b"")

    assert scene.repo(case).git("for-each-ref") == before
    assert SECOND in scene.texts(case)
    monkeypatch.setenv("XDG_DATA_HOME", str(case / "data"))
    scene.flush(case)
    assert not list((case / "data").rglob("inbox.jsonl"))
    assert SECOND in scene.texts(case)


def test_a_file_of_ours_that_cannot_be_written_does_not_stop_a_commit(tmp_path: Path) -> None:
    scene = Commits(tmp_path / "s")
    case = scene.copy(1)
    # As after a commit by another user: not empty, and not to be written.
    (case / "repo/.git/regen-prepared").mkdir()

    scene.run(scene.command(case, "git", "commit", "-q", "-m", "Greet"))

    assert scene.repo(case).git("show", "HEAD:hello.py") == "print('hello')"
    assert FIRST in scene.texts(case)


@pytest.mark.parametrize(
    ("target", "call", "error"),
    [("main", "fsync", "EIO"), ("main", "write", "ENOSPC"), ("git.2", "write", "EIO")],
)
def test_a_disk_that_fails_once_is_survived(tmp_path: Path, target: str, call: str, error: str) -> None:
    if not can_trace():
        pytest.skip("strace is not here, or may not do its work")
    scene = Commits(tmp_path / "s")
    case = scene.copy(1)
    place = Place(target, call, 1, whole=False, how=f"error={error}")

    status, out, err = end(scene.prompt(case, "p2", SECOND), place, scene.folder)

    assert (status, out, err) == (0, b"", b"")
    assert SECOND in scene.texts(case)
    scene.check(case)


def test_the_end_of_every_failure_is_a_line_and_never_a_trace(tmp_path: Path) -> None:
    """The interpreter's own output is looked at, too: a closed standard error must not hide a status."""
    scene = Commits(tmp_path / "s")
    case = scene.copy(1)
    argv = [sys.executable, "-m", "regen_git", "status", "--json"]
    done = subprocess.run(
        argv, cwd=case / "repo", env={**os.environ, **scene.env(case)}, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["inbox"]
