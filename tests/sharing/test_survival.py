"""What becomes of intents when history is rewritten: the rows of docs/survival.md, on real git."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pygit2
import pytest
from support.atwork import asked, by_hand, cloned, edited, texts
from support.lab import WITHOUT_HOOKS
from support.servers import Server

from regen_git.capture import matching
from regen_git.capture.flush import flush
from regen_git.cli.main import run
from regen_git.errors import RegenError
from regen_git.ledger.store import INTENTS_REF
from regen_git.sharing.absent import fetch_command
from regen_git.sharing.check import check
from regen_git.sharing.repair import repair

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Lab

REFSPEC = "refs/notes/regen*:refs/notes/regen*"


@pytest.fixture
def forked(lab: Lab, tmp_path: Path) -> Server:
    """Return a server that has main, and ``side`` with two commits of an agent; main has moved on."""
    server = Server.init(tmp_path / "server.git")
    lab.git("remote", "add", "origin", str(server.path))
    lab.git("push", "-q", "-u", "origin", "main")
    lab.git("checkout", "-q", "-b", "side")
    asked(lab, "a.py", "Write a", message="Add a\n\nIt is the first.")
    asked(lab, "b.py", "Write b")
    lab.git("push", "-q", "origin", "side")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "other")
    lab.git("push", "-q", "origin", "main")
    return server


def pull(lab: Lab) -> str:
    lab.git("pull", "-q", "--ff-only", "origin", "main")
    return lab.git("rev-parse", "HEAD")


def given(lab: Lab, span: str = "") -> list[str]:
    """Repair, and again; return how each commit was found."""
    flush(lab.repo)
    first = repair(lab.repo, span)
    tip = lab.git("rev-parse", INTENTS_REF)
    again = repair(lab.repo, span)
    assert again.repaired == []
    assert lab.git("rev-parse", INTENTS_REF) == tip
    return [one.how for one in first.repaired]


# Amend, rebase, rebase -i: git copies the notes, and post-rewrite is the second line.


def test_amend(lab: Lab) -> None:
    asked(lab, "a.py", "Write a")
    lab.git("commit", "-q", "--amend", "-m", "Another message, without trailers")
    assert texts(lab) == ["Write a"]
    assert repair(lab.repo).repaired == []


def test_amend_with_more_of_the_agents_work(lab: Lab) -> None:
    asked(lab, "a.py", "Write a")
    edited(lab, "b.py", "Write b")
    lab.git("commit", "-q", "--amend", "--no-edit")
    assert texts(lab) == ["Write a", "Write b"]


def test_rebase(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    asked(lab, "a.py", "Write a")
    asked(lab, "b.py", "Write b")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "other")
    lab.git("rebase", "-q", "main", "side")
    assert [texts(lab, "HEAD^"), texts(lab)] == [["Write a"], ["Write b"]]


@pytest.mark.parametrize(
    ("todo", "expected"),
    [
        ("2s/^pick/squash/", [["Write a", "Write b"], ["Write c"]]),
        ("2s/^pick/fixup/", [["Write a", "Write b"], ["Write c"]]),
        ("2s/^pick/fixup -C/", [["Write a", "Write b"], ["Write c"]]),
        ("2s/^pick/reword/", [["Write a"], ["Write b"], ["Write c"]]),
        ("2s/^pick/edit/", [["Write a"], ["Write b"], ["Write c"]]),
        ("2s/^pick/drop/", [["Write a"], ["Write c"]]),
        ("2{h;d};3G", [["Write a"], ["Write c"], ["Write b"]]),
    ],
)
def test_rebase_interactive(lab: Lab, todo: str, expected: list[list[str]]) -> None:
    for name in "abc":
        asked(lab, f"{name}.py", f"Write {name}")
    # The editor puts words of its own in front of every message.
    env = {"GIT_SEQUENCE_EDITOR": f"sed -i '{todo}'", "GIT_EDITOR": "sed -i '1s/^/Reworded: /'"}
    lab.git("rebase", "-q", "-i", "HEAD~3", env=env)
    if "edit" in todo:
        lab.git("rebase", "--continue", env=env)
    commits = lab.git("rev-list", "--reverse", f"HEAD~{len(expected)}..HEAD").split()
    found = [sorted(texts(lab, commit)) for commit in commits]
    assert found == expected
    assert repair(lab.repo).repaired == []


def test_rebase_without_hooks_and_note_copying(lab: Lab) -> None:
    """Needs repair: the patches tell, whatever the messages say."""
    lab.git("checkout", "-q", "-b", "side")
    asked(lab, "a.py", "Write a")
    by_hand(lab, "between")
    asked(lab, "b.py", "Write b")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "other")
    lab.git("config", "--unset-all", "notes.rewriteRef")
    quiet = WITHOUT_HOOKS
    lab.git(*quiet, "rebase", "-q", "main", "side")
    lab.git(
        *quiet, "filter-branch", "-f", "--msg-filter", "grep -v Regen", "main..side",
        env={"FILTER_BRANCH_SQUELCH_WARNING": "1"},
    )  # fmt: skip
    lab.git("update-ref", "-d", "refs/original/refs/heads/side")
    lab.git("reflog", "expire", "--expire=now", "--all")
    assert texts(lab) == []
    assert given(lab) == ["patch", "patch"]
    assert [texts(lab, "HEAD~2"), texts(lab, "HEAD~1"), texts(lab)] == [["Write a"], [], ["Write b"]]


# Cherry-pick and am: the trailer names the intent, and post-commit or repair finds its payload.


@pytest.mark.parametrize("options", [[], ["-x"], ["--signoff"]])
def test_cherry_pick(lab: Lab, options: list[str]) -> None:
    lab.git("checkout", "-q", "-b", "side")
    commit = asked(lab, "a.py", "Write a")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "other")
    lab.git("cherry-pick", *options, commit)
    assert texts(lab) == ["Write a"]
    assert lab.note().bindings[0].result == lab.git("rev-parse", "HEAD^{tree}")


def test_cherry_pick_without_trailers_and_hooks(lab: Lab) -> None:
    """Needs repair: the patch tells, though lines have moved."""
    by_hand(lab, "a.py", "".join(f"{n}\n" for n in range(20)))
    lab.git("checkout", "-q", "-b", "side")
    commit = asked(lab, "a.py", "Write a", "".join(f"{n}\n" for n in range(20)) + "more\n")
    lab.git("checkout", "-q", "main")
    by_hand(lab, "a.py", "new\n" + "".join(f"{n}\n" for n in range(20)))
    lab.git("cherry-pick", "-n", commit)
    lab.git(*WITHOUT_HOOKS, "commit", "-q", "-m", "As if by hand")
    assert texts(lab) == []
    assert given(lab) == ["patch"]
    assert texts(lab) == ["Write a"]
    assert texts(lab, "HEAD^") == []


def test_mail(lab: Lab) -> None:
    """Needs repair: ``git am`` runs no hook that could tell."""
    asked(lab, "a.py", "Write a")
    mail = lab.run("git", "format-patch", "-1", "--stdout").stdout
    lab.git("checkout", "-q", "-b", "other", "HEAD^")
    by_hand(lab, "other")
    done = lab.run("git", "am", "-q", stdin=mail)
    assert done.returncode == 0, done.stderr
    assert given(lab) == ["trailer"]
    assert texts(lab) == ["Write a"]


# Merges on a hosting site: trailers and buried lines.


def test_github_squash(lab: Lab, forked: Server) -> None:
    forked.squash("side", forked.github_text("side", "Two files"))
    pull(lab)
    assert lab.git("log", "-1", "--format=%s") == "Two files (#7)"
    assert texts(lab) == ["Write a", "Write b"]
    assert lab.note().bindings[0].wrote == ("a.py",)
    assert repair(lab.repo).repaired == []


def test_github_squash_with_co_authors(lab: Lab, forked: Server) -> None:
    text = forked.github_text("side", "Two files", by="Grace <grace@example.org>")
    forked.squash("side", text)
    pull(lab)
    assert lab.trailers() == []
    assert texts(lab) == ["Write a", "Write b"]


def test_github_squash_of_one_commit(lab: Lab, forked: Server) -> None:
    forked.git("update-ref", "refs/heads/side", "side^")
    forked.squash("side", forked.github_text("side", "unused"))
    pull(lab)
    assert lab.git("log", "-1", "--format=%s") == "Add a (#7)"
    assert texts(lab) == ["Write a"]


@pytest.mark.parametrize("text", ["Two files (#7)\n\nWhat the pull request says.\n", "Two files (#7)\n"])
def test_github_squash_with_the_pull_requests_words(lab: Lab, forked: Server, text: str) -> None:
    """Needs repair: no id is left, and main has moved, so the patch of the range tells."""
    forked.squash("side", text)
    pull(lab)
    assert texts(lab) == []
    assert given(lab) == ["patch"]
    assert texts(lab) == ["Write a", "Write b"]
    assert lab.note().bindings[1].wrote == ("b.py",)


def test_github_rebase(lab: Lab, forked: Server) -> None:
    forked.rebase("side")
    pull(lab)
    assert lab.git("log", "-1", "--format=%cn") == "GitHub"
    assert [texts(lab, "HEAD^"), texts(lab)] == [["Write a"], ["Write b"]]


def test_github_squash_seen_by_somebody_else(lab: Lab, forked: Server, tmp_path: Path) -> None:
    """Who has no hooks and only fetches needs repair, or sync."""
    forked.squash("side", forked.github_text("side", "Two files"))
    lab.git("push", "-q", "origin", REFSPEC)
    clone = cloned(lab, forked.path, tmp_path / "clone", hooks=False)
    clone.git("fetch", "-q", "origin", "+refs/notes/regen*:refs/notes/remotes/origin/regen*")
    assert texts(clone) == []
    assert given(clone) == ["trailer"]
    assert texts(clone) == ["Write a", "Write b"]


@pytest.mark.parametrize("text", ["", "Two files\n\nA description.\n\nSee merge request group/project!7\n"])
def test_gitlab_squash(lab: Lab, forked: Server, text: str) -> None:
    """Needs repair: GitLab's default is the title alone; the tree is the branch's."""
    squashed = forked.gitlab("side", "Two files", text)
    pull(lab)
    assert texts(lab, squashed) == []
    assert given(lab) == ["tree"]
    assert texts(lab, squashed) == ["Write a", "Write b"]
    assert texts(lab) == []


def test_gitlab_squash_with_all_commits(lab: Lab, forked: Server) -> None:
    """The template ``%{all_commits}`` keeps the messages, and so the ids."""
    listed = "\n\n".join(f"* {forked.message(commit)}" for commit in forked.commits("side"))
    squashed = forked.gitlab("side", "Two files", f"Two files\n\n{listed}\n")
    pull(lab)
    assert texts(lab, squashed) == ["Write a", "Write b"]


def test_a_squash_of_titles_after_the_branch_is_deleted(lab: Lab, forked: Server) -> None:
    """Needs repair: HEAD's reflog still knows the branch."""
    forked.squash("side", "Two files (#7)\n")
    forked.git("update-ref", "-d", "refs/heads/side")
    lab.git("branch", "-q", "-D", "side")
    lab.git("fetch", "-q", "--prune")
    pull(lab)
    assert given(lab) == ["patch"]
    assert texts(lab) == ["Write a", "Write b"]


def test_a_squash_of_titles_that_nobody_can_trace_is_left_alone(lab: Lab, forked: Server) -> None:
    """Lost, and nothing says so: the commit names no id. ``record --commit`` binds by hand."""
    forked.git("update-ref", "refs/heads/side", "side^")
    forked.squash("side", "Other words\n")
    lab.git("branch", "-q", "-D", "side")
    lab.git("update-ref", "-d", "refs/remotes/origin/side")
    lab.git("update-ref", "-d", INTENTS_REF)
    lab.git("reflog", "expire", "--expire=now", "--all")
    pull(lab)
    assert repair(lab.repo).repaired == []


# Local squashes, reverts, and messages written anew.


def test_merge_squash(lab: Lab) -> None:
    lab.git("checkout", "-q", "-b", "side")
    asked(lab, "a.py", "Write a")
    asked(lab, "b.py", "Write b")
    lab.git("checkout", "-q", "main")
    lab.git("merge", "-q", "--squash", "side")
    lab.git("commit", "-q", "-m", "My own words")
    assert sorted(texts(lab)) == ["Write a", "Write b"]


def test_merge_squash_without_hooks(lab: Lab) -> None:
    """Needs repair: the ids are buried in git's own message."""
    lab.git("checkout", "-q", "-b", "side")
    asked(lab, "a.py", "Write a")
    asked(lab, "b.py", "Write b")
    lab.git("checkout", "-q", "main")
    lab.git("merge", "-q", "--squash", "side")
    lab.git(*WITHOUT_HOOKS, "commit", "-q", "--no-edit", env={"GIT_EDITOR": ":"})
    assert given(lab) == ["trailer"]
    assert sorted(texts(lab)) == ["Write a", "Write b"]


def test_revert_and_revert_of_the_revert(lab: Lab) -> None:
    asked(lab, "a.py", "Write a")
    lab.git("revert", "--no-edit", "HEAD")
    assert texts(lab) == []
    lab.git("revert", "--no-edit", "HEAD")
    assert texts(lab) == []
    assert given(lab) == []
    assert [texts(lab, rev) for rev in ("HEAD~2", "HEAD~1", "HEAD")] == [["Write a"], [], []]


def test_reset_soft_and_commit(lab: Lab) -> None:
    """Needs repair: the reflog knows the tree that the branch had."""
    asked(lab, "a.py", "Write a")
    by_hand(lab, "between")
    asked(lab, "b.py", "Write b")
    lab.git("reset", "-q", "--soft", "HEAD~3")
    lab.git("commit", "-q", "-m", "All at once")
    assert texts(lab) == []
    assert given(lab) == ["tree"]
    assert texts(lab) == ["Write a", "Write b"]


def test_a_message_written_anew_without_a_trace_of_the_old_commit(lab: Lab) -> None:
    """Needs repair: the old commit is gone, and its note still has the trees before and after."""
    old = asked(lab, "a.py", "Write a")
    tree = lab.git("rev-parse", "HEAD^{tree}")
    new = lab.git("commit-tree", tree, "-p", "HEAD^", "-m", "Other words")
    lab.git("update-ref", "-m", "reset: by a tool", "refs/heads/main", new)
    lab.git("reflog", "expire", "--expire=now", "--all")
    lab.git("prune", "--expire=now")
    assert lab.run("git", "cat-file", "-e", old).returncode != 0
    assert given(lab) == ["trees"]
    assert texts(lab) == ["Write a"]


# Commits made without hooks.


def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every commit in the reflog for old enough to be bound without its hooks."""
    monkeypatch.setattr(matching, "YOUNG", 0)


def test_update_ref(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    edited(lab, "a.py", "Write a")
    new = lab.git("commit-tree", lab.git("write-tree"), "-p", "HEAD", "-m", "By plumbing")
    lab.git("update-ref", "HEAD", new)
    no_waiting(monkeypatch)
    assert texts(lab) == ["Write a"]


def test_update_ref_to_a_commit_that_was_there_binds_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = by_hand(lab, "a.py", "old\n")
    by_hand(lab, "b.py")
    edited(lab, "a.py", "Write a", "new\n")
    lab.git("update-ref", "HEAD", first)
    no_waiting(monkeypatch)
    assert texts(lab) == []
    assert [one["prompts"] for one in lab.waiting()] == [["Write a"]]


def test_libgit2(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    edited(lab, "a.py", "Write a")
    there = pygit2.Repository(str(lab.path))
    who = pygit2.Signature("Ada Example", "ada@example.org")
    there.create_commit("HEAD", who, who, "From a window", there.index.write_tree(), [there.head.target])
    no_waiting(monkeypatch)
    assert texts(lab) == ["Write a"]


# Clones.


def test_fresh_clone(lab: Lab, forked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                     capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    lab.git("push", "-q", "origin", REFSPEC)
    clone = cloned(lab, forked.path, tmp_path / "clone", "--branch=side", hooks=False)
    monkeypatch.chdir(clone.path)
    for argv in (["log"], ["show"], ["why", "a.py"], ["plan"], ["replay", "--model", "original"]):
        run(argv)
        said = capsys.readouterr().err
        assert said.count("'git regen sync' fetches published notes") == 1, (argv, said)
    assert run(["check", "HEAD"]) == 1
    said = capsys.readouterr()
    typed = fetch_command("origin")
    assert typed in said.err
    subprocess.run(["sh", "-c", typed], check=True, capture_output=True)
    assert run(["check", "HEAD"]) == 0
    assert given(clone) == ["note", "note"]
    assert [texts(clone, "HEAD^"), texts(clone)] == [["Write a"], ["Write b"]]


def test_shallow_clone(lab: Lab, forked: Server, tmp_path: Path) -> None:
    lab.git("push", "-q", "origin", REFSPEC)
    clone = cloned(lab, forked.path, tmp_path / "clone", "--branch=side", "--depth=2")
    for refused in (repair, check):
        with pytest.raises(RegenError, match="crosses the edge of a shallow clone") as error:
            refused(clone.repo, "HEAD")
        assert "git fetch --unshallow" in error.value.hint
    subprocess.run(["sh", "-c", fetch_command("origin")], check=True, capture_output=True, cwd=clone.path)
    assert check(clone.repo, "HEAD^..HEAD").is_good
    assert given(clone, "HEAD^..HEAD") == ["note"]
    assert texts(clone) == ["Write b"]


def test_a_shallow_clone_that_pulls(lab: Lab, forked: Server, tmp_path: Path) -> None:
    """The commit at the edge names a parent that is not there."""
    clone = cloned(lab, forked.path, tmp_path / "clone", "--branch=main", "--depth=1")
    subprocess.run(["sh", "-c", fetch_command("origin")], check=True, capture_output=True, cwd=clone.path)
    forked.squash("side", forked.github_text("side", "Two files"))
    lab.git("push", "-q", "origin", REFSPEC)
    clone.git("fetch", "-q", "--depth=1", "origin")
    clone.git("status")
    asked(clone, "first.py", "Something of this clone")
    clone.git("reset", "-q", "--hard", "HEAD^")
    clone.git("reset", "-q", "--hard", "origin/main")
    edited(clone, "c.py", "Write c")
    clone.git("commit", "-q", "--amend", "--no-edit")
    assert sorted(texts(clone)) == ["Write a", "Write b", "Write c"]


def test_partial_clone(lab: Lab, forked: Server, tmp_path: Path) -> None:
    forked.git("config", "uploadpack.allowFilter", "true")
    forked.squash("side", "Two files (#7)\n")
    lab.git("push", "-q", "origin", REFSPEC)
    clone = cloned(lab, forked.path, tmp_path / "clone", "--filter=blob:none", "--branch=main")
    subprocess.run(["sh", "-c", fetch_command("origin")], check=True, capture_output=True, cwd=clone.path)
    assert given(clone) == ["patch"]
    assert texts(clone) == ["Write a", "Write b"]


def test_two_worktrees(lab: Lab, tmp_path: Path) -> None:
    lab.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "there"))
    there = type(lab)(tmp_path / "there", lab.bin)
    edited(there, "b.py", "Write b, there")
    edited(lab, "a.py", "Write a, here")
    there.git("commit", "-q", "-m", "There")
    lab.git("commit", "-q", "-m", "Here")
    assert [texts(lab, "main"), texts(there, "side")] == [["Write a, here"], ["Write b, there"]]
    # What one worktree made, the other can squash.
    there.git("reset", "-q", "--soft", "HEAD^")
    there.git("commit", "-q", "-m", "Anew")
    assert given(there) == ["trees"]
    assert texts(lab, "side") == ["Write b, there"]
