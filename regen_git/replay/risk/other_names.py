"""What sources in other languages hold that others may rely on: by patterns, so less of it than elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.replay.risk.literals import environment, flag, in_string, number
from regen_git.replay.risk.script_names import Lines
from regen_git.replay.risk.values import Known

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CODE_ENDINGS", "in_other"]

_NAMES: dict[str, str] = {
    ".go": r"^(?:func\s+(?:\([^)\n]*\)\s*)?|type\s+)([A-Z]\w*)",
    ".rs": r"^[ \t]*pub\s+(?:async\s+|unsafe\s+|const\s+)*(?:fn|struct|enum|trait|type|mod|static)\s+(\w+)",
    ".java": r"^[ \t]*public\s+(?:(?:static|final|abstract)\s+)*(?:[\w<>\[\], ?.]{1,99}\s)?(\w+)\s?[({<]",
    ".kt": r"^[ \t]*(?:(?:public|open|data|suspend|override)\s+)*(?:fun|class|interface|object)\s+(\w+)",
    ".cs": r"^[ \t]*public\s+(?:(?:static|async|virtual|sealed)\s+)*(?:[\w<>\[\], ?.]{1,99}\s)?(\w+)\s?[({<]",
    ".rb": r"^[ \t]*(?:def\s+(?:self\.)?|class\s+|module\s+)([A-Za-z]\w*[?!]?)",
    ".php": r"^[ \t]*(?:(?:public|static|abstract|final)\s+)*(?:function|class|interface)\s+([A-Za-z]\w*)",
    ".swift": r"^[ \t]*(?:public|open)\s+(?:func|class|struct|enum|protocol)\s+(\w+)",
    ".sh": r"^(?:function\s+)?([a-z]\w*)\s*\(\)\s*\{",
}
"""How a public name is declared, by the file's ending; the group is the name."""

_QUIET = (
    ".c",
    ".h",
    ".cc",
    ".cpp",
    ".hpp",
    ".bash",
    ".zsh",
    ".fish",
    ".lua",
    ".ex",
    ".exs",
    ".scala",
    ".dart",
)
_PAGES = (
    ".vue",
    ".svelte",
    ".html",
    ".htm",
    ".sql",
    ".pl",
    ".r",
    ".jl",
    ".nix",
    ".vim",
    ".el",
    ".clj",
    ".hs",
)
CODE_ENDINGS = (*_NAMES, *_QUIET, *_PAGES)
"""Endings of files that are read as code by patterns."""

_STRING = re.compile(r"\"((?:\\.|[^\"\\\n]){2,300})\"|'((?:\\.|[^'\\\n]){2,300})'|`([^`]{2,4000})`")
_ENVIRONMENT = re.compile(
    r"(?:[Gg]etenv|LookupEnv|env::var(?:_os)?|ENV\.fetch|GetEnvironmentVariable|\benv!)\(\s*[\"']([A-Z][A-Z0-9_]+)"
    r"|\bENV\[[\"']([A-Z][A-Z0-9_]+)|\$\{([A-Z][A-Z0-9_]+):?[-=]"
)
_GO_FLAG = re.compile(
    r"(?:\bflag\.\w+\(|\bFlags\(\)\.\w+\()\s*(?:&[\w.]+,\s*)?\"([A-Za-z][\w-]*)\"|clap\([^)]*\blong\s*=\s*\"([\w-]+)\""
)
_SHELL_FLAG = re.compile(
    r"^[ \t]*(?:-\w\s*\|\s*)?(--[a-z][\w-]*)(?:=\*)?(?:\s*\|\s*-{1,2}[\w-]+)*\)", re.MULTILINE
)
_CONSTANT = re.compile(
    r"^[ \t]*(?:(?:pub|public|private|static|final|export)\s+)*(?:const|#define|int|long|readonly)\s+"
    r"([A-Za-z_]\w{0,80})(?: ?: ?[\w<>]{1,40}| [\w.]{1,40})?[ \t]{0,40}=?[ \t]{0,40}(\d[\d_]*(?:\.\d+)?)"
    r"[ \t]*;?[ \t]*(?://.*|/\*.*)?$",
    re.MULTILINE,
)
_LINE_COMMENT = re.compile(r"^[ \t]*(?://|#(?!define)|--(?!\w)|\*|;;).*$", re.MULTILINE)


def in_other(path: str, text: str) -> list[Known]:
    """Return what a file holds, as far as patterns tell, each once."""
    code = _LINE_COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    found = list(_all(path, code))
    return list({(one.what, one.name): one for one in reversed(found)}.values())


def _all(path: str, code: str) -> Iterator[Known]:
    lines = Lines(code)
    ending = path[path.rfind(".") :].lower() if "." in path.rpartition("/")[2] else ".sh"
    names = _NAMES.get(ending)
    for match in re.finditer(names, code, re.MULTILINE) if names else ():
        if match[1] not in ("main", "init", "new", "String", "Error"):
            yield Known("name", match[1], lines.at(match.start(1)), (match[1],), is_name=True)
    for match in _ENVIRONMENT.finditer(code):
        yield from environment(match[1] or match[2] or match[3], lines.at(match.start()))
    for match in _GO_FLAG.finditer(code):
        yield from flag(f"--{match[1] or match[2]}", lines.at(match.start()))
    for match in _SHELL_FLAG.finditer(code):
        yield from flag(match[1], lines.at(match.start(1)))
    for match in _CONSTANT.finditer(code):
        value = float(match[2].replace("_", ""))
        if value not in (0, 1):
            amount = int(value) if value == int(value) else value
            yield number(match[1], amount, f"{match[1]} = {match[2]}", lines.at(match.start(1)))
    for match in _STRING.finditer(code):
        inner = match[1] or match[2] or match[3]
        yield from in_string(inner, lines.at(match.start()))
    if ending == ".sql":
        yield from in_string(code, 1)
