"""What a check's exit status means; the environment and identity of a run. Nothing runs here."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git.domain.verdict import CheckResult, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regen_git.config import Check
    from regen_git.domain.ids import Oid, RepoPath

__all__ = ["Ended", "clean_environment", "environment_digest", "is_manifest", "judge", "python_path"]

_CANNOT_RUN = {
    125: "the check skipped this tree (exit status 125)",
    126: "the check cannot run: not executable (exit status 126)",
    127: "the check cannot run: command not found (exit status 127)",
}
_SIGNALS = 128

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:API_?KEYS?|KEYS?|TOKENS?|SECRETS?|PASSWORDS?|PASSWD|PASSPHRASE|CREDENTIALS?|AUTH|PAT)(?:_|$)"
    r"|(?:KEY|TOKEN|SECRET|PASSWORD)$",
    re.IGNORECASE,
)
_DROPPED_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_", "GIT_", "SSH_", "GPG_", "XDG_", "DBUS_", "REGEN_")
_DROPPED = frozenset(
    {
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "BASH_ENV",
        "ENV",
        "LD_PRELOAD",
        "NODE_OPTIONS",
        "OLDPWD",
        "PWD",
    }
)

_MANIFESTS = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements*.txt",
    "requirements*.in",
    "constraints*.txt",
    "environment.yml",
    "Pipfile",
    "package.json",
    "Cargo.toml",
    "go.mod",
    "go.work",
    "Gemfile",
    "*.gemspec",
    "composer.json",
    "mix.exs",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "settings.gradle",
    ".python-version",
    ".nvmrc",
    ".tool-versions",
    "rust-toolchain.toml",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a check's command ended. ``tests`` is ``None`` where it left no report; ``report_problem`` why."""

    status: int
    seconds: float
    timed_out: bool = False
    truncated: bool = False
    tests: Mapping[str, Outcome] | None = None
    report_problem: str = ""
    output: str = ""


def judge(check: Check, ended: Ended) -> CheckResult:
    """Return what this end says: 0 pass, 125 skip, 126 and 127 cannot run, everything else fail.

    A check that should report tests and reports none has shown nothing, even at status 0.
    Source: git-bisect(1), "Bisect run".
    """
    verdict, reason = _verdict(check, ended)
    return CheckResult(
        name=check.name,
        verdict=verdict,
        seconds=round(ended.seconds, 3),
        exit_status=None if ended.timed_out else ended.status,
        tests=dict(ended.tests or {}),
        output=ended.output,
        reason=reason,
    )


def _verdict(check: Check, ended: Ended) -> tuple[Verdict, str]:
    if ended.timed_out:
        return Verdict.FAIL, f"did not end within {check.timeout_s:g} s"
    if ended.status in _CANNOT_RUN:
        return Verdict.INDETERMINATE, _CANNOT_RUN[ended.status]
    if ended.status < 0 or ended.status > _SIGNALS:
        number = -ended.status if ended.status < 0 else ended.status - _SIGNALS
        return Verdict.FAIL, f"was ended by signal {number}"
    if ended.status != 0:
        return Verdict.FAIL, ended.report_problem
    return _by_report(ended) if check.junit else (Verdict.PASS, "")


def _by_report(ended: Ended) -> tuple[Verdict, str]:
    """Judge a command that ended with 0 by the tests it reports."""
    if ended.tests is None:
        return Verdict.INDETERMINATE, ended.report_problem or "the check wrote no report to $REGEN_JUNIT"
    outcomes = set(ended.tests.values())
    if Outcome.FAILED in outcomes:
        return Verdict.FAIL, "the report names failed tests though the command ended with 0"
    if Outcome.PASSED not in outcomes:
        return Verdict.INDETERMINATE, "the check ran no test"
    return Verdict.PASS, ""


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a check may see of the environment: no keys, no sockets, nothing that steers git."""
    return {
        name: value
        for name, value in environ.items()
        if not (
            name.startswith(_DROPPED_PREFIXES) or name in _DROPPED or _SECRET_NAME.search(name) is not None
        )
    }


def is_manifest(path: RepoPath) -> bool:
    """Return whether this file says what the project depends on. Lock files do."""
    from regen_git.config.ownership import LOCK_FILES

    name = posixpath.basename(path)
    if "node_modules" in path.split("/"):
        return False
    patterns = (*_MANIFESTS, *LOCK_FILES)
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) or (
        "requirements/" in path and name.endswith(".txt")
    )


def environment_digest(
    setup: str | None, manifests: Iterable[tuple[RepoPath, Oid]], machine: Iterable[str]
) -> str:
    """Return the identity of an environment: the setup command, the manifests' contents and the machine."""
    value = [
        "environment",
        setup,
        sorted([path.encode("utf-8", "surrogateescape").hex(), oid] for path, oid in manifests),
        list(machine),
    ]
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode("ascii")).hexdigest()


def python_path(files: Iterable[RepoPath], folder: str, standard_library: frozenset[str]) -> str | None:
    """Return a ``PYTHONPATH`` that makes Python import this tree, not a copy installed elsewhere.

    An environment may hold the project installed from another folder, the user's own above all: checks
    would then pass on code that is not the tree's. ``None`` where the tree is no Python project, or where its
    top would hide modules of the standard library.
    """
    paths = set(files)
    if not paths & {"pyproject.toml", "setup.py", "setup.cfg"} and not any(p.endswith(".py") for p in paths):
        return None
    tops = {path.partition("/")[0] for path in paths if path.endswith(".py")}
    if (
        any(path.startswith("src/") and path.endswith(".py") for path in paths)
        and "src/__init__.py" not in paths
    ):
        return f"{folder}/src"
    hides = {name.removesuffix(".py") for name in tops} & standard_library
    return None if hides else folder
