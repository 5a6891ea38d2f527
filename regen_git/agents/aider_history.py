"""aider's history files: what was typed in a chat, and which edits and commits followed.

Source: the files that aider 0.86 writes. The chat history has what was typed as headings, with ``####``, and
what aider did as quotes; the input history has when something was typed.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from regen_git.agents.jsonl import read_end
from regen_git.domain.ids import derived_intent_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Ask", "Chat", "chat_at", "chats_in", "last_chat", "parse_chat", "utc"]

_BLOCK = 1 << 18
_LINE = 64  # bytes; a header is shorter
_HEADER = re.compile(rb"^# aider chat started at \d", re.MULTILINE)
_STARTED = re.compile(r"\s*# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_ENTERED = re.compile(r"^# (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[.\d]*\n((?:\+.*(?:\n|\Z))+)", re.MULTILINE)
_BRACE = re.compile(r"\{(\w*)")
_TOLD = re.compile(
    r"> (?:Applied edit to (?P<edit>.+)|Commit (?P<commit>[0-9a-f]{7,64}) .*"
    r"|Removed: (?P<removed>[0-9a-f]{7,64}) .*"
    r"|(?:Main m|M)odel: (?P<model>\S+) with .*|Aider v(?P<version>\S+))  "
)
# These hand the rest of their line to the model. Any other is a prompt only if files are written on it.
_MODES = ("/ask", "/code", "/architect", "/context")
_SHORTEST = 2  # aider takes the beginning of a command for the whole where only one begins so


class Ask(NamedTuple):
    """A prompt and what came of it; paths as aider wrote them. ``key`` is the same whenever it is read."""

    key: str
    text: str
    at: str
    edits: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    model: str | None = None


class Chat(NamedTuple):
    """One chat, without what was undone.

    ``pending`` are places in ``asks``, each with a path that was written there and is in no commit yet.
    ``since`` is the first place after the last commit.
    """

    started: str
    version: str | None
    asks: tuple[Ask, ...]
    pending: tuple[tuple[int, str], ...]
    since: int


def chats_in(path: str) -> list[int]:
    """Return where the chats of a history file begin, in order; none if it is not there."""
    try:
        if not os.path.isfile(path):  # noqa: PTH113 - imported on the capture path
            # Whoever wrote the repository may have made it a link to a device, which never ends.
            return []
        with open(path, "rb") as file:  # noqa: PTH123 - imported on the capture path
            return [found.start() for found in _HEADER.finditer(file.read())]
    except OSError:
        return []


def chat_at(path: str, place: int, entered: str) -> Chat | None:
    """Return the chat that begins at this place; ``entered`` is the input history. Raises ``OSError``."""
    data = bytearray()
    with open(path, "rb") as file:  # noqa: PTH123 - imported on the capture path
        file.seek(place)
        while True:
            more = file.read(_BLOCK)
            data += more
            after = _HEADER.search(data, max(1, len(data) - len(more) - _LINE))
            if not more or (after and after.start() + _LINE <= len(data)):
                break
    end = after.start() if after else len(data)
    until = _STARTED.match(_text(data[end : end + _LINE]))
    return parse_chat(_text(data[:end]), _entered(entered), until[1] if until else "")


def last_chat(path: str, entered: str) -> Chat | None:
    """Return the chat that is going on. Long files are read from their ends, as far as that needs."""
    for limit in (_BLOCK, 64 * _BLOCK, 1 << 31):
        data = read_end(path, limit)
        headers = list(_HEADER.finditer(data))
        if headers:
            text = _text(data[headers[-1].start() :])
            started = _STARTED.match(text)
            return parse_chat(text, _entered_since(entered, started[1])) if started else None
    return None


def _entered_since(path: str, started: str) -> Sequence[tuple[str, str]]:
    """Return at least what was entered since this time."""
    for limit in (_BLOCK // 4, 64 * _BLOCK):
        data = read_end(path, limit)
        found = _entries(_text(data))
        if len(data) < limit // 2 or (found and found[0][0] < started):
            break
    return found


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _entered(path: str) -> Sequence[tuple[str, str]]:
    """Return all that was entered; kept while one chat after the other is read."""
    try:
        return _entries_at(path, os.stat(path).st_mtime_ns)  # noqa: PTH116 - imported on the capture path
    except OSError:
        return []


@lru_cache(maxsize=1)
def _entries_at(path: str, changed: int) -> Sequence[tuple[str, str]]:
    del changed  # it tells one state of the file from the next
    return _entries(_text(read_end(path, 1 << 31)))


def _entries(text: str) -> Sequence[tuple[str, str]]:
    """Return what was entered at aider's prompt, each with its time, local as aider writes it.

    A prompt between ``{`` and ``}`` is one entry a line in the file, and here one more as a whole.
    """
    found: list[tuple[str, str]] = []
    braced: list[str] = []
    end = ""
    for match in _ENTERED.finditer(text):
        line = "\n".join(line[1:] for line in match[2].split("\n") if line)
        found.append((match[1], line))
        brace = _BRACE.fullmatch(line)
        if end and line == end:
            found.append((match[1], "\n".join(braced)))
            end = ""
        elif brace:
            braced, end = [], brace[1] + "}"
        else:
            braced.append(line)
    return found


def parse_chat(text: str, entered: Sequence[tuple[str, str]] = (), until: str = "") -> Chat | None:
    """Read one chat, from its header on; ``None`` if it does not begin with one.

    ``entered`` is what was typed at the prompt, and when. Where that is known for the time of this chat, up
    to that of the next (``until``), a heading in an answer that looks like a prompt is told from one; the
    first of a chat may come from a file of the person.
    """
    found = _STARTED.match(text)
    if not found:
        return None
    mine = [(at, entry) for at, entry in entered if at >= found[1] and (not until or at < until)]
    reader = _Reader(found[1], mine)
    lines = text[found.end() :].split("\n")
    for block in _blocks(lines):
        if isinstance(block, str):
            reader.told(block)
        else:
            reader.asked("\n".join(block).strip("\n"))
    return reader.finish()


def _blocks(lines: Sequence[str]) -> Iterator[str | list[str]]:
    """Yield what was typed as lists of lines, and each line that aider told as itself."""
    block: list[str] = []
    before = ""
    for line in [*lines, ""]:
        if line.startswith("####") and line.endswith("  ") and (block or not before.strip()):
            block.append(line[4:-2].removeprefix(" "))
        elif block:
            yield block
            block = []
        if line.startswith("> "):
            yield line
        before = line


class _Reader:
    """Takes what was typed and told in one chat, in order."""

    def __init__(self, started: str, entered: Sequence[tuple[str, str]]) -> None:
        self.started = started
        self.entered = [(at, _plain(text)) for at, text in entered]
        self.is_known = bool(entered)
        self.version: str | None = None
        self.model: str | None = None
        self.asks: list[Ask] = []
        self.undone: set[int] = set()
        self.pending: list[tuple[int, str]] = []
        self.since = 0
        self.count = 0
        self.again = ""
        self.command: Ask | None = None

    def asked(self, text: str) -> None:
        """Take a block of typed lines."""
        self.count += 1
        again, self.again, self.command = self.again, "", None
        if text == "<blank>" or not text.strip() or _plain(text) == again:
            return
        at = self._time(text)
        if at is None:
            return
        key = derived_intent_id("aider", self.started, str(self.count), text)
        ask = Ask(key, text, utc(at), model=self.model)
        name, *rest = text.split(None, 1)
        if rest and len(name) > _SHORTEST and sum(mode.startswith(name) for mode in _MODES) == 1:
            # aider writes such a line once more without the command.
            self.again = _plain(rest[0])
            self.asks.append(ask)
        elif name.startswith(("/", "!")):
            self.command = ask
        else:
            self.asks.append(ask)

    def told(self, line: str) -> None:
        """Take a line that aider wrote about what it did."""
        found = _TOLD.fullmatch(line)
        if not found:
            return
        if found["edit"]:
            self._edited(found["edit"])
        elif found["commit"]:
            self._committed(found["commit"])
        elif found["removed"]:
            self._undone(found["removed"])
        else:
            self.model = found["model"] or self.model
            self.version = found["version"] or self.version

    def finish(self) -> Chat:
        """Return the chat as it stands."""
        kept = [place for place in range(len(self.asks)) if place not in self.undone]
        now = {place: index for index, place in enumerate(kept)}
        return Chat(
            self.started,
            self.version,
            tuple(self.asks[place] for place in kept),
            tuple((now[place], path) for place, path in self.pending if place in now),
            sum(place < self.since for place in kept),
        )

    def _time(self, text: str) -> str | None:
        """Return when this was entered, as aider writes times; ``None`` if it was not."""
        wanted = _plain(text)
        for place, (at, entry) in enumerate(self.entered):
            if entry == wanted:
                del self.entered[: place + 1]
                return at
        return self.started if self.count == 1 or not self.is_known else None

    def _edited(self, path: str) -> None:
        if self.command is not None:
            self.asks.append(self.command)
            self.command = None
        if self.asks:
            last = self.asks[-1]
            self.asks[-1] = last._replace(edits=tuple(dict.fromkeys((*last.edits, path))))
            self.pending.append((len(self.asks) - 1, path))

    def _committed(self, commit: str) -> None:
        # Before it edits, aider commits what the person had changed: that comes from no prompt.
        for place in dict.fromkeys(place for place, _ in self.pending):
            ask = self.asks[place]
            self.asks[place] = ask._replace(commits=(*ask.commits, commit))
            self.since = place + 1
        self.pending = []

    def _undone(self, commit: str) -> None:
        for place, ask in enumerate(self.asks):
            commits = tuple(one for one in ask.commits if not one.startswith(commit))
            if commits != ask.commits:
                self.asks[place] = ask._replace(commits=commits)
                if not commits:
                    self.undone.add(place)


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def utc(local: str) -> str:
    """Return a time of this machine's zone, ``2026-11-22 14:44:11``, as RFC 3339 in UTC."""
    import time

    parts = [int(part) for part in re.findall(r"\d+", local)[:6]]
    try:
        seconds = time.mktime((*parts[:6], 0, 0, -1))  # type: ignore[arg-type]
    except (OverflowError, ValueError, TypeError):
        return ""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
