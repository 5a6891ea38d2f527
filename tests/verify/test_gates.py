from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from regen_git.config import Ownership, PathRules
from regen_git.verify.gates import Gates, frozen_paths, run_gates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

    from regen_git.git.objects import ObjectStore

RULES = PathRules(
    tests=("tests/**",), holdout=("tests/holdout/**",), append=("migrations/**",), human=("docs/**",)
)
OWNER = Ownership(RULES)


@pytest.fixture
def store(repo: RepoBuilder) -> ObjectStore:
    return repo.opened.objects


def tree(store: ObjectStore, files: Mapping[str, bytes | tuple[int, bytes]]) -> str:
    from regen_git.git.trees import Leaf, edit

    leaves = {}
    for path, content in files.items():
        mode, data = content if isinstance(content, tuple) else (0o100644, content)
        leaves[path] = Leaf(mode, store.write("blob", data))
    return edit(store, None, leaves)


def problems(
    store: ObjectStore,
    old: Mapping[str, bytes | tuple[int, bytes]],
    new: Mapping[str, bytes | tuple[int, bytes]],
    gates: Gates | None = None,
) -> dict[str, tuple[str, ...]]:
    results = run_gates(store, tree(store, old), tree(store, new), gates or Gates(OWNER))
    return {result.name: result.problems for result in results if result.problems}


OLD: dict[str, bytes | tuple[int, bytes]] = {
    "a.py": b"a\n",
    "tests/t.py": b"t\n",
    "uv.lock": b"l\n",
    "link": (0o120000, b"a.py"),
    "docs/d.md": b"d\n",
}


def test_what_belongs_to_the_model_or_a_person_may_change(store: ObjectStore) -> None:
    assert problems(store, OLD, {**OLD, "a.py": b"b\n", "new.py": b"n\n", "docs/d.md": b"e\n"}) == {}


def test_frozen_files_are_compared_byte_for_byte_and_mode_for_mode(store: ObjectStore) -> None:
    new: dict[str, bytes | tuple[int, bytes]] = {
        **OLD,
        "tests/t.py": b"t \n",
        "uv.lock": (0o100755, b"l\n"),
        "link": b"a.py",
    }
    assert problems(store, OLD, new)["frozen"] == (
        "link: differs, and is frozen",
        "tests/t.py: differs, and is test",
        "uv.lock: differs, and is frozen",
    )
    without = {path: data for path, data in OLD.items() if path != "tests/t.py"}
    assert problems(store, OLD, without)["frozen"] == ("tests/t.py: is gone, and is test",)


def test_only_history_adds_frozen_files(store: ObjectStore) -> None:
    new: dict[str, bytes | tuple[int, bytes]] = {
        **OLD,
        "conftest.py": b"c\n",
        "x.bin": b"\0",
        "out": (0o120000, b"/etc"),
    }
    assert [line.split(":")[0] for line in problems(store, OLD, new)["frozen"]] == [
        "conftest.py",
        "out",
        "x.bin",
    ]


def test_a_binary_that_becomes_text_is_still_judged_by_what_it_was(store: ObjectStore) -> None:
    assert "x" in problems(store, {"x": b"\0\1"}, {"x": b"text\n"})["frozen"][0]


def test_new_migrations_come_after_the_last_one_in_natural_order(store: ObjectStore) -> None:
    old = {"migrations/9_a.sql": b"", "migrations/10_b.sql": b"", "migrations/README": b""}
    assert problems(store, old, {**old, "migrations/11_c.sql": b""}) == {}
    assert problems(store, old, {**old, "migrations/9_z.sql": b""})["migrations"] == (
        "migrations/9_z.sql: is new and comes before 'migrations/10_b.sql', which is released",
    )
    assert problems(store, old, {**old, "migrations/9_a.sql": b"x"})["frozen"]


CONFLICT = b"a\n<<<<<<< ours\nb\n=======\nc\n>>>>>>> theirs\n"


def test_conflict_markers_are_found_unless_the_original_has_them(store: ObjectStore) -> None:
    assert problems(store, {"a": b""}, {"a": CONFLICT}) == {
        "conflict markers": ("a: holds conflict markers",)
    }
    assert problems(store, {"a": CONFLICT}, {"a": CONFLICT + b"x\n"}) == {}
    assert problems(store, {}, {"a.rst": b"Title\n=======\n"}) == {}
    assert problems(store, {}, {"a": b"\xff<<<<<<< x\n=======\n"}) == {
        "frozen": problems(store, {}, {"a": b"\xff"})["frozen"]
    }


def test_paths_that_leave_the_tree_are_named(store: ObjectStore) -> None:
    blob = bytes.fromhex(store.write("blob", b""))
    new = store.write("tree", b"100644 ..\0" + blob + b"100644 .GIT\0" + blob)
    found = {r.name: r.problems for r in run_gates(store, tree(store, {}), new, Gates(OWNER))}
    assert found["paths"] == ("..: leaves the tree", ".GIT: enters .git")


def kept(path: str, text: str) -> list[str]:
    del path
    return re.findall(r"keep\n(.*?)end\n", text, re.DOTALL)


def test_kept_regions_stay_word_for_word_and_in_order(store: ObjectStore) -> None:
    gates = Gates(OWNER, kept_regions=kept)
    old = {"a": b"keep\n1\nend\nkeep\n2\nend\n"}
    assert problems(store, old, {"a": b"x\nkeep\n1\nend\ny\nkeep\n2\nend\n"}, gates) == {}
    assert problems(store, old, {"a": b"keep\n2\nend\nkeep\n1\nend\n"}, gates) == {
        "kept regions": ("a: kept region 2 is changed or gone",)
    }
    assert len(problems(store, old, {}, gates)["kept regions"]) == 2


def names(path: str, text: str) -> frozenset[str] | None:
    return frozenset(text.split()) if path.endswith(".py") else None


def gone(old: frozenset[str], new: frozenset[str]) -> list[str]:
    return [f"{name} was removed" for name in sorted(old - new)]


def test_a_public_name_may_not_go_unless_allowed(store: ObjectStore) -> None:
    old, new = {"a.py": b"f(x) g", "b.txt": b"f"}, {"a.py": b"g h", "b.txt": b""}
    gates = Gates(OWNER, public_surface=names, surface_changes=gone)
    assert problems(store, old, new, gates) == {"public surface": ("a.py: f(x) was removed",)}
    allowing = Gates(OWNER, public_surface=names, surface_changes=gone, allowed={"f"})
    assert problems(store, old, new, allowing) == {}
    assert problems(store, old, {}, gates) == {
        "public surface": ("a.py: f(x) was removed", "a.py: g was removed")
    }


def test_the_frozen_paths_of_a_tree_are_listed(store: ObjectStore) -> None:
    made = tree(store, {**OLD, "tests/holdout/h": b"", "migrations/1.sql": b""})
    assert frozen_paths(store, made, OWNER) == (
        "link",
        "migrations/1.sql",
        "tests/holdout/h",
        "tests/t.py",
        "uv.lock",
    )
