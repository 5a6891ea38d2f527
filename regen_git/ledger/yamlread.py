"""Read a document's YAML safely: every scalar is text, aliases are refused, depth is limited.

PyYAML would turn ids into integers, versions into floats and times into dates; none of that may happen to
what identifies an intent.
"""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["load"]

_BASE: type = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DEEPEST = 20


def load(raw: bytes) -> Any:
    """Return dictionaries, lists and strings. Raises ``ValueError`` with the reason on one line."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start}") from error
    try:
        if "&" in text or "*" in text or "[" * _DEEPEST in text or "{" * _DEEPEST in text:
            _refuse_dangerous(text)
        return yaml.load(text, Loader=_BASE)  # noqa: S506 - the base loader makes nothing but text
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise ValueError(f"{problem}{where}") from error


def _refuse_dangerous(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_BASE):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it uses an alias, which a note may not")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ValueError("it is nested too deeply")
