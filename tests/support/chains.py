"""Small projects that come as chains of specifications, each with black-box tests."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import re
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from support.fragments import parse, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from support.fragments import Block

__all__ = ["PROJECTS", "Checkpoint", "Project", "Requirement", "all_projects", "outcomes"]

PROJECTS = Path(__file__).resolve().parents[1] / "projects"
_REQUIREMENT = re.compile(r"- (\w+): (.+)")
_TEST = re.compile(r"^def (test_\w+)\(.*# needs: ([\w ]+)$", re.MULTILINE)
_DEFINED = re.compile(r"^def (test_\w+)", re.MULTILINE)
RUNNER = (PROJECTS / "run.py").read_text("utf-8")


@dataclass(frozen=True)
class Requirement:
    """One thing that is wanted, in one sentence."""

    key: str
    text: str


@dataclass(frozen=True)
class Checkpoint:
    """One specification of a chain. ``noise`` is what was typed beside it."""

    number: int
    title: str
    requirements: tuple[Requirement, ...]
    noise: tuple[str, ...]
    tests: str


@dataclass(frozen=True)
class Project:
    """A project: its chain, and its modules as code in fragments."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def checkpoints(self) -> list[Checkpoint]:
        """The chain, in order."""
        found = sorted(self.folder.glob("checkpoint_*.md"))
        return [self._checkpoint(number, path) for number, path in enumerate(found, 1)]

    @staticmethod
    def _checkpoint(number: int, path: Path) -> Checkpoint:
        lines = path.read_text("utf-8").splitlines()
        matches = (_REQUIREMENT.fullmatch(line) for line in lines)
        return Checkpoint(
            number,
            lines[0].removeprefix("# "),
            tuple(Requirement(match[1], match[2]) for match in matches if match),
            tuple(line.removeprefix("> ") for line in lines if line.startswith("> ")),
            path.with_suffix(".py").read_text("utf-8"),
        )

    @cached_property
    def requirements(self) -> dict[str, Requirement]:
        """All requirements by key, in order."""
        return {each.key: each for checkpoint in self.checkpoints for each in checkpoint.requirements}

    @cached_property
    def modules(self) -> dict[str, list[str | Block]]:
        """The parts of each module, by the path of its file."""
        found = sorted(self.folder.glob("*.py.in"))
        return {path.stem: parse(path.stem, path.read_text("utf-8")) for path in found}

    @cached_property
    def needs(self) -> dict[str, frozenset[str]]:
        """The requirements that each test needs, by ``checkpoint_N.test_name``."""
        return {
            f"checkpoint_{each.number}.{match[1]}": frozenset(match[2].split())
            for each in self.checkpoints
            for match in _TEST.finditer(each.tests)
        }

    def written(self, keys: frozenset[str]) -> dict[str, str]:
        """Return the modules as one writes them who knows these requirements and every signature."""

        def choose(block: Block) -> list[str | Block]:
            for branch in block.branches:
                if not branch.key or branch.key in keys or branch.key.startswith("@"):
                    return branch.parts
            return []

        return {path: render(parts, choose) for path, parts in self.modules.items()}

    def after(self, checkpoint: int) -> frozenset[str]:
        """Return the requirements of the first checkpoints."""
        return frozenset(
            each.key for one in self.checkpoints if one.number <= checkpoint for each in one.requirements
        )

    def tests(self, checkpoint: int | None = None) -> dict[str, str]:
        """Return the files of the tests up to a checkpoint."""
        return {
            f"tests/checkpoint_{each.number}.py": each.tests
            for each in self.checkpoints
            if checkpoint is None or each.number <= checkpoint
        } | {"tests/run.py": RUNNER}


def all_projects() -> list[Project]:
    """Return every project, the one with the shortest chain first."""
    found = [Project(path) for path in sorted(PROJECTS.iterdir()) if path.is_dir() and path.name[0] != "_"]
    return sorted(found, key=lambda project: len(project.checkpoints))


def outcomes(files: Mapping[str, str]) -> dict[str, bool]:
    """Run the tests among these files on the modules among them; which passed, by ``checkpoint_N.test_name``.

    Everything happens in this process, in modules that are gone afterwards: a program for each would take
    a hundred times as long.
    """
    texts = {path.rpartition("/")[2].removesuffix(".py"): (path, text) for path, text in files.items()}
    with _modules(texts):
        return {
            f"{name}.{test}": _passes(name, test)
            for name, (_, text) in sorted(texts.items())
            if name.startswith("checkpoint_")
            for test in _DEFINED.findall(text)
        }


def _passes(module: str, test: str) -> bool:
    try:
        getattr(importlib.import_module(module), test)()
    except Exception:  # noqa: BLE001 - whatever the code under test does is a failure of this test alone
        return False
    return True


@contextlib.contextmanager
def _modules(texts: Mapping[str, tuple[str, str]]) -> Iterator[None]:
    """Let these modules be imported for a while, from their texts."""
    finder = _Finder(texts)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in texts:
            sys.modules.pop(name, None)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, texts: Mapping[str, tuple[str, str]]) -> None:
        self._texts = texts

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        del path, target
        return importlib.util.spec_from_loader(name, self) if name in self._texts else None

    def exec_module(self, module: ModuleType) -> None:
        path, text = self._texts[module.__name__]
        exec(compile(text, path, "exec"), vars(module))
