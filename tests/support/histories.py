"""Histories with recorded intents, and a model that answers each intent as history did."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, LineRange, Prompt, PromptClass
from regen_git.git.commits import read_commit
from regen_git.git.trees import lookup
from regen_git.ledger.store import Ledger
from regen_git.replay.answers import render_history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

__all__ = ["AsBefore", "History", "odd_history"]

_INTENT = re.compile(r"^Intent ([0-9a-f]{16})", re.MULTILINE)


@dataclass
class History:
    """A repository whose commits get intents as they are made. ``by_intent`` maps an intent to its commit."""

    repo: RepoBuilder
    by_intent: dict[str, str] = field(default_factory=dict)

    def asked(
        self,
        prompt: str,
        files: Mapping[str, str | bytes | None],
        *,
        kind: PromptClass | None = None,
        hand: Mapping[str, tuple[LineRange, ...]] | None = None,
        wrote: tuple[str, ...] = (),
        subject: str = "",
    ) -> str:
        """Commit files as the answer to a prompt, recorded as `git regen record` would."""
        intent = IntentId(f"{len(self.by_intent) + 1:016x}")
        message = f"{subject or prompt.splitlines()[0][:60]}\n\nRegen-Intent: {intent}\n"
        oid = self.repo.commit(message, files)
        opened = self.repo.opened
        commit = read_commit(opened.objects, oid)
        base = read_commit(opened.objects, commit.parents[0]).tree if commit.parents else None
        words = Intent(intent, (Prompt(prompt, kind=kind),), "captured")
        did = Binding(intent, wrote, hand=hand, base=base, result=commit.tree)
        Ledger(opened).append({oid: [words, did]})
        self.by_intent[intent] = oid
        return oid

    def by_hand(self, subject: str, files: Mapping[str, str | bytes | None]) -> str:
        """Commit files as a person does."""
        return self.repo.commit(subject, files)

    def regen(self, *args: str) -> int:
        """Run the program in this repository and return its exit status."""
        before = Path.cwd()
        os.chdir(self.repo.path)
        try:
            return run(args)
        finally:
            os.chdir(before)


@dataclass
class AsBefore:
    """Answers a request as the original commits of its intents did."""

    history: History
    asked: list[str] = field(default_factory=list)

    def __call__(self, body: Mapping[str, Any]) -> str:
        """Return the reply to one request of an OpenAI-compatible client."""
        text = body["messages"][-1]["content"]
        found = _INTENT.search(text)
        if found is None:
            raise AssertionError(f"no intent in the request: {text[:200]}")
        self.asked.append(found[1])
        return self.answer(found[1])

    def answer(self, intent: str) -> str:
        """Return what history would reply to an intent."""
        repo = self.history.repo.opened
        store = repo.objects
        commit = read_commit(store, self.history.by_intent[intent])
        parent = read_commit(store, commit.parents[0]).tree if commit.parents else None
        from regen_git.git.trees import diff

        paths = [
            c.path for c in diff(store, parent, commit.tree) if self._is_text(store, commit.tree, c.path)
        ]
        return render_history(store, parent, commit.tree, paths)

    @staticmethod
    def _is_text(store: Any, tree: str, path: str) -> bool:
        leaf = lookup(store, tree, path)
        return leaf is None or (leaf.mode in (0o100644, 0o100755) and b"\0" not in store.blob(leaf.oid))


def odd_history(repo: RepoBuilder) -> History:
    """Return a history with everything that makes trees hard: merges, modes, links, bytes, endings."""
    history = History(repo)
    history.by_hand("Start", {"README.md": "# Things\n", "LICENSE": "free\n"})
    history.asked("Write a greeting.", {"src/hello.py": 'def greet(name):\n    return f"hello {name}"\n'})
    history.by_hand(
        "Add data", {"data.bin": b"\0\1\2" * 50, "win.txt": "a\r\nb\r\n", "bare.txt": "no newline"}
    )
    history.asked(
        "Add shouting; keep windows endings; no final newline in bare.txt.",
        {
            "src/shout.py": "from hello import greet\n\n\ndef shout(name):\n    return greet(name).upper()\n",
            "win.txt": "a\r\nb\r\nc\r\n",
            "bare.txt": "still no newline",
        },
    )
    repo.git("checkout", "-q", "-b", "side", "HEAD~1")
    history.asked(
        "Count greetings.",
        {"src/count.py": "total = 0\n", "src/hello.py": "def greet(name):\n    return name\n"},
    )
    (repo.path / "link").symlink_to("src/hello.py")
    history.by_hand("Add a link", {})
    repo.git("checkout", "-q", "main")
    (repo.path / "src/shout.py").chmod(0o755)
    history.asked("Make it a program.", {"src/run.sh": "#!/bin/sh\necho hi\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    repo.git("mv", "src/shout.py", "src/loud.py")
    history.asked("Rename shout to loud.", {"src/count.py": None})
    history.by_hand("Nothing at all", {})
    history.asked(
        "Mixed endings and fences.", {"doc.md": "# Doc\r\n\n````\n```\nx\n```\n````\n", "empty.py": ""}
    )
    return history
