"""``git regen resolve``: a person helps a step that is stuck."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe
from regen_git.cli.context import json_option, open_repository
from regen_git.errors import RefusedError, ReplayError, UsageError

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.replay.report import Report

__all__ = ["command"]


@click.command("resolve")
@click.argument("name")
@click.option("--note", "notes", multiple=True, help="Words for the model; may be given several times.")
@click.option("--take", type=click.Choice(["original"]), help="Take the files as history has them.")
@click.option("--drop", is_flag=True, help="Confirm that a person's change no longer applies.")
@click.option("--edit", "edit_dir", type=click.Path(path_type=Path), help="Make a worktree to edit in.")
@click.option("--tree", "tree_dir", type=click.Path(path_type=Path, exists=True), help="Take this folder.")
@json_option
def command(name: str, *, as_json: bool, **typed: Any) -> int:
    r"""Help a step that is stuck, in one of four ways; then go on with 'git regen replay --resume NAME'.

    \b
    git regen resolve gpt-5 --note "amounts are in cents"
    git regen resolve gpt-5 --take original
    git regen resolve gpt-5 --edit ../fix      then edit there, and
    git regen resolve gpt-5 --tree ../fix
    """
    from regen_git.replay.journal import Journal, hold
    from regen_git.replay.report import read_report
    from regen_git.replay.session import replays_folder

    console = Console(json=as_json)
    repo = open_repository()
    report = read_report(repo, name)
    if report.stuck is None:
        raise ReplayError(f"no step of replay '{name}' is stuck", hint="'git regen replay' tells when one is")
    if sum(bool(typed[way]) for way in ("notes", "take", "drop", "edit_dir", "tree_dir")) != 1:
        ways = "--note, --take original, --drop, --edit or --tree"
        raise UsageError("say one way to resolve the step", hint=ways)
    _check_helps(report, typed)
    if typed["edit_dir"]:
        return _open_worktree(repo, console, report, typed["edit_dir"])
    entry = _entry(repo, report, typed)
    folder = replays_folder(repo, name)
    with hold(folder, name):
        journal = Journal(folder / "journal.jsonl")
        journal.note(step=report.stuck["step"], state="resolved", **entry)
        journal.write()
    console.emit({"name": name, "step": report.stuck["step"], **entry})
    console.out(f"kept; go on with 'git regen replay --resume {name}'")
    return 0


def _check_helps(report: Report, typed: dict[str, Any]) -> None:
    """Refuse what cannot help: history has nothing for a module that is new, nor for interfaces."""
    ways = (report.stuck or {}).get("ways")
    if ways is None:
        return
    if typed["take"] and "original" not in ways:
        raise RefusedError("history has nothing in its place", hint="use --note, or --edit and --tree")
    if typed["drop"] and "drop" not in ways:
        raise RefusedError("there is no change of a person to drop", hint="use --note, or --edit and --tree")


def _entry(repo: Repository, report: Report, typed: dict[str, Any]) -> dict[str, Any]:
    if typed["notes"]:
        return {"notes": list(typed["notes"])}
    if typed["take"]:
        return {"original": True}
    if typed["drop"]:
        return {"drop": True}
    return {"tree": _tree_of(repo, report, typed["tree_dir"])}


def _open_worktree(repo: Repository, console: Console, report: Report, folder: Path) -> int:
    """Put the best state of the step into a worktree of its own."""
    from regen_git.git.commits import read_commit, rewrite

    store = repo.objects
    source = read_commit(store, _source(report))
    last = max((index for index in report.steps if index < _stuck_step(report)), default=None)
    parents = [report.steps[last]["commit"]] if last is not None else []
    best = (report.stuck or {})["best"]
    made = store.write("commit", rewrite(source, tree=best, parents=parents, message=source.message))
    store.flush()
    repo.git("worktree", "add", "--quiet", "--detach", str(folder.resolve()), made)
    console.emit({"worktree": str(folder), "commit": made})
    name = report.options.name
    console.out(f"'{safe(str(folder))}' holds the best state of '{safe(source.subject)}'")
    console.out(f"edit it, then 'git regen resolve {name} --tree {safe(str(folder))}'")
    return 0


def _stuck_step(report: Report) -> int:
    return int((report.stuck or {})["step"])


def _source(report: Report) -> Oid:
    return str((report.stuck or {})["source"])


def _tree_of(repo: Repository, report: Report, folder: Path) -> Oid:
    """Return the tree of an edited folder. Refuses one that changes what is frozen."""
    from regen_git.cli.replaying import load_for_replay
    from regen_git.config import Ownership
    from regen_git.git.commits import read_commit
    from regen_git.git.releases import last_release
    from regen_git.verify.gates import Gates, run_gates

    with tempfile.TemporaryDirectory(prefix="git-regen-") as scratch:
        env = {"GIT_INDEX_FILE": str(Path(scratch) / "index"), "GIT_WORK_TREE": str(folder.resolve())}
        best = (report.stuck or {})["best"]
        repo.git("read-tree", best, env=env)
        repo.git("-C", str(folder.resolve()), "add", "-A", "--", ".", env=env)
        tree = repo.git("write-tree", env=env).decode("ascii").strip()
    original = read_commit(repo.objects, _source(report)).tree
    ownership = Ownership(load_for_replay(repo).paths)
    end = read_commit(repo.objects, report.options.tip).tree
    released = (last_release(repo, report.options.tip) or end) if ownership.appends else None
    gates = run_gates(repo.objects, original, tree, Gates(ownership, released=released, end=end))
    problems = [problem for gate in gates for problem in gate.problems]
    if problems:
        raise RefusedError(
            f"'{folder}' cannot be taken: {problems[0]}", hint="undo that change, then try again"
        )
    return tree
