"""Tell the narrator of a commit message from the person whose prompt it quotes.

A prompt speaks to the agent ("you", "please", an order); the narrator speaks about it ("Claude then added",
"I had to ask it again", "(this took three tries)"). Only clear signals count, since a paragraph taken for
narration is lost to the prompt, and words typed must not be lost.
"""

from __future__ import annotations

import re

from regen_git.agents.evidence import AGENT, AGENT_TRAILER

__all__ = ["is_narration", "is_report_of_agent"]

_ADVERBS = (
    r"(?:\s(?:\w+ly|also|then|first|now|just|still|even|once|again|soon|later|already|never|always)){0,3}"
)
_PAST = (
    r"(?:\w{2,}ed|did|didn't|said|wrote|made|got|went|took|gave|thought|found|began|ran|forgot|had|hadn't|was|wasn't|were|weren't|kept"
    r"|chose|came|saw|left|put|built|broke|knew|spent|sent|lost|meant|felt|held|told|caught|brought|drew|threw|set|read"
    r"|understood|misunderstood|started|stuck|won|led|became|fell|shot|hit|couldn't|wouldn't|won't|doesn't|isn't"
    r"|struggles|seems|likes|wants|is|has|does|tries|keeps|misses)"
)
# "Claude then added", "Claude's changes were not applied", 'Claude "researched"'
_ACTS = re.compile(rf"(?<![`/\w@])(?:{AGENT})(?:['\u2019]s(?:\s[\w`()]+){{1,3}})?{_ADVERBS}\s[\"“]?{_PAST}\b")
_TOLD = re.compile(
    r"\b(?:I|[Ww]e)\b[^.\n]{0,60}?\b(?:ask|asked|told|tell|prompted|prompting|reminded|stopped|coaxed"
    r"|instructed|let|had)"
    rf"\s(?:{AGENT}|it|him|them)\b"
)
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours|please)\b", re.IGNORECASE)
_ASIDE = re.compile(r"\A\(.*\)\W*\Z", re.DOTALL)
_HEADED = re.compile(
    r"\A(?:\*\*|__|#{1,6}\s)?(?:full |claude code |session )?(?:transcript|result|response"
    r"|reply|output|outcome|answer"
    r"|changes(?: made)?|summary(?: of changes)?|what (?:changed|was done|this does|it did)"
    r"|implementation(?: details| notes)?"
    r"|test plan|testing|tests|model|tool|agent|cost|session|conversation|key changes|generated files?)"
    r"(?:\s\([^)]*\))?(?:\*\*|__)?\s*:",
    re.IGNORECASE,
)
_THIS_COMMIT = re.compile(
    r"\A(?:This|The)\s(?:commit|change|patch|PR|pull request|diff|above|resulting|generated)\b"
)
_MYSELF = re.compile(
    r"\bI(?:['\u2019]ll| will| then| also| had to)?\s(?:\w+ly\s)?\w+\b[^.\n]{0,80}"
    r"\b(?:myself|by hand|manually|(?:in )?the (?:next|previous|following) commit|(?:in )?this commit)\b"
)
_IT_DID = re.compile(
    r"\A(?:It|This|That)\s(?:(?:then|mostly|nearly|almost|just|also|even)\s)?(?:worked|complied|took|produced|wrote"
    r"|generated|one-shotted|nailed|got\sit|did\s(?:it|so|this|as|a|the|well|not))\b"
)
_RAN_USING = re.compile(
    rf"\A(?:Ran|Run|Built|Implemented|Generated|Made|Created|Done|Written)\s[^.]*\b"
    rf"(?:using|with|by|in)\b[^.]*(?:{AGENT}|https?://)"
)
_DID = (
    r"(?:Added|Updated|Fixed|Implemented|Created|Removed|Refactored|Changed|Renamed|Moved|Replaced|Introduced|Improved"
    r"|Extracted|Simplified|Converted|Deleted|Enhanced|Extended|Configured|Integrated|Modified|Rewrote|Wrote)"
)
_REPORT_ITEM = re.compile(rf"\A\s*(?:[-*•+]|\d+[.)])\s+(?:\*\*)?{_DID}\b")
_REPORT_TEXT = re.compile(rf"\A{_DID}\s(?!to\b)")
_ITEM = re.compile(r"\A\s*(?:[-*•+]|\d+[.)])\s+")


_ENOUGH = 2000
"""Characters of a paragraph that are looked at: a narrator shows at once, and searching must stay quick."""


def is_narration(paragraph: str, before: str) -> bool:
    """Return whether this paragraph, after a prompt's paragraph ``before``, is clearly no longer the prompt.

    What follows a colon belongs to it, unless the agent is reported on.
    """
    text = paragraph.strip()[:_ENOUGH]
    if AGENT_TRAILER.match(text):
        return True
    if is_report_of_agent(text):
        return True
    if before.rstrip().endswith(":"):
        return False
    to_the_agent = _SECOND_PERSON.search(text) is not None
    return (
        _HEADED.match(text) is not None
        or _RAN_USING.match(text) is not None
        or (not to_the_agent and _is_aside(text))
        or _is_report(text)
    )


def is_report_of_agent(text: str) -> bool:
    """Return whether the agent is spoken about, in what it did or in what it was told."""
    prose = _without_code(text[:_ENOUGH])
    first_sentence = re.split(r"(?<=[.!?:])\s", prose, maxsplit=1)[0]
    speaks_to_it = _SECOND_PERSON.search(_without_quotes(prose)) is not None
    for signal in (_ACTS, _TOLD):
        if signal.search(prose if not speaks_to_it else first_sentence):
            return not (speaks_to_it and _SECOND_PERSON.search(first_sentence))
    return False


def _is_aside(text: str) -> bool:
    return any(s.search(text) for s in (_ASIDE, _THIS_COMMIT, _MYSELF, _IT_DID)) or bool(
        _REPORT_TEXT.match(text)
    )


def _is_report(text: str) -> bool:
    """Return whether this is a list of what was done, as agents end their messages."""
    items = [line for line in text.splitlines() if _ITEM.match(line)]
    if not items or not _ITEM.match(text):
        return False
    return 2 * sum(1 for item in items if _REPORT_ITEM.match(item)) > len(items)


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "`code`", text)


def _without_quotes(text: str) -> str:
    return re.sub(r"[\"“][^\"”\n]*[\"”]", '""', text)
