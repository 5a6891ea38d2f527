"""What a prompt is for, told by rules alone; nothing where they are not sure. Pure.

The rules know English. Text in other languages and scripts is left open, except for a few words that many
languages share. How often they are right is measured on prompts of real people: docs/classification.md.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from regen_git.domain.intent import PromptClass

__all__ = ["classify", "guess"]

_Told: TypeAlias = "tuple[PromptClass, bool]"
"""A class, and whether the rule that gave it is right so often that its word may be written down."""

_END_READ = 2000
_SHORT_ANSWER = 240
_SHORT_ORDER = 200
_FEW_WORDS = 8
_FOREIGN_SHARE = 0.2

# Words that open a sentence and say nothing of what is wanted.
_OPENING = re.compile(
    r"(?:(?:ok(?:ay)?|k|hmm+|mm+k?|uh+|um+|ah+|oh|argh|ugh|huh|hey|hi|well|so|and|but|now|also|then|great"
    r"|good"
    r"|nice|cool|perfect|right|sure|alright|actually|sorry|sigh|dude|man|wait|whoa|oops|whoops|wow|thanks?"
    r"|thank you|please|pls|just|first|next|finally|again|lastly|additionally|btw|q|one more thing"
    r"|ok final change|for now|in this branch|this works|ok works|looks good|great works now"
    r"|still|maybe|perhaps|more|i think(?: that)?|i guess|i suppose|it seems|seems|in that case|one thing"
    r"|(?:one|a) more question|quick question|another ?thing(?: noticed)?)\b[\s,.:;!…-]*)+",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"```.*?(?:```|\Z)|<([a-z][a-z_-]*)>.*?</\1>|`[^`\n]*`|https?://\S+", re.DOTALL)
_REFERENCE = re.compile(r"(?:^|(?<=\s))@[\w./~-]+(?::\d+(?:-\d+)?|\s\(\d+(?:-\d+)?\))?")
_TAGGED = re.compile(r"<([a-z][a-z_-]*)>.*</\1>", re.DOTALL)
_QUOTED = re.compile(r"^>[^\n]*$", re.MULTILINE)
_SENTENCE = re.compile(r"[.!?:;]+\s+|\n+|,\s+(?:so|but|and|then)\s+|\s-\s+|…")
_WORDS = re.compile(r"[a-z']+")

_NOISE = re.compile(
    r"(?:ok(?:ay)?|k|hi|hey|hello|hallo|thanks?|thank you|thx|ty|continue|go on|keep going|carry on|proceed"
    r"|resume"
    r"|next|(?:great|nice|cool|perfect|awesome|excellent|amazing|good)(?: job| work| stuff)?|well done|lgtm"
    r"|done|test"
    r"|please|let'?s|(?:so|very) much|a lot|oh|ah|whoops|oops|my bad|sorry|nevermind|never mind|wow"
    r"|work(?:s|ed)"
    r"|fine|now|that|it|this|both|seems?|looks|too|claude|weiter|danke|merci|gracias|bitte|continuez|sigue)"
    r"(?:[\s,.!?…:)(]+|\Z)",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"(?:(?:oh )?(?:whoops|oops)\b|my bad\b|never ?mind\b|ignore (?:that|this|me)\b"
    r"|(?:ok(?:ay)?,? )?(?:great|perfect|nice|cool|awesome)[,.! ]+(?:i'?ll|that works|it works|works"
    r"|reverted))[^.!?\n]*[.!]*",
    re.IGNORECASE,
)

_FINE = re.compile(
    r"(?:\S+ ){1,4}(?:works?|worked|is|looks|seems?) (?:fine|ok|good|great)[.!]*", re.IGNORECASE
)

_YES = (
    r"(?:(?:y|yes+|yea+h+|yep+|yup+|agreed|no|nope|nah|neither|si|sí|oui|ja|nein)\b(?!['-])"
    r"|(?:sure(?: thing)?|correct|exactly|right|true|both|either|alongside)\s*(?:[.,!:;]|\Z))"
)
_ANSWER = re.compile(
    rf"(?:(?:ok(?:ay)?|ah|oh|hmm+|alright)[,!. ]+)*(?:{_YES}"
    r"|(?:let'?s )?(?:go|do|take|use|pick|choose|try|implement|start|begin|proceed|continue)?\s?(?:with "
    r"|for |on )?"
    r"(?:option|plan|approach|variant|choice|alternative|answer|number|phase|step|idea)s? ?#?(?:\d+|[a-d])\b"
    r"|(?:the )?(?:first|second|third|latter|former|last) (?:one|option|approach)\b"
    r"|\(?(?:\d{1,2}|[a-e])\)?(?:(?:\s*(?:,|&|\+|and|then)\s*)\(?(?:\d{1,2}|[a-e])\)?)*\s*(?:[.,;:!)]|\Z"
    r"|but\b|and\b)"
    r"|(?:let'?s )?(?:go ahead|do it|do that|do this|go for it|make it so|make that change|ship it)\b"
    r"|let'?s (?:go|start|begin|do (?:this|that|it|the \w+|both))\b|sounds? (?:good|great|right|fine)\b"
    r"|that(?:'s| is) (?:fine|right|correct|ok(?:ay)?|good)\b|i (?:agree|did|do|have)\s*(?:[.!,]|\Z)"
    r"|i'?d prefer\b"
    r"|good idea\b|makes sense\b|up to you\b|you (?:decide|choose)\b|piece \d)",
    re.IGNORECASE,
)

_OPINION = re.compile(r"(?:i think|i'?d|\(?\d+[.)]|\w+ (?:only|is fine)|the \w+ (?:is|are))\b", re.IGNORECASE)

_PASTED_FAILURE = re.compile(
    r"(?:^|\s)(?:--- FAIL\b|FAIL\s|FAILED\b|error(?:\[\w+\])?: |Error: |ERROR\b|panicked at\b"
    r"|Traceback \(most"
    r"|npm ERR!|(?:fatal|exception): |AssertionError|undefined reference)"
)
_REVIEWED = re.compile(
    r"(?:(?:low|medium|high|critical|minor|major) (?:severity|priority)\b|### ?suggestions?\b"
    r"|## ?issues? found"
    r"|⚠️|\bnitpick\b|(?:got|have|received) (?:this|some|the following|more) (?:feedback|comments?|review))",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"\b(?:(?:does|do|did|is|are|was|were|has|have|ca|wo|would|could|should|must)n'?t (?:work|run|compile"
    r"|build|show|exist"
    r"|match|pass|right|quite|seem to|look right|appear|do anything|happen|clear|include|actually|update)\w*"
    r"|doesn'?t (?:seem|look|feel|feels)|not (?:work|be?ing|correct|right|happening|showing|aligned"
    r"|quite right)\w*"
    r"|(?:is|are|was|were|still|tests?|lint|build|ci|checks?|job|it|this) (?:failing|broken|fails|breaks"
    r"|stuck|wrong)\b"
    r"|(?:this|that|it)(?:'s| is| was| isn'?t)? (?:just )?(?:wrong|broken|stuck|fails|breaks|crashes|a bug"
    r"|simply)\b"
    r"|there(?:'s| is| are) (?:still )?(?:a |an |some )?(?:bugs?|errors?|problems?|issues?|test failures?)\b"
    r"|have (?:a|an|some|go)? ?(?:test|build|lint)? ?(?:bugs?|errors?|failures?|issues?)\b"
    r"|made things worse|went wrong|regress(?:ed|ion)|you(?:'ve| have)? (?:totally |completely )?(?:ignored"
    r"|forgot|missed"
    r"|broke|didn'?t|removed|changed|misunderstood)|i(?:'m| am)? (?:still )?(?:see|get|getting"
    r"|seeing) (?:this |an? )?error"
    r"|partially worked|too (?:broad|many|much|slow|expensive|long|short|big|small|complex)\b"
    r"|never (?:populated|set|used|called"
    r"|displayed|shown|checked)|(?:is|are) missing\b|missing completely|very expensive|has the (?:issue"
    r"|problem)|failing tests?"
    r"|tests? (?:are |is )?failing|isn'?t how|is not including|already have|have this .{1,30} already"
    r"|hook already"
    r"|no longer works?|isn'?t true|hallucinat\w+|redundant\b|race condition)",
    re.IGNORECASE,
)
_TO_MEND = re.compile(
    r"(?:let'?s |(?:can|could) (?:you|we) |please |now |i want you to |going to )*(?:also )?"
    r"(?:fix|address|adress|resolve|revert|undo|redo|roll back|put back|bring back|correct|debug|repair)\b",
    re.IGNORECASE,
)
_MEND = re.compile(
    r"(?:we don'?t (?:want|need)|i don'?t (?:want|think we need|like)|don'?t need|no[,.] |nope|not (?:that"
    r"|like|what)"
    r"|that'?s not|it should (?:be|return|have|say)|should be\b|you (?:should|need to|were supposed)"
    r"|i noticed (?:you|that you)|this is (?:more|too|not)|this can be simpler|almost there|oops"
    r"|there'?s a bug"
    r"|why (?:did|are|is|do) (?:you|we) (?:still|again)|what are you doing|don'?t just|dont just"
    r"|rather than\b|i(?:'m| am) concerned|wait[,.]? (?:slow|no|stop)"
    r"|it(?:'s| is) (?:still )?(?:not|too)\b|now it (?:overlaps|is|does|shows)|replace .{1,60} back)",
    re.IGNORECASE,
)
_ACTUALLY = re.compile(r"(?:actually|hmm+ (?:this|that|it)|[^.?!]{1,60} though\b)", re.IGNORECASE)
_REVIEW_TONE = re.compile(
    r"\b(?:this (?:eliminates|means|adds|could (?:cause|lead)|should be|might be)|potential (?:issue|bug"
    r"|logic|inaccuracy)"
    r"|unnecessar\w+|inconsisten\w+|no test coverage|skips? validation|duplicat\w+ (?:code|logic)"
    r"|would be better"
    r"|(?:but|however)[, ].{1,80}\b(?:never|not|only|also)\b)",
    re.IGNORECASE,
)
_ARROW = re.compile(r"[^\n]{3,200} -> [^\n]{3,200}\Z")

_OPERATE = (
    r"(?:(?:git )?(?:commit|push|pull|merge|rebase|stash|cherry-?pick|tag|checkout|check out|switch|fetch"
    r"|stage|squash)"
    r"|(?:re-?)?run|deploy|publish|release|install|restart|start the|stop the|kill|test it|rebuild|clone"
    r"|download"
    r"|(?:open|create|make|draft|update|close|link|write)(?: (?:a|an|the|another|draft|new|stacked"
    r"|comment in))*"
    r" (?:pr|mr|pull request|merge request|branch|release|worktree|#\d+)|pr\b|read\b|bump"
    r"|clean up the branch)"
)
_OPERATION = re.compile(rf"(?:let'?s |can you |could you |yes |yep |yeah )?{_OPERATE}\b", re.IGNORECASE)
_SLASH = re.compile(r"/[a-z][\w:-]*(?:\s+[^\n]{0,80})?\Z")
_AND = re.compile(r"\s*(?:[,;]\s*(?:and\s|then\s)?|\.\s+|\band (?:then )?|\bthen )\s*", re.IGNORECASE)

_LOOK = (
    r"(?:check|review|look|explain|tell|see|confirm|verify|validate|find|help me understand|compare"
    r"|describe|show me"
    r"|list|summari[sz]e|analy[sz]e|investigate|figure out|think|walk|double[- ]check|remind|clarify"
    r"|give me|search"
    r"|research|evaluate|audit|proof ?read|inspect|determine|identify|play around|you find|debug)"
)
_MAKE = (
    r"(?:add|build|create|implement|make|update|edit|write|move|rename|replace|use|change|convert|support"
    r"|remove"
    r"|delete|allow|show|modify|rewrite|extend|refactor|integrate|introduce|set|put|enable|disable|expose"
    r"|extract|split"
    r"|drop|include|generate|apply|install|modify|adjust|improve|simplify|clean|get rid|wire|hook|turn"
    r"|store|return|print|render|display"
    r"|sort|expand|handle|match|log|save|align|limit|start|begin|merge|inline|append|insert|document"
    r"|go through|design|port|upgrade|migrate|pass|cache|hide|format|style|separate|specifically|give it"
    r"|reduce|increase|address|stop|collapse|group|provide|combine|solve|implement|impliment|copy|swap"
    r"|explore|adopt|define"
    r"|assign)"
)
_ASKS_TO_MAKE = re.compile(
    r"(?:can|could|would|will|should)(?: you| we| i| it)?(?: (?:also|please|just|now|maybe|then|instead"
    rf"|perhaps))* (?:do|have|{_MAKE})\b"
    r"|(?:i|we)(?:'d| would)? (?:want|like|need|love)(?: you| it| us| to| this)*\b"
    rf"|let'?s (?:\w+ )?{_MAKE}\b|let'?s also"
    rf"|(?:you|we) (?:should|can|need to|could|have to|must) (?:also |now )?{_MAKE}\b|(?:please )?{_MAKE}\b"
    r"|(?:we|it|you|users?) should (?:also )?(?:be able to|support|have|accept)\b"
    r"|what i'?m trying to (?:achieve|do)\b"
    r"|(?:a|an) (?:\w+ ){0,3}(?:tool|page|app|script|command|option|button|artifact)\b|artifact\b",
    re.IGNORECASE,
)
_LATE_ORDER = re.compile(
    rf"(?:,|\bso) (?:please |then |we )?(?:also )?(?:want to |need to )?{_MAKE} (?:the|our|an?|this|that|it"
    r"|all|my|your|these|those)\b"
    rf"|\b(?:can|could) (?:you|we) (?:please |also |just )?{_MAKE}\b|\band (?:fix|resolve|address)\b"
    rf"|\b(?:we|i) (?:also )?want to (?:also )?(?:be able to|{_MAKE}|check)\b",
    re.IGNORECASE,
)
_ASKS_TO_LOOK = re.compile(
    rf"(?:can|could|would|will)(?: you| we)?(?: (?:also|please|just|now|maybe|first))* {_LOOK}\b"
    rf"|(?:please )?{_LOOK}\b"
    rf"|let'?s {_LOOK}\b|tell me\b|i(?:'m| am) (?:confused|struggling|not sure|wondering|curious)"
    r"|i (?:don'?t|do not) (?:understand|see|get)\b|not sure (?:i|if|what|why|how)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(r"(?:can|could|would) (?:you|we)\b|let'?s\b|please\b", re.IGNORECASE)
_INTERROGATIVE = re.compile(
    r"(?:what|why|how|when|where|who|which|whose|is|are|was|were|does|do|did|has|have|had|should|would"
    r"|could|can|will"
    r"|shall|any|am|isn'?t|aren'?t|don'?t|doesn'?t|didn'?t|wouldn'?t|couldn'?t|shouldn'?t|if|what'?s|how'?s"
    r"|where'?s|wtf"
    r"|and (?:what|why|how|are|is|do|does))\b",
    re.IGNORECASE,
)
# fmt: off
_ENGLISH = frozenset({
    "a", "all", "an", "and", "any", "are", "as", "at", "be", "been", "by", "can", "could", "did", "do",
    "does", "for", "from", "had", "has", "have", "he", "how", "i", "if", "in", "is", "it", "its", "me",
    "my", "no", "not", "of", "on", "or", "our", "she", "should", "so", "that", "the", "them", "then",
    "there", "these", "they", "this", "those", "to", "us", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "would", "you", "your",
})
# fmt: on

_ORDER = re.compile(rf"(?:please |let'?s )?(?:{_MAKE}|{_LOOK}|fix)\b", re.IGNORECASE)

_CONSTRAINT = re.compile(
    r"(?:always|never|make sure|ensure|be (?:sure|careful)|keep in mind|remember(?: that)?|note that|assume"
    r"|(?:please )?don'?t"
    r"|do not|avoid|must\b|only use|use only|no need|you can skip|please please|just to clarify|from now on"
    r"|going forward"
    r"|one thing i forgot)\b",
    re.IGNORECASE,
)
_RULE = re.compile(
    r"\b(?:must (?:not |never |always )?be|should (?:never|always|not|only)|shouldn'?t (?:be|have)"
    r"|is only (?:passed|used)"
    r"|no (?:more|less) than|at (?:most|least)|assume (?:it|that|everyone))\b",
    re.IGNORECASE,
)


def classify(text: str, answers: str | None = None) -> PromptClass | None:
    """Return what a prompt is for where the rules are sure, else ``None``. ``answers`` is what it replies to.

    A pure function of both: the same words always get the same class from one version of the program.
    """
    told = _told(text, answers)
    return told[0] if told is not None and told[1] else None


def guess(text: str, answers: str | None = None) -> PromptClass | None:
    """Return what a prompt is most likely for: to be shown as a guess, never to be written down."""
    told = _told(text, answers)
    return told[0] if told is not None else None


def _told(text: str, answers: str | None) -> _Told | None:
    whole = text.strip()
    if len(whole) > 2 * _END_READ:
        # The person speaks at one of the ends; between them is what was pasted.
        whole = f"{whole[:_END_READ]}\n{whole[-_END_READ:]}"
    if not whole or _TAGGED.match(whole) or _is_foreign(whole):
        return None
    said = _MARKUP.sub(" it ", _QUOTED.sub("", whole))
    said = _REFERENCE.sub(" ", said).strip(" \n\t-*>#")
    core = _without_opening(said)
    return (
        _of_little(whole, said, is_reply=answers is not None)
        or _operation(whole, core)
        or _answer(said, core, answers)
        or _correction(whole, said, core)
        or _wish(said, core)
    )


def _without_opening(said: str) -> str:
    found = _OPENING.match(said)
    return said[found.end() :] if found else said


def _is_foreign(text: str) -> bool:
    """Return whether too many letters are none of English."""
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and sum(not char.isascii() for char in letters) > _FOREIGN_SHARE * len(letters)


def _of_little(whole: str, said: str, *, is_reply: bool) -> _Told | None:
    """Tell ``noise``: words that ask for nothing."""
    left = said
    while found := _NOISE.match(left):
        left = left[found.end() :]
    if not left.strip(" .,!?…:)(-\n") or not any(char.isalnum() for char in whole):
        return "noise", True
    is_remark = _REMARK.fullmatch(said) or (_FINE.fullmatch(said) and not is_reply)
    return ("noise", False) if is_remark and len(said.split()) <= 2 * _FEW_WORDS else None


def _operation(whole: str, core: str) -> _Told | None:
    """Tell ``operation``: a short order of which every part is one."""
    if _SLASH.match(whole):
        return "operation", True
    if len(core) > _SHORT_ORDER or "?" in core or not _OPERATION.match(core):
        return None
    parts = [_without_opening(part) for part in _AND.split(core) if part.strip()]
    if any(_ORDER.match(part) and not _OPERATION.match(part) for part in parts[1:]):
        return None
    return "operation", True


def _answer(said: str, core: str, answers: str | None) -> _Told | None:
    """Tell ``answer``: words that only make sense after a question."""
    opened = _ANSWER.match(said) or _ANSWER.match(core)
    if opened is None:
        if answers is None or "?" in said or _BROKEN.search(said) or _ORDER.match(core) or _MEND.match(core):
            return None
        is_reply = len(said.split()) <= _FEW_WORDS or _OPINION.match(said) or _FINE.match(said)
        return ("answer", False) if is_reply and not _TO_MEND.match(core) else None
    rest = said[said.index(opened[0]) + len(opened[0]) :]
    if "?" in rest or len(rest) > _SHORT_ANSWER or _BROKEN.search(rest):
        return None
    if answers is None and any(_ORDER.match(part) for part in _sentences(rest)[1:]):
        return None
    return "answer", answers is not None or len(rest) <= _SHORT_ANSWER // 3


def _correction(whole: str, said: str, core: str) -> _Told | None:
    """Tell ``correction``: that something made is not right."""
    if _TO_MEND.match(core):
        return "correction", True
    if _PASTED_FAILURE.search(whole) or _ARROW.match(whole):
        return "correction", "?" not in said
    asks = _is_question(core) or _ASKS_TO_LOOK.match(core)
    if _REVIEWED.search(whole) or _MEND.match(core) or _MEND.match(said) or _ACTUALLY.match(said):
        return None if asks else ("correction", not _ACTUALLY.match(said))
    if asks or not (_BROKEN.search(said) or _REVIEW_TONE.search(said)):
        return None
    return "correction", _BROKEN.search(said) is not None and not _ASKS_TO_MAKE.match(core)


def _wish(said: str, core: str) -> _Told | None:
    """Tell ``question``, ``constraint`` or ``feature``."""
    is_question = _is_question(core)
    if _CONSTRAINT.match(core):
        return "constraint", not is_question
    parts = [_without_opening(part) for part in _sentences(said)]
    makes = _LATE_ORDER.search(said) or any(_ASKS_TO_MAKE.match(part) for part in parts)
    if _ASKS_TO_LOOK.match(core):
        return "question", not makes
    if _ASKS_TO_MAKE.match(core):
        return "feature", not is_question or _POLITE.match(core) is not None
    if makes:
        return "feature", False
    if is_question or any(_ASKS_TO_LOOK.match(part) for part in parts):
        return "question", is_question and _INTERROGATIVE.match(core) is not None
    return ("constraint", False) if _RULE.search(said) else None


def _sentences(said: str) -> list[str]:
    return [part.strip(" -*") for part in _SENTENCE.split(said) if part.strip(" -*")]


def _is_question(text: str) -> bool:
    """Return whether an English text asks: there is a question mark, and words of English are in it."""
    if "?" not in text:
        return False
    return any(word in _ENGLISH for word in _WORDS.findall(text.lower()))
