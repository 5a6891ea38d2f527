"""The only output: results on stdout, talk on stderr, one JSON object where a script asked for it."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

import click

__all__ = ["Console", "safe", "style"]

# C0 and C1 controls but for newline and tab, and marks that turn the direction of text around.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    """Return text that cannot drive a terminal: control characters are shown as escapes."""
    return _UNSAFE.sub(lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 256 else f"\\u{ord(m[0]):04x}", text)  # noqa: PLR2004 - Latin-1


def style(text: str, **how: Any) -> str:
    """Return the text in colour where standard output is a terminal and nobody said no."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return click.style(text, **how)


class Console:
    """Says things to a person, or, with ``json``, to a script: then ``emit`` speaks and not ``out``."""

    def __init__(self, *, json: bool = False) -> None:
        self.is_json = json

    def out(self, text: str = "") -> None:
        """Print a result; nothing when a script asked for JSON."""
        if not self.is_json:
            sys.stdout.write(text + "\n")

    def say(self, text: str) -> None:
        """Talk: progress, warnings, what to do next. Always on standard error."""
        sys.stderr.write(text + "\n")

    def emit(self, value: Any) -> None:
        """Print one JSON object on one line, where a script asked for it."""
        if self.is_json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False, sort_keys=False) + "\n")
