from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from regen_git.config import read_settings
from regen_git.domain.verdict import Verdict
from regen_git.verify.runner import Verifier
from regen_git.verify.sandbox import Sandbox, find_sandbox

if TYPE_CHECKING:
    from support.builder import RepoBuilder

needs_sandbox = pytest.mark.skipif(find_sandbox() is None, reason="bubblewrap does not run here")


def test_what_may_be_written_is_bound_after_what_is_hidden(tmp_path: Path) -> None:
    argv = Sandbox("bwrap").wrap(
        ["sh", "-c", "x"],
        cwd=tmp_path,
        writable=[tmp_path],
        readable=[tmp_path / "env"],
        env={},
        network=False,
    )
    text = " ".join(argv)
    assert "--unshare-net" in argv
    assert text.index(f"--tmpfs {os.environ['HOME']}") < text.index(f"--bind {tmp_path} ")
    assert text.index(f"--bind {tmp_path} ") < text.index(f"--ro-bind {tmp_path / 'env'}")
    assert argv[-4:] == ["--", "sh", "-c", "x"]


def verdict(repo: RepoBuilder, command: str, setup: str | None = None) -> tuple[Verdict, str]:
    import json

    data = json.dumps({"checks": [{"name": "c", "run": command}], "setup": setup or ""}).encode()
    with (
        ThreadPoolExecutor(1) as executor,
        Verifier(repo.opened, read_settings(b"", data, {}), trusted=True, executor=executor) as made,
    ):
        found = made.verify_tree(repo.git("rev-parse", "HEAD^{tree}"))
    return found.verdict, found.checks[0].output + found.checks[0].reason


@needs_sandbox
def test_a_check_in_the_sandbox_writes_only_its_own_folders_and_sees_no_home(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    (Path.home() / "secret").write_text("s")
    command = (
        'test "$(cat a)" = 1 && touch x "$HOME/y" "$TMPDIR/z" && '
        f"! cat {Path.home()}/secret && ! touch /usr/x && ! touch {repo.path}/x"
    )
    found = verdict(repo, command)
    assert found[0] is Verdict.PASS, found[1]


@needs_sandbox
def test_a_check_in_the_sandbox_has_no_network_and_cannot_change_what_setup_made(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        connect = f"python3 -S -c \"import socket; socket.create_connection(('127.0.0.1', {port}), 2)\""
        setup = f'{connect} && touch "$REGEN_ENV/made"'
        found = verdict(repo, f'! {connect} && test -e "$REGEN_ENV/made" && ! touch "$REGEN_ENV/x"', setup)
    assert found[0] is Verdict.PASS, found[1]
