"""Take prompts from the conversations that records of Agent Trace name, as far as they are on this machine.

Source: Agent Trace 0.1.0, and the reference implementation's file ``.agent-trace/traces.jsonl``. A record has
no prompts. It names a conversation by an address; where that is a file, it is the agent's transcript.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from regen_git.agents import ALIASES, NAMES, caller
from regen_git.agents.jsonl import read_lines
from regen_git.errors import RegenError
from regen_git.importers.history import Counts
from regen_git.importers.sessions import import_found, read_sessions, worktrees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from regen_git.git.repository import Repository

__all__ = ["import_agent_trace"]

FILE = ".agent-trace/traces.jsonl"
NOT_HERE = "its conversation is not on this machine"
NO_ADDRESS = "it names no conversation"


def import_agent_trace(
    repo: Repository,
    span: str = "HEAD",
    *,
    file: Path | None = None,
    max_count: int | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Counts:
    """Write an intent for each named session and commit that belong together; all in one batch.

    ``file`` are the records to read instead of those in the working trees. Records without a transcript that
    can be read are counted as skipped. Raises ``RegenError`` for a range that names nothing, and where there
    are no records.
    """
    tops = worktrees(repo)
    files = [file] if file is not None else [Path(top) / FILE for top in tops]
    counts = Counts()
    named: dict[tuple[str, str], None] = {}
    number = 0
    for record in (record for path in files for record in _records(path)):
        number += 1
        reason = _take(record, named)
        if reason:
            counts.skip(reason)
    if not number:
        where = str(file) if file is not None else FILE
        raise RegenError(f"no records of Agent Trace are in '{where}'", hint="name their file with '--file'")
    found = read_sessions(sorted(named), tops, counts, on_progress)
    return import_found(
        repo,
        found,
        span,
        counts=counts,
        tops=tops,
        source="Agent Trace",
        max_count=max_count,
        dry_run=dry_run,
    )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if not path.is_file():
        return
    with contextlib.suppress(OSError):
        yield from (record for record in read_lines(str(path)) if isinstance(record.get("files"), list))


def _take(record: dict[str, Any], named: dict[tuple[str, str], None]) -> str:
    """Take the transcripts that a record names; return why there is none, or nothing."""
    addresses = list(_addresses(record))
    paths = [path for address in addresses if (path := _path(address))]
    here = [path for path in paths if os.path.isfile(path)]  # noqa: PTH113 - text in, text out
    for path in here:
        agent = _agent(record, path)
        if agent in NAMES:
            named[agent, path] = None
    return "" if here else NOT_HERE if addresses else NO_ADDRESS


def _addresses(record: dict[str, Any]) -> Iterable[str]:
    for file in record["files"]:
        conversations = file.get("conversations") if isinstance(file, dict) else None
        for one in conversations if isinstance(conversations, list) else []:
            if isinstance(one, dict) and isinstance(one.get("url"), str):
                yield one["url"]


def _path(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return unquote(parts.path) if parts.scheme == "file" else ""


def _agent(record: dict[str, Any], path: str) -> str:
    """Return whose transcript this is: by where it lies, else by the tool that the record names."""
    tool = record.get("tool")
    name = tool.get("name") if isinstance(tool, dict) else None
    hint = name.lower() if isinstance(name, str) else ""
    return caller({"transcript_path": path}, {}, ALIASES.get(hint, hint))
