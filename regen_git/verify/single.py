"""Run one command on one tree, in a workspace."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from regen_git.git import trees
from regen_git.verify.checks import judge, python_path

if TYPE_CHECKING:
    from regen_git.config import Check
    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import CheckResult
    from regen_git.git.repository import Repository
    from regen_git.verify.environment import Workspace

__all__ = ["run_once"]


def run_once(repo: Repository, workspace: Workspace, check: Check, tree: Oid) -> CheckResult:
    """Lay the tree down, clean, and run the command there."""
    workspace.checkout.move_to(tree, clean=True)
    files = (path for path, _ in trees.walk(repo.objects, tree))
    found = python_path(files, str(workspace.checkout.directory), sys.stdlib_module_names)
    return judge(check, workspace.shell.run(check.run, timeout_s=check.timeout_s, python_path=found))
