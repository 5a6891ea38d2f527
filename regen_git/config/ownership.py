"""Whose a path is: the model's, the tests', frozen history's, or a person's."""

from __future__ import annotations

from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pathspec import GitIgnoreSpec

    from regen_git.config.settings import PathRules
    from regen_git.domain.ids import RepoPath

__all__ = ["DEFAULT_FROZEN", "DEFAULT_TESTS", "LOCK_FILES", "LONGEST_TEXT", "Kind", "Ownership", "is_text"]

_SYMLINK = 0o120000
_SUBMODULE = 0o160000
_BINARY_PROBE = 8000  # as git looks for NUL, buffer_is_binary() in xdiff-interface.c
_REMEMBERED = 65_536  # paths whose patterns were matched; a few MiB
_LFS = b"version https://git-lfs.github.com/spec/"

LONGEST_TEXT = 1 << 20
"""Bytes that a file may have and still be a model's: no model writes more in one answer."""

LOCK_FILES = (
    "package-lock.json",
    "npm-shrinkwrap.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "pylock.toml",
    "pylock.*.toml",
    "Pipfile.lock",
    "conda-lock.yml",
    "pixi.lock",
    "Cargo.lock",
    "go.sum",
    "go.work.sum",
    "Gemfile.lock",
    "composer.lock",
    "mix.lock",
    "pubspec.lock",
    "Podfile.lock",
    "Package.resolved",
    "packages.lock.json",
    "gradle.lockfile",
    "flake.lock",
    ".terraform.lock.hcl",
)

DEFAULT_FROZEN = (
    *LOCK_FILES,
    "LICENSE*",
    "LICENCE*",
    "COPYING*",
    "conftest.py",
    "pytest.ini",
    "tox.ini",
)
"""Frozen unless a pattern with ``!`` under ``paths.frozen`` says otherwise."""

_ALWAYS_FROZEN = (".git*", "/.regen/**")

DEFAULT_TESTS = (
    "tests/**",
    "test/**",
    "**/__tests__/**",
    "**/*_test.*",
    "**/test_*.py",
    "**/*.test.*",
    "**/*.spec.*",
)


class Kind(Enum):
    """Whose a path is. Only ``MODEL`` is generated; only ``TEST`` of the frozen kinds is shown as tests."""

    MODEL = "model"
    TEST = "test"
    HOLDOUT = "holdout"
    FROZEN = "frozen"
    APPEND = "append"
    HUMAN = "human"

    @property
    def is_frozen(self) -> bool:
        """Return whether an existing file of this kind comes from history byte for byte."""
        return self in {Kind.TEST, Kind.HOLDOUT, Kind.FROZEN, Kind.APPEND}


class Ownership:
    """Answers whose a path is, by the settings trusted at the start."""

    def __init__(self, rules: PathRules) -> None:
        self._rules = rules
        self._named: dict[RepoPath, Kind] = {}

    def classify(self, path: RepoPath, mode: int, data: Callable[[], bytes | None] | None = None) -> Kind:
        """Return the kind of this path in a tree.

        ``mode`` is the entry's mode; ``data`` returns the whole blob, ``None`` for one that is longer than
        ``LONGEST_TEXT``, and is called only where names leave it open. Without it the names decide alone, as
        for a path that does not exist yet.
        Held-out wins over everything, so that nothing held out is ever shown; then what no model can write.
        """
        kind = self._named.get(path)
        if kind is None:
            if len(self._named) >= _REMEMBERED:
                self._named.clear()
            kind = self._named[path] = self._by_name(path)
        if kind is Kind.HOLDOUT:
            return kind
        if mode in {_SYMLINK, _SUBMODULE}:
            return Kind.FROZEN
        if kind is Kind.FROZEN or kind is Kind.APPEND or data is None:
            return kind
        found = data()
        return kind if found is not None and is_text(found) else Kind.FROZEN

    @property
    def holds_out(self) -> bool:
        """Return whether anything is declared as held out."""
        return bool(self._rules.holdout)

    @property
    def appends(self) -> bool:
        """Return whether there are paths where existing files stay and new ones may be added."""
        return bool(self._rules.append)

    def _by_name(self, path: RepoPath) -> Kind:
        """Decide by patterns: what somebody wrote down wins over the defaults, but for what is always so."""
        rules = (
            (self._holdout, Kind.HOLDOUT),
            (self._always, Kind.FROZEN),
            (self._append, Kind.APPEND),
            (self._said_frozen, Kind.FROZEN),
            (self._said_tests, Kind.TEST),
            (self._human, Kind.HUMAN),
            (self._tests, Kind.TEST),
            (self._frozen, Kind.FROZEN),
        )
        return next((kind for spec, kind in rules if spec.match_file(path)), Kind.MODEL)

    @cached_property
    def _always(self) -> GitIgnoreSpec:
        return _spec(_ALWAYS_FROZEN)

    @cached_property
    def _holdout(self) -> GitIgnoreSpec:
        return _spec(self._rules.holdout)

    @cached_property
    def _append(self) -> GitIgnoreSpec:
        return _spec(self._rules.append)

    @cached_property
    def _said_frozen(self) -> GitIgnoreSpec:
        return _spec(self._rules.frozen)

    @cached_property
    def _said_tests(self) -> GitIgnoreSpec:
        return _spec(self._rules.tests or ())

    @cached_property
    def _tests(self) -> GitIgnoreSpec:
        return _spec(DEFAULT_TESTS if self._rules.tests is None else self._rules.tests)

    @cached_property
    def _frozen(self) -> GitIgnoreSpec:
        return _spec((*DEFAULT_FROZEN, *self._rules.frozen))

    @cached_property
    def _human(self) -> GitIgnoreSpec:
        return _spec(self._rules.human)


def is_text(data: bytes) -> bool:
    """Return whether a model can read and write this: UTF-8 without NUL, and no pointer to data elsewhere."""
    if b"\0" in data[:_BINARY_PROBE] or data.startswith(_LFS):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _spec(patterns: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    return GitIgnoreSpec.from_lines(patterns)
