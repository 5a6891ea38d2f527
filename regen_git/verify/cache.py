"""Remember what a check said about a tree, as small files that anybody may delete."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.domain.verdict import Verdict
from regen_git.verify.statement import check_from_json, check_to_json

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.domain.verdict import CheckResult

__all__ = ["ResultCache", "is_worth_keeping"]

_LIMIT_BYTES = 64 * 1024 * 1024
_SAMPLE = 32


def is_worth_keeping(result: CheckResult) -> bool:
    """Return whether another run would say the same: passes and failures, but no timeouts and no signals."""
    status = result.exit_status
    return result.verdict is not Verdict.INDETERMINATE and status is not None and 0 <= status < 128  # noqa: PLR2004


class ResultCache:
    """Results by tree, command and environment; several runs of one stand in order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, tree: Oid, check: str, environment: str, name: str) -> list[CheckResult]:
        """Return the runs that are known, oldest first, as runs of ``name``; a broken file holds none."""
        from dataclasses import replace

        return [replace(run, name=name) for run in _read(self._path(tree, check, environment))]

    def store(self, tree: Oid, check: str, environment: str, runs: list[CheckResult]) -> None:
        """Replace what is known; runs not worth keeping are left out. A full disk only costs the memory."""
        kept = [check_to_json(run) for run in runs if is_worth_keeping(run)]
        if not kept:
            return
        path = self._path(tree, check, environment)
        value = {"format": 1, "tree": tree, "check": check, "environment": environment, "runs": kept}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=True)
            Path(name).replace(path)
        except OSError:
            return

    def typical_seconds(self) -> float | None:
        """Return about how long one run of a check takes, from a few that are known; ``None`` if none are."""
        from itertools import islice

        files = islice(self._folder.glob("*/*.json"), _SAMPLE)
        seconds = [run.seconds for path in files for run in _read(path)]
        return sorted(seconds)[len(seconds) // 2] if seconds else None

    def _path(self, tree: Oid, check: str, environment: str) -> Path:
        key = hashlib.sha256(f"{check} {environment}".encode()).hexdigest()[:32]
        return self._folder / tree[:2] / f"{tree[2:]}-{key}.json"


def _read(path: Path) -> list[CheckResult]:
    """Return the runs in this file; none if it is not there or broken."""
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_LIMIT_BYTES))
        return [check_from_json(run) for run in data["runs"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
