"""How strong the tests are: how many there are, and which files none of them touches."""

from __future__ import annotations

import ast
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.replay.imports import imported_paths, is_about
from regen_git.replay.risk.material import is_python
from regen_git.replay.risk.python_names import parse_quietly
from regen_git.replay.risk.values import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.domain.ids import RepoPath
    from regen_git.replay.risk.coverage import Coverage
    from regen_git.replay.risk.material import Material
    from regen_git.replay.risk.values import SourceFile

__all__ = ["Strength", "find_untested", "unfrozen_tests"]

_TESTS = re.compile(
    r"^[ \t]*(?:async\s+)?def\s+test\w*\s*\(|^[ \t]*(?:it|test|Deno\.test)(?:\.\w+)*\s*\("
    r"|^func\s+Test\w*\(|#\[(?:\w+::)?test\]"
    r"|^[ \t]*@Test\b|^[ \t]*(?:test_expect_success|@test)\b|^[ \t]*test\w*\s*\(\)\s*\{",
    re.MULTILINE,
)
_ENTRY = ("__init__", "__main__", "index", "main", "mod")


@dataclass(frozen=True, slots=True)
class Strength:
    """``tests`` counts test functions of the frozen files, ``untested`` the files that none touches.

    ``evidence`` says how that is known; ``touched`` counts files.
    """

    findings: tuple[Finding, ...]
    tests: int
    touched: int
    untested: int
    evidence: str


def find_untested(material: Material, coverage: Coverage) -> Strength:
    """Judge each generated file by coverage where there is some, else by what tests name and import."""
    tests = sum(len(_TESTS.findall(file.text)) for file in material.tests)
    files = [file for file in material.generated if not _is_empty(file)]
    if coverage.lines is not None:
        lines = coverage.lines
        untested = [file for file in files if not _ran(file, lines)]
        evidence, why = (
            f"by '{coverage.source}'",
            f"none of its code ran under test, says '{coverage.source}'",
        )
    else:
        reached = _reached(material)
        untested = [file for file in files if file.path not in reached]
        evidence, why = "by what tests name and import", "no frozen test names or imports it"
    findings = tuple(
        Finding("untested", why, "write a test of what it must do, below 'paths.tests'", file.path)
        for file in untested
    )
    return Strength(findings, tests, len(files) - len(untested), len(untested), evidence)


def _is_empty(file: SourceFile) -> bool:
    """Whether there is nothing to test: a package's empty front, or one that only hands on."""
    if not is_python(file.path):
        return not file.text.strip()
    module = parse_quietly(file.text)
    return module is not None and not any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.For, ast.While))
        for node in module.body
    )


def _ran(file: SourceFile, lines: Mapping[RepoPath, frozenset[int]]) -> bool:
    """Whether code ran. Lines of Python outside functions run at the import, which tests nothing."""
    hits = lines.get(file.path, frozenset())
    module = parse_quietly(file.text) if is_python(file.path) else None
    bodies = [
        range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
        for node in (ast.walk(module) if module is not None else ())
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    return any(line in body for body in bodies for line in hits) if bodies else bool(hits)


def _reached(material: Material) -> set[RepoPath]:
    """Return the generated files that tests name, and those that these import in turn."""
    if not material.tests:
        return set()
    every = "\n".join(file.text for file in material.tests)
    existing = set(material.paths)
    by_path = {file.path: file for file in material.generated}
    waiting: list[RepoPath] = [path for path in by_path if _is_named(every, path)]
    for test in material.tests:
        waiting += imported_paths(test.path, test.text, existing.__contains__)
    reached: set[RepoPath] = set()
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        file = by_path.get(path)
        if file is not None:
            waiting += imported_paths(path, file.text, existing.__contains__)
    return reached


def _is_named(text: str, path: RepoPath) -> bool:
    stem = posixpath.splitext(posixpath.basename(path))[0]
    if stem in _ENTRY:
        # What a package's front is called is the package's name: 'python -m shop' runs shop/__main__.py.
        path = posixpath.join(posixpath.dirname(path), "__init__.py")
        stem = posixpath.basename(posixpath.dirname(path)) or stem
    return stem in text and is_about(text, path)


def unfrozen_tests(tests: Sequence[SourceFile]) -> Finding | None:
    """Tell of tests that nobody froze: a model may write them to fit its code."""
    if not tests:
        return None
    more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
    return Finding(
        "tests",
        f"'{tests[0].path}'{more} look like tests, are not frozen, and would be regenerated",
        "put them under 'paths.tests' in '.regen/config.yaml'; 'git regen init' proposes it",
        tests[0].path,
    )
