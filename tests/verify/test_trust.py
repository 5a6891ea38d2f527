from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regen_git.config import Settings, read_settings
from regen_git.errors import UntrustedError
from regen_git.verify import sandbox
from regen_git.verify.trust import Trust, describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.builder import RepoBuilder

SETTINGS = read_settings(b"", b"setup: make\nchecks: [{name: a, run: b}]\n", {})


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without bubblewrap."""
    sandbox.find_sandbox.cache_clear()
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert sandbox.find_sandbox() is None
    yield
    sandbox.find_sandbox.cache_clear()


def test_nothing_is_trusted_until_somebody_said_yes(repo: RepoBuilder) -> None:
    trust = Trust(repo.opened)
    assert not trust.is_trusted(SETTINGS.digest)
    with pytest.raises(UntrustedError):
        trust.require(SETTINGS)
    trust.grant(SETTINGS.digest)
    trust.grant(SETTINGS.digest)
    Trust(repo.opened).require(SETTINGS)
    assert not trust.is_trusted(Settings().digest)
    file = repo.path / ".git" / "regen" / "trust"
    assert file.stat().st_mode & 0o077 == 0
    assert len(file.read_text().splitlines()) == 1


@pytest.mark.usefixtures("bare_machine")
def test_a_yes_to_a_sandbox_does_not_hold_without_one(repo: RepoBuilder) -> None:
    trust = Trust(repo.opened)
    trust.grant(SETTINGS.digest, without_sandbox=False)
    assert not trust.is_trusted(SETTINGS.digest)
    trust.grant(SETTINGS.digest)
    assert trust.is_trusted(SETTINGS.digest)


def test_a_broken_file_trusts_nothing(repo: RepoBuilder) -> None:
    file = repo.path / ".git" / "regen" / "trust"
    file.parent.mkdir()
    file.write_bytes(b"\xff\n\n" + SETTINGS.digest.encode() + b"\nx y z\n")
    assert not Trust(repo.opened).is_trusted(SETTINGS.digest)


@pytest.mark.usefixtures("bare_machine")
def test_every_command_is_shown_and_how_it_would_run() -> None:
    assert describe(SETTINGS) == [
        "setup: make",
        "check a: b",
        "without a sandbox: this machine has no working bubblewrap, commands have your rights",
    ]
    assert "no commands" in describe(Settings())[0]
