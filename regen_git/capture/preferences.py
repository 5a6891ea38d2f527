"""The few settings that capture and the sh hooks need, read from git config and remembered beside the inbox.

They are asked for again when one of git's configuration files has changed since; so a capture starts no git.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from regen_git.capture.place import Place

__all__ = ["Preferences", "read_preferences", "remembered_preferences"]

_NAMES = "^(regen\\.(flush|trailers|policy|context)|core\\.commentchar|core\\.commentstring)$"

Preferences = dict[str, str]
"""Only what differs from the default: ``flush`` = now, ``trailers`` = off, ``policy`` = require,
``context`` = off, ``comment`` = the character that begins a comment in a commit message."""


def read_preferences(place: Place) -> Preferences:
    """Ask git for the settings (one process) and remember them."""
    from regen_git.git.repository import git_environment
    from regen_git.process import run

    stamp = _stamp(place)
    env = git_environment({"GIT_DIR": place.git_dir})
    out = run(["git", "config", "--null", "--get-regexp", _NAMES], cwd=place.top or place.git_dir, env=env)
    given: dict[str, str] = {}
    for item in out.stdout.decode("utf-8", "replace").split("\0"):
        name, _, value = item.partition("\n")
        given[name.lower()] = value.strip()
    found = _different(given)
    _remember(place, {**found, "stamp": stamp})
    return found


def _different(given: Mapping[str, str]) -> Preferences:
    found: Preferences = {}
    if given.get("regen.flush", "").lower() == "now":
        found["flush"] = "now"
    for name in ("trailers", "context"):
        if given.get(f"regen.{name}", "").lower() in ("false", "no", "off", "0"):
            found[name] = "off"
    if given.get("regen.policy", "").lower() == "require":
        found["policy"] = "require"
    comment = given.get("core.commentstring") or given.get("core.commentchar") or "#"
    if comment not in ("#", "auto") and not any(c.isspace() for c in comment):
        found["comment"] = comment
    return found


def _remember(place: Place, found: Preferences) -> None:
    path = place.data + "/preferences.json"
    scratch = f"{path}.new{os.getpid()}"
    with contextlib.suppress(OSError):
        os.makedirs(place.data, mode=0o700, exist_ok=True)  # noqa: PTH103 - on the capture path
        with open(scratch, "w", encoding="utf-8") as file:  # noqa: PTH123 - on the capture path
            json.dump(found, file)
        os.replace(scratch, path)  # noqa: PTH105 - on the capture path


def _stamp(place: Place) -> str:
    """Return what changes when git's configuration files do."""
    home = os.environ.get("HOME", "")
    user = os.environ.get("XDG_CONFIG_HOME") or home + "/.config"
    stamps = []
    for path in (place.common_dir + "/config", home + "/.gitconfig", user + "/git/config", "/etc/gitconfig"):
        try:
            found = os.stat(path)  # noqa: PTH116 - on the capture path
            stamps.append(f"{found.st_mtime_ns}.{found.st_size}")
        except OSError:  # noqa: PERF203 - four files
            stamps.append("-")
    return " ".join(stamps)


def remembered_preferences(place: Place) -> Preferences:
    """Return the settings without asking git, unless its configuration has changed since we last asked."""
    try:
        with open(place.data + "/preferences.json", encoding="utf-8") as file:  # noqa: PTH123 - on the capture path
            data = json.load(file)
    except (OSError, ValueError):
        return read_preferences(place)
    if not isinstance(data, dict) or data.pop("stamp", "") != _stamp(place):
        return read_preferences(place)
    return {str(k): str(v) for k, v in data.items()}
