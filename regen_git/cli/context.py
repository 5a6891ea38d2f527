"""Build what a command needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.git.repository import Repository

__all__ = ["json_option", "open_repository", "open_up_to_date"]

_F = TypeVar("_F", bound="Callable[..., Any]")


def open_repository() -> Repository:
    """Open the repository of the current folder. Raises ``NotARepositoryError``."""
    from regen_git.git.repository import Repository

    return Repository.open()


def open_up_to_date() -> Repository:
    """Open the repository of the current folder, the notes of marked commits written.

    Where hooks have marked nothing this costs a look at two files. Raises ``NotARepositoryError``.
    """
    from regen_git.capture.marks import anything_marked
    from regen_git.capture.place import place_of

    repo = open_repository()
    data = place_of(repo).data
    if anything_marked(data):
        from regen_git.capture.failures import note_failure

        try:
            from regen_git.capture.flush import flush

            flush(repo)
        except Exception as error:  # noqa: BLE001 - who only wants to read must not fail for what waits
            note_failure(data, "flush", error)
    return repo


def json_option(function: _F) -> _F:
    """Give a command the option ``--json``, as the parameter ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(function)
