from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.errors import RegenError
from regen_git.git import trees
from regen_git.git.materialise import Checkout, path_problem
from regen_git.git.repository import Repository
from regen_git.git.trees import Leaf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from support.builder import RepoBuilder

    from regen_git.git.objects import ObjectStore

Files = dict[str, tuple[int, bytes]]

NAMES = st.sampled_from(["a", "b", "c.txt", "d e", "ü", "\udcff"])
MODES = st.sampled_from([0o100644, 0o100755, 0o120000])
CONTENTS = st.sampled_from([b"", b"one\n", b"two\r\n", b"\0\xff", b"../x"])


@st.composite
def file_trees(draw: st.DrawFn) -> Files:
    files: Files = {}
    for parts in draw(st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=8)):
        path = "/".join(parts)
        if any(path.startswith(f"{p}/") or p.startswith(f"{path}/") for p in files):
            continue
        mode, data = draw(MODES), draw(CONTENTS)
        if mode == 0o120000 and (not data or b"\0" in data):
            data = b"target"
        files[path] = (mode, data)
    return files


def snapshot(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Everything on disk, empty folders included."""
    found: dict[str, tuple[str, bytes]] = {}
    for at, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            where = Path(at) / name
            path, status = os.path.relpath(where, folder), os.lstat(where)
            if stat.S_ISLNK(status.st_mode):
                found[path] = ("link", os.fsencode(where.readlink()))
            elif stat.S_ISDIR(status.st_mode):
                found[path] = ("folder", b"")
            else:
                found[path] = (oct(status.st_mode), where.read_bytes())
    return found


def make_tree(store: ObjectStore, files: Mapping[str, tuple[int, bytes]]) -> str:
    leaves = {path: Leaf(mode, store.write("blob", data)) for path, (mode, data) in files.items()}
    return trees.edit(store, None, leaves)


def git_checkout(repo: Repository, tree: str, folder: Path) -> dict[str, tuple[str, bytes]]:
    """What git itself makes of the tree in an empty folder."""
    repo.objects.flush()
    folder.mkdir()
    env = {"GIT_INDEX_FILE": str(folder) + ".index", "GIT_WORK_TREE": str(folder)}
    repo.git("-C", str(folder), "read-tree", tree, env=env)
    repo.git("-C", str(folder), "checkout-index", "-a", "-f", env=env)
    return snapshot(folder)


@pytest.fixture(scope="module")
def shared() -> Iterator[Repository]:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "init", "-q", folder], check=True)
        yield Repository.open(Path(folder))


@settings(deadline=None, max_examples=40)
@given(steps=st.lists(file_trees(), min_size=1, max_size=4))
def test_any_chain_of_trees_looks_as_git_would_write_each(shared: Repository, steps: list[Files]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        checkout = Checkout(shared, Path(scratch) / "tree")
        for number, files in enumerate(steps):
            tree = make_tree(shared.objects, files)
            checkout.move_to(tree)
            assert snapshot(checkout.directory) == git_checkout(shared, tree, Path(scratch) / f"git{number}")


@settings(deadline=None, max_examples=30)
@given(first=file_trees(), mess=file_trees(), second=file_trees())
def test_whatever_a_command_left_is_gone_after_a_clean_move(
    shared: Repository, first: Files, mess: Files, second: Files
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        checkout = Checkout(shared, Path(scratch) / "tree")
        checkout.move_to(make_tree(shared.objects, first))
        for path, (_, data) in mess.items():
            where = checkout.directory / path
            try:
                where.parent.mkdir(parents=True, exist_ok=True)
                where.write_bytes(data)
            except OSError:
                continue
        tree = make_tree(shared.objects, second)
        checkout.move_to(tree, clean=True)
        assert snapshot(checkout.directory) == git_checkout(shared, tree, Path(scratch) / "git")


def test_a_changed_file_of_the_same_size_is_written_back(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("one", {"a": "12345\n", "b": "b\n"})
    checkout = Checkout(repo.opened, tmp_path / "tree")
    checkout.move_to(repo.git("rev-parse", "HEAD^{tree}"))
    (checkout.directory / "a").write_text("54321\n")
    (checkout.directory / "b").chmod(0o755)
    checkout.clean()
    assert (checkout.directory / "a").read_text() == "12345\n"
    assert (checkout.directory / "b").stat().st_mode & 0o111 == 0


def test_a_folder_replaced_by_a_link_is_not_followed(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("one", {"d/a": "1\n", "d/b": "1\n"})
    repo.commit("two", {"d/a": "2\n", "d/b": None})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_text("theirs")
    checkout = Checkout(repo.opened, tmp_path / "tree")
    checkout.move_to(repo.git("rev-parse", "HEAD~^{tree}"))
    for name in ("a", "b"):
        (checkout.directory / "d" / name).unlink()
    (checkout.directory / "d").rmdir()
    (checkout.directory / "d").symlink_to(outside)
    checkout.move_to(repo.git("rev-parse", "HEAD^{tree}"))
    assert sorted(path.name for path in outside.iterdir()) == ["b"]
    assert (checkout.directory / "d" / "a").read_text() == "2\n"
    assert not (checkout.directory / "d").is_symlink()


def test_what_is_kept_survives_and_the_rest_does_not(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("one", {"src/a": "1\n"})
    repo.commit("two", {"src/a": None, "b": "1\n"})
    checkout = Checkout(repo.opened, tmp_path / "tree")
    checkout.move_to(repo.git("rev-parse", "HEAD~^{tree}"))
    for path in ("node_modules/x/y", "src/pkg.egg-info/z", "junk/q"):
        (checkout.directory / path).parent.mkdir(parents=True)
        (checkout.directory / path).touch()
    assert checkout.untracked() == ("junk", "node_modules", "src/pkg.egg-info")
    checkout.keep(["node_modules", "src/pkg.egg-info"])
    checkout.move_to(repo.git("rev-parse", "HEAD^{tree}"), clean=True)
    assert set(snapshot(checkout.directory)) == {
        "b", "node_modules", "node_modules/x", "node_modules/x/y", "src", "src/pkg.egg-info",
        "src/pkg.egg-info/z",
    }  # fmt: skip


def test_attributes_that_convert_are_left_to_git(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("plain", {"a.txt": "1\n2\n"})
    repo.commit("crlf", {".gitattributes": "*.txt text eol=crlf\n"})
    repo.commit("plain again", {".gitattributes": None, "b": "b\n"})
    checkout = Checkout(repo.opened, tmp_path / "tree")
    seen = []
    for rev in ("HEAD~2", "HEAD~1", "HEAD", "HEAD~1"):
        checkout.move_to(repo.git("rev-parse", f"{rev}^{{tree}}"), clean=True)
        seen.append((checkout.directory / "a.txt").read_bytes())
    assert seen == [b"1\n2\n", b"1\r\n2\r\n", b"1\n2\n", b"1\r\n2\r\n"]
    (checkout.directory / "a.txt").write_bytes(b"other")
    (checkout.directory / "junk").mkdir()
    checkout.clean()
    assert (checkout.directory / "a.txt").read_bytes() == b"1\r\n2\r\n"
    assert not (checkout.directory / "junk").exists()


def test_line_endings_set_by_the_user_are_left_to_git(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("one", {"a.txt": "1\n"})
    repo.git("config", "core.autocrlf", "true")
    checkout = Checkout(repo.opened, tmp_path / "tree")
    checkout.move_to(repo.git("rev-parse", "HEAD^{tree}"))
    assert (checkout.directory / "a.txt").read_bytes() == b"1\r\n"


def test_a_submodule_is_an_empty_folder(repo: RepoBuilder, tmp_path: Path) -> None:
    head = repo.commit("one", {"a": "1\n"})
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},lib/sub")
    repo.git("commit", "-q", "-m", "sub")
    checkout = Checkout(repo.opened, tmp_path / "tree")
    tree = repo.git("rev-parse", "HEAD^{tree}")
    checkout.move_to(tree)
    (checkout.directory / "lib/sub/left").touch()
    checkout.move_to(tree, clean=True)
    assert snapshot(checkout.directory).keys() == {"a", "lib", "lib/sub"}
    checkout.move_to(repo.git("rev-parse", "HEAD~^{tree}"))
    assert snapshot(checkout.directory).keys() == {"a"}


def test_a_path_that_leaves_the_tree_is_refused(repo: RepoBuilder, tmp_path: Path) -> None:
    opened = repo.opened
    blob = opened.objects.write("blob", b"x")
    for name in (b"..", b".GIT", b"git~1", b".git "):
        raw = b"100644 %s\0%s" % (name, bytes.fromhex(blob))
        tree = opened.objects.write("tree", raw)
        with pytest.raises(RegenError, match="path that"):
            Checkout(opened, tmp_path / "tree", reuse=True).move_to(tree)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("path", ["a", "..a", "a/.gitignore", "git~2", "a b/.github/x"])
def test_ordinary_paths_are_fine(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a//b", "a/", "../a", "a/./b", "a/.git/hooks/x", ".g\u200cit", "a\\.git", ".git::$DATA"],
)
def test_paths_that_leave_are_named(path: str) -> None:
    assert path_problem(path) is not None


def test_a_folder_with_something_in_it_is_not_taken_over(repo: RepoBuilder, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").touch()
    with pytest.raises(RegenError, match="is not empty"):
        Checkout(repo.opened, tmp_path / "mine")


def test_the_users_index_and_sparse_patterns_are_not_touched(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("one", {".gitattributes": "*.txt eol=crlf\n", "a/x.txt": "1\n", "b/y.txt": "1\n"})
    repo.git("sparse-checkout", "set", "a")
    before = (repo.path / ".git" / "index").read_bytes()
    checkout = Checkout(repo.opened, tmp_path / "tree")
    checkout.move_to(repo.git("rev-parse", "HEAD^{tree}"))
    assert (checkout.directory / "b/y.txt").read_bytes() == b"1\r\n"
    assert (repo.path / ".git" / "index").read_bytes() == before
