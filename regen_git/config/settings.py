"""The values that settings are read into: what a repository may say, and what only its user may."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT_S = 600.0

Publish = Literal["never", "ask", "always"]
Policy = Literal["off", "warn", "require"]
Flush = Literal["later", "now"]
Sandboxing = Literal["auto", "off"]


@dataclass(frozen=True, slots=True)
class Check:
    """One declared command. ``run`` is for ``sh -c``; with ``junit`` it writes ``$REGEN_JUNIT``."""

    name: str
    run: str
    junit: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S

    @property
    def digest(self) -> str:
        """Return the identity of what runs; the name is not part of it, a timeout changes no result."""
        return _digest(["check", self.run, self.junit])


@dataclass(frozen=True, slots=True)
class State:
    """What answers for data: ``make`` leaves it in ``$REGEN_STATE``, ``check`` reads it with the new tree."""

    make: str
    check: str


@dataclass(frozen=True, slots=True)
class PathRules:
    """Patterns as ``.gitignore`` has them, the last match wins. ``tests`` may be unsaid: ``None``."""

    tests: tuple[str, ...] | None = None
    holdout: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    append: tuple[str, ...] = ()
    human: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """What comes from the user's side only: ``git config regen.*`` and the environment.

    ``budget_usd`` is US dollars; ``memory_bytes`` limits each process of a check; ``timeout_s`` is how long
    a model's server may send nothing. ``values`` holds every ``regen.*`` variable by its lower-case name
    without the section, the last value last.
    """

    model: str | None = None
    api_base: str | None = None
    budget_usd: float | None = None
    publish: Publish = "ask"
    policy: Policy = "warn"
    flush: Flush = "later"
    trailers: bool = True
    context: bool = True
    sandbox: Sandboxing = "auto"
    memory_bytes: int | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    values: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def get(self, name: str) -> str | None:
        """Return the last value of ``regen.<name>``; the name in any case."""
        found = self.values.get(name.lower())
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was set, once. ``warnings`` are lines for a person: unknown keys, mostly."""

    paths: PathRules = PathRules()
    setup: str | None = None
    checks: tuple[Check, ...] = ()
    state: State | None = None
    user: User = User()
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return the identity of what would run, and of what decides which files are sent.

        Comments, order of keys and what the user set do not change it.
        """
        paths = self.paths
        return _digest(
            [
                "settings",
                self.setup,
                [[c.name, c.run, c.junit, c.timeout_s] for c in self.checks],
                [self.state.make, self.state.check] if self.state else None,
                [paths.tests, paths.holdout, paths.frozen, paths.append, paths.human],
            ]
        )

    @property
    def commands(self) -> tuple[tuple[str, str], ...]:
        """Return every command these settings would run, with what it is for, in the order they run."""
        found = [("setup", self.setup)] if self.setup else []
        found += [(f"check {check.name}", check.run) for check in self.checks]
        if self.state:
            found += [("state make", self.state.make), ("state check", self.state.check)]
        return tuple(found)


def _digest(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
