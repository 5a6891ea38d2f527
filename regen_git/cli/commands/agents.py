"""``git regen agents``: which agents are here, which report to us, and when one last did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.agents.contract import Agent
    from regen_git.capture.telling.files import Scope, Standing
    from regen_git.git.repository import Repository

__all__ = ["command"]

_HEAD = ("agent", "here", "told", "last report", "tested with")


@click.group("agents", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    r"""List the agents that are known, and how each stands here.

    'here' says whether its program, or its folder, is on this machine. 'told' says which of its settings
    files have it report prompts: the project's, yours, or both. 'last report' is when one of its hooks last
    reached this repository: an agent that is told but never reports may still have to be trusted, or run
    without hooks. Agents marked 'untested' were built from their documentation alone.

    \b
    Examples:
      git regen agents
      git regen agents add codex
      git regen agents remove gemini --user
    """
    if ctx.invoked_subcommand is not None:
        return
    from regen_git.cli.telling import known_agents

    console = Console(json=as_json)
    repo = open_repository()
    rows = [_facts(repo, agent) for agent in known_agents()]
    for row in rows:
        console.emit(row)
    if not as_json:
        _show(console, rows)


def _where(function: Any) -> Any:
    """Give a command the two options that say which file."""
    for name, text in (("user", "Your own file, for every project."), ("project", "The file in this tree.")):
        function = click.option(f"--{name}", "scope", flag_value=name, default=None, help=text)(function)
    return function


@command.command("add")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_where
@json_option
def add_command(names: Sequence[str], scope: Scope | None, *, as_json: bool) -> None:
    """Tell agents to report prompts: in the file of this tree where there is one, else in yours.

    Nothing else in the file changes. Colleagues without 'git regen' notice nothing of a file in the tree.
    """
    from regen_git.capture.telling.files import SCOPES, settings_file
    from regen_git.cli.telling import agent_named, no_file, tell
    from regen_git.errors import UsageError

    console = Console(json=as_json)
    repo = open_repository()
    chosen: list[tuple[Agent, Scope]] = []
    for agent in [agent_named(name) for name in names]:
        if agent.SETTINGS is None:
            hint = f"its prompts are read from its own files: git regen import {agent.NAME}"
            raise UsageError(f"{agent.TITLE} has no hooks that could report prompts", hint=hint)
        scopes = [one for one in ([scope] if scope else SCOPES) if settings_file(repo, agent.SETTINGS, one)]
        if not scopes:
            problem, hint = no_file(agent, scope or "user")
            raise UsageError(problem, hint=hint)
        chosen.append((agent, scopes[0]))
    for agent, at in chosen:
        changed = tell(repo, agent, at, console)
        for path in changed:
            console.out(safe(f"{agent.TITLE} reports prompts ('{path}')"))
        if not changed:
            console.out(f"{agent.TITLE} was told already")
        todo = agent.SETTINGS.todo if agent.SETTINGS else ""
        console.emit({"name": agent.NAME, "changed": changed, "todo": todo})


@command.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@_where
@json_option
def remove_command(names: Sequence[str], scope: Scope | None, *, as_json: bool) -> None:
    """Let agents report no more: take our entries out of their files, both unless one is named.

    A file that we made goes; one that was there has its bytes from before, unless it was changed since.
    """
    from regen_git.capture.telling.files import SCOPES, remove
    from regen_git.cli.telling import agent_named

    console = Console(json=as_json)
    repo = open_repository()
    for agent in [agent_named(name) for name in names]:
        found = [remove(repo, agent, one) for one in ([scope] if scope else SCOPES)]
        changed = [str(path) for path in found if path is not None]
        for path in changed:
            console.out(safe(f"{agent.TITLE} reports no more ('{path}')"))
        if not changed:
            console.out(f"{agent.TITLE} was not told")
        console.emit({"name": agent.NAME, "changed": changed})


def _facts(repo: Repository, agent: Agent) -> dict[str, Any]:
    """Return what is known of an agent here, as scripts get it."""
    from regen_git.capture.telling.files import standing
    from regen_git.capture.telling.found import installed_as, is_used_in, switched_off
    from regen_git.cli.telling import last_report

    return {
        "name": agent.NAME,
        "title": agent.TITLE,
        "installed": installed_as(agent) or None,
        "used_here": is_used_in(repo, agent),
        "hooks": agent.SETTINGS is not None,
        "project": _standing(standing(repo, agent, "project")),
        "user": _standing(standing(repo, agent, "user")),
        "switched_off": switched_off(repo, agent) or None,
        "last_report": last_report(repo, agent) or None,
        "tested": agent.TESTED or None,
    }


def _standing(one: Standing | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "path": str(one.path),
        "told": one.state,
        "missing": list(one.told.missing) if one.state == "some" else [],
        "problem": one.problem or None,
    }


def _show(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    lines = [_HEAD, *((_name(row), _here(row), _told(row), _last(row), _tested(row)) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    for line in lines:
        console.out("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    for row in rows:
        for one in (row["project"], row["user"]):
            if one and one["problem"]:
                console.say(safe(f"warning: '{one['path']}' cannot be understood: {one['problem']}"))
            if one and one["missing"]:
                events = ", ".join(one["missing"])
                console.say(safe(f"'{one['path']}' lacks {events}: git regen agents add {row['name']}"))
        if row["switched_off"] and _told(row) != "no":
            console.say(
                safe(f"warning: {row['title']} runs no hooks: {row['switched_off']} switches them off")
            )


def _name(row: dict[str, Any]) -> str:
    return f"{row['name']} ({row['title']})"


def _here(row: dict[str, Any]) -> str:
    return "yes" if row["installed"] else "in this tree" if row["used_here"] else "no"


def _told(row: dict[str, Any]) -> str:
    if not row["hooks"]:
        return "has no hooks"
    words = {"all": "", "some": " in part", "unreadable": " unreadable"}
    parts = [
        scope + words[row[scope]["told"]]
        for scope in ("project", "user")
        if row[scope] and row[scope]["told"] in words
    ]
    return ", ".join(parts) or "no"


def _last(row: dict[str, Any]) -> str:
    return str(row["last_report"] or ("never" if row["hooks"] else "-"))


def _tested(row: dict[str, Any]) -> str:
    return str(row["tested"] or "untested")
