"""Write what sessions asked for onto the commits that it became: one intent for each session and commit."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from regen_git.domain.ids import derived_intent_id
from regen_git.domain.intent import Agent, Binding, Intent, Prompt
from regen_git.git.trees import lookup
from regen_git.importers.history import existing_notes
from regen_git.importers.known import is_near, read_known, seconds_of
from regen_git.importers.matching import inside
from regen_git.ledger.store import Ledger
from regen_git.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.agents.transcripts import Turn, Typed
    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.importers.history import Counts, Past
    from regen_git.importers.known import Known
    from regen_git.importers.matching import Found, Slice
    from regen_git.ledger.codec import Record
    from regen_git.ledger.store import NoteView

__all__ = ["ELSEWHERE", "KNOWN", "Writer", "is_known", "write_slices"]

KNOWN = "already in the ledger"
ELSEWHERE = "their commit is outside of the range"

_COMMAND = re.compile(r"/[A-Za-z][\w:-]{0,60}")


def write_slices(
    repo: Repository,
    span: str,
    slices: Sequence[Slice],
    within: set[Oid],
    counts: Counts,
    *,
    tops: Sequence[str],
    source: str,
    dry_run: bool = False,
) -> None:
    """Write the slices whose commit is ``within`` the range, all in one batch, and count them.

    What the ledger holds already is left out, so the same import again adds nothing. ``source`` names where
    they come from, in the message of the notes' commit.
    """
    inside_range = [piece for piece in slices if within.intersection(piece.commits)]
    if len(inside_range) < len(slices):
        counts.skip(ELSEWHERE, len(slices) - len(inside_range))
    wanted = {oid for piece in inside_range for oid in piece.commits}
    writer = Writer(repo, existing_notes(repo, span, wanted) if wanted else {}, tops)
    known = read_known(repo, {piece.found.session.id for piece in inside_range})
    records: dict[Oid, list[Record]] = {}
    for piece in inside_range:
        turns = _new_turns(piece, known)
        intent = writer.intent(piece, turns)
        if intent is None:
            counts.skip(KNOWN)
            continue
        for commit in piece.commits.values():
            if commit.id in within:
                wrote = tuple(sorted(piece.wrote[commit.id]))
                binding = Binding(intent.id, wrote=wrote, base=commit.base, result=commit.tree)
                records.setdefault(commit.id, []).extend([intent, binding])
        counts.intents += 1
        counts.prompts += len(intent.prompts)
    counts.commits += len(records)
    if records and not dry_run:
        Ledger(repo).append(records, f"regen: import prompts from {source}")


class Writer:
    """Makes intents, and knows what each commit has been told already, by whom and when."""

    def __init__(self, repo: Repository, notes: dict[Oid, NoteView], tops: Sequence[str]) -> None:
        self._repo = repo
        self._tops = tops
        self._with_answers = (repo.config("regen.context") or "").lower() not in ("false", "no", "off", "0")
        self._said: dict[Oid, list[tuple[str, str, int]]] = {
            oid: [
                ("", prompt.text.strip(), seconds_of(prompt.at or ""))
                for intent in note.intents.values()
                for prompt in intent.prompts
            ]
            for oid, note in notes.items()
        }

    def intent(self, piece: Slice, turns: Sequence[Turn]) -> Intent | None:
        """Return the intent of these turns; ``None`` when their commit has been told all their prompts.

        Its id is the one that the hooks give a prompt that they capture.
        """
        if not turns:
            return None
        agent, session = piece.found
        said = self._said.setdefault(piece.commit.id, [])
        prompts, redacted, told = [], 0, False
        for typed in (typed for turn in turns for typed in turn.prompts):
            prompt, count = self._prompt(typed, piece.commit)
            text, second = prompt.text.strip(), seconds_of(typed.at)
            if any(who != agent and text == words and is_near(second, at) for who, words, at in said):
                # One agent's transcript may be a copy of what another one kept.
                told = True
                continue
            prompts.append(prompt)
            redacted += count
        plans = [redact(turn.approved) for turn in turns if turn.approved]
        if not prompts and (told or not plans):
            return None
        said += [(agent, prompt.text.strip(), seconds_of(prompt.at or "")) for prompt in prompts]
        model = next((turn.model for turn in reversed(turns) if turn.model), None)
        return Intent(
            id=derived_intent_id(agent, turns[0].key),
            prompts=tuple(prompts),
            origin="imported",
            author=piece.commit.author,
            agent=Agent(agent, version=session.version, model=model, session=session.id),
            approved="\n\n".join(plan.text for plan in plans) or None,
            redacted=redacted + sum(plan.count for plan in plans),
        )

    def _prompt(self, typed: Typed, commit: Past) -> tuple[Prompt, int]:
        text = redact(typed.text)
        answers = redact(typed.answers) if typed.answers and self._with_answers else None
        prompt = Prompt(
            text.text,
            at=_rfc3339(typed.at),
            answers=answers.text if answers else None,
            refs=tuple(dict.fromkeys(ref for given in typed.refs if (ref := self._ref(given, commit)))),
        )
        return prompt, text.count + (answers.count if answers else 0)

    def _ref(self, given: str, commit: Past) -> str:
        """Return a reference as the ledger has it: a command, or a file as it was before the commit."""
        path = inside(given, self._tops)
        if not path:
            return given if _COMMAND.fullmatch(given) else ""
        for tree in (commit.base, commit.tree):
            leaf = lookup(self._repo.objects, tree, path) if tree else None
            if leaf is not None:
                return f"{path}@{leaf.oid}"
        return path


def _new_turns(piece: Slice, known: Known) -> list[Turn]:
    """Return the turns of a slice that the ledger lacks.

    What was purged has left its id, and that is of its first prompt: what follows was in it, too.
    """
    new: list[Turn] = []
    is_purged = False
    for turn in piece.turns:
        one = derived_intent_id(piece.found.agent, turn.key)
        is_purged = one in known.purged if one in known.ids else is_purged
        if not is_purged and not is_known(turn, piece.found, known):
            new.append(turn)
    return new


def is_known(turn: Turn, found: Found, known: Known) -> bool:
    """Return whether the ledger has an intent that begins with this prompt, or that holds it."""
    if derived_intent_id(found.agent, turn.key) in known.ids:
        return True
    # What is typed in the agent's dialogs belongs to the prompt that comes first.
    return any(
        known.has(found.session.id, redact(typed.text).text, seconds_of(typed.at))
        for typed in turn.prompts[:1]
    )


def _rfc3339(at: str) -> str | None:
    seconds = seconds_of(at)
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else None
