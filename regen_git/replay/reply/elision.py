"""Lines that stand for code a model did not write: "rest unchanged" and its relatives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["elided_line"]

_LONGEST = 160
_PROSE = (".md", ".markdown", ".mdx", ".rst", ".txt", ".adoc", ".tex", ".org", ".html", ".htm")
_DOTS_ARE_CODE = (".py", ".pyi", ".yaml", ".yml", *_PROSE)

# The comment signs of most languages, around one line.
_COMMENT = re.compile(
    r"(?:\{\s*/\*|<!--|\(\*|/\*+|//+!?|\#+|--+|;+|%+|\*|'|REM\b|\"\"\")\s*(.*?)\s*(?:\*/\s*\}|-->|\*\)|\*+/|\"\"\")?"
)
_DOTS = re.compile(r"(?:\.{3,}|…)")
_ONLY_DOTS = re.compile(r"[\[({<]?\s*(?:\.{3,}|…)\s*[\])}>]?")
_EDGE = re.compile(r"^[\s\[({<.…*_-]+|[\s\])}>.…*_:;!-]+$")

_THINGS = (
    r"(?:code|file|files|content|contents|implementation|implementations|methods?|functions?|class|classes"
    r"|imports?|lines?|logic|body|definitions?|tests?|module|component|config|configuration|fields?|properties"
    r"|routes?|handlers?|helpers?|section|sections|script|styles|entries|cases|stuff|items|rows|document)"
)
_KEPT = (
    r"(?:unchanged|the same|same|same as (?:before|above|the original|original)|as (?:before|is|above|it was)"
    r"|identical|omitted(?: for brevity)?|here|go(?:es)? here|above|below|continues?(?: here)?|untouched"
    r"|not shown|unmodified|skipped|elided|truncated|intact|left out)"
)
_LINK = r"(?:(?:is|are|remains?|stays?|stay|kept|left|continues?|exactly|all|was|were)\s+){0,3}"
_WHICH = r"(?:existing|previous|original|old|other|remaining|unchanged|same|current|earlier|your|prior)"
_DO = r"(?:keep |insert |add |put |paste )"
_MOD = r"(?:[\w.`'-]+\s+){0,3}"

_CERTAIN = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:the )?(?:rest|remainder)(?: of (?:the |this |your )?{_MOD}[\w.`'-]+)? {_LINK}{_KEPT}",
        rf"(?:the )?(?:rest|remainder) of (?:the |this |your )?{_MOD}{_THINGS}",
        rf"{_DO}?(?:all )?(?:the |your )?(?:{_WHICH} ){{1,2}}{_THINGS} {_LINK}{_KEPT}",
        r"(?:all )?(?:the )?(?:existing|remaining|unchanged) (?:code|content|contents|implementation|file)",
        rf"{_DO}(?:all )?(?:the |your )?(?:rest|{_WHICH}(?: {_THINGS})?)(?: (?:as is|the same|here))?",
        rf"(?:{_THINGS} )?(?:omitted|elided|truncated|snipped|abbreviated)(?: for (?:brevity|clarity))?",
        r"(?:no changes?|unchanged|same as (?:above|(?:the )?original))(?: here| below| above| needed)?",
        rf"{_THINGS} (?:is |are |remains? |stays? )?(?:unchanged|same as before|as before)",
        r"snip|same as before|etc for brevity",
        r"(?:your |the )?(?:existing )?(?:code|implementation|logic) (?:goes )?here",
        r"(?:and )?(?:so on|more) for (?:the )?(?:other|remaining|rest).{0,40}",
    )
)
_WITH_DOTS = re.compile(
    rf"(?:(?:the|all|and|more|your|with|keep|plus)\s+)*"
    rf"(?:(?:{_WHICH}|rest|remainder|{_THINGS}|unchanged|omitted|snip|of|here|same|before|as|the|this|more|continues?)"
    r"(?:\s+|$)){1,8}"
)


def elided_line(path: str, lines: Iterable[str], known: frozenset[str]) -> tuple[int, str] | None:
    """Return the first line that stands for left-out code, with its number from 1; ``None`` if all is there.

    ``known`` holds the stripped lines the file already has: those are the file's own words.
    """
    name = path.lower()
    above = ""
    for number, full in enumerate(lines, 1):
        line = full.strip()
        # Most lines of code start with a letter: they are passed over before anything is matched.
        may_be = line and (not line[0].isalnum() or line.startswith("REM "))
        if may_be and len(full) <= _LONGEST and _is_placeholder(name, line, above) and line not in known:
            return number, line
        above = line
    return None


def _is_placeholder(name: str, line: str, above: str) -> bool:
    comment = _COMMENT.fullmatch(line)
    if name.endswith(_PROSE) and not line.startswith(("<!--", "...", "…", "[", "(")):
        return False
    if _ONLY_DOTS.fullmatch(line):
        # "..." alone is code in some languages; in brackets it may be the last item of a list.
        is_item = line[0] not in ".…" and above.endswith((",", "[", "(", "{", "<", "="))
        return not is_item and (line[0] not in ".…" or not name.endswith(_DOTS_ARE_CODE))
    if comment is not None and comment[1] != line:
        # Dots below another comment line belong to its example or sentence.
        goes_on = above[:1] == line[0] and not above[:1].isalnum()
        return _says_left_out(comment[1], dots_count=not goes_on)
    bracketed = line[0] in "[(<{" and line[-1] in "])>}"
    if bracketed or _DOTS.match(line):
        return not _ONLY_DOTS.fullmatch(line) and _says_left_out(line, dots_count=True)
    return False


def _says_left_out(body: str, *, dots_count: bool) -> bool:
    if _ONLY_DOTS.fullmatch(body):
        return dots_count
    words = " ".join(_EDGE.sub("", _EDGE.sub("", body)).lower().split())
    for separator in (" - ", ": ", ", ", " ("):  # "rest of file - unchanged", "snip: imports"
        words = words.replace(separator, " ")
    words = words.replace(")", "")
    if any(pattern.fullmatch(words) for pattern in _CERTAIN):
        return True
    has_dots = dots_count and (_DOTS.match(body) is not None or _DOTS.search(body[-4:]) is not None)
    return has_dots and _WITH_DOTS.fullmatch(words + " ") is not None
