from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from support.model_server import Answer, ModelServer

from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.git.notes import read_note, update_notes
from regen_git.ledger.codec import encode
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.builder import RepoBuilder

ONE = IntentId("00000000000000aa")
TWO = IntentId("00000000000000bb")
MODEL = "openai/gpt-5-mini"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str | Answer], ModelServer]]:
    """Return a function that starts a server which always answers the same."""
    started: list[ModelServer] = []

    def start(answer: str | Answer) -> ModelServer:
        made = ModelServer(lambda _: answer).__enter__()
        started.append(made)
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", made.url)
        return made

    yield start
    for made in started:
        made.__exit__(None, None, None)


@pytest.fixture
def asked(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> RepoBuilder:
    """Return a repository with two intents, one of which is on two commits."""
    monkeypatch.chdir(repo.path)
    one = Intent(
        ONE, (Prompt("Add a retry to the client"), Prompt("hmm, the Zug 🚂", answers="Which?")), "captured"
    )
    two = Intent(TWO, (Prompt("commit and push"),), "captured")
    for name in ("a", "b"):
        commit = repo.commit(f"Add {name}", {name: "1\n"})
        Ledger(repo.opened).append({commit: [one, Binding(ONE, wrote=(name,))]})
    Ledger(repo.opened).append({repo.commit("Push", {"c": "1\n"}): [two]})
    return repo


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def classes(repo: RepoBuilder, rev: str) -> dict[str, tuple[int, list[str | None]]]:
    note = Ledger(repo.opened).of(repo.git("rev-parse", rev))
    assert not note.troubles
    return {one: (each.revision, [p.kind for p in each.prompts]) for one, each in note.intents.items()}


def test_rules_write_the_next_revision_on_every_commit_of_an_intent(
    asked: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    before = read_note(asked.opened, INTENTS_REF, asked.git("rev-parse", "HEAD~2"))
    assert run(["classify", "HEAD~2..HEAD~1", "--json"]) == 0
    told = result(capsys)
    assert (told["intents"], told["prompts"], told["classes"], told["written"]) == (1, 2, {"feature": 1}, 1)
    assert classes(asked, "HEAD~2") == classes(asked, "HEAD~1") == {ONE: (2, ["feature", None])}
    assert classes(asked, "HEAD") == {TWO: (1, [None])}
    after = read_note(asked.opened, INTENTS_REF, asked.git("rev-parse", "HEAD~2"))
    assert after.startswith(before)


def test_the_words_stay_and_the_same_again_writes_nothing(
    asked: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["classify"]) == 0
    tip = asked.git("rev-parse", INTENTS_REF)
    prompts = Ledger(asked.opened).of(asked.git("rev-parse", "HEAD~1")).intents[ONE].prompts
    assert [p.text for p in prompts] == ["Add a retry to the client", "hmm, the Zug 🚂"]
    assert prompts[1].answers == "Which?"
    capsys.readouterr()
    assert run(["classify", "--json"]) == 0
    told = result(capsys)
    assert (told["written"], told["skipped"]) == (0, {"every prompt has a class": 1})
    assert asked.git("rev-parse", INTENTS_REF) == tip


def test_a_dry_run_writes_nothing_and_sends_nothing(
    asked: RepoBuilder,
    capsys: pytest.CaptureFixture[str],
    server: Callable[[str | Answer], ModelServer],
) -> None:
    tip, listening = asked.git("rev-parse", INTENTS_REF), server("1: feature")
    assert run(["classify", "--model", MODEL, "--dry-run", "--json"]) == 0
    told = result(capsys)
    assert (told["calls"], told["written"], listening.count) == (2, 0, 0)
    assert 0 < told["cost_usd"] < told["cost_most_usd"]
    assert run(["classify", "--dry-run"]) == 0
    assert "would classify 2 of 3 prompts of 2 intents" in capsys.readouterr().out
    assert asked.git("rev-parse", INTENTS_REF) == tip


def test_a_model_sees_prompts_and_questions_only_and_its_reply_is_recorded(
    asked: RepoBuilder,
    capsys: pytest.CaptureFixture[str],
    server: Callable[[str | Answer], ModelServer],
) -> None:
    listening = server("1: operation\n2: **Answer**\n9: noise")
    assert run(["classify", "--model", MODEL, "--json"]) == 0
    told = result(capsys)
    assert (told["calls"], told["classes"]) == (2, {"answer": 1, "operation": 2})
    assert classes(asked, "HEAD~1") == {ONE: (2, ["operation", "answer"])}
    sent = next(r["messages"][-1]["content"] for r in listening.requests if "retry" in str(r))
    assert re.search(r"> Which\?\n\(the person\)\n> hmm, the Zug 🚂", sent)
    assert "Ada" not in str(listening.requests)
    assert run(["classify", "--model", MODEL, "--again", "--json"]) == 0
    told = result(capsys)
    assert (told["calls"], told["replies_reused"], told["written"], listening.count) == (0, 2, 0, 2)


def test_no_call_is_made_whose_worst_case_is_over_the_budget(
    asked: RepoBuilder,
    capsys: pytest.CaptureFixture[str],
    server: Callable[[str | Answer], ModelServer],
) -> None:
    tip, listening = asked.git("rev-parse", INTENTS_REF), server("1: feature")
    assert run(["classify", "--model", MODEL, "--budget", "0.000001"]) == 3
    assert "may cost" in capsys.readouterr().err
    assert run(["classify", "--model", "openai/of-my-own", "--budget", "1"]) == 2
    assert (listening.count, asked.git("rev-parse", INTENTS_REF)) == (0, tip)


def test_a_reply_without_a_class_is_a_failure_and_writes_nothing(
    asked: RepoBuilder,
    capsys: pytest.CaptureFixture[str],
    server: Callable[[str | Answer], ModelServer],
) -> None:
    tip, _ = asked.git("rev-parse", INTENTS_REF), server("I'd say these are all delightful.")
    assert run(["classify", "--model", MODEL]) == 3
    assert "names a class" in capsys.readouterr().err
    assert asked.git("rev-parse", INTENTS_REF) == tip


def test_private_intents_are_never_sent(
    repo: RepoBuilder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    server: Callable[[str | Answer], ModelServer],
) -> None:
    monkeypatch.chdir(repo.path)
    listening = server("1: feature")
    secret = Intent(ONE, (Prompt("Add the takeover plan"),), "explicit")
    Ledger(repo.opened, PRIVATE_REF).append({repo.commit("Add", {"a": "1\n"}): [secret]})
    assert run(["classify", "--model", MODEL]) == 0
    assert ("no prompt is without a class" in capsys.readouterr().out, listening.count) == (True, 0)


def test_what_another_version_wrote_and_what_is_in_conflict_stays_alone(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.path)
    newer = encode(Intent(ONE, (Prompt("Add a retry"),), "captured")).replace(
        b"origin: captured\n", b"origin: captured\nmood: bright\n"
    )
    update_notes(repo.opened, INTENTS_REF, {repo.commit("Add", {"a": "1\n"}): lambda _: newer}, "test")
    commit = repo.commit("More", {"b": "1\n"})
    for text in ("Add this", "Add that"):
        Ledger(repo.opened).append({commit: [Intent(TWO, (Prompt(text),), "captured")]})
    tip = repo.git("rev-parse", INTENTS_REF)
    assert run(["classify", "--json"]) == 0
    assert result(capsys)["skipped"] == {
        "its document is of another version": 1,
        "two documents claim its newest revision": 1,
    }
    assert repo.git("rev-parse", INTENTS_REF) == tip


def test_an_import_classifies_what_it_brought(
    repo: RepoBuilder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    server: Callable[[str | Answer], ModelServer],
) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit("Add a retry\n\nPrompt: Add a retry to the client", {"a": "1\n"})
    assert run(["import", "commits", "--classify-with", "rules", "--json"]) == 0
    told = result(capsys)
    assert (told["intents"], told["classified"]["classes"]) == (1, {"feature": 1})
    repo.commit("Add a limit\n\nPrompt: Quelle heure est-il", {"b": "1\n"})
    server("1: question")
    assert run(["import", "commits", "--classify-with", MODEL]) == 0
    assert "classified 1 of 1 prompt of 1 intent: 1 question" in capsys.readouterr().out
    (found,) = classes(repo, "HEAD").values()
    assert found == (2, ["question"])


def test_an_import_is_told_where_classifying_it_fails(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.path)
    repo.git("config", "regen.budget", "0.000001")
    repo.commit("Add a retry\n\nPrompt: Add a retry to the client", {"a": "1\n"})
    assert run(["import", "commits", "--classify-with", MODEL, "--json"]) == 3
    said = capsys.readouterr()
    assert (json.loads(said.out)["intents"], "may cost" in said.err) == (1, True)
    (found,) = classes(repo, "HEAD").values()
    assert found == (1, [None])
