"""Tell what a person typed from what their agent put in, where nothing but the text is left.

An agent's own transcript says who wrote a line, and its reader goes by that. Other tools keep only texts; of
these, what agents are known to put in is left out, and slash commands are reduced to what was typed.
"""

from __future__ import annotations

import re

from regen_git.agents.claude_texts import EXPANDED, command_in, plan_in
from regen_git.agents.transcripts import without_put_in

__all__ = ["split_prompts", "typed_in"]

_BETWEEN = "\n\n---\n\n"
_RESUMED = "Continue from where you left off."
"""What Claude Code says for the person when a session that broke off is taken up again."""
_PUT_IN = (
    "<local-command-",
    "<bash-",
    "<task-notification>",
    "<tool_use_error>",
    "<teammate-message",
    "<user-prompt-submit-hook>",
    "[Request interrupted by user",
    "[Cozempic Guard:",
    "[Image: source:",
    "[SYSTEM NOTIFICATION",
    "Another Claude session sent a message:",
    "Base directory for this skill:",
    "Caveat: The messages below were generated",
    "Operation stopped by hook:",
    "Stop hook feedback:",
    "The user doesn't want to proceed with this tool use",
    "The user doesn't want to take this action",
    "This session is being continued from a previous conversation",
    "Todos have been modified successfully.",
    "Tool loaded.",
    "Unknown skill:",
    "Unknown slash command:",
    "User has approved your plan.",
    "Your account does not have access to Claude Code",
)
# What Cursor and the skills of Claude Code write when a button is pressed or a command expanded.
_PRESSED = re.compile(
    r"Implement the plan as specified(?:, it is attached for your reference\.|\. To-do's)"
    r"|Invoke the [\w:-]+ skill and follow it exactly as presented to you\s*\Z"
    r"|The file \S+ has been (?:updated|modified)\b|File created successfully at: /"
)


def typed_in(text: str) -> str:
    """Return what a person typed of this text, a slash command as typed; empty for what nobody typed."""
    text = without_put_in(text).strip()
    if text.startswith(EXPANDED):
        return command_in(text)
    if text == _RESUMED or text.startswith(_PUT_IN) or _PRESSED.match(text) or plan_in(text):
        return ""
    return text


def split_prompts(text: str, outline: str = "") -> list[str]:
    """Return the prompts of a file in which a line ``---`` stands between them.

    The same line can stand in a prompt. ``outline`` is a page with the beginnings of all of them under
    numbered headings; without it, what begins with a heading goes on with what stands before it.
    """
    pieces = text.strip("\n").split(_BETWEEN) if text.strip() else []
    starts = _starts(outline)
    kept: list[str] = []
    for number, piece in enumerate(pieces):
        left = len(pieces) - number
        if not kept:
            begins = True
        elif starts:
            # As many pieces must be left as prompts are still to begin.
            due = len(kept) < len(starts)
            begins = due and (_begins(piece, starts[len(kept)]) or left <= len(starts) - len(kept))
        else:
            begins = not re.match(r"#{1,6} ", piece)
        if begins:
            kept.append(piece)
        else:
            kept[-1] += _BETWEEN + piece
    return kept


def _starts(outline: str) -> list[str]:
    """Return the beginnings of the prompts that a page lists as ``### Prompt 1`` and so on."""
    _, _, listed = outline.partition("## User Prompts\n")
    found: list[str] = []
    while True:
        head = f"### Prompt {len(found) + 1}\n\n"
        at = listed.find(head)
        if at < 0:
            return found
        listed = listed[at + len(head) :]
        end = listed.find(f"\n\n### Prompt {len(found) + 2}\n\n")
        found.append((listed if end < 0 else listed[:end]).strip())


def _begins(piece: str, start: str) -> bool:
    first = start.removesuffix("...").rstrip().split(_BETWEEN)[0]
    return piece.strip().startswith(first[:200].rstrip())
