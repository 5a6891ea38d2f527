"""Say what is wrong with notes: a few lines, whatever their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.cli.console import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from regen_git.cli.console import Console
    from regen_git.domain.ids import Oid

__all__ = ["Troubles", "tell_troubles"]

_SHOWN = 5


class Troubles:
    """Gathers what is wrong with the notes that one command reads."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._commits = 0

    def add(self, commit: Oid, troubles: tuple[str, ...]) -> None:
        """Keep what is wrong with one commit's note, as far as it will be shown."""
        if not troubles:
            return
        self._commits += 1
        if self._commits <= _SHOWN:
            self._shown += [f"warning: note of commit {commit[:10]}: {safe(one)}" for one in troubles]

    def tell(self, console: Console) -> None:
        """Talk of them; nothing where all is well."""
        for line in self._shown:
            console.say(line)
        if self._commits > _SHOWN:
            console.say(
                f"warning: the same of {self._commits - _SHOWN:,} more notes; 'git regen doctor' counts"
            )


def tell_troubles(console: Console, found: Iterable[tuple[Oid, tuple[str, ...]]]) -> None:
    """Do all of it at once, for commits and what is wrong with their notes."""
    troubles = Troubles()
    for commit, some in found:
        troubles.add(commit, some)
    troubles.tell(console)
