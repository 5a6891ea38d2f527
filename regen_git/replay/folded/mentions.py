"""Which tests speak of which files: each text is read once, however many files are asked about."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from regen_git.replay.imports import is_about, named_as

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from regen_git.domain.ids import RepoPath

__all__ = ["Mentions"]

_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Mentions:
    """Answers as ``is_about`` does, for many tests and files at once. ``tests`` are texts by path."""

    def __init__(self, tests: Mapping[RepoPath, str]) -> None:
        self._tests = tests
        self._by_name: dict[str, set[RepoPath]] = defaultdict(set)
        for path, text in tests.items():
            for name in set(_NAME.findall(text)):
                self._by_name[name].add(path)
        self._dotted = {path: f".{path.rsplit('.', 1)[0].replace('/', '.')}." for path in tests}

    def of(self, path: RepoPath) -> Collection[RepoPath]:
        """Return the tests that name the module that a path holds."""
        name = named_as(path)
        if _NAME.fullmatch(name):
            return self._by_name.get(name, ())
        return [test for test, text in self._tests.items() if is_about(text, path)]

    def of_any(self, paths: Iterable[RepoPath]) -> set[RepoPath]:
        """Return the tests that name any of these."""
        found: set[RepoPath] = set()
        for name, path in {named_as(path): path for path in paths}.items():
            found.update(self._by_name.get(name, ()) if _NAME.fullmatch(name) else self.of(path))
        return found

    def file_of(self, test: str) -> RepoPath | None:
        """Return the file that the id of a test is of: by its path, or by the dotted name of its module."""
        dotted = f".{test.replace('::', '.')}."
        return next((path for path, name in self._dotted.items() if path in test or name in dotted), None)
