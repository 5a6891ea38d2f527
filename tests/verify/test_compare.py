from __future__ import annotations

import json
from typing import TYPE_CHECKING

from regen_git.domain.verdict import CheckResult, Outcome, Verdict, Verification
from regen_git.verify.compare import compare_trees, count_branches, declared_dependencies

if TYPE_CHECKING:
    from support.builder import RepoBuilder


def names(path: str, text: str) -> frozenset[str] | None:
    return (
        frozenset(line[4:-3] for line in text.splitlines() if line.startswith("def "))
        if path == "a.py"
        else None
    )


def verification(**tests: Outcome) -> Verification:
    return Verification("t", Verdict.PASS, (CheckResult("c", Verdict.PASS, 0.0, 0, tests=tests),))


def test_two_trees_are_compared_by_what_was_gained_and_lost(repo: RepoBuilder) -> None:
    repo.commit(
        "old", {"a.py": "def f():\n    return 1\n", "b.bin": b"\xff\0", "requirements.txt": "Foo_Bar>=1\n"}
    )
    old = repo.git("rev-parse", "HEAD^{tree}")
    repo.commit("new", {
        "a.py": "def g():\n    if 1 and 2:\n        return 1\n", "b.bin": None,
        "pyproject.toml": "[project]\ndependencies = ['foo.bar', \"click[x]>=8\"]\n",
        "requirements.txt": None,
    })  # fmt: skip
    new = repo.git("rev-parse", "HEAD^{tree}")
    passed, failed = Outcome.PASSED, Outcome.FAILED
    found = compare_trees(
        repo.opened.objects, old, new, public_surface=names,
        verified=(verification(x=passed, y=passed), verification(x=passed, y=failed, z=passed)),
    )  # fmt: skip
    assert (found.surface.gained, found.surface.lost) == (("a.py: g",), ("a.py: f",))
    assert (found.dependencies.gained, found.dependencies.same) == (("python:click",), 1)
    assert found.files.lost == ("b.bin", "requirements.txt")
    assert (found.old_size.files, found.old_size.lines, found.old_size.unread) == (3, 3, 1)
    assert (found.old_size.complexity, found.new_size.complexity) == (1, 3)
    assert found.tests is not None
    assert (found.tests.gained, found.tests.lost, found.tests.same) == (("c: z",), ("c: y",), 1)
    assert json.loads(json.dumps(found.to_json()))["tests"]["same"] == 1


def test_branches_are_counted_and_broken_source_is_told_apart() -> None:
    assert count_branches("x = [i for i in y if i]\ndef f():\n    while a or b or c:\n        pass\n") == 5
    assert count_branches("def (") is None
    assert count_branches("x = '\\d'\n") == 0


def test_dependencies_are_read_from_each_kind_of_manifest() -> None:
    text = (
        '[project]\nname = "x"\ndependencies = [\n  "a>=1",  # [why]\n  "b[c]",\n]\n'
        '[project.optional-dependencies]\ntest = ["d"]\n'
    )
    assert declared_dependencies("pyproject.toml", text) == {"python:a", "python:b", "python:d"}
    poetry = (
        "[tool.poetry.dependencies]\npython = '^3'\ne = '1'\n[tool.poetry.group.dev.dependencies]\nf = '1'\n"
    )
    assert declared_dependencies("pyproject.toml", poetry) == {"python:e", "python:f"}
    node = '{"dependencies": {"a": "1"}, "devDependencies": {"@b/c": "1"}, "peerDependencies": 3}'
    assert declared_dependencies("web/package.json", node) == {"node:a", "node:@b/c"}
    assert declared_dependencies("requirements-dev.txt", "# x\n-r y.txt\nA==1\n") == {"python:a"}
    assert declared_dependencies("package.json", "[") == frozenset()
    assert declared_dependencies("a.py", "x") == frozenset()
