"""Superseding and retracting intents, and what describe, diff and log say of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.team import Clone, intent

from regen_git.cli.commands.diff import word_diff
from regen_git.domain.intent import Binding
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ONE, TWO, THREE = (f"{number:016x}" for number in (1, 2, 3))


@pytest.fixture
def clone(repo: RepoBuilder) -> Clone:
    """Return a repository with three commits, each with an intent; the first is tagged v1."""
    clone = Clone(repo)
    for number in (1, 2, 3):
        oid = repo.commit(f"Commit {number}", {"a.py": f"{number}\n"})
        bound = Binding(intent(number).id, ("a.py",), base="1" * 40, result="2" * 40)
        Ledger(repo.opened).append({oid: [intent(number), bound]})
    repo.git("tag", "v1", "HEAD~2")
    return clone


def said(clone: Clone, *args: str) -> Any:
    done = clone.run(*args, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_new_intent_takes_the_place_of_an_old_one_on_the_same_commits_and_files(clone: Clone) -> None:
    made = said(clone, "supersede", TWO, "-m", "do it better")
    assert made["supersedes"] == [TWO]
    note = Ledger(clone.repo.opened).of(clone.git("rev-parse", "HEAD~1"))
    assert list(note.intents) == [TWO, made["intent"]]
    assert note.intents[made["intent"]].author == "Ada Example <ada@example.org>"
    old, new = note.bindings
    assert (new.intent, new.wrote, new.base, new.result) == (made["intent"], old.wrote, old.base, old.result)
    assert f"superseded by {made['intent']}" in clone.run("log").stdout
    # By its commit the one is meant that has force.
    assert said(clone, "edit", "HEAD~1", "-m", "do it best")["intent"] == made["intent"]


def test_a_secret_in_what_supersedes_is_taken_out(clone: Clone) -> None:
    done = clone.run("supersede", ONE, "-m", "use ghp_16C7e42F292c6912E7710c838347Ae178B4a")
    assert done.stderr == "1 secret was taken out\n"
    assert "ghp_" not in clone.git("notes", "--ref=regen", "show", "v1")


def test_what_supersedes_a_private_intent_is_private(clone: Clone) -> None:
    clone.record(9, ref=PRIVATE_REF)
    before = clone.git("rev-parse", INTENTS_REF)
    assert said(clone, "supersede", f"{9:016x}", "-m", "other words")["private"]
    assert clone.git("rev-parse", INTENTS_REF) == before


def test_an_intent_that_exists_takes_the_place_of_another(clone: Clone) -> None:
    made = said(clone, "supersede", ONE, "--by", THREE)
    assert (made["intent"], made["revision"], made["supersedes"]) == (THREE, 2, [ONE])
    again = clone.run("supersede", ONE, "--by", THREE)
    assert (again.returncode, again.stdout) == (0, "")
    assert "already" in again.stderr
    assert clone.run("supersede", ONE, "--by", ONE).returncode == 2
    assert clone.run("supersede", ONE).returncode == 2
    assert clone.run("supersede", ONE, "--by", TWO, "-m", "x").returncode == 2
    assert "asked last has force" in clone.run("supersede", THREE, "--by", ONE).stderr
    assert said(clone, "describe")["superseded"] == 1


def test_retracting_gives_back_what_was_superseded_and_can_be_undone(clone: Clone) -> None:
    before = said(clone, "describe")
    assert (before["in_force"], before["superseded"], before["retracted"]) == (3, 0, 0)
    made = said(clone, "supersede", TWO, "-m", "do it better")["intent"]
    superseded = said(clone, "describe")
    assert (superseded["in_force"], superseded["superseded"]) == (3, 1)
    assert said(clone, "retract", "HEAD~1")["intent"] == made
    taken_back = said(clone, "describe")
    assert (taken_back["in_force"], taken_back["superseded"], taken_back["retracted"]) == (3, 0, 1)
    assert taken_back["version"] == before["version"] != superseded["version"]
    assert "[explicit, retracted]" in clone.run("log").stdout
    assert "retracted: it is not asked any more" in clone.run("show", "HEAD~1").stdout
    again = clone.run("retract", made)
    assert (again.returncode, again.stderr) == (0, f"{made} is retracted already: nothing was written\n")
    assert said(clone, "retract", made, "--undo")["retracted"] is False
    assert said(clone, "describe")["version"] == superseded["version"]


def test_rehearsals_write_nothing(clone: Clone) -> None:
    before = clone.git("rev-parse", INTENTS_REF)
    for args in (("retract", ONE), ("supersede", ONE, "-m", "x"), ("supersede", ONE, "--by", TWO)):
        done = clone.run(*args, "--dry-run")
        assert (done.returncode, "would be" in done.stdout) == (0, True)
    assert clone.git("rev-parse", INTENTS_REF) == before


def test_the_same_intents_have_the_same_version_and_commits_by_hand_change_nothing(clone: Clone) -> None:
    before = clone.run("describe").stdout
    clone.repo.commit("By hand", {"b.py": "1\n"})
    assert clone.run("describe").stdout == clone.run("describe", "HEAD~1").stdout == before
    assert before.endswith(" (3 in force, 0 superseded, 0 retracted)\n")
    assert said(clone, "describe", "v1..")["in_force"] == 2
    assert said(clone, "describe", "HEAD..HEAD")["in_force"] == 0
    for wrong in ("nosuch", "v1...HEAD"):
        done = clone.run("describe", wrong)
        assert (done.returncode, done.stdout) == (3, "")
        assert "hint: " in done.stderr


def test_diff_says_what_was_asked_between_two_revisions(clone: Clone) -> None:
    clone.run("supersede", ONE, "--by", TWO)
    clone.run("retract", THREE)
    found = said(clone, "diff", "v1", "HEAD")
    listed = {what: [one["intent"] for one in some] for what, some in found.items() if isinstance(some, list)}
    assert listed == {
        "added": [TWO],
        "changed": [],
        "superseded": [ONE],
        "retracted": [THREE],
        "removed": [],
        "edited": [],
    }
    assert found["superseded"][0]["by"] == [TWO]
    assert found == said(clone, "diff", "v1..HEAD") | {"to": "HEAD"}
    back = said(clone, "diff", "HEAD..v1")
    assert [one["intent"] for one in back["added"]] == [ONE]
    assert [one["intent"] for one in back["removed"]] == [TWO, THREE]
    shown = clone.run("diff", "v1")
    assert shown.stdout.splitlines()[1:] == [
        f"superseded {ONE} by {TWO}",
        "    do thing 1",
        f"added {TWO}",
        "    do thing 2",
        f"retracted {THREE}",
        "    do thing 3",
    ]
    assert clone.run("diff", "v1", "v1").stderr == "the same is asked in 'v1' and 'v1'\n"
    assert clone.run("diff", "nosuch").returncode == 3
    assert clone.run("diff", "v1..HEAD", "v1").returncode == 2


def test_diff_shows_edits_of_what_both_sides_ask_for_on_demand(clone: Clone) -> None:
    clone.run("edit", ONE, "-m", "do another thing 1")
    quiet = clone.run("diff", "v1", "HEAD~2")
    assert "1 intent that both ask for was edited since; '--history' shows how" in quiet.stderr
    assert "edited" not in quiet.stdout
    shown = clone.run("diff", "v1", "HEAD", "--history").stdout.splitlines()
    assert shown[-2:] == [f"edited {ONE}, revision 1 to 2", "    do {+another +}thing 1"]
    [edited] = said(clone, "diff", "v1", "HEAD", "--history")["edited"]
    assert [one["prompts"] for one in edited["revisions"]] == [["do thing 1"], ["do another thing 1"]]


def test_diff_shows_words_that_differ_between_two_lines_of_history(clone: Clone) -> None:
    repo = clone.repo
    repo.git("checkout", "-q", "-b", "topic", "v1~0")
    picked = repo.commit("Picked", {"c.py": "1\n"})
    # On the branch, the note of the picked commit got a newer revision than the one on main has.
    Ledger(repo.opened).append({picked: [intent(3)]})
    ledger = Ledger(repo.opened)

    newer = replace(intent(3, "do that thing 3"), revision=2)
    ledger.append({picked: [newer]})
    found = said(clone, "diff", "main", "topic")
    [changed] = found["changed"]
    assert (changed["before"]["prompts"], changed["prompts"]) == (["do thing 3"], ["do that thing 3"])
    assert "    do {+that +}thing 3" in clone.run("diff", "main", "topic").stdout


def test_log_shows_every_revision_oldest_first(clone: Clone) -> None:
    clone.run("edit", THREE, "-m", "second words")
    clone.run("retract", THREE)
    lines = clone.run("log", "--history", "-1").stdout.splitlines()
    assert [line.strip() for line in lines[2:]] == [
        f"revision 1 of {THREE}",
        "do thing 3",
        f"revision 2 of {THREE}",
        "second words",
        f"revision 3 of {THREE}, retracted",
        "second words",
    ]
    [shown] = json.loads(clone.run("log", "--history", "-1", "--json").stdout)["intents"]
    assert [(one["revision"], one["newest"]) for one in shown["history"]] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert "history" not in json.loads(clone.run("log", "-1", "--json").stdout)["intents"][0]


def test_what_came_from_elsewhere_cannot_drive_a_terminal(clone: Clone) -> None:
    clone.record(7, text="\x1b[2Jred")
    for args in (("diff", "v1"), ("log", "--history"), ("retract", f"{7:016x}")):
        done = clone.run(*args)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\\x1b[2Jred" in done.stdout


@given(st.text("ab \n,", max_size=12), st.text("ab \n,", max_size=12))
def test_a_word_diff_holds_both_texts(old: str, new: str) -> None:
    shown = "".join(word_diff(old, new))
    assert re.sub(r"\{\+.*?\+\}", "", shown, flags=re.DOTALL).replace("[-", "").replace("-]", "") == old
    assert re.sub(r"\[-.*?-\]", "", shown, flags=re.DOTALL).replace("{+", "").replace("+}", "") == new


def test_a_picked_commit_takes_along_what_supersedes_its_intent(clone: Clone) -> None:
    """A trailer names the old intent alone; its words must not come back with the copy."""
    repo = clone.repo
    assert clone.run("init").returncode == 0
    source = repo.commit(f"Ask\n\nRegen-Intent: {4:016x}", {"d.py": "1\n"})
    bound = Binding(intent(4).id, ("d.py",))
    Ledger(repo.opened).append({source: [intent(4), bound]})
    made = said(clone, "supersede", f"{4:016x}", "-m", "better words")["intent"]
    repo.git("checkout", "-q", "-b", "topic", "v1")
    copy = repo.commit(f"Squashed\n\nRegen-Intent: {4:016x}", {"d.py": "1\n"})
    assert clone.run("repair", "HEAD~1..").returncode == 0
    note = Ledger(repo.opened).of(copy)
    assert list(note.intents) == [f"{4:016x}", made]
    assert [(one.intent, one.wrote) for one in note.bindings] == [(f"{4:016x}", ("d.py",)), (made, ("d.py",))]
    assert said(clone, "describe", "HEAD~1..HEAD") == said(clone, "describe", "main~1..main") | {
        "revision": "HEAD~1..HEAD"
    }
