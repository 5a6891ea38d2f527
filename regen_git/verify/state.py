"""Whether new code reads the data that released code left: the contract of ``state.make`` and ``check``.

Data is made once for each released tree, with that tree's own dependencies, and laid down anew, at the same
place, for every tree that has to read it: a check may change what it reads.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from regen_git.config import Check
from regen_git.domain.verdict import CheckResult, Verdict
from regen_git.verify.environment import telling_line
from regen_git.verify.ratchet import Judgement, compare
from regen_git.verify.single import run_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from regen_git.config import State
    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.verify.cache import ResultCache
    from regen_git.verify.environment import Environments

__all__ = ["StateRuns"]

_NAME = "state"


@dataclass(frozen=True, slots=True)
class _Made:
    """The data of one released tree. ``folder`` is what ``$REGEN_STATE`` names, ``kept`` a copy of it."""

    folder: Path
    kept: Path
    result: CheckResult


class StateRuns:
    """Makes data and has it read. Safe for threads: one tree reads at a time."""

    def __init__(
        self, repo: Repository, state: State, environments: Environments, cache: ResultCache | None
    ) -> None:
        self._repo = repo
        self._state = state
        self._environments = environments
        self._cache = cache
        self._guard = threading.Lock()
        self._made: dict[Oid, _Made] = {}

    def judge(
        self, tree: Oid, original: Oid | None, released: Oid, *, is_end: bool = True
    ) -> tuple[CheckResult, Judgement] | None:
        """Say whether ``tree`` reads the data of ``released``, held against what ``original`` does with it.

        Where the original cannot do it either, nothing is shown: indeterminate at the end of a history,
        ``None`` in the middle of one (``is_end`` false), where the commands or the data may not be there yet.
        """
        basis = original if original is not None else tree
        with self._guard:
            result = self._on(tree, basis, released)
            why = "" if result.verdict is not Verdict.INDETERMINATE else result.reason
            if result.verdict is Verdict.FAIL and original is not None and original != tree:
                before = self._on(original, basis, released)
                if before.verdict is not Verdict.PASS:
                    why = f"the original does not read that data either: {before.reason}"
                    result = replace(result, verdict=Verdict.INDETERMINATE, reason=why)
                else:
                    result = self._on(tree, basis, released, again=True)
        if why and not is_end:
            return None
        return result, compare(None, result)

    def _on(self, tree: Oid, basis: Oid, released: Oid, *, again: bool = False) -> CheckResult:
        """Return what one tree does with the data, from the cache where that is known.

        A failure is not taken for granted at once: with ``again`` it counts only the second time.
        """
        state, digest = self._state, self._environments.digest(basis)
        makes = self._environments.digest(released)
        identity = Check(_NAME, repr((state.make, state.check, released, makes))).digest
        runs = self._cache.load(tree, identity, digest, _NAME) if self._cache is not None else []
        wanted = 2 if again else 1
        if len(runs) < wanted:
            runs = [*runs, self._read(tree, basis, released)]
            if self._cache is not None:
                self._cache.store(tree, identity, digest, runs)
        return runs[-1]

    def _read(self, tree: Oid, basis: Oid, released: Oid) -> CheckResult:
        made = self._data(released)
        if made.result.verdict is not Verdict.PASS:
            why = made.result.reason or f"exit status {made.result.exit_status}"
            said = telling_line(made.result.output)
            reason = f"the released version could not make its data: {why}: {said}"
            return replace(made.result, name=_NAME, verdict=Verdict.INDETERMINATE, reason=reason)
        with self._laid_down(made) as problem:
            if problem:
                return CheckResult(_NAME, Verdict.INDETERMINATE, 0.0, None, reason=problem)
            result = self._run(Check(_NAME, self._state.check), tree, basis, made.folder)
        if result.verdict is not Verdict.FAIL:
            return result
        why = result.reason or f"exit status {result.exit_status}"
        said = telling_line(result.output)
        return replace(result, reason=f"data of the released version is not read as it was: {why}: {said}")

    def _data(self, released: Oid) -> _Made:
        """Make the data of a released tree, once."""
        if released not in self._made:
            top = self._environments.scratch / f"{_NAME}-{len(self._made)}"
            folder, kept = top / "data", top / "kept"
            folder.mkdir(parents=True)
            result = self._run(Check(f"{_NAME} make", self._state.make), released, released, folder)
            if result.verdict is Verdict.PASS:
                try:
                    shutil.copytree(folder, kept, symlinks=True)
                except (OSError, shutil.Error) as error:
                    why = f"its data cannot be kept: {error}"
                    result = replace(result, verdict=Verdict.INDETERMINATE, reason=why)
            self._made[released] = _Made(folder, kept, result)
        return self._made[released]

    @contextlib.contextmanager
    def _laid_down(self, made: _Made) -> Iterator[str]:
        """Lay the data down as it was made; give why that failed, or nothing."""
        problem = ""
        try:
            # What an earlier check left must be gone: no error is overlooked here.
            if made.folder.exists():
                shutil.rmtree(made.folder)
            shutil.copytree(made.kept, made.folder, symlinks=True)
        except (OSError, shutil.Error) as error:
            problem = f"the data of the released version cannot be laid down: {error}"
        yield problem

    def _run(self, check: Check, tree: Oid, basis: Oid, folder: Path) -> CheckResult:
        with self._environments.lease(basis) as workspace:
            if workspace.problem:
                return CheckResult(check.name, Verdict.INDETERMINATE, 0.0, None, reason=workspace.problem)
            shell = replace(workspace.shell, state_folder=folder)
            return run_once(self._repo, replace(workspace, shell=shell), check, tree)
