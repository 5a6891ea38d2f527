"""Run every outside command: one door, so that a sandbox or a cluster needs one place.

Nothing here knows git or checks; it knows processes, time and bytes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Completed", "fields", "run", "stream"]

_KILL_AFTER_S = 2.0
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Completed:
    """How a command ended. ``status`` is negative for a signal; ``timed_out`` and ``truncated`` say why."""

    argv: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


def run(
    argv: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout_s: float | None = None,
    output_limit: int | None = None,
    merge_stderr: bool = False,
    preexec: Callable[[], None] | None = None,
) -> Completed:
    """Run a command to its end and return what it printed.

    With ``timeout_s`` or ``output_limit`` (bytes, each stream) the command gets a process group of its own,
    which is ended as a whole: also what it left behind in the background. Raises ``OSError`` when the
    command cannot be started.
    """
    limited = timeout_s is not None or output_limit is not None
    process = subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=dict(env) if env is not None else None,
        stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if merge_stderr else subprocess.PIPE,
        start_new_session=limited,
        preexec_fn=preexec,  # noqa: PLW1509 - it only sets resource limits, which takes no lock
    )
    if not limited:
        stdout, stderr = process.communicate(stdin)
        return Completed(tuple(argv), process.returncode, stdout, stderr or b"")
    return _run_limited(process, tuple(argv), stdin, timeout_s, output_limit)


def stream(
    argv: Sequence[str],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> Generator[bytes, None, Completed]:
    """Run a command and yield what it prints as it comes, in pieces of any size.

    The generator's value tells how the command ended; its ``stdout`` is empty, its ``stderr`` the last of
    what was said. Whoever stops reading closes the generator, which ends the command. Raises ``OSError``
    when the command cannot be started.
    """
    said = bytearray()

    def feed() -> None:
        # A reader that has seen enough ends the pipe; that is no failure.
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # type: ignore[union-attr]
            pipe.write(stdin or b"")

    def listen() -> None:
        # What is said could fill its pipe and stop the command; only its end is of use.
        while process.stderr is not None and (chunk := os.read(process.stderr.fileno(), _CHUNK)):
            said.extend(chunk)
            del said[:-_CHUNK]

    with subprocess.Popen(
        list(argv),
        cwd=cwd,
        env=dict(env) if env is not None else None,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        workers = [threading.Thread(target=listen, daemon=True)]
        if stdin:
            workers.append(threading.Thread(target=feed, daemon=True))
        for worker in workers:
            worker.start()
        try:
            while process.stdout is not None and (chunk := os.read(process.stdout.fileno(), _CHUNK)):
                yield chunk
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
            for worker in workers:
                worker.join(_KILL_AFTER_S)
    return Completed(tuple(argv), process.returncode, b"", bytes(said))


def fields(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Yield what stands between NULs, and what stands after the last one where that is not empty.

    Of a field longer than ``limit`` bytes only the beginning is kept, a little more than the limit.
    """
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\0")
        if size <= limit:
            parts.append(first)
            size += len(first)
        if others:
            yield b"".join(parts)
            yield from others[:-1]
            parts, size = [others[-1]], len(others[-1])
    last = b"".join(parts)
    if last:
        yield last


def _run_limited(
    process: subprocess.Popen[bytes],
    argv: tuple[str, ...],
    stdin: bytes | None,
    timeout_s: float | None,
    output_limit: int | None,
) -> Completed:
    streams = [s for s in (process.stdout, process.stderr) if s is not None]
    kept: list[bytearray] = [bytearray() for _ in streams]
    over = threading.Event()

    def drain(index: int) -> None:
        stream = streams[index]
        while chunk := os.read(stream.fileno(), _CHUNK):
            room = len(chunk) if output_limit is None else max(0, output_limit - len(kept[index]))
            kept[index].extend(chunk[:room])
            if room < len(chunk):
                over.set()

    def feed() -> None:
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(stdin or b"")

    workers = [threading.Thread(target=drain, args=(i,), daemon=True) for i in range(len(streams))]
    workers.append(threading.Thread(target=feed, daemon=True))
    for worker in workers:
        worker.start()
    timed_out = False
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _end_group(process)
    for worker in workers:
        worker.join(_KILL_AFTER_S)
    out = bytes(kept[0]) if kept else b""
    err = bytes(kept[1]) if len(kept) > 1 else b""
    for stream in streams:
        stream.close()
    return Completed(argv, process.returncode, out, err, timed_out=timed_out, truncated=over.is_set())


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the command's whole process group, politely first if it still runs."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_KILL_AFTER_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
