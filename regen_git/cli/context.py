"""Build what a command needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from regen_git.git.repository import Repository

__all__ = ["json_option", "open_repository"]

_F = TypeVar("_F", bound="Callable[..., Any]")


def open_repository() -> Repository:
    """Open the repository of the current folder. Raises ``NotARepositoryError``."""
    from regen_git.git.repository import Repository

    return Repository.open()


def json_option(function: _F) -> _F:
    """Give a command the option ``--json``, as the parameter ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(function)
