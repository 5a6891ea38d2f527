"""Every agent's module has what the others rely on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from regen_git.agents import ALIASES, NAMES, Settings, load

UNTESTED = {"cursor", "vscode", "windsurf", "amp"}


@pytest.mark.parametrize("name", NAMES)
def test_an_agent_says_what_it_is_called_and_how_it_is_known(name: str) -> None:
    agent = load(name)
    assert name == agent.NAME
    assert agent.TITLE
    assert bool(agent.TESTED) == (name not in UNTESTED)
    assert agent.PROGRAMS or agent.FOLDERS or name == "vscode"
    assert agent.SETTINGS is None or isinstance(agent.SETTINGS, Settings)
    assert agent.read({}, {}) == []
    assert agent.session_files(["/nowhere"], {"HOME": "/nowhere"}) == []


@pytest.mark.parametrize("name", NAMES)
def test_reading_a_payload_loads_nothing_that_an_agent_would_wait_for(name: str) -> None:
    heavy = "dataclasses pathlib sqlite3 datetime subprocess yaml click pygit2 litellm rich asyncio inspect"
    code = f"from regen_git.agents import load; load({name!r}).read({{}}, {{}})"
    code += "; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert not set(heavy.split()).intersection(run.stdout.split())


def test_an_unknown_agent_is_not_loaded() -> None:
    with pytest.raises(KeyError):
        load("evidence")


def test_other_names_lead_to_known_agents() -> None:
    assert set(ALIASES.values()) <= set(NAMES)
