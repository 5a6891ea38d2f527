"""What a string in source tells others: addresses, files, tables, keys of storage. For every language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.replay.risk.values import Known

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ORDINARY_ENVIRONMENT",
    "SMALL_NUMBERS",
    "environment",
    "flag",
    "in_string",
    "number",
    "route",
    "short",
]

_URL = re.compile(
    r"(?:https?|wss?|redis|postgres(?:ql)?|mysql|mongodb(?:\+srv)?|amqp|ftp)://[^\s\"'<>]{3,300}"
)
_DULL_URL = re.compile(
    r"https?://(?:localhost|127\.|0\.0\.0\.0|example\.|[\w.-]*\.example\b|\w+\.w3\.org|schemas\.|[{$%*])"
)
_ENDINGS = (
    "json|jsonl|ndjson|ya?ml|toml|db|sqlite3?|csv|tsv|ini|cfg|conf|txt|log|xml|html?|md|pkl|pickle|parquet|bin|dat"
    "|lock|pid|sock|bak|gz|zip|tar|tgz|pem|key|env|npz|npy|h5|ics|pdf|png|svg|xlsx?|docx?|plist|proto|sql"
)
_FILE = re.compile(rf"(?:~?/|\./|\.\./)?(?:[\w.@~{{}}%*+-]+/)*[\w.@{{}}%*+-]*\.(?:{_ENDINGS})", re.IGNORECASE)
_ROUTE = re.compile(r"/(?:\.well-known/)?[\w.:*{}<>\[\]-]+(?:/[\w.:*{}<>\[\]-]+)*/?")
_MACHINE = ("/dev/", "/proc/", "/usr/", "/tmp", "/etc/", "/bin/", "/var/", "/home/", "/opt/", "/sys/")  # noqa: S108 - told apart
_TABLE = re.compile(
    r"\bCREATE\s+(?:TEMP(?:ORARY)?\s+)?(?:VIRTUAL\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"'`\[]?(\w+)",
    re.IGNORECASE,
)
_USED_TABLE = re.compile(
    r"^\s*(?:SELECT\b.{1,400}?\bFROM|INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM|ALTER\s+TABLE|DROP\s+TABLE"
    r"(?:\s+IF\s+EXISTS)?)\s+[\"'`\[]?([A-Za-z_]\w*)",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = re.compile(
    r"(?:^|,|\()\s*[\"'`\[]?([A-Za-z_]\w*)[\"'`\]]?\s+(?:INTEGER|INT|BIGINT|SMALLINT|SERIAL|TEXT|VARCHAR|CHAR|REAL|FLOAT"
    r"|DOUBLE|NUMERIC|DECIMAL|BLOB|BOOL|BOOLEAN|DATE|DATETIME|TIMESTAMP|JSONB?|UUID|BYTEA)\b",
    re.IGNORECASE,
)
_PRAGMA = re.compile(r"\bPRAGMA\s+(user_version|application_id)\s*=\s*(\w+)", re.IGNORECASE)
_STORAGE_KEY = re.compile(r"([a-z][\w-]{1,40}(?::[\w-]{1,40})*):(?=\$\{|$)")

ORDINARY_ENVIRONMENT = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "SHELL",
        "TERM",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "TMP",
        "TEMP",
        "PWD",
        "EDITOR",
        "VISUAL",
        "PAGER",
        "NO_COLOR",
        "CI",
        "TZ",
        "DISPLAY",
        "PYTHONPATH",
        "NODE_ENV",
        "HOSTNAME",
        "LOGNAME",
        "COLUMNS",
        "LINES",
        "USERPROFILE",
        "APPDATA",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
    ]
)
"""Variables that every system sets, and everybody knows."""

_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9_]{2,60}")
_LONGEST = 64
_SHORTEST_SQL = 10
_SHORTEST_ROUTE = 3
_LONGEST_FILE = 200
SMALL_NUMBERS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
"""Numbers as people write them."""


def short(text: str) -> str:
    """Return a text on one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def environment(name: str, line: int) -> Iterator[Known]:
    """Tell of an environment variable, unless every machine has it."""
    if _ENVIRONMENT.fullmatch(name) and name not in ORDINARY_ENVIRONMENT:
        yield Known("environment variable", name, line, (name,))


def flag(words: str, line: int) -> Iterator[Known]:
    """Tell of an option as parsers declare it: ``--name``, ``-n, --name <value>``, ``--on/--off``."""
    for match in re.finditer(r"(?<![\w-])--([A-Za-z][\w-]*)", words):
        if match[1] not in ("help", "version"):
            yield Known("flag", f"--{match[1]}", line, (match[1], match[1].removeprefix("no-")))
            return


def number(name: str, value: float, shown: str, line: int) -> Known:
    """Tell of a constant. A number of one digit is so common that only who asked can have meant it."""
    digits = f"{value:g}" if isinstance(value, float) and abs(value) < 1e15 else str(value)  # noqa: PLR2004 - exact so far
    if value == int(value) and abs(value) < len(SMALL_NUMBERS):
        return Known("constant", shown, line, (name,), (str(int(value)), SMALL_NUMBERS[abs(int(value))]))
    return Known("constant", shown, line, (name, digits))


def route(text: str, line: int) -> Iterator[Known]:
    """Tell of a path that others call."""
    if (
        len(text) >= _SHORTEST_ROUTE
        and _ROUTE.fullmatch(text)
        and not text.startswith(_MACHINE)
        and not _FILE.fullmatch(text)
    ):
        yield Known("endpoint", text, line, (re.sub(r"[:{<]\w+[}>]?", "", text) or text, text))


def in_string(text: str, line: int, *, is_open: bool = False) -> Iterator[Known]:
    """Tell what a string says by its form. ``is_open``: something is put in after it, as in a template."""
    if "://" in text:
        url = _URL.search(text)
        if url is not None and not _DULL_URL.match(url[0]):
            bare = url[0].rstrip(".,;:)/")
            yield Known("URL", short(bare), line, (bare, bare.partition("://")[2]))
        return
    if len(text) <= _LONGEST_FILE and "." in text and _FILE.fullmatch(text):
        bare = text.rpartition("/")[2]
        yield Known("file", short(text), line, (text, bare))
        return
    if is_open and (key := _STORAGE_KEY.fullmatch(text)):
        yield Known("storage key", f"{key[1]}:…", line, (f"{key[1]}:",))
        return
    if len(text) > _SHORTEST_SQL:
        yield from _sql(text, line)


def _sql(text: str, line: int) -> Iterator[Known]:
    made = _TABLE.search(text)
    if made is not None:
        for table in _TABLE.finditer(text):
            at = line + text.count("\n", 0, table.start())
            yield Known("table", table[1], at, (table[1],))
        for column in _COLUMN.finditer(text, made.end()):
            at = line + text.count("\n", 0, column.start(1))
            yield Known("column", column[1], at, (column[1],))
    elif (used := _USED_TABLE.match(text)) and used[1].upper() not in ("THE", "A", "SET", "ALL"):
        yield Known("table", used[1], line, (used[1],))
    for pragma in _PRAGMA.finditer(text):
        yield Known("format version", pragma[0], line, (pragma[0],))
