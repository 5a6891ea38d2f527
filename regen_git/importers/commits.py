"""Take the prompts that commit messages quote into the ledger.

Only prompts quoted word for word become intents. A message without any stays what it is: readers take it as
the commit's intent, and nothing is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.domain.ids import derived_intent_id
from regen_git.domain.intent import Agent, Binding, Intent, Prompt
from regen_git.importers.history import Counts, existing_notes, read_past
from regen_git.importers.messages import read_message
from regen_git.ledger.store import Ledger
from regen_git.redaction import redact

if TYPE_CHECKING:
    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.importers.history import Past
    from regen_git.importers.messages import Reading
    from regen_git.ledger.codec import Record

__all__ = ["explicit_intent", "import_commits"]

NO_PROMPT = "no prompt in the message"
MERGE = "merge"
KNOWN = "already in the ledger"


def import_commits(
    repo: Repository, span: str = "HEAD", *, max_count: int | None = None, dry_run: bool = False
) -> Counts:
    """Write an intent for each commit of the range whose message quotes prompts; all in one batch.

    The same import again adds nothing. Raises ``RegenError`` for a range that names nothing.
    """
    counts = Counts()
    found: dict[Oid, tuple[Past, Intent]] = {}
    for past in read_past(repo, span, max_count=max_count):
        counts.looked_at += 1
        reading = read_message(past.message, past.author, past.committer)
        if len(past.parents) > 1:
            counts.skip(MERGE)
        elif not reading.prompts:
            counts.skip(NO_PROMPT)
        else:
            found[past.id] = (past, explicit_intent(past, reading))
    records: dict[Oid, list[Record]] = {}
    known = existing_notes(repo, span, found) if found else {}
    for oid, (past, intent) in found.items():
        note = known.get(oid)
        if note is not None and (intent.id in note.intents or _is_told(intent, list(note.intents.values()))):
            counts.skip(KNOWN)
            continue
        records[oid] = [intent, Binding(intent.id, base=past.base, result=past.tree)]
        counts.commits += 1
        counts.intents += 1
        counts.prompts += len(intent.prompts)
    if records and not dry_run:
        Ledger(repo).append(records, "regen: import prompts from commit messages")
    return counts


def explicit_intent(past: Past, reading: Reading) -> Intent:
    """Return the intent that a message's prompts are. It depends on the commit only."""
    texts = [redact(text) for text in reading.prompts]
    return Intent(
        id=derived_intent_id("commits", past.id),
        prompts=tuple(Prompt(text.text) for text in texts),
        origin="explicit",
        author=past.author,
        agent=Agent(reading.evidence.agent) if reading.evidence.agent else None,
        redacted=sum(text.count for text in texts),
    )


def _is_told(intent: Intent, others: list[Intent]) -> bool:
    """Return whether other intents of the commit hold all these prompts already."""
    said = {prompt.text.strip() for other in others for prompt in other.prompts}
    return all(prompt.text.strip() in said for prompt in intent.prompts)
