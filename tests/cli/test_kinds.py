"""Every kind of repository works with every command, or is refused before anything is written."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.builder import RepoBuilder
from support.histories import AsBefore, History, odd_history
from support.kinds import Untouched, clone, make
from support.model_server import ModelServer

from regen_git.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READS = (
    ("status",),
    ("log", "-n", "2"),
    ("show",),
    ("why", "src/hello.py:1"),
    ("plan",),
    ("import", "commits", "--dry-run"),
)
REPLAYS = (
    ("replay", "--model", "original"),
    ("replay", "--model", "original", "--rewrite", "--name", "again"),
    ("replay", "--model", "original", "--rewrite", "--locked", "--name", "locked"),
    ("compare", "again"),
    ("mark", "human", "HEAD"),
    ("record", "--commit", "HEAD", "More words"),
)
WORKTREE = (("record", "For the next commit"), ("adopt", "again", "--history", "--published"))
NO_COMMIT = "this branch has no commit yet"
NO_FILES = "there are no files here"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder to keep a history in, which each test copies: making it takes longer."""
    return tmp_path_factory.mktemp("kinds") / "history"


@pytest.fixture
def history(model: Path, tmp_path: Path) -> RepoBuilder:
    """Return a repository of its own with an odd history."""
    if not model.exists():
        odd_history(RepoBuilder.init(model))
    shutil.copytree(model, tmp_path / "history", symlinks=True)
    return RepoBuilder(tmp_path / "history")


def bare(history: RepoBuilder, tmp_path: Path) -> Path:
    subprocess.run(["git", "clone", "-q", "--mirror", str(history.path), str(tmp_path / "bare")], check=True)
    return tmp_path / "bare"


def inside_git_folder(history: RepoBuilder, tmp_path: Path) -> Path:
    del tmp_path
    return history.path / ".git"


def linked(history: RepoBuilder, tmp_path: Path) -> Path:
    history.git("config", "extensions.worktreeConfig", "true")
    history.git("worktree", "add", "-q", "-b", "other", str(tmp_path / "linked"))
    return tmp_path / "linked"


def detached_beside_a_bare_one(history: RepoBuilder, tmp_path: Path) -> Path:
    where = RepoBuilder(bare(history, tmp_path))
    where.git("worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    return tmp_path / "linked"


def submodule(history: RepoBuilder, tmp_path: Path) -> Path:
    outer = RepoBuilder.init(tmp_path / "outer")
    allowed = ("-c", "protocol.file.allow=always")
    outer.git(*allowed, "submodule", "add", "-q", str(history.path), "inner")
    inner = RepoBuilder(outer.path / "inner")
    inner.git("fetch", "-q", "origin", "refs/notes/*:refs/notes/*")
    assert (inner.path / ".git").is_file()
    return inner.path


def odd_name(history: RepoBuilder, tmp_path: Path) -> Path:
    return history.path.rename(tmp_path / os.fsdecode(b"odd \xff \x0b\xe2\x80\xa8 'q\" $(name)"))


def sparse(history: RepoBuilder, tmp_path: Path) -> Path:
    del tmp_path
    history.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    assert not (history.path / "data.bin").exists() or (history.path / "README.md").exists()
    return history.path


def shared(history: RepoBuilder, tmp_path: Path) -> Path:
    subprocess.run(
        ["git", "clone", "-q", "--shared", str(history.path), str(tmp_path / "shared")], check=True
    )
    cloned = RepoBuilder(tmp_path / "shared")
    cloned.git("fetch", "-q", "origin", "refs/notes/*:refs/notes/*")
    return cloned.path


WORKING = (linked, detached_beside_a_bare_one, submodule, odd_name, sparse, shared)


def go(where: Path, argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(where)
    return run(argv)


@pytest.mark.parametrize("kind", WORKING)
def test_with_files_every_command_works(
    kind: Callable[[RepoBuilder, Path], Path],
    history: RepoBuilder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = kind(history, tmp_path)
    repo = RepoBuilder(where)
    files = repo.git("status", "--porcelain")
    before = repo.git("rev-parse", "HEAD")
    for argv in (*READS, *REPLAYS):
        assert go(where, argv, monkeypatch) == 0, (argv, capsys.readouterr().err)
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (before, files)
    assert repo.git("rev-parse", "regen/original") == before
    again = repo.git("rev-parse", "regen/again")
    assert repo.git("rev-parse", "regen/locked") == again != before
    for argv in (("init", "--yes", "--claude", "none", "--no-config"), *WORKTREE, ("deinit",)):
        assert go(where, argv, monkeypatch) == 0, (argv, capsys.readouterr().err)
    assert (repo.git("rev-parse", "HEAD"), repo.git("status", "--porcelain")) == (again, files)


@pytest.mark.parametrize("kind", [bare, inside_git_folder])
def test_without_files_history_is_read_and_rebuilt_and_the_rest_refused(
    kind: Callable[[RepoBuilder, Path], Path],
    history: RepoBuilder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    where = kind(history, tmp_path)
    for argv in (*READS, *REPLAYS):
        assert go(where, argv, monkeypatch) == 0, (argv, capsys.readouterr().err)
    before = Untouched(history.path), Untouched(where)
    for argv in (*WORKTREE, ("adopt", "again")):
        capsys.readouterr()
        assert go(where, argv, monkeypatch) == 3
        assert NO_FILES in capsys.readouterr().err
    assert (Untouched(history.path), Untouched(where)) == before


@pytest.mark.parametrize("args", [(), ("--bare",)])
def test_on_an_unborn_branch_every_command_says_so_or_has_nothing_to_say(
    args: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = RepoBuilder.init(tmp_path / "unborn", *args)
    before = Untouched(repo.path)
    commands = [
        argv for argv in (*READS, *REPLAYS) if argv[0] not in ("status", "compare") and "--locked" not in argv
    ]
    for argv in (*commands, ("verify",), ("try", "HEAD", "--model", "original")):
        assert go(repo.path, argv, monkeypatch) == 3, argv
        assert NO_COMMIT in capsys.readouterr().err, argv
    for argv in (("status",), ("import", "claude")):
        assert go(repo.path, argv, monkeypatch) == 0
    assert Untouched(repo.path) == before


def test_an_unborn_branch_beside_others_is_not_taken_for_an_empty_repository(
    history: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history.git("checkout", "-q", "--orphan", "fresh")
    assert go(history.path, ("plan",), monkeypatch) == 3
    assert NO_COMMIT in capsys.readouterr().err
    assert go(history.path, ("replay", "main", "--model", "original"), monkeypatch) == 0
    assert history.git("rev-parse", "regen/original") == history.git("rev-parse", "main")


def test_a_repository_of_another_user_is_refused_with_gits_own_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Git's own switch for its tests: everything belongs to somebody else.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    (tmp_path / "theirs").mkdir()
    subprocess.run(["git", "init", "-q", str(tmp_path / "theirs")], check=False)
    before = Untouched(tmp_path / "theirs")
    for argv in (*READS, *REPLAYS, *WORKTREE, ("init", "--yes"), ("doctor",)):
        assert go(tmp_path / "theirs", argv, monkeypatch) == 3
        said = capsys.readouterr().err
        assert "another user owns it" in said
        assert f"git config --global --add safe.directory {tmp_path / 'theirs'}" in said
    assert Untouched(tmp_path / "theirs") == before


def test_what_git_cannot_open_is_said_in_gits_words(
    history: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history.git("config", "core.repositoryFormatVersion", "1")
    history.git("config", "extensions.madeUp", "true")
    assert go(history.path, ("log",), monkeypatch) == 3
    assert "unknown repository extension found" in capsys.readouterr().err


def test_a_folder_that_is_gone_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert run(("log",)) == 3
    assert "does not exist any more" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["environment", "git folder alone", "configured"])
def test_a_working_tree_that_stands_elsewhere_is_found(
    how: str, history: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = history.path
    if how == "environment":
        monkeypatch.setenv("GIT_DIR", str(history.path / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(history.path))
        where = tmp_path
    elif how == "git folder alone":
        monkeypatch.setenv("GIT_DIR", ".git")
    else:
        (tmp_path / "files").mkdir()
        history.git("config", "core.worktree", "../../files")
        history.git("checkout", "-q", "-f", "HEAD")
        assert (tmp_path / "files" / "README.md").exists()
    for argv in (("status",), ("record", "Words"), *REPLAYS, ("adopt", "again", "--history")):
        assert go(where, argv, monkeypatch) == 0, argv
    assert history.git("status", "--porcelain", "--untracked-files=no") == ""


def test_replay_and_adopt_keep_off_a_branch_that_another_worktree_has(
    history: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go(history.path, ("replay", "--model", "original", "--rewrite"), monkeypatch) == 0
    history.git("worktree", "add", "-q", str(tmp_path / "beside"), "regen/original")
    before = history.git("for-each-ref"), RepoBuilder(tmp_path / "beside").git("status", "--porcelain")
    capsys.readouterr()
    again = ("replay", "--model", "original", "--rewrite", "--force")
    assert go(history.path, again, monkeypatch) == 3
    assert "is checked out in a worktree" in capsys.readouterr().err
    assert (
        history.git("for-each-ref"),
        RepoBuilder(tmp_path / "beside").git("status", "--porcelain"),
    ) == before


def test_another_worktree_may_have_the_source_branch(
    history: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history.git("worktree", "add", "-q", "--detach", str(tmp_path / "beside"))
    replay = ("replay", "main", "--model", "original", "--rewrite")
    assert go(tmp_path / "beside", replay, monkeypatch) == 0
    assert history.git("status", "--porcelain") == ""
    assert history.git("rev-parse", "regen/original^{tree}") == history.git("rev-parse", "main^{tree}")


@pytest.mark.parametrize("kind", ["sha256", "reftable"])
def test_the_whole_line_with_a_model_in_a_repository_of_another_kind(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = make(tmp_path / "kind", kind)
    history = odd_history(repo)
    repo.commit("Be kind\n\nPrompt: be kind to those who read", {"kind.txt": "kind\n"})
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with ModelServer(AsBefore(history)) as server:
        repo.git("config", "regen.apiBase", server.url)
        commands = (
            *READS,
            *REPLAYS,
            ("replay", "HEAD~1", "--model", "openai/any", "--name", "model"),
            ("replay", "HEAD~1", "--model", "openai/any", "--name", "repeated", "--locked"),
            ("try", "HEAD~1", "--model", "openai/any"),
            ("compare", "model"),
            ("import", "commits"),
            ("adopt", "again", "--history", "--published"),
        )
        for argv in commands:
            assert history.regen(*argv) == 0, (argv, capsys.readouterr().err)
    assert repo.git("rev-parse", "regen/model") == repo.git("rev-parse", "regen/repeated")
    assert repo.git("rev-parse", "regen/model^{tree}") == repo.git("rev-parse", "regen/original~1^{tree}")
    assert len(repo.git("rev-parse", "HEAD")) == (64 if kind == "sha256" else 40)
    # Notes, replies and rebuilt commits are sound, and nothing was written that git cannot read.
    repo.git("fsck", "--strict", "--no-dangling")


def test_a_partial_clone_with_files_works_like_any_other(
    history: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partial = clone(history, tmp_path / "partial", "--filter=blob:none")
    partial.git("fetch", "-q", "origin", "refs/notes/*:refs/notes/*")
    for argv in (*READS, *REPLAYS, *WORKTREE):
        assert go(partial.path, argv, monkeypatch) == 0, argv
    assert History(partial).regen("verify") == 3  # no checks are configured
