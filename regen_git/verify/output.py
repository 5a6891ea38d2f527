"""Make what a check printed fit for a repair request and the same on every run: no paths, no times."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["normalise"]

_HEAD_CHARS = 2048
_TAIL_CHARS = 14 * 1024
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_RULES = (
    (re.compile(r"\b0x[0-9a-fA-F]{6,16}\b"), "0x..."),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d+(?:\.\d+)?(?: ?(?:ms|µs|us|ns)\b| ?s(?:ec(?:onds?)?)?\b)"), "<duration>"),
    (re.compile(r"\(\d+:\d\d:\d\d\)"), "(<duration>)"),
    (re.compile(r"\bpytest-of-[^/\s]+/pytest-\d+"), "<pytest>"),
    (re.compile(r"/tmp/[A-Za-z0-9._-]+"), "<tmp>"),  # noqa: S108 - read, never opened
    (re.compile(r"\bpid[ =:]+\d+", re.IGNORECASE), "pid <n>"),
)


def normalise(data: bytes, places: Mapping[str, str]) -> str:
    """Return this output as text, with folders named as ``places`` says, cut in the middle where long.

    ``places`` maps an absolute folder to the word that stands for it; the empty word takes a path in the
    folder down to its relative part.
    """
    text = _CONTROL.sub("", _ANSI.sub("", data.decode("utf-8", "replace").replace("\r\n", "\n")))
    for folder in sorted(places, key=len, reverse=True):
        word = places[folder]
        text = text.replace(f"{folder}/", f"{word}/" if word else "").replace(folder, word or ".")
    for pattern, word in _RULES:
        text = pattern.sub(word, text)
    text = "\n".join(line.rstrip() for line in text.splitlines()).strip()
    if len(text) <= _HEAD_CHARS + _TAIL_CHARS:
        return text
    left_out = len(text) - _HEAD_CHARS - _TAIL_CHARS
    return f"{text[:_HEAD_CHARS]}\n[... {left_out} characters left out ...]\n{text[-_TAIL_CHARS:]}"
