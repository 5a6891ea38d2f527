"""A killed replay goes on where it was: the same result, and only calls in flight are asked again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History
from support.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

JOBS = 2


def start(history: History, server: ModelServer, *args: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "OPENAI_API_KEY": "unused", "OPENAI_API_BASE": server.url}
    argv = [sys.executable, "-m", "regen_git", "replay", "--jobs", str(JOBS), *args]
    return subprocess.Popen(
        argv,
        cwd=history.repo.path,
        env=env,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=_listen,  # noqa: PLW1509 - it takes no lock
    )


def _listen() -> None:
    """Let the interrupt arrive: who runs tests in the background hands down that it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_replay_that_is_ended_in_the_middle_gives_the_same_in_the_end(
    repo: RepoBuilder, how: signal.Signals
) -> None:
    history = History(repo)
    for number in range(6):
        history.asked(f"Write file {number}.", {f"m{number}.py": f"value = {number}\n"})
        history.by_hand(f"Note {number}", {"notes.txt": f"{number}\n"})
    before = AsBefore(history)
    in_the_middle = threading.Event()
    go_on = threading.Event()

    def answer(body: Mapping[str, Any]) -> str:
        text = before(body)
        if len(before.asked) >= 4:
            in_the_middle.set()
            go_on.wait(20)
        return text

    with ModelServer(answer) as server:
        process = start(history, server, "--model", "openai/gpt-5")
        if not in_the_middle.wait(30):
            process.kill()
            pytest.fail(f"asked only {len(before.asked)} times: {process.communicate()}")
        process.send_signal(how)
        if how is signal.SIGINT:
            go_on.set()
        process.communicate(timeout=30)
        go_on.set()
        done = start(history, server, "--resume", "gpt-5")
        _, err = done.communicate(timeout=60)
        assert done.returncode == 0, err

    assert process.returncode == (130 if how is signal.SIGINT else -signal.SIGKILL)
    assert repo.git("rev-parse", "regen/gpt-5^{tree}") == repo.git("rev-parse", "HEAD^{tree}")
    assert len(before.asked) <= 6 + JOBS
    assert set(before.asked) == set(history.by_intent)
