"""Exports of TypeScript and JavaScript, by scanning their text.

A small reader, not a parser: it blanks out comments and strings, then looks at statements that begin with
``export`` at the top level, and at ``module.exports``. What it cannot read it reports as unreadable.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["blanked", "script_exports", "script_interface"]

_LONGEST_HEAD = 300
_LONGEST_STATEMENT = 20_000
_NAME = r"[A-Za-z_$][\w$]*"
_DECLARED = re.compile(
    rf"export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?"
    rf"(function\s*\*?|class|interface|type|enum|const\s+enum|const|let|var|namespace|module)\s+({_NAME})"
)
_DEFAULT = re.compile(r"export\s+default\b")
_BRACES = re.compile(r"export\s+(?:type\s+)?\{([^{}]*)\}")
_PATTERN = re.compile(r"export\s+(?:const|let|var)\s*([\[{])")
_STAR = re.compile(rf"export\s*\*\s*(?:as\s+({_NAME}|\x01+)\s+)?from\b")
_ASSIGN = re.compile(r"export\s*=|export\s+(?:import|as)\b")
_COMMON_JS = re.compile(rf"(?:module\.)?exports\.({_NAME})\s*=(?!=)")
_COMMON_JS_WHOLE = re.compile(r"module\.exports\s*=(?!=)\s*(\{)?")
_VALUE_WORDS = frozenset(
    ["return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "yield"]
)
_WORDS = re.compile(r"[{}\[\]()]|(?<![\w$.\x01])(?:export|exports|module|import)(?![\w$])")
_SOURCE = re.compile(r"\s*[\"']([^\"'\n]{1,300})")
_SHAPE = re.compile(
    r"export\s+(?:declare\s+)?(?:interface|type|enum|const\s+enum)\b|import|export\s*(?:type\s*)?[{*]"
    r"|export\s+(?:const|let|var)\s*[\[{]"
)
_PLAIN = re.compile(r"[^\"'`/{}()\[\]]+")
_MORE_NAMES = re.compile(rf"\s*,\s*({_NAME})")


def script_exports(text: str) -> frozenset[str] | None:
    """Return what a module exports, each with its kind; ``None`` when a comment or bracket does not end."""
    code = blanked(text)
    if code is None:
        return None
    names: set[str] = set()
    for start in _statements(code):
        names |= _exported(code, text, start)
    return frozenset(names)


def script_interface(text: str) -> str:
    """Return the imports and the first lines of the exported declarations, in order."""
    code = blanked(text)
    if code is None:
        return ""
    heads = [_head(code, text, start) for start in _statements(code, imports=True)]
    return "".join(f"{head}\n" for head in heads if head)


@lru_cache(maxsize=8)
def blanked(text: str) -> str | None:
    r"""Return the text with comments as spaces and strings as ``\x01``, of the same length."""
    out: list[str] = []
    templates: list[int] = []  # depth of brackets inside each open ``${``
    depth = at = 0
    while at < len(text):
        if plain := _PLAIN.match(text, at):
            out.append(plain[0])
            at = plain.end()
            continue
        char = text[at]
        in_template = char == "`" or (char == "}" and bool(templates) and templates[-1] == depth)
        if in_template:
            if char == "}":
                depth = templates.pop() - 1
            end, opens = _end_of_template(text, at + 1)
            if opens:
                depth += 1
                templates.append(depth)
        else:
            end = _end_of_opaque(text, at, out)
            depth += (char in "{[(") - (char in "}])")
        if end < 0 or depth < 0:
            return None
        if end == at:
            out.append(char)
            end = at + 1
        else:
            sign = " " if text.startswith(("//", "/*"), at) else "\x01"
            out.append("".join("\n" if c == "\n" else sign for c in text[at:end]))
        at = end
    return "".join(out) if depth == 0 and not templates else None


def _end_of_opaque(text: str, at: int, out: list[str]) -> int:
    """Return where a string, comment or pattern that begins here ends; ``at`` for code, -1 if nowhere."""
    char = text[at]
    if char in "\"'":
        return _end_of_string(text, at)
    if char != "/":
        return at
    if text.startswith("//", at):
        end = text.find("\n", at)
        return len(text) if end < 0 else end
    if text.startswith("/*", at):
        end = text.find("*/", at + 2)
        return end + 2 if end >= 0 else -1
    return _end_of_pattern(text, at) if _may_be_pattern(out) else at


def _end_of_string(text: str, at: int) -> int:
    quote = text[at]
    at += 1
    while at < len(text) and text[at] != "\n":
        if text[at] == quote:
            return at + 1
        at += 2 if text[at] == "\\" else 1
    return at  # an apostrophe in JSX text, most likely: it ends with its line


def _end_of_template(text: str, at: int) -> tuple[int, bool]:
    """Return where a template's text ends, and whether a ``${`` begins there."""
    while at < len(text):
        if text[at] == "`":
            return at + 1, False
        if text.startswith("${", at):
            return at + 2, True
        at += 2 if text[at] == "\\" else 1
    return -1, False


def _may_be_pattern(out: list[str]) -> bool:
    """Return whether a slash here begins a regular expression: it does where no value stands before."""
    tail = "".join(out[-24:])[-80:].rstrip()
    if not tail or tail[-1] in "(,=:[!&|?{};+-*%~^":
        return True
    word = re.search(rf"{_NAME}\Z", tail)
    return word is not None and word[0] in _VALUE_WORDS


def _end_of_pattern(text: str, at: int) -> int:
    start = at
    in_class = False
    at += 1
    while at < len(text) and text[at] != "\n":
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "[":
            in_class = True
        elif char == "]":
            in_class = False
        elif char == "/" and not in_class:
            return at + 1
        at += 1
    return start + 1  # a division after all


def _statements(code: str, *, imports: bool = False) -> list[int]:
    """Return where statements with exports (and imports) begin, outside all brackets."""
    found: list[int] = []
    depth = 0
    for match in _WORDS.finditer(code):
        word = match[0]
        if word in "{[(":
            depth += 1
        elif word in "}])":
            depth -= 1
        elif word == "import" and (not imports or code.startswith("(", match.end())):
            continue
        elif depth == 0 and _begins_statement(code, match.start()):
            found.append(match.start())
    return found


def _begins_statement(code: str, at: int) -> bool:
    """Return whether nothing but white space, or the end of a statement, stands before."""
    line = code[max(0, code.rfind("\n", 0, at) + 1, at - _LONGEST_HEAD) : at].rstrip()
    return not line or line[-1] in ";}"


def _exported(code: str, text: str, at: int) -> set[str]:
    """Return what the statement at this place exports."""
    if _DEFAULT.match(code, at):
        return {"default"}
    if _ASSIGN.match(code, at):
        return {"export ="}
    declared = _DECLARED.match(code, at)
    if declared is not None:
        return _declared(declared, code[declared.end() : at + _LONGEST_STATEMENT])
    braces = _BRACES.match(code, at)
    if braces is not None:
        return _listed(braces[1], text[braces.start(1) : braces.end(1)])
    star = _STAR.match(code, at)
    if star is not None:
        module = _SOURCE.match(text, star.end())
        return {star[1] or f"* from {module[1] if module else '?'}"}
    return _exported_pattern(code, at)


def _declared(declared: re.Match[str], rest: str) -> set[str]:
    kind = " ".join(declared[1].replace("*", "").split())
    if kind == "function":
        return {f"function {declared[2]}({_parameter_list(rest)})"}
    more = _further(rest) if kind in {"const", "let", "var"} else []
    return {f"{kind} {name}" for name in [declared[2], *more]}


def _exported_pattern(code: str, at: int) -> set[str]:
    """Return the names of a destructuring export, or of CommonJS exports."""
    head = code[at : at + _LONGEST_STATEMENT]
    pattern = _PATTERN.match(head)
    if pattern is not None:
        end = _closing(head, pattern.start(1))
        return {f"const {name}" for name in _bound(head[pattern.start(1) + 1 : end])}
    named = _COMMON_JS.match(head)
    if named is not None:
        return {named[1]}
    whole = _COMMON_JS_WHOLE.match(head)
    if whole is None:
        return set()
    if whole[1] is None:
        return {"default"}
    inside = head[whole.end() : _closing(head, whole.end() - 1)]
    return {name for part in _parts(inside) if (name := _first_name(part))} or {"default"}


def _listed(code: str, text: str) -> set[str]:
    """Return the outer names of ``{a, b as c, type D}``; a string as a name keeps its words."""
    names: set[str] = set()
    for part in (text if "\x01" in code else code).split(","):
        words = part.split()
        if words:
            names.add(words[-1].strip("\"'"))
    return names


def _further(rest: str) -> list[str]:
    """Return the other names of ``const a = 1, b = 2``, where they are on the same statement."""
    names: list[str] = []
    depth = 0
    for at, char in enumerate(rest):
        if char in "{[(<":
            depth += 1
        elif char in "}])" or (char == ">" and rest[at - 1] != "="):
            depth -= 1
        elif (char == ";" and depth <= 0) or (
            char == "\n" and depth <= 0 and not rest[:at].rstrip().endswith((",", "="))
        ):
            break
        elif char == "," and depth <= 0:
            more = _MORE_NAMES.match(rest, at)
            if more is not None:
                names.append(more[1])
    return names


def _closing(code: str, at: int) -> int:
    """Return the index of the bracket that closes the one at ``at``; the end if there is none."""
    depth = 0
    for i in range(at, len(code)):
        if code[i] in "{[(":
            depth += 1
        elif code[i] in "}])":
            depth -= 1
            if depth == 0:
                return i
    return len(code)


def _parts(code: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts: list[str] = []
    depth = start = 0
    for at, char in enumerate(code):
        if char in "{[(":
            depth += 1
        elif char in "}])":
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(code[start:at])
            start = at + 1
    return [part for part in [*parts, code[start:]] if part.strip()]


def _first_name(part: str) -> str:
    match = re.match(rf"\s*(?:\.\.\.)?\s*(?:async\s+|get\s+|set\s+)?\*?\s*({_NAME})", part)
    return match[1] if match is not None else ""


def _bound(code: str) -> list[str]:
    """Return the names that a destructuring pattern binds."""
    names: list[str] = []
    for part in _parts(code):
        target = part.split(":", 1)[-1].strip()
        if target[:1] in "{[":
            names += _bound(target[1 : _closing(target, 0)])
        else:
            names.append(_first_name(target))
    return [name for name in names if name]


def _parameter_list(head: str) -> str:
    """Return parameter names, ``?`` where they may be left out; types and defaults are not shown."""
    start = head.find("(")
    if start < 0:
        return ""
    shown: list[str] = []
    for part in _parts(head[start + 1 : _closing(head, start)].replace("=>", "  ")):
        match = re.match(rf"\s*(\.\.\.)?\s*({_NAME})\s*(\?)?", part)
        rest = "…?" if "=" in part else "…"
        if match is None:
            shown.append(rest)
        else:
            optional = "?" if match[3] or "=" in part else ""
            shown.append(f"{match[1] or ''}{match[2]}{optional}")
    return ", ".join(shown)


def _goes_on(code: str, at: int, end: int) -> bool:
    """Return whether the statement from ``at`` cannot be over at this line end."""
    after = code[end : end + _LONGEST_HEAD].lstrip()
    return code[at:end].rstrip().endswith(("=", "|", "&", ",", ":", "=>")) or after[:1] in set("|&?:=")


def _head(code: str, text: str, at: int) -> str:
    """Return a declaration up to its body, on one line; an interface's or type's body belongs to it."""
    end = at
    depth = 0
    is_shape = _SHAPE.match(code, at)
    limit = min(len(code), at + 10 * _LONGEST_HEAD)
    while end < limit:
        char = code[end]
        if char == "{" and depth == 0 and is_shape is None:
            break
        if char in "{[(":
            depth += 1
        elif char in "}])":
            depth -= 1
        elif depth == 0 and (char == ";" or (char == "\n" and not _goes_on(code, at, end))):
            break
        end += 1
    words = " ".join(text[at:end].split())
    return words if len(words) <= _LONGEST_HEAD or is_shape is not None else words[:_LONGEST_HEAD] + " …"
