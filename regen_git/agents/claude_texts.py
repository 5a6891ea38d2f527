"""Texts that Claude Code writes among a person's, and what the person typed for them."""

from __future__ import annotations

import re

from regen_git.agents.transcripts import between

__all__ = ["EXPANDED", "command_in", "plan_in"]

EXPANDED = ("<command-name>", "<command-message>")
"""How the text begins that stands for a slash command."""

_COMMAND = re.compile(r"<command-name>([^<]*)</command-name>")
# Commands that Claude Code answers itself: they ask nothing of the agent.
_BUILT_IN = re.compile(
    r"/(?:add-dir|agents|bug|clear|compact|config|context|copy|cost|doctor|exit|export|fast|feedback|fork|help"
    r"|hooks|ide|install-github-app|keybindings|login|logout|mcp|memory|model|output-style|permissions|plan"
    r"|plugin|plugins|privacy-settings|quit|rate-limit-options|rename|resume|rewind|sandbox|skills|stats|status"
    r"|statusline|stickers|tasks|terminal-setup|theme|todos|upgrade|usage|vim)"
)
_PLAN = re.compile(r"\AImplement the following plan:\s*(?=\S)", re.IGNORECASE)


def command_in(text: str) -> str:
    """Return the slash command that a text is the expansion of, as typed; empty if it asks nothing."""
    found, given = _COMMAND.search(text), between(text, "command-args")
    name = found[1].strip() if found else ""
    command = name if name.startswith("/") else "/" + name
    if not name or _BUILT_IN.fullmatch(command):
        return ""
    return f"{command} {given.strip()}".rstrip() if given is not None else command


def plan_in(text: str) -> str | None:
    """Return the plan that the agent wrote and this text hands back to it; ``None`` if it is no such text."""
    whole = text.strip()
    match = _PLAN.match(whole)
    return whole[match.end() :] if match else None
