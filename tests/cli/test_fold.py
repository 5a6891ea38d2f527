from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import History
from support.model_server import ModelServer

from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import TypeAlias

    from support.builder import RepoBuilder

    Start: TypeAlias = Callable[[Callable[[Any], str]], ModelServer]

ONE, TWO = "0000000000000001", "0000000000000002"
MODEL = "openai/gpt-5-mini"


@pytest.fixture
def history(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> History:
    monkeypatch.chdir(repo.path)
    made = History(repo)
    made.asked("Add a client", {"client.py": "x = 1\n", "tests/test_client.py": ""})
    made.asked("Add a store", {"store.py": "x = 1\n"})
    return made


@pytest.fixture
def server(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Callable[[Any], str]], ModelServer]]:
    started: list[ModelServer] = []

    def start(answer: Callable[[Any], str]) -> ModelServer:
        made = ModelServer(answer).__enter__()
        started.append(made)
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", made.url)
        return made

    yield start
    for made in started:
        made.__exit__(None, None, None)


def page(history: History, name: str) -> Path:
    return history.repo.path / ".regen" / "spec" / f"{name}.md"


def revise(history: History, one: str, text: str) -> None:
    """Write an intent as its next revision, on the commit that has it."""
    again = Intent(IntentId(one), (Prompt(text),), "captured", revision=2)
    Ledger(history.repo.opened).append({history.by_intent[one]: [again]})


def test_a_fold_writes_pages_and_says_what_is_new(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    head, index = history.repo.git("rev-parse", "HEAD"), history.repo.git("ls-files", "--stage")
    assert run(["fold"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "+ client: Add a client",
        "+ store: Add a store",
        "2 intents: 2 statements on 2 pages, 0 prompts left out",
    ]
    assert "git regen plan --mode folded" in told.err
    assert page(history, "client").read_text() == (
        f"---\npaths: [/client.py]\n---\n# client\n\n## Requirements\n\n- Add a client [{ONE}]\n"
    )
    assert (history.repo.git("rev-parse", "HEAD"), history.repo.git("ls-files", "--stage")) == (head, index)
    assert run(["fold"]) == 0
    assert capsys.readouterr().out == "the spec says what 2 intents ask\n"


def test_a_dry_run_writes_nothing(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fold", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["change"], each["page"], each["intents"]) for each in told["changes"]] == [
        ("added", "client", [ONE]),
        ("added", "store", [TWO]),
    ]
    assert not page(history, "client").exists()


def test_a_conflict_is_marked_and_refused_until_it_is_settled(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["fold"])
    client = page(history, "client")
    client.write_text(client.read_text().replace("Add a client", "A client that waits"))
    revise(history, ONE, "Add a client that retries")
    capsys.readouterr()
    assert run(["fold"]) == 1
    assert "! client: conflict: Add a client that retries" in capsys.readouterr().out
    assert client.read_text().endswith(
        f"<<<<<<< spec\n- A client that waits [{ONE}]\n=======\n- Add a client that retries [{ONE}@2]\n"
        ">>>>>>> fold\n"
    )
    assert run(["fold"]) == 3
    assert "a conflict is not resolved (.regen/spec/client.md:8)" in capsys.readouterr().err
    client.write_text(client.read_text().split("<<<")[0] + f"- A client that waits and retries [{ONE}@2]\n")
    assert run(["fold"]) == 0
    assert run(["fold", "--check"]) == 0


def test_a_check_lists_what_is_missing_stale_and_of_no_intent(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fold", "--check", "--json"]) == 1
    assert [each["intent"] for each in json.loads(capsys.readouterr().out)["missing"]] == [ONE, TWO]
    run(["fold"])
    store = page(history, "store")
    store.write_text("- By hand\n- Of nobody [00000000000000ff]\n")
    revise(history, ONE, "Add a client that retries")
    history.asked("Add a log", {"log.py": "x = 1\n"})
    capsys.readouterr()
    assert run(["fold", "--check"]) == 1
    assert capsys.readouterr().out == (
        "missing: 0000000000000003 Add a log\n"
        f"stale: .regen/spec/client.md: {ONE} revision 2 says something else: Add a client\n"
        "stale: .regen/spec/store.md: 00000000000000ff no commit here has this intent: Of nobody\n"
        f"taken out by hand: {TWO} Add a store\n"
        "no intent, by hand: store: By hand\n"
    )
    store.write_text("- By hand\n")
    assert run(["fold"]) == 0
    assert run(["fold", "--check"]) == 0


def test_what_is_retracted_leaves_the_spec(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    run(["fold"])
    assert run(["retract", TWO]) == 0
    assert run(["fold", "--check"]) == 1
    capsys.readouterr()
    assert run(["fold"]) == 0
    assert "- store: Add a store" in capsys.readouterr().out
    assert page(history, "store").read_text().endswith(f"## Left out\n\n- retracted: Add a store [{TWO}@2]\n")


def test_links_out_of_the_tree_are_refused(
    history: History, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (history.repo.path / ".regen").mkdir()
    (history.repo.path / ".regen" / "spec").symlink_to(outside)
    assert run(["fold"]) == 3
    assert "is no folder of this tree" in capsys.readouterr().err
    (history.repo.path / ".regen" / "spec").unlink()
    (history.repo.path / ".regen" / "spec").mkdir()
    page(history, "client").symlink_to(outside / "x")
    assert run(["fold"]) == 3
    assert list(outside.iterdir()) == []


def test_a_model_words_the_pages_and_is_heeded_only_with_every_intent(
    history: History,
    server: Start,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(body: Any) -> str:
        asked = body["messages"][-1]["content"]
        assert asked.startswith("Page ")
        if asked.startswith("Page client"):
            return f"```markdown\n- The client sends requests. [{ONE}]\n```\n"
        return "- A store of everything. [00000000000000ff]\n"

    started = server(answer)
    assert run(["fold", "--model", MODEL, "--dry-run"]) == 0
    assert "would ask openai/gpt-5-mini: 2 calls" in capsys.readouterr().out
    assert len(started.requests) == 0
    assert run(["fold", "--model", MODEL, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["reworded"], told["calls"]) == (["client"], 2)
    assert told["kept"] == {"store": "the reply names '00000000000000ff', which is not on the page"}
    assert f"- The client sends requests. [{ONE}]\n" in page(history, "client").read_text()
    assert f"- Add a store [{TWO}]\n" in page(history, "store").read_text()
    assert run(["fold", "--model", MODEL, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["changes"], told["replies_reused"]) == ([], 2)
    assert run(["fold"]) == 0
    assert run(["fold", "--check"]) == 0


def test_a_first_page_is_written_once(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.path)
    init = ["init", "--yes", "--no-hooks", "--agents-at", "none", "--spec"]
    assert run(init) == 0
    first = repo.path / ".regen" / "spec" / "app.md"
    assert first.read_text().startswith("# app\n")
    first.write_text("# app\n\n- Mine\n")
    assert run(init) == 1
    assert "'.regen/spec/app.md' is there already" in capsys.readouterr().err
    assert first.read_text() == "# app\n\n- Mine\n"


def test_a_fold_names_what_is_newly_left_out(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fold"]) == 0
    history.asked("Why is the store slow?", {"store.py": "x = 2\n"})
    capsys.readouterr()
    assert run(["fold"]) == 0
    out = capsys.readouterr().out
    assert "store: left out (question): Why is the store slow?" in out
    assert "the spec says what" not in out
    assert run(["fold", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == []
