"""Random histories and edits: making anew only what changed comes to what making all of it comes to."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder
from support.histories import AsBefore, History
from support.model_server import ModelServer

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES = ("a", "b", "c")
COMMITS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(FILES), st.sets(st.sampled_from(FILES), max_size=2)),
    min_size=2,
    max_size=6,
)
MODEL = ("--model", "openai/gpt-5", "--mode", "chained")


class Answers:
    """Answers as history did, and with one line more for an intent that was edited."""

    def __init__(self) -> None:
        self.before: AsBefore | None = None
        self.edited = ""

    def __call__(self, body: dict[str, Any]) -> str:
        assert self.before is not None
        text = self.before(body)
        more = self.before.asked[-1] == self.edited
        return text.replace("\n```\n", "\nMORE = True\n```\n", 1) if more else text


@pytest.fixture(scope="module")
def scripted() -> Iterator[tuple[ModelServer, Answers]]:
    answers = Answers()
    with ModelServer(answers) as server:
        yield server, answers


@given(commits=COMMITS, edited=st.integers(0, 5), really=st.booleans())
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_only_what_changed_and_all_of_it_come_to_the_same_commits(
    scripted: tuple[ModelServer, Answers],
    monkeypatch: pytest.MonkeyPatch,
    commits: list[tuple[bool, str, set[str]]],
    edited: int,
    *,
    really: bool,
) -> None:
    server, answers = scripted
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    monkeypatch.setenv("OPENAI_API_BASE", server.url)
    with tempfile.TemporaryDirectory() as folder:
        history = _history(Path(folder) / "repo", commits)
        answers.before, answers.edited = AsBefore(history), ""
        assert history.regen("replay", *MODEL) == 0
        intent = sorted(history.by_intent)[edited % len(history.by_intent)]
        words = Intent(IntentId(intent), (Prompt("Do it otherwise."),), "captured", revision=2)
        Ledger(history.repo.opened).append({history.by_intent[intent]: [words]})
        answers.edited = intent if really else ""

        assert history.regen("replay", *MODEL, "--changed") == 0
        changed = history.repo.git("rev-parse", "regen/gpt-5")
        asked = server.count
        (history.repo.opened.data_dir / "steps.sqlite").unlink()
        assert history.regen("replay", *MODEL, "--name", "all") == 0

        assert history.repo.git("rev-parse", "regen/all") == changed
        assert server.count == asked


def _history(path: Path, commits: list[tuple[bool, str, set[str]]]) -> History:
    history = History(RepoBuilder.init(path, "-b", "main"))
    history.asked("Begin.", {"begin.py": "BEGIN = 0\n"})
    for number, (is_asked, name, imports) in enumerate(commits):
        others = "".join(f"import {other}\n" for other in sorted(imports - {name}))
        files = {f"{name}.py": f"{others}{name.upper()} = {number}\n"}
        if is_asked:
            history.asked(f"Write {name} as {number}.", files)
        else:
            history.by_hand(f"Set {name} to {number}", {f"{name}.txt": f"{number}\n"})
    return history
