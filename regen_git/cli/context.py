"""Build what a command needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from regen_git.cli.console import Console, safe

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.git.repository import Repository

__all__ = ["json_option", "open_repository", "open_up_to_date"]

_F = TypeVar("_F", bound="Callable[..., Any]")


def open_repository() -> Repository:
    """Open the repository of the current folder. Raises ``NotARepositoryError``."""
    from regen_git.git.repository import Repository

    repo = Repository.open()
    repo.on_fetch = _tell_of_fetch()
    return repo


def _tell_of_fetch() -> Callable[[int, str], None]:
    """Return what says that objects are fetched; one by one, that is said once."""
    told: list[str] = []

    def tell(number: int, remote: str) -> None:
        what = f"{number:,} objects" if number > 1 else "an object"
        if number > 1 or not told:
            Console().say(f"fetching {what} that this partial clone left out from '{safe(remote)}'")
        if number == 1:
            told.append(remote)

    return tell


def open_up_to_date(meanwhile: Callable[[Repository], None] = lambda _repo: None) -> Repository:
    """Open the repository of the current folder, the notes of marked commits written and none lost.

    Where nothing has happened this costs a look at some small files. ``meanwhile`` may start what needs no
    notes, as soon as the repository is open. Raises ``NotARepositoryError``.
    """
    repo = open_repository()
    meanwhile(repo)
    from regen_git.capture.inbox import has_commits
    from regen_git.capture.marks import anything_marked
    from regen_git.capture.place import place_of
    from regen_git.capture.reflog import anything_new

    place = place_of(repo)
    data = place.data
    try:
        if anything_marked(data) or anything_new(place) or has_commits(data):
            from regen_git.capture.flush import flush

            flush(repo)
        else:
            from regen_git.ledger.store import guard

            guard(repo)
    except Exception as error:  # noqa: BLE001 - who only wants to read must not fail for what waits
        from regen_git.capture.failures import note_failure

        note_failure(data, "flush", error)
    return repo


def json_option(function: _F) -> _F:
    """Give a command the option ``--json``, as the parameter ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(function)
