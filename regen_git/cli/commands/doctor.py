"""``git regen doctor``: say what is set up, what fires, and what failed where nobody was told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_repository

if TYPE_CHECKING:
    from regen_git.git.repository import Repository

__all__ = ["command"]

_LOG_LINES = 10


@dataclass(frozen=True, slots=True)
class _Finding:
    """One thing looked at: whether it is as it should be, what it is, and what to do if not."""

    name: str
    good: bool
    text: str
    hint: str = ""


@click.command("doctor")
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Say what is set up, what fires and what failed.

    Exit status 1 when something needs a hand.
    """
    console = Console(json=as_json)
    repo = open_repository()
    findings = [*_hooks(repo), *_notes(repo), _agents(repo), _capture(repo), _git(repo), _log(repo)]
    for one in findings:
        mark = style("ok  ", fg="green") if one.good else style("!   ", fg="yellow")
        console.out(f"{mark}{one.name}: {safe(one.text)}")
        if not one.good and one.hint:
            console.out(f"      hint: {one.hint}")
    good = all(one.good for one in findings)
    console.emit(
        {
            "good": good,
            "findings": [{"name": f.name, "good": f.good, "text": f.text, "hint": f.hint} for f in findings],
        }
    )
    ctx.exit(0 if good else 1)


def _hooks(repo: Repository) -> list[_Finding]:
    from regen_git.capture.install import hook_states, hooks_folder

    states = hook_states(repo)
    bad = {name: state for name, state in states.items() if state != "installed"}
    where = hooks_folder(repo)
    shown = f"in '{where.path}'" + (f", in front of '{where.outside}'" if where.outside else "")
    if not bad:
        found = [_Finding("hooks", good=True, text=f"all {len(states)} current, {shown}")]
    else:
        text = ", ".join(f"{name} is {state}" for name, state in bad.items())
        found = [_Finding("hooks", good=False, text=f"{text} {shown}", hint="git regen init")]
    command_file = repo.data_dir / "command"
    if command_file.exists():
        program = command_file.read_text("utf-8").strip()
        good = Path(program).exists()
        text = f"hooks call '{program}'" + ("" if good else ", which is not there")
        found.append(_Finding("program", good=good, text=text, hint="git regen init"))
    return found


def _notes(repo: Repository) -> list[_Finding]:
    from regen_git.capture.setup import REWRITE_REF, wanted_refspec

    found: list[_Finding] = []
    remotes = repo.git("remote").decode("utf-8", "replace").split()
    without = [r for r in remotes if wanted_refspec(r) not in repo.config_all(f"remote.{r}.fetch")]
    text = f"not fetched from {', '.join(without)}" if without else f"fetched from {len(remotes)} remotes"
    found.append(_Finding("ledger", good=not without, text=text, hint="git regen init"))
    covered = [REWRITE_REF, "refs/notes/*", "refs/notes/regen"]
    follows = any(value in covered for value in repo.config_all("notes.rewriteRef"))
    text = "follow amend and rebase" if follows else "do not follow amend and rebase"
    found.append(_Finding("notes", good=follows, text=text, hint="git regen init"))
    for name in ("notes.rewriteMode", "notes.mergeStrategy"):
        mode = repo.config(name)
        if mode == "cat_sort_uniq":
            hint = f"git config {name} {'concatenate' if name.endswith('Mode') else 'union'}"
            found.append(_Finding(name, good=False, text=f"'{mode}' sorts lines and breaks notes", hint=hint))
    return found


def _agents(repo: Repository) -> _Finding:
    from regen_git.agents.claude_hooks import has_hooks
    from regen_git.capture.setup import claude_settings

    for scope in ("project", "user"):
        path = claude_settings(repo, scope)
        if path is not None and path.exists() and has_hooks(path.read_text("utf-8", errors="replace")):
            return _Finding("agents", good=True, text=f"Claude Code reports prompts ('{path}')")
    hint = "git regen init --claude project"
    return _Finding("agents", good=False, text="no agent is told to report prompts", hint=hint)


def _capture(repo: Repository) -> _Finding:
    from regen_git.capture.inbox import Inbox

    entries = Inbox(str(repo.data_dir)).read()
    last = max((e.at for e in entries if e.kind in ("prompt", "edit", "end", "record")), default="")
    text = f"last at {last}" if last else "nothing waits in the inbox"
    return _Finding("capture", good=True, text=text)


def _git(repo: Repository) -> _Finding:
    version = repo.git("version").decode("utf-8", "replace").strip()
    numbers = [int(n) for n in version.split()[2].split(".")[:2] if n.isdecimal()]
    good = numbers >= [2, 31]
    return _Finding("git", good=good, text=version, hint="git 2.31 or newer is needed")


def _log(repo: Repository) -> _Finding:
    from regen_git.capture.failures import read_failures

    lines = read_failures(str(repo.data_dir))
    if not lines:
        return _Finding("log", good=True, text="nothing has failed")
    shown = "\n      ".join(safe(line) for line in lines[-_LOG_LINES:])
    hint = f"remove '{repo.data_dir / 'log'}' once you have read it"
    return _Finding("log", good=False, text=f"{len(lines)} failures\n      {shown}", hint=hint)
