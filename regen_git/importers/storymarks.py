"""Read the Markdown of SpecStory: who said what, when, and which files were written for it.

Roles stand on lines of their own between underscores and asterisks; ``---`` separates some of them and
occurs in texts too. Tools of v2 are wrapped in ``tool-use``, those of v1 in fences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from regen_git.agents.turns import commits_in

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Done", "Said", "Story", "done_in", "read_story"]

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T_](\d\d)[:-](\d\d)(?:[:-](\d\d)(?:\.\d+)?)?(?:(Z)|([+-]\d\d):?(\d\d))?"
)
_SESSION = re.compile(r"<!-- (?P<provider>[^<>\n]{1,60}?) Session (?P<id>\S+)(?: \((?P<at>[^)\n]*)\))? -->")
_TITLE = re.compile(r"^# .*$", re.MULTILINE)
_ROLE = re.compile(r"_\*\*(User|Agent|Assistant)((?: - sidechain)?(?: \([^()\n]*\)){0,2})\*\*_\s*")
_MODEL = re.compile(r"\((?:model )?([^\s(),]+)")
_FENCE = re.compile(r"\s*(`{3,})[^`]*")
_TOOL = re.compile(r'^<tool-use data-tool-type="([^"\n]*)"[^>\n]*>', re.MULTILINE)
_TOOL_ENDS = re.compile(r"</tool-use>[ \t]*$", re.MULTILINE)
_OLD_TOOL = "Tool use: **"
_WROTE = (
    re.compile(r"(?:Edit|Create|Write|New|Delete) file: `?([^`<\n]+?)`?[ \t]*(?:</summary>|$)", re.MULTILINE),
    re.compile(r"^Path: `([^`\n]+)`", re.MULTILINE),
    re.compile(r"^\*\*(?:Add|Update|Delete): `([^`\n]+)`\*\*", re.MULTILINE),
    re.compile(r"^The file (.+?) has been (?:updated|created|overwritten)", re.MULTILINE),
    re.compile(r"^File created successfully at: (.+?)(?: \(file state.*)?$", re.MULTILINE),
    re.compile(r"^<summary>Tool use: \*\*\w+\*\* `([^`\n]+)`</summary>$", re.MULTILINE),
    re.compile(r"^[ \t]*`([^`\n]+)`[ \t]*$", re.MULTILINE),
)
_OLD_WRITE = re.compile(r"Tool use: \*\*(?:\w*[Ee]dit\w*|\w*[Ww]rite\w*)\*\*")
_FAILED = re.compile(r"^(?:Output: |Result: )?(?:\*\*)?Error\b", re.MULTILINE)


@dataclass(slots=True)
class Said:
    """What stands below one role; ``at`` is RFC 3339 in UTC, or empty. ``is_side``: a subagent's talk."""

    is_user: bool
    is_side: bool
    at: str
    model: str | None
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text without what separates it from the next role."""
        text = "\n".join(self.lines).rstrip()
        if text == "---" or text.endswith("\n---"):
            text = text[:-3].rstrip()
        return text.strip("\n")


@dataclass(frozen=True, slots=True)
class Done:
    """What an agent's tools did: the paths they wrote, as these stand there, and short ids of commits."""

    wrote: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()


def done_in(text: str) -> Done | None:
    """Return what the tools in an agent's text did; ``None`` when no tool speaks there."""
    is_old = text.startswith(_OLD_TOOL)
    if not is_old and "<tool-use " not in text:
        return None
    tools = [("write" if _OLD_WRITE.match(text) else "shell", text)] if is_old else list(_tools(text))
    wrote = [
        path.strip()
        for kind, body in tools
        if kind == "write" and not _FAILED.search(body)
        for pattern in _WROTE
        for path in pattern.findall(body)
    ]
    commits = [sha for kind, body in tools if kind == "shell" for sha in commits_in(body, body)]
    return Done(tuple(dict.fromkeys(wrote)), tuple(dict.fromkeys(commits)))


def _tools(text: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each tool that ends. Linear, also where many begin and none ends."""
    at = 0
    while (begins := _TOOL.search(text, at)) and (ends := _TOOL_ENDS.search(text, begins.end())):
        yield begins[1], text[begins.end() : ends.start()]
        at = ends.end()


@dataclass(slots=True)
class Story:
    """One file. ``provider`` is the agent's name as SpecStory has it; empty in the oldest files."""

    provider: str
    session: str
    started: str
    said: list[Said]


def read_story(text: str, name: str) -> Story:
    """Read one file; ``name`` stands for the session's id and the time, where the file has none."""
    head = text[:4096]
    named = _SESSION.search(head)
    title = _TITLE.search(head)
    times = (named["at"] if named else "", title[0] if title else "", name)
    started = next((at for given in times if (at := _rfc3339(given or ""))), "")
    return Story(
        named["provider"] if named else "", named["id"] if named else name, started, list(_roles(text))
    )


def _roles(text: str) -> Iterator[Said]:
    """Yield what each role said, in order. What looks like a role within a tool's output is none."""
    current: Said | None = None
    block = _Block()
    is_timed: bool | None = None
    for line in text.split("\n"):
        said = _said(line) if line.startswith("_**") else None
        if said is not None and said.is_user:
            is_timed = bool(said.at) if is_timed is None else is_timed
            said = said if said.at or not is_timed else None
        # A tool that nothing ends is over where the talk goes on; what it shows of other talks is older.
        if said is not None and block.is_open and not (current and said.at >= current.at > ""):
            said = None
        if said is None:
            block.take(line)
            if current is not None:
                current.lines.append(line)
            continue
        if current is not None:
            yield current
        block = _Block()
        # The program gives no time to a role that goes on.
        said.at = said.at or (current.at if current is not None and not said.is_user else "")
        current = said
    if current is not None:
        yield current


class _Block:
    """Knows whether a line stands in the output of a tool."""

    def __init__(self) -> None:
        self._in_tool = False
        self._has_fences = False
        self._fence = ""

    @property
    def is_open(self) -> bool:
        """Whether the next line still belongs to a tool."""
        return self._in_tool or bool(self._fence)

    def take(self, line: str) -> None:
        """Go on by one line."""
        if self._fence:
            mark = line.strip()
            if len(mark) >= len(self._fence) and not mark.strip("`"):
                self._fence = ""
            return
        if line.startswith(("<tool-use ", _OLD_TOOL)):
            self._in_tool = line.startswith("<tool-use ")
            self._has_fences = True
        elif not self._has_fences:
            return
        elif found := _FENCE.fullmatch(line):
            self._fence = found[1]
        if line.rstrip().endswith("</tool-use>"):
            self._in_tool = self._has_fences = False


def _said(line: str) -> Said | None:
    found = _ROLE.fullmatch(line)
    if found is None:
        return None
    facts = found[2]
    model = _MODEL.search(_TIME.sub("", facts).replace(" - sidechain", "").replace("(sidechain)", ""))
    name = model[1] if model and model[1] != "<synthetic>" else None
    return Said(found[1] == "User", "sidechain" in facts, _rfc3339(facts), name)


def _rfc3339(text: str) -> str:
    """Return the first time in a text as RFC 3339 in UTC; one without a zone is of this machine's."""
    found = _TIME.search(text)
    if found is None:
        return ""
    day, hour, minute, second, zulu, hours, minutes = found.groups()
    zone = "+00:00" if zulu else f"{hours}:{minutes}" if hours else ""
    try:
        at = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second or '00'}{zone}")
        return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return ""
