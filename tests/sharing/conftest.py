"""A repository with hooks and an agent in it, and a team of two who share one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.lab import Lab, bare_lab, lab
from support.team import Clone, Team, make_team

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Lab", "bare_lab", "lab"]


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """Return a remote with two commits."""
    return make_team(tmp_path)


@pytest.fixture
def ada(team: Team) -> Clone:
    """Return a clone."""
    return team.clone("ada")


@pytest.fixture
def bob(team: Team) -> Clone:
    """Return another clone."""
    return team.clone("bob")
