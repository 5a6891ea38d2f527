"""What would become public, and whether the person has agreed to that: once for each address pushed to.

Consent is kept beside the repository's other data that never travels. Git's own setting ``regen.publish``
(``never``, ``ask``, ``always``) comes first.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from regen_git.domain.intent import Intent
from regen_git.errors import ConfigError
from regen_git.git.refs import read_ref
from regen_git.ledger.codec import parse_note, split
from regen_git.ledger.encoding import digest_of
from regen_git.ledger.store import PRIVATE_REF
from regen_git.ledger.uniting import current, lacking
from regen_git.sharing.remotes import public_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from regen_git.domain.ids import Oid
    from regen_git.git.repository import Repository
    from regen_git.ledger.uniting import Documents

__all__ = ["Answer", "Offer", "agree", "agreement", "offer", "policy"]

Answer = Literal["yes", "no", "unasked"]

_SETTINGS = ("never", "ask", "always")
_SHOWN = 5
_LINE = 72


@dataclass(frozen=True, slots=True)
class Offer:
    """What a push would make public.

    ``people`` counts intents by author. ``newest`` are first lines of prompts, newest first. ``former`` are
    documents that stand only in the notes' history and would go along. ``private`` are intents that stay.
    """

    documents: int
    intents: int
    prompts: int
    people: Mapping[str, int]
    newest: tuple[str, ...]
    former: int
    private: int

    @property
    def is_empty(self) -> bool:
        """Whether the other side would learn nothing new."""
        return not self.documents


def policy(repo: Repository) -> str:
    """Return what the user's setting says: ``never``, ``ask`` or ``always``. Raises ``ConfigError``."""
    value = (repo.config("regen.publish") or "ask").lower()
    if value not in _SETTINGS:
        raise ConfigError(
            f"regen.publish is '{value}'", hint="set it with 'git config regen.publish never|ask|always'"
        )
    return value


def agreement(repo: Repository, urls: Iterable[str]) -> Answer:
    """Return whether the person has agreed to publish to all of these addresses."""
    setting = policy(repo)
    if setting == "never":
        return "no"
    if setting == "always":
        return "yes"
    known = _read(repo)
    said = [known.get(public_url(url)) for url in urls]
    if "no" in said:
        return "no"
    return "yes" if said and all(one == "yes" for one in said) else "unasked"


def agree(repo: Repository, urls: Iterable[str], answer: Literal["yes", "no"]) -> None:
    """Remember an answer for these addresses."""
    known = {**_read(repo), **dict.fromkeys(map(public_url, urls), answer)}
    path = _file(repo)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.new{os.getpid()}")
    scratch.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    scratch.replace(path)


def _file(repo: Repository) -> Path:
    return repo.data_dir / "published.json"


def _read(repo: Repository) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        data = json.loads(_file(repo).read_text("utf-8"))
        if isinstance(data, dict):
            return data
    return {}


def offer(repo: Repository, ours: Mapping[str, Oid], theirs: Mapping[str, Oid], *, in_full: bool) -> Offer:
    """Return what theirs would learn from ours, notes refs and their commits each.

    With ``in_full`` also what stands only in the history of ours; that reads all of it.
    """
    missing: list[Documents] = []
    former = 0
    for ref, tip in ours.items():
        there = lacking(repo, tip, theirs.get(ref))
        missing += there.values()
        if in_full:
            former += _former(repo, ref, tip, theirs.get(ref))
    intents = _intents(missing)
    people: dict[str, int] = {}
    for one in intents:
        name = one.author or "somebody"
        people[name] = people.get(name, 0) + 1
    prompts = [prompt for one in intents for prompt in one.prompts]
    # Without a time they came in the order of the notes, which says nothing of their age.
    newest = sorted(prompts, key=lambda prompt: prompt.at or "", reverse=True)[:_SHOWN]
    return Offer(
        documents=sum(map(len, missing)),
        intents=len(intents),
        prompts=len(prompts),
        people=people,
        newest=tuple(_first_line(prompt.text) for prompt in newest),
        former=former,
        private=len(_intents(current(repo, PRIVATE_REF).values())) if read_ref(repo, PRIVATE_REF) else 0,
    )


def _intents(notes: Iterable[Documents]) -> list[Intent]:
    """Return the intents in these notes, each once, in its latest revision."""
    found: dict[str, Intent] = {}
    for documents in notes:
        for document in parse_note(b"".join(documents.values()))[0]:
            one = document.record
            if isinstance(one, Intent) and (one.id not in found or one.revision > found[one.id].revision):
                found[one.id] = one
    return list(found.values())


def _first_line(text: str) -> str:
    line = " ".join((text.strip().splitlines() or [""])[0].split())
    return line[:_LINE] + ("…" if len(line) > _LINE else "")


def _former(repo: Repository, ref: str, ours: Oid, theirs: Oid | None) -> int:
    """Count the documents that were taken out of our notes and stay in the history that a push sends."""
    asked = f"{ours}\n" + (f"^{theirs}\n" if theirs else "")
    out = repo.git(
        "rev-list", "--objects", "--no-object-names", "--missing=allow-any", "--stdin", stdin=asked.encode()
    )
    sizes = repo.git("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=out)
    blobs = [line.split()[0].decode("ascii") for line in sizes.splitlines() if line.endswith(b" blob")]
    known = {digest for documents in current(repo, ref).values() for digest in documents}
    return len(_digests(repo, blobs) - known)


def _digests(repo: Repository, blobs: Sequence[Oid]) -> set[str]:
    store = repo.objects
    return {digest_of(raw) for blob in blobs if blob in store for raw in split(store.blob(blob))}
