"""What a replay was asked to do, as a value that a killed replay finds again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Literal

from regen_git.errors import ReplayError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.replay.plan import Include

__all__ = ["ORIGINAL", "CheckWhen", "Mode", "ReplayOptions", "default_name", "load", "save"]

ORIGINAL = "original"
"""The model that answers with what history holds."""

Mode = Literal["chained", "anchored", "folded", "oneshot"]
CheckWhen = Literal["tip", "regenerated", "every", "never"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Everything that decides the result of a replay, and what it may cost.

    ``span`` is the range as typed and ``tip`` the commit it named when the replay began; money in US dollars.
    ``changed``: what rests on nothing that changed since the last replay stays as it is. ``since`` is the
    intent that is asked afresh, with all that depends on it.
    """

    name: str
    span: str
    tip: str
    model: str
    mode: Mode = "chained"
    include: Include = "recorded"
    grouped: bool = True
    rewrite: bool = False
    locked: bool = False
    check: CheckWhen = "regenerated"
    jobs: int = 4
    budget_usd: float | None = None
    budget_tokens: int | None = None
    max_tokens: int = 16_000
    context_tokens: int = 60_000
    temperature: float | None = None
    only: str | None = None
    changed: bool = False
    since: str | None = None

    @property
    def is_original(self) -> bool:
        """Whether history itself answers."""
        return self.model == ORIGINAL

    @property
    def goes_by_changes(self) -> bool:
        """Whether only what rests on something that changed is asked, or what is asked afresh."""
        return self.changed or self.since is not None

    @property
    def is_from_spec(self) -> bool:
        """Whether the living spec is generated, not a range of history."""
        return self.mode in ("folded", "oneshot")

    @property
    def branch(self) -> str:
        """The full name of the branch that the rebuilt history becomes."""
        return f"refs/heads/regen/{self.name}"

    @property
    def parameters(self) -> dict[str, int | float]:
        """What the provider takes beside the messages; part of a request's identity."""
        found: dict[str, int | float] = {"max_tokens": self.max_tokens}
        if self.temperature is not None:
            found["temperature"] = self.temperature
        return found


def default_name(model: str, mode: str) -> str:
    """Return the name of a replay nobody named: the model's last part, and the mode if it is not usual."""
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", model.rsplit("/", 1)[-1]).strip("-.") or "replay"
    return short[:60] if mode == "chained" else f"{short[:60]}-{mode}"


def check_name(name: str) -> str:
    """Return the name if it can be part of a branch. Raises ``UsageError``."""
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".lock", ".")):
        raise UsageError(f"'{name}' cannot name a replay", hint="use letters, digits, '-', '_' and '.'")
    return name


def save(folder: Path, options: ReplayOptions) -> None:
    """Write the options beside the journal."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / (_FILE + ".new")
    temporary.write_text(json.dumps(asdict(options), indent=1) + "\n", "utf-8")
    temporary.replace(folder / _FILE)


def load(folder: Path, name: str) -> ReplayOptions:
    """Read them again. Raises ``ReplayError`` when there is no such replay."""
    try:
        data = json.loads((folder / _FILE).read_text("utf-8"))
        known = {field.name for field in fields(ReplayOptions)}
        return ReplayOptions(**{key: value for key, value in data.items() if key in known})
    except FileNotFoundError as error:
        raise ReplayError(
            f"there is no replay '{name}'", hint="'git branch --list \"regen/*\"' lists rebuilt branches"
        ) from error
    except (ValueError, TypeError) as error:
        raise ReplayError(
            f"replay '{name}' cannot be read", hint=f"start it again with --force; remove '{folder}'"
        ) from error
