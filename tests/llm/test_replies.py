"""Recorded replies are lost by nothing: not a kill, not another writer, not a merge."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder

from regen_git.errors import ModelError, NoRecordedReplyError, RegenError
from regen_git.git.repository import Repository
from regen_git.llm.client import Reply, Usage
from regen_git.llm.replies import REPLIES_REF, ReplyStore
from regen_git.llm.reply_document import LIMIT_BYTES

if TYPE_CHECKING:
    from pathlib import Path


def digest(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def reply(text: str) -> Reply:
    return Reply(text, "stop", Usage(10, 5), 0.001, "gpt-4o")


def texts(store: ReplyStore, name: object) -> set[str]:
    return {found.text for _, found in store.get(digest(name))}


def spooled(repo: RepoBuilder) -> list[Path]:
    return [path for path in (repo.path / ".git/regen/replies").rglob("*") if path.is_file()]


def junk_ref(repo: RepoBuilder, files: dict[str, bytes]) -> str:
    """Point the replies ref at a commit of any files and return it."""
    lines = []
    for path, data in files.items():
        blob = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=data)
        lines.append(f"100644 {blob}\t{path.replace('<id>', blob)}")
    index = {"GIT_INDEX_FILE": str(repo.path / ".git/scratch-index")}
    repo.git("update-index", "--add", "--index-info", stdin="\n".join(lines).encode() + b"\n", env=index)
    commit = repo.git("commit-tree", "-m", "junk", repo.git("write-tree", env=index))
    repo.git("update-ref", REPLIES_REF, commit)
    return commit


def test_a_reply_can_be_read_before_and_after_the_flush(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    reply_id = store.put(digest(1), reply("one"))
    assert store.get(digest(1)) == [(reply_id, reply("one"))]
    assert store.read(digest(1), reply_id) == reply("one")
    tip = store.flush()
    assert tip == repo.git("rev-parse", REPLIES_REF)
    assert spooled(repo) == []
    for reader in (store, ReplyStore(repo.opened)):
        assert reader.get(digest(1)) == [(reply_id, reply("one"))]
        assert reader.read(digest(1), reply_id) == reply("one")


def test_the_id_is_the_blob_that_a_person_can_show(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    reply_id = store.put(digest(1), reply("hello\n"))
    store.flush()
    listed = repo.git("ls-tree", "-r", "--name-only", REPLIES_REF)
    assert listed == f"{digest(1)[:2]}/{digest(1)[2:]}/{reply_id}"
    shown = repo.git("show", reply_id)
    assert shown.startswith("format: 1\nmodel: gpt-4o\n")
    assert shown.endswith("\n\nhello")


def test_the_same_reply_twice_is_one_file_and_two_replies_are_two(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    assert store.put(digest(1), reply("a")) == store.put(digest(1), reply("a"))
    store.put(digest(1), reply("b"))
    first = store.flush()
    store.put(digest(1), reply("a"))
    assert spooled(repo) == []
    assert store.flush() == first
    assert texts(store, 1) == {"a", "b"}
    assert [found for found, _ in store.get(digest(1))] == sorted(found for found, _ in store.get(digest(1)))


def test_nothing_recorded_reads_as_nothing(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    assert store.get(digest(1)) == []
    assert store.flush() is None
    with pytest.raises(NoRecordedReplyError, match="is not recorded here") as caught:
        store.read(digest(1), "0" * 40)
    assert "refs/regen/replies" in caught.value.hint


def test_a_reply_put_before_a_kill_is_there_afterwards(repo: RepoBuilder) -> None:
    code = (
        "import os, signal, pathlib\n"
        "from regen_git.git.repository import Repository\n"
        "from regen_git.llm.client import Reply, Usage\n"
        "from regen_git.llm.replies import ReplyStore\n"
        f"store = ReplyStore(Repository.open(pathlib.Path({str(repo.path)!r})))\n"
        f"store.put({digest(1)!r}, Reply('kept', 'length', Usage(1, 1), None, 'm'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    store = ReplyStore(repo.opened)
    assert texts(store, 1) == {"kept"}
    store.flush()
    assert texts(ReplyStore(repo.opened), 1) == {"kept"}


def test_a_flush_that_was_killed_before_it_cleaned_up_is_only_finished(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    store.put(digest(1), reply("kept"))
    (left,) = spooled(repo)
    data = left.read_bytes()
    tip = store.flush()
    left.parent.mkdir()
    left.write_bytes(data)
    again = ReplyStore(repo.opened)
    assert len(again.get(digest(1))) == 1
    assert again.flush() == tip
    assert spooled(repo) == []


def test_a_damaged_spool_file_is_passed_over_and_kept(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    store.put(digest(1), reply("good"))
    bad = store.put(digest(1), reply("bad"))
    path = repo.path / ".git/regen/replies" / digest(1) / bad
    path.write_bytes(path.read_bytes()[:-2])
    assert texts(store, 1) == {"good"}
    assert any("damaged" in warning for warning in store.warnings)
    store.flush()
    assert spooled(repo) == [path]


def test_only_old_leftovers_of_killed_writers_are_removed(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    store.put(digest(1), reply("good"))
    folder = repo.path / ".git/regen/replies" / digest(1)
    (folder / ".new-1-1").write_bytes(b"half")
    (folder / ".new-1-2").write_bytes(b"half")
    os.utime(folder / ".new-1-1", (time.time() - 90_000,) * 2)
    assert texts(store, 1) == {"good"}
    store.flush()
    assert [path.name for path in spooled(repo)] == [".new-1-2"]


def test_two_stores_that_flush_keep_each_others_replies(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("first")
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"))
    ours, theirs = ReplyStore(repo.opened), ReplyStore(Repository.open(tmp_path / "linked"))
    ours.put(digest(1), reply("ours"))
    assert texts(theirs, 1) == {"ours"}
    ours.flush()
    theirs.put(digest(2), reply("theirs"))
    theirs.flush()
    ours.refresh()
    assert texts(ours, 1) | texts(ours, 2) == {"ours", "theirs"}
    assert repo.git("rev-list", "--count", REPLIES_REF) == "2"


def test_a_ref_that_moves_during_a_flush_is_united_with_again(repo: RepoBuilder) -> None:
    class Overtaken(ReplyStore):
        """A store that another one overtakes once, between reading the ref and moving it."""

        def _united(self, tip: str | None, documents: dict[str, bytes], theirs: str | None) -> str | None:
            made = super()._united(tip, documents, theirs)
            if not ReplyStore(repo.opened).get(digest("other")):
                other = ReplyStore(repo.opened)
                other.put(digest("other"), reply("other"))
                other.flush()
            return made

    store = Overtaken(repo.opened)
    store.put(digest("mine"), reply("mine"))
    tip = store.flush()
    assert tip == repo.git("rev-parse", REPLIES_REF)
    assert texts(store, "mine") == {"mine"}
    assert texts(store, "other") == {"other"}


def test_concurrent_writers_lose_nothing(repo: RepoBuilder) -> None:
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            store = ReplyStore(repo.opened)
            for number in range(6):
                store.put(digest(number), reply(f"{writer}-{number}"))
                store.flush()
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = ReplyStore(repo.opened)
    for number in range(6):
        assert texts(store, number) == {f"{writer}-{number}" for writer in range(3)}


def test_a_reply_that_another_process_recorded_meanwhile_can_be_read_by_id(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    assert store.get(digest(1)) == []
    other = ReplyStore(repo.opened)
    reply_id = other.put(digest(1), reply("late"))
    other.flush()
    assert store.read(digest(1), reply_id) == reply("late")


def test_merging_another_clones_replies_is_union(repo: RepoBuilder, tmp_path: Path) -> None:
    ours = ReplyStore(repo.opened)
    ours.put(digest("both"), reply("shared"))
    base = ours.flush()
    other = RepoBuilder.init(tmp_path / "other")
    other.git("fetch", "-q", str(repo.path), f"{REPLIES_REF}:{REPLIES_REF}")
    theirs = ReplyStore(other.opened)
    for store, name in ((ours, "ours"), (theirs, "theirs")):
        store.put(digest("both"), reply(name))
        store.put(digest(name), reply(name))
        store.flush()
    repo.git("fetch", "-q", str(other.path), f"{REPLIES_REF}:refs/fetched")
    fetched = repo.git("rev-parse", "refs/fetched")
    merged = ours.merge(fetched)
    assert texts(ours, "both") == {"shared", "ours", "theirs"}
    assert texts(ours, "theirs") == {"theirs"}
    assert ours.merge(fetched) == merged
    assert base is not None
    assert ours.merge(base) == merged
    other.git("fetch", "-q", str(repo.path), f"{REPLIES_REF}:refs/fetched")
    assert theirs.merge(other.git("rev-parse", "refs/fetched")) == merged
    assert texts(theirs, "ours") == {"ours"}


def test_a_first_merge_takes_what_was_fetched_as_it_is(repo: RepoBuilder, tmp_path: Path) -> None:
    source = ReplyStore(repo.opened)
    source.put(digest(1), reply("one"))
    tip = source.flush()
    assert tip is not None
    other = RepoBuilder.init(tmp_path / "other")
    other.git("fetch", "-q", str(repo.path), f"{REPLIES_REF}:refs/fetched")
    store = ReplyStore(other.opened)
    assert store.merge(tip) == tip
    assert texts(store, 1) == {"one"}


NAMES = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=6)


@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ours=NAMES, theirs=NAMES)
def test_merging_either_way_round_gives_the_same_tree(
    repo: RepoBuilder, ours: set[tuple[int, int]], theirs: set[tuple[int, int]]
) -> None:
    tips = []
    for names in (ours, theirs):
        repo.git("update-ref", "-d", REPLIES_REF)
        store = ReplyStore(repo.opened)
        for request, text in names:
            store.put(digest(request), reply(str(text)))
        tips.append(store.flush())
    trees = set()
    for first, second in (tips, tips[::-1]):
        repo.git("update-ref", "-d", REPLIES_REF)
        store = ReplyStore(repo.opened)
        for tip in (first, second):
            if tip is not None:
                store.merge(tip)
        trees.add(repo.git("rev-parse", "-q", "--verify", f"{REPLIES_REF}^{{tree}}") if ours | theirs else "")
        for request in range(4):
            assert texts(store, request) == {str(text) for asked, text in ours | theirs if asked == request}
    assert len(trees) == 1


def test_hostile_contents_of_the_ref_are_passed_over_with_a_warning(repo: RepoBuilder) -> None:
    folder = f"{digest(1)[:2]}/{digest(1)[2:]}"
    junk_ref(
        repo,
        {
            "README": b"hello",
            "ab": b"a file where a folder belongs",
            f"{folder}/{'0' * 40}": b"a name that is not its id",
            f"{folder}/<id>": b"\xff\x00 not a reply",
            f"{digest(2)[:2]}/{digest(2)[2:]}": b"a file where a folder belongs",
        },
    )
    store = ReplyStore(repo.opened)
    assert store.get(digest(1)) == []
    assert len(store.warnings) == 1
    assert store.get(digest(2)) == []
    kept = store.put(digest(1), reply("mine"))
    store.flush()
    assert [found for found, _ in store.get(digest(1))] == [kept]


def test_a_huge_blob_in_the_ref_is_passed_over(repo: RepoBuilder) -> None:
    junk_ref(repo, {f"{digest(1)[:2]}/{digest(1)[2:]}/<id>": b"x" * (LIMIT_BYTES + 1)})
    store = ReplyStore(repo.opened)
    assert store.get(digest(1)) == []
    assert "larger than" in store.warnings[0]


def test_only_replies_are_taken_from_a_foreign_commit(repo: RepoBuilder) -> None:
    store = ReplyStore(repo.opened)
    store.put(digest(1), reply("mine"))
    mine = store.flush()
    assert mine is not None
    foreign = junk_ref(repo, {"evil/deep/er/file": b"x", "README": b"x", f"{digest(2)[:2]}/x/<id>": b"x"})
    repo.git("update-ref", REPLIES_REF, mine)
    store.merge(foreign)
    assert len(repo.git("ls-tree", "-r", REPLIES_REF).splitlines()) == 1
    with pytest.raises(RegenError, match="is a tree"):
        store.merge(repo.git("rev-parse", f"{foreign}^{{tree}}"))


@pytest.mark.parametrize("name", ["", "../../../etc/passwd", "A" * 64, "a" * 63])
def test_what_is_no_digest_never_becomes_a_path(repo: RepoBuilder, name: str) -> None:
    store = ReplyStore(repo.opened)
    with pytest.raises(ValueError, match="not the digest"):
        store.put(name, reply("x"))
    with pytest.raises(ValueError, match="not the digest"):
        store.get(name)


def test_a_reply_that_is_too_large_is_refused(repo: RepoBuilder) -> None:
    with pytest.raises(ModelError, match="at most"):
        ReplyStore(repo.opened).put(digest(1), reply("x" * LIMIT_BYTES))
    assert spooled(repo) == []


def test_a_repository_with_long_ids_keeps_replies_too(tmp_path: Path) -> None:
    repo = RepoBuilder.init(tmp_path / "long", "--object-format=sha256")
    store = ReplyStore(repo.opened)
    reply_id = store.put(digest(1), reply("one"))
    assert len(reply_id) == 64
    assert store.get(digest(1)) == [(reply_id, reply("one"))]
