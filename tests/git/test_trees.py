from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regen_git.errors import RegenError
from regen_git.git.trees import EXECUTABLE, REGULAR, Leaf, diff, edit, is_same, lookup, walk

if TYPE_CHECKING:
    from support.builder import RepoBuilder

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


def test_unchanged_entries_keep_their_bytes_when_a_neighbour_changes(repo: RepoBuilder) -> None:
    store = repo.opened.objects
    blob, other = store.write("blob", b"x"), store.write("blob", b"y")
    old = b"".join(
        mode + b" " + name + b"\0" + bytes.fromhex(oid)
        for mode, name, oid in [
            (b"100664", b"a", blob),
            (b"100644", b"b", blob),
            (b"040000", b"d", store.write("tree", b"100644 f\0" + bytes.fromhex(blob))),
        ]
    )
    tree = store.write("tree", old)

    new = store.tree(edit(store, tree, {"b": Leaf(REGULAR, other)}))

    assert new == old.replace(b"100644 b\0" + bytes.fromhex(blob), b"100644 b\0" + bytes.fromhex(other))


def test_folders_may_be_nested_deeper_than_calls(repo: RepoBuilder) -> None:
    store = repo.opened.objects
    leaf = Leaf(REGULAR, store.write("blob", b"x"))
    tree = edit(store, None, {"f": leaf})
    for _ in range(1500):
        tree = store.write("tree", b"40000 d\0" + bytes.fromhex(tree))
    path = "d/" * 1500 + "f"

    assert dict(walk(store, tree)) == {path: leaf}
    assert lookup(store, tree, path) == leaf
    assert [change.path for change in diff(store, None, tree)] == [path]
    with pytest.raises(RegenError, match="nested too deep"):
        edit(store, tree, {path: None})


def test_modes_of_old_tools_are_read_as_git_reads_them_and_stay_as_they_are(repo: RepoBuilder) -> None:
    store = repo.opened.objects
    blob = store.write("blob", b"x")
    raw = bytes.fromhex(blob)
    inner = store.write("tree", b"100664 f\0" + raw)
    tree = store.write(
        "tree", b"100775 a\0" + raw + b"100600 b\0" + raw + b"040000 c\0" + bytes.fromhex(inner)
    )

    assert dict(walk(store, tree)) == {
        "a": Leaf(EXECUTABLE, blob),
        "b": Leaf(REGULAR, blob),
        "c/f": Leaf(REGULAR, blob),
    }
    new = edit(store, tree, {"a": Leaf(EXECUTABLE, blob), "z": Leaf(REGULAR, blob)})
    assert store.tree(new) == store.tree(tree) + b"100644 z\0" + raw
    plain = edit(store, None, dict(walk(store, tree)))
    assert plain != tree
    assert is_same(store, plain, tree)
    assert diff(store, plain, tree) == []
    assert not is_same(store, new, tree)
