"""Repositories with a real hook manager in them, and what a person sees of it.

A folder of tests imports the fixtures into its conftest.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.lab import Lab

HUSKY = ("husky@9.1.7", "husky8@npm:husky@8.0.3")
_NODE = os.environ.get("REGEN_NODE_MODULES")
"""Where husky is installed already; read before a test's environment is sealed."""


def git_version() -> tuple[int, int]:
    out = subprocess.run(["git", "version"], capture_output=True, check=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", out)
    assert found
    return int(found[1]), int(found[2])


needs_configured_hooks = pytest.mark.skipif(
    git_version() < (2, 54), reason="git before 2.54 has no hooks in its configuration"
)


def program(name: str) -> str:
    """Return a hook manager that is installed beside Python or on the PATH; skip the test without."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with husky in it: REGEN_NODE_MODULES, or installed once for all workers."""
    if _NODE:
        return Path(_NODE)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "node"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules" / "husky").is_dir():
            (folder / "package.json").write_text('{"private": true}\n')
            quiet = ("--no-audit", "--no-fund", "--fetch-retries=0")
            words = [npm, "install", "--ignore-scripts", *quiet, *HUSKY]
            try:
                done = subprocess.run(words, cwd=folder, capture_output=True, check=False, timeout=120)
            except subprocess.TimeoutExpired:
                pytest.skip("npm does not answer")
            if done.returncode:
                pytest.skip(f"npm cannot install husky: {done.stderr.decode()[:200]}")
    return folder / "node_modules"


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def begin(lab: Lab) -> None:
    """Make the first commit; ours are scripts, or run by the manager, whatever git can."""
    lab.git("config", "--global", "regen.hooks", "scripts")
    lab.git("commit", "-q", "--allow-empty", "-m", "Start")


def state_of(lab: Lab) -> dict[str, str]:
    """Return a digest of every file that a person or a hook manager looks after, with its mode."""
    found: dict[str, str] = {}
    git = lab.path / ".git"
    for path in [*lab.path.rglob("*")]:
        looked_at = git not in path.parents or any(
            folder in path.parents for folder in (git / "hooks", git / "info")
        )
        if not looked_at and path != git / "config":
            continue
        name = str(path.relative_to(lab.path))
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file():
            found[name] = f"{path.stat().st_mode:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        elif path != git:
            found[name] = "folder"
    return found


def ask_and_commit(lab: Lab, text: str = "Add a greeting", name: str = "hello.txt") -> str:
    """Let an agent write a file on a prompt, commit it, and return what git and hooks said."""
    prompt = lab.prompt(text)
    lab.edit(prompt, name, text + "\n")
    lab.stop(prompt)
    lab.git("add", name)
    said = lab.commit("Greet")[1]
    assert len(lab.trailers()) == 1, said
    lab.let_hooks_finish()
    assert lab.git("notes", "--ref=regen", "show", "HEAD").count(text) == 1
    assert lab.texts() == [text]
    return said
