"""Seal every test: its own HOME, git configuration and dates; no editor, no keys, no network but loopback."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from support.builder import RepoBuilder

if TYPE_CHECKING:
    from pathlib import Path

# The same examples every time: a check that fails must fail again.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

_SEED = 1729
_KEPT = ("PATH", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT", "COVERAGE_PROCESS_START")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Shuffle the same way every time, unless another seed is named: what fails must fail again."""
    if getattr(config.option, "randomly_seed", None) == "default":
        config.option.randomly_seed = _SEED


@pytest.fixture(autouse=True)
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a test nothing of the machine but its programs."""
    for name in list(os.environ):
        if name not in _KEPT and not name.startswith(("PYTEST_", "HYPOTHESIS_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    settings = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "false",
        "GIT_AUTHOR_NAME": "Ada Example",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada Example",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_AUTHOR_DATE": "2026-01-02T03:04:05+00:00",
        "GIT_COMMITTER_DATE": "2026-01-02T03:04:05+00:00",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
        # What the client sets for the whole process must outlive the test that made the first one.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
        "LITELLM_LOCAL_BLOG_POSTS": "True",
        "LITELLM_MODE": "PRODUCTION",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", _without_installed(os.environ["PATH"]))
    (home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n")


def _without_installed(path: str) -> str:
    """Leave out where a git-regen is installed, as in an active virtual environment: tests say which one."""
    folders = [
        folder
        for folder in path.split(os.pathsep)
        if not os.access(f"{folder}/git-regen", os.X_OK) or os.access(f"{folder}/git", os.X_OK)
    ]
    return os.pathsep.join(folders)


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    """Return an empty repository with a builder around it."""
    return RepoBuilder.init(tmp_path / "repo")
