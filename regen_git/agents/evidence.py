"""Who made a commit, an agent or a person, as far as its message and names tell.

Words prove little, so every answer carries its reason, and no answer is an answer too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["AGENT", "AGENT_TRAILER", "NOBODY", "Evidence", "agent_at", "evidence_of"]

Maker = Literal["agent", "person", "none"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Who made a commit and why we think so. ``agent`` is the agent's name where that is known."""

    maker: Maker
    reason: str
    agent: str | None = None


NOBODY = Evidence("none", "nothing in the message names an agent or says that a person wrote it by hand")

# Names that mean an agent wherever they stand; plain English words need a trailer or an address.
AGENT = (
    r"(?:Claude(?:\sCode|\sOpus|\sSonnet|\sHaiku)?|ChatGPT|GPT-?\d[\w.]*|(?:GitHub\s)?Copilot|Codex"
    r"|Gemini(?:\sCLI)?"
    r"|Aider|DeepSeek|Qwen|OpenCode|Windsurf|Cline|Opus|Sonnet"
    r"|[Tt]he\s(?:AI|LLM|agent|(?:AI|coding)\s(?:agent|assistant)))"
)

# An address, or the part of one that no person has, and the agent it belongs to.
_ADDRESSES = (
    ("noreply@anthropic.com", "claude"),
    ("noreply@openai.com", "codex"),
    ("codex@openai.com", "codex"),
    ("cursoragent@cursor.com", "cursor"),
    ("+copilot@users.noreply.github.com", "copilot"),
    ("+factory-droid[bot]@", "droid"),
    ("+devin-ai-integration[bot]@", "devin"),
    ("noreply@windsurf.com", "windsurf"),
    ("noreply@codeium.com", "windsurf"),
    ("aider@aider.chat", "aider"),
    ("amp@ampcode.com", "amp"),
    ("noreply@continue.dev", "continue"),
)
_BOTS = (
    ("copilot-swe-agent", "copilot"),
    ("cursor[bot]", "cursor"),
    ("devin-ai-integration", "devin"),
    ("google-labs-jules", "jules"),
    ("factory-droid", "droid"),
    ("claude[bot]", "claude"),
    ("(aider)", "aider"),
)
_TOOLS = re.compile(
    r"\b(claude|codex|copilot|cursor|gemini|aider|devin|jules|windsurf|cline|amp|droid|opencode|qwen|continue"
    r"|chatgpt|gpt|deepseek|sonnet|opus)\b",
    re.IGNORECASE,
)
_SESSION_LINKS = {
    "claude-session": "claude",
    "amp-thread-id": "amp",
    "agent-logs-url": "copilot",
    "entire-checkpoint": None,
    "coding-agent": None,
    "generated-by": None,
    "assisted-by": None,
    "ai-assistant": None,
    "ai-assisted": None,
    "ai-assisted-by": None,
    "co-authored-by": None,
}
AGENT_TRAILER = re.compile(
    r"^(?:co-authored-by|signed-off-by|claude-session|amp-thread-id|agent-logs-url|entire-checkpoint|coding-agent"
    r"|generated-by|assisted-by|ai-assistant|ai-assisted|ai-assisted-by|change-id|reviewed-by|regen-[a-z]+)\s*:"
    r"|^\W{0,4}\s*Generated (?:with|by|using) ",
    re.IGNORECASE,
)
_GENERATED = re.compile(
    r"^\W{0,4}\s*Generated (?:with|by|using) \[?([^\](\n]+)[^\n]*", re.IGNORECASE | re.MULTILINE
)
_SESSION_PAGE = re.compile(
    r"https://(?:(claude)\.ai/(?:code|share|chat)|(chatgpt)\.com/(?:share|c|codex)|(gemini)\.google\.com/share)/\S+"
)
_LINKED = re.compile(rf"^(?:{AGENT})\b[^\n:]{{0,60}}:\s*https?://\S+", re.MULTILINE)
_TRAILER = re.compile(r"^([A-Za-z][A-Za-z-]*)[ \t]*:[ \t]*(.+)$", re.MULTILINE)
_ASKED = re.compile(
    r"\b(?:[Aa]sk(?:ed|ing)?|[Hh]ave|[Hh]ad|[Ll]et|[Pp]rompt(?:ed|ing)?|[Tt]old|[Gg]ot|[Uu]s(?:e|ed|ing)|[Ww]ith|[Bb]y"
    rf"|[Cc]oaxed|[Vv]ia)\s({AGENT})\b"
)
_BY_HAND = re.compile(
    r"(?:^|[.!?(]\s*)Manually (?!test|verif|check|run|trigger)\w+"
    r"|\b(?:by hand|myself|hand-?written|hand-?edited|handcrafted|manually written|written manually"
    r"|(?:fix(?:ed)?|made|did|wrote|edited|changed|done)\b[^.\n]{0,40}\bmanually)\b",
    re.MULTILINE | re.IGNORECASE,
)
_NOT_BY_HAND = re.compile(
    r"\b(?:faster|easier|instead of|rather than|than|tested)\b[^.\n]{0,30}\bby hand\b", re.IGNORECASE
)


def evidence_of(message: str, author: str = "", committer: str = "") -> Evidence:
    """Return who made the commit with this message; ``author`` and ``committer`` as ``Name <address>``.

    What tools write (names, addresses, trailers) comes before what people tell; in that, the subject comes
    before the body.
    """
    for who, role in ((author, "author"), (committer, "committer")):
        agent = agent_at(who)
        if agent:
            return Evidence("agent", f"the {role} is {who}", agent)
    return _from_trailers(message) or _from_words(message) or NOBODY


def agent_at(who: str) -> str | None:
    """Return the agent that this ``Name <address>`` belongs to, or ``None`` for a person."""
    lowered = who.lower()
    for mark, agent in (*_ADDRESSES, *_BOTS):
        if mark in lowered:
            return agent
    return None


def _from_trailers(message: str) -> Evidence | None:
    for match in _TRAILER.finditer(message):
        key, value = match[1].lower(), match[2].strip()
        if key not in _SESSION_LINKS:
            continue
        tool = _TOOLS.search(value.partition(":")[0] if key == "assisted-by" else value)
        agent = agent_at(value) or _SESSION_LINKS[key]
        if agent is None and key != "co-authored-by" and tool:
            agent = tool[1].lower()
        if agent or key == "entire-checkpoint":
            return Evidence("agent", f"trailer '{match[0].strip()}'", agent)
    generated = _GENERATED.search(message)
    tool = _TOOLS.search(generated[1]) if generated else None
    if generated and tool:
        return Evidence("agent", f"the message says '{generated[0].strip()}'", tool[1].lower())
    return None


def _from_words(message: str) -> Evidence | None:
    subject, _, body = message.partition("\n")
    page = _SESSION_PAGE.search(message)
    if page:
        return Evidence("agent", f"the message links '{page[0]}'", page[1] or page[2] or page[3])
    linked = _LINKED.search(message)
    if linked:
        tool = _TOOLS.search(linked[0])
        return Evidence("agent", f"the message links '{linked[0]}'", tool[1].lower() if tool else None)
    for part in (subject, body):
        hand = _BY_HAND.search(part)
        if hand and not _NOT_BY_HAND.search(part):
            return Evidence("person", f"the message says '{hand[0].strip(' .(')}'")
        asked = _ASKED.search(part)
        tool = _TOOLS.search(asked[1]) if asked else None
        if asked:
            return Evidence("agent", f"the message says '{asked[0]}'", tool[1].lower() if tool else None)
    return None
