"""What a person typed in a session that Entire kept: all of it, and which part is of one checkpoint.

A transcript holds its session from the first line on, so most of what stands in it belongs to earlier
commits. Where the transcript is missing, the texts of the prompts are left, and these too add up.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from regen_git.agents import NAMES, load
from regen_git.agents.claude_texts import plan_in
from regen_git.agents.transcripts import Session, Turn, Typed
from regen_git.importers.harness import split_prompts, typed_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from regen_git.domain.ids import Oid
    from regen_git.importers.entire_store import Recorded

__all__ = ["IMPORTED", "NOTHING", "NOT_TOLD", "NO_PROMPT", "Thread", "Told"]

IMPORTED = "imported into Entire from transcripts: its commit is a guess"
NOTHING = "its checkpoint holds neither a transcript nor prompts that can be read"
NOT_TOLD = "its transcript is missing, and what is left does not tell its prompts from earlier ones"
NO_PROMPT = "nobody typed anything between the commit before and this one"

_AGENTS = {
    "claude code": "claude",
    "gemini cli": "gemini",
    "factory ai droid": "droid",
    "copilot cli": "copilot",
    "opencode": "opencode",
    "qwen code": "qwen",
    "codex": "codex",
    "cursor": "cursor",
    "pi": "pi",
}
_NEAR = 64
"""Lines before a cut that are looked at for its time: a line may be a little older than the one above."""

_BETWEEN = "\n\n---\n\n"


@dataclass(slots=True)
class Told:
    """What one checkpoint tells of a session.

    ``fresh`` are the turns that are of this checkpoint; ``reason`` says why there is none. ``dropped`` counts
    texts that nobody typed. ``by_text``: only the prompts' texts were left.
    """

    record: Recorded
    agent: str
    session: Session
    fresh: tuple[Turn, ...] = ()
    reason: str = ""
    dropped: int = 0
    by_text: bool = False


@dataclass(slots=True)
class Thread:
    """One session over its checkpoints, which must come in the order in which they were made.

    ``folder`` is where files can be put for as long as they are read.
    """

    folder: str
    keys: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    listed: list[str] = field(default_factory=list)
    has_begun: bool = False

    def take(self, record: Recorded, transcript: bytes | None, small: Callable[[Oid | None], str]) -> Told:
        """Return what this checkpoint tells; ``small`` reads a short blob, empty where there is none."""
        if record.kind == "imported":
            return Told(record, "", _session(record), reason=IMPORTED)
        prompts = small(record.prompts).strip("\n")
        told = self._from_transcript(record, transcript) if transcript is not None else None
        if told is None and record.compact is not None:
            told = self._from_compact(record, small(record.compact))
        if told is None:
            told = self._from_texts(record, prompts, small(record.outline))
        if prompts:
            self.listed.append(prompts)
        self.has_begun = True
        if not told.fresh and not told.reason:
            told.reason = NO_PROMPT
        return told

    def _from_transcript(self, record: Recorded, data: bytes) -> Told | None:
        """Read it as the agent's own; ``None`` when there is nothing of a session in it."""
        named = _AGENTS.get(record.agent.lower(), "")
        # What Entire calls an agent is not always what wrote the transcript.
        for name in dict.fromkeys((named or "claude", "claude")):
            session = self._read(name, data)
            if session is not None and session.turns:
                return self._cut(record, name, session, _time_before(data, record.start))
            if session is not None and record.prompts is None:
                # Kept in the middle of a turn, from there on: the prompt is in an earlier checkpoint.
                return Told(record, name, session)
        return None

    def _read(self, name: str, data: bytes) -> Session | None:
        if name not in NAMES:
            return None
        # All readers read files, and some tell one object from lines of them by the file's name.
        path = Path(self.folder) / ("full.json" if _is_one_object(data) else "full.jsonl")
        path.write_bytes(data)
        return load(name).read_session(str(path))

    def _cut(self, record: Recorded, name: str, session: Session, cut: str) -> Told:
        fresh = []
        for turn in session.turns:
            is_new = turn.key not in self.keys and (not cut or not turn.at or turn.at > cut)
            if is_new and not (self.texts and _plain(turn) in self.texts):
                fresh.append(turn)
            self.keys.add(turn.key)
        if record.model:
            fresh = [turn if turn.model else turn._replace(model=record.model) for turn in fresh]
        whole = session._replace(id=session.id or record.session, turns=())
        return Told(record, name, whole, tuple(fresh))

    def _from_compact(self, record: Recorded, text: str) -> Told | None:
        """Read Entire's own short form of a transcript."""
        turns: list[Turn] = []
        dropped = 0
        for number, line in enumerate(text.split("\n")):
            data = _object(line)
            if data.get("type") != "user" or number < record.compact_start:
                continue
            said, at = _compact_text(data.get("content")), data.get("ts")
            turn = _turn(said, at if isinstance(at, str) else "", record)
            dropped += turn is None and bool(said.strip())
            if turn is not None and turn.key not in self.keys:
                turns.append(turn)
                self.keys.add(turn.key)
        if not text.strip():
            return None
        agent = _AGENTS.get(record.agent.lower(), "")
        return Told(record, agent, _session(record), tuple(turns), dropped=dropped, by_text=True)

    def _from_texts(self, record: Recorded, text: str, outline: str) -> Told:
        """Read the list of prompts, in which most versions of Entire repeat those of the whole session."""
        agent = _AGENTS.get(record.agent.lower(), "")
        told = Told(record, agent, _session(record), by_text=True)
        if not text.strip():
            told.reason = NOTHING
            return told
        before = max((old for old in self.listed if _goes_on(old, text)), key=len, default="")
        if record.start and not before and not self.has_begun:
            told.reason = NOT_TOLD
            return told
        pieces = _behind(before, split_prompts(text, outline))
        repeated = set() if before else {piece for old in self.listed for piece in old.split(_BETWEEN)}
        for above, piece in zip(["", *pieces], pieces, strict=False):
            is_expansion = above.startswith("<command-") and bool(typed_in(above)) and "\n" in piece.strip()
            turn = None if piece in repeated or is_expansion else _turn(piece, "", record)
            if turn is None:
                told.dropped += piece not in repeated
            elif _plain(turn) not in self.texts:
                told.fresh += (turn,)
                self.texts.add(_plain(turn))
        return told


def _compact_text(content: object) -> str:
    blocks = content if isinstance(content, list) else []
    texts = (block.get("text") for block in blocks if isinstance(block, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def _goes_on(old: str, new: str) -> bool:
    return new == old or new.startswith(old + _BETWEEN)


def _behind(before: str, pieces: Sequence[str]) -> list[str]:
    """Return what of a list of prompts stands behind the part of it that an earlier list was."""
    if not before:
        return list(pieces)
    kept: list[str] = []
    end = -len(_BETWEEN)
    for piece in pieces:
        start = end + len(_BETWEEN)
        end = start + len(piece)
        if end > len(before):
            # However the list is cut, what stood there before is the same text.
            kept.append(piece[max(0, len(before) - start) :].removeprefix(_BETWEEN))
    return kept


def _turn(said: str, at: str, record: Recorded) -> Turn | None:
    """Return a turn of this text alone; ``None`` when nobody typed it."""
    typed, plan = typed_in(said), plan_in(said)
    if not typed and not plan:
        return None
    key = hashlib.sha256(f"{record.session}\0{at}\0{said}".encode("utf-8", "replace")).hexdigest()[:32]
    prompts = (Typed(typed, at),) if typed else ()
    return Turn(key, prompts, at, at, model=record.model, approved=plan)


def _plain(turn: Turn) -> str:
    """Return what a turn says, for comparing: blanks do not count."""
    words = turn.prompts[0].text if turn.prompts else turn.approved or ""
    return " ".join(words.split())


def _session(record: Recorded) -> Session:
    return Session(record.session, "", None, "", ())


def _time_before(data: bytes, start: int) -> str:
    """Return the time of what stands before a line of JSON lines, or a message of one object; else empty.

    Empty, too, where there is no such line: then the offset is of another file.
    """
    if start <= 0:
        return ""
    if _is_one_object(data) or b"\n" not in data.strip():
        messages = _object(data).get("messages")
        if not isinstance(messages, list) or start > len(messages):
            return ""
        return max((_at(message) for message in messages[max(0, start - _NEAR) : start]), default="")
    lines = data.split(b"\n", start)
    if len(lines) <= start:
        return ""
    return max((_at(_object(line)) for line in lines[max(0, start - _NEAR) : start]), default="")


def _is_one_object(data: bytes) -> bool:
    """Return whether this is an object over many lines, and not one on each line."""
    head = data.lstrip()
    return head[:1] == b"{" and b"\n" in head.rstrip() and not _object(head.split(b"\n", 1)[0])


def _at(data: object) -> str:
    at = data.get("timestamp") if isinstance(data, dict) else None
    return at if isinstance(at, str) and re.match(r"\d{4}-\d\d-\d\dT", at) else ""


def _object(line: bytes | str) -> dict[str, object]:
    try:
        data = json.loads(line.decode("utf-8", "replace") if isinstance(line, bytes) else line, strict=False)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
