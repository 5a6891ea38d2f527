"""A secret in a prompt, recorded before a rule knew it: gone from every object, here and in every clone."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder
from support.histories import AsBefore, History
from support.killing import Instant, Place, Victim, can_trace, end, places_of
from support.model_server import ModelServer
from support.team import Clone, Team, intent

from regen_git.capture.inbox import Entry, Inbox
from regen_git.domain.intent import Tombstone
from regen_git.errors import NoRecordedReplyError
from regen_git.ledger.codec import document, split, union
from regen_git.ledger.encoding import digest_of, encode
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, Ledger, guard
from regen_git.llm.client import Reply, Usage
from regen_git.llm.replies import REPLIES_REF, ReplyStore
from regen_git.sharing.purging import Wish, purge

ROOT = Path(__file__).resolve().parents[2]
SECRET = "sk-ant-" + "api03-Zq8vW2kLm5Rt7Yp1Xc4Nb"
PROMPT = f"Call the service.\nThe key is {SECRET} for now."
OTHER = "0" * 15 + "9"


def stored(where: Path) -> bytes:
    """Return every object of a repository, reachable or not, loose or packed."""
    args = ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered"]
    return subprocess.run(args, cwd=where, check=True, capture_output=True).stdout


def files(where: Path) -> bytes:
    """Return every file below a folder."""
    paths = [Path(folder, name) for folder, _, names in os.walk(where) for name in names]
    return b"\0".join(path.read_bytes() for path in paths)


def holds(where: Path, text: str = SECRET) -> bool:
    return text.encode() in stored(where) or text.encode() in files(where / ".git")


def reply(clone: Clone, text: str, digest: str = "a" * 64) -> str:
    store = ReplyStore(clone.repo.opened)
    made = store.put(digest, Reply(text, "stop", Usage(1, 1), None, "m"))
    store.flush()
    return made


def purged(clone: Clone, *args: str) -> dict[str, Any]:
    done = clone.run("purge", "--yes", "--json", *args)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def push(clone: Clone, told: dict[str, Any]) -> None:
    """Do what a purge has printed."""
    for line in told["pushes"].values():
        subprocess.run(line, shell=True, cwd=clone.repo.path, check=True, capture_output=True)


def is_sound(clone: Clone) -> bool:
    return "missing" not in clone.git("fsck", "--full")


def test_nothing_is_left_in_any_object_here_in_the_remote_and_in_a_fresh_clone(
    team: Team, ada: Clone
) -> None:
    history = History(ada.repo)
    history.asked("Say hello.", {"src/hello.py": "hello = 1\n"})
    history.asked(PROMPT, {"src/key.py": "def call(): ...\n"}, subject="Call the service")
    history.asked("Say more.", {"src/more.py": "more = 2\n"})
    ada.git("-c", "notes.rewriteRef=refs/notes/regen*", "commit", "-q", "--amend", "-m", "Amended\n\n(once)")
    answers = AsBefore(history)
    ada.git("config", "--global", "user.name", "Ada")

    def answer(body: dict[str, Any]) -> str:
        said = f"I use {SECRET} as you said.\n\n" if SECRET in json.dumps(body) else ""
        return said + answers(body)

    with ModelServer(answer) as server:
        ada.git("config", "regen.apiBase", server.url)
        os.environ["OPENAI_API_KEY"] = "none"
        try:
            done = ada.run("replay", "--model", "openai/gpt-4o", "--name", "anew", "--rewrite", "--json")
        finally:
            del os.environ["OPENAI_API_KEY"]
    assert done.returncode == 0, done.stderr
    ada.git("push", "-q", "origin", "HEAD:main", "regen/anew")
    ada.sync("--replies")
    ada.git("gc", "-q")
    assert holds(ada.repo.path)
    assert SECRET.encode() in stored(team.remote.path)
    before = ada.git("rev-parse", "HEAD", "regen/anew")

    told = purged(ada, "0" * 15 + "2", "--keep-redacted")

    assert (told["replies"], told["revisions"], told["held_by"], told["troubles"]) == (1, 1, [], [])
    assert not holds(ada.repo.path)
    assert is_sound(ada)
    assert ada.git("rev-parse", "HEAD", "regen/anew") == before
    assert "[redacted:anthropic-key]" in ada.run("log", "--json").stdout
    push(ada, told)
    fresh = team.clone("fresh", url=f"file://{team.remote.path}")
    fresh.sync("--replies")
    assert not holds(fresh.repo.path)
    assert fresh.documents() == ada.documents()
    team.remote.git("reflog", "expire", "--expire=all", "--all")
    team.remote.git("gc", "-q", "--prune=now")
    assert SECRET.encode() not in stored(team.remote.path)
    locked = ada.run("replay", "--model", "openai/gpt-4o", "--name", "anew", "--rewrite", "--locked")
    assert locked.returncode != 0
    assert "was purged" in locked.stderr or "no reply is recorded" in locked.stderr


def test_a_clone_that_still_has_it_loses_it_when_it_syncs_and_does_not_bring_it_back(
    team: Team, ada: Clone, bob: Clone
) -> None:
    ada.record(1, text=PROMPT)
    reply(ada, f"so {SECRET}")
    ada.quick(replies=True)
    bob.quick(replies=True)
    bob.record(3, "HEAD^")
    push(ada, purged(ada, "0" * 15 + "1"))

    report = bob.quick(replies=True)
    ada.quick(replies=True)

    assert any("purge --follow" in one for one in report.warnings)
    assert SECRET not in bob.git("log", "-p", "--all", "--reflog")
    assert (ada.ids(), ada.ids("HEAD^")) == ([], [3])
    assert SECRET.encode() in stored(bob.repo.path)
    assert purged(bob, "--follow")["objects"] > 0
    for one in (ada, bob):
        assert not holds(one.repo.path)
        assert is_sound(one)
    assert bob.git("rev-parse", INTENTS_REF, REPLIES_REF) == ada.git("rev-parse", INTENTS_REF, REPLIES_REF)
    clone = team.clone("late", url=f"file://{team.remote.path}")
    clone.quick(replies=True)
    assert not holds(clone.repo.path)


def test_a_remote_that_still_has_it_does_not_bring_it_back_and_the_way_to_replace_it_is_said(
    team: Team, ada: Clone
) -> None:
    ada.record(1, text=PROMPT)
    ada.record(2)
    ada.quick()
    purged(ada, "0" * 15 + "1")

    first = ada.quick()

    command = first.warnings[-1][first.warnings[-1].index("git push") :]
    assert (first.pushed, ada.ids()) == ({}, [2])
    assert SECRET not in ada.git("log", "-p", INTENTS_REF)
    subprocess.run(command, shell=True, cwd=ada.repo.path, check=True, capture_output=True)
    assert ada.quick().warnings == []
    assert SECRET not in team.remote.git("log", "-p", INTENTS_REF)


def test_git_that_overwrites_a_note_and_the_reflog_do_not_bring_it_back(ada: Clone) -> None:
    ada.record(1, text=PROMPT)
    guard(ada.repo.opened)
    old = ada.git("rev-parse", INTENTS_REF)
    purge(ada.repo.opened, Wish((intent(1).id,)))
    # As a writer does that read the notes before the purge and wrote them after it.
    ada.git("fetch", "-q", "origin")
    new = ada.git("rev-parse", INTENTS_REF)

    guard(ada.repo.opened)

    assert ada.git("rev-parse", INTENTS_REF) == new
    assert ada.git("reflog", INTENTS_REF) == ""
    assert "missing" in ada.repo.git("cat-file", "--batch-check", stdin=f"{old}\n".encode())


def test_a_purge_that_is_killed_after_the_refs_have_moved_is_finished_by_the_next_one(
    ada: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.record(1, text=PROMPT)
    ada.record(2)
    guard(ada.repo.opened)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("regen_git.sharing.purging.work._tidy", killed)
        with pytest.raises(KeyboardInterrupt):
            purge(ada.repo.opened, Wish((intent(1).id,)))
    guard(ada.repo.opened)
    assert ada.ids() == [2]
    assert SECRET not in ada.git("log", "-p", INTENTS_REF)
    assert holds(ada.repo.path)

    purge(ada.repo.opened, Wish((intent(1).id,)))

    assert not holds(ada.repo.path)
    assert ada.ids() == [2]


def test_wherever_a_purge_is_killed_the_ledger_is_whole_and_the_next_one_finishes(
    ada: Clone, tmp_path: Path
) -> None:
    ada.record(1, text=PROMPT)
    ada.record(2)
    reply(ada, f"so {SECRET}")
    guard(ada.repo.opened)
    ada.git("gc", "-q")
    first = tmp_path / "whole"
    shutil.copytree(ada.repo.path, first, symlinks=True)

    def victim(where: Path) -> Victim:
        argv = (sys.executable, "-m", "regen_git", "purge", "--yes", "0" * 15 + "1")
        return Victim(argv, where, env={**os.environ, "PYTHONPATH": str(ROOT)})

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    rng = random.Random(11)
    chosen: list[Instant | Place] = [Instant(rng.uniform(0.2, 1.5), whole=True)]
    if can_trace():
        shutil.copytree(first, tmp_path / "count", symlinks=True)
        chosen += rng.sample(places_of(victim(tmp_path / "count"), scratch), 6)
    for number, how in enumerate(chosen):
        case = Clone(RepoBuilder(tmp_path / f"case{number}"))
        shutil.copytree(first, case.repo.path, symlinks=True)
        end(victim(case.repo.path), how, scratch)

        assert case.ids() in ([1, 2], [2]), how
        assert is_sound(case), how
        guard(case.repo.opened)
        purged(case, "0" * 15 + "1")

        assert not holds(case.repo.path), how
        assert (case.ids(), is_sound(case)) == ([2], True), how


def test_other_prompts_replies_and_lost_work_stay(ada: Clone) -> None:
    ada.record(1, text=PROMPT)
    ada.record(2, text="Something else that is quite long")
    mine = ada.repo.git("hash-object", "-w", "--stdin", stdin=b"lost work of mine\n")
    kept = reply(ada, "no secret", "b" * 64)
    gone = reply(ada, f"the key {SECRET}", "b" * 64)
    ada.git("gc", "-q")
    before = ada.git("log", "--format=%s %an %ad", INTENTS_REF)

    purged(ada, "0" * 15 + "1")

    assert ada.git("cat-file", "-p", mine) == "lost work of mine"
    assert ada.ids() == [2]
    assert before in ada.git("log", "--format=%s %an %ad", INTENTS_REF)
    store = ReplyStore(ada.repo.opened)
    assert [one for one, _ in store.get("b" * 64)] == [kept]
    with pytest.raises(NoRecordedReplyError, match="was purged"):
        store.read("b" * 64, gone)
    assert reply(ada, f"the key {SECRET}", "b" * 64) == gone
    assert gone not in [one for one, _ in ReplyStore(ada.repo.opened).get("b" * 64)]


def test_inbox_journals_and_logs_are_cleaned_line_by_line(ada: Clone) -> None:
    ada.record(1, text=PROMPT)
    data = ada.repo.opened.data_dir
    raw = encode(intent(1, PROMPT)).decode()
    entries = [
        Entry("prompt", agent="claude", session="s", turn="t", id="0" * 15 + "1", text=PROMPT),
        Entry(
            "bound", agent="claude", session="s", turns=("t",), id="0" * 15 + "1", commit=ada.head, intent=raw
        ),
    ]
    Inbox(str(data)).append(entries)
    journal = data / "replays" / "one" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text(json.dumps({"state": "x", "note": f"see {SECRET}"}) + "\n{torn " + SECRET)
    (data / "log").write_text(f"2026 flush: {SECRET}\n")

    told = purged(ada, "0" * 15 + "1", "--keep-redacted")

    assert len(told["files"]) == 3
    assert not holds(ada.repo.path)
    after = Inbox(str(data)).read()
    assert [one.kind for one in after] == [one.kind for one in entries]
    assert "[redacted:anthropic-key]" in after[0].text
    assert "purge:" in after[1].intent
    assert "revision: 2" in after[1].intent
    assert json.loads(journal.read_text().splitlines()[0])["note"] == "see [redacted:anthropic-key]"


def test_what_is_the_persons_own_is_listed_and_not_rewritten(ada: Clone) -> None:
    head = ada.repo.commit(f"Call it with {SECRET}", {"conf/key.txt": SECRET + "\n"})
    ada.git("branch", "regen/anew")
    ada.record(1, text=PROMPT)

    done = ada.run("purge", "--yes", "--json", "0" * 15 + "1")
    told = json.loads(done.stdout)

    assert ada.head == head
    assert (
        f"file 'conf/key.txt' of commit {head[:12]} in refs/heads/main, refs/heads/regen/anew" in done.stderr
    )
    assert f"message of commit {head[:12]}" in done.stderr
    assert "git filter-repo" in done.stderr
    assert {one["kind"] for one in told["held_by"]} == {"blob", "commit"}


def test_a_dry_run_writes_nothing_and_says_the_same(ada: Clone) -> None:
    ada.record(1, text=PROMPT)
    before = (ada.git("for-each-ref"), sorted(stored(ada.repo.path).split(b"\n")))

    done = ada.run("purge", "--dry-run", "0" * 15 + "1")

    assert done.returncode == 0
    assert "would go: 1 document and 0 recorded replies" in done.stdout
    assert (ada.git("for-each-ref"), sorted(stored(ada.repo.path).split(b"\n"))) == before


def test_nobody_to_ask_and_nothing_to_purge_are_said(ada: Clone) -> None:
    ada.record(1, text="nothing secret in here")

    assert "nobody is there to be asked" in ada.run("purge", "0" * 15 + "1").stderr
    assert "no intent 'ffff' is known" in ada.run("purge", "--yes", "ffff").stderr
    assert "no rule finds a secret" in ada.run("purge", "--yes", "--keep-redacted", "0" * 15 + "1").stderr
    assert ada.run("purge", "--yes").returncode == 2
    assert ada.ids() == [1]


def test_a_text_that_no_rule_knows_is_named_by_a_file(ada: Clone, tmp_path: Path) -> None:
    ada.record(1, text="Our customer is Zanzibar Heavy Industries.")
    ada.record(2, "HEAD^", text="Write to Zanzibar Heavy Industries, too.")
    ada.record(3)
    listed = tmp_path / "leaked"
    listed.write_text("Zanzibar Heavy\n")

    told = purged(ada, "--text-file", str(listed), "--keep-redacted")

    assert len(told["intents"]) == 2
    assert not holds(ada.repo.path, "Zanzibar Heavy")
    assert ada.ids() == [1, 3]
    words = Ledger(ada.repo.opened).of(ada.head).intents[intent(1).id]
    assert (words.revision, words.prompts[0].text) == (2, "Our customer is [redacted:named] Industries.")


def test_private_notes_and_prompts_in_several_documents_go_too(ada: Clone) -> None:
    long = "A log follows.\n" + "line of a log\n" * 90_000 + f"and {SECRET}\n" + "x" * 200_000
    ada.record(1, text=PROMPT, ref=PRIVATE_REF)
    ada.record(2, text=long)
    assert holds(ada.repo.path)

    purged(ada, "0" * 15 + "1", "0" * 15 + "2", "--keep-redacted")

    assert not holds(ada.repo.path)
    words = Ledger(ada.repo.opened).of(ada.head).intents[intent(2).id].prompts[0].text
    assert words == long.replace(SECRET, "[redacted:anthropic-key]")
    assert ada.git("for-each-ref", "--format=x", INTENTS_REF, PRIVATE_REF) == "x\nx"


NOTES = st.lists(st.sampled_from([encode(intent(n, f"text {n}")) for n in range(6)]), max_size=8)


@settings(max_examples=60)
@given(st.lists(NOTES, min_size=1, max_size=4), st.sets(st.integers(0, 5)), st.randoms())
def test_no_union_with_a_tombstone_has_its_document(
    ledgers: list[list[bytes]], dead: set[int], luck: Any
) -> None:
    gone = {document(intent(n, f"text {n}")).digest: intent(n).id for n in dead}
    notes = [b"".join(one) for one in ledgers] + [encode(Tombstone(one, d)) for d, one in gone.items()]
    luck.shuffle(notes)

    left = {digest_of(raw) for raw in split(union(*notes))}
    again = {digest_of(raw) for raw in split(union(union(*notes[:2]), *notes[1:], *notes))}

    assert not left & gone.keys()
    assert left == again
