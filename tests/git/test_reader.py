from __future__ import annotations

import gc
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from support.builder import RepoBuilder

from regen_git.errors import RegenError
from regen_git.git.reader import CatFile, close_readers, open_reader
from regen_git.git.trees import walk

_HASHES = ("sha1", "sha256")


@pytest.fixture(params=_HASHES)
def built(request: pytest.FixtureRequest, tmp_path: Path) -> RepoBuilder:
    """Return a repository of either kind of ids, with a commit, a tree, blobs and a tag."""
    repo = RepoBuilder.init(tmp_path / "kind", f"--object-format={request.param}")
    repo.commit("Start", {"a": "one\n", "b/c": b"\0\n\n \xff" * 1000, "empty": ""})
    repo.git("tag", "-a", "-m", "First", "v1")
    return repo


def children() -> set[int]:
    """Return the processes that this one has started and not waited for, dead ones too."""
    return {
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    }


def ids(repo: RepoBuilder) -> list[str]:
    return repo.git("rev-list", "--objects", "--no-object-names", "--all", "v1").split()


def test_both_readers_say_the_same(built: RepoBuilder) -> None:
    slow, fast = CatFile(built.opened), open_reader(built.opened)
    for oid in ids(built):
        kind, data = slow.read(oid)
        assert (int(kind), data) == tuple(fast.read(oid))
        assert built.git("cat-file", "-t", oid) == {1: "commit", 2: "tree", 3: "blob", 4: "tag"}[kind]
        assert oid in slow
        assert oid in fast


def test_what_is_not_there_is_a_miss_and_the_next_answer_is_right(built: RepoBuilder) -> None:
    reader = CatFile(built.opened)
    present, missing = ids(built)[0], "1" * len(built.opened.null_oid)
    for absent in (missing, "", "HEAD\n" + present, "no such thing", "\udcff"):
        with pytest.raises(KeyError):
            reader.read(absent)
        assert absent not in reader
    assert reader.read(present)[0] == 1


def test_an_object_made_after_the_reader_was_started_is_found(built: RepoBuilder) -> None:
    repo = built.opened
    assert "9" * len(repo.null_oid) not in repo.objects
    made = repo.objects.write("blob", b"new\n")
    repo.objects.flush()
    assert repo.objects.unflushed == 0
    assert repo.objects.read(made) == ("blob", b"new\n")
    assert built.git("cat-file", "blob", made) == "new"


def test_threads_may_read_at_once(built: RepoBuilder) -> None:
    reader = CatFile(built.opened)
    wanted = {oid: reader.read(oid) for oid in ids(built)}
    wrong: list[str] = []

    def read() -> None:
        for _ in range(30):
            wrong.extend(oid for oid, data in wanted.items() if reader.read(oid) != data or oid not in reader)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_reader_whose_git_was_ended_starts_another(built: RepoBuilder) -> None:
    close_readers()
    before = children()
    reader = CatFile(built.opened)
    oid = ids(built)[0]
    first = reader.read(oid)
    [process] = children() - before
    os.kill(process, signal.SIGKILL)
    assert reader.read(oid) == first


def test_a_repository_that_is_gone_is_said(built: RepoBuilder) -> None:
    reader = CatFile(built.opened)
    oid = ids(built)[0]
    reader.read(oid)
    reader.close()
    (built.path / ".git" / "HEAD").unlink()
    with pytest.raises(RegenError, match="stopped while it read"):
        reader.read(oid)


def test_no_process_stays_behind(built: RepoBuilder) -> None:
    close_readers()
    before = children()
    oid = ids(built)[0]
    closed, dropped, forgotten = (CatFile(built.opened) for _ in range(3))
    for reader in (closed, dropped, forgotten):
        reader.read(oid)
        assert oid in reader
    assert len(children() - before) == 6
    closed.close()
    del dropped, reader
    gc.collect()
    assert len(children() - before) == 2
    close_readers()
    assert children() == before
    assert forgotten.read(oid)[0] == 1


def test_objects_of_an_alternate_are_read(built: RepoBuilder, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", "--shared", str(built.path), str(tmp_path / "shared")], check=True)
    shared = RepoBuilder(tmp_path / "shared")
    tip = shared.commit("Here", {"new": "new\n"})
    store = shared.opened.objects
    assert store.read(tip)[0] == "commit"
    assert not (tmp_path / "shared" / ".git" / "objects" / ids(built)[0][:2] / ids(built)[0][2:]).exists()
    found = dict(walk(store, shared.git("rev-parse", "HEAD^{tree}")))
    assert sorted(found) == ["a", "b/c", "empty", "new"]
    assert store.blob(found["a"].oid) == b"one\n"
