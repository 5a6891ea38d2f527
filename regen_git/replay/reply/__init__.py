"""A model's reply: from text to edits, and from edits to the text that says the same."""

from __future__ import annotations

from regen_git.replay.reply.edits import NoMatchError, apply_replacements
from regen_git.replay.reply.join import join_continuation
from regen_git.replay.reply.reader import parse_reply, render_reply
from regen_git.replay.reply.values import Deletion, Edit, FileEdit, ParsedReply, Problem, Replacement

__all__ = [
    "Deletion",
    "Edit",
    "FileEdit",
    "NoMatchError",
    "ParsedReply",
    "Problem",
    "Replacement",
    "apply_replacements",
    "join_continuation",
    "parse_reply",
    "render_reply",
]
