from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.histories import AsBefore, History, odd_history
from support.model_server import Fault, ModelServer
from support.spoiling import spoil_reply

if TYPE_CHECKING:
    from support.builder import RepoBuilder


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the JSON object that a command printed last."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return found


def trees(repo: RepoBuilder, rev: str) -> list[str]:
    return repo.git("log", "--topo-order", "--format=%T", rev).splitlines()


def test_history_itself_answers_with_the_very_same_commit(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = odd_history(repo)

    status = history.regen("replay", "--model", "original", "--json")

    told = result(capsys)
    assert status == 0
    assert told["tip"] == repo.git("rev-parse", "HEAD") == repo.git("rev-parse", "regen/original")
    assert told["first_difference"] is None
    assert told["steps"]["reused"] == 11


def test_every_file_survives_being_written_as_a_reply_and_read_back(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = odd_history(repo)

    status = history.regen("replay", "--model", "original", "--rewrite", "--json")

    told = result(capsys)
    assert status == 0
    assert trees(repo, "regen/original") == trees(repo, "HEAD")
    assert told["steps"]["regenerated"] == 6
    assert told["steps"]["merge"] == 1
    assert repo.git("rev-parse", "regen/original") != repo.git("rev-parse", "HEAD")
    assert "Regen-Source" in repo.git("log", "-1", "--format=%B", "regen/original")


def test_replay_leaves_branch_index_and_files_alone(repo: RepoBuilder) -> None:
    history = odd_history(repo)
    (repo.path / "README.md").write_text("edited, not staged\n")
    (repo.path / "new.txt").write_text("untracked\n")
    before = (repo.git("status", "--porcelain"), repo.git("rev-parse", "HEAD"), repo.git("ls-files", "-s"))

    history.regen("replay", "--model", "original", "--rewrite")

    assert (
        repo.git("status", "--porcelain"),
        repo.git("rev-parse", "HEAD"),
        repo.git("ls-files", "-s"),
    ) == before


def test_a_locked_replay_gives_the_same_commits_offline(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = odd_history(repo)
    history.regen("replay", "--model", "original", "--rewrite", "--json")
    first = result(capsys)["tip"]

    status = history.regen("replay", "--model", "original", "--rewrite", "--locked", "--json")

    told = result(capsys)
    assert status == 0
    assert told["tip"] == first
    assert told["replies_reused"] == 6


def test_a_changed_reply_is_found_by_commit_file_and_line(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.by_hand("Start", {"README.md": "x\n"})
    history.asked("Write a list.", {"a.py": "one = 1\ntwo = 2\nthree = 3\n"})
    changed = history.asked("Add four.", {"a.py": "one = 1\ntwo = 2\nthree = 3\nfour = 4\n"})
    history.regen("replay", "--model", "original", "--rewrite")
    capsys.readouterr()
    spoil_reply(history, "four = 4", "four = 5")

    status = history.regen("replay", "--model", "original", "--rewrite", "--locked", "--json")

    difference = result(capsys)["first_difference"]
    assert status == 1
    assert (difference["commit"], difference["path"], difference["line"]) == (changed, "a.py", 4)


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that points the program at a scripted server."""

    def point(server: ModelServer) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)

    return point


def test_a_model_that_answers_as_before_rebuilds_the_same_trees(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Any
) -> None:
    history = odd_history(repo)
    with ModelServer(AsBefore(history)) as server:
        openai(server)
        status = history.regen("replay", "--model", "openai/gpt-5", "--json", "--jobs", "3")

    told = result(capsys)
    assert status == 0
    assert trees(repo, "regen/gpt-5") == trees(repo, "HEAD")
    assert server.count == told["calls"] == 6
    assert told["cost_usd"] > 0


def test_what_was_answered_once_is_not_asked_again(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Any
) -> None:
    history = odd_history(repo)
    with ModelServer(AsBefore(history)) as server:
        openai(server)
        history.regen("replay", "--model", "openai/gpt-5", "--json")
        first = result(capsys)
        history.regen("replay", "--model", "openai/gpt-5", "--json", "--jobs", "1")

    second = result(capsys)
    assert server.count == 6
    assert second["tip"] == first["tip"]
    assert second["replies_reused"] >= 6


def test_a_budget_that_is_too_small_stops_before_the_call(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Any
) -> None:
    history = odd_history(repo)
    with ModelServer(AsBefore(history)) as server:
        openai(server)
        status = history.regen("replay", "--model", "openai/gpt-5", "--budget", "0.0001")

    assert status == 3
    assert server.count == 0
    assert "budget" in capsys.readouterr().err


def test_commits_made_after_a_replay_are_appended_when_it_is_resumed(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = odd_history(repo)
    history.regen("replay", "--model", "original", "--rewrite", "--name", "r", "--json")
    first = result(capsys)["tip"]
    history.asked("One more.", {"more.py": "more = 1\n"})

    status = history.regen("replay", "--resume", "r", "--json")

    told = result(capsys)
    assert status == 0
    assert repo.git("rev-parse", f"{told['tip']}~1") == first
    assert trees(repo, "regen/r") == trees(repo, "HEAD")
    assert history.regen("adopt", "r", "--history", "--published") == 0


def test_a_call_whose_answer_is_lost_counts_as_spent_before_it_is_sent_again(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Any
) -> None:
    history = History(repo)
    history.asked("Write one.", {"a.py": "one = 1\n"})
    with ModelServer(lambda _body: Fault(cut="within")) as server:
        openai(server)
        budget = ("--budget-tokens", "18000", "--max-tokens", "8000")
        status = history.regen("replay", "--model", "openai/gpt-5", *budget)

    assert status == 3
    assert server.count == 1
    assert "of 18000 are left" in capsys.readouterr().err


def test_a_budget_is_the_replay_s_however_often_it_is_resumed(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], openai: Any
) -> None:
    history = odd_history(repo)
    with ModelServer(AsBefore(history)) as server:
        openai(server)
        budget = ("--budget-tokens", "10500", "--max-tokens", "8000", "--jobs", "1")
        assert history.regen("replay", "--model", "openai/gpt-5", *budget) == 3
        first = server.count
        assert history.regen("replay", "--resume", "gpt-5", "--jobs", "1") == 3
        assert server.count == first >= 1
        assert history.regen("replay", "--resume", "gpt-5", "--budget-tokens", "90000", "--json") == 0

    told = result(capsys)
    assert told["calls"] == server.count == 6
