from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.atwork import asked, by_hand, texts

from regen_git.capture.flush import flush
from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, LineRange, Prompt, Tombstone
from regen_git.git.notes import update_notes
from regen_git.ledger.codec import document, parse_note
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger
from regen_git.sharing.repair import repair

if TYPE_CHECKING:
    from conftest import Lab
    from support.builder import RepoBuilder

ONE = IntentId("00000000000000aa")
TWO = IntentId("00000000000000bb")


def note(repo: RepoBuilder, commit: str, intent: IntentId, text: str, *, ref: str = INTENTS_REF) -> None:
    Ledger(repo.opened, ref).append({commit: [Intent(intent, (Prompt(text),), "explicit"), Binding(intent)]})


def prompts(repo: RepoBuilder, rev: str = "HEAD", ref: str = INTENTS_REF) -> list[str]:
    found = Ledger(repo.opened, ref).of(repo.git("rev-parse", rev))
    return [prompt.text for intent in found.intents.values() for prompt in intent.prompts]


def test_a_dry_run_says_the_same_and_writes_nothing(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit("Add", {"b": "1\n"})
    note(repo, commit, ONE, "Add b")
    repo.git("commit", "-q", "--amend", "-m", "Other words")
    tip = repo.git("rev-parse", INTENTS_REF)
    dry = repair(repo.opened, dry_run=True)
    assert repo.git("rev-parse", INTENTS_REF) == tip
    done = repair(repo.opened)
    assert (dry.repaired, dry.lost) == (done.repaired, done.lost)
    assert [(one.how, one.source) for one in done.repaired] == [("trees", commit)]
    assert prompts(repo) == ["Add b"]


def test_documents_are_copied_byte_for_byte_with_a_binding_of_their_own(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit("Add", {"b": "1\n"})
    later = b'---\nintent: "00000000000000cc"\nnews: from the future\nformat: 9\n'
    written = document(Intent(ONE, (Prompt("Add b", at="2026-01-02T03:04:05Z"),), "captured")).raw
    update_notes(repo.opened, INTENTS_REF, {commit: lambda _: written + later}, "test")
    repo.git("commit", "-q", "--amend", "-m", "Other words")
    repair(repo.opened)
    found = repo.git("notes", "--ref=regen", "show", "HEAD").encode() + b"\n"
    raw = [doc.raw for doc in parse_note(found)[0]]
    assert written in raw
    assert later in raw
    bindings = Ledger(repo.opened).of(repo.git("rev-parse", "HEAD")).bindings
    assert {each.result for each in bindings} == {repo.git("rev-parse", "HEAD^{tree}")}


def test_what_people_wrote_stays_theirs_however_often_it_is_rewritten(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    asked_for = repo.commit("Asked", {"b": "1\n"})
    repo.commit("By hand", {"c": "1\n"})
    repo.commit("By hand too", {"b": "2\n"})
    note(repo, asked_for, ONE, "Add b")
    base = repo.git("rev-parse", "HEAD~3")
    repo.git("checkout", "-q", "--detach", base)
    for commit in repo.git("rev-list", "--reverse", f"{base}..main").split():
        repo.git("cherry-pick", "--allow-empty", commit, env={"GIT_COMMITTER_DATE": "2027-01-01T00:00:00Z"})
    done = repair(repo.opened)
    assert [(one.subject, one.ids) for one in done.repaired] == [("Asked", (ONE,))]
    assert [prompts(repo, rev) for rev in ("HEAD~2", "HEAD~1", "HEAD")] == [["Add b"], [], []]


def test_an_intent_of_two_commits_is_found_for_both(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    for name in "bc":
        note(repo, repo.commit(f"Add {name}", {name: "1\n"}), ONE, "Add b and c")
    repo.git("branch", "old")
    repo.git("reset", "-q", "--hard", "HEAD~2")
    for name in "bc":
        repo.commit(f"Anew {name}", {name: "1\n"})
    assert [one.how for one in repair(repo.opened).repaired] == ["trees", "trees"]
    assert [prompts(repo, "HEAD^"), prompts(repo)] == [["Add b and c"], ["Add b and c"]]


def test_a_stack_of_branches_squashed_one_by_one_gets_each_its_own(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    repo.git("checkout", "-q", "-b", "below")
    note(repo, repo.commit("Add b", {"b": "1\n"}), ONE, "Add b")
    repo.commit("Mend b", {"b": "2\n"})
    repo.git("checkout", "-q", "-b", "above")
    note(repo, repo.commit("Add c", {"c": "1\n"}), TWO, "Add c")
    repo.commit("Mend c", {"c": "2\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("First (#1)", {"b": "2\n"})
    repo.commit("Second (#2)", {"c": "2\n"})
    done = repair(repo.opened)
    assert [(one.how, one.ids) for one in done.repaired] == [("tree", (ONE,)), ("tree", (TWO,))]


def test_lines_of_people_in_a_squashed_branch_are_marked_as_theirs(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    repo.git("checkout", "-q", "-b", "side")
    commit = repo.commit("Asked", {"b": "one\ntwo\nthree\n"})
    tree = repo.git("rev-parse", "HEAD^{tree}")
    intent = Intent(ONE, (Prompt("Write b"),), "captured")
    hand = {"b": (LineRange(3, 3),)}
    Ledger(repo.opened).append({commit: [intent, Binding(ONE, wrote=("b",), hand=hand, result=tree)]})
    repo.commit("By hand", {"b": "zero\none\ntwo\nthree\n", "c": "c\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("Squashed (#1)", {"b": "zero\none\ntwo\nthree\n", "c": "c\n"})
    assert [one.how for one in repair(repo.opened).repaired] == ["tree"]
    [binding] = Ledger(repo.opened).of(repo.git("rev-parse", "HEAD")).bindings
    assert binding.wrote == ("b",)
    assert binding.hand == {"b": (LineRange(1, 1), LineRange(4, 4))}


@pytest.mark.parametrize("change", ["merge", "empty", "revert", "adopt", "human", "has"])
def test_some_commits_never_get_what_they_resemble(repo: RepoBuilder, change: str) -> None:
    repo.commit("Start", {"a": "1\n"})
    repo.git("checkout", "-q", "-b", "side")
    note(repo, repo.commit("Add b", {"b": "1\n"}), ONE, "Add b")
    repo.git("checkout", "-q", "main")
    if change == "merge":
        repo.git("merge", "-q", "--no-ff", "-m", "Merged", "side")
        repo.git("branch", "-f", "side", "side")
    elif change == "empty":
        repo.commit("Nothing")
    elif change == "revert":
        repo.commit(f"Reapply\n\nThis reverts commit {'0' * 40}.", {"b": "1\n"})
    elif change == "adopt":
        repo.commit(f"Adopt\n\nRegen-Adopts: {'0' * 40}", {"b": "1\n"})
    else:
        repo.commit("Written", {"b": "1\n"})
    if change == "human":
        assert run_in(repo, "mark", "human", "HEAD") == 0
    if change == "has":
        note(repo, repo.git("rev-parse", "HEAD"), TWO, "Something else")
    assert repair(repo.opened).repaired == []


def run_in(repo: RepoBuilder, *argv: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repo.path)
        return run(argv)


def test_branches_that_a_replay_built_are_nobodys_origin(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    repo.git("checkout", "-q", "-b", "regen/model")
    commit = repo.commit(f"Add b\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    repo.git("checkout", "-q", "--orphan", "away")
    note(repo, repo.commit("Elsewhere", {"z": "1\n"}), ONE, "Add b")
    repo.git("checkout", "-q", "main")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.commit("By hand", {"b": "1\n"})
    assert repo.git("rev-parse", f"{commit}^{{tree}}") == repo.git("rev-parse", "HEAD^{tree}")
    assert repair(repo.opened).repaired == []


def test_an_id_that_names_nothing_is_lost_and_said_so(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit(f"Add b\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    repo.commit(f"Prose\n\nIt says `Regen-Intent: {TWO}` at the end.", {"c": "1\n"})
    monkeypatch.chdir(repo.path)
    assert run(["repair", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["lost"] == [{"commit": commit, "subject": "Add b", "intents": [ONE]}]
    assert (said["commits"], said["repaired"]) == (3, [])
    assert run(["repair"]) == 0
    assert f"{commit[:10]} lost: no note here knows {ONE}  Add b" in capsys.readouterr().out


def test_a_private_intent_stays_private(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit(f"Add b\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    note(repo, commit, ONE, "A secret", ref=PRIVATE_REF)
    repo.git("commit", "-q", "--amend", "-m", f"Anew\n\nRegen-Intent: {ONE}")
    assert [one.how for one in repair(repo.opened).repaired] == ["trailer"]
    assert prompts(repo, ref=PRIVATE_REF) == ["A secret"]
    assert repo.git("for-each-ref", INTENTS_REF) == ""


def test_a_picked_private_intent_stays_private(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    (lab.path / "a").write_text("a\n")
    lab.regen("record", "--private", "A secret")
    lab.git("add", "a")
    lab.git("commit", "-q", "-m", "Add a")
    flush(lab.repo)
    lab.git("checkout", "-q", "main")
    by_hand(lab, "other")
    lab.git("cherry-pick", "side")
    assert texts(lab) == ["A secret"]
    assert lab.git("for-each-ref", INTENTS_REF) == ""


def test_what_was_purged_does_not_come_back(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit(f"Add b\n\nRegen-Intent: {ONE}", {"b": "1\n"})
    intent = Intent(ONE, (Prompt("A secret"),), "explicit")
    Ledger(repo.opened).append({commit: [intent]})
    repo.git("update-ref", "refs/notes/remotes/origin/regen", INTENTS_REF)
    Ledger(repo.opened).append({commit: [Tombstone(ONE, document(intent).digest)]})
    repo.git("commit", "-q", "--amend", "-m", f"Anew\n\nRegen-Intent: {ONE}")
    assert [one.ids for one in repair(repo.opened).lost] == [(ONE,)]
    assert prompts(repo) == []


def test_notes_that_gits_own_writers_lost_are_found(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit("Add b", {"b": "1\n"})
    note(repo, repo.git("rev-parse", "HEAD^"), TWO, "Start")
    before = repo.git("rev-parse", INTENTS_REF)
    note(repo, commit, ONE, "Add b")
    lost = repo.git("rev-parse", INTENTS_REF)
    other = repo.git("commit-tree", f"{before}^{{tree}}", "-p", before, "-m", "Notes of somebody else")
    repo.git("update-ref", INTENTS_REF, other, lost)
    assert prompts(repo) == []
    assert [one.how for one in repair(repo.opened).repaired] == ["note"]
    assert prompts(repo) == ["Add b"]


def test_intents_that_no_branch_has_are_counted(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit("Add b", {"b": "1\n"})
    note(repo, commit, ONE, "Add b")
    repo.git("reset", "-q", "--hard", "HEAD^")
    assert repair(repo.opened).unplaced == {ONE: commit}


def test_marks_go_along_with_a_copy(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit("Add b", {"b": "1\n"})
    note(repo, commit, ONE, "Add b")
    assert run_in(repo, "mark", "agent", "HEAD") == 0
    repo.git("commit", "-q", "--amend", "-m", "Other words")
    repair(repo.opened)
    assert "mark: agent" in repo.git("notes", "--ref=regen", "show", "HEAD")


def test_binary_files_are_compared_by_their_content(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n", "x": b"\0\1"})
    repo.git("checkout", "-q", "-b", "side")
    note(repo, repo.commit("Paint", {"x": b"\0\2"}), ONE, "Paint it")
    repo.git("checkout", "-q", "main")
    repo.commit("Other", {"other": "1\n"})
    repo.commit("Not that", {"x": b"\0\3"})
    repo.commit("Back", {"x": b"\0\1"})
    repo.commit("Picked", {"x": b"\0\2"})
    assert [(one.subject, one.how) for one in repair(repo.opened).repaired] == [("Picked", "patch")]


def test_a_broken_document_gives_nothing_back(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a": "1\n"})
    commit = repo.commit("Add b", {"b": "1\n"})
    broken = f'---\nintent: "{ONE}"\nprompts: [\n'.encode()
    update_notes(repo.opened, INTENTS_REF, {commit: lambda _: broken}, "test")
    repo.git("commit", "-q", "--amend", "-m", f"Anew\n\nRegen-Intent: {ONE}")
    done = repair(repo.opened)
    assert ([one.ids for one in done.lost], done.repaired) == ([(ONE,)], [])


def test_the_command_says_what_it_did(lab: Lab, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    commit = asked(lab, "a.py", "Write a")
    lab.git("reset", "-q", "--soft", "HEAD^")
    lab.git("commit", "-q", "-m", "Anew")
    monkeypatch.chdir(lab.path)
    new = lab.git("rev-parse", "HEAD")[:10]
    assert run(["repair", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{new} 1 intent: same trees as commit {commit[:10]}  Anew",
        "1 of 2 commits would get notes",
    ]
    assert run(["repair"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 2 commits got their notes back"
    assert run(["repair"]) == 0
    assert capsys.readouterr().out == "nothing is missing in 2 commits\n"
