"""Which agents a command speaks of, and how they are told, for every command that tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.cli.console import safe
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.agents.contract import Agent
    from regen_git.capture.telling.files import Scope, Standing
    from regen_git.cli.console import Console
    from regen_git.git.repository import Repository

__all__ = [
    "agent_named",
    "agents_found",
    "known_agents",
    "last_report",
    "no_file",
    "tell",
    "titles",
    "told_in",
]


def known_agents() -> list[Agent]:
    """Return all agents that are known, in the order in which people are shown them."""
    from regen_git.agents import NAMES, load

    return [load(name) for name in NAMES]


def agent_named(name: str) -> Agent:
    """Return the agent of this name. Raises ``UsageError`` for one that is not known."""
    from regen_git.agents import ALIASES, NAMES, load

    try:
        return load(ALIASES.get(name, name))
    except KeyError as error:
        hint = f"known are {', '.join(NAMES)}"
        raise UsageError(f"no agent is called '{safe(name)}'", hint=hint) from error


def agents_found(repo: Repository) -> list[Agent]:
    """Return Claude Code, and the agents with hooks that are on this machine or used in this tree.

    One that reads the file of another is not told twice, and its presence alone is no reason to make that.
    """
    from regen_git.capture.telling.found import installed_as, is_used_in

    found: list[Agent] = []
    owned: set[str] = set()
    for agent in known_agents():
        if agent.SETTINGS is None or agent.SETTINGS.project in owned:
            continue
        owned.add(agent.SETTINGS.project)
        if agent.NAME == "claude" or installed_as(agent) or is_used_in(repo, agent):
            found.append(agent)
    return found


def titles(agents: Sequence[Agent]) -> str:
    """Return the names of some agents in a sentence."""
    names = [agent.TITLE for agent in agents]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def tell(repo: Repository, agent: Agent, scope: Scope, console: Console) -> list[str]:
    """Tell one agent to report to us; return the file that this changed, if one.

    What the person still has to do is said. Raises ``ConfigError`` when the file cannot be understood.
    """
    from regen_git.capture.telling.files import add, settings_file
    from regen_git.capture.telling.found import switched_off

    settings = agent.SETTINGS
    if settings is None:
        console.say(f"{agent.TITLE} has no hooks; 'git regen import {agent.NAME}' reads its own files")
        return []
    if settings_file(repo, settings, scope) is None:
        problem, hint = no_file(agent, scope)
        console.say(f"{problem}; {hint}")
        return []
    path = add(repo, agent, scope)
    off = switched_off(repo, agent)
    if off:
        console.say(f"warning: {agent.TITLE} runs no hooks: {safe(off)} switches them off")
    if path is not None and settings.todo:
        console.say(f"{agent.TITLE}: {settings.todo}")
    return [str(path)] if path is not None else []


def no_file(agent: Agent, scope: Scope) -> tuple[str, str]:
    """Return why an agent cannot be told in a file of this scope, and what to do instead."""
    if scope == "user":
        return f"{agent.TITLE} cannot be told in a file of yours", "set HOME to the path of your home"
    return f"{agent.TITLE} has no file of a project here", f"git regen agents add {agent.NAME} --user"


def told_in(repo: Repository, agent: Agent) -> list[Standing]:
    """Return the files of an agent in which it is told something, or which cannot be understood."""
    from regen_git.capture.telling.files import SCOPES, standing

    found = [standing(repo, agent, scope) for scope in SCOPES]
    return [one for one in found if one is not None and one.state != "none"]


def last_report(repo: Repository, agent: Agent) -> str:
    """Return when an agent last reported something here: RFC 3339, UTC; empty if it never has."""
    from datetime import datetime, timezone

    from regen_git.capture.fired import last_fired
    from regen_git.capture.place import place_of

    at = last_fired(place_of(repo).data, agent.NAME)
    return "" if at is None else f"{datetime.fromtimestamp(at, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
