"""What an agent's module makes of recorded payloads, each with the transcript as long as it was then."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

from regen_git.agents import load
from support.recordings import FIXTURES

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.agents import AgentEvent

_FOLDERS = {
    "gemini": ("/home/dev/.gemini/tmp/", "tmp"),
    "qwen": ("/home/dev/.qwen/projects/", "projects"),
    "droid": ("/home/dev/.factory/sessions/", "sessions"),
}


def marks(recording: str) -> list[str]:
    """Return what the recording's script did, step by step."""
    return [line["mark"] for line in _lines(recording) if "mark" in line]


def sessions(recording: str, pattern: str) -> list[str]:
    """Return the transcripts of a recording."""
    return sorted(str(path) for path in (FIXTURES / recording).glob(pattern))


def events(recording: str, home: Path) -> list[tuple[str, list[AgentEvent]]]:
    """Return what is read from each payload that a registered hook gets, with the payload's event."""
    agent = load(recording.split("/", maxsplit=1)[0])
    assert agent.SETTINGS is not None
    found = []
    for line in _lines(recording):
        if "stdin" not in line:
            continue
        payload = json.loads(line["stdin"], strict=False)
        name = payload["hook_event_name"]
        tools = agent.SETTINGS.events.get(name, "nothing") or ".*"
        if line["argv"][0] != name or not re.fullmatch(tools, payload.get("tool_name", "")):
            continue
        _grow(recording, payload, line["transcript_at_event"], home)
        found.append((name, agent.read(payload, line["env"])))
    return found


def _grow(recording: str, payload: dict[str, Any], state: dict[str, Any], home: Path) -> None:
    there, kept = _FOLDERS[recording.split("/", maxsplit=1)[0]]
    name = payload["transcript_path"].removeprefix(there)
    source, target = FIXTURES / recording / kept / name, home / name
    payload["transcript_path"] = str(target)
    target.unlink(missing_ok=True)
    if not state["exists"] or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(source.read_text("utf-8").splitlines(keepends=True)[: state["lines"]]), "utf-8")
    beside = source.with_suffix(".settings.json")
    if beside.exists():
        shutil.copy(beside, target.with_suffix(".settings.json"))


def _lines(recording: str) -> list[dict[str, Any]]:
    text = (FIXTURES / recording / "hooks.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]
