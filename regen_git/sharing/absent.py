"""What to type when commits name intents that their notes do not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.capture.setup import wanted_refspec
from regen_git.ledger.sources import fetched_refs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.git.repository import Repository

__all__ = ["fetch_command", "how_to_get", "ledger_remote"]


def ledger_remote(repo: Repository) -> str | None:
    """Return the remote to ask: one whose ledger was never fetched, ``origin`` first; else ``None``."""
    remotes = repo.git("remote").decode("utf-8", "surrogateescape").split()
    fetched = {ref.removeprefix("refs/notes/remotes/").removesuffix("/regen") for ref in fetched_refs(repo)}
    waiting: Sequence[str] = [remote for remote in remotes if remote not in fetched]
    return "origin" if "origin" in waiting else next(iter(waiting), None)


def fetch_command(remote: str) -> str:
    """Return the command that fetches a remote's ledger, whole also in a partial clone."""
    return f"git fetch --no-filter {remote} '{wanted_refspec(remote)}'"


def how_to_get(repo: Repository) -> str:
    """Return what to type, for a person: fetch what was never fetched, else look for it in what is here."""
    if ledger_remote(repo) is not None:
        return "'git regen sync' fetches published notes"
    return "'git regen repair' looks for them in every note that is here"
