"""``git regen diff``: what was asked between two revisions, not what changed in code."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

import click

from regen_git.cli.commands.describe import short_version
from regen_git.cli.console import Console, safe, style
from regen_git.cli.context import json_option, open_up_to_date
from regen_git.cli.pager import paged
from regen_git.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from regen_git.domain.ids import IntentId
    from regen_git.domain.intent import Intent
    from regen_git.git.repository import Repository
    from regen_git.ledger.comparing import Difference
    from regen_git.ledger.effective import Asked

__all__ = ["command", "word_diff"]

_COLOURS = {"added": "green", "removed": "red", "retracted": "red", "superseded": "red", "changed": "yellow"}
_LONG = 50_000
"""Characters from which on lines are compared, not words: a pasted log file would take minutes."""

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@click.command("diff")
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option("--history", is_flag=True, help="Also what was edited since it was first asked, in both.")
@json_option
def command(first: str, second: str | None, *, history: bool, as_json: bool) -> None:
    r"""Show what was asked between two revisions: A and B, or A..B; B is HEAD where it is not named.

    Compared are the intents that the commits up to A and those up to B ask for, with the ledger as it is now.
    'added' and 'removed' are asked by one side alone, 'superseded' and 'retracted' lost their force on the
    way, 'changed' has other words on the two sides. Words are shown as 'git diff --word-diff' does.

    An edit belongs to its intent, not to a commit: what both sides ask for in the same words is not listed,
    however often it was edited. --history lists those, too, from the words first typed to those of now.

    \b
    Examples:
      git regen diff v1.0 v1.2
      git regen diff main..topic --json
      git regen diff v1.0 --history
    """
    from regen_git.ledger.comparing import differences
    from regen_git.ledger.effective import ledger_version, read_asked

    console = Console(json=as_json)
    repo = open_up_to_date()
    left, right = _two(first, second)
    for rev in (left, right):
        repo.resolve(rev)
    old, new = read_asked(repo, [left]), read_asked(repo, [right])
    found = list(differences(old, new))
    edits = _edits(repo, right, old, new, found)
    versions = [ledger_version(old), ledger_version(new)]
    console.emit(_json(left, right, versions, found, edits if history else {}))
    with paged(repo):
        console.out(f"{short_version(versions[0])}..{short_version(versions[1])}")
        for one in found:
            _print(console, one)
        for one_id in edits if history else ():
            _print_edits(console, edits[one_id])
    if not found and not (history and edits):
        console.say(f"the same is asked in '{safe(left)}' and '{safe(right)}'")
    if edits and not history:
        many = (
            "1 intent that both ask for was"
            if len(edits) == 1
            else f"{len(edits)} intents that both ask for were"
        )
        console.say(f"{many} edited since; '--history' shows how")


def _two(first: str, second: str | None) -> tuple[str, str]:
    if second is not None:
        if ".." in first or ".." in second:
            raise UsageError("two ranges cannot be compared", hint="give two revisions, or one range A..B")
        return first, second
    if "..." in first:
        raise UsageError(f"'{first}' is no pair of revisions", hint="give A and B, or A..B")
    left, dots, right = first.partition("..")
    return left or "HEAD", (right or "HEAD") if dots else "HEAD"


def _edits(
    repo: Repository, rev: str, old: Sequence[Asked], new: Sequence[Asked], found: Sequence[Difference]
) -> dict[IntentId, tuple[Intent, ...]]:
    """Return the revisions, oldest first, of what both sides ask for and somebody edited since."""
    from regen_git.ledger.comparing import words_of
    from regen_git.ledger.store import Ledger

    listed = {one.asked.intent.id for one in found}
    both = {one.intent.id for one in old} - listed
    wanted = {one.intent.id for one in new if one.intent.id in both and one.intent.revision > 1}
    documents: dict[IntentId, dict[str, Intent]] = {}
    for _, note in Ledger(repo).scan([rev]) if wanted else ():
        for one, claims in note.revisions.items():
            if one in wanted:
                documents.setdefault(one, {}).update(claims)
    ordered = {
        one: tuple(
            intent for _, intent in sorted(some.items(), key=lambda claim: (claim[1].revision, claim[0]))
        )
        for one, some in documents.items()
    }
    return {one: some for one, some in ordered.items() if len({words_of(intent) for intent in some}) > 1}


def _json(
    left: str,
    right: str,
    versions: Sequence[str],
    found: Sequence[Difference],
    edits: Mapping[IntentId, tuple[Intent, ...]],
) -> dict[str, Any]:
    def listed(what: str) -> list[dict[str, Any]]:
        return [_one(one) for one in found if one.what == what]

    return {
        "from": left,
        "to": right,
        "from_version": versions[0],
        "to_version": versions[1],
        "added": listed("added"),
        "changed": listed("changed"),
        "superseded": listed("superseded"),
        "retracted": listed("retracted"),
        "removed": listed("removed"),
        "edited": [
            {"intent": one, "revisions": [_words(intent) for intent in some]} for one, some in edits.items()
        ],
    }


def _one(one: Difference) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "intent": one.asked.intent.id,
        **_words(one.asked.intent),
        "commits": list(one.asked.commits),
        "by": list(one.asked.by),
        "conflict": one.asked.claims > 1,
    }
    if one.what == "changed" and one.old is not None:
        shown["before"] = _words(one.old.intent)
    return shown


def _words(intent: Intent) -> dict[str, Any]:
    return {
        "revision": intent.revision,
        "prompts": [prompt.text for prompt in intent.prompts],
        "approved": intent.approved,
    }


def _print(console: Console, one: Difference) -> None:
    intent = one.asked.intent
    by = f" by {', '.join(one.asked.by)}" if one.what == "superseded" else ""
    contested = ", in conflict" if one.asked.claims > 1 else ""
    console.out(style(f"{one.what} {intent.id}{by}{contested}", fg=_COLOURS[one.what]))
    if one.what == "changed" and one.old is not None:
        _print_change(console, one.old.intent, intent)
        return
    for text in _texts(intent):
        console.out(_indented(safe(text.rstrip())))


def _print_edits(console: Console, revisions: Sequence[Intent]) -> None:
    last = revisions[-1]
    numbers = f"revision {revisions[0].revision} to {last.revision}"
    console.out(style(f"edited {last.id}, {numbers}", fg=_COLOURS["changed"]))
    _print_change(console, revisions[0], last)


def _print_change(console: Console, old: Intent, new: Intent) -> None:
    before, after = _texts(old), _texts(new)
    for at in range(max(len(before), len(after))):
        left = before[at] if at < len(before) else ""
        right = after[at] if at < len(after) else ""
        console.out(_indented("".join(word_diff(left.rstrip(), right.rstrip()))))


def _texts(intent: Intent) -> list[str]:
    plan = [intent.approved] if intent.approved is not None and not intent.prompts else []
    return [*(prompt.text for prompt in intent.prompts), *plan]


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))


def word_diff(old: str, new: str) -> Iterator[str]:
    """Yield a text with what changed in it, word by word, as git marks it: ``[-out-]{+in+}``."""
    is_long = len(old) + len(new) > _LONG
    left, right = ((one.splitlines(keepends=True) if is_long else _TOKEN.findall(one)) for one in (old, new))
    done = 0
    for _, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        first, gone, come = max(a, done), left[a:b], right[c:d]
        if gone == come:
            yield safe("".join(left[first:b]))
            continue
        if (not gone or not come) and (gone or come)[0].isspace() and left[b : b + 1] == (gone or come)[:1]:
            # The same change, a blank further on: whole words stand out, not the blank before them.
            yield left[b]
            done = b + 1
            gone, come = ([*some[1:], some[0]] if some else some for some in (gone, come))
        if gone:
            yield style(f"[-{safe(''.join(gone))}-]", fg="red")
        if come:
            yield style(f"{{+{safe(''.join(come))}+}}", fg="green")
