"""What a TypeScript or JavaScript module holds that others may rely on, by careful patterns over its text."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from regen_git.replay.risk.literals import environment, flag, in_string, number, route, short
from regen_git.replay.risk.values import Known
from regen_git.verify.surface import bare_name
from regen_git.verify.surface_script import blanked, script_exports

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Lines", "in_script"]

_OPAQUE = re.compile(r"\x01(?:[\x01\n]*\x01)?")
_SHAPE = re.compile(
    r"^(export\s+)?(?:declare\s+)?(interface\s+(\w+)[^{;]*|type\s+(\w+)(?:<[^=]*>)?\s*=\s*)\{", re.MULTILINE
)
_CLASS = re.compile(r"^export\s+(?:default\s+)?(?:abstract\s+)?class\s+(\w+)[^{]*\{", re.MULTILINE)
_MEMBER = re.compile(r"^[ \t]*(?:readonly\s+)?([A-Za-z_$][\w$]{0,80})\??\s*[:(]", re.MULTILINE)
_METHOD = re.compile(
    r"^[ \t]*(?:(?:public|static|async|override|get|set)\s+|\*\s*)*([A-Za-z$][\w$]{0,80})\s*(?:<[^>(]*>)?\(",
    re.MULTILINE,
)
_WORDS = frozenset(
    ["constructor", "if", "for", "while", "switch", "catch", "function", "return", "super", "new", "await"]
)
_SETTINGS = re.compile(r"(?:Options|Config|Configuration|Settings|Props|Opts)$")
_ENV = re.compile(
    r"\b(?:process\.env|import\.meta\.env|Bun\.env|(?:this\.|c\.|ctx\.)?env)\.([A-Z][A-Z0-9_]{2,60})\b"
)
_WIRE = re.compile(r"(?<=[{,\n])[ \t]*([a-z]+(?:_[a-z0-9]+)+)\??\s*:")
_CONSTANT = re.compile(
    r"^(?:export\s+)?(?:const|let|var)\s+([A-Za-z_$][\w$]{0,80})(?:\s*:[^=\n]{1,80})?\s*=\s*", re.MULTILINE
)
_LOCAL = re.compile(r"\b(?:const|let)\s+([A-Za-z_$][\w$]{0,80})(?:\s*:\s*number)?\s*=\s*(?=\d)")
_DEFAULT = re.compile(r"\b([A-Za-z_$][\w$]{0,80})\s*(?:\?\?|\|\|)=?\s*(?=\d)")
_GIVEN = re.compile(r"[(,{]\s*([A-Za-z_$][\w$]{0,80})(?:\s*:\s*number)?\s*=\s*(?=\d)")
_FIELD = re.compile(
    r"^[ \t]*(?:(?:private|protected|public|static|readonly)\s+)+"
    r"([A-Za-z_$][\w$]{0,80})(?:\s*:\s*number)?\s*=\s*(?=\d)",
    re.MULTILINE,
)
_AMOUNT = re.compile(r"[\d][\d_]*(?:\.\d+)?(?:\s*\*\s*\d[\d_]*(?:\.\d+)?)*")
_TABLE = re.compile(r"(?:new\s+(?:Set|Map)(?:<[^>]*>)?\(\s*)?[\[{]")
_FLAG_BEFORE = re.compile(
    r"(?:\b(?:option|requiredOption|Option|includes|startsWith|indexOf)\(|={2,3}|\bcase)\s*$"
)
_COMMAND_BEFORE = re.compile(r"\.command\(\s*$")
_KEY_BEFORE = re.compile(
    r"\b(\w+)(?:\(\))?\??\.(?:get|set|has|append|getItem|setItem|removeItem|getAll)\(\s*$|\b(\w+)\[\s*$"
)
_IMPORT_BEFORE = re.compile(r"(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*$")
_PARAMETERS = re.compile(
    r"(?:params|query|form|formdata|body|headers?|cookies?|data|json|payload)$", re.IGNORECASE
)
_CONFIG = re.compile(r"(?:config|settings|options|prefs)$", re.IGNORECASE)
_HEADER = re.compile(
    r"(?:Access-Control|Content|Accept|Cache|If|Sec|X-Forwarded)-[\w-]+|Authorization|Accept|Location|Origin|Host|Cookie"
    r"|Set-Cookie|User-Agent|ETag|Vary|WWW-Authenticate|Retry-After",
    re.IGNORECASE,
)
_KEY = re.compile(r"[A-Za-z_$@][\w.$@-]{1,60}")
_DULL_NUMBERS = frozenset({0, 1, 2})
_ENTRIES = 3
_BEFORE = 60


class Lines:
    """Answers on which line, from 1, a place in a text is."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def at(self, place: int) -> int:
        """Return the line of this character."""
        return bisect_right(self._ends, place - 1) + 1


def in_script(text: str) -> list[Known] | None:
    """Return what a module holds, each once; ``None`` where its text cannot be told from its strings."""
    code = blanked(text)
    if code is None:
        return None
    lines = Lines(text)
    found = [
        *_exports(text, code, lines),
        *_shapes(code, lines),
        *_methods(code, lines),
        *_strings(text, code, lines),
        *_numbers(code, lines),
        *_tables(text, code, lines),
    ]
    for match in _ENV.finditer(code):
        found += environment(match[1], lines.at(match.start()))
    for match in _WIRE.finditer(code):
        found.append(Known("data key", match[1], lines.at(match.start(1)), (match[1],)))
    return list({(one.what, one.name): one for one in reversed(found)}.values())


def _exports(text: str, code: str, lines: Lines) -> Iterator[Known]:
    for said in script_exports(text) or ():
        name = bare_name(said)
        if said.startswith(("default", "export =", "*")) or not name:
            continue
        what = said.split(" ", 1)[0] if " " in said.split("(", 1)[0] else "name"
        place = re.search(rf"^[^\n]*\bexport[^\n]*\b{re.escape(name)}\b", code, re.MULTILINE)
        line = lines.at(place.start()) if place is not None else 1
        if what in ("const", "let", "var") and name.upper() == name:
            continue  # told as a constant, with its value
        yield Known(what, name, line, (name,), is_name=True)


def _shapes(code: str, lines: Lines) -> Iterator[Known]:
    """Tell the members of exported interfaces and types: what others fill in, and what is stored."""
    for match in _SHAPE.finditer(code):
        owner = match[3] or match[4]
        is_environment = owner in ("Env", "Bindings", "ProcessEnv")
        if not match[1] and not is_environment:
            continue
        for place, inner in _inside(code, match.end() - 1):
            member = _MEMBER.match(inner)
            if member is None:
                continue
            line = lines.at(place + member.start(1))
            if is_environment:
                yield from environment(member[1], line)
            else:
                what = "setting" if _SETTINGS.search(owner) else "field"
                yield Known(what, f"{owner}.{member[1]}", line, (member[1],))


def _methods(code: str, lines: Lines) -> Iterator[Known]:
    for match in _CLASS.finditer(code):
        for place, inner in _inside(code, match.end() - 1):
            method = _METHOD.match(inner)
            if method is not None and method[1] not in _WORDS:
                name = f"{match[1]}.{method[1]}"
                yield Known("method", name, lines.at(place + method.start(1)), (method[1],))


def _inside(code: str, opening: int) -> Iterator[tuple[int, str]]:
    """Yield each line within a bracket that begins at its own depth, with its place."""
    depth = 0
    start = opening + 1
    for at in range(opening, len(code)):
        char = code[at]
        if char in "{[(":
            depth += 1
        elif char in "}])":
            depth -= 1
            if depth == 0:
                if code[start:at].strip():
                    yield start, code[start:at]
                return
        if char in "\n;," or char == "{":
            if depth == 1 and code[start:at].strip():
                yield start, code[start:at] + char
            if depth == 1:
                start = at + 1
        elif char == "(" and depth == 2 and code[start : at + 1].strip():  # noqa: PLR2004 - one inside the body
            yield start, code[start : at + 1]
            start = at + 1


def _strings(text: str, code: str, lines: Lines) -> Iterator[Known]:
    for match in _OPAQUE.finditer(code):
        start, end = match.span()
        opening = text[start]
        before = code[max(0, start - _BEFORE) : start]
        if opening == "/" or _IMPORT_BEFORE.search(before):
            continue
        is_open = text[start:end].endswith("${")
        inner = text[start + 1 : end - (2 if is_open else 1)]
        line = lines.at(start)
        if _FLAG_BEFORE.search(before):
            yield from flag(inner, line)
        if _COMMAND_BEFORE.search(before) and inner.split():
            yield Known("command", inner.split()[0], line, (inner.split()[0],))
        key = _KEY_BEFORE.search(before)
        if key is not None and _KEY.fullmatch(inner):
            yield from _key(key[1] or key[2], inner, line)
        elif opening != "}" and not is_open and inner.startswith("/"):
            yield from route(inner, line)
        yield from in_string(inner, line, is_open=is_open)


def _key(owner: str, key: str, line: int) -> Iterator[Known]:
    if owner == "env":
        yield from environment(key, line)
    elif owner in ("localStorage", "sessionStorage"):
        yield Known("storage key", key, line, (key,))
    elif _CONFIG.search(owner):
        yield Known("setting", key, line, (key,))
    elif _PARAMETERS.search(owner) and not _HEADER.fullmatch(key):
        yield Known("parameter", key, line, (key,))


def _numbers(code: str, lines: Lines) -> Iterator[Known]:
    """Tell the numbers that have a name: constants, defaults of options and of parameters."""
    for pattern in (_LOCAL, _DEFAULT, _GIVEN, _FIELD):
        for match in pattern.finditer(code):
            amount = _AMOUNT.match(code, match.end())
            if amount is None:
                continue
            after = code[amount.end() : amount.end() + 1]
            if after.isalnum() or after == ".":
                continue
            value = 1.0
            for factor in amount[0].split("*"):
                value *= float(factor.replace("_", ""))
            if value not in _DULL_NUMBERS and value < 1e15:  # noqa: PLR2004 - exact so far
                shown = f"{match[1]} = {short(amount[0])}"
                yield number(
                    match[1], int(value) if value == int(value) else value, shown, lines.at(match.start(1))
                )


def _tables(text: str, code: str, lines: Lines) -> Iterator[Known]:
    """Tell the module's constants that are strings, patterns and tables."""
    for match in _CONSTANT.finditer(code):
        name = match[1]
        if name.upper() != name:
            continue
        line = lines.at(match.start(1))
        opaque = _OPAQUE.match(code, match.end())
        if opaque is not None:
            value = text[opaque.start() : opaque.end()]
            what = "pattern" if value.startswith("/") else "constant"
            texts = (name,) if what == "pattern" else (name, value.strip("\"'`"))
            yield Known(what, f"{name} = {short(value)}", line, texts)
        elif table := _TABLE.match(code, match.end()):
            entries = sum(1 for _ in _inside(code, table.end() - 1))
            if entries >= _ENTRIES:
                yield Known("table of constants", f"{name}, about {entries} entries", line, (name,))
