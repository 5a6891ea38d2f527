"""Where checks run: a scratch tree, and beside it what ``setup`` installed for it.

Setup runs where the checks will run, so that what it installs "in place" follows the tree that is being
judged, and not a copy of the original.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.git import trees
from regen_git.git.materialise import Checkout
from regen_git.verify.checks import environment_digest, is_manifest
from regen_git.verify.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.verify.sandbox import Sandbox

__all__ = ["Environments", "Workspace", "telling_line"]

_SETUP_TIMEOUT_S = 3600.0
_USES_PIP = re.compile(r"\bpip3?\s+install\b")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A leased scratch tree and the shell to run commands in it.

    ``problem`` says why nothing can run here: setup failed.
    """

    checkout: Checkout
    shell: Shell
    digest: str
    problem: str = ""


class Environments:
    """Hands out workspaces. With setup there is one for each set of manifests, without it as many as asked.

    Safe for threads; with setup, other processes wait for the same workspace too.
    """

    def __init__(
        self,
        repo: Repository,
        setup: str | None,
        *,
        environ: Mapping[str, str],
        sandbox: Sandbox | None,
        memory_bytes: int | None = None,
    ) -> None:
        self._repo = repo
        self._setup = setup
        self._environ = dict(environ)
        self._sandbox = sandbox
        self._memory_bytes = memory_bytes
        self._guard = threading.Lock()
        self._scratch = Path(tempfile.mkdtemp(prefix="regen-check-")).resolve()
        self._close = weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self._idle: list[Checkout] = []
        self._made = 0
        self._checkouts: dict[str, Checkout] = {}
        self._failed: dict[str, str] = {}
        self._digests: dict[Oid, str] = {}

    @property
    def scratch(self) -> Path:
        """A folder of our own on disk, until all is closed."""
        return self._scratch

    def close(self) -> None:
        """Take the scratch folders away; what setup made stays for the next time."""
        self._close()

    def digest(self, original: Oid) -> str:
        """Return the identity of the environment that this original tree asks for."""
        if original not in self._digests:
            where = hashlib.sha256(os.fsencode(self._repo.common_dir)).hexdigest()
            machine = [platform.system(), platform.machine(), where]
            manifests: list[tuple[str, Oid]] = []
            if self._setup is None:
                machine += [_own_path(self._environ), self._environ.get("VIRTUAL_ENV", "")]
            else:
                machine += [self._program("python3"), self._program("node")]
                found = trees.walk(self._repo.objects, original)
                manifests = [(path, leaf.oid) for path, leaf in found if is_manifest(path)]
            self._digests[original] = environment_digest(self._setup, manifests, machine)
        return self._digests[original]

    def _program(self, name: str) -> str:
        found = shutil.which(name, path=self._environ.get("PATH"))
        return os.path.realpath(found) if found else ""

    @contextlib.contextmanager
    def lease(self, original: Oid) -> Iterator[Workspace]:
        """Give a workspace whose dependencies are those of this original tree, and take it back."""
        digest = self.digest(original)
        if self._setup is None:
            with self._idle_checkout() as checkout, self._shell(checkout, None) as shell:
                yield Workspace(checkout, shell, digest)
            return
        folder = self._root() / digest
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "lock"):
            if digest not in self._checkouts:
                self._checkouts[digest] = Checkout(self._repo, folder / "tree", reuse=True)
            checkout = self._checkouts[digest]
            with self._shell(checkout, folder / "env") as shell:
                problem = self._prepare(self._setup, folder, checkout, shell, original)
                yield Workspace(checkout, shell, digest, problem)

    @contextlib.contextmanager
    def _idle_checkout(self) -> Iterator[Checkout]:
        with self._guard:
            if self._idle:
                checkout = self._idle.pop()
            else:
                self._made += 1
                checkout = Checkout(self._repo, self._scratch / str(self._made) / "tree")
        try:
            yield checkout
        finally:
            with self._guard:
                self._idle.append(checkout)

    @contextlib.contextmanager
    def _shell(self, checkout: Checkout, environment: Path | None) -> Iterator[Shell]:
        with tempfile.TemporaryDirectory(
            prefix="run-", dir=self._scratch, ignore_cleanup_errors=True
        ) as private:
            yield Shell(
                tree=checkout.directory,
                private=Path(private),
                environment=environment,
                environ=self._environ,
                sandbox=self._sandbox,
                memory_bytes=self._memory_bytes,
            )

    def _root(self) -> Path:
        base = self._environ.get("XDG_CACHE_HOME") or Path(self._environ.get("HOME") or Path.home(), ".cache")
        return Path(base).resolve() / "git-regen" / "environments"

    def _prepare(self, setup: str, folder: Path, checkout: Checkout, shell: Shell, original: Oid) -> str:
        """Run setup unless that is done; return why it failed, or nothing. A failure is not tried again."""
        if folder.name in self._failed:
            return self._failed[folder.name]
        ready = folder / "ready.json"
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            checkout.keep(map(str, json.loads(ready.read_bytes())["keep"]))
            return ""
        environment = folder / "env"
        shutil.rmtree(environment, ignore_errors=True)
        environment.mkdir()
        checkout.keep(())
        checkout.move_to(original, clean=True)
        problem = self._run_setup(setup, shell)
        if problem:
            self._failed[folder.name] = problem
            return problem
        keep = checkout.untracked()
        checkout.keep(keep)
        new = folder / "ready.new"
        new.write_text(json.dumps({"format": 1, "setup": setup, "keep": keep}))
        new.replace(ready)
        return ""

    @staticmethod
    def _run_setup(setup: str, shell: Shell) -> str:
        commands = [('python3 -m venv "$REGEN_ENV"', "venv")] if _USES_PIP.search(setup) else []
        for command, name in [*commands, (setup, "setup")]:
            done = shell.run(command, timeout_s=_SETUP_TIMEOUT_S, is_setup=True)
            if done.timed_out:
                return f"{name} did not end within {_SETUP_TIMEOUT_S:g} s"
            if done.status != 0:
                return f"{name} failed with exit status {done.status}: {telling_line(done.output)}"
        return ""


def telling_line(output: str) -> str:
    """Return the first line that says "error", else the last one: package managers end in advice."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = (line for line in lines if re.search(r"\berror\b", line, re.IGNORECASE))
    return next(errors, lines[-1] if lines else "no output")


def _own_path(environ: Mapping[str, str]) -> str:
    """Return PATH without the folder that git puts in front of it for its own commands."""
    git_s = environ.get("GIT_EXEC_PATH", "")
    parts = environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(part for part in parts if part != git_s or not git_s)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold this lock file against other threads and other processes."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
