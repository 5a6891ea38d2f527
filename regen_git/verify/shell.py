"""Run one command in a scratch tree: clean environment, limits, and a sandbox where one works."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regen_git import process
from regen_git.verify.checks import Ended, clean_environment
from regen_git.verify.junit import ReportError, read_report
from regen_git.verify.output import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from regen_git.verify.sandbox import Sandbox

__all__ = ["Shell"]

OUTPUT_LIMIT_BYTES = 4 * 1024 * 1024
_KIB = 1024
# Where the package managers that know no folder of ours keep what setup fetched, so that checks find it
# without network.
_CACHES = {
    "CARGO_HOME": "cargo",
    "GOPATH": "go",
    "BUNDLE_PATH": "bundle",
    "npm_config_cache": "npm",
    "GRADLE_USER_HOME": "gradle",
}


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands in ``tree``. ``private`` is for what a run needs besides: its home and its report.

    ``environment`` is where setup installs to, ``None`` without setup. ``state_folder`` is what
    ``$REGEN_STATE`` names where a run has data to make or to read; without one it is an empty folder.
    """

    tree: Path
    private: Path
    environment: Path | None
    environ: Mapping[str, str]
    sandbox: Sandbox | None
    memory_bytes: int | None = None
    state_folder: Path | None = None

    @property
    def state(self) -> Path:
        """The folder that ``$REGEN_STATE`` names."""
        return self.state_folder if self.state_folder is not None else self.private / "state"

    def run(
        self, command: str, *, timeout_s: float, python_path: str | None = None, is_setup: bool = False
    ) -> Ended:
        """Run a command with ``sh -c`` to its end and return how it ended, with the tests it reported.

        Only setup has network and may write to the environment. Every run starts with an empty home.
        """
        for name in ("home", "tmp", "state"):
            shutil.rmtree(self.private / name, ignore_errors=True)
            (self.private / name).mkdir(parents=True)
        report = self.private / "report.xml"
        report.unlink(missing_ok=True)
        env = self._environment(python_path)
        argv = ["sh", "-c", f'{self._limits(timeout_s)}exec sh -c "$1"', "regen", command]
        if self.sandbox is not None:
            argv = self._sandboxed(self.sandbox, argv, env, is_setup=is_setup)
        started = time.monotonic()
        done = process.run(
            argv,
            cwd=self.tree,
            env=env,
            timeout_s=timeout_s,
            output_limit=OUTPUT_LIMIT_BYTES,
            merge_stderr=True,
        )
        seconds = time.monotonic() - started
        tests, problem = None, ""
        try:
            tests = read_report(report)
        except ReportError as error:
            problem = str(error)
        return Ended(
            status=done.status,
            seconds=seconds,
            timed_out=done.timed_out,
            truncated=done.truncated,
            tests=tests,
            report_problem=problem,
            output=normalise(done.stdout, self._places()),
        )

    def _limits(self, timeout_s: float) -> str:
        """Return the ``ulimit`` calls for each process: no core files, CPU seconds, address space in KiB."""
        limits = f"ulimit -c 0; ulimit -t {int(timeout_s) * 4 + 1}; "
        if self.memory_bytes is not None:
            limits += f"ulimit -v {self.memory_bytes // _KIB}; "
        return limits

    def _environment(self, python_path: str | None) -> dict[str, str]:
        env = clean_environment(self.environ)
        env |= {
            "HOME": str(self.private / "home"),
            "TMPDIR": str(self.private / "tmp"),
            "REGEN_JUNIT": str(self.private / "report.xml"),
            "REGEN_STATE": str(self.state),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            # A git that a check runs must not find the repository that a scratch folder may lie in.
            "GIT_CEILING_DIRECTORIES": str(self.tree.parent),
        }
        if python_path is not None:
            env["PYTHONPATH"] = python_path
        if self.environment is not None:
            env["REGEN_ENV"] = str(self.environment)
            env["PATH"] = os.pathsep.join([str(self.environment / "bin"), env.get("PATH", os.defpath)])
            env |= {name: str(self.environment / folder) for name, folder in _CACHES.items()}
            # Also while setup itself runs: the interpreter made for it is there by then.
            env.pop("VIRTUAL_ENV", None)
            if (self.environment / "pyvenv.cfg").exists():
                env["VIRTUAL_ENV"] = str(self.environment)
        return env

    def _sandboxed(
        self, sandbox: Sandbox, argv: list[str], env: Mapping[str, str], *, is_setup: bool
    ) -> list[str]:
        environment = [self.environment] if self.environment is not None else []
        state = [self.state_folder] if self.state_folder is not None else []
        return sandbox.wrap(
            argv,
            cwd=self.tree,
            writable=[self.tree, self.private, *state, *(environment if is_setup else [])],
            readable=[] if is_setup else environment,
            env=env,
            network=is_setup,
        )

    def _places(self) -> dict[str, str]:
        places = {str(self.tree): "", str(self.private): "<scratch>", str(self.state): "$REGEN_STATE"}
        if self.environment is not None:
            places[str(self.environment)] = "<environment>"
        return places
