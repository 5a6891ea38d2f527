"""Run the program with a model that answers from a file, and be stopped at one transition of the journal.

Usage: python driven.py PLAN.json -- COMMAND…

The plan has ``answers`` by intent, ``asked`` (a file that gets a line for each question), ``seen`` (a file
that gets the name of each transition) and, to be stopped, ``at`` (a transition's number, from 1), ``signal``
and ``whole`` (the process group, as Ctrl-C on a terminal).
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from regen_git.cli import replaying  # noqa: E402 - found beside this file
from regen_git.cli.main import main  # noqa: E402 - the same
from regen_git.llm.client import Reply, Usage  # noqa: E402 - the same
from regen_git.replay.journal import Journal  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regen_git.llm.client import Request

_HEADING = re.compile(r"^Intent ([0-9a-f]{16})(.*repair)?", re.MULTILINE)


class FromFile:
    """A model's client: what is answered depends on the intent and on whether a repair is asked for."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan

    async def ask(self, request: Request) -> Reply:
        """Return the answer that the plan has, and note the question."""
        found = _HEADING.search(request.messages[-1].content)
        if found is None:
            raise AssertionError(request.messages[-1].content[:200])
        key = found[1] + (" repair" if found[2] else "")
        _add(self._plan["asked"], key)
        answers = self._plan["answers"]
        return Reply(answers.get(key, answers[found[1]]), "stop", Usage(100, 100), None, request.model)

    async def aclose(self) -> None:
        """Do nothing."""


class Stopper:
    """Counts transitions, and sends the signal at the one that is asked for."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self._plan = plan
        self._count = 0

    def passed(self, state: str, where: str) -> None:
        """Note one transition."""
        self._count += 1
        _add(self._plan["seen"], f"{state} {where}")
        if self._count == self._plan.get("at"):
            os.kill(0 if self._plan.get("whole") else os.getpid(), self._plan["signal"])


def _add(path: str, line: str) -> None:
    with Path(path).open("a", encoding="ascii") as file:
        file.write(line + "\n")


def drive() -> None:
    """Put model and stopper in their places, and run the command."""
    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    stopper = Stopper(plan)
    note, append = Journal.note, Journal._append

    def noting(self: Journal, **entry: Any) -> None:
        note(self, **entry)
        stopper.passed(str(entry.get("state")), "noted")

    def appending(self: Journal, lines: Sequence[str], *, is_durable: bool = True) -> None:
        states = "+".join(dict.fromkeys(str(json.loads(line).get("state")) for line in lines))
        stopper.passed(states, "before writing")
        append(self, lines, is_durable=is_durable)
        stopper.passed(states, "written")

    Journal.note = noting  # type: ignore[method-assign]
    Journal._append = appending  # type: ignore[method-assign]
    replaying.model_client = lambda _options, _settings: (lambda _unsure: FromFile(plan), None)
    sys.argv = ["git-regen", *sys.argv[3:]]
    main()


if __name__ == "__main__":
    drive()
