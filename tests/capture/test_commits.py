"""From a typed prompt to a trailer and a note, through git's own hooks."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from support.lab import WITHOUT_HOOKS

from regen_git.domain.ids import derived_intent_id
from regen_git.domain.intent import LineRange

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from conftest import Lab


def editor(folder: Path, script: str) -> dict[str, str]:
    """Return an environment whose editor runs this sh script on the message, ``$1``."""
    path = folder / "editor"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return {"GIT_EDITOR": str(path)}


def by_editor(lab: Lab, script: str, *args: str) -> subprocess.CompletedProcess[bytes]:
    return lab.run("git", "commit", "-q", *args, env=editor(lab.bin, script))


def test_a_prompt_and_its_edit_become_a_trailer_and_a_note(lab: Lab) -> None:
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.stop(key)
    lab.git("add", "-A")
    commit, said = lab.commit("Add hello.py")
    assert lab.trailers() == [derived_intent_id("claude", key)]
    assert said == f"regen: recorded 1 prompt for {commit[:7]} (claude)\n"
    lab.let_hooks_finish()
    note = lab.note()
    intent = next(iter(note.intents.values()))
    assert [p.text for p in intent.prompts] == ["Add a greeting"]
    assert intent.agent is not None
    assert (intent.agent.name, intent.agent.version, intent.agent.session) == ("claude", "2.1.197", "s1")
    assert intent.author == "Ada Example <ada@example.org>"
    binding = note.bindings[0]
    assert (binding.wrote, binding.hand) == (("hello.py",), {})
    assert (binding.base, binding.result) == (
        lab.git("rev-parse", "HEAD^^{tree}"),
        lab.git("rev-parse", "HEAD^{tree}"),
    )
    assert lab.waiting() == []


def test_a_commit_by_hand_with_no_agent_around_prints_nothing_and_starts_nothing(lab: Lab) -> None:
    (lab.path / "a").write_text("a\n")
    lab.git("add", "-A")
    trap = lab.bin / "git-regen"
    trap.write_text("#!/bin/sh\ntouch '" + str(lab.bin / "started") + "'\n")
    _, said = lab.commit("By hand")
    assert said == ""
    assert lab.trailers() == []
    assert not (lab.bin / "started").exists()


def test_turns_without_edits_join_the_turn_that_follows(lab: Lab) -> None:
    first = lab.prompt("How would you greet?")
    lab.stop(first, "I would print. Shall I write it, or stop here?")
    second = lab.prompt("yes, write it")
    lab.edit(second, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    _, said = lab.commit("Add hello.py")
    assert "recorded 2 prompts" in said
    assert lab.trailers() == [derived_intent_id("claude", first)]
    intent = next(iter(lab.note().intents.values()))
    assert [p.text for p in intent.prompts] == ["How would you greet?", "yes, write it"]
    assert intent.prompts[1].answers == "I would print. Shall I write it, or stop here?"


def test_a_commit_of_other_files_is_not_bound_and_says_so(lab: Lab) -> None:
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    (lab.path / "mine.txt").write_text("mine\n")
    lab.git("add", "mine.txt")
    commit, said = lab.commit("Mine")
    assert lab.trailers() == []
    assert said.startswith(f"regen: nothing recorded for {commit[:7]}")
    assert not lab.note().documents
    assert [one["prompts"] for one in lab.waiting()] == [["Add a greeting"]]


def test_a_turn_with_unstaged_edits_stays_and_later_commits_carry_the_same_intent(lab: Lab) -> None:
    key = lab.prompt("Add both")
    lab.edit(key, "a.py", "a = 1\n")
    lab.edit(key, "b.py", "b = 1\n")
    lab.stop(key)
    lab.git("add", "a.py")
    lab.commit("Add a")
    lab.let_hooks_finish()
    lab.git("add", "b.py")
    lab.commit("Add b")
    one = derived_intent_id("claude", key)
    assert lab.trailers("HEAD^") == lab.trailers("HEAD") == [one]
    assert [b.wrote for b in lab.note("HEAD^").bindings] == [("a.py",)]
    assert [b.wrote for b in lab.note("HEAD").bindings] == [("b.py",)]
    assert lab.note("HEAD").documents[0].digest == lab.note("HEAD^").documents[0].digest
    assert lab.waiting() == []


def test_a_quick_second_commit_finds_the_first_one_bound(lab: Lab) -> None:
    """The flush in the background may not have run; then the hook runs one first."""
    key = lab.prompt("Add both")
    lab.edit(key, "a.py", "a = 1\n")
    lab.stop(key)
    other = lab.prompt("Add the other")
    lab.edit(other, "b.py", "b = 1\n")
    lab.git("add", "a.py")
    lab.commit("Add a")
    lab.git("add", "b.py")
    lab.commit("Add b")
    (lab.path / "a.py").write_text("a = 2\n")
    lab.git("add", "a.py")
    lab.commit("By hand, at once")
    assert lab.trailers("HEAD^^") == [derived_intent_id("claude", key)]
    assert lab.trailers("HEAD^") == [derived_intent_id("claude", other)]
    assert lab.trailers("HEAD") == []


def test_parallel_sessions_do_not_leak_into_each_others_commits(lab: Lab) -> None:
    one = lab.prompt("Work on a", session="s1")
    two = lab.prompt("Work on b", session="s2")
    lab.edit(one, "a.py", "a = 1\n", session="s1")
    lab.edit(two, "b.py", "b = 1\n", session="s2")
    lab.git("add", "b.py")
    lab.commit("Add b")
    assert lab.texts() == ["Work on b"]
    lab.git("add", "a.py")
    lab.commit("Add a")
    assert lab.texts() == ["Work on a"]


def test_two_sessions_in_one_commit_make_two_intents(lab: Lab) -> None:
    one = lab.prompt("Work on a", session="s1")
    two = lab.prompt("Work on b", session="s2")
    lab.edit(one, "a.py", "a = 1\n", session="s1")
    lab.edit(two, "b.py", "b = 1\n", session="s2")
    lab.git("add", "-A")
    _, said = lab.commit("Add both")
    assert len(lab.trailers()) == 2
    assert "recorded 2 prompts" in said
    assert {b.wrote for b in lab.note().bindings} == {("a.py",), ("b.py",)}


def test_a_commit_made_by_the_agent_takes_the_prompt_that_asked_for_it(lab: Lab) -> None:
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.stop(key)
    asked = lab.prompt("Commit the change")
    lab.git("add", "-A")
    _, said = lab.commit("Add hello.py", env={"CLAUDE_CODE_SESSION_ID": "s1", "CLAUDECODE": "1"})
    lab.stop(asked)
    assert "recorded 2 prompts" in said
    assert lab.texts() == ["Add a greeting", "Commit the change"]
    assert lab.waiting() == []


def test_an_agent_that_writes_on_after_its_commit_binds_the_same_intent_again(lab: Lab) -> None:
    env = {"CLAUDE_CODE_SESSION_ID": "s1", "CLAUDECODE": "1"}
    key = lab.prompt("Add both, each in a commit")
    lab.edit(key, "a.py", "a = 1\n")
    lab.git("add", "-A")
    lab.commit("Add a", env=env)
    lab.let_hooks_finish()
    lab.edit(key, "b.py", "b = 1\n")
    lab.git("add", "-A")
    lab.commit("Add b", env=env)
    lab.stop(key)
    assert lab.trailers("HEAD") == lab.trailers("HEAD^")
    assert [b.wrote for b in lab.note("HEAD").bindings] == [("b.py",)]


def test_a_session_without_known_edits_counts_for_the_next_commit(lab: Lab) -> None:
    key = lab.prompt("Do it with sed")
    lab.stop(key)
    (lab.path / "a.py").write_text("a = 1\n")
    lab.git("add", "-A")
    _, said = lab.commit("By sed")
    assert "recorded 1 prompt" in said
    assert lab.texts() == ["Do it with sed"]
    assert lab.note().bindings[0].wrote == ()


def test_an_explicit_record_belongs_to_the_next_commit(lab: Lab) -> None:
    out = json.loads(lab.regen("record", "--json", "--class", "constraint", "Keep it small"))
    (lab.path / "a").write_text("a\n")
    lab.git("add", "-A")
    _, said = lab.commit("Small", "--no-verify")
    assert lab.trailers() == out["intents"]
    assert "recorded 1 prompt" in said
    intent = next(iter(lab.note().intents.values()))
    assert (intent.origin, intent.prompts[0].kind) == ("explicit", "constraint")
    assert lab.waiting() == []


def test_the_first_commit_of_a_repository_is_bound(bare_lab: Lab) -> None:
    from regen_git.capture.setup import set_up

    set_up(bare_lab.repo)
    key = bare_lab.prompt("Begin")
    bare_lab.edit(key, "a b.py", "a = 1\n")
    bare_lab.git("add", "-A")
    bare_lab.commit("Begin")
    assert bare_lab.texts() == ["Begin"]
    assert bare_lab.note().bindings[0].base is None


@pytest.mark.parametrize("name", ["a b.py", "caf\u00e9.py", 'quo"te.py', "two  blanks.py", "back\\slash.py"])
def test_any_file_name_is_matched(lab: Lab, name: str) -> None:
    key = lab.prompt("Add a file")
    lab.edit(key, name, "x\n")
    lab.git("add", "-A")
    lab.commit("Add it")
    assert [b.wrote for b in lab.note().bindings] == [(name,)]


def test_the_trailer_joins_a_block_that_is_there(lab: Lab) -> None:
    lab.regen("record", "Do it")
    lab.commit("Subject\n\nBody.\n\nReviewed-by: Bob <bob@example.org>", "--allow-empty", "-s")
    body = lab.git("log", "-1", "--format=%B").split("\n\n")
    assert len(body) == 3
    assert len(body[2].strip().splitlines()) == 3


def test_in_an_editor_the_trailer_stands_above_the_comments(lab: Lab) -> None:
    lab.regen("record", "Do it")
    shown = lab.bin / "shown"
    script = f'cp "$1" "{shown}"; printf "%s\\n" "My subject" | cat - "$1" >"$1.new"; mv "$1.new" "$1"\n'
    done = by_editor(lab, script, "--allow-empty", "-v")
    assert done.returncode == 0, done.stderr
    lines = shown.read_text().splitlines()
    assert lines[0] == ""
    trailer = next(i for i, line in enumerate(lines) if line.startswith("Regen-Intent: "))
    assert trailer < next(i for i, line in enumerate(lines) if line.startswith("#"))
    assert lab.git("log", "-1", "--format=%s") == "My subject"
    assert len(lab.trailers()) == 1


def test_a_scissors_line_and_the_diff_below_survive_the_editor(lab: Lab) -> None:
    lab.regen("record", "Do it")
    (lab.path / "README").write_text("other\n")
    shown = lab.bin / "shown"
    script = f'cp "$1" "{shown}"; printf "%s\\n" "My subject" | cat - "$1" >"$1.new"; mv "$1.new" "$1"\n'
    done = by_editor(lab, script, "-a", "-v", "--cleanup=scissors")
    assert done.returncode == 0, done.stderr
    text = shown.read_text()
    assert text.index("Regen-Intent: ") < text.index(">8")
    assert "+other\n" in text
    assert lab.git("log", "-1", "--format=%B").splitlines()[0] == "My subject"
    assert len(lab.trailers()) == 1


def test_leaving_the_editor_without_words_aborts_as_ever(lab: Lab) -> None:
    lab.regen("record", "Do it")
    before = lab.git("rev-parse", "HEAD")
    done = by_editor(lab, "exit 0\n", "--allow-empty")
    assert done.returncode != 0
    assert b"empty commit message" in done.stderr
    assert lab.git("rev-parse", "HEAD") == before
    assert [one["prompts"] for one in lab.waiting()] == [["Do it"]]


def test_an_untouched_template_aborts_as_ever(lab: Lab) -> None:
    (lab.bin / "template").write_text("What:\n\n# a comment of the template\nWhy:\n")
    lab.regen("record", "Do it")
    done = by_editor(lab, "exit 0\n", "--allow-empty", "-t", str(lab.bin / "template"))
    assert done.returncode != 0
    assert b"did not edit the message" in done.stderr
    done = by_editor(
        lab, 'sed -i "s/What:/What: it/" "$1"\n', "--allow-empty", "-t", str(lab.bin / "template")
    )
    assert done.returncode == 0
    assert len(lab.trailers()) == 1


def test_a_trailer_that_the_person_deletes_means_not_this_commit(lab: Lab) -> None:
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    script = 'echo "Mine alone" >"$1"\n'
    done = by_editor(lab, script)
    assert done.returncode == 0
    assert b"recorded" not in done.stderr.replace(b"nothing recorded", b"")
    assert not lab.note().documents
    assert [one["prompts"] for one in lab.waiting()] == [["Add a greeting"]]


def test_an_amended_commit_keeps_its_intent(lab: Lab) -> None:
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.stop(key)
    lab.git("add", "-A")
    lab.commit("Add hello.py")
    lab.let_hooks_finish()
    lab.git("commit", "-q", "--amend", "-m", "Another subject")
    assert lab.texts() == ["Add a greeting"]


def test_edits_after_a_commit_join_it_when_it_is_amended(lab: Lab) -> None:
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    lab.commit("Add hello.py")
    lab.let_hooks_finish()
    second = lab.prompt("Louder")
    lab.edit(second, "hello.py", "print('HELLO')\n")
    lab.git("commit", "-qa", "--amend", "--no-edit")
    assert lab.trailers() == [derived_intent_id("claude", key), derived_intent_id("claude", second)]
    assert lab.texts() == ["Add a greeting", "Louder"]


def test_a_partial_commit_counts_only_the_named_files(lab: Lab) -> None:
    one = lab.prompt("Work on a")
    lab.edit(one, "a.py", "a = 1\n")
    two = lab.prompt("Work on b")
    lab.edit(two, "b.py", "b = 1\n")
    lab.git("add", "-A")
    lab.commit("Only b", "--", "b.py")
    assert lab.texts() == ["Work on b"]


def test_what_a_person_mended_is_kept_as_hand(lab: Lab) -> None:
    key = lab.prompt("Count to five")
    lab.edit(key, "n.txt", "1\n2\n3\n4\n5\n")
    (lab.path / "n.txt").write_text("1\n2\nthree\n4\n5\nsix\n")
    lab.git("add", "-A")
    lab.commit("Count")
    assert lab.note().bindings[0].hand == {"n.txt": (LineRange(3, 3), LineRange(6, 6))}


def test_partial_staging_is_not_taken_for_mending(lab: Lab) -> None:
    lab.edit(lab.prompt("Before"), "n.txt", "".join(f"{i}\n" for i in range(30)))
    lab.git("add", "-A")
    lab.commit("Before")
    lab.let_hooks_finish()
    key = lab.prompt("Change both ends")
    whole = ["first\n", *(f"{i}\n" for i in range(1, 29)), "last\n"]
    lab.edit(key, "n.txt", "".join(whole))
    staged = ["first\n", *(f"{i}\n" for i in range(1, 30))]
    (lab.path / "n.txt").write_text("".join(staged))
    lab.git("add", "n.txt")
    (lab.path / "n.txt").write_text("".join(whole))
    lab.commit("The first end")
    lab.let_hooks_finish()
    assert lab.note().bindings[0].hand == {}
    lab.git("add", "n.txt")
    lab.commit("The other end")
    assert lab.trailers("HEAD") == lab.trailers("HEAD^") == [derived_intent_id("claude", key)]
    assert lab.note().bindings[0].hand == {}
    assert lab.waiting() == []


def test_an_edit_without_a_prompt_is_said_loudly(lab: Lab) -> None:
    lab.edit("nobody-typed", "a.py", "a = 1\n")
    lab.git("add", "-A")
    commit, said = lab.commit("Add a")
    assert said == (
        f"regen: NOTHING recorded for {commit[:7]}: claude edited files in it,"
        " and no prompt for that is known\n"
    )


def test_the_policy_refuses_a_commit_without_its_prompt(lab: Lab) -> None:
    lab.git("config", "regen.policy", "require")
    assert "pre-commit" in lab.run("git-regen", "doctor").stdout.decode()
    lab.regen("init", "--yes", "--no-config", "--claude", "none")
    lab.edit("nobody-typed", "a.py", "a = 1\n")
    lab.git("add", "-A")
    done = lab.run("git", "commit", "-m", "Add a")
    assert done.returncode == 1
    assert b"'require'" in done.stderr


def test_trailers_can_be_switched_off(lab: Lab) -> None:
    lab.git("config", "regen.trailers", "false")
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    _, said = lab.commit("Add hello.py")
    assert lab.trailers() == []
    assert "recorded 1 prompt" in said
    assert lab.texts() == ["Add a greeting"]


def test_the_note_can_be_had_before_the_commit_returns(lab: Lab) -> None:
    lab.git("config", "regen.flush", "now")
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    lab.commit("Add hello.py")
    assert "Add a greeting" in lab.git("notes", "--ref=regen", "show", "HEAD")


def committed_without_a_flush(lab: Lab) -> None:
    """Commit a prompt's work while nothing runs in the background."""
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    program = lab.bin / "git-regen"
    real = program.read_text()
    program.write_text("#!/bin/sh\nexit 0\n")
    lab.commit("Add hello.py")
    program.write_text(real)
    assert (lab.data / "marks").stat().st_size > 0
    assert lab.git("for-each-ref", "refs/notes") == ""


@pytest.mark.parametrize("typed", [("log", "-n", "1"), ("show",), ("why", "hello.py:1"), ("why", "hello.py")])
def test_who_reads_right_after_a_commit_sees_its_prompt(lab: Lab, typed: tuple[str, ...]) -> None:
    committed_without_a_flush(lab)
    assert "Add a greeting" in lab.regen(*typed)
    assert not (lab.data / "marks").exists()
    assert lab.texts() == ["Add a greeting"]


def test_a_flush_that_fails_does_not_fail_who_reads(lab: Lab) -> None:
    committed_without_a_flush(lab)
    inbox = lab.data / "inbox.jsonl"
    inbox.rename(lab.data / "aside")
    inbox.mkdir()
    assert "Add hello.py" in lab.regen("log", "-n", "1")
    assert " flush: IsADirectoryError" in (lab.data / "log").read_text()
    inbox.rmdir()
    (lab.data / "aside").rename(inbox)
    assert "Add a greeting" in lab.regen("log", "-n", "1")


def test_where_nothing_waits_reading_loads_nothing_of_the_flush(lab: Lab) -> None:
    code = (
        "import sys; from regen_git.cli.context import open_up_to_date; open_up_to_date(); "
        "print([n for n in ('yaml', 'pygit2', 'regen_git.capture.flush') if n in sys.modules])"
    )
    done = lab.run(sys.executable, "-c", code)
    assert (done.stdout, done.stderr) == (b"[]\n", b"")


def test_a_missing_program_costs_no_commit(lab: Lab) -> None:
    lab.regen("record", "Do it")
    (lab.bin / "git-regen").unlink()
    (lab.data / "command").write_text("/nowhere/git-regen\n")
    _, said = lab.commit("Still here", "--allow-empty")
    assert "recorded 1 prompt" in said
    assert len(lab.trailers()) == 1


def test_commits_made_without_hooks_are_bound_from_the_reflog(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regen_git.capture import matching

    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    lab.git(*WITHOUT_HOOKS, "commit", "-q", "-m", "Without hooks")
    assert lab.trailers() == []
    monkeypatch.setattr(matching, "YOUNG", 0)
    assert lab.texts() == ["Add a greeting"]
    assert [b.wrote for b in lab.note().bindings] == [("hello.py",)]
