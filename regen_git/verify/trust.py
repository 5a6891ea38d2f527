"""Whether a person has said yes to what a repository's settings would run or send.

The answers are in the repository's own data folder, which no fetch or clone fills.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from regen_git.errors import UntrustedError
from regen_git.verify.sandbox import find_sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.config import Settings
    from regen_git.git.repository import Repository

__all__ = ["NOT_TRUSTED", "Trust", "describe"]

NOT_TRUSTED = "configuration is not trusted: git regen trust"
_SANDBOXED, _BARE = "sandboxed", "bare"


class Trust:
    """The digests of settings that were said yes to in this repository.

    A yes given where checks ran in a sandbox does not hold where there is none any more.
    """

    def __init__(self, repo: Repository) -> None:
        self._path = repo.data_dir / "trust"

    def is_trusted(self, digest: str) -> bool:
        """Return whether these settings may run and send."""
        granted = self._granted()
        return (digest, _BARE) in granted or ((digest, _SANDBOXED) in granted and find_sandbox() is not None)

    def grant(self, digest: str, *, without_sandbox: bool | None = None) -> None:
        """Remember a yes, on disk when this returns.

        ``without_sandbox`` says what the person was told; unsaid, it is how this machine is.
        """
        bare = find_sandbox() is None if without_sandbox is None else without_sandbox
        if (digest, _BARE if bare else _SANDBOXED) in self._granted():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = f"{digest} {_BARE if bare else _SANDBOXED}\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, line.encode("ascii"))
            os.fsync(handle)
        finally:
            os.close(handle)

    def require(self, settings: Settings) -> None:
        """Raise `UntrustedError` unless these settings are trusted."""
        if not self.is_trusted(settings.digest):
            raise UntrustedError(
                "the configuration of this repository is not trusted",
                hint="'git regen trust' shows what it would run, and asks",
            )

    def _granted(self) -> set[tuple[str, str]]:
        try:
            text = self._path.read_text("ascii", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return set()
        split = (line.split() for line in text.splitlines())
        return {(parts[0], parts[1]) for parts in split if len(parts) == 2}  # noqa: PLR2004 - digest and word


def describe(settings: Settings) -> Sequence[str]:
    """Return the lines that a person reads before saying yes: every command, and how it would run."""
    lines = [f"{purpose}: {command}" for purpose, command in settings.commands]
    if not lines:
        return ["no commands; files that are neither held out nor binary may be sent to the model you choose"]
    if settings.user.sandbox == "off":
        lines.append("without a sandbox: regen.sandbox is off, commands have your rights and your network")
    elif find_sandbox() is None:
        lines.append("without a sandbox: this machine has no working bubblewrap, commands have your rights")
    else:
        lines.append("in a sandbox (bubblewrap): no network but for setup, no home, read-only outside")
    return lines
