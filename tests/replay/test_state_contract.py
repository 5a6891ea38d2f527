"""Rebuilt code reads the data that released code left, or the reason is told: to the model, and to people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History
from support.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.builder import RepoBuilder

CONFIG = """\
paths: {tests: [tests/**], append: [migrations/**]}
checks:
- {name: tests, run: python3 -S tests/state.py alone}
state:
  make: python3 -S tests/state.py make
  check: python3 -S tests/state.py check
"""

STATE = """\
import os, sys

sys.path.insert(0, ".")
from app import store

db = store.Store(os.environ["REGEN_STATE"] + "/shop.db")
if sys.argv[1] in ("make", "alone"):
    db.add("tea", 450)
if sys.argv[1] in ("check", "alone"):
    assert db.items() == [("tea", 450)], db.items()
"""

MIGRATION = "CREATE TABLE item (name TEXT, price INTEGER);\n"

STORE = """\
import glob
import sqlite3


class Store:
    def __init__(self, path):
        self.db = sqlite3.connect(path, isolation_level=None)
        done = self.db.execute("PRAGMA user_version").fetchone()[0]
        for name in sorted(glob.glob("migrations/*.sql"))[done:]:
            with open(name) as file:
                self.db.executescript(file.read())
            done += 1
            self.db.execute(f"PRAGMA user_version = {done}")

    def add(self, name, price):
        self.db.execute("INSERT INTO item VALUES (?, ?)", (name, price))

    def items(self):
        return self.db.execute("SELECT name, price FROM item").fetchall()
"""

# Its own tests pass: it reads what it writes. What was written before it does not read.
BROKEN = STORE.replace("(name, price))", "(name, price * 10))").replace(
    'execute("SELECT name, price FROM item").fetchall()',
    'execute("SELECT name, price / 10 FROM item").fetchall()',
)

COUNT = "from app.store import Store\n\n\ndef count(path):\n    return len(Store(path).items())\n"


def reply(files: Mapping[str, str]) -> str:
    return "\n".join(f"FILE {path}\n````\n{text}````\n" for path, text in files.items())


GOOD = reply({"app/store.py": "# Made anew.\n" + STORE})
BAD = reply({"app/store.py": BROKEN})


def shop(repo: RepoBuilder, *, config: str = CONFIG, tag: str = "v1") -> History:
    """Return a history: settings by hand, a store and a count by an agent, the first of them released."""
    history = History(repo)
    history.by_hand(
        "Start",
        {".regen/config.yaml": config, "tests/state.py": STATE, "migrations/001_item.sql": MIGRATION},
    )
    history.asked("Keep items with their prices.", {"app/store.py": STORE})
    if tag:
        repo.git("tag", tag)
    history.asked("Count the items.", {"app/count.py": COUNT})
    assert history.regen("trust", "--yes") == 0
    return history


class Model:
    """Answers as history did, but for the store: there with these texts in turn, the last one for ever."""

    def __init__(self, history: History, *answers: str) -> None:
        self._before = AsBefore(history)
        self._answers = list(answers)
        self.told: list[str] = []

    def __call__(self, body: Mapping[str, Any]) -> str:
        last = body["messages"][-1]["content"]
        if f"{1:016x}" not in last.splitlines()[0]:
            return self._before(body)
        self.told.append(last)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
def replay(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., dict[str, Any]]:
    """Return a function that replays a history with a model and returns what the command says."""

    def go(
        history: History, model: Callable[[dict[str, Any]], str], *words: str, status: int = 0
    ) -> dict[str, Any]:
        capsys.readouterr()
        with ModelServer(model) as server:
            monkeypatch.setenv("OPENAI_API_KEY", "unused")
            monkeypatch.setenv("OPENAI_API_BASE", server.url)
            mode = [] if "--mode" in words else ["--mode", "chained"]
            ended = history.regen("replay", "--model", "openai/gpt-5", "--json", *mode, *words)
        said = capsys.readouterr()
        assert ended == status, said
        found: dict[str, Any] = json.loads(said.out.strip().splitlines()[-1])
        return found

    return go


def state_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a verification says of the state."""
    found: dict[str, Any] = next(check for check in told["checks"] if check["name"] == "state")
    return found


def test_an_old_database_is_opened_by_the_rebuilt_code(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]]
) -> None:
    history = shop(repo)
    told = replay(history, Model(history, GOOD))
    assert told["verdict"] == "pass"
    assert state_of(told["verification"])["verdict"] == "pass"


def test_a_version_that_breaks_the_format_is_repaired_when_told(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]]
) -> None:
    history = shop(repo)
    model = Model(history, BAD, GOOD)
    told = replay(history, model)
    assert told["verdict"] == "pass"
    assert len(model.told) == 2
    assert "- state: data of the released version is not read as it was: exit status 1" in model.told[1]
    assert "AssertionError: [('tea', 45" in model.told[1]
    assert "Output of the check 'state':\nTraceback" in model.told[1]


@pytest.mark.parametrize("tag", ["v1", ""])
def test_a_version_that_goes_on_breaking_it_is_stuck_where_it_broke(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]], tag: str
) -> None:
    history = shop(repo, tag=tag)
    told = replay(history, Model(history, BAD), status=1)
    assert told["stuck"]["step"] == 1
    assert "data of the released version is not read as it was" in told["stuck"]["why"][0]


def test_at_the_tip_alone_it_fails_with_the_reason_and_what_the_check_printed(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]]
) -> None:
    history = shop(repo)
    told = replay(history, Model(history, BAD), "--check", "tip", status=1)
    assert told["verdict"] == "fail"
    (reason,) = told["verification"]["reasons"]
    assert reason.startswith("state: fails: data of the released version is not read as it was")
    assert "AssertionError" in reason
    assert "Traceback" in state_of(told["verification"])["output"]


def test_where_the_old_version_cannot_make_its_data_nothing_is_shown(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]]
) -> None:
    broken = CONFIG.replace("state.py make", "state.py made-up; echo no such data; exit 4")
    history = shop(repo, config=broken)
    told = replay(history, Model(history, GOOD))
    assert told["verdict"] == "indeterminate"
    assert told["verification"]["reasons"] == [
        "state: is indeterminate: the released version could not make its data: exit status 4: no such data"
    ]


def test_what_the_original_does_not_read_either_is_not_held_against_the_rebuilt_one(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]]
) -> None:
    never = CONFIG.replace("state.py check", "state.py check; exit 9")
    history = shop(repo, config=never)
    told = replay(history, Model(history, GOOD))
    assert told["verdict"] == "indeterminate"
    assert "the original does not read that data either" in told["verification"]["reasons"][0]


def test_a_model_may_add_a_migration_after_the_released_ones_and_nowhere_else(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]]
) -> None:
    history = shop(repo)
    index = "CREATE INDEX by_name ON item (name);\n"
    early = reply({"app/store.py": "# Made anew.\n" + STORE, "migrations/000_index.sql": index})
    late = "DELETE migrations/000_index.sql\n" + reply({"migrations/002_index.sql": index})
    model = Model(history, early, late)
    told = replay(history, model)
    assert told["verdict"] == "pass"
    assert "migrations/000_index.sql: is new and comes before 'migrations/001_item.sql'" in model.told[1]
    names = repo.git("ls-tree", "--name-only", told["branch"], "migrations/").splitlines()
    assert names == ["migrations/001_item.sql", "migrations/002_index.sql"]


def test_what_history_brings_later_is_not_the_models_to_write(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]]
) -> None:
    history = shop(repo)
    history.by_hand("Index", {"migrations/002_index.sql": "CREATE INDEX by_name ON item (name);\n"})
    own = reply({"app/store.py": "# Made anew.\n" + STORE, "migrations/002_index.sql": "SELECT 1;\n"})
    told = replay(history, Model(history, own))
    assert told["verdict"] == "pass"
    assert repo.git("show", f"{told['branch']}:migrations/002_index.sql").startswith("CREATE INDEX")


def test_a_plain_commit_is_held_against_the_data_of_the_last_release(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = shop(repo)
    assert history.regen("verify", "--json") == 0
    assert state_of(json.loads(capsys.readouterr().out.splitlines()[-1]))["verdict"] == "pass"
    history.by_hand("Break it", {"app/store.py": BROKEN})
    assert history.regen("verify") == 1
    said = capsys.readouterr()
    assert "fail           state" in said.out
    assert "state: fails: data of the released version is not read as it was" in said.err
    repo.git("tag", "v2")
    assert history.regen("verify") == 0


def test_each_reading_begins_with_the_data_as_it_was_made(repo: RepoBuilder) -> None:
    history = shop(repo, config=CONFIG.replace("state.py check", "state.py check && rm -r $REGEN_STATE/*"))
    history.by_hand("Count anew", {"app/count.py": "# Anew.\n" + COUNT})
    for _ in range(2):
        assert history.regen("verify", "--no-cache", "--against", "HEAD~") == 0


PAGE = """\
---
paths: [app/store.py]
---
# store

## Requirements

- Keep items with their prices. [0000000000000001]
"""


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_whole_generated_from_a_spec_is_held_to_it_as_well(
    repo: RepoBuilder, replay: Callable[..., dict[str, Any]], *, goes_on: bool
) -> None:
    history = shop(repo)
    history.by_hand("Say what is wanted", {".regen/spec/store.md": PAGE})
    told: list[str] = []

    def model(body: Mapping[str, Any]) -> str:
        told.append(body["messages"][-1]["content"])
        return BAD if goes_on or len(told) == 1 else GOOD

    found = replay(history, model, "--mode", "folded", status=int(goes_on))
    assert told[0].startswith("Module store\n")
    assert "- state: data of the released version is not read as it was: exit status 1" in told[1]
    if goes_on:
        assert "data of the released version is not read" in found["stuck"]["why"][0]
    else:
        assert found["verdict"] == "pass"
        assert state_of(found["verification"])["verdict"] == "pass"
