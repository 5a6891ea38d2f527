from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regen_git.errors import RefMovedError
from regen_git.git.notes import read_note, scan_notes, update_notes
from regen_git.git.refs import read_ref, update_ref

if TYPE_CHECKING:
    from support.builder import RepoBuilder

REF = "refs/notes/regen"


def test_notes_written_in_one_batch_are_what_git_reads(repo: RepoBuilder) -> None:
    commits = [repo.commit(f"c{n}", {"f": str(n)}) for n in range(5)]
    opened = repo.opened

    update_notes(opened, REF, {oid: lambda _old, n=n: b"note %d\n" % n for n, oid in enumerate(commits)}, "x")

    assert repo.git("notes", "--ref=regen", "show", commits[3]) == "note 3"
    assert read_note(opened, REF, commits[1]) == b"note 1\n"
    assert list(scan_notes(opened, REF, ["HEAD"])) == [
        (oid, b"note %d\n" % n) for n, oid in reversed(list(enumerate(commits)))
    ]


def test_a_note_that_git_wrote_keeps_its_place_when_it_changes(repo: RepoBuilder) -> None:
    commit = repo.commit("c", {"f": "1"})
    repo.git("notes", "--ref=regen", "add", "-m", "by git", commit)

    update_notes(repo.opened, REF, {commit: lambda old: old + b"and us\n"}, "x")

    assert repo.git("notes", "--ref=regen", "show", commit) == "by git\nand us"
    assert repo.git("notes", "--ref=regen", "list").count("\n") == 0


def test_a_note_that_becomes_empty_goes(repo: RepoBuilder) -> None:
    commit = repo.commit("c", {"f": "1"})
    update_notes(repo.opened, REF, {commit: lambda _: b"x\n"}, "x")

    update_notes(repo.opened, REF, {commit: lambda _: b""}, "x")

    assert read_note(repo.opened, REF, commit) == b""


def test_what_another_writer_added_meanwhile_is_not_lost(repo: RepoBuilder) -> None:
    commits = [repo.commit(f"c{n}", {"f": str(n)}) for n in range(2)]
    opened = repo.opened
    calls = []

    def late(old: bytes) -> bytes:
        if not calls:
            repo.git("notes", "--ref=regen", "add", "-m", "the other", commits[1])
        calls.append(old)
        return old + b"ours\n"

    update_notes(opened, REF, {commits[0]: late}, "x")

    assert len(calls) == 2
    assert read_note(opened, REF, commits[0]) == b"ours\n"
    assert read_note(opened, REF, commits[1]) == b"the other\n"


def test_a_ref_is_moved_only_from_where_it_was_seen(repo: RepoBuilder) -> None:
    first = repo.commit("a", {"f": "1"})
    second = repo.commit("b", {"f": "2"})
    opened = repo.opened
    update_ref(opened, "refs/heads/x", first, None)

    with pytest.raises(RefMovedError):
        update_ref(opened, "refs/heads/x", second, second)

    assert read_ref(opened, "refs/heads/x") == first
