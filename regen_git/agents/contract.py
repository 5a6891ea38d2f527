"""What the module of an agent has; only type checkers read this, so that no capture pays for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent, Settings
    from regen_git.agents.transcripts import Session

__all__ = ["Agent"]


class Agent(Protocol):
    """What is known of one coding agent: the names that its module has.

    ``TESTED`` is the newest version whose recordings the tests read; empty: only its documentation is known.
    ``SETTINGS`` is ``None`` for an agent without hooks. ``PROGRAMS`` are the commands that start it and
    ``FOLDERS`` those in the home folder that it makes: either tells that it is installed.
    """

    NAME: str
    TITLE: str
    TESTED: str
    PROGRAMS: tuple[str, ...]
    FOLDERS: tuple[str, ...]
    SETTINGS: Settings | None

    def read(self, payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
        """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""

    def session_files(self, tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """Return the transcripts that may belong to these folders or those below, sorted."""

    def read_session(self, path: str) -> Session | None:
        """Read one transcript; ``None`` when there is no session of a person in it."""


if TYPE_CHECKING:
    # A type checker proves of each module that it has all this; nothing is loaded for it.
    from regen_git.agents import (
        aider,
        amp,
        claude,
        codex,
        continue_,
        copilot,
        cursor,
        droid,
        gemini,
        opencode,
        pi,
        qwen,
        vscode,
        windsurf,
    )

    _ALL: tuple[Agent, ...] = (
        aider,
        amp,
        claude,
        codex,
        continue_,
        copilot,
        cursor,
        droid,
        gemini,
        opencode,
        pi,
        qwen,
        vscode,
        windsurf,
    )
