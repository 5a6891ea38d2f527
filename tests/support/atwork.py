"""What happens in a repository with hooks, in few words: agents, people, the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.agents import claude as claude_hooks
from regen_git.capture.events import file_event
from regen_git.capture.flush import flush
from regen_git.capture.setup import set_up
from regen_git.importers.reading import one
from support.lab import Lab

if TYPE_CHECKING:
    from pathlib import Path

_ENV = {"CLAUDECODE": "1", "AI_AGENT": "claude-code_2-1-197_harness"}


def tell(lab: Lab, event: str, **fields: object) -> None:
    """Hand an event to capture in this process: what the program around it does is tested elsewhere."""
    payload = {"session_id": "s1", "cwd": str(lab.path), "hook_event_name": event, **fields}
    for each in claude_hooks.read(payload, _ENV):
        file_event(each)


def edited(lab: Lab, name: str, text: str, content: str | None = None) -> None:
    """Type a prompt and let the agent write a file on it; stage that."""
    lab.turns += 1
    key = f"prompt-{lab.path.name}-{lab.turns}"
    tell(lab, "UserPromptSubmit", prompt_id=key, prompt=text)
    path = lab.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{name}\n" if content is None else content)
    tool = {"tool_name": "Write", "tool_input": {"file_path": str(path), "content": path.read_text()}}
    tell(lab, "PostToolUse", prompt_id=key, **tool)
    tell(lab, "Stop", prompt_id=key, last_assistant_message="Done.")
    lab.git("add", name)


def asked(lab: Lab, name: str, text: str, content: str | None = None, message: str = "") -> str:
    """Let an agent write a file and commit it; return the commit."""
    edited(lab, name, text, content)
    lab.git("commit", "-q", "-m", message or f"Add {name}")
    flush(lab.repo)
    return lab.git("rev-parse", "HEAD")


def by_hand(lab: Lab, name: str, content: str | None = None, message: str = "") -> str:
    """Let a person write a file and commit it; return the commit."""
    path = lab.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{name}\n" if content is None else content)
    lab.git("add", name)
    lab.git("commit", "-q", "-m", message or f"Add {name}")
    return lab.git("rev-parse", "HEAD")


def texts(lab: Lab, rev: str = "HEAD") -> list[str]:
    """Return the prompts that ``git regen log`` shows of a commit, in their order."""
    flush(lab.repo)
    return [prompt.text for intent in one(lab.repo, rev).note.intents.values() for prompt in intent.prompts]


def cloned(lab: Lab, source: Path, path: Path, *args: str, hooks: bool = True) -> Lab:
    """Return a clone of a repository, with hooks unless told otherwise."""
    lab.git("clone", "-q", *args, source.as_uri() if args else str(source), str(path))
    there = Lab(path, lab.bin)
    if hooks:
        set_up(there.repo)
    return there
