"""Named rules for secrets: each match becomes ``[redacted:<rule>]``.

A rule is looked at only when one of its hints is in the text, and compiled only then; so text without secrets
costs a few searches for words. Every pattern is bounded or starts at the edge of a word, which keeps the time
linear. Paths, commit ids and names in code are not secrets.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["RULES", "Redacted", "Rule", "redact"]

_MARK = re.compile(r"\[redacted:[a-z-]{1,40}\]")
_EDGE = r"(?<![A-Za-z0-9_-])"
_BITS_OF_A_KEY = 3.2
"""Shannon entropy a character; English words in a row stay below, random letters and digits above."""

_WORDS_OF_CODE = """
none null nil true false str string bool int bytes text password passwd pass secret token key required
optional undefined empty hidden input getpass self env environ process os config settings changeme placeholder
example xxx xxxx xxxxx
"""
_NOT_A_VALUE = frozenset(_WORDS_OF_CODE.split())


class Redacted:
    """Text without the secrets that the rules know; how many were replaced, and by which rule which ones."""

    __slots__ = ("count", "secrets", "text")

    def __init__(self, text: str, secrets: Sequence[tuple[str, str]]) -> None:
        self.text = text
        self.count = len(secrets)
        self.secrets = tuple(secrets)


class Rule(NamedTuple):
    """One kind of secret.

    The secret is the group ``secret``, or the whole match. ``hints`` are lower-case words of which a text
    that matches holds at least one. ``accepts`` has the last word on a match.
    """

    name: str
    pattern: str
    hints: tuple[str, ...]
    accepts: Callable[[str], bool] | None = None


def _is_random(value: str) -> bool:
    """Return whether this looks drawn by lot: letters and digits, no path, no name made of words."""
    if not (any(c.isdigit() for c in value) and any(c.isalpha() for c in value)):
        return False
    if value.startswith(("/", "./", "../", "~/")) or re.search(r"\.[a-z]{1,4}$", value):
        return False
    if re.fullmatch(r"(?:[A-Za-z]+|[0-9]{1,4})(?:[_/-](?:[A-Za-z]+|v?[0-9]{1,4}))+", value):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= _BITS_OF_A_KEY


def _is_value(value: str) -> bool:
    """Return whether this can be a password, rather than a word of code or of a form."""
    bare = value.strip("*.<>")
    return bool(bare) and bare.lower() not in _NOT_A_VALUE and not value.startswith(("$", "{", "<", "%"))


def _is_mixed(value: str) -> bool:
    return _is_value(value) and any(c.isdigit() for c in value) and any(not c.isdigit() for c in value)


def _has_digit(value: str) -> bool:
    return any(c.isdigit() for c in value)


RULES: tuple[Rule, ...] = (
    Rule(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        ("private key",),
    ),
    Rule(
        "aws-access-key",
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
        ("akia", "asia", "abia", "acca"),
    ),
    Rule(
        "aws-secret-key",
        r"(?i:aws_?secret[a-z_]{0,30})[\"']?[ \t]{0,8}[=:][ \t]{0,8}[\"']?"
        r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
        ("secret",),
    ),
    Rule(
        "github-token",
        _EDGE + r"(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    Rule("gitlab-token", _EDGE + r"glpat-[A-Za-z0-9_-]{20,200}", ("glpat-",)),
    Rule("anthropic-key", _EDGE + r"sk-ant-[A-Za-z0-9_-]{16,300}", ("sk-ant-",)),
    Rule("openai-key", _EDGE + r"sk-[A-Za-z0-9_-]{20,300}", ("sk-",), _has_digit),
    Rule("stripe-key", _EDGE + r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,200}", ("k_live_", "k_test_")),
    Rule("slack-token", _EDGE + r"xox[abeoprs]-[A-Za-z0-9-]{10,250}", ("xox",)),
    Rule("slack-webhook", r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{20,100}", ("hooks.slack.com",)),
    Rule("google-api-key", _EDGE + r"AIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])", ("aiza",)),
    Rule("npm-token", _EDGE + r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])", ("npm_",)),
    Rule("pypi-token", _EDGE + r"pypi-AgE[A-Za-z0-9_-]{40,400}", ("pypi-age",)),
    Rule("hugging-face-token", _EDGE + r"hf_[A-Za-z0-9]{30,100}", ("hf_",)),
    Rule(
        "jwt",
        _EDGE + r"eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{8,2000}",
        ("eyj",),
    ),
    Rule(
        "authorization",
        r"(?i:authorization)[\"']?[ \t]{0,8}[:=][ \t]{0,8}[\"']?(?i:bearer|basic|token|digest)[ \t]{1,8}"
        r"(?P<secret>[A-Za-z0-9._~+/=-]{8,4000})",
        ("authorization",),
        _is_value,
    ),
    Rule(
        "bearer-token",
        r"\b(?i:bearer)[ \t]{1,8}(?P<secret>[A-Za-z0-9._~+/=-]{20,4000})",
        ("bearer",),
        _has_digit,
    ),
    Rule(
        "url-password",
        r"://[^\s/:@\"'<>\[\]]{0,100}:(?P<secret>[^\s/@\"'<>\[\]]{1,200})(?=@)",
        ("://",),
        _is_value,
    ),
    Rule(
        "password",
        r"(?i:passw(?:or)?d|passphrase|passwd|pwd)[\"']?[ \t]{0,8}[=:][ \t]{0,8}"
        r"(?P<quote>[\"'`])(?P<secret>[^\s\"'`\[\]]{4,200})(?P=quote)",
        ("passw", "passphrase", "pwd"),
        _is_value,
    ),
    Rule(
        "password",
        r"(?i:passw(?:or)?d|passphrase|passwd|pwd)="
        r"(?P<secret>[^\s\"'`,;&|(){}<>\[\]]{3,200})(?=[\s&;|\"'`]|\Z)",
        ("passw", "passphrase", "pwd"),
        _is_value,
    ),
    Rule(
        "password",
        r"(?i:passw(?:or)?d|passphrase|passwd|pwd)(?:[ \t]{0,8}[:=][ \t]{0,8}|[ \t]{1,8}is[ \t]{1,8})"
        r"(?P<secret>[^\s\"'`,;&|(){}<>\[\]]{4,200})(?=[\s,;&|\"'`]|\Z)",
        ("passw", "passphrase", "pwd"),
        _is_mixed,
    ),
    Rule(
        "secret",
        r"(?<![A-Za-z0-9_])(?i:[A-Za-z0-9_]{0,60}(?:key|token|secret|passwd|password|credentials?))[\"']?"
        r"[ \t]{0,8}[=:][ \t]{0,8}[\"'`]?(?P<secret>[A-Za-z0-9+/=_-]{16,500})(?![A-Za-z0-9+/=_.(\[-])",
        ("key", "token", "secret", "passw", "credential"),
        _is_random,
    ),
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def redact(text: str) -> Redacted:
    """Return the text with every secret replaced. What is redacted already is left alone and not counted."""
    secrets: list[tuple[str, str]] = []
    while True:
        text, found = _pass(text)
        if not found:
            return Redacted(text, secrets)
        # What was replaced is a new edge, at which another rule may begin; each pass leaves less to replace.
        secrets += found


def _pass(text: str) -> tuple[str, list[tuple[str, str]]]:
    secrets: list[tuple[str, str]] = []
    lower = text.lower()
    for rule in RULES:
        if any(hint in lower for hint in rule.hints):
            text = _apply(rule, text, secrets)
    return text, secrets


def _apply(rule: Rule, text: str, secrets: list[tuple[str, str]]) -> str:
    """Apply one rule between the marks that earlier rules have left."""
    pieces: list[str] = []
    at = 0
    for mark in [*_MARK.finditer(text), None]:
        pieces.append(_replace(rule, text[at : mark.start() if mark else len(text)], secrets))
        if mark:
            pieces.append(mark.group())
            at = mark.end()
    return "".join(pieces)


def _replace(rule: Rule, piece: str, secrets: list[tuple[str, str]]) -> str:
    def hide(match: re.Match[str]) -> str:
        group: int | str = "secret" if "secret" in match.re.groupindex else 0
        secret = match.group(group)
        if rule.accepts is not None and not rule.accepts(secret):
            return match.group()
        secrets.append((rule.name, secret))
        start, end = (match.start(group) - match.start(), match.end(group) - match.start())
        whole = match.group()
        return f"{whole[:start]}[redacted:{rule.name}]{whole[end:]}"

    return _compiled(rule.pattern).sub(hide, piece)
