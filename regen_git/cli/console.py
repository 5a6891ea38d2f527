"""The only output: results on stdout, talk on stderr, one JSON object where a script asked for it."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import lru_cache
from typing import Any, TextIO

import click

__all__ = ["Console", "safe", "style"]

# C0 and C1 controls but for newline and tab; marks that turn the direction of text around; separators that
# programs break lines at; letters that nobody sees, which can hide words to a machine; half characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_HALVES = re.compile("[\ud800-\udfff]")


def safe(text: str) -> str:
    """Return text that cannot drive a terminal: control characters are shown as escapes."""
    return _UNSAFE.sub(lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 256 else f"\\u{ord(m[0]):04x}", text)  # noqa: PLR2004 - Latin-1


def style(text: str, **how: Any) -> str:
    """Return the text in colour where a terminal or its pager shows it and nobody said no."""
    return click.style(text, **how) if _has_colour(sys.stdout) else text


@lru_cache(maxsize=1)
def _has_colour(stream: TextIO) -> bool:
    """Decide once for a stream: a long listing asks for every line."""
    seen = stream.isatty() or os.environ.get("GIT_PAGER_IN_USE")
    return bool(seen) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


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
            line = json.dumps(value, ensure_ascii=False, sort_keys=False)
            # A byte of a path that is no UTF-8 cannot be printed; JSON has the same escape for it as Python.
            sys.stdout.write(line.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")
