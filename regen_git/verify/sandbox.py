"""Run commands where they see no network, no home and nothing writable but their own folders.

Source: bwrap(1).
"""

from __future__ import annotations

import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.process import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Sandbox", "find_sandbox"]

_PROBE_TIMEOUT_S = 10.0
_TOOL_PARTS = ("bin", "lib", "lib64", "libexec", "shims", "versions", "include", "pyvenv.cfg")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A working bubblewrap."""

    program: str

    def wrap(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        writable: Iterable[Path],
        readable: Iterable[Path],
        env: Mapping[str, str],
        network: bool,
    ) -> list[str]:
        """Return the command that runs ``argv`` in the sandbox.

        The machine is read-only; the user's home and the shared temporary folders are empty, but for
        ``readable``, ``writable`` and the tools that ``PATH`` names. Paths must be absolute and exist.
        """
        out = [self.program, "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc"]
        out += [] if network else ["--unshare-net"]
        out += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        hidden = _hidden()
        for folder in hidden:
            out += ["--tmpfs", str(folder)]
        for path in _tools(env.get("PATH", ""), hidden):
            out += ["--ro-bind", str(path), str(path)]
        for path in writable:
            out += ["--bind", str(path), str(path)]
        for path in readable:
            out += ["--ro-bind", str(path), str(path)]
        return [*out, "--chdir", str(cwd), "--", *argv]


def _hidden() -> list[Path]:
    """Return the folders that become empty: the home of the user, and where programs leave sockets."""
    home = Path(os.environ.get("HOME") or Path.home())
    wanted = [Path("/tmp"), Path("/var/tmp"), Path("/run/user"), home]  # noqa: S108 - to be hidden
    return [path for path in wanted if path.is_dir() and path != Path("/")]


def _tools(path: str, hidden: Sequence[Path]) -> list[Path]:
    """Return what must stay readable beneath hidden folders, so that the programs on ``PATH`` still run."""
    found: dict[Path, None] = {}
    for item in path.split(os.pathsep):
        folder = Path(item)
        if not item.startswith("/") or not folder.is_dir() or not _is_below(folder, hidden):
            continue
        if folder.name in {"bin", "shims"} and folder.parent not in hidden:
            for part in _TOOL_PARTS:
                if (folder.parent / part).exists():
                    found[folder.parent / part] = None
        else:
            found[folder] = None
        for program in ("python3", "python", "node"):
            real = (folder / program).resolve()
            if real.exists() and real.parent.name == "bin" and _is_below(real, hidden):
                found[real.parent.parent] = None
    return list(found)


def _is_below(path: Path, folders: Sequence[Path]) -> bool:
    return any(folder in path.parents for folder in folders)


@functools.cache
def find_sandbox() -> Sandbox | None:
    """Return a sandbox that works on this machine, tried once; ``None`` where bubblewrap does not run."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    probe = [program, "--unshare-net", "--unshare-pid", "--ro-bind", "/", "/", "--dev", "/dev", "true"]
    try:
        done = run(probe, timeout_s=_PROBE_TIMEOUT_S, output_limit=65536)
    except OSError:
        return None
    return Sandbox(program) if done.status == 0 and not done.timed_out else None
