"""Checkpoints as Entire writes them, in both of its forms, and transcripts to put into them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.builder import RepoBuilder

SESSION = "5e55104a-0000-4000-8000-000000000000"


def at(minute: float) -> str:
    """Return a time some minutes after the first commit of a ``RepoBuilder``."""
    seconds = 4 * 60 + 5 + int(minute * 60)
    return f"2026-01-02T{3 + seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.500Z"


@dataclass
class Transcript:
    """A session of Claude Code as it grows; ``lines`` are what has been written so far."""

    session: str = SESSION
    lines: list[str] = field(default_factory=list)

    def prompt(self, minute: float, text: str, **more: Any) -> Transcript:
        """Add what a person typed, or, with ``isMeta`` and the like, what nobody did."""
        self._line("user", minute, text, promptId=f"{self.session} {minute}", **more)
        return self

    def write(self, minute: float, *paths: str) -> Transcript:
        """Add files that the agent wrote."""
        for path in paths:
            use = f"t{len(self.lines)}"
            given = {
                "type": "tool_use",
                "id": use,
                "name": "Write",
                "input": {"file_path": f"/home/ada/app/{path}"},
            }
            self._line("assistant", minute, [given])
            self._line(
                "user",
                minute,
                [{"type": "tool_result", "tool_use_id": use}],
                toolUseResult={"filePath": path},
            )
        return self

    def say(self, minute: float, text: str) -> Transcript:
        """Add what the agent said."""
        self._line("assistant", minute, [{"type": "text", "text": text}])
        return self

    @property
    def text(self) -> str:
        """All lines so far."""
        return "".join(line + "\n" for line in self.lines)

    def _line(self, kind: str, minute: float, content: Any, **more: Any) -> None:
        number = len(self.lines)
        head: dict[str, Any] = {"type": kind, "uuid": f"{self.session}-{number}", "timestamp": at(minute)}
        head["parentUuid"] = f"{self.session}-{number - 1}" if number else None
        about = {"sessionId": self.session, "cwd": "/home/ada/app", "version": "2.1.0"}
        self.lines.append(
            json.dumps({**head, **about, "message": {"content": content, "model": "claude-x"}, **more})
        )


@dataclass
class Store:
    """Writes checkpoints into a repository, on Entire's branch or under its refs."""

    repo: RepoBuilder
    form: Literal["branch", "refs"] = "branch"
    branch: str = "entire/checkpoints/v1"
    minute: int = 0

    def add(self, one: str, *sessions: dict[str, str]) -> None:
        """Write a checkpoint; each session is its files by name."""
        files = {"metadata.json": json.dumps({"checkpoint_id": one, "strategy": "manual-commit"})}
        for number, session in enumerate(sessions):
            files.update({f"{number}/{name}": text for name, text in session.items()})
        if self.form == "branch":
            ref, top = f"refs/heads/{self.branch}", f"{one[:2]}/{one[2:]}/"
        else:
            ref, top = f"refs/entire/checkpoints/{one[-2:]}/{one}", ""
        parent = self.repo.git("for-each-ref", "--format=%(objectname)", ref)
        parts = [f"commit {ref}\ncommitter Ada Example <ada@example.org> 1767323045 +0000\n".encode()]
        parts.append(b"data 10\nCheckpoint\n" + (f"from {parent}\n".encode() if parent else b""))
        for name, text in files.items():
            raw = text.encode()
            parts.append(f"M 100644 inline {top}{name}\ndata {len(raw)}\n".encode() + raw + b"\n")
        self.repo.git("fast-import", "--quiet", stdin=b"".join(parts))

    def session(
        self,
        transcript: str | None = None,
        *,
        files: Sequence[str] = (),
        start: int = 0,
        prompts: Sequence[str] = (),
        session: str = SESSION,
        agent: str = "Claude Code",
        more: dict[str, str] | None = None,
        **about: Any,
    ) -> dict[str, str]:
        """Return a session's files; each is a minute later than the one before."""
        self.minute += 1
        data: dict[str, Any] = {
            "session_id": session,
            "agent": agent,
            "created_at": at(self.minute),
            "files_touched": [*files],
        }
        if start:
            data["checkpoint_transcript_start"] = start
        found = {"metadata.json": json.dumps({**data, **about})}
        if transcript is not None:
            found["full.jsonl"] = transcript
        if prompts:
            found["prompt.txt"] = "\n\n---\n\n".join(prompts)
        return {**found, **(more or {})}


def naming(*ids: str, subject: str = "change") -> str:
    """Return a commit message that names checkpoints."""
    return subject + "\n\n" + "".join(f"Entire-Checkpoint: {one}\n" for one in ids)
