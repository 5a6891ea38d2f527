"""The examples of docs/state are tried: their files, as the pages have them, in small projects of their kind.

Alembic's and Django's need those packages, which the extra ``state-examples`` brings.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import state_projects as projects
from support.histories import History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

    Files = Mapping[str, str]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "state"
FILE = re.compile(r"^(?:In )?`([\w./-]+)`[^\n]*:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Project:
    """A project of one kind, with the page's files, released as ``state-1``."""

    history: History
    capsys: pytest.CaptureFixture[str]

    def release(self, page: str, files: Files) -> dict[str, Any]:
        """Make the first release and return what verifying it says."""
        copied = {path: _without_setup(text) for path, text in files_of(page).items()}
        self.history.by_hand("Start", {**files, **copied})
        self.history.repo.git("tag", "state-1")
        assert self.history.regen("trust", "--yes") == 0
        return self.verify()

    def verify(self, *words: str) -> dict[str, Any]:
        self.capsys.readouterr()
        self.history.regen("verify", "--json", *words)
        said = self.capsys.readouterr().out.strip().splitlines()
        found: dict[str, Any] = json.loads(said[-1])
        return found

    def change(self, files: Files) -> dict[str, Any]:
        """Commit these files on top of the release and return what verifying the commit against it says."""
        self.history.repo.git("reset", "-q", "--hard", "state-1")
        self.history.by_hand("Change", files)
        return self.verify("--against", "state-1")


def files_of(page: str) -> dict[str, str]:
    """Return the files that a page shows, by path."""
    return dict(FILE.findall((FOLDER / page).read_text("utf-8")))


def _without_setup(text: str) -> str:
    # What it installs is here already: tests have no network.
    return re.sub(r"^setup: .*\n", "", text, flags=re.MULTILINE)


@pytest.fixture
def project(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Project:
    """Return an empty project whose ``python3`` is the one that runs the tests."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return Project(History(repo), capsys)


def reasons(told: Mapping[str, Any]) -> str:
    return "\n".join([*told["reasons"], *(check.get("output", "") for check in told["checks"])])


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"'{name}' is not installed")


@pytest.mark.parametrize("page", ["sqlite.md", "alembic.md", "django.md"])
def test_each_page_holds_all_that_is_to_be_copied(page: str) -> None:
    names = set(files_of(page))
    assert {".regen/config.yaml", "tests/state/make.sh", "tests/state/check.sh"} <= names


def test_sqlite(project: Project) -> None:
    told = project.release("sqlite.md", projects.SQLITE)
    assert told["verdict"] == "pass", reasons(told)
    told = project.change(projects.SQLITE_NEXT)
    assert told["verdict"] == "pass", reasons(told)
    told = project.change(projects.SQLITE_RENAMED)
    assert told["verdict"] == "fail"
    assert "no such column: cost" in reasons(told)
    told = project.change(projects.SQLITE_IN_CENTS)
    assert told["verdict"] == "fail"
    assert "does not show 'green tea 4.50' but: green tea 0.04" in reasons(told)
    told = project.change({"migrations/000_first.sql": "SELECT 1;\n"})
    assert "gate 'migrations': migrations/000_first.sql: is new and comes before" in reasons(told)


@needs("alembic")
def test_alembic(project: Project) -> None:
    told = project.release("alembic.md", projects.ALEMBIC)
    assert told["verdict"] == "pass", reasons(told)
    told = project.change(projects.ALEMBIC_NEXT)
    assert told["verdict"] == "pass", reasons(told)
    told = project.change(projects.ALEMBIC_RENAMED)
    assert told["verdict"] == "fail"
    assert "New upgrade operations detected" in reasons(told)
    told = project.change(projects.ALEMBIC_FROM_NOTHING)
    assert "does not start from the last released migration, 'migrations/versions/5a1e_item.py'" in reasons(
        told
    )
    assert told["verdict"] == "fail"


@needs("django")
def test_django(project: Project) -> None:
    told = project.release("django.md", projects.DJANGO)
    assert told["verdict"] == "pass", reasons(told)
    told = project.change(projects.DJANGO_NEXT)
    assert told["verdict"] == "pass", reasons(told)
    told = project.change(projects.DJANGO_RENAMED)
    assert told["verdict"] == "fail"
    assert "Field 'cost' on model 'item' not migrated" in reasons(told)
    told = project.change(projects.DJANGO_TWO_LEAVES)
    assert "leaves more than one last migration" in reasons(told)
    assert told["verdict"] == "fail"
