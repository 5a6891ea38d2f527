"""One line for every command that finds commits whose intents are not here: what to type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regen_git.cli.console import Console
    from regen_git.git.repository import Repository

__all__ = ["tell_missing"]


def tell_missing(console: Console, repo: Repository, commits: int) -> None:
    """Say that so many commits name intents that their notes do not hold; nothing for none."""
    if not commits:
        return
    from regen_git.sharing.absent import how_to_get

    what = "1 commit names an intent" if commits == 1 else f"{commits:,} commits name intents"
    its = "its note does" if commits == 1 else "their notes do"
    console.say(f"{what} that {its} not hold; {how_to_get(repo)}")
