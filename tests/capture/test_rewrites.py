"""Rebase, pick, squash, merge, worktrees: where git makes commits, or a ledger must follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regen_git.capture import matching
from regen_git.capture.setup import set_up
from regen_git.domain.ids import derived_intent_id

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from conftest import Lab


def recorded(lab: Lab, name: str, text: str) -> str:
    """Make a commit with an intent; return the commit."""
    key = lab.prompt(text)
    lab.edit(key, name, f"{name}\n")
    lab.stop(key)
    lab.git("add", "-A")
    commit, _ = lab.commit(f"Add {name}")
    lab.let_hooks_finish()
    return commit


def by_hand(lab: Lab, name: str) -> None:
    (lab.path / name).write_text(f"{name}\n")
    lab.git("add", name)
    lab.git("commit", "-q", "-m", f"Add {name}")


def test_a_rebase_binds_nothing_and_keeps_every_intent(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    recorded(lab, "a.py", "Write a")
    recorded(lab, "b.py", "Write b")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "other")
    lab.git("checkout", "-q", "side")
    key = lab.prompt("Something that waits")
    lab.edit(key, "waits.py", "w = 1\n")
    done = lab.run("git", "rebase", "-q", "main")
    assert done.returncode == 0, done.stderr
    assert b"regen" not in done.stderr
    assert lab.texts("HEAD") == ["Write b"]
    assert lab.texts("HEAD^") == ["Write a"]
    assert [one["prompts"] for one in lab.waiting()] == [["Something that waits"]]


def test_without_the_notes_setting_post_rewrite_copies_them(lab: Lab) -> None:
    lab.git("config", "--unset-all", "notes.rewriteRef")
    recorded(lab, "a.py", "Write a")
    lab.git("commit", "-q", "--amend", "--no-verify", "-m", "No trailer now")
    assert lab.trailers() == []
    lab.let_hooks_finish()
    assert lab.texts() == ["Write a"]


def test_a_squash_in_a_rebase_keeps_both_intents(lab: Lab) -> None:
    recorded(lab, "a.py", "Write a")
    recorded(lab, "b.py", "Write b")
    todo = "sed -i '2s/^pick/fixup/'"
    lab.git("rebase", "-q", "-i", "HEAD~2", env={"GIT_SEQUENCE_EDITOR": todo})
    lab.let_hooks_finish()
    assert sorted(lab.texts()) == ["Write a", "Write b"]


def test_a_commit_by_hand_at_an_edit_stop_is_bound(lab: Lab) -> None:
    by_hand(lab, "one")
    by_hand(lab, "two")
    lab.git("rebase", "-q", "-i", "HEAD~2", env={"GIT_SEQUENCE_EDITOR": "sed -i '1s/^pick/edit/'"})
    key = lab.prompt("Write a")
    lab.edit(key, "a.py", "a = 1\n")
    lab.git("add", "-A")
    _, said = lab.commit("At the stop")
    assert "recorded 1 prompt" in said
    lab.let_hooks_finish()
    lab.git("rebase", "--continue", env={"GIT_EDITOR": ":"})
    assert lab.texts("HEAD^") == ["Write a"]


def test_a_cherry_pick_takes_the_payload_along(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    commit = recorded(lab, "a.py", "Write a")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "other")
    key = lab.prompt("Something that waits")
    lab.edit(key, "waits.py", "w = 1\n")
    done = lab.run("git", "cherry-pick", commit)
    assert done.returncode == 0, done.stderr
    assert b"regen:" not in done.stderr
    lab.let_hooks_finish()
    note = lab.note()
    assert lab.texts() == ["Write a"]
    assert note.bindings[0].result == lab.git("rev-parse", "HEAD^{tree}")
    assert note.bindings[0].wrote == ("a.py",)


def test_a_revert_has_no_intent_of_its_own(lab: Lab) -> None:
    recorded(lab, "a.py", "Write a")
    key = lab.prompt("Something that waits")
    lab.edit(key, "waits.py", "w = 1\n")
    lab.git("revert", "--no-edit", "HEAD")
    assert lab.trailers() == []
    assert not lab.note().intents


def test_a_commit_during_a_bisect_is_nobodys_now_and_later(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(lab, "one")
    lab.git("bisect", "start", "HEAD", "HEAD^")
    key = lab.prompt("Try something")
    lab.edit(key, "a.py", "a = 1\n")
    lab.git("add", "-A")
    _, said = lab.commit("A trial")
    assert said == ""
    monkeypatch.setattr(matching, "YOUNG", 0)
    assert lab.trailers() == []
    assert not lab.note().documents


def test_a_squash_merge_lifts_the_lines_into_the_trailers(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    recorded(lab, "a.py", "Write a")
    recorded(lab, "b.py", "Write b")
    ids = [*lab.trailers("HEAD^"), *lab.trailers("HEAD")]
    lab.git("checkout", "-q", "main")
    lab.git("merge", "-q", "--squash", "side")
    lab.git("commit", "-q", "--no-edit", env={"GIT_EDITOR": ":"})
    assert sorted(lab.trailers()) == sorted(ids)
    assert "    Regen-Intent" not in lab.git("log", "-1", "--format=%B")
    lab.let_hooks_finish()
    assert sorted(lab.texts()) == ["Write a", "Write b"]


def test_a_squash_merge_with_words_of_its_own_keeps_the_intents(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    recorded(lab, "a.py", "Write a")
    ids = lab.trailers()
    lab.git("checkout", "-q", "main")
    lab.git("merge", "-q", "--squash", "side")
    lab.commit("My own words")
    assert lab.trailers() == ids
    assert lab.texts() == ["Write a"]


def test_a_clean_merge_takes_no_waiting_record(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    by_hand(lab, "a")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "b")
    lab.regen("record", "For the next commit")
    lab.git("merge", "-q", "--no-edit", "side")
    assert lab.trailers() == []
    assert [one["prompts"] for one in lab.waiting()] == [["For the next commit"]]


def test_each_linked_worktree_has_its_own_waiting_edits(lab: Lab, tmp_path: Path) -> None:
    lab.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "main"))
    there = type(lab)(tmp_path / "main", lab.bin)
    key = lab.prompt("Write here")
    lab.edit(key, "a.py", "a = 1\n")
    lab.turns += 1
    there.turns = 50
    other = there.prompt("Write there", session="s2")
    there.edit(other, "a.py", "a = 2\n", session="s2")
    there.git("add", "-A")
    _, said = there.commit("There")
    assert "recorded 1 prompt" in said
    assert there.trailers() == [derived_intent_id("claude", other)]
    there.let_hooks_finish()
    assert there.texts() == ["Write there"]
    lab.git("add", "-A")
    lab.commit("Here")
    assert lab.texts() == ["Write here"]


def test_pulled_commits_get_the_notes_that_were_fetched(lab: Lab, tmp_path: Path) -> None:
    lab.git("clone", "-q", str(lab.path), str(tmp_path / "clone"))
    clone = type(lab)(tmp_path / "clone", lab.bin)
    set_up(clone.repo)
    recorded(lab, "a.py", "Write a")
    clone.git("fetch", "-q")
    clone.regen("status")
    clone.git("pull", "-q", "--ff-only")
    assert clone.texts() == ["Write a"]


def test_a_pulled_commit_whose_intent_nobody_knows_is_named(lab: Lab, tmp_path: Path) -> None:
    recorded(lab, "first.py", "Write the first")
    lab.git("clone", "-q", str(lab.path), str(tmp_path / "clone"))
    clone = type(lab)(tmp_path / "clone", lab.bin)
    set_up(clone.repo)
    clone.git("fetch", "-q")
    clone.regen("status")
    recorded(lab, "a.py", "Write a")
    lab.git("update-ref", "-d", "refs/notes/regen")
    done = clone.run("git", "pull", "-q", "--ff-only", "--no-rebase", "origin", "main")
    assert done.returncode == 0, done.stderr
    assert b"1 merged commit names an intent that no note here has" in done.stderr
