"""``git regen status``: what waits, which hooks are in place, how much of history has intents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_repository
from regen_git.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.git.repository import Repository
    from regen_git.sharing.standing import Standing

__all__ = ["command"]

_SHOWN = 60
"""Characters of a prompt that are shown."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One session with prompts that are in no commit yet, or edits that are left to commit."""

    session: str
    agent: str
    prompts: tuple[str, ...]
    wrote: tuple[str, ...]
    worktree: str


@click.command("status")
@click.option(
    "-n", "--commits", type=click.IntRange(min=1), default=100, show_default=True, help="Look back so far."
)
@json_option
def command(commits: int, *, as_json: bool) -> None:
    r"""Show what waits for a commit, which hooks are in place, and the coverage of the newest commits.

    Binds first what the hooks missed.

    \b
    Examples:
      git regen status
      git regen status --json -n 500
    """
    from regen_git.capture.failures import read_failures
    from regen_git.capture.flush import Flushed, flush, refresh_hooks
    from regen_git.capture.install import arm
    from regen_git.capture.managers import hook_states
    from regen_git.cli.late import catch_up
    from regen_git.ledger.store import guard
    from regen_git.sharing.standing import standings

    console = Console(json=as_json)
    repo = open_repository()
    done = Flushed()
    try:
        done = flush(repo)
        guard(repo)
        refresh_hooks(repo)
        arm(repo)
    except (OSError, GitError) as error:
        # What is known can be told all the same: on a medium that is read-only, or full.
        console.say(f"warning: nothing can be written here: {safe(str(error))}")
    catch_up(repo, console)
    waiting = _waiting(repo)
    hooks = hook_states(repo)
    coverage, conflicts = _coverage(repo, commits)
    failures = read_failures(str(repo.data_dir))
    shared = standings(repo)
    _show(console, waiting, hooks, coverage)
    for intent in conflicts:
        line = f"conflict: two people edited intent {intent} (git regen edit {intent})"
        console.out(style(line, fg="red"))
    for one in shared:
        console.out(_standing_line(one))
    if failures:
        console.out(style(f"{len(failures)} past failures are in the log: git regen doctor", fg="yellow"))
    console.emit(
        {
            "inbox": [_waiting_json(one) for one in waiting],
            "hooks": {name: _plain(state) for name, state in hooks.items()},
            "coverage": coverage,
            "conflicts": conflicts,
            "remotes": {
                one.remote: {"ahead": one.ahead, "behind": one.behind, "fetched": one.is_fetched}
                for one in shared
            },
            "recorded_now": done.recorded,
            "failures": len(failures),
        }
    )


def _waiting_json(one: _Waiting) -> dict[str, Any]:
    return {
        "session": one.session,
        "agent": one.agent,
        "prompts": list(one.prompts),
        "wrote": list(one.wrote),
        "worktree": one.worktree,
    }


def _standing_line(one: Standing) -> str:
    name = safe(one.remote)
    if not one.is_fetched:
        return f"ledger: not fetched from '{name}' (git regen sync {name})"
    if not one.ahead and not one.behind:
        same = "as last fetched from" if one.is_known else "nothing to share with"
        return f"ledger: {same} '{name}'"
    return f"ledger: {safe(str(one))} (git regen sync {name})"


def _plain(state: str) -> str:
    """An older hook of ours is installed too; ``doctor`` says that it is old."""
    return state if state in ("missing", "foreign") else "installed"


def _waiting(repo: Repository) -> list[_Waiting]:
    from regen_git.capture.aside import spool
    from regen_git.capture.inbox import Inbox
    from regen_git.capture.matching import read_sessions, records_waiting

    entries = Inbox(str(repo.data_dir)).read()
    found: list[_Waiting] = []
    for session in read_sessions(entries):
        groups = [g for g in session.groups if not g.is_bound or any(turn.worktrees for turn in g.turns)]
        prompts = [p.text for g in groups for p in g.prompts if not g.is_bound]
        wrote = sorted({path for g in groups for turn in g.turns for _, path in turn.edits if turn.worktrees})
        if prompts or wrote:
            found.append(
                _Waiting(session.name, session.agent, tuple(prompts), tuple(wrote), session.worktree)
            )
    for key in dict.fromkeys(entry.worktree for entry in entries if entry.kind == "record"):
        recorded = tuple(entry.text for entry in records_waiting(entries, key))
        if recorded:
            found.append(_Waiting("", "you", recorded, (), key))
    for session in read_sessions(Inbox(spool()).read()):
        prompts = [p.text for g in session.groups for p in g.prompts]
        here = [one for one in found if one.session == session.name]
        if here and prompts:
            found.append(_Waiting(session.name, session.agent, tuple(prompts), (), "outside"))
    return found


def _coverage(repo: Repository, limit: int) -> tuple[dict[str, int], list[str]]:
    """Return how many of the newest commits have an intent, and which of these are in conflict."""
    from regen_git.git.notes import LONGEST_NOTE
    from regen_git.git.refs import read_ref
    from regen_git.ledger.store import INTENTS_REF, view
    from regen_git.process import fields

    if read_ref(repo, "HEAD") is None:
        return {"commits": 0, "with_intent": 0}, []
    chunks = repo.git_stream(
        "log",
        "-z",
        "--no-merges",
        f"--max-count={limit}",
        f"--notes={INTENTS_REF}",
        "--format=%H%n%N",
        "HEAD",
        "--",
    )
    found: list[bool] = []
    conflicts: dict[str, None] = {}
    for entry in fields(chunks, LONGEST_NOTE):
        intents = entry.count(b"\nintent: ")
        found.append(intents > 0)
        if intents > 1:
            conflicts.update(dict.fromkeys(view(entry.partition(b"\n")[2]).conflicts))
    return {"commits": len(found), "with_intent": sum(found)}, list(conflicts)


def _show(
    console: Console, waiting: Sequence[_Waiting], hooks: Mapping[str, str], coverage: Mapping[str, Any]
) -> None:
    if not waiting:
        console.out("nothing waits for a commit")
    for one in waiting:
        many = "1 prompt" if len(one.prompts) == 1 else f"{len(one.prompts)} prompts"
        name = f"{one.agent} {one.session[:8]}".strip()
        where = "" if one.worktree == "main" else f" in {one.worktree}"
        console.out(f"waiting: {many} ({safe(name)}){safe(where)}")
        for text in one.prompts:
            line = " ".join(text.split())
            console.out("  " + safe(line[:_SHOWN] + ("…" if len(line) > _SHOWN else "")))
        if one.wrote:
            console.out("  wrote: " + safe(", ".join(one.wrote)))
    bad = {name: state for name, state in hooks.items() if state != "installed"}
    if not bad:
        console.out(f"hooks: all {len(hooks)} installed")
    else:
        console.out(
            "hooks: " + ", ".join(f"{name} {state}" for name, state in bad.items()) + " (git regen init)"
        )
    console.out(
        f"coverage: {coverage['with_intent']} of the last {coverage['commits']} commits have an intent"
    )
