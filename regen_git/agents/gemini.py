"""Gemini CLI: its hooks' payloads and its transcripts.

A prompt's payload has the text as it was sent: files are pasted below it, and a custom command is replaced
by its prompt. What was typed is in the transcript, but only after the event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from regen_git.agents import AgentEvent, Settings
from regen_git.agents.jsonl import count_said, lines_with, read_end
from regen_git.agents.payloads import Payloads, absolute, arguments, event, first, prompt_key, read_payload
from regen_git.agents.payloads import text as text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from regen_git.agents.transcripts import Session

NAME = "gemini"
TITLE = "Gemini CLI"
TESTED = "0.61.0"
PROGRAMS = ("gemini",)
FOLDERS = (".gemini",)
SETTINGS = Settings(
    "claude",
    ".gemini/settings.json",
    ".gemini/settings.json",
    {
        "SessionStart": None,
        "BeforeAgent": None,
        "AfterTool": "write_file|replace|run_shell_command|exit_plan_mode",
        "AfterAgent": None,
        "SessionEnd": None,
    },
    timeout=10_000,
    todo="start gemini once in this folder and trust it: it asks about new hooks of a project",
)

NAMES = Payloads(
    NAME,
    events={
        "SessionStart": "session",
        "BeforeAgent": "prompt",
        "AfterTool": "tool",
        "AfterAgent": "end",
        "SessionEnd": "gone",
    },
    edits={"write_file": ("file_path",), "replace": ("file_path",), "edit": ("file_path",)},
    shells=("run_shell_command",),
    said=("prompt_response",),
)
SCRATCH = "/.gemini/tmp/"
"""Where plans and notes of the agent lie, never a project's files."""

_FILES = "--- Content from referenced files ---"
_FILES_END = "--- End of content ---"
_FILE = re.compile(r"^Content from @?(.+?):\s*$", re.MULTILINE)
_MENTION = re.compile(r"(?<![\w.@/])@((?:\\.|[^\s\\,;])+)")
_NOT_TYPED = (
    "<session_context>",
    "<hook_context>",
    "<state_snapshot>",
    "I ran the following shell command:",
    "User has manually exited Plan Mode.",
)
_PLAN_STORED = re.compile(r"plan is stored at: (\S.*\.md)\s*$", re.MULTILINE)


def read(payload: Mapping[str, Any], env: Mapping[str, str]) -> list[AgentEvent]:  # noqa: ARG001 - says nothing
    """Return what a payload says; empty for what is not recorded. Never raises for odd fields."""
    events = read_payload(payload, NAMES)
    name = first(payload, ("hook_event_name",))
    if name == "BeforeAgent":
        return [_prompt(one, payload) for one in events if not is_harness(one.text)]
    if name not in ("AfterTool", "AfterAgent", "SessionEnd"):
        return events
    if name == "AfterTool":
        response = arguments(payload.get("tool_response"))
        events = [e for e in events if e.kind != "edit" or not (response.get("error") or SCRATCH in e.path)]
        events += _plan(payload, response)
    return [*_typed(payload, events), *events]


def without_files(sent: str) -> str:
    """Return a prompt as it was before the files it names were pasted below it."""
    typed, found, _ = sent.partition(_FILES)
    return typed.removesuffix("\n") if found and sent.rstrip().endswith(_FILES_END) else sent


def referenced(sent: str, cwd: str) -> tuple[str, ...]:
    """Return the absolute paths of files pasted below a prompt that names them, or a folder above."""
    typed = without_files(sent)
    if typed == sent:
        return ()
    mentions = [re.sub(r"\\(.)", r"\1", m).rstrip(".:!?)") for m in _MENTION.findall(typed)]
    named = [absolute(mention.rstrip("/"), cwd) for mention in mentions]
    pasted = (absolute(path, cwd) for path in _FILE.findall(sent[len(typed) :]))
    return tuple(
        dict.fromkeys(
            path for path in pasted if any(path == n or path.startswith(n + "/") for n in named if n)
        )
    )


def prompt_of(sent: str, session: str, earlier: int) -> str | None:
    """Return the key of a prompt: the same from a payload and from the transcript, which has other times.

    ``earlier`` is how many prompts of this text came before in the session.
    """
    return prompt_key(session, str(earlier), without_files(sent))


def parts_text(content: object) -> str:
    """Return the text of a message's parts, without thoughts and what hooks have added."""
    parts = content if isinstance(content, list) else [content]
    texts = (
        text_of(part.get("text")) if isinstance(part, dict) and not part.get("thought") else text_of(part)
        for part in parts
    )
    return "".join(text for text in texts if not text.lstrip().startswith("<hook_context>"))


def is_harness(sent: str) -> bool:
    """Return whether a text was put among the person's messages by the program."""
    return sent.lstrip().startswith(_NOT_TYPED)


def _prompt(one: AgentEvent, payload: Mapping[str, Any]) -> AgentEvent:
    sent = one.text
    earlier = count_said(_transcript(payload), without_files(sent), _said)
    return one._replace(
        text=without_files(sent),
        key=prompt_of(sent, one.session, earlier),
        refs=referenced(sent, one.cwd),
    )


def _typed(payload: Mapping[str, Any], events: Sequence[AgentEvent]) -> list[AgentEvent]:
    """Return what was typed as the transcript has it, where that is not what the prompt's event said."""
    if not events:
        return []
    path = _transcript(payload)
    if events[0].kind in ("edit", "shell") and b'"displayContent"' not in read_end(path):
        return []
    for line in lines_with(path, b'"user"'):
        said = _said(line)
        if said is None:
            continue
        shown = parts_text(line.get("displayContent"))
        if not shown.strip() or shown.strip() == said[1].strip():
            return []
        earlier = count_said(path, said[1], _said) - 1
        key = prompt_of(said[1], events[0].session, max(earlier, 0))
        return [event("typed", payload, NAMES, text=shown, key=key)]
    return []


def _said(line: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the id and the text, without files, of a line of the transcript that is a prompt."""
    key = text_of(line.get("id"))
    if not key or line.get("type") != "user":
        return None
    text = parts_text(line.get("content"))
    return (key, without_files(text)) if text.strip() and not is_harness(text) else None


def _plan(payload: Mapping[str, Any], response: Mapping[str, Any]) -> list[AgentEvent]:
    if payload.get("tool_name") != "exit_plan_mode":
        return []
    plan = approved_plan(parts_text(response.get("llmContent")))
    return [event("plan", payload, NAMES, text=plan)] if plan.strip() else []


def approved_plan(said: str) -> str:
    """Return the plan that the person has accepted, from its file; ``said`` is what the tool answered."""
    stored = _PLAN_STORED.search(said) if said.startswith("Plan approved") else None
    return read_end(stored[1]).decode("utf-8", "replace") if stored else ""


def _transcript(payload: Mapping[str, Any]) -> str:
    return first(payload, ("transcript_path",))


def session_files(tops: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return the transcripts that may belong to these folders or those below, sorted."""
    from regen_git.agents.gemini_transcripts import session_files as found

    return found(tops, env)


def read_session(path: str) -> Session | None:
    """Read one transcript; ``None`` when there is no session of a person in it."""
    from regen_git.agents.gemini_transcripts import read_session as read_file

    return read_file(path)
