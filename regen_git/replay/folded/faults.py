"""What is wrong with a whole that was generated, and which modules are to mend it. Pure rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.domain.verdict import Outcome, Verdict
from regen_git.replay.attempt import describe_failure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from regen_git.domain.ids import RepoPath
    from regen_git.domain.verdict import Verification
    from regen_git.replay.folded.mentions import Mentions

__all__ = ["Faults", "Shape", "find_faults"]

_PATH_END = re.compile(r"(?![\w/-])")
_PATH_START = re.compile(r"(?<![\w./-])")


@dataclass(frozen=True, slots=True)
class Faults:
    """What a repair must know, where it may lie, and how many tests fail. No findings: all is well."""

    findings: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    failing: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """The modules that stand: their files by name, which are new in this generation, who needs whom."""

    files: Mapping[str, Collection[RepoPath]]
    fresh: frozenset[str]
    needed: frozenset[str]
    mentions: Mentions

    def modules_of(self, tests: Iterable[RepoPath]) -> dict[RepoPath, frozenset[str]]:
        """Return, by the path of a test, the modules whose files it names."""
        found: dict[RepoPath, set[str]] = {path: set() for path in tests}
        for name, files in self.files.items():
            for path in self.mentions.of_any(files):
                if path in found:
                    found[path].add(name)
        return {path: frozenset(names) for path, names in found.items()}


def find_faults(verification: Verification, shape: Shape, hidden: frozenset[str]) -> Faults:
    """Return what must be mended.

    Beside what the verdict counts, these are the tests of modules that are new or whose page changed: they
    failed before because the code was not there.
    """
    lost = set(verification.ratchet.lost)
    unstable = set(verification.ratchet.unstable)
    failing = [
        test
        for check in verification.checks
        for test, outcome in check.tests.items()
        if outcome is Outcome.FAILED and test not in unstable
    ]
    about = _modules_of([*failing, *lost], shape)
    expected = [test for test in failing if test in lost or _is_expected(about[test], shape)]
    silent = [c for c in verification.checks if c.verdict is Verdict.FAIL and not c.tests and shape.fresh]
    if verification.verdict is not Verdict.FAIL and not expected and not silent:
        return Faults()
    findings = describe_failure(verification, hidden)
    named = {line for line in findings if line.startswith("- lost: ")}
    wanted = [test for test in expected if test not in lost and not any(name in test for name in hidden)]
    findings = [
        *sorted(named),
        *(f"- fails: {test}" for test in wanted),
        *(f for f in findings if f not in named),
    ]
    count = max(1, len(set(expected) | lost))
    return Faults(tuple(findings), _blamed(verification, about, [*expected, *lost] or failing, shape), count)


def _is_expected(about: frozenset[str], shape: Shape) -> bool:
    """Return whether a test speaks of a fresh module, or of none in particular where any is fresh."""
    return bool(about & shape.fresh) if about else bool(shape.fresh)


def _modules_of(tests: Iterable[str], shape: Shape) -> dict[str, frozenset[str]]:
    """Return, for each of these tests, the modules that its file names."""
    files = {test: shape.mentions.file_of(test) for test in tests}
    about = shape.modules_of({path for path in files.values() if path is not None})
    return {test: about[path] if path is not None else frozenset() for test, path in files.items()}


def _is_named(path: RepoPath, said: str) -> bool:
    """Return whether a text names this path, and not a longer one."""
    at = said.find(path)
    while at >= 0:
        if _PATH_START.match(said, at) and _PATH_END.match(said, at + len(path)):
            return True
        at = said.find(path, at + 1)
    return False


def _blamed(
    verification: Verification, about: Mapping[str, frozenset[str]], tests: Sequence[str], shape: Shape
) -> tuple[str, ...]:
    """Return the modules to ask: those that the output names or the tests are about, else those on top."""
    said = "\n".join(check.output for check in verification.checks if check.verdict is Verdict.FAIL)
    said += "\n".join(problem for gate in verification.gates for problem in gate.problems)
    found = {name for name, files in shape.files.items() if any(_is_named(path, said) for path in files)}
    found |= {name for test in tests for name in about[test]}
    if not found:
        found = {name for name in shape.files if name not in shape.needed}
    return tuple(name for name in shape.files if name in (found or shape.files))
