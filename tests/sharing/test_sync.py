"""Two clones and more share a ledger through a bare remote: real git, files and file:// addresses."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.builder import RepoBuilder
from support.team import Clone, Team, intent

from regen_git.domain.intent import Tombstone
from regen_git.ledger.codec import document
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, PROVENANCE_REF, Ledger
from regen_git.llm.client import Reply, Usage
from regen_git.llm.replies import REPLIES_REF, ReplyStore
from regen_git.sharing.remotes import choose_remote

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
TRACKED = "refs/notes/remotes/origin/regen"


def test_two_clones_have_the_same_ledger_after_they_met(team: Team, ada: Clone, bob: Clone) -> None:
    ada.record(1)
    ada.record(2, "HEAD^")
    bob.record(3)
    Ledger(bob.repo.opened, PROVENANCE_REF).append_raw({bob.head: b"---\nprovenance: x\n"})

    first = ada.sync()
    second = bob.sync()
    third = ada.sync()

    assert (first["pushed"], first["fetched"]["intents"]) == ({INTENTS_REF: first["pushed"][INTENTS_REF]}, 0)
    assert (second["fetched"]["intents"], sorted(second["pushed"])) == (2, [INTENTS_REF, PROVENANCE_REF])
    assert (third["fetched"]["intents"], third["pushed"]) == (1, {})
    assert ada.ids() == bob.ids() == [1, 3]
    assert ada.documents() == bob.documents()
    assert ada.documents(PROVENANCE_REF) == bob.documents(PROVENANCE_REF) != {}
    assert ada.git("rev-parse", INTENTS_REF) == bob.git("rev-parse", INTENTS_REF) == team.ref()


def test_both_histories_are_parents_of_the_union(team: Team, ada: Clone, bob: Clone) -> None:
    ada.record(1)
    bob.record(2)
    tips = [one.git("rev-parse", INTENTS_REF) for one in (ada, bob)]
    ada.quick()
    bob.quick()

    assert team.remote.git("log", "-1", "--format=%P", INTENTS_REF).split() == [tips[1], tips[0]]


def test_a_fresh_clone_gets_everything(team: Team, ada: Clone) -> None:
    ada.record(1)
    ada.quick()
    url = f"file://{team.remote.path}"
    for name, args in {"whole": [], "shallow": ["--depth=1"], "bare": ["--bare"]}.items():
        fresh = team.clone(name, *args, url=url)
        report = fresh.sync()
        assert (fresh.ids(), report["pushed"], report["refspec_added"]) == ([1], {}, True), name
        assert fresh.sync()["refspec_added"] is False


def test_a_partial_clone_gets_the_notes_in_full(team: Team, ada: Clone) -> None:
    team.remote.git("config", "uploadpack.allowFilter", "true")
    team.remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    for number in range(5):
        ada.record(number)
    ada.quick()
    partial = team.clone("partial", "--filter=blob:none", "--no-checkout", url=f"file://{team.remote.path}")
    partial.git("fetch", "-q", "origin", f"+{INTENTS_REF}*:{TRACKED}*")
    partial.record(7)

    report = partial.sync()

    assert (partial.ids(), report["fetched"]["intents"]) == ([0, 1, 2, 3, 4, 7], 5)
    ada.quick()
    assert ada.ids() == partial.ids()


def test_a_remote_without_a_ledger_and_an_empty_one_are_fine(team: Team, ada: Clone) -> None:
    assert ada.sync()["pushed"] == {}
    assert team.ref() == ""
    empty = RepoBuilder.init(team.folder / "empty.git", "--bare")
    ada.git("remote", "add", "empty", str(empty.path))
    ada.record(1)

    assert list(ada.sync("empty")["pushed"]) == [INTENTS_REF]
    assert ada.git("ls-remote", "empty", INTENTS_REF).startswith(ada.git("rev-parse", INTENTS_REF))


def test_a_fetch_brings_the_ledger_once_the_refspec_is_set(ada: Clone, bob: Clone) -> None:
    bob.quick()
    ada.record(1)
    ada.quick()

    bob.git("fetch", "-q")

    assert bob.git("rev-parse", TRACKED) == ada.git("rev-parse", INTENTS_REF)
    assert bob.git("config", "--get-all", "remote.origin.fetch").splitlines()[1:] == [
        "+refs/notes/regen*:refs/notes/remotes/origin/regen*"
    ]


def test_who_pushed_meanwhile_is_fetched_and_united(team: Team, ada: Clone, bob: Clone) -> None:
    bob.record(2)
    bob.quick()
    ada.quick()
    bob.record(3)
    ada.record(1)
    # When the remote is about to take Ada's push, Bob's next one has just arrived.
    bob.git("push", "-q", "origin", f"{INTENTS_REF}:refs/heads/waiting")
    team.hook(
        "pre-receive",
        "[ -e raced ] && exit 0\n: >raced\n"
        "unset GIT_QUARANTINE_PATH\n"
        f"git update-ref {INTENTS_REF} refs/heads/waiting\nexit 0\n",
    )

    report = ada.sync()

    assert (report["tries"], report["fetched"]["intents"]) == (2, 1)
    assert ada.ids() == [1, 2, 3]
    assert team.ref() == ada.git("rev-parse", INTENTS_REF)
    assert team.remote.git("merge-base", "--is-ancestor", "refs/heads/waiting", INTENTS_REF) == ""


def test_a_remote_that_always_moves_ends_with_a_reason(
    team: Team, ada: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.sharing.sync._FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("regen_git.sharing.sync._TRIES", 3)
    team.remote.git("config", "user.name", "x")
    team.remote.git("config", "user.email", "x@example.org")
    ada.record(1)
    team.hook(
        "pre-receive",
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        'git notes --ref=regen append -m "text $(date +%N)" main\nexit 0\n',
    )

    report = ada.quick()

    assert "was moved by others 3 times" in str(report.failure)
    assert report.failure is not None
    assert report.failure.hint
    assert ada.ids() == [1]


def test_many_who_sync_at_once_all_get_through(team: Team) -> None:
    clones = [team.clone(f"c{n}") for n in range(4)]
    for number, one in enumerate(clones):
        one.record(number + 1)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "regen_git", "sync", "--yes"],
            cwd=one.repo.path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for one in clones
    ]
    for process in processes:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said

    clones[0].quick()

    assert clones[0].ids() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("update", 'case $1 in refs/notes/*) echo "no notes \033[31mhere" >&2; exit 1;; esac'),
        ("pre-receive", 'echo "no notes \033[31mhere" >&2; exit 1'),
    ],
)
def test_a_remote_that_refuses_notes_is_named_with_its_words(
    team: Team, ada: Clone, bob: Clone, hook: str, words: str
) -> None:
    bob.record(2)
    bob.quick()
    ada.record(1)
    before = team.ref()
    team.hook(hook, words + "\n")

    done = ada.run("sync", "--yes")

    assert done.returncode == 3
    assert "'origin' refuses the ledger" in done.stderr
    assert "no notes \\x1b[31mhere" in done.stderr
    assert "hint: nothing is lost" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert ada.ids() == [1, 2], "what was fetched stays"
    assert team.ref() == before


def test_a_remote_that_cannot_be_written_or_reached_is_explained(team: Team, ada: Clone) -> None:
    ada.record(1)
    ada.git("remote", "add", "gone", str(team.folder / "gone.git"))

    done = ada.run("sync", "gone", "--yes")

    assert done.returncode == 3
    assert "cannot fetch from 'gone'" in done.stderr
    assert "hint:" in done.stderr
    ada.git("config", "remote.origin.pushurl", str(team.folder / "gone.git"))
    done = ada.run("sync", "origin", "--yes")
    assert done.returncode == 3
    assert "cannot reach 'origin'" in done.stderr


def on_terminal(clone: Clone, *args: str, typed: str) -> tuple[int, str]:
    """Run git regen on a terminal of its own, type, and return its status and what was seen."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "regen_git", *args],
        cwd=clone.repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "dumb"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    sent = False
    # Linux says EIO when the other end is closed.
    with contextlib.suppress(OSError):
        while chunk := os.read(master, 4096):
            seen += chunk
            if b"from now on?" in seen and not sent:
                os.write(master, typed.encode())
                sent = True
    os.close(master)
    return process.wait(60), seen.decode().replace("\r\n", "\n")


def test_the_first_sync_shows_what_becomes_public_and_asks(team: Team, ada: Clone) -> None:
    ada.record(1, text="Add a \x1b[31mred button\nand more below")
    ada.record(2, "HEAD^", text="the older one")
    ada.record(9, ref=PRIVATE_REF, text="for me alone")

    status, seen = on_terminal(ada, "sync", typed="no\n")

    assert status == 0
    assert "would become public: 2 intents, 2 prompts, 2 documents in all" in seen
    assert "by Ada Example <ada@example.org>: 2 intents" in seen
    assert "| Add a \\x1b[31mred button" in seen
    assert "and more below" not in seen
    assert "for me alone" not in seen
    assert "stays here: 1 private intent" in seen
    assert str(team.remote.path) in seen
    assert team.ref() == ""


def test_consent_is_remembered_for_the_address(team: Team, ada: Clone) -> None:
    ada.record(1)
    status, _ = on_terminal(ada, "sync", typed="yes\n")
    assert (status, bool(team.ref())) == (0, True)
    ada.record(2)

    assert ada.run("sync").returncode == 0

    assert team.ref() == ada.git("rev-parse", INTENTS_REF)
    other = RepoBuilder.init(team.folder / "other.git", "--bare")
    ada.git("remote", "set-url", "origin", str(other.path))
    assert ada.run("sync").returncode == 3
    assert other.git("for-each-ref") == ""


def test_consent_is_for_the_address_that_is_pushed_to(team: Team, ada: Clone) -> None:
    ada.record(1)
    ada.quick()
    ada.record(2)
    other = RepoBuilder.init(team.folder / "other.git", "--bare")
    ada.git("config", f"url.{other.path}.pushInsteadOf", str(team.remote.path))

    done = ada.run("sync")

    assert done.returncode == 3
    assert "nobody has been asked" in done.stderr
    assert list(ada.sync()["pushed"]) == [INTENTS_REF]
    assert other.git("rev-parse", INTENTS_REF) == ada.git("rev-parse", INTENTS_REF)


def test_never_is_remembered_too_and_yes_overrides_it(team: Team, ada: Clone) -> None:
    ada.record(1)
    on_terminal(ada, "sync", typed="never\n")

    done = ada.run("sync")

    assert (done.returncode, team.ref()) == (0, "")
    assert "you said 'never'" in done.stdout
    assert ada.sync()["pushed"]


def test_without_a_terminal_nothing_is_published_unasked(team: Team, ada: Clone, bob: Clone) -> None:
    bob.record(2)
    bob.quick()
    before = team.ref()
    ada.record(1)

    done = ada.run("sync")

    assert done.returncode == 3
    assert "nobody has been asked yet" in done.stderr
    assert "hint: look with 'git regen sync --dry-run'" in done.stderr
    assert ada.ids() == [1, 2]
    assert team.ref() == before


def test_the_users_setting_comes_first(team: Team, ada: Clone) -> None:
    ada.record(1)
    ada.git("config", "regen.publish", "never")
    report = ada.sync()
    assert (report["pushed"], report["held"], team.ref()) == ({}, "regen.publish is 'never'", "")

    ada.git("config", "regen.publish", "always")
    assert ada.run("sync").returncode == 0
    assert team.ref()

    ada.git("config", "regen.publish", "perhaps")
    assert ada.run("sync").returncode == 3


def test_consent_cannot_come_with_the_tree(team: Team, ada: Clone) -> None:
    ada.repo.commit("Trap", {".regen/config.yaml": "publish: always\n", "published.json": "{}"})
    ada.record(1)

    assert ada.run("sync").returncode == 3
    assert team.ref() == ""


def test_what_is_private_never_leaves(team: Team, ada: Clone) -> None:
    ada.record(1)
    ada.record(9, ref=PRIVATE_REF, text="a very private word")
    ada.sync("--replies")

    assert team.remote.git("for-each-ref", "--format=%(refname)").split() == ["refs/heads/main", INTENTS_REF]
    everything = team.remote.git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
    blobs = [line.split()[0] for line in everything if " blob " in line]
    assert not any("a very private word" in team.remote.git("cat-file", "blob", blob) for blob in blobs)


def test_what_was_taken_out_and_stays_in_the_history_is_told(ada: Clone) -> None:
    ada.record(1)
    ada.record(2, "HEAD^")
    ada.git("notes", "--ref=regen", "remove", "HEAD^")

    done = ada.run("sync", "--dry-run")

    assert "with 1 document that you have taken out" in done.stdout


def test_a_dry_run_writes_nothing(team: Team, ada: Clone, bob: Clone) -> None:
    bob.record(2)
    bob.quick()
    ada.record(1)

    def everything(folder: Path) -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    before = everything(ada.repo.path), everything(team.remote.path)
    done = ada.run("sync", "--dry-run")
    shown = json.loads(ada.run("sync", "--dry-run", "--json").stdout)

    assert done.returncode == 0
    assert "from 'origin': something new" in done.stdout
    assert "would become public: 1 intent, 1 prompt, 1 document in all" in done.stdout
    assert (shown["dry_run"], shown["news"]) == (True, [INTENTS_REF])
    assert (everything(ada.repo.path), everything(team.remote.path)) == before


def test_fetch_only_publishes_nothing(team: Team, ada: Clone, bob: Clone) -> None:
    bob.record(2)
    bob.quick()
    before = team.ref()
    ada.record(1)

    assert ada.sync("--fetch-only")["pushed"] == {}

    assert (ada.ids(), team.ref()) == ([1, 2], before)


def test_replies_travel_only_when_asked_for(team: Team, ada: Clone, bob: Clone) -> None:
    digests = ["a" * 64, "b" * 64]
    for one, digest in zip((ada, bob), digests, strict=True):
        store = ReplyStore(one.repo.opened)
        store.put(digest, Reply(f"reply {digest[0]}", "stop", Usage(1, 1), None, "m"))
        store.flush()
    ada.quick()
    assert team.ref(REPLIES_REF) == ""

    ada.quick(replies=True)
    bob.quick(replies=True)
    ada.quick(replies=True)

    for one in (ada, bob):
        found = [ReplyStore(one.repo.opened).get(digest) for digest in digests]
        assert [len(some) for some in found] == [1, 1]
    assert ada.git("rev-parse", REPLIES_REF) == team.ref(REPLIES_REF)


def test_a_tombstone_wins_wherever_its_document_stands(ada: Clone, bob: Clone) -> None:
    secret = intent(1, "the secret")
    ada.record(1, text="the secret")
    ada.quick()
    bob.quick()
    Ledger(bob.repo.opened).append({bob.git("rev-parse", "HEAD^"): [secret]})
    bob.record(2)
    Ledger(ada.repo.opened).append({ada.head: [Tombstone(secret.id, document(secret).digest)]})
    ada.quick()

    # A bare tombstone leaves the document in the history of the remote: that is said, with what replaces it.
    said = bob.quick().warnings[-1]
    subprocess.run(said[said.index("git push") :], shell=True, cwd=bob.repo.path, check=True)
    ada.quick()

    assert ada.documents() == bob.documents()
    assert (bob.ids(), bob.ids("HEAD^")) == ([2], [])


def test_what_the_remote_took_out_is_not_lost_here(team: Team, ada: Clone) -> None:
    ada.record(1)
    ada.quick()
    team.remote.git("notes", "--ref=regen", "remove", "main")

    ada.quick()

    assert ada.ids() == [1]


HOSTILE = [
    b"\0\xff\xfe binary",
    b"---\n!!python/object/apply:os.system ['touch pwned']\n",
    b"---\na: &a [*a]\n",
    b"---\npurge: [\n",
    b"---\nintent: ../../etc\nprompts: 1\n",
    b"---\nintent: 00000000000000ff\nformat: 99\nprompts: []\n",
    b"\x1b]0;title\x07---\n---\n\n---",
    b"---\n" + b"deep: [" * 3000,
]


def test_hostile_notes_are_kept_as_data(ada: Clone, bob: Clone) -> None:
    commit = bob.head
    for number, raw in enumerate(HOSTILE):
        blob = bob.repo.git("hash-object", "-w", "--stdin", stdin=raw)
        where = commit if number == 0 else bob.repo.git("commit-tree", "HEAD^{tree}", "-m", str(number))
        bob.git("notes", "--ref=regen", "add", "-C", blob, where)
    bob.git("push", "-q", "origin", INTENTS_REF)
    ada.record(1)

    report = ada.sync()
    again = ada.sync()

    assert report["pushed"]
    assert again["pushed"] == {}
    assert 1 in ada.ids()
    assert not list(ada.repo.path.glob("**/pwned"))
    assert ada.run("log").returncode == 0
    bob.quick()
    assert bob.documents() == ada.documents()


def test_a_ledger_that_is_no_tree_of_notes_is_passed_over(team: Team, ada: Clone) -> None:
    ada.record(1)
    remote = team.remote
    blob = remote.git("hash-object", "-w", "--stdin", stdin=b"x")
    folder = remote.git("mktree", stdin=f"100644 blob {blob}\tconfig\n".encode())
    evil = f"040000 tree {folder}\t.git\n100644 blob {blob}\tno note\n160000 commit {ada.head}\tab\n"
    tree = remote.git("mktree", stdin=evil.encode())
    env = {name: os.environ[name] for name in os.environ if name.startswith("GIT_")}
    tip = remote.git("commit-tree", tree, "-m", "x", env=env)
    remote.git("update-ref", INTENTS_REF, tip)

    ada.quick()

    assert ada.ids() == [1]
    assert ada.git("ls-tree", "-r", "--name-only", INTENTS_REF).replace("/", "") == ada.head
    assert team.ref() == ada.git("rev-parse", INTENTS_REF)


def test_a_notes_ref_that_is_no_commit_is_said(team: Team, ada: Clone) -> None:
    blob = team.remote.git("hash-object", "-w", "--stdin", stdin=b"x")
    team.remote.git("update-ref", INTENTS_REF, blob)
    ada.record(1)

    done = ada.run("sync", "--yes")

    assert done.returncode == 3
    assert "notes must be a commit" in done.stderr
    assert ada.ids() == [1]


def test_a_tree_that_holds_itself_many_times_over_is_refused(
    team: Team, ada: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.git.notestrees._MOST", 20_000)
    remote = team.remote
    below = remote.git("hash-object", "-w", "--stdin", stdin=b"x")
    lines = "".join(f"100644 blob {below}\t{n:02x}\n" for n in range(256))
    for _ in range(6):
        tree = remote.git("mktree", stdin=lines.encode())
        lines = "".join(f"040000 tree {tree}\t{n:02x}\n" for n in range(256))
    remote.git("update-ref", INTENTS_REF, remote.git("commit-tree", tree, "-m", "bomb"))
    ada.record(1)

    report = ada.quick()

    assert "entries" in report.warnings[0]
    assert report.failure is not None
    assert ada.ids() == [1]


def test_a_note_beyond_all_measure_is_left_out(
    ada: Clone, bob: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.ledger.uniting.MAX_TAKEN", 10_000)
    bob.record(2, "HEAD^")
    bob.git("notes", "--ref=regen", "add", "-m", "x" * 20_000, "HEAD")
    bob.git("push", "-q", "origin", INTENTS_REF)
    ada.record(1)

    report = ada.quick()

    assert [warning for warning in report.warnings if "left out" in warning]
    assert (ada.ids(), ada.ids("HEAD^")) == ([1], [2])


def test_commits_that_only_name_an_intent_get_its_note(ada: Clone, bob: Clone) -> None:
    commit = ada.repo.commit("Do it\n\nRegen-Intent: 0000000000000001", {"g": "1"})
    ada.record(1, commit)
    ada.quick()
    # On the server the commit was squashed or rebased: another commit with the same trailer.
    bob.repo.commit("Do it (#1)\n\nRegen-Intent: 0000000000000001", {"g": "1", "h": "1"})
    bob.repo.commit("Lost\n\nRegen-Intent: 00000000000000ee", {"i": "1"})
    bob.git("push", "-q", "origin", "HEAD:main")
    ada.git("fetch", "-q")

    report = ada.sync()

    assert (report["copied"], report["lost"]) == (1, [bob.head])
    assert ada.ids(bob.git("rev-parse", "HEAD^")) == [1]


def test_the_remote_is_the_upstreams_else_origin_else_the_only_one(team: Team, ada: Clone) -> None:
    opened = ada.repo.opened
    ada.git("remote", "add", "other", str(team.remote.path))
    assert choose_remote(opened).name == "origin"
    ada.git("fetch", "-q", "other")
    ada.git("branch", "-q", "--set-upstream-to=other/main")
    assert choose_remote(opened).name == "other"
    ada.git("checkout", "-q", "--detach")
    assert choose_remote(opened).name == "origin"
    ada.git("remote", "rename", "origin", "third")
    done = ada.run("sync")
    assert (done.returncode, "which remote is meant: 'other', 'third'?" in done.stderr) == (3, True)
    ada.git("remote", "remove", "third")
    assert choose_remote(opened).name == "other"
    ada.git("remote", "remove", "other")
    assert "there is no remote" in ada.run("sync").stderr
    assert "there is no remote 'x'" in ada.run("sync", "x").stderr


def test_credentials_in_an_address_are_neither_shown_nor_remembered(ada: Clone) -> None:
    ada.record(1)
    ada.git("config", "remote.origin.pushurl", "https://ada:hush@127.0.0.1:1/x.git")

    done = ada.run("sync", "--yes")

    assert done.returncode == 3
    assert "hush" not in done.stdout
    assert not [p for p in (ada.repo.path / ".git" / "regen").rglob("*.json") if "hush" in p.read_text()]


def test_linked_worktrees_and_bare_repositories_sync_too(team: Team, ada: Clone) -> None:
    tree = team.folder / "linked"
    ada.git("worktree", "add", "-q", str(tree))
    linked = Clone(RepoBuilder(tree))
    linked.record(1)
    assert linked.sync()["pushed"]
    bare = team.clone("bare", "--bare")
    bare.record(2)
    assert bare.sync()["pushed"]
    mirror = team.clone("mirror", "--mirror")
    mirror.record(3)
    assert mirror.sync()["pushed"]

    ada.quick()

    assert ada.ids() == [1, 2, 3]


def test_a_deleted_ledger_of_the_remote_is_published_again(team: Team, ada: Clone) -> None:
    ada.record(1)
    ada.quick()
    team.remote.git("update-ref", "-d", INTENTS_REF)

    assert ada.sync()["pushed"]

    assert team.ref() == ada.git("rev-parse", INTENTS_REF)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["record", "git", "remove", "sync", "fetch"]), st.integers(0, 2)
    ),
    max_size=14,
)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_order_of_writes_and_syncs_converges(
    tmp_path_factory: pytest.TempPathFactory, steps: Sequence[tuple[int, str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("team")
    first = RepoBuilder.init(folder / "first")
    commits = [first.commit(f"c{n}", {"f": str(n)}) for n in range(3)]
    remote = RepoBuilder.init(folder / "remote.git", "--bare")
    first.git("push", "-q", str(remote.path), "HEAD:main")
    team = Team(folder, remote)
    clones = [team.clone(f"c{n}") for n in range(3)]
    written: set[int] = set()
    for number, (who, what, where) in enumerate(steps, 1):
        one = clones[who]
        if what == "record":
            one.record(number, commits[where])
            written.add(number)
        elif what == "git":
            one.git("notes", "--ref=regen", "append", "-m", f"---\npart: {number}", commits[where])
        elif what == "remove":
            # Taken out on one side only; what others have of it comes back with them.
            written -= set(one.ids(commits[where]))
            one.git("notes", "--ref=regen", "remove", "--ignore-missing", commits[where])
        else:
            assert one.quick(push=what == "sync").failure is None
    for one in [*clones, *clones]:
        assert one.quick().failure is None

    assert clones[0].documents() == clones[1].documents() == clones[2].documents()
    everything = {oid for commit in commits for oid in clones[0].ids(commit)}
    assert written <= everything


def test_a_sync_beside_a_writer_loses_nothing(ada: Clone, bob: Clone) -> None:
    numbers = range(100, 112)

    def write() -> None:
        for number in numbers:
            ada.record(number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            bob.record(number + 1)
            bob.quick()
            assert ada.quick().failure is None
    finally:
        writer.join()
    ada.quick()
    bob.quick()

    assert {*numbers, 1, 2, 3} == set(ada.ids()) == set(bob.ids())
