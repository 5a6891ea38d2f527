"""Capture, hooks and ledger in every kind of repository and under settings that bend what git prints."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.builder import RepoBuilder
from support.kinds import make

from regen_git.capture import matching
from regen_git.capture.loose import hash_name
from regen_git.capture.reftable import is_unchanged
from regen_git.capture.setup import set_up
from regen_git.cli.main import run
from regen_git.domain.ids import derived_intent_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Lab

# What people set for themselves. Every line bends what some command of git prints or takes.
HOSTILE = """
[color]
    ui = always
    diff = always
    grep = always
[core]
    commentChar = auto
    quotePath = false
    ignoreCase = true
    precomposeUnicode = true
    abbrev = 40
    pager = false
    editor = false
[diff]
    external = false
    noprefix = true
    mnemonicPrefix = true
    interHunkContext = 100
    orderFile = {order}
    renames = copies
    algorithm = histogram
    suppressBlankEmpty = true
    ignoreSubmodules = all
    colorMoved = zebra
[format]
    pretty = oneline
    notes = true
[grep]
    patternType = perl
    lineNumber = true
    column = true
    fullName = true
[i18n]
    commitEncoding = latin-1
    logOutputEncoding = latin-1
[log]
    showSignature = true
    date = relative
    decorate = full
    follow = true
    showRoot = false
    abbrevCommit = true
    diffMerges = combined
    mailmap = true
[notes]
    displayRef = refs/notes/*
[blame]
    date = relative
    showEmail = true
    coloring = repeatedLines
    markIgnoredLines = true
    markUnblamableLines = true
[status]
    short = true
    branch = true
    showUntrackedFiles = no
[submodule]
    recurse = true
[branch]
    sort = -committerdate
[tag]
    sort = -version:refname
[column]
    ui = always
[merge]
    conflictStyle = diff3
[push]
    default = nothing
[fetch]
    prune = true
[gc]
    auto = 0
[init]
    defaultBranch = main
"""


def ready(lab: Lab, repo: RepoBuilder) -> Lab:
    """Return a lab in this repository, with hooks and one commit."""
    there = replace(lab, path=repo.path)
    (there.path / "README").write_text("hello\n")
    there.git("add", "-A")
    there.git("commit", "-q", "-m", "Start")
    set_up(there.repo)
    return there


def sha256(lab: Lab, tmp_path: Path) -> Lab:
    return ready(lab, make(tmp_path / "sha256", "sha256"))


def reftable(lab: Lab, tmp_path: Path) -> Lab:
    return ready(lab, make(tmp_path / "reftable", "reftable"))


def linked_reftable(lab: Lab, tmp_path: Path) -> Lab:
    there = reftable(lab, tmp_path)
    there.git("worktree", "add", "-q", "-b", "beside", str(tmp_path / "beside"))
    return replace(there, path=tmp_path / "beside")


def submodule(lab: Lab, tmp_path: Path) -> Lab:
    lab.git("commit", "-q", "--allow-empty", "-m", "Start")
    outer = RepoBuilder.init(tmp_path / "outer")
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(lab.path), "inner")
    return ready(lab, RepoBuilder(outer.path / "inner"))


def odd_name(lab: Lab, tmp_path: Path) -> Lab:
    name = os.fsdecode(b"odd \xff \x0b 'q\" $(name)")
    return ready(lab, RepoBuilder.init(tmp_path / name, f"--separate-git-dir={tmp_path / name}.git"))


def sparse_and_detached(lab: Lab, tmp_path: Path) -> Lab:
    del tmp_path
    there = ready(lab, RepoBuilder(lab.path))
    there.git("checkout", "-q", "--detach")
    there.git("sparse-checkout", "set", "--cone", "--sparse-index", "src")
    return there


def hostile(lab: Lab, tmp_path: Path) -> Lab:
    (tmp_path / "order").write_text("z*\nb*\na*\n")
    (tmp_path / "home" / ".gitconfig").write_text(HOSTILE.format(order=tmp_path / "order"))
    return ready(lab, RepoBuilder(lab.path))


KINDS = (sha256, reftable, linked_reftable, submodule, odd_name, sparse_and_detached, hostile)


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_edits_and_commits_are_recorded(
    kind: Callable[[Lab, Path], Lab], bare_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = kind(bare_lab, tmp_path)
    key = lab.prompt("Write a")
    lab.edit(key, "src/a.py", "a = 1\nb = 2\n")
    lab.stop(key)
    (lab.path / "src/a.py").write_text("a = 1\nb = 2\nmended = 3\n")
    lab.git("add", "-A")
    first, said = lab.commit("Add ä")
    # Newer gits warn of some of the settings.
    assert said.endswith(f"regen: recorded 1 prompt for {first[:7]} (claude)\n")
    assert lab.trailers() == [derived_intent_id("claude", "prompt-1")]
    lab.regen("record", "Words of a person")
    (lab.path / "b").write_text("b\n")
    lab.git("add", "-A")
    second, said = lab.commit("Add b")
    assert "regen: recorded 1 prompt" in said
    assert lab.texts(first) == ["Write a"]
    assert lab.texts(second) == ["Words of a person"]
    [binding] = lab.note(first).bindings
    assert binding.wrote == ("src/a.py",)
    assert {path: [str(r) for r in found] for path, found in (binding.hand or {}).items()} == {
        "src/a.py": ["3-3"]
    }
    # A commit that no hook has told us of.
    key = lab.prompt("Write c")
    lab.edit(key, "src/c.py", "c = 1\n")
    lab.git("add", "-A")
    lab.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", "Without hooks")
    monkeypatch.setattr(matching, "YOUNG", 0)
    assert lab.texts() == ["Write c"]
    lab.let_hooks_finish()


@pytest.mark.parametrize("kind", [sha256, reftable])
def test_picks_reverts_amends_and_squashes_are_followed(
    kind: Callable[[Lab, Path], Lab], bare_lab: Lab, tmp_path: Path
) -> None:
    lab = kind(bare_lab, tmp_path)
    lab.git("checkout", "-q", "-b", "side")
    key = lab.prompt("Write a")
    lab.edit(key, "a.py", "a = 1\n")
    lab.stop(key)
    lab.git("add", "-A")
    commit, _ = lab.commit("Add a")
    lab.let_hooks_finish()
    lab.git("commit", "-q", "--amend", "--no-edit", "--date=@1767323999 +0000")
    commit = lab.git("rev-parse", "HEAD")
    assert lab.texts() == ["Write a"]
    lab.git("checkout", "-q", "main")
    key = lab.prompt("Something that waits")
    lab.edit(key, "waits.py", "w = 1\n")
    done = lab.run("git", "cherry-pick", commit)
    assert done.returncode == 0, done.stderr
    assert b"regen:" not in done.stderr
    lab.let_hooks_finish()
    assert lab.texts() == ["Write a"]
    lab.git("revert", "--no-edit", "HEAD")
    assert lab.trailers() == []
    assert not lab.note().intents
    lab.git("reset", "-q", "--hard", "HEAD~2")
    lab.git("merge", "-q", "--squash", "side")
    lab.git("commit", "-q", "-m", "Squashed")
    lab.let_hooks_finish()
    assert lab.texts() == ["Write a"]


def test_the_main_line_stands_settings_that_bend_what_git_prints(
    bare_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = hostile(bare_lab, tmp_path)
    monkeypatch.chdir(lab.path)

    def regen(*argv: str) -> str:
        capsys.readouterr()
        assert run(argv) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    (lab.path / ".gitattributes").write_text("*.py diff=python\n")
    (lab.path / "sub").mkdir()
    for text in ("Schreibe größer", "Add more"):
        (lab.path / "sub/ä b.py").write_text(f"{text}\n\nmore\n")
        lab.git("add", "-A")
        lab.git("-c", "core.hooksPath=", "commit", "-q", "-m", f"{text}\n\nPrompt: {text} again")
        regen("record", "--commit", "HEAD", text)
    assert "Add more" in regen("log", "--json", "-n", "1")
    assert "Schreibe größer" in regen("show", "HEAD~1")
    assert "Add more" in regen("why", "sub/ä b.py:1")
    assert '"commits": 2' in regen("import", "commits", "--json")
    assert '"with_intent": 2' in regen("status", "--json")
    assert '"first_difference": null' in regen("replay", "--model", "original", "--json")
    assert lab.git("rev-parse", "regen/original") == lab.git("rev-parse", "HEAD")
    regen("replay", "HEAD", "--model", "original", "--rewrite", "--name", "again")
    regen("replay", "HEAD", "--model", "original", "--rewrite", "--name", "locked", "--locked")
    assert lab.git("rev-parse", "regen/again") == lab.git("rev-parse", "regen/locked")
    assert "regen/again" in regen("compare", "again")
    tree = lab.git("rev-parse", "HEAD^{tree}")
    (lab.path / "sub/ä b.py").write_text("spoilt\n")
    lab.git("commit", "-q", "-a", "--no-verify", "-m", "Spoil")
    regen("replay", "HEAD~1", "--model", "original", "--rewrite", "--name", "before")
    lab.git("checkout", "-q", "HEAD~1")
    regen("adopt", "before", "--history")
    assert (lab.git("rev-parse", "HEAD^{tree}"), lab.git("status", "--porcelain=v1")) == (tree, "")
    lab.git("fsck", "--strict", "--no-dangling")


def test_init_from_a_linked_worktree_serves_all_of_them(bare_lab: Lab, tmp_path: Path) -> None:
    (bare_lab.path / "README").write_text("hello\n")
    bare_lab.git("add", "-A")
    bare_lab.git("commit", "-q", "-m", "Start")
    bare_lab.git("config", "extensions.worktreeConfig", "true")
    bare_lab.git("worktree", "add", "-q", "-b", "beside", str(tmp_path / "beside"))
    beside = replace(bare_lab, path=tmp_path / "beside")
    beside.regen("init", "--yes", "--claude", "none", "--no-config")
    beside.regen("record", "Only beside")
    for lab, expected in ((bare_lab, []), (beside, ["Only beside"])):
        (lab.path / "new").write_text("new\n")
        lab.git("add", "-A")
        lab.commit("New")
        assert lab.texts() == expected
        lab.let_hooks_finish()
    bare_lab.regen("deinit")
    assert not (bare_lab.path / ".git" / "hooks" / "post-commit").exists()


def test_in_a_reftable_repository_nothing_starts_git_while_no_ref_moves(
    bare_lab: Lab, tmp_path: Path
) -> None:
    from regen_git.capture.place import MAIN, place_of
    from regen_git.capture.reflog import forward, read_new

    lab = reftable(bare_lab, tmp_path)
    place = place_of(lab.repo)
    seen = f"{place.data}/seen/{MAIN}"
    _, end = read_new(place, MAIN)
    forward(place, MAIN, end)
    later = time.time_ns() + 10**9
    os.utime(seen, ns=(later, later))
    assert is_unchanged(place, MAIN, seen)
    assert read_new(place, MAIN) == ([], end)
    os.utime(seen, ns=(0, 0))
    assert not is_unchanged(place, MAIN, seen)
    lab.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "--allow-empty", "-m", "More")
    [moved], after = read_new(place, MAIN)
    assert (moved.commit, after) == (lab.git("rev-parse", "HEAD"), end + 1)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[extensions]\n\tobjectformat = sha256\n", "sha256"),
        ('[extensions] objectFormat="sha256"\n', "sha256"),
        ("[extensions]\n\tobjectformat = sha1\n\tcompatobjectformat = sha256\n", "sha1"),
        ("[core]\n\tbare = false\n", "sha1"),
    ],
)
def test_the_kind_of_ids_is_read_without_git(text: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text)
    assert hash_name(str(tmp_path)) == name
