"""A model that answers as history did, with faults dealt out to it; and a long history to answer for."""

from __future__ import annotations

import re
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.ledger.store import Ledger
from regen_git.replay.request import CONTINUE
from support.builder import RepoBuilder
from support.faults import Good, Misbehaviour, Scripted, rest_of
from support.histories import History
from support.model_server import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Asked", "Playing", "long_history"]

_INTENT = re.compile(r"^Intent ([0-9a-f]{16})", re.MULTILINE)
_FILES = 40


@dataclass(frozen=True)
class Asked:
    """One request, what was wrong with its answer, and what an honest provider counts.

    Four characters are a token.
    """

    intent: str
    fault: Misbehaviour | None
    prompt_tokens: int
    completion_tokens: int

    @property
    def is_billed(self) -> bool:
        return self.fault is None or self.fault.billed


@dataclass
class Playing:
    """Plays, for each intent, the faults dealt to it, one a request, and the good reply after them."""

    goods: Mapping[str, Good]
    dealt: Mapping[str, Sequence[Misbehaviour]]
    log: list[Asked] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _lock: Any = field(default_factory=threading.Lock)

    def __call__(self, body: Mapping[str, Any]) -> Scripted:
        """Return the answer to one request of an OpenAI-compatible client."""
        messages = body["messages"]
        intent = self.intent_of(messages)
        with self._lock:
            number = self.counts[intent]
            self.counts[intent] += 1
        faults = self.dealt.get(intent, ())
        fault = faults[number] if number < len(faults) else None
        good = self.goods[intent]
        if fault is not None:
            answer = fault.play(good)
        elif messages[-1]["content"] == CONTINUE:
            answer = rest_of(good.text, messages[-2]["content"])
        else:
            answer = good.text
        prompt = sum(len(message["content"]) for message in messages) // 4
        with self._lock:
            self.log.append(Asked(intent, fault, prompt, len(_text(answer)) // 4))
        return answer

    @staticmethod
    def intent_of(messages: Sequence[Mapping[str, str]]) -> str:
        """Return the intent that a conversation is about."""
        for message in reversed(messages):
            found = _INTENT.search(message["content"]) if message["role"] == "user" else None
            if found is not None:
                return found[1]
        raise AssertionError(f"no intent in the request: {messages[-1]['content'][:200]}")


def _text(answer: Scripted) -> str:
    """Return what a provider counts as the answer."""
    if isinstance(answer, Answer):
        return answer.text or ""
    if isinstance(answer, Mapping):
        choices = answer.get("choices") or [{}]
        said = choices[0].get("message", {}).get("content")
        return said if isinstance(said, str) else ""
    return answer if isinstance(answer, str) else ""


def long_history(path: Path, number: int) -> History:
    """Make a history of ``number`` intents, each with a file of Python and one of JavaScript.

    Beside them stand what a reply can stumble over: a link, a submodule, a frozen file, conventions.
    """
    history = History(RepoBuilder.init(path, "-b", "main"))
    stream = [
        *_commit(1, "Start"),
        *_file("AGENTS.md", "Write plainly.\n" * 60),
        *_file("LICENSE", "free\n"),
        *_file("src/keep.py", "kept = True\n"),
        *_file("link", "src", "120000"),
        f"M 160000 {'1' * 40} sub",
    ]
    for i in range(number):
        group = range(i % _FILES, i + 1, _FILES)
        python = "".join(f"def f{j}(x):\n    return x + {j}\n\n\n" for j in group)
        script = "".join(f"export function g{j}(x) {{\n  return x * {j};\n}}\n" for j in group)
        stream += _commit(i + 2, f"Add f{i}\n\nRegen-Intent: {i + 1:016x}")
        stream += [*_file(f"src/m{i % _FILES}.py", python), *_file(f"web/p{i % _FILES}.js", script)]
    data = "\n".join(stream).encode() + b"\n"
    subprocess.run(["git", "fast-import", "--quiet"], input=data, cwd=path, check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=path, check=True)
    commits = history.repo.git("rev-list", "--reverse", "HEAD").split()[1:]
    records: dict[str, list[Any]] = {}
    for i, commit in enumerate(commits):
        intent = IntentId(f"{i + 1:016x}")
        words = Intent(intent, (Prompt(f"Add functions f{i} and g{i}, of {i}."),), "captured")
        records[commit] = [words, Binding(intent, (f"src/m{i % _FILES}.py", f"web/p{i % _FILES}.js"))]
        history.by_intent[intent] = commit
    Ledger(history.repo.opened).append(records)
    return history


def _commit(mark: int, message: str) -> list[str]:
    text = message + "\n"
    lines = [
        "commit refs/heads/main",
        f"mark :{mark}",
        f"committer Ada Example <ada@example.org> {1_767_323_045 + 60 * mark} +0000",
        f"data {len(text)}\n{text}",
    ]
    return [*lines, f"from :{mark - 1}"] if mark > 1 else lines


def _file(path: str, text: str, mode: str = "100644") -> list[str]:
    return [f"M {mode} inline {path}", f"data {len(text)}\n{text}"]
