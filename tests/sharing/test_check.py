from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.errors import RegenError
from regen_git.git.notes import update_notes
from regen_git.ledger.store import INTENTS_REF, Ledger
from regen_git.sharing.check import check

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ONE = IntentId("00000000000000aa")
TWO = IntentId("00000000000000bb")
AGENT = "Co-Authored-By: Claude <noreply@anthropic.com>"


def note(repo: RepoBuilder, commit: str, intent: IntentId, text: str = "Do it") -> None:
    Ledger(repo.opened).append({commit: [Intent(intent, (Prompt(text),), "captured")]})


def kinds(repo: RepoBuilder, span: str = "HEAD", *, require: bool = False) -> list[tuple[str, bool]]:
    return [(one.kind, one.is_fatal) for one in check(repo.opened, span, require=require).problems]


def asked(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    status = run(["check", *argv, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, found


def test_a_range_whose_intents_are_all_there_is_good(repo: RepoBuilder) -> None:
    note(repo, repo.commit(f"Add\n\nRegen-Intent: {ONE}", {"a": "1\n"}), ONE)
    repo.commit("By hand", {"b": "1\n"})
    verdict = check(repo.opened, "HEAD")
    assert (verdict.is_good, verdict.commits, verdict.with_intent) == (True, 2, 1)


def test_an_intent_that_only_another_note_has_is_missing(repo: RepoBuilder) -> None:
    note(repo, repo.commit("Start", {"a": "1\n"}), ONE)
    repo.commit(f"Copy\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    assert kinds(repo) == [("missing", True)]


def test_an_intent_that_no_note_has_is_unknown(repo: RepoBuilder) -> None:
    repo.commit(f"Squash (#1)\n\n* Add\n\nRegen-Intent: {ONE}\n\n* More\n\nNo trailer.", {"b": "1\n"})
    assert kinds(repo) == [("unknown", True)]


def test_what_only_looks_like_a_trailer_is_named_and_refuses_nothing(repo: RepoBuilder) -> None:
    text = (
        f"Docs\n\nWrite 'Regen-Intent: {ONE}'.\n\n    Regen-Intent: {TWO}\n\n```\nRegen-Intent: {TWO}\n```\n"
    )
    repo.commit(text, {"b": "1\n"})
    assert kinds(repo) == [("buried", False), ("prose", False), ("prose", False)]
    assert check(repo.opened, "HEAD").is_good


def test_a_trailer_without_an_id_is_refused(repo: RepoBuilder) -> None:
    repo.commit("Add\n\nRegen-Intent: later", {"b": "1\n"})
    assert kinds(repo) == [("malformed", True)]


def test_broken_documents_and_conflicts_are_named(repo: RepoBuilder) -> None:
    commit = repo.commit(f"Add\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    note(repo, commit, ONE, "Do it")
    note(repo, commit, ONE, "Do it otherwise")
    broken = b"---\nprompts: [\n"
    update_notes(repo.opened, INTENTS_REF, {commit: lambda old: old + broken}, "test")
    assert kinds(repo) == [("broken", False), ("conflict", False)]


def test_a_payload_that_cannot_be_read_is_none(repo: RepoBuilder) -> None:
    commit = repo.commit(f"Add\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    broken = f'---\nintent: "{ONE}"\nprompts: [\n'.encode()
    update_notes(repo.opened, INTENTS_REF, {commit: lambda _: broken}, "test")
    assert kinds(repo) == [("broken", False), ("missing", True)]


def test_an_intent_of_a_later_version_is_there(repo: RepoBuilder) -> None:
    commit = repo.commit(f"Add\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    later = f'---\nintent: "{ONE}"\nnews: yes\nformat: 9\n'.encode()
    update_notes(repo.opened, INTENTS_REF, {commit: lambda _: later}, "test")
    assert kinds(repo) == []


def test_fetched_notes_count_as_they_are(repo: RepoBuilder) -> None:
    note(repo, repo.commit(f"Add\n\nRegen-Intent: {ONE}", {"a": "1\n"}), ONE)
    repo.git("update-ref", "refs/notes/remotes/origin/regen", INTENTS_REF)
    repo.git("update-ref", "-d", INTENTS_REF)
    assert kinds(repo) == []


def test_required_are_the_intents_of_agents_commits_only(repo: RepoBuilder) -> None:
    repo.commit("By hand", {"a": "1\n"})
    repo.commit(f"By an agent\n\n{AGENT}", {"b": "1\n"})
    repo.commit(f"Revert\n\nThis reverts commit {'0' * 40}.\n\n{AGENT}", {"b": None})
    assert kinds(repo) == []
    assert kinds(repo, require=True) == [("unrecorded", True)]


def test_what_a_person_marked_counts_before_other_evidence(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit("By hand", {"a": "1\n"})
    repo.commit(f"By an agent\n\n{AGENT}", {"b": "1\n"})
    assert run(["mark", "human", "HEAD"]) == 0
    assert run(["mark", "agent", "HEAD^"]) == 0
    found = check(repo.opened, "HEAD", require=True).problems
    assert [(one.subject, one.kind) for one in found] == [("By hand", "unrecorded")]


def test_the_policy_requires_as_the_option_does(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit(f"By an agent\n\n{AGENT}", {"b": "1\n"})
    assert asked(capsys)[0] == 0
    assert asked(capsys, "--require")[0] == 1
    repo.git("config", "regen.policy", "require")
    status, found = asked(capsys)
    assert (status, found["required"], found["good"]) == (1, True, False)
    assert found["problems"][0]["kind"] == "unrecorded"
    assert "git regen record --commit" in found["hint"]


def test_without_a_range_it_is_what_the_branch_adds_to_its_upstream(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit(f"Old\n\nRegen-Intent: {ONE}", {"a": "1\n"})
    assert asked(capsys)[1]["range"] == "HEAD"
    repo.git("branch", "up")
    repo.git("branch", "-q", "--set-upstream-to=up")
    status, found = asked(capsys)
    assert (status, found["commits"], found["range"]) == (0, 0, "@{upstream}..HEAD")
    repo.commit(f"New\n\nRegen-Intent: {TWO}", {"a": "2\n"})
    status, found = asked(capsys)
    assert (status, [one["intent"] for one in found["problems"]]) == (1, [TWO])


def test_a_clone_is_told_what_to_fetch(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit(f"Add\n\nRegen-Intent: {ONE}", {"a": "1\n"})
    repo.git("remote", "add", "origin", "nowhere")
    _, found = asked(capsys)
    typed = "git fetch --no-filter origin '+refs/notes/regen*:refs/notes/remotes/origin/regen*'"
    assert found["hint"].endswith(": " + typed)
    repo.git("update-ref", "refs/notes/remotes/origin/regen", "HEAD")
    assert "git regen sync" in asked(capsys)[1]["hint"]


def test_a_range_that_names_nothing_could_not_be_checked(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    repo.commit("Start", {"a": "1\n"})
    assert run(["check", "nothing..HEAD"]) == 3
    with pytest.raises(RegenError, match="unknown revision"):
        check(repo.opened, "nothing")
