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
@click.option(
    "--prove/--no-prove",
    "proving",
    default=True,
    help="Make a commit in a temporary repository with the same hooks (default: yes).",
)
@json_option
@click.pass_context
def command(ctx: click.Context, *, proving: bool, as_json: bool) -> None:
    """Say what is set up, what fires and what failed.

    That hooks fire is proved by a commit in a temporary repository with the same hooks, settings and hook
    manager, and with a prompt waiting. Your own prepare-commit-msg and post-commit hooks run there too.

    Exit status 1 when something needs a hand.
    """
    console = Console(json=as_json)
    repo = open_repository()
    findings = [
        *_hooks(repo),
        *(_proof(repo) if proving else []),
        *_notes(repo),
        *_documents(repo),
        *_agents(repo),
        _capture(repo),
        _git(repo),
        *_adoption(repo),
        _log(repo),
    ]
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
    from regen_git.capture.managers import standing

    where, states = standing(repo)
    bad = {name: state for name, state in states.items() if state != "installed"}
    if not bad:
        found = [_Finding("hooks", good=True, text=f"all {len(states)} current, {where}")]
    else:
        text = ", ".join(f"{name} is {state}" for name, state in bad.items())
        found = [_Finding("hooks", good=False, text=f"{text} {where}", hint="git regen init")]
    command_file = repo.data_dir / "command"
    if command_file.exists():
        program = command_file.read_text("utf-8").strip()
        good = Path(program).exists()
        text = f"hooks call '{program}'" + ("" if good else ", which is not there")
        found.append(_Finding("program", good=good, text=text, hint="git regen init"))
    return found


def _proof(repo: Repository) -> list[_Finding]:
    """Make a commit in another repository that is like this one, and say what it got."""
    from regen_git.capture.proving import prove
    from regen_git.errors import RegenError

    try:
        proof = prove(repo)
    except (OSError, RegenError) as error:
        return [_Finding("proof", good=False, text=f"cannot be made: {error}")]
    if proof is None:
        return []
    if proof.problem:
        said = "".join(f"\n      {line}" for line in proof.said.splitlines()[-_LOG_LINES:])
        text = f"{proof.problem}, in a temporary repository like this one{said}"
        return [_Finding("proof", good=False, text=text, hint="git regen init")]
    got = "its trailer and its note" if proof.trailer else "its note"
    text = (
        f"a commit in a temporary repository like this one got {got}, with hooks {proof.by}: "
        f"{proof.took_ms:.0f} ms, without hooks {proof.bare_ms:.0f} ms"
    )
    return [_Finding("proof", good=True, text=text)]


def _notes(repo: Repository) -> list[_Finding]:
    from regen_git.capture.setup import REWRITE_REF
    from regen_git.sharing.standing import standings

    found: list[_Finding] = []
    shared = standings(repo)
    without = [one.remote for one in shared if not one.is_fetched]
    text = f"not fetched from {', '.join(without)}" if without else f"fetched from {len(shared)} remotes"
    found.append(_Finding("ledger", good=not without, text=text, hint="git regen init"))
    # A remote that has no ledger is not asked to have one.
    apart = [str(one) for one in shared if one.is_known and (one.ahead or one.behind)]
    if apart:
        found.append(_Finding("sharing", good=False, text="; ".join(apart), hint="git regen sync"))
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


def _documents(repo: Repository) -> list[_Finding]:
    """Look into the notes: documents that nobody can read, and two of one intent and revision."""
    from regen_git.errors import RegenError
    from regen_git.ledger.health import examine
    from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF

    found: list[_Finding] = []
    for ref in (INTENTS_REF, PRIVATE_REF):
        name = ref.removeprefix("refs/notes/")
        try:
            health = examine(repo, ref)
        except RegenError as error:
            found.append(_Finding("documents", good=False, text=f"'{ref}': {error}", hint=error.hint))
            continue
        mend = f"git notes --ref={name} edit <commit>"
        if health.broken:
            shown = "".join(f"\n      {oid[:10]}: {reason}" for oid, reason in health.first_broken)
            text = f"{health.broken:,} of {health.notes:,} notes hold what cannot be read{shown}"
            hint = f"mend by hand with '{mend}'; until then they are kept as they are"
            found.append(_Finding("documents", good=False, text=text, hint=hint))
        if health.conflicting:
            shown = "".join(f"\n      {oid[:10]}: intent {one}" for oid, one in health.first_conflicts)
            text = f"{health.conflicting:,} notes hold two newest versions of an intent{shown}"
            hint = "'git regen edit <intent>' shows both and settles it"
            found.append(_Finding("conflicts", good=False, text=text, hint=hint))
        if health.notes and not health.broken and not health.conflicting:
            found.append(
                _Finding("documents", good=True, text=f"{health.notes:,} notes in '{ref}' are sound")
            )
    return found


def _agents(repo: Repository) -> list[_Finding]:
    """Tell which agents report here, and when each last did: a settings file proves nothing by itself."""
    from regen_git.capture.telling.found import switched_off
    from regen_git.cli.telling import known_agents, last_report, told_in

    found: list[_Finding] = []
    for agent in known_agents():
        for one in told_in(repo, agent):
            off = switched_off(repo, agent)
            last = last_report(repo, agent) or "never yet"
            text = f"{agent.TITLE} reports prompts ('{one.path}'), last {last}"
            hint = f"git regen agents add {agent.NAME}"
            if one.problem:
                text, hint = (
                    f"'{one.path}' of {agent.TITLE} cannot be understood: {one.problem}",
                    "mend the file",
                )
            elif one.told.missing:
                text = f"{agent.TITLE} is told in part ('{one.path}'): without {', '.join(one.told.missing)}"
            elif off:
                text, hint = f"{agent.TITLE} runs no hooks: {off} switches them off", "take that out"
            found.append(_Finding("agents", good=one.state == "all" and not off, text=text, hint=hint))
    hint = "git regen agents add claude"
    return found or [_Finding("agents", good=False, text="no agent is told to report prompts", hint=hint)]


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


def _adoption(repo: Repository) -> list[_Finding]:
    """Tell of an adoption that was cut off between files and branch; nothing where there is none."""
    if not (repo.git_dir / "regen-adopting.json").exists():
        return []
    hint = "run the same 'git regen adopt' again: it finishes, or takes back and starts anew"
    return [_Finding("adopt", good=False, text="one was cut off before it was done", hint=hint)]


def _log(repo: Repository) -> _Finding:
    from regen_git.capture.failures import read_failures

    lines = read_failures(str(repo.data_dir))
    if not lines:
        return _Finding("log", good=True, text="nothing has failed")
    shown = "\n      ".join(safe(line) for line in lines[-_LOG_LINES:])
    hint = f"remove '{repo.data_dir / 'log'}' once you have read it"
    return _Finding("log", good=False, text=f"{len(lines)} failures\n      {shown}", hint=hint)
