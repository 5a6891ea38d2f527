"""End programs at every place where they could be ended: at an instant, or at the n-th call that writes.

``strace`` ends a process just before a system call is made, so each state that a kill can leave on the disk
comes up in turn. Where it is missing or not allowed (``can_trace``), only instants are left.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

__all__ = ["Instant", "Place", "Victim", "can_trace", "end", "places_of", "run_to_end"]

_CALLS = (
    "write,pwrite64,rename,renameat,renameat2,fsync,fdatasync,link,linkat,unlink,unlinkat,ftruncate,mkdir"
)
_MARK = "REGEN_TEST_MARK"
_PATIENCE_S = 240.0

_GIT = """\
#!/bin/sh
number=$(cat "$KILL_DIR/count" 2>/dev/null || echo 0)
number=$((number + 1))
echo $number >"$KILL_DIR/count"
case $KILL_TARGET in
count) exec strace -qq -o "$KILL_DIR/git.$number" -e "trace=$KILL_CALLS" -- "$KILL_GIT" "$@" ;;
git.$number)
  exec strace -qq -o /dev/null -e "trace=$KILL_CALL" -e "inject=$KILL_CALL:$KILL_HOW:when=$KILL_WHEN" -- \
    "$KILL_GIT" "$@" ;;
esac
exec "$KILL_GIT" "$@"
"""
_HOOK = """\
#!/bin/sh
real=${{GIT_DIR:-.git}}/hooks/{name}
[ -x "$real" ] || exit 0
case $KILL_TARGET in
count) exec strace -qq -o "$KILL_DIR/hook-{name}" -e "trace=$KILL_CALLS" -- /bin/sh "$real" "$@" ;;
hook-{name})
  exec strace -qq -o /dev/null -e "trace=$KILL_CALL" -e "inject=$KILL_CALL:$KILL_HOW:when=$KILL_WHEN" -- \
    /bin/sh "$real" "$@" ;;
esac
exec "$real" "$@"
"""
_HOOKS = ("prepare-commit-msg", "commit-msg", "post-commit", "pre-commit")


@dataclass(frozen=True)
class Victim:
    """A command to be ended. ``hooks``: git's hooks may be the ones that are."""

    argv: tuple[str, ...]
    cwd: Path
    stdin: bytes = b""
    env: dict[str, str] = field(default_factory=dict)
    hooks: bool = False


@dataclass(frozen=True)
class Instant:
    """So many seconds after the start. ``whole``: also everything that it has started."""

    seconds: float
    whole: bool

    def __str__(self) -> str:
        return f"after {self.seconds:.3f} s, {'all of it' if self.whole else 'the one process'}"


@dataclass(frozen=True)
class Place:
    """Just before the n-th call of this name in ``target``: ``main``, ``git.<number>`` or ``hook-<name>``.

    ``how`` is what strace does there: a signal, or an error that the call returns.
    """

    target: str
    call: str
    n: int
    whole: bool
    how: str = "signal=KILL"

    def __str__(self) -> str:
        return f"{self.how} at {self.call} {self.n} of {self.target}, {'all' if self.whole else 'one'}"


@cache
def can_trace() -> bool:
    """Return whether strace is here and may do its work."""
    program = shutil.which("strace")
    if program is None:
        return False
    argv = [program, "-qq", "-o", "/dev/null", "-e", "inject=write:error=EIO:when=1", "--", "true"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def places_of(victim: Victim, scratch: Path) -> list[Place]:
    """Run a command to its end, and return every call of it, of its git and of its hooks that writes."""
    log = scratch / "main"
    argv = ["strace", "-qq", "-o", str(log), "-e", f"trace={_CALLS}", "--", *victim.argv]
    shimmed, folder = _shimmed(victim, scratch, {"KILL_TARGET": "count"})
    status, out, err = run_to_end(replace(shimmed, argv=tuple(argv)))
    if status != 0:
        raise AssertionError(f"{victim.argv} failed before it was ended: {(out + err).decode()}")
    found: list[Place] = []
    for path in [log, *sorted(folder.glob("git.*")), *sorted(folder.glob("hook-*"))]:
        counts = Counter(re.findall(r"^(\w+)\(", path.read_text("utf-8", "replace"), re.MULTILINE))
        found += [
            Place(path.name, call, n, whole=False)
            for call in sorted(counts)
            for n in range(1, counts[call] + 1)
        ]
    return found


def end(victim: Victim, how: Instant | Place, scratch: Path) -> tuple[int, bytes, bytes]:
    """Start a command, end it as told, and wait for what is left of it; return status, output and errors."""
    if isinstance(how, Instant):
        return _end_at(victim, how)
    values = {
        "KILL_TARGET": how.target,
        "KILL_CALL": how.call,
        "KILL_WHEN": str(how.n),
        "KILL_HOW": how.how,
    }
    argv = victim.argv
    if how.target == "main":
        inject = f"inject={how.call}:{how.how}:when={how.n}"
        argv = ("strace", "-qq", "-o", "/dev/null", "-e", f"trace={how.call}", "-e", inject, "--", *argv)
    shimmed = replace(victim, argv=argv)
    if how.target != "main":
        shimmed, _ = _shimmed(shimmed, scratch, values)
    return run_to_end(shimmed, whole=how.whole)


def run_to_end(victim: Victim, *, whole: bool = False) -> tuple[int, bytes, bytes]:
    """Run a command; when it has ended wait for what it left behind, or end that too."""
    mark = uuid.uuid4().hex
    process = _start(victim, mark)
    try:
        out, err = process.communicate(victim.stdin, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        _kill(mark)
        process.kill()
        raise AssertionError(f"{victim.argv} does not end") from None
    if whole:
        _kill(mark)
    _wait(mark)
    return process.returncode, out, err


def _end_at(victim: Victim, how: Instant) -> tuple[int, bytes, bytes]:
    mark = uuid.uuid4().hex
    process = _start(victim, mark)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(victim.stdin)
        process.stdin = None
    try:
        process.wait(how.seconds)
    except subprocess.TimeoutExpired:
        if how.whole:
            _kill(mark)
        process.kill()
    out, err = process.communicate(timeout=_PATIENCE_S)
    if how.whole:
        _kill(mark)
    _wait(mark)
    return process.returncode, out, err


def _start(victim: Victim, mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(victim.argv),
        cwd=victim.cwd,
        env={**os.environ, **victim.env, _MARK: mark},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _shimmed(victim: Victim, scratch: Path, values: dict[str, str]) -> tuple[Victim, Path]:
    """Put a git in front of git that can be ended, and hooks in front of the hooks."""
    folder = scratch / "shims"
    real = shutil.which("git")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    names = {"bin/git": _GIT, **{f"hooks/{name}": _HOOK.format(name=name) for name in _HOOKS}}
    for name, text in names.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    env = {
        **victim.env,
        "PATH": f"{folder / 'bin'}{os.pathsep}{victim.env.get('PATH', os.environ['PATH'])}",
        "KILL_DIR": str(folder),
        "KILL_GIT": str(real),
        "KILL_CALLS": _CALLS,
        **values,
    }
    if victim.hooks:
        env |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(folder / "hooks"),
        }
    # The first git is the command itself where that is git; then it is not one of its children.
    argv = tuple(str(real) if each == "git" else each for each in victim.argv)
    return replace(victim, argv=argv, env=env), folder


def _marked(mark: str) -> list[int]:
    found = []
    wanted = f"{_MARK}={mark}".encode()
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def _kill(mark: str) -> None:
    """End everything that a command has started, until nothing new comes up."""
    while pids := _marked(mark):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _wait(mark: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while _marked(mark):
        if time.monotonic() > deadline:
            _kill(mark)
            raise AssertionError("something that was started in the background does not end")
        time.sleep(0.01)
