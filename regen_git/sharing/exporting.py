"""The ledger for other programs and for people: as lines of JSON, and as a Markdown document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from regen_git.git.notes import note_blobs
from regen_git.git.refs import read_ref
from regen_git.importers.reading import read_log, told_json
from regen_git.ledger.store import PRIVATE_REF, view

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from regen_git.domain.ids import IntentId, Oid
    from regen_git.domain.intent import Binding, Intent, Prompt
    from regen_git.git.repository import Repository
    from regen_git.importers.reading import Told

__all__ = ["Exported", "as_json", "as_markdown", "exported"]

# What Markdown and the sites that show it give a meaning to.
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&]")
_BACKTICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Exported:
    """A commit as it is exported; ``private`` are its intents that are never published, told or left out."""

    told: Told
    private: frozenset[IntentId]
    with_private: bool

    @property
    def left_out(self) -> int:
        """How many private intents are not told."""
        return 0 if self.with_private else len(self.private)

    @property
    def missing(self) -> tuple[str, ...]:
        """The intents that it names and no note here holds."""
        return tuple(one for one in self.told.missing if one not in self.private)


def exported(repo: Repository, revs: Sequence[str], *, with_private: bool = False) -> Iterator[Exported]:
    """Yield the commits of these revisions, newest first. Raises ``RegenError`` for what names nothing."""
    private = _private(repo)
    for told in read_log(repo, *revs, with_private=with_private):
        yield Exported(told, private.get(told.commit, frozenset()), with_private)


def as_json(one: Exported) -> dict[str, Any]:
    """Return a commit as ``log --json`` has it, and all else that the ledger and the commit say."""
    told = one.told
    found = told_json(told)
    found["missing"] = list(one.missing)
    for shown, intent in zip(found["intents"], told.note.intents.values(), strict=False):
        shown["edits"] = list(intent.edits)
        shown["format"] = intent.format
        shown["private"] = intent.id in one.private
    return {
        **found,
        "tree": told.tree,
        "parents": list(told.parents),
        "author": told.author,
        "committer": told.committer,
        "date": told.date,
        "message": told.message,
        "bindings": [_binding_json(binding) for binding in told.note.bindings],
    }


def as_markdown(commits: Iterable[Exported], title: str) -> Iterator[str]:
    """Yield a document of the prompts by commit, the oldest first; commits without any are only counted.

    What was typed stands in fences that nothing in it can close. Control characters are left in.
    """
    told: list[Told] = []
    without = 0
    for one in commits:
        if one.told.note.intents:
            told.append(one.told)
        else:
            without += 1
    yield f"# {_escaped(title)}\n\n"
    number = sum(len(intent.prompts) for one in told for intent in one.note.intents.values())
    more = f" {_many(without, 'more commit')} without a recorded prompt." if without else ""
    yield f"{_many(number, 'prompt')} in {_many(len(told), 'commit')}, the oldest first.{more}\n"
    for commit in reversed(told):
        yield f"\n## {commit.short} {_escaped(commit.subject)}\n"
        yield f"\n{_escaped(commit.date)}, {_escaped(commit.author)}\n"
        for intent in commit.note.intents.values():
            yield from _intent(intent, commit.binding(intent))


def _intent(intent: Intent, binding: Binding | None) -> Iterator[str]:
    agent = intent.agent
    known = [agent.name, agent.version, agent.model] if agent is not None else []
    facts = [" ".join(fact for fact in known if fact), intent.origin, f"revision {intent.revision}"]
    yield f"\n### Intent {intent.id}\n\n{_escaped(', '.join(fact for fact in facts if fact))}\n"
    for prompt in intent.prompts:
        yield from _prompt(prompt)
    if intent.approved:
        yield f"\nPlan that was approved:\n\n{_fenced(intent.approved)}"
    if binding is not None and binding.wrote:
        yield f"\nWrote: {', '.join(map(_code, binding.wrote))}\n"
    mended = {path: ranges for path, ranges in (binding.hand or {}).items() if ranges} if binding else {}
    for path, ranges in sorted(mended.items()):
        yield f"\nMended by hand: {_code(path)} lines {', '.join(map(str, ranges))}\n"


def _prompt(prompt: Prompt) -> Iterator[str]:
    if prompt.answers:
        yield f"\nIn answer to:\n\n{_fenced(prompt.answers)}"
    facts = [fact for fact in (prompt.at, prompt.kind) if fact]
    yield f"\n{_escaped(', '.join(facts)) or 'Prompt'}:\n\n{_fenced(prompt.text)}"
    if prompt.refs:
        yield f"\nRefers to: {', '.join(map(_code, prompt.refs))}\n"


def _fenced(text: str) -> str:
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = text.rstrip("\n")
    return f"{fence}text\n{body}\n{fence}\n"


def _code(text: str) -> str:
    """Return a path as code; what would break the line is written as an escape."""
    shown = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    longest = max((len(run) for run in _BACKTICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda found: "\\" + found[0], " ".join(text.split()))


def _binding_json(binding: Binding) -> dict[str, Any]:
    hand = binding.hand
    return {
        "intent": binding.intent,
        "wrote": list(binding.wrote),
        "read": list(binding.read),
        "hand": None
        if hand is None
        else {path: [str(one) for one in ranges] for path, ranges in hand.items()},
        "base": binding.base,
        "result": binding.result,
        "checks": dict(binding.checks),
    }


def _private(repo: Repository) -> Mapping[Oid, frozenset[IntentId]]:
    notes = note_blobs(repo, read_ref(repo, PRIVATE_REF))
    return {commit: frozenset(view(repo.objects.blob(blob)).intents) for commit, (_, blob) in notes.items()}


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
