"""Wording a prompt differently: the editor, what it returns, and two people who edit at once."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.team import Clone, make_team

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]
ONE = "0" * 15 + "1"
TWO = "0" * 15 + "2"


@pytest.fixture
def clone(repo: RepoBuilder) -> Clone:
    """Return a repository whose two commits have one intent."""
    first = repo.commit("Add", {"a.py": "1\n"})
    second = repo.commit("Go on", {"a.py": "2\n"})
    clone = Clone(repo)
    clone.record(1, first, "Add a cache")
    clone.record(1, second, "Add a cache")
    return clone


def words(clone: Clone, commit: str = "HEAD", ref: str = INTENTS_REF) -> list[str]:
    note = Ledger(clone.repo.opened, ref).of(clone.git("rev-parse", commit))
    return [prompt.text for intent in note.intents.values() for prompt in intent.prompts]


def an_editor(tmp_path: Path, script: str) -> str:
    """Return the name of a program that does this to the file "$1"."""
    path = tmp_path / "an editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return f"'{path}'"


def edit(clone: Clone, monkeypatch: pytest.MonkeyPatch, editor: str, *args: str) -> Any:
    monkeypatch.setenv("GIT_EDITOR", editor)
    return clone.run("edit", *args)


def kept(clone: Clone) -> list[Path]:
    return sorted((clone.repo.path / ".git" / "regen" / "edit").glob("*"))


def test_what_the_editor_saves_is_the_next_revision_on_every_commit(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shown = tmp_path / "shown"
    done = edit(
        clone, monkeypatch, an_editor(tmp_path, f'cp "$1" {shown}; sed -i s/cache/store/ "$1"'), "HEAD"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"wrote revision 2 of {ONE} on 2 commits\n"
    assert words(clone) == words(clone, "HEAD~1") == ["Add a store"]
    assert kept(clone) == []
    lines = shown.read_text().splitlines()
    assert lines[0] == "Add a cache"
    assert "# ------------------------ >8 ------------------------" in lines
    assert f"# Intent {ONE}, revision 1, asked by Ada Example <ada@example.org>." in lines
    # The old words stay.
    assert clone.git("notes", "--ref=regen", "show", "HEAD").count("Add a cache") == 1


def test_the_editor_is_the_one_that_git_takes(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GIT_EDITOR")
    monkeypatch.setenv("TERM", "xterm")
    clone.git("config", "core.editor", an_editor(tmp_path, 'echo configured >"$1"'))
    assert clone.run("edit", ONE).returncode == 0
    assert words(clone) == ["configured"]
    monkeypatch.setenv("GIT_EDITOR", an_editor(tmp_path, 'echo named >"$1"'))
    assert clone.run("edit", ONE).returncode == 0
    assert words(clone) == ["named"]
    clone.git("config", "--unset", "core.editor")
    monkeypatch.delenv("GIT_EDITOR")
    monkeypatch.setenv("TERM", "dumb")
    done = clone.run("edit", ONE)
    assert done.returncode == 3
    assert "no editor" in done.stderr
    assert kept(clone) == []


def test_the_same_words_or_none_write_nothing(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = clone.git("rev-parse", INTENTS_REF)
    same = edit(clone, monkeypatch, "true", ONE)
    assert (same.returncode, same.stderr) == (0, "the text is the same: nothing was written\n")
    blanks = edit(clone, monkeypatch, an_editor(tmp_path, 'printf "\\n\\n" | cat - "$1" >x; mv x "$1"'), ONE)
    assert (blanks.returncode, blanks.stderr) == (0, same.stderr)
    for script in ('truncate -s 0 "$1"', 'sed -i 1d "$1"', 'printf "  \\n" >"$1"'):
        done = edit(clone, monkeypatch, an_editor(tmp_path, script), ONE)
        assert (done.returncode, done.stderr) == (1, "the text is empty: nothing was written\n")
    assert clone.git("rev-parse", INTENTS_REF) == before
    assert kept(clone) == []


def test_what_a_failing_editor_had_saved_is_kept_and_can_be_taken(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = edit(clone, monkeypatch, an_editor(tmp_path, 'sed -i s/cache/store/ "$1"; exit 3'), ONE)
    assert done.returncode == 3
    [file] = kept(clone)
    assert str(file) in done.stderr
    assert words(clone) == ["Add a cache"]
    assert edit(clone, monkeypatch, "false", ONE).returncode == 3
    assert kept(clone) == [file]
    assert clone.run("edit", ONE, "-F", str(file)).returncode == 0
    assert words(clone) == ["Add a store"]


def test_what_was_saved_is_kept_where_the_notes_cannot_be_written(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lock = clone.repo.path / ".git" / f"{INTENTS_REF}.lock"
    done = edit(clone, monkeypatch, an_editor(tmp_path, f'echo late words >"$1"; touch {lock}'), ONE)
    assert done.returncode == 3
    [file] = kept(clone)
    assert file.read_text() == "late words\n"
    assert str(file) in done.stderr


def test_several_prompts_are_edited_apart(
    clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    several = (
        Prompt("# A heading\n\nwords", at="2026-01-02T03:04:05Z", kind="feature"),
        Prompt("yes", at="2026-01-02T03:05:05Z", kind="answer", answers="Shall I?"),
        Prompt("------------------------ prompt 1 of 9 ------------------------\nthird"),
    )
    ledger = Ledger(clone.repo.opened)
    ledger.append({clone.head: [Intent(IntentId(TWO), several, "captured")]})
    shown = tmp_path / "shown"
    script = f'cp "$1" {shown}; sed -i "s/^words/better words/; s/^yes//" "$1"'
    assert edit(clone, monkeypatch, an_editor(tmp_path, script), TWO).returncode == 0
    new = ledger.of(clone.head).intents[IntentId(TWO)]
    assert [(prompt.text, prompt.at, prompt.kind) for prompt in new.prompts] == [
        ("# A heading\n\nbetter words", "2026-01-02T03:04:05Z", "feature"),
        (several[2].text, None, None),
    ]
    assert "# Prompt 2 answers:\n#   Shall I?\n" in shown.read_text()
    assert clone.run("edit", TWO, "-m", "x").returncode == 2
    assert clone.run("edit", TWO, "--prompt", "3", "-m", "x").returncode == 2
    assert clone.run("edit", TWO, "--prompt", "2", "-m", "last").returncode == 0
    assert [p.text for p in ledger.of(clone.head).intents[IntentId(TWO)].prompts][1] == "last"


def test_an_intent_is_named_by_its_beginning_or_by_its_commit(clone: Clone) -> None:
    assert clone.run("edit", "00000000000", "-m", "by beginning").returncode == 0
    assert clone.run("edit", "HEAD~1", "-m", "by commit").returncode == 0
    assert words(clone) == ["by commit"]
    clone.record(2)
    several = clone.run("edit", "0000", "-m", "x")
    assert several.returncode == 3
    assert f"{ONE} (by commit); {TWO} (do thing 2)" in several.stderr
    assert "commit" in clone.run("edit", "HEAD", "-m", "x").stderr
    assert "names no intent and no commit" in clone.run("edit", "nosuch", "-m", "x").stderr
    clone.repo.commit("By hand", {"b.py": ""})
    bare = clone.run("edit", "HEAD", "-m", "x")
    assert "has no recorded intent" in bare.stderr
    assert bare.returncode == 3


def test_secrets_are_taken_out_and_private_intents_stay_private(clone: Clone) -> None:
    secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    clone.record(2, ref=PRIVATE_REF)
    done = clone.run("edit", TWO, "--json", "-m", f"use {secret}")
    assert json.loads(done.stdout) == {
        "intent": TWO,
        "revision": 2,
        "commits": [clone.head],
        "private": True,
        "redacted": 1,
        "settled": False,
        "written": True,
    }
    assert words(clone) == ["Add a cache"]
    assert words(clone, ref=PRIVATE_REF) == ["use [redacted:github-token]"]
    found = subprocess.run(
        ["git", "cat-file", "--batch", "--batch-all-objects"],
        cwd=clone.repo.path,
        capture_output=True,
        check=True,
    )
    assert secret.encode() not in found.stdout


def test_a_rehearsal_writes_nothing(clone: Clone) -> None:
    before = clone.git("rev-parse", INTENTS_REF)
    done = clone.run("edit", ONE, "--dry-run", "-m", "x")
    assert (done.returncode, done.stdout) == (0, f"would write revision 2 of {ONE} on 2 commits\n")
    assert clone.git("rev-parse", INTENTS_REF) == before


def test_two_people_who_edit_at_once_see_a_conflict_and_settle_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = make_team(tmp_path)
    ada = team.clone("ada")
    ada.run("init")
    ada.record(1, text="one\ntwo\nthree")
    ada.sync()
    bob = team.clone("bob")
    bob.run("init")
    bob.sync()
    # Ada edits twice: that does not outvote Bob.
    ada.run("edit", ONE, "-m", "ONE\ntwo\nthree")
    ada.run("edit", ONE, "-m", "ONE!\ntwo\nthree")
    bob.run("edit", ONE, "-m", "uno\ntwo\nthree")
    ada.sync()
    bob.sync()
    ada.sync()
    assert ada.documents() == bob.documents()
    for clone in (ada, bob):
        assert "conflict: 1 other version" in clone.run("log", "-1").stdout
        assert clone.run("log", "--history", "-1").stdout.count("nobody settled which counts") == 2
        assert "do not know of each other" in clone.run("log", "-1").stderr
        assert "1 in conflict" in clone.run("describe").stdout
        assert "'git regen edit" in clone.run("show").stderr
        doctor = json.loads(clone.run("doctor", "--json").stdout)
        assert [one["good"] for one in doctor["findings"] if one["name"] == "conflicts"] == [False]
        assert json.loads(clone.run("status", "--json").stdout)["conflicts"] == [ONE]
        assert f"(git regen edit {ONE})" in clone.run("status").stdout
        assert clone.run("retract", ONE).returncode == 3
    shown = tmp_path / "shown"
    marks = edit(bob, monkeypatch, an_editor(tmp_path, f'cp "$1" {shown}; echo >>"$1"'), ONE)
    assert marks.returncode == 1
    [file] = kept(bob)
    assert str(file) in marks.stderr
    text = shown.read_text().split("# ---")[0].splitlines()
    assert [line for line in text if line[:7] not in ("<<<<<<<", "|||||||", "=======", ">>>>>>>")] == [
        "ONE!",
        "one",
        "uno",
        "two",
        "three",
        "",
    ]
    done = edit(bob, monkeypatch, an_editor(tmp_path, 'printf "Uno\\ntwo\\nthree\\n" >"$1"'), ONE)
    assert f"wrote revision 4 of {ONE} on 1 commit; that settles the conflict\n" in done.stdout
    bob.sync()
    ada.sync()
    for clone in (ada, bob):
        assert words(clone) == ["Uno\ntwo\nthree"]
        assert "conflict" not in clone.run("log", "-1").stdout
        assert clone.run("describe").stdout == ada.run("describe").stdout


def test_edits_of_different_lines_are_merged_for_whoever_settles_them(
    clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["one", "two", "three", "four", "five"]
    clone.record(2, text="\n".join(lines))
    raw = clone.git("rev-parse", INTENTS_REF)
    clone.run("edit", TWO, "-m", "\n".join(["ONE", *lines[1:]]))
    mine = clone.git("notes", "--ref=regen", "show", "HEAD")
    clone.git("update-ref", "refs/notes/elsewhere", raw)
    clone.git("update-ref", "-d", INTENTS_REF)
    clone.git("update-ref", INTENTS_REF, raw)
    theirs = Clone(clone.repo)
    theirs.run("edit", TWO, "-m", "\n".join([*lines[:4], "FIVE"]))
    Ledger(clone.repo.opened).append_raw({clone.head: mine.encode() + b"\n"})
    assert edit(clone, monkeypatch, "true", TWO).returncode == 0
    assert words(clone)[1] == "ONE\ntwo\nthree\nfour\nFIVE"


def test_on_a_terminal_the_editor_has_it(clone: Clone, tmp_path: Path) -> None:
    script = an_editor(tmp_path, 'read -r line; echo "$line" >"$1"')
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "regen_git", "edit", ONE],
        cwd=clone.repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "GIT_EDITOR": script},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    os.write(leader, b"typed on a terminal\n")
    got = b""
    try:
        while chunk := os.read(leader, 4096):
            got += chunk
    except OSError:
        pass  # the terminal's last user is gone
    os.close(leader)
    assert process.wait(30) == 0
    assert b"waiting for your editor" in got
    assert words(clone) == ["typed on a terminal"]
