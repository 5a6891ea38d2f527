"""The hook that shares the ledger with every push, where asked for; and what is said of sharing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from regen_git.ledger.store import INTENTS_REF

if TYPE_CHECKING:
    from pathlib import Path

    from support.lab import Lab
    from support.team import Clone, Team


@pytest.fixture
def pusher(team: Team, ada: Clone, bare_lab: Lab) -> Clone:
    """Return a clone with the hook, and with git-regen on the PATH."""
    assert bare_lab.bin.exists()
    assert team.ref() == ""
    done = ada.run("init", "--yes", "--claude", "none", "--no-config", "--pre-push")
    assert "a push shares the ledger too" in done.stdout
    return ada


def push(clone: Clone, *args: str) -> tuple[int, str]:
    import os
    import subprocess

    clone.repo.commit("More", {"more": os.urandom(4).hex()}, "--no-verify")
    done = subprocess.run(
        ["git", "push", "-q", *args], cwd=clone.repo.path, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_nothing_is_published_before_somebody_agreed(team: Team, pusher: Clone) -> None:
    pusher.record(1)

    assert push(pusher) == (0, "regen: 'origin' lacks 1 note of the ledger: git regen sync\n")

    assert team.ref() == ""


def test_a_push_shares_the_ledger_where_somebody_agreed(team: Team, pusher: Clone) -> None:
    pusher.record(1)
    pusher.quick()
    pusher.record(2)

    assert push(pusher) == (0, "regen: the ledger went to 'origin' too (1 intent)\n")
    assert push(pusher) == (0, "")

    assert team.ref() == pusher.git("rev-parse", INTENTS_REF)


def test_a_remote_that_refuses_notes_gets_the_branch(team: Team, pusher: Clone) -> None:
    pusher.git("config", "regen.publish", "always")
    pusher.record(1)
    team.hook("update", "case $1 in refs/notes/*) exit 1;; esac\n")

    status, said = push(pusher)

    assert status == 0
    assert said.startswith("regen: the ledger was not shared: 'origin' refuses the ledger: hook declined")
    assert said.count("\n") == 1
    assert team.remote.git("rev-parse", "main") == pusher.head
    assert team.ref() == ""


def test_never_is_silent_and_an_address_without_a_name_is_left_alone(team: Team, pusher: Clone) -> None:
    pusher.record(1)
    assert push(pusher, str(team.remote.path), "HEAD") == (0, "")
    pusher.git("config", "regen.publish", "never")
    assert push(pusher) == (0, "")
    assert team.ref() == ""


def test_another_hook_still_refuses_the_push(team: Team, ada: Clone, bare_lab: Lab) -> None:
    assert bare_lab.bin.exists()
    before = team.remote.git("rev-parse", "main")
    hook = ada.repo.path / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ngrep -q refs/heads/main || exit 0\necho not on a Friday >&2\nexit 1\n")
    hook.chmod(0o755)
    ada.run("init", "--yes", "--claude", "none", "--no-config", "--pre-push")

    status, said = push(ada)

    assert status == 1
    assert "not on a Friday" in said
    assert team.remote.git("rev-parse", "main") == before


def test_the_hook_goes_without_a_trace(ada: Clone) -> None:
    def everything(folder: Path) -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    before = everything(ada.repo.path)
    ada.run("init", "--yes", "--claude", "none", "--no-config", "--pre-push")
    assert json.loads(ada.run("status", "--json").stdout)["hooks"]["pre-push"] == "installed"
    ada.run("init", "--undo")

    assert everything(ada.repo.path) == before


def test_init_alone_installs_no_pre_push_hook(ada: Clone) -> None:
    ada.run("init", "--yes", "--claude", "none", "--no-config")
    assert "pre-push" not in json.loads(ada.run("status", "--json").stdout)["hooks"]
    assert not (ada.repo.path / ".git" / "hooks" / "pre-push").exists()


def test_status_and_doctor_say_how_the_ledger_stands(ada: Clone, bob: Clone) -> None:
    assert "ledger: not fetched from 'origin' (git regen sync origin)" in ada.run("status").stdout
    ada.quick()
    assert "ledger: nothing to share with 'origin'" in ada.run("status").stdout
    ada.record(1)
    ada.quick()
    assert "ledger: as last fetched from 'origin'" in ada.run("status").stdout
    bob.record(2, "HEAD^")
    bob.quick()
    ada.record(3)
    ada.git("fetch", "-q")

    assert "'origin' lacks 1 note of ours; 1 note of 'origin' is not taken over" in ada.run("status").stdout
    shown = json.loads(ada.run("status", "--json").stdout)["remotes"]
    assert shown == {"origin": {"ahead": 1, "behind": 1, "fetched": True}}
    assert (
        "sharing: 'origin' lacks 1 note of ours; 1 note of 'origin' is not taken over"
        in ada.run("doctor").stdout
    )


def test_init_says_how_to_get_a_ledger_that_is_elsewhere(ada: Clone, bob: Clone) -> None:
    bob.repo.commit("Do it\n\nRegen-Intent: 0000000000000001", {"g": "1"})
    bob.git("push", "-q")
    ada.git("pull", "-q")

    said = ada.run("init", "--yes", "--claude", "none", "--no-config").stderr

    assert "git regen sync --fetch-only" in said
