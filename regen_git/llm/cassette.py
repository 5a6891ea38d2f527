"""Answer from recorded texts, by intent and attempt: no network, no cost, the same every time.

A folder holds one file an answer: ``<intent id>.md`` for the first attempt, ``<intent id>.1.md`` for the
first repair, and so on. A fresh sample begins again at three times its number, since one generation has two
repairs: ``<intent id>.3.md`` is the second sample's first attempt.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from regen_git.errors import ModelError, NoRecordedReplyError
from regen_git.llm.client import Reply, Usage, estimate_tokens, prompt_estimate
from regen_git.llm.reply_document import LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from regen_git.llm.client import Request

__all__ = ["ATTEMPTS_PER_SAMPLE", "Cassette", "attempt_of", "intent_of"]

ATTEMPTS_PER_SAMPLE = 3
"""One generation and two repairs."""

_INTENT = re.compile(r"^Intent ([0-9a-f]{16})\b", re.MULTILINE)


class Cassette:
    """A client that plays recorded answers.

    Answers are named as files are, without ``.md``: ``<intent id>`` and ``<intent id>.<attempt>``.
    """

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._read: Callable[[str], str | None] = answers.get

    @classmethod
    def from_folder(cls, folder: Path) -> Cassette:
        """Play the files of a folder, each read when it is asked for."""
        cassette = cls({})
        cassette._read = lambda name: _read_file(folder / f"{name}.md")
        return cassette

    async def ask(self, request: Request) -> Reply:
        """Return the recorded answer. Raises ``NoRecordedReplyError`` naming the intent if there is none."""
        intent = intent_of(request)
        if intent is None:
            raise NoRecordedReplyError(
                "the request names no intent, so no recorded answer belongs to it",
                hint="the last user message must begin with a line 'Intent <id>'",
            )
        attempt = attempt_of(request)
        name = intent if attempt == 0 else f"{intent}.{attempt}"
        text = self._read(name)
        if text is None:
            raise NoRecordedReplyError(
                f"no answer is recorded for intent '{intent}', attempt {attempt}",
                hint=f"record it as '{name}.md', or ask a model instead",
            )
        usage = Usage(prompt_estimate(request), estimate_tokens(text))
        return Reply(text=text, finish="stop", usage=usage, cost_usd=0.0, model=request.model)

    async def aclose(self) -> None:
        """Nothing to let go of."""


def intent_of(request: Request) -> str | None:
    """Return the intent id in the last user message, else in the nearest one before it that names one."""
    for message in reversed(request.messages):
        found = _INTENT.search(message.content) if message.role == "user" else None
        if found is not None:
            return found[1]
    return None


def attempt_of(request: Request) -> int:
    """Return the number of the attempt: answers given so far, and those of the samples before this one."""
    answered = sum(message.role == "assistant" for message in request.messages)
    return answered + ATTEMPTS_PER_SAMPLE * request.sample


def _read_file(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT_BYTES + 1)
        if len(data) > LIMIT_BYTES:
            raise ModelError(f"the recorded answer '{path}' is larger than {LIMIT_BYTES} bytes")
        return data.decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read the recorded answer '{path}': {error}") from error
