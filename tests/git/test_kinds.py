"""Clones that lack objects, and histories that look other than they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.builder import RepoBuilder
from support.histories import History, odd_history
from support.kinds import clone, make

from regen_git.errors import RegenError
from regen_git.git.commits import read_commit
from regen_git.git.history import read_span
from regen_git.git.materialise import Checkout

if TYPE_CHECKING:
    from regen_git.git.repository import Repository


def missing(repo: RepoBuilder) -> int:
    """Return how many objects that HEAD's history needs are not here."""
    listed = repo.git("rev-list", "--objects", "--missing=print", "--no-object-names", "HEAD")
    return sum(line.startswith("?") for line in listed.splitlines())


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
@pytest.mark.parametrize("left_out", ["blob:none", "tree:0"])
def test_what_a_partial_clone_left_out_is_fetched_in_one_go_before_a_replay(
    kind: str, left_out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = odd_history(make(tmp_path / "source", kind)).repo
    partial = clone(source, tmp_path / "partial", "--no-checkout", f"--filter={left_out}")
    partial.git("fetch", "-q", "origin", "refs/notes/*:refs/notes/*")
    assert missing(partial) > 5

    assert History(partial).regen("replay", "--model", "original", "--rewrite") == 0

    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fetching")]
    # The trees, then the files that changed; the tree of the notes, then the notes.
    assert len(said) == (2 if left_out == "blob:none" else 4)
    assert partial.git("log", "--format=%T", "regen/original") == source.git("log", "--format=%T", "main")
    source.path.rename(tmp_path / "gone")
    assert History(partial).regen("replay", "--model", "original", "--rewrite", "--name", "again") == 0


def test_what_cannot_be_fetched_is_refused_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = odd_history(RepoBuilder.init(tmp_path / "source")).repo
    partial = clone(source, tmp_path / "partial", "--no-checkout", "--filter=blob:none")
    source.path.rename(tmp_path / "gone")
    refs = partial.git("for-each-ref")

    assert History(partial).regen("replay", "--model", "original", "--rewrite") == 3

    assert "objects of this partial clone cannot be fetched" in capsys.readouterr().err
    assert partial.git("for-each-ref") == refs


def test_one_object_that_is_missing_is_fetched_when_it_is_read(tmp_path: Path) -> None:
    source = RepoBuilder.init(tmp_path / "source")
    source.commit("Start", {"a": "one\n"})
    partial = clone(source, tmp_path / "partial", "--no-checkout", "--filter=blob:none").opened
    fetched: list[tuple[int, str]] = []
    partial.on_fetch = lambda number, remote: fetched.append((number, remote))
    blob = source.git("rev-parse", "HEAD:a")

    assert blob not in partial.objects
    assert partial.objects.blob(blob) == b"one\n"
    assert partial.objects.blob(blob) == b"one\n"
    assert fetched == [(1, "origin")]
    assert partial.objects.write("blob", b"mine\n") not in source.opened.objects
    with pytest.raises(RegenError, match="cannot be fetched"):
        partial.objects.blob("1" * 40)


def test_a_tree_is_laid_out_with_one_fetch(tmp_path: Path) -> None:
    source = RepoBuilder.init(tmp_path / "source")
    source.commit("Start", {f"f{i}": f"{i}\n" for i in range(20)})
    partial = clone(source, tmp_path / "partial", "--no-checkout", "--filter=blob:none").opened
    fetched: list[int] = []
    partial.on_fetch = lambda number, _remote: fetched.append(number)
    Checkout(partial, tmp_path / "scratch").move_to(source.git("rev-parse", "HEAD^{tree}"))
    assert fetched == [20]
    assert (tmp_path / "scratch" / "f7").read_text() == "7\n"


def test_a_range_inside_a_shallow_clone_is_replayed_and_one_across_its_edge_refused(tmp_path: Path) -> None:
    source = odd_history(RepoBuilder.init(tmp_path / "source")).repo
    shallow = clone(source, tmp_path / "shallow", "--depth", "3")
    shallow.git("fetch", "-q", "origin", "refs/notes/*:refs/notes/*")
    history = History(shallow)
    before = shallow.git("for-each-ref"), shallow.git("count-objects", "-v")
    for span in ("", "HEAD", "HEAD~2"):
        assert history.regen("replay", span, "--model", "original", "--rewrite") == 3
        assert history.regen("plan", span) == 3
    assert (shallow.git("for-each-ref"), shallow.git("count-objects", "-v")) == before

    assert history.regen("replay", "HEAD~2..", "--model", "original", "--rewrite") == 0
    assert shallow.git("rev-parse", "regen/original^{tree}") == shallow.git("rev-parse", "HEAD^{tree}")
    assert shallow.git("rev-parse", "regen/original~2") == shallow.git("rev-parse", "HEAD~2")


@pytest.fixture
def disguised(tmp_path: Path) -> tuple[Repository, list[str]]:
    """Return a history of four commits that a graft shortens and a replace ref bends, and its true ids."""
    repo = RepoBuilder.init(tmp_path / "disguised")
    true = [repo.commit(f"Step {i}", {"a": f"{i}\n"}) for i in range(4)]
    other = repo.git("commit-tree", "-m", "Forged", f"{true[0]}^{{tree}}")
    repo.git("replace", true[1], other)
    info = repo.path / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "grafts").write_text(f"{true[3]} {true[0]}\n")
    assert repo.git("rev-list", "HEAD").split() == [true[3], true[0]]
    return repo.opened, true


def test_grafts_and_replace_refs_are_looked_through(disguised: tuple[Repository, list[str]]) -> None:
    repo, true = disguised
    assert read_span(repo, "").commits == tuple(true)
    assert read_commit(repo.objects, true[1]).subject == "Step 1"
    history = History(RepoBuilder(repo.worktree or Path()))
    assert history.regen("replay", "--model", "original", "--rewrite") == 0
    rebuilt = repo.git("log", "--format=%s", "regen/original").decode().split("\n")[:-1]
    assert rebuilt == ["Step 3", "Step 2", "Step 1", "Step 0"]


def test_git_says_nothing_of_grafts_that_are_switched_off(disguised: tuple[Repository, list[str]]) -> None:
    repo, _ = disguised
    from regen_git.git.repository import git_environment
    from regen_git.process import run

    done = run(["git", "log", "-1"], cwd=repo.worktree, env=git_environment())
    assert done.stderr == b""
