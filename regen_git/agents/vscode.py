"""Copilot in VS Code: its hooks' payloads, and its transcripts.

Source: the documentation of VS Code's agent hooks (a preview). It reads the hook files of Copilot CLI and of
Claude Code; matchers do not count there, and a tool may be reported before its file is on the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regen_git.agents import copilot
from regen_git.agents.payloads import CLAUDE_EVENTS, Payloads, read_payload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents import AgentEvent
    from regen_git.agents.transcripts import Session

NAME = "vscode"
TITLE = "GitHub Copilot in VS Code"
TESTED = ""
PROGRAMS = ("code", "code-insiders", "codium")
FOLDERS = (".config/Code", "Library/Application Support/Code", ".vscode")
SETTINGS = copilot.SETTINGS._replace(todo="in VS Code, trust this folder; hooks are a preview there")

_EDITORS = (
    "create_file",
    "insert_edit_into_file",
    "replace_string_in_file",
    "multi_replace_string_in_file",
    "edit_notebook_file",
    "create_new_jupyter_notebook",
    "editFiles",
    "edit_file",
    "create",
    "edit",
    "Write",
    "Edit",
)
_PAYLOADS = Payloads(
    NAME,
    events=CLAUDE_EVENTS,
    edits=dict.fromkeys(_EDITORS, ("filePath", "file_path", "path", "files", "replacements")),
    patches=("apply_patch", "applyPatch"),
    shells=("run_in_terminal", "runInTerminal", "runTerminalCommand", "bash", "Bash"),
    name=("hookEventName", "hook_event_name"),
    session=("sessionId", "session_id"),
    tool=("tool_name", "toolName"),
    given=("tool_input", "toolInput", "toolArgs"),
    subagent=("agent_id", "agentId", "parentAgentId"),
)
_USER_DATA = (
    ".config/{}/User",
    "Library/Application Support/{}/User",
    "AppData/Roaming/{}/User",
    ".vscode-server/data/User",
)
_PRODUCTS = ("Code", "Code - Insiders", "VSCodium")


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:  # noqa: ARG001 - says nothing
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    return read_payload(payload, _PAYLOADS)


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from pathlib import Path

    from regen_git.agents.turns import home_folder, is_inside

    found: list[str] = []
    for data in {pattern.format(product) for pattern in _USER_DATA for product in _PRODUCTS}:
        for storage in Path(home_folder(env, data)).glob("workspaceStorage/*"):
            folder = _folder_of(storage)
            if folder and is_inside(folder, tops):
                found += map(str, storage.glob("GitHub.copilot-chat/transcripts/*.jsonl"))
    return sorted(found)


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from pathlib import Path

    from regen_git.agents.copilot_transcripts import read_session as read_file

    session = read_file(path, _PAYLOADS)
    storage = Path(path).parents
    if session is None or session.cwd or len(storage) < 3:  # noqa: PLR2004 - the folders around a transcript
        return session
    return session._replace(cwd=_folder_of(storage[2]))


def _folder_of(storage: Any) -> str:
    """Return the folder that is open in the window whose data lie here; empty for several or none."""
    import json
    from urllib.parse import unquote, urlsplit

    try:
        data = json.loads((storage / "workspace.json").read_bytes())
        parts = urlsplit(data.get("folder", "") if isinstance(data, dict) else "")
    except (OSError, ValueError, TypeError, AttributeError):
        return ""
    # A folder on another machine has its path too, but also another scheme.
    return unquote(parts.path) if parts.scheme in ("file", "vscode-remote") else ""
