"""Who runs the hooks of this repository, and how ours come to run beside the others'.

git 2.54 and newer runs hooks from its configuration whatever manager there is; an older one only those of
the hooks folder, which may be a manager's.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from regen_git.capture.install import (
    hooks_folder,
    install_hooks,
    leave_stand_in,
    remove_hooks,
    script_state,
    wanted_hooks,
    write_command,
)
from regen_git.capture.managers import configured, framework, husky, lefthook, lines

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.capture.install import HookState
    from regen_git.git.repository import Repository

__all__ = ["Charge", "Manager", "hook_states", "in_charge", "install", "remove", "standing"]

Manager = Literal["git", "husky", "lefthook", "pre-commit"]

WAY = "regen.hooks"
"""``config``: in git's configuration; ``scripts``: in the hooks folder or by its manager; else as git can."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Who runs the scripts of hooks here, and whether ours are in git's configuration instead.

    ``folder`` is where the manager's hooks are: git's hooks folder, or the team's for husky.
    """

    manager: Manager
    configured: bool
    folder: Path
    outside: Path | None = None

    def __str__(self) -> str:
        """Say it in words."""
        shown = f", in front of '{self.outside}'" if self.outside else ""
        if self.configured:
            beside = "" if self.manager == "git" else f", whatever {self.manager} does"
            return f"in git's configuration{beside}"
        by = {"git": "in", "pre-commit": "beside pre-commit, in"}.get(self.manager, f"by {self.manager}, in")
        return f"{by} '{self.folder}'{shown}"


def in_charge(repo: Repository) -> Charge:
    """Find out who is to run the hooks here."""
    where = hooks_folder(repo)
    way = (repo.config(WAY) or "").lower()
    known = way != "scripts" and (
        way == "config" or configured.are_known_to(repo.git("version").decode("utf-8", "replace"))
    )
    if where.outside is not None:
        return Charge("git", known, where.path, where.outside)
    team = husky.folder_of(where.path)
    if team is not None:
        return Charge("husky", known, team)
    if repo.worktree is not None and lefthook.is_in_charge(repo.worktree, where.path):
        return Charge("lefthook", known, where.path)
    return Charge("pre-commit" if framework.is_in_charge(where.path) else "git", known, where.path)


def install(repo: Repository) -> list[str]:
    """Have our hooks run; return what was done, a line each. Doing it again changes nothing."""
    charge, events = in_charge(repo), wanted_hooks(repo)
    write_command(repo)
    if charge.configured:
        leave_stand_in(repo)
        remove_hooks(repo)
        shutil.rmtree(repo.data_dir / lines.FOLDER, ignore_errors=True)
        configured.configure(repo, events)
        return [f"hooks {charge}"]
    configured.forget(repo)
    shutil.rmtree(repo.data_dir / configured.FOLDER, ignore_errors=True)
    if charge.manager == "husky":
        # What stands among its stubs would go with the next 'npm install'.
        remove_hooks(repo)
        return husky.install(repo, charge.folder, events)
    if charge.manager == "lefthook" and repo.worktree is not None:
        owned = lefthook.owned(charge.folder, events)
        done = lefthook.install(repo, repo.worktree, charge.folder, owned) if owned else []
        install_hooks(repo, [event for event in events if event not in owned])
        return [f"hooks {charge}", *done]
    if charge.manager == "pre-commit":
        install_hooks(repo, framework.unsettled(charge.folder, events))
    else:
        install_hooks(repo, events)
    return [f"hooks {charge}"]


def remove(repo: Repository) -> None:
    """Take out what is ours alone. Lines in others' files and the configuration have their own record."""
    remove_hooks(repo)
    for name in (configured.FOLDER, lines.FOLDER):
        shutil.rmtree(repo.data_dir / name, ignore_errors=True)


def hook_states(repo: Repository) -> dict[str, HookState]:
    """Return, by hook, whether ours runs, is older than this program, is absent, or another is there."""
    return standing(repo)[1]


def standing(repo: Repository) -> tuple[Charge, dict[str, HookState]]:
    """Return who runs ours as things are, and how each hook stands."""
    charge, events = in_charge(repo), wanted_hooks(repo)
    by_others = {event: _state(repo, charge, event) for event in events}
    if not charge.configured:
        return charge, by_others
    states = configured.state(repo, events)
    if set(states.values()) == {"missing"} and {"installed", "outdated"} & set(by_others.values()):
        # From before git could do better; they run still.
        return replace(charge, configured=False), by_others
    return charge, states


def _state(repo: Repository, charge: Charge, event: str) -> HookState:
    if charge.manager == "husky":
        return husky.state(repo, charge.folder, event)
    if charge.manager == "lefthook" and repo.worktree is not None and lefthook.owned(charge.folder, [event]):
        return lefthook.state(repo, repo.worktree, event)
    if charge.manager == "pre-commit":
        return framework.state(charge.folder, repo.worktree, event)
    return script_state(charge.folder / event, event)
