"""Take values out of JSON that others wrote, whose shapes may be odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["dicts_in", "mapping", "moment"]


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def dicts_in(value: object) -> list[Mapping[str, Any]]:
    """Return the objects in a list; none for any other value."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def moment(milliseconds: object) -> str:
    """Return a time in milliseconds since 1970 as RFC 3339, UTC, to the second; empty for what is none."""
    import time

    if not isinstance(milliseconds, int) or not 0 < milliseconds < 1 << 47:
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))
