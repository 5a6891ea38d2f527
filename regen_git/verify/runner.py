"""Run checks on trees, hold them against the original, and reach a verdict."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.config import Ownership
from regen_git.domain.verdict import CheckResult, Ratchet, Verdict, Verification, combine
from regen_git.verify import ratchet
from regen_git.verify.cache import ResultCache
from regen_git.verify.environment import Environments
from regen_git.verify.gates import Gates, frozen_paths, run_gates
from regen_git.verify.ratchet import Judgement
from regen_git.verify.sandbox import find_sandbox
from regen_git.verify.single import run_once
from regen_git.verify.state import StateRuns
from regen_git.verify.trust import NOT_TRUSTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor, Future

    from regen_git.config import Check, Settings
    from regen_git.domain.ids import Oid, RepoPath
    from regen_git.domain.verdict import GateResult
    from regen_git.git.repository import Repository
    from regen_git.git.trees import Leaf
    from regen_git.verify.environment import Workspace
    from regen_git.verify.ratchet import Baseline

__all__ = ["Verifier"]

_NO_CHECKS = "no checks are configured: nothing was run"


@dataclass(frozen=True, slots=True)
class _Judged:
    result: CheckResult
    judgement: Judgement


class Verifier:
    """Verifies trees by the settings trusted at the start, never by those of a tree.

    Nothing runs unless ``trusted``. ``executor`` (threads) serves `submit`. Close it, or use it in a
    ``with`` statement, to take its scratch folders away.
    """

    def __init__(
        self,
        repo: Repository,
        settings: Settings,
        *,
        trusted: bool,
        executor: Executor,
        use_cache: bool = True,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._repo = repo
        self._settings = settings
        self._trusted = trusted
        self._executor = executor
        self._cache = ResultCache(repo.data_dir / "checks")
        self._use_cache = use_cache
        self._ownership = Ownership(settings.paths)
        self._frozen: dict[tuple[RepoPath, Leaf], bool] = {}
        self._environments = Environments(
            repo,
            settings.setup,
            environ=os.environ if environ is None else environ,
            sandbox=None if settings.user.sandbox == "off" else find_sandbox(),
            memory_bytes=settings.user.memory_bytes,
        )
        self._state = None
        if settings.state is not None:
            cache = self._cache if use_cache else None
            self._state = StateRuns(repo, settings.state, self._environments, cache)

    def __enter__(self) -> Verifier:  # noqa: PYI034 - typing.Self came with Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the scratch folders away."""
        self._environments.close()

    def submit(
        self,
        tree: Oid,
        original: Oid | None = None,
        *,
        gates: Gates | None = None,
        released: Oid | None = None,
        is_end: bool = True,
    ) -> Future[Verification]:
        """Start `verify_tree` on the executor. New objects are flushed first: other threads must see them."""
        self._repo.objects.flush()
        return self._executor.submit(
            self.verify_tree, tree, original, gates=gates, released=released, is_end=is_end
        )

    def verify_tree(
        self,
        tree: Oid,
        original: Oid | None = None,
        *,
        gates: Gates | None = None,
        released: Oid | None = None,
        is_end: bool = True,
    ) -> Verification:
        """Verify a tree against the original commit's tree; without one there is no ratchet and no gate.

        ``gates`` says what the gates ask others for (default: those that need nobody); ``released`` is the
        tree that makes the state, where the settings declare any; ``is_end`` says that this is the end of a
        history, where a state that cannot be made counts. Never raises for what a check does.
        """
        held = self._run_gates(tree, original, gates)
        judged, reasons = self._run_checks(tree, original)
        if released is not None and self._state is not None and self._trusted:
            read = self._state.judge(tree, original, released, is_end=is_end)
            judged += [_Judged(*read)] if read is not None else []
            reasons = [] if judged else [_NO_CHECKS]
        verdicts = [one.judgement.verdict for one in judged if one.judgement.verdict is not None]
        verdict = combine([*verdicts, *(Verdict.FAIL for gate in held if gate.problems)])
        lost, unstable = ratchet.merged(one.judgement for one in judged)
        for one in judged:
            reasons += one.judgement.reasons
        reasons += [f"gate '{gate.name}': {problem}" for gate in held for problem in gate.problems]
        basis = original if original is not None else tree
        return Verification(
            tree=tree,
            verdict=verdict,
            checks=tuple(one.result for one in judged),
            ratchet=Ratchet(lost, unstable),
            gates=held,
            frozen=frozen_paths(self._repo.objects, basis, self._ownership, self._frozen),
            reasons=tuple(reasons),
        )

    def _run_gates(self, tree: Oid, original: Oid | None, gates: Gates | None) -> tuple[GateResult, ...]:
        if original is None:
            return ()
        return run_gates(self._repo.objects, original, tree, gates or Gates(self._ownership))

    def _run_checks(self, tree: Oid, original: Oid | None) -> tuple[list[_Judged], list[str]]:
        settings = self._settings
        if not self._trusted and (settings.checks or settings.state is not None):
            return [], [NOT_TRUSTED]
        if not settings.checks:
            return [], [_NO_CHECKS]
        known = self._all_known(tree, original)
        if known is not None:
            return known, []
        basis = original if original is not None else tree
        with self._environments.lease(basis) as workspace:
            if workspace.problem:
                return [self._cannot(check, workspace.problem) for check in settings.checks], []
            run = _Run(self._repo, workspace, self._cache if self._use_cache else None)
            return [run.check(check, tree, original) for check in settings.checks], []

    def _all_known(self, tree: Oid, original: Oid | None) -> list[_Judged] | None:
        """Return the judgements where every run they need is in the cache, so that no file is written."""
        if not self._use_cache:
            return None
        digest = self._environments.digest(original if original is not None else tree)
        out = []
        for check in self._settings.checks:
            runs = self._cache.load(tree, check.digest, digest, check.name)
            before = None
            if original is not None:
                base = self._cache.load(original, check.digest, digest, check.name)
                if len(base) < 2:  # noqa: PLR2004 - a baseline is two runs
                    return None
                before = ratchet.baseline(base[:2])
            if not runs:
                return None
            again = None
            if before is not None and ratchet.needs_rerun(before, runs[0]):
                if len(runs) == 1:
                    return None
                again = runs[1]
            out.append(_judged(before, runs[0], again))
        return out

    @staticmethod
    def _cannot(check: Check, problem: str) -> _Judged:
        result = CheckResult(check.name, Verdict.INDETERMINATE, 0.0, None, reason=problem)
        reason = f"{check.name}: is indeterminate: {problem}"
        return _Judged(result, Judgement(Verdict.INDETERMINATE, reasons=(reason,)))


def _judged(before: Baseline | None, first: CheckResult, again: CheckResult | None) -> _Judged:
    """Judge by both runs; the one shown is the better of them."""
    shown = again if again is not None and again.verdict is Verdict.PASS else first
    return _Judged(shown, ratchet.compare(before, first, again))


class _Run:
    """The checks of one verification, in one workspace."""

    def __init__(self, repo: Repository, workspace: Workspace, cache: ResultCache | None) -> None:
        self._repo = repo
        self._workspace = workspace
        self._cache = cache
        self._done: dict[tuple[Oid, str], list[CheckResult]] = {}

    def check(self, check: Check, tree: Oid, original: Oid | None) -> _Judged:
        """Run a check as often as its judgement needs, and judge it."""
        before: Baseline | None = None
        if original is not None:
            before = ratchet.baseline(self._runs(check, original, 2))
        first = self._runs(check, tree, 1)[0]
        again = None
        if before is not None and ratchet.needs_rerun(before, first):
            again = self._runs(check, tree, 2)[1]
        return _judged(before, first, again)

    def _runs(self, check: Check, tree: Oid, wanted: int) -> list[CheckResult]:
        """Return this many runs, remembered ones first. A run that could not say anything is the only one."""
        digest = self._workspace.digest
        key = (tree, check.digest)
        if key not in self._done:
            cached = self._cache.load(tree, check.digest, digest, check.name) if self._cache else []
            self._done[key] = cached
        runs = self._done[key]
        known = len(runs)
        while len(runs) < wanted:
            runs.append(run_once(self._repo, self._workspace, check, tree))
            if runs[-1].verdict is Verdict.INDETERMINATE or runs[-1].exit_status is None:
                runs += [runs[-1]] * (wanted - len(runs))
        if self._cache is not None and len(runs) > known:
            self._cache.store(tree, check.digest, digest, runs)
        return runs
