"""The present time as it stands in the inbox; loads no calendar, since an agent waits for the import."""

from __future__ import annotations

import time

__all__ = ["now", "seconds"]


def now() -> str:
    """Return the present time: RFC 3339, UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def seconds(at: str) -> int:
    """Return what ``now`` gave as seconds since 1970, 0 for what it never gave; loads no calendar."""
    parts = at.replace("T", "-").replace(":", "-").rstrip("Z").split("-")
    if len(parts) != 6 or not all(part.isdecimal() for part in parts):  # noqa: PLR2004 - date and time
        return 0
    year, month, day, hour, minute, second = map(int, parts)
    # Days from the civil calendar, years beginning in March.
    year -= month <= 2  # noqa: PLR2004 - January and February belong to the year before
    days = (
        365 * year
        + year // 4
        - year // 100
        + year // 400
        + (153 * ((month + 9) % 12) + 2) // 5
        + day
        - 719469
    )
    return ((days * 24 + hour) * 60 + minute) * 60 + second
