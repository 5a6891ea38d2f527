"""Find the prompts that a commit message quotes, word for word and in order. Pure.

People keep prompts in messages in a few shapes: a label (``Prompt: …``, ``Additional prompt:``, ``Prompts:``
with a list, ``Prompt was literally just: …``) with the words behind it, below it, in a quote, indented or in
a fence; or a sentence of the narrator that ends in a colon (``so I tried this prompt:``). The hard part is
where a prompt ends: at the narrator's next paragraph (``narration.py``), or where its quote ends.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import Literal

from regen_git.agents.evidence import AGENT, AGENT_TRAILER, Evidence, evidence_of
from regen_git.importers.narration import is_narration, is_report_of_agent

__all__ = ["Reading", "prompts_in", "read_message"]

Shape = Literal["open", "text", "quote", "items", "fence", "indent", "closed"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says: its prompts in order (empty if it quotes none), and who made the commit."""

    prompts: tuple[str, ...]
    evidence: Evidence


_WHOSE = (
    r"(?:additional|another|second|third|fourth|first|initial|original|next|last|final|follow-?up|full|main|entire|exact"
    r"|user(?:['\u2019]s)?|my|the|human|ai|llm|agent|chat|coding|claude(?:\scode)?|codex|copilot|cursor|gemini|chatgpt|aider)"
)
_SAYS = r"(?:\s+(?:was|were|is|used|given|I|we|gave|just|literally|simply|only|basically|here|to))"
_LABEL = re.compile(
    rf"\A(?P<mark>#{{1,6}}\s+|\*\*|__)?(?:{_WHOSE}\s+){{0,3}}prompt(?P<many>s)?"
    rf"(?:\s+(?:\#?\d+))?(?:\s*\([^)\n]*\))?(?:\s+(?:to|for|in|with)(?:\s[\w.'-]+){{1,6}}?\s(?:was|were|is))?"
    rf"{_SAYS}{{0,5}}(?:(?:\*\*|__)?\s*[:\uff1a](?:\*\*|__)?|(?P<bare>(?:\*\*|__)?\s*\Z))\s*(?P<rest>.*)\Z",
    re.IGNORECASE,
)
# A sentence of the narrator after which the words stand: it must name a prompt and end in a colon.
_ANNOUNCES = re.compile(
    r"(?:\b(?:prompted|re-?prompted|prompting)\b(?:\s[\w.'-]+){0,6}"
    r"|\b(?:an?|another|this|the|the same|one more|my|a new)"
    r"\s(?:\w+\s){0,3}prompts?(?:\s(?:was|were|is|below|again))?"
    r"|\b(?:I|[Ww]e)(?:\s\w+){0,2}\s(?:said|replied)"
    rf"|\b(?:I|[Ww]e|[Ss]o|[Tt]hen)(?:\s\w+){{0,2}}\s(?:asked|told)\s(?:it|{AGENT})(?:\s(?:again|this))?)"
    r"\s*:\s*(?P<rest>[^\n]*)\Z"
)
_NEXT = re.compile(
    r"\A(?:and |but )?(?:then|next|later|followed by|after that|finally)(?:\s\w+){0,3}:\Z", re.IGNORECASE
)
_FENCE = re.compile(r"\A\s*(`{3,}|~{3,}|'{3,})([^`'\n]*)\Z")
_PLAIN_FENCES = ("", "text", "txt", "plain", "markdown", "md", "prompt")
_RULE = re.compile(r"\A\s*(?:-{3,}|={3,}|\*{3,}|_{3,})\s*\Z")
_ITEM = re.compile(r"\A(\s*)(?:[-*•+]|\d+[.)])\s+")
_ONLY_A_LINK = re.compile(r"\A(?:see\s)?<?https?://\S+>?\Z", re.IGNORECASE)
_LINK_LINE = re.compile(r"\A[^\n]{0,60}?<?https?://\S+>?\s*\Z")
_REMARKED = re.compile(r"\A[\"“]([^\"”]+)[\"”](?:[.;]\s|\s\()[^\"”]*\Z")
_HEADING = re.compile(r"\A(#{1,6})\s")
_FIELD = re.compile(
    r"\A(?:[A-Z][A-Za-z]*(?:-[A-Za-z]+)+|Fixes|Closes|Refs?|Issue|Bug|Link"
    r"|Model|Agent|Tool|Cc|Ticket|Response|Result): \S"
)


def read_message(message: str, author: str = "", committer: str = "") -> Reading:
    """Read one commit message. A message that quotes prompts is evidence of an agent by itself."""
    prompts = prompts_in(message)
    evidence = evidence_of(message, author, committer)
    if prompts and evidence.maker != "agent":
        evidence = Evidence("agent", "the message quotes a prompt")
    return Reading(prompts, evidence)


def prompts_in(message: str) -> tuple[str, ...]:
    """Return the prompts quoted in the body, in order; empty if there are none.

    The subject is never one: ``prompt: fix the colour`` is how a project with a prompt names its parts.
    """
    _, _, body = message.replace("\r\n", "\n").lstrip("\n").partition("\n")
    blocks = _blocks(body)
    while blocks and _is_trailers(blocks[-1]):
        blocks.pop()
    scan = _Scan(has_agent=evidence_of(message).maker == "agent")
    for block in blocks:
        scan.take(block)
    scan.close()
    return tuple(scan.found)


@dataclass(slots=True)
class _Scan:
    """Where the reader is: which prompt is open, and in what shape its words stand."""

    has_agent: bool
    found: list[str] = field(default_factory=list)
    shape: Shape = "closed"
    many: bool = False
    level: int = 0
    parts: list[str] = field(default_factory=list)
    after_quote: bool = False
    only_links: bool = True

    def take(self, block: list[str]) -> None:
        """Read the next block: lines without a blank one between, or one fence with all in it."""
        after_quote, self.after_quote = self.after_quote, False
        label = _label(block[0])
        if label and (self.has_agent or _is_sure(label)):
            self._open(label, block)
        elif self.shape != "closed":
            self._go_on(block, after_quote=after_quote)
        elif after_quote and _NEXT.match(" ".join(block).strip()):
            self.shape = "open"
        elif self.only_links and self.has_agent and _is_quote(block):
            # People who keep prompts as the quote below the subject do so without any label.
            self.shape = "quote"
            self._add_quote(block)
        else:
            self._maybe_announce(block)
        self.only_links = self.only_links and _LINK_LINE.match(" ".join(block)) is not None

    def close(self) -> None:
        """End the prompt that is open, if any, and keep it unless it is empty or only a link."""
        text = _unquoted("\n\n".join(self.parts).strip("\n").rstrip())
        if text.strip() and not _ONLY_A_LINK.match(text.strip()):
            self.found.append(text)
        self.parts = []
        self.shape = "closed"

    def _open(self, label: re.Match[str], block: list[str]) -> None:
        self.close()
        self.many = label["many"] is not None
        heading = _HEADING.match(block[0])
        self.level = len(heading[1]) if heading else 0
        self.shape = "open"
        rest, below = label["rest"], block[1:]
        if rest:
            self._first(_until_field([rest, *below]))
        elif below:
            self._first(below)

    def _maybe_announce(self, block: list[str]) -> None:
        text = " ".join(line.strip() for line in block)
        found = _ANNOUNCES.search(text)
        if not found or not (
            self.has_agent or self.found or re.search(r"\bprompted\b|\b(?:I|[Ww]e)\b.*\bprompt\b", text)
        ):
            return
        self.many = False
        self.shape = "open"
        if found["rest"]:
            self._first([found["rest"]])

    def _first(self, lines: list[str]) -> None:
        """Take the first lines of a prompt, which show its shape."""
        if _is_quote(lines):
            self.shape = "quote"
            self._add_quote(lines)
        elif self.many and _ITEM.match(lines[0]):
            self.shape = "items"
            self._add_items(lines)
        elif _ONLY_A_LINK.match(" ".join(lines).strip()):
            # The words are elsewhere; what follows is about the link.
            self.shape = "closed"
        elif (inner := _plain_fence(lines)) is not None:
            self._add_fence(inner)
        elif _is_set_off(lines[0]):
            self.shape = "indent"
            self.parts.append(textwrap.dedent("\n".join(lines)))
        else:
            self.shape = "text"
            self.parts.append(_plain("\n".join(lines)))

    def _go_on(self, block: list[str], *, after_quote: bool) -> None:
        """Take a block while a prompt is open: more of it, the next one, or the narrator again."""
        text = "\n".join(block)
        if self.shape == "open" and _RULE.match(text):
            return
        if self.shape == "open":
            if not is_report_of_agent(text) or _is_quote(block) or _is_set_off(block[0]):
                self._first(block)
            else:
                self.close()
            return
        if self.shape == "quote" and _is_quote(block):
            self._add_quote(block)
        elif self.shape == "items" and _ITEM.match(block[0]):
            self._add_items(block)
        elif self.shape == "fence" and self.many and (inner := _plain_fence(block)) is not None:
            self._add_fence(inner)
        elif self.shape == "indent" and _is_set_off(block[0]):
            self.parts.append(textwrap.dedent(text))
        elif self.shape != "text" or self._ends_here(block):
            was_quote = self.shape in ("quote", "indent", "fence")
            self.close()
            self.after_quote = was_quote or after_quote
            self.take(block)
        elif self.many:
            self.close()
            self.shape = "text"
            self.parts = [text]
        else:
            self.parts.append(text)

    def _ends_here(self, block: list[str]) -> bool:
        heading = _HEADING.match(block[0])
        if heading and self.level and len(heading[1]) <= self.level:
            return True
        if _RULE.match(block[0]) or _announces_more(block):
            return True
        if _FENCE.match(block[0]) or _is_set_off(block[0]) or _is_quote(block):
            return False
        return is_narration("\n".join(block), self.parts[-1])

    def _add_quote(self, lines: list[str]) -> None:
        """Take one quote as one prompt: a quote that goes on over a blank line marks that line too."""
        self.parts = ["\n".join(re.sub(r"\A\s*> ?", "", line) for line in lines)]
        self.close()
        self.shape = "quote"
        self.after_quote = True

    def _add_fence(self, inner: str) -> None:
        """Take a fence; where many prompts are promised, lines that are all quoted are one each."""
        lines = [line.strip() for line in inner.split("\n") if line.strip()]
        each_quoted = self.many and all(len(line) > 1 and line[0] == line[-1] == '"' for line in lines)
        for text in lines if each_quoted else [inner]:
            self.parts = [text]
            self.close()
        self.shape = "fence"
        self.after_quote = True

    def _add_items(self, lines: list[str]) -> None:
        first = _ITEM.match(lines[0])
        depth = len(first[1]) if first else 0
        for line in lines:
            item = _ITEM.match(line)
            if item and len(item[1]) <= depth:
                self.close()
                self.parts = [line[item.end() :]]
            else:
                self.parts[-1:] = ["\n".join([*self.parts[-1:], line.strip()])]
        self.close()
        self.shape = "items"


def _blocks(body: str) -> list[list[str]]:
    """Split at blank lines, before labels and around rules; never inside a fence."""
    blocks: list[list[str]] = [[]]
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            blocks[-1].append(line)
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
            continue
        if mark:
            fence = mark[1]
        if not line.strip():
            blocks.append([])
        elif _RULE.match(line):
            blocks += [[line], []]
        elif blocks[-1] and _starts_anew(line, blocks[-1][-1]):
            blocks.append([line])
        else:
            blocks[-1].append(line)
    return [block for block in blocks if block]


def _starts_anew(line: str, before: str) -> bool:
    """Return whether this line is a label, after a line that does not run on into it."""
    label = _label(line)
    if not label:
        return False
    return before.rstrip()[-1:] in ".!?:)\"'”`>" or line[:1].isupper() or label["mark"] is not None


def _label(line: str) -> re.Match[str] | None:
    """Return the label that a line begins with; without a colon it must be marked as a heading."""
    found = _LABEL.match(line.strip()) if not _is_set_off(line) else None
    return None if found and found["bare"] is not None and not found["mark"] else found


def _is_sure(label: re.Match[str]) -> bool:
    """Return whether this is a label even where no agent took part: programs have prompts of their own."""
    words = label[0].lstrip("#*_ ")
    return words[:1].isupper() and not words.lower().startswith("the ")


def _announces_more(block: list[str]) -> bool:
    return block[-1].rstrip().endswith(":") and is_report_of_agent("\n".join(block))


def _is_trailers(block: list[str]) -> bool:
    if _is_folded(block[0]) or any(_LABEL.match(line.strip()) for line in block):
        return False
    return all(AGENT_TRAILER.match(line) or _FIELD.match(line) or _is_folded(line) for line in block)


def _is_folded(line: str) -> bool:
    return line[:1] in (" ", "\t")


def _until_field(lines: list[str]) -> list[str]:
    """Cut a one-line prompt where tool-written fields follow it without a blank line."""
    for index, line in enumerate(lines[1:], 1):
        if AGENT_TRAILER.match(line) or (_FIELD.match(line) and not _LABEL.match(line)):
            return lines[:index]
    return lines


def _is_quote(lines: list[str]) -> bool:
    return all(line.lstrip().startswith(">") for line in lines)


def _is_set_off(line: str) -> bool:
    return line.startswith(("    ", "\t"))


def _plain_fence(lines: list[str]) -> str | None:
    """Return what is in the fence that these lines are, if it holds words and not a programming language."""
    mark = _FENCE.match(lines[0])
    if not mark or mark[2].strip().lower() not in _PLAIN_FENCES or not _FENCE.match(lines[-1]):
        return None
    return textwrap.dedent("\n".join(lines[1:-1]))


def _plain(text: str) -> str:
    """Take off the indentation of lines folded as a trailer's are."""
    first, newline, rest = text.partition("\n")
    if rest and all(line[:1] in " \t" for line in rest.split("\n") if line.strip()):
        return first + newline + textwrap.dedent(rest)
    return text


def _unquoted(text: str) -> str:
    """Take off one pair of quotation marks around the whole, or around all but a remark on it."""
    inner = text.strip()
    for opening, closing in (('"', '"'), ("“", "”"), ("`", "`")):
        quoted = inner[1:-1]
        if quoted and inner[0] == opening and inner[-1] == closing and not {opening, closing} & set(quoted):
            return quoted
    remarked = _REMARKED.match(inner)
    return remarked[1] if remarked else text
