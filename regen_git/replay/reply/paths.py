"""Paths in replies: how they are written down, and which are refused.

Source: git-config(1), core.quotePath, for the quoting; git's ``verify_path`` for what may not enter a tree.
"""

from __future__ import annotations

import re

__all__ = ["FLAGS", "looks_like_path", "path_problem", "quote", "show", "unquote"]

FLAGS = frozenset({"EOL", "NOEOL", "EXEC", "NOEXEC", "WHOLE"})
"""Words that may follow a path on a FILE line."""

_PLAIN = re.compile(r"[\w.@+%=,-][\w./@+%=,~-]*")
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 34: '"', 92: "\\"}
_UNESCAPES = {letter: bytes([code]) for code, letter in _ESCAPES.items()}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\([0-3][0-7]{2}|.)", re.DOTALL)
_DRIVE = re.compile(r"[A-Za-z]:")
# Characters that HFS+ leaves out when it compares names. Source: git's utf8.c, next_hfs_char.
_HFS_IGNORED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
_NTFS_SHORT_GIT = re.compile(r"git~[0-9]+")
_PATH_BYTES = 4096

_EXTENSION = re.compile(r"[^/]*\.[A-Za-z_][A-Za-z0-9_+-]{0,15}")
_BARE_NAMES = frozenset(
    {
        "makefile",
        "dockerfile",
        "license",
        "readme",
        "procfile",
        "gemfile",
        "rakefile",
        "justfile",
        "codeowners",
    }
)
_PRODUCTS = frozenset(
    {
        "node.js",
        "vue.js",
        "next.js",
        "react.js",
        "express.js",
        "nuxt.js",
        "three.js",
        "d3.js",
        "asp.net",
        ".net",
    }
)


def quote(path: str) -> str:
    """Return the path as a FILE line shows it: plain, or C-quoted as git does."""
    if _PLAIN.fullmatch(path) and path.isprintable() and path.upper() not in FLAGS | {"FILE"}:
        return path
    return show(path)


def show(path: str) -> str:
    """Return the path C-quoted, whatever it holds: ASCII only."""
    shown: list[str] = []
    for byte in path.encode("utf-8", "surrogateescape"):
        if byte in _ESCAPES:
            shown.append("\\" + _ESCAPES[byte])
        elif 0x20 <= byte < 0x7F:  # noqa: PLR2004 - the printable part of ASCII
            shown.append(chr(byte))
        else:
            shown.append(f"\\{byte:03o}")
    return '"' + "".join(shown) + '"'


def unquote(text: str) -> tuple[str, str] | None:
    """Return a C-quoted path at the start of ``text`` and what follows; ``None`` if not well formed."""
    match = _QUOTED.match(text)
    if match is None:
        return None
    body = match[1]
    out = bytearray()
    at = 0
    try:
        for escape in _ESCAPE.finditer(body):
            out += body[at : escape.start()].encode("utf-8", "surrogateescape")
            code = escape[1]
            if code in _UNESCAPES:
                out += _UNESCAPES[code]
            elif len(code) > 1:
                out.append(int(code, 8))
            else:
                return None
            at = escape.end()
        out += body[at:].encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None
    return out.decode("utf-8", "surrogateescape"), text[match.end() :]


def path_problem(path: str) -> str | None:
    """Return why this path may not be written, or ``None``.

    Judged for every file system at once: a tree is checked out on machines we do not know.
    """
    reason = _whole_problem(path)
    if reason is not None:
        return reason
    for part in re.split(r"[/\\]", path):
        reason = _part_problem(part)
        if reason is not None:
            return reason
    return None


def _whole_problem(path: str) -> str | None:
    if not path:
        return "the path is empty"
    if "\0" in path:
        return "the path has a NUL byte"
    try:
        size = len(path.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "the path is not text"
    if path.startswith(("/", "\\")) or _DRIVE.match(path):
        return "the path is absolute"
    return "the path is too long" if size > _PATH_BYTES else None


def _part_problem(part: str) -> str | None:
    if not part:
        return "the path has an empty part"
    # Windows drops dots and spaces at the end of a name, and what follows a colon names a stream of the file.
    visible = part.translate(_HFS_IGNORED)
    bare = visible.split(":")[0].rstrip(". ").casefold()
    if not visible.rstrip(". "):
        return "the path has a part that names no file"
    if bare == ".git" or _NTFS_SHORT_GIT.fullmatch(bare):
        return "the path enters .git"
    return None


def looks_like_path(text: str) -> bool:
    """Return whether text without a keyword before it is likely to be a path, and not a word."""
    if not text or any(c.isspace() for c in text) or "://" in text or text.lower() in _PRODUCTS:
        return False
    name = text.rsplit("/", 1)[-1]
    return _EXTENSION.fullmatch(name) is not None or name.lower() in _BARE_NAMES
