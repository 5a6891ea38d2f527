"""What a commit costs with each hook manager alone and with ours beside it; no test asserts a time.

Usage: python tests/bench/bench_managers.py [ROUNDS]

Each manager runs one hook of a team's before the commit, which does nothing. Managers that are not installed
are left out: husky and lefthook are looked for in REGEN_NODE_MODULES and on the PATH, pre-commit on the PATH
and beside Python. Rounds are interleaved, so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bench")]

from bench_hooks import _environment  # noqa: E402 - found beside this file

from regen_git.capture.inbox import locked  # noqa: E402 - the same
from regen_git.capture.managers.configured import are_known_to  # noqa: E402 - the same

_FILES = 200
_WARM = 2
_FRAMEWORK = """\
repos:
- repo: local
  hooks:
  - {id: team, name: team, language: system, entry: "true", stages: [pre-commit]}
"""
_LEFTHOOK = 'pre-commit:\n  commands:\n    team:\n      run: "true"\n'


@dataclass
class Case:
    """One repository: a manager or none, and how ours came beside it, if at all."""

    manager: str
    ours: str
    path: Path
    times: list[float] = field(default_factory=list)
    recording: list[float] = field(default_factory=list)


class Bench:
    """Repositories alike but for who runs their hooks."""

    def __init__(self, home: Path) -> None:
        self.home = home
        modules = os.environ.get("REGEN_NODE_MODULES")
        self.modules = Path(modules) if modules else None
        self.env = _environment(home)
        if self.modules is not None:
            # The plain program, not the Python that pip puts in front of it.
            binary = next(self.modules.glob("lefthook-*/bin/lefthook"), None)
            if binary is not None:
                self.env["PATH"] = f"{binary.parent}{os.pathsep}{self.env['PATH']}"
        self.env["LEFTHOOK_QUIET"] = "meta,execution,summary"
        self.count = 0
        self.cases = [case for manager in self.managers() for case in self.make_all(manager)]

    def which(self, name: str) -> str | None:
        beside = Path(sys.executable).parent / name
        return shutil.which(name, path=self.env["PATH"]) or (str(beside) if beside.exists() else None)

    def managers(self) -> list[str]:
        found = ["none", "a script"]
        if self.modules is not None and shutil.which("node"):
            found.append("husky")
        found += [name for name in ("lefthook", "pre-commit") if self.which(name)]
        return found

    def run(self, where: Path, *args: str) -> float:
        """Run one command and return how long it took, in milliseconds."""
        start = time.perf_counter()
        subprocess.run(
            list(args), cwd=where, env=self.env, stdin=subprocess.DEVNULL, check=True, capture_output=True
        )
        return (time.perf_counter() - start) * 1000

    def make_all(self, manager: str) -> list[Case]:
        """Make a manager's repositories: alone, with ours where it runs them, with ours in git's settings."""
        ways = ["", "scripts"]
        version = subprocess.run(["git", "version"], capture_output=True, check=True, text=True).stdout
        if are_known_to(version):
            ways.append("config")
        if manager == "pre-commit":
            ways.append("named")
        return [self.make(manager, way) for way in ways]

    def make(self, manager: str, way: str) -> Case:
        where = self.home / f"{manager}-{way}".replace(" ", "-")
        where.mkdir()
        self.run(where, "git", "init", "-q")
        self.run(where, "git", "config", "gc.auto", "0")
        for i in range(_FILES):
            path = where / f"d{i % 20}" / f"f{i}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{i}\n")
        (where / ".gitignore").write_text("/node_modules\n")
        getattr(self, "_" + manager.replace(" ", "_").replace("-", "_"))(where, named=way == "named")
        self.run(where, "git", "add", "-A")
        self.run(where, "git", "commit", "-q", "--no-verify", "-m", "Start")
        if way in ("scripts", "config"):
            self.run(where, "git", "config", "regen.hooks", way)
            self.run(where, "git-regen", "init", "--yes", "--claude", "none", "--no-config", "--no-import")
            self.run(where, "git", "commit", "-q", "--no-verify", "--allow-empty", "-m", "Set up")
        return Case(manager, way, where)

    def _none(self, where: Path, *, named: bool) -> None:
        pass

    def _a_script(self, where: Path, *, named: bool) -> None:
        del named
        hook = where / ".git" / "hooks" / "pre-commit"
        hook.write_text("#!/bin/sh\ntrue\n")
        hook.chmod(0o755)

    def _husky(self, where: Path, *, named: bool) -> None:
        del named
        assert self.modules is not None
        (where / "node_modules").symlink_to(self.modules)
        self.run(where, "node", "node_modules/husky/bin.js")
        (where / ".husky" / "pre-commit").write_text("true\n")

    def _lefthook(self, where: Path, *, named: bool) -> None:
        del named
        (where / "lefthook.yml").write_text(_LEFTHOOK)
        self.run(where, str(self.which("lefthook")), "install")

    def _pre_commit(self, where: Path, *, named: bool) -> None:
        text = _FRAMEWORK
        events = ["pre-commit"]
        if named:
            address, commit = self._hooks_repository()
            ours = ("prepare-commit-msg", "commit-msg", "post-commit")
            ids = "".join(f"  - id: regen-{event}\n" for event in ours)
            text += f"- repo: {address}\n  rev: {commit}\n  hooks:\n{ids}"
            events += ours
        (where / ".pre-commit-config.yaml").write_text(text)
        self.run(where, "git", "add", ".pre-commit-config.yaml")
        self.run(where, str(self.which("pre-commit")), "install", *(f"-t{event}" for event in events))

    def _hooks_repository(self) -> tuple[Path, str]:
        folder = self.home / "hooks-repository"
        shutil.copytree(ROOT / "hooks", folder / "hooks")
        shutil.copy2(ROOT / ".pre-commit-hooks.yaml", folder)
        self.run(folder, "git", "init", "-q")
        self.run(folder, "git", "add", "-A")
        self.run(folder, "git", "commit", "-q", "-m", "Hooks")
        words = ["git", "rev-parse", "HEAD"]
        done = subprocess.run(words, cwd=folder, env=self.env, check=True, capture_output=True, text=True)
        return folder, done.stdout.strip()

    def commit(self, case: Case) -> float:
        """Change a file, stage it, and time the commit alone."""
        self.count += 1
        (case.path / "d0/f0.txt").write_text(f"changed {self.count}\n")
        self.run(case.path, "git", "add", "d0/f0.txt")
        return self.run(case.path, "git", "commit", "-q", "-m", "Change it")

    def settle(self, case: Case) -> None:
        """Wait for the flush in the background."""
        data = case.path / ".git" / "regen"
        while (data / "marks").exists() or (data / "marks.taken").exists():
            time.sleep(0.01)
        if data.exists():
            time.sleep(0.25)
            with locked(str(data / "flush.lock")):
                pass

    def round(self, case: Case) -> None:
        """Time one commit with nothing to record and, where ours are, one that records."""
        case.times.append(self.commit(case))
        if case.ours:
            self.run(case.path, "git-regen", "record", "Change the first file, please")
            self.settle(case)
            case.recording.append(self.commit(case))
            self.settle(case)


_SAID = {
    "": "alone",
    "scripts": "+ git regen, in the hooks folder or by the manager",
    "config": "+ git regen, in git's configuration",
    "named": "+ git regen, named in .pre-commit-config.yaml",
}


def main() -> None:
    """Print the figures as a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder))
        for _ in range(rounds + _WARM):
            for case in bench.cases:
                bench.round(case)
        version = subprocess.run(["git", "version"], capture_output=True, check=True, text=True).stdout
        print(f"{version.strip()}, {platform.machine()}, {os.cpu_count()} cores; {rounds} rounds, medians\n")
        print("| manager | git regen | nothing to record | records |")
        print("|---|---|---|---|")
        for case in bench.cases:
            alone = next(one for one in bench.cases if one.manager == case.manager and not one.ours)
            base = alone.times[_WARM:]
            columns = [_shown(case.times[_WARM:], base), _shown(case.recording[_WARM:], base)]
            print(f"| {case.manager} | {_SAID[case.ours]} | {columns[0]} | {columns[1]} |")


def _shown(times: list[float], base: list[float]) -> str:
    """Return a median with what it is of the manager alone, pair by pair."""
    if not times:
        return ""
    ratio = statistics.median(one / other for one, other in zip(times, base, strict=True))
    return f"{statistics.median(times):.1f} ms ({ratio:.2f} x)"


if __name__ == "__main__":
    main()
