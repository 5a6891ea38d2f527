from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder

from regen_git.errors import RegenError
from regen_git.git.trees import REGULAR, Leaf, diff, edit, lookup, walk

if TYPE_CHECKING:
    from pathlib import Path

NAMES = st.sampled_from(["a", "a.b", "a-b", "a0", "b", "é", "z"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.integers(0, 3), max_size=8)


def _without_clashes(files: dict[str, int]) -> dict[str, int]:
    """Drop paths below which other paths stand: one name cannot be a file and a folder."""
    return {p: v for p, v in files.items() if not any(q.startswith(p + "/") for q in files)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES.map(_without_clashes), FILES.map(_without_clashes))
def test_editing_one_tree_by_its_difference_to_another_gives_the_other(
    repo: RepoBuilder, before: dict[str, int], after: dict[str, int]
) -> None:
    store = repo.opened.objects
    blobs = [Leaf(REGULAR, store.write("blob", b"%d" % n)) for n in range(4)]
    old = edit(store, None, {p: blobs[n] for p, n in before.items()})
    new = edit(store, None, {p: blobs[n] for p, n in after.items()})

    changes = diff(store, old, new)

    assert edit(store, old, {c.path: c.new for c in changes}) == new
    assert {c.path for c in changes} == {
        p for p in before.keys() | after.keys() if before.get(p) != after.get(p)
    }
    assert dict(walk(store, new)) == {p: blobs[n] for p, n in after.items()}
    assert all(lookup(store, new, p) == blobs[n] for p, n in after.items())


def test_a_tree_made_here_has_the_id_that_git_gives_it(repo: RepoBuilder) -> None:
    repo.commit("one", {"b/c.txt": "c", "b.txt": "b", "b0": "0", "a": "x"})
    opened = repo.opened
    store = opened.objects
    tree = repo.git("rev-parse", "HEAD^{tree}")

    again = edit(store, None, dict(walk(store, tree)))

    assert again == tree


def test_flushed_objects_are_git_s_own(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "x"})
    opened = repo.opened
    store = opened.objects
    blob = store.write("blob", b"hello" * 1000)
    tree = edit(store, None, {"dir/hello": Leaf(REGULAR, blob)})

    store.flush()

    assert store.unflushed == 0
    assert repo.git("ls-tree", "-r", tree) == f"100644 blob {blob}\tdir/hello"
    assert subprocess.run(["git", "fsck", "--strict"], cwd=repo.path, check=False).returncode == 0
    assert store.blob(blob) == b"hello" * 1000


def test_a_repository_of_another_hash_is_refused_with_a_reason(tmp_path: Path) -> None:
    repo = RepoBuilder.init(tmp_path / "other", "--object-format=sha256")
    commit = repo.commit("one", {"a": "x"})

    with pytest.raises(RegenError, match="sha256, which is not supported yet"):
        repo.opened.objects.read(commit)
