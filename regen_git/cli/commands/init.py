"""``git regen init``: set everything up, asking once for what is a matter of taste."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from regen_git.agents.contract import Agent
    from regen_git.capture.telling.files import Scope
    from regen_git.git.repository import Repository

__all__ = ["command", "undo"]


@click.command("init")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing; take every default.")
@click.option("--hooks/--no-hooks", default=None, help="Install the git hooks (default: yes).")
@click.option(
    "--claude",
    type=click.Choice(["project", "user", "none"]),
    help="Where Claude Code is told to report prompts (default: as --agents-at).",
)
@click.option(
    "--agent",
    "named",
    multiple=True,
    metavar="NAME",
    help="Tell this agent to report prompts; may be repeated (default: claude and those found here).",
)
@click.option(
    "--agents-at",
    type=click.Choice(["project", "user", "none"]),
    help="Where agents are told: for everybody in this tree, or for you everywhere (default: project).",
)
@click.option("--config/--no-config", default=None, help="Propose a .regen/config.yaml (default: yes).")
@click.option("--import/--no-import", "imports", default=None, help="Import what is found (default: no).")
@click.option("--pre-push", is_flag=True, help="Also share the ledger with every push, where agreed to.")
@click.option(
    "--baseline", is_flag=True, help="Run the checks on HEAD now, as what a rebuilt tree is held to."
)
@click.option("--spec", is_flag=True, help="Also write a first page of requirements, .regen/spec/app.md.")
@click.option("--undo", "undoing", is_flag=True, help="Take everything out again.")
@json_option
def command(
    claude: str | None,
    named: Sequence[str],
    agents_at: str | None,
    *,
    yes: bool,
    hooks: bool | None,
    config: bool | None,
    imports: bool | None,
    pre_push: bool,
    baseline: bool,
    spec: bool,
    undoing: bool,
    as_json: bool,
) -> None:
    r"""Set up hooks and notes in this repository.

    Existing hooks are kept and run first. Everything can be taken out with 'git regen deinit'.

    \b
    Examples:
      git regen init
      git regen init --yes --agents-at user
      git regen init --agent codex --agent gemini
      git regen init --yes --spec
      git regen init --undo
    """
    console = Console(json=as_json)
    if undoing:
        undo(console)
        return
    from regen_git.capture.setup import set_up

    ask = not yes and not as_json and sys.stdin.isatty()
    repo = open_repository()
    page = _first_page(repo) if spec else None
    want_hooks = _choice(hooks, "install the git hooks?", ask=ask, default=True)
    done = set_up(repo, hooks=want_hooks, pre_push=pre_push)
    places = _places(repo, named, claude, agents_at, console, ask=ask)
    for agent, scope in places:
        done += _tell(repo, agent, scope, console)
    written = _propose_config(repo, config, ask=ask)
    if written is not None:
        done.append(f"'{written}' proposes which paths and checks count; read it, then commit it")
    if page is not None:
        done.append(_write_page(repo, page))
    for line in done:
        console.out(safe(line))
    if not done:
        console.out("everything is set up already")
    _warn_of_sorting(repo, console)
    _tell_of_sync(repo, console)
    counts = _import(repo, imports, console, ask=ask)
    verdict = _measure(repo, console) if baseline else None
    told = {agent.NAME: scope for agent, scope in places}
    at = told.get("claude", "none")
    console.emit({"done": done, "claude": at, "agents": told, "imported": counts, "baseline": verdict})


def _choice(given: bool | None, question: str, *, ask: bool, default: bool) -> bool:  # noqa: FBT001 - a flag's value
    if given is not None:
        return given
    return click.confirm(question, default=default, err=True) if ask else default


def _places(
    repo: Repository,
    named: Sequence[str],
    claude: str | None,
    agents_at: str | None,
    console: Console,
    *,
    ask: bool,
) -> list[tuple[Agent, Scope]]:
    """Return which agents to tell, and where, asking once where nobody has said so."""
    from regen_git.cli.telling import agent_named, agents_found, titles

    chosen = [agent_named(name) for name in named]
    for agent in [] if chosen else agents_found(repo):
        if agent.SETTINGS is not None and agent.SETTINGS.price and agents_at is None:
            how = f"'git regen agents add {agent.NAME}' tells it"
            console.say(f"not told: {agent.TITLE}, since {agent.SETTINGS.price}; {how}")
        else:
            chosen.append(agent)
    others = [agent for agent in chosen if agent.NAME != "claude" or claude is None]
    at = agents_at or "project"
    if ask and others and agents_at is None:
        at = click.prompt(
            f"where shall {titles(others)} be told to report prompts?",
            type=click.Choice(["project", "user", "none"]),
            default="project",
            err=True,
        )
    wanted = [(agent_named("claude"), claude)] if claude is not None else []
    wanted += [(agent, at) for agent in others]
    return [(agent, "user" if where == "user" else "project") for agent, where in wanted if where != "none"]


def _tell(repo: Repository, agent: Agent, scope: Scope, console: Console) -> list[str]:
    """Tell an agent and return what was done, a line each; one that cannot be told keeps no other back."""
    from regen_git.cli.telling import tell
    from regen_git.errors import ConfigError

    try:
        return [f"{agent.TITLE} reports prompts ('{path}')" for path in tell(repo, agent, scope, console)]
    except ConfigError as error:
        console.say(safe(f"warning: {error}; {error.hint}"))
        return []


def _propose_config(repo: Repository, given: bool | None, *, ask: bool) -> str | None:  # noqa: FBT001 - a flag's value
    """Write ``.regen/config.yaml`` as far as the project can be read; return its path if it was written."""
    from regen_git.capture.undo import recorded
    from regen_git.config import CONFIG_PATH, detect

    if repo.worktree is None or (repo.worktree / CONFIG_PATH).exists():
        return None
    if not _choice(given, f"propose a '{CONFIG_PATH}'?", ask=ask, default=True):
        return None
    top = repo.worktree

    def read(path: str) -> bytes | None:
        try:
            return (top / path).read_bytes()
        except OSError:
            return None

    listed = repo.git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = [name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name]
    with recorded(repo, top / CONFIG_PATH):
        (top / CONFIG_PATH).parent.mkdir(parents=True, exist_ok=True)
        (top / CONFIG_PATH).write_text(detect(paths, read), "utf-8")
    return str(CONFIG_PATH)


def _first_page(repo: Repository) -> Path:
    """Return where the first page of the spec goes. Raises ``RefusedError`` where there is one."""
    from regen_git.errors import RefusedError
    from regen_git.spec.files import folder_of

    page = folder_of(repo) / "app.md"
    if page.exists() or page.is_symlink():
        raise RefusedError("'.regen/spec/app.md' is there already", hint="edit it; it is yours")
    return page


def _write_page(repo: Repository, page: Path) -> str:
    """Write the first page of the spec, and say what to do with it."""
    from regen_git.capture.undo import recorded
    from regen_git.spec.first import FIRST_PAGE

    with recorded(repo, page):
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(FIRST_PAGE, "utf-8")
    return "'.regen/spec/app.md' is a first page: write what you want, commit it, then 'git regen replay'"


def _import(repo: Repository, given: bool | None, console: Console, *, ask: bool) -> list[str]:  # noqa: FBT001 - a flag's value
    """Offer what could be imported; return the questions that were answered yes."""
    if given is False:
        return []
    from regen_git.importers.survey import survey

    taken: list[str] = []
    for offer in survey(repo):
        if _choice(given, safe(offer.question), ask=ask, default=False):
            offer.run()
            taken.append(offer.question)
            console.out("imported: " + safe(offer.question.removesuffix(": import?")))
        else:
            console.say(
                f"not now: {safe(offer.question)} 'git regen init --import' or '{offer.command}' does it"
            )
    return taken


def _measure(repo: Repository, console: Console) -> str:
    """Run the declared checks on HEAD and say how they ended."""
    from regen_git.cli.boundary import run_command

    del repo
    console.say("measuring the baseline: git regen verify HEAD")
    status = run_command(["verify", "HEAD"])
    return "pass" if status == 0 else "not pass"


def _warn_of_sorting(repo: Repository, console: Console) -> None:
    mode = repo.config("notes.rewriteMode")
    if mode == "cat_sort_uniq":
        console.say(
            "warning: notes.rewriteMode 'cat_sort_uniq' sorts lines and breaks notes; use 'concatenate'"
        )


def _tell_of_sync(repo: Repository, console: Console) -> None:
    """Say how to get a ledger that is elsewhere: history names intents, and there are no notes here."""
    from regen_git.git.refs import read_ref
    from regen_git.ledger.store import INTENTS_REF

    if not repo.git("remote").strip() or read_ref(repo, INTENTS_REF) or not read_ref(repo, "HEAD"):
        return
    args = ("--max-count=1", "--regexp-ignore-case", "--grep=^Regen-Intent: ", "--branches", "HEAD", "--")
    if repo.git("rev-list", *args).strip():
        console.say("commits here name intents whose notes are not here yet: git regen sync --fetch-only")


def undo(console: Console) -> None:
    """Take out what ``init`` put in, and say what that was."""
    from regen_git.capture.flush import flush
    from regen_git.capture.setup import take_out

    repo = open_repository()
    flush(repo)
    done = take_out(repo)
    for line in done:
        console.out(safe(line))
    kept: dict[str, Any] = {"done": done, "inbox_kept": (repo.data_dir / "inbox.jsonl").exists()}
    if kept["inbox_kept"]:
        console.say(safe(f"prompts that are in no commit yet stay in '{repo.data_dir / 'inbox.jsonl'}'"))
    console.emit(kept)
