"""Windsurf's Cascade: its hooks' payloads, and its transcripts.

Source: the documentation of Cascade's hooks. No event begins or ends a session. Transcripts hold no times and
no folder, and are only written while a hook for them is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents import Settings
from regen_git.agents.payloads import Payloads, absolute, first, read_payload, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session

NAME = "windsurf"
TITLE = "Windsurf (Cascade)"
TESTED = ""
PROGRAMS = ("windsurf",)
FOLDERS = (".windsurf", ".codeium/windsurf")
SETTINGS = Settings(
    "windsurf",
    ".windsurf/hooks.json",
    ".codeium/windsurf/hooks.json",
    dict.fromkeys(("pre_user_prompt", "post_write_code", "post_run_command", "post_cascade_response")),
)

_PAYLOADS = Payloads(
    NAME,
    events={
        "pre_user_prompt": "prompt",
        "post_write_code": "tool",
        "post_run_command": "tool",
        "post_cascade_response": "end",
    },
    edits={"post_write_code": ("file_path",)},
    shells=("post_run_command",),
    name=("agent_action_name",),
    session=("trajectory_id",),
    turn=("execution_id",),
    prompt=("user_prompt",),
    said=("response",),
    model=("model_name",),
    tool=("agent_action_name",),
)


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    info = payload.get("tool_info")
    info = info if isinstance(info, dict) else {}
    # Only commands tell their folder; hooks run in the workspace's.
    cwd = first(info, ("cwd",)) or text(env.get("PWD")) or _here()
    return read_payload({**info, **payload, "tool_input": info, "cwd": cwd}, _PAYLOADS)


def _here() -> str:
    import os

    try:
        return os.getcwd()  # noqa: PTH109 - an agent waits
    except OSError:
        return ""


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted.

    Nothing but the files that were written and the commands tell a transcript's folder.
    """
    from contextlib import suppress
    from pathlib import Path

    from regen_git.agents.turns import home_folder, is_inside

    found = []
    for path in map(str, Path(home_folder(env, ".windsurf")).glob("transcripts/*.jsonl")):
        with suppress(OSError):
            session = read_session(path)
            if session is not None and session.cwd and is_inside(session.cwd, tops):
                found.append(path)
    return sorted(found)


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    import os.path
    from pathlib import Path

    from regen_git.agents.jsonl import read_lines
    from regen_git.agents.transcripts import Session
    from regen_git.agents.turns import Turns, commits_in

    name = Path(path).stem
    turns, folders, count = Turns(), [], 0
    for line in read_lines(path):
        kind = text(line.get("type"))
        step = line.get(kind)
        if not isinstance(step, dict):
            continue
        if kind == "user_input" and text(step.get("user_response")).strip():
            turns.typed(f"{name}:{count}", text(step.get("user_response")), "")
            count += 1
        elif kind == "code_action" and line.get("status") in (None, "done"):
            edited = absolute(text(step.get("path")), "")
            turns.edited([edited] if edited else ())
            folders.append(edited.rpartition("/")[0])
        elif kind == "run_command":
            turns.committed(commits_in(text(step.get("command")), text(step.get("output"))))
            folders.append(absolute(text(step.get("cwd")), ""))
        elif kind == "planner_response":
            turns.said(text(step.get("response")))
    done = turns.finish()
    roots = [folder for folder in folders if folder.startswith("/")]
    return Session(name, os.path.commonpath(roots) if roots else "", None, "", done) if done else None
