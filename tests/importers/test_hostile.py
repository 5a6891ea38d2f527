"""What others wrote may be anything: an import takes what is right and neither fails, hangs nor grows."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from support.entire import Store, Transcript, naming

from regen_git.agents import opencode
from regen_git.agents.aider_history import chat_at, chats_in
from regen_git.agents.claude_transcripts import read_session
from regen_git.agents.jsonl import read_end
from regen_git.agents.transcripts import Session, Turn, Typed, between, without_put_in
from regen_git.agents.turns import is_inside, may_commit
from regen_git.capture.met import met_sessions
from regen_git.cli.main import run
from regen_git.domain.ids import derived_intent_id, new_intent_id
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.importers.agent_trace import import_agent_trace
from regen_git.importers.entire import NOT_HERE, import_entire
from regen_git.importers.git_ai import import_git_ai
from regen_git.importers.harness import typed_in
from regen_git.importers.history import Counts, read_past
from regen_git.importers.known import seconds_of
from regen_git.importers.matching import Found, inside
from regen_git.importers.reading import one
from regen_git.importers.sessions import UNREADABLE, import_found, read_sessions
from regen_git.importers.specstory import import_specstory
from regen_git.importers.storymarks import done_in
from regen_git.ledger.store import Ledger
from regen_git.sharing.agent_trace import trace_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.builder import RepoBuilder

ONE, TWO = "a1b2c3d4e5f6", "b1b2c3d4e5f6"
AT = "2026-01-02T03:04:05Z"


@contextmanager
def patience() -> Iterator[None]:
    """End what would go on for hours, as a pattern that is not linear does here, after a minute of work."""

    def give_up(_: int, __: object) -> None:
        raise TimeoutError("a minute of work was not enough")

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 60)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def told(repo: RepoBuilder, commit: str) -> list[str]:
    intents = Ledger(repo.opened).of(commit).intents.values()
    return [prompt.text for intent in intents for prompt in intent.prompts]


def turn(repo: RepoBuilder, key: str, text: str, name: str, at: str = AT) -> Turn:
    return Turn(key, (Typed(text, at),), at, at, edits=(str(repo.path / name),))


def held(repo: RepoBuilder, *turns: Turn) -> Found:
    return Found("claude", Session("5e55104a-0000", str(repo.path), "2.1.0", AT, turns))


def take(repo: RepoBuilder, *found: Found) -> Counts:
    return import_found(
        repo.opened, found, "HEAD", counts=Counts(), tops=[str(repo.path)], source="sessions of a test"
    )


def broken_commit(repo: RepoBuilder, times: str, message: str) -> str:
    """Make a commit as git itself would not, and stand on it."""
    tree, parent = repo.git("rev-parse", "HEAD^{tree}"), repo.git("rev-parse", "HEAD")
    raw = f"tree {tree}\nparent {parent}\nauthor A <a@b>{times}\ncommitter A <a@b>{times}\n\n{message}\n"
    oid = repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw.encode())
    repo.git("update-ref", "HEAD", oid)
    return oid


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00",
        "2026-13-45T99:99:99Z",
        "\ud800",
    ],
)
def test_a_time_that_no_calendar_knows_is_no_time(repo: RepoBuilder, at: str) -> None:
    a = repo.commit("Add a", {"a.py": "a\n"})
    take(repo, held(repo, Turn("k", (Typed("Add a.", at),), AT, at, edits=(str(repo.path / "a.py"),))))
    assert told(repo, a) == ["Add a."]


def test_times_before_and_after_all_calendars_are_unknown() -> None:
    assert seconds_of("9999-12-31T23:59:59-14:00") == 0
    assert seconds_of("9999-12-31T23:59:59Z") == 253402300799


@pytest.mark.parametrize("odd", ["/a\0b/c", "/\ud800/x", "/x/\ud800", "a\0b", "\ud800"])
def test_paths_that_no_system_has_are_nowhere(repo: RepoBuilder, odd: str) -> None:
    assert inside(odd, [str(repo.path)]) is None
    assert not is_inside(odd, [str(repo.path)])
    a = repo.commit("Add a", {"a.py": "a\n"})
    take(repo, held(repo, turn(repo, "k", "Add a.", "a.py")._replace(edits=(odd, str(repo.path / "a.py")))))
    assert told(repo, a) == ["Add a."]


def test_half_a_character_in_a_prompt_is_no_failure(repo: RepoBuilder) -> None:
    a = repo.commit("Add a", {"a.py": "a\n"})
    take(repo, held(repo, turn(repo, "k\ud800", "Add \ud800 and \0 and \x1b[31m a.", "a.py")))
    assert len(told(repo, a)) == 1
    before = repo.git("rev-parse", "refs/notes/regen")
    take(repo, held(repo, turn(repo, "k\ud800", "Add \ud800 and \0 and \x1b[31m a.", "a.py")))
    assert repo.git("rev-parse", "refs/notes/regen") == before


def test_a_prompt_of_megabytes_is_kept_whole(repo: RepoBuilder) -> None:
    a = repo.commit("Add a", {"a.py": "a\n"})
    text = "Line of a prompt.\n" * 200_000
    take(repo, held(repo, turn(repo, "k", text, "a.py")))
    assert [one.strip() for one in told(repo, a)] == [text.strip()]


@pytest.mark.parametrize("odd", ["--all", "HEAD\nHEAD", "a", "", "HEAD", "\ud800"])
def test_what_is_no_id_of_a_commit_names_none(repo: RepoBuilder, odd: str) -> None:
    a = repo.commit("Add a", {"a.py": "a\n"})
    take(repo, held(repo, turn(repo, "k", "Add a.", "a.py")._replace(commits=(odd,))))
    assert told(repo, a) == ["Add a."]


@pytest.mark.parametrize("times", ["", " 99999999999999 +9999", " 300000000000 +1400", " -5 +0000"])
def test_commits_with_broken_times_are_read_and_exported(repo: RepoBuilder, times: str) -> None:
    repo.commit("Add a", {"a.py": "a\n"})
    broken_commit(repo, times, "Broken")
    assert [past.message.strip() for past in read_past(repo.opened)] == ["Broken", "Add a"]
    repo.write({"a.py": "a\nb\n"})
    repo.git("add", "-A")
    parent, tree = repo.git("rev-parse", "HEAD"), repo.git("write-tree")
    raw = f"tree {tree}\nparent {parent}\nauthor A <a@b>{times}\ncommitter A <a@b>{times}\n\nMore\n"
    more = repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw.encode())
    intent = Intent(new_intent_id(), prompts=(Prompt("More."),), origin="captured", author="A <a@b>")
    Ledger(repo.opened).append({more: [intent, Binding(intent.id, wrote=("a.py",))]}, "test")
    records = list(trace_records(repo.opened, one(repo.opened, more)))
    assert [record["files"][0]["path"] for record in records] == ["a.py"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", records[0]["timestamp"])


def test_what_was_purged_stays_away_with_all_its_prompts(repo: RepoBuilder) -> None:
    a = repo.commit("Add a", {"a.py": "a\n", "b.py": "b\n"})
    both = held(repo, turn(repo, "k1", "Add a.", "a.py"), turn(repo, "k2", "My secret is here.", "b.py"))
    take(repo, both)
    assert told(repo, a) == ["Add a.", "My secret is here."]
    repo.git("update-ref", "-d", "refs/notes/regen")
    tombstone = f"---\npurge: {derived_intent_id('claude', 'k1')}\ndigest: {'0' * 64}\n".encode()
    Ledger(repo.opened).append_raw({a: tombstone}, "test")
    assert told(repo, a) == []
    take(repo, both)
    assert told(repo, a) == []


@pytest.mark.parametrize(
    "work",
    [
        lambda: may_commit("git " * 50_000),
        lambda: typed_in("<system-reminder>" * 50_000),
        lambda: typed_in("<command-name>" + " " * 50_000 + "<"),
        lambda: typed_in("<command-name>/x</command-name>" + "<command-args>" * 50_000),
        lambda: done_in('<tool-use data-tool-type="write">\n' * 50_000),
        lambda: between("<plan>" * 50_000, "plan"),
    ],
)
def test_reading_ends_whatever_the_text(work: Callable[[], object]) -> None:
    with patience():
        work()


def test_what_programs_put_in_is_taken_out_as_far_as_it_goes() -> None:
    text = "a <ide_selection>x <system-reminder> y</ide_selection>\n b <system-reminder>z</system-reminder> c"
    assert without_put_in(text) == "a b c"
    assert without_put_in("a <ide_selection> b") == "a <ide_selection> b"
    assert [may_commit(line) for line in ("cd x && git -C y commit -m z", "git status; echo commit")] == [
        True,
        False,
    ]


def test_what_claude_says_for_the_person_on_resuming_is_not_typed() -> None:
    assert typed_in("Continue from where you left off.") == ""
    assert typed_in("Continue from where you left off. And add a test.") != ""


def test_devices_and_pipes_behind_names_of_transcripts_are_not_read(
    repo: RepoBuilder, tmp_path: Path
) -> None:
    repo.commit("Add a", {"a.py": "a\n"})
    history = repo.path / ".specstory" / "history"
    history.mkdir(parents=True)
    (history / "2026-01-02_03-04Z-x.md").symlink_to("/dev/zero")
    (history / "loop.md").symlink_to("loop.md")
    (repo.path / ".aider.chat.history.md").symlink_to("/dev/zero")
    assert import_specstory(repo.opened).skipped == {UNREADABLE: 2}
    assert chats_in(str(repo.path / ".aider.chat.history.md")) == []
    assert read_end("/dev/zero") == b""
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    counts = Counts()
    assert read_sessions([("claude", str(pipe))], [str(repo.path)], counts) == []
    assert counts.skipped == {UNREADABLE: 1}


def test_records_of_agent_trace_may_name_anything(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("Add a", {"a.py": "a\n"})
    urls = ["file://[", "http://[::", "file:///a%00b", "file:///\ud800", "file:///dev/zero", "\x1b[31m"]
    rows = [{"files": [{"conversations": [{"url": url}]}]} for url in urls]
    # A separator of lines for people is none between records.
    rows.append({"files": [], "metadata": "one\u2028two"})
    file = tmp_path / "traces.jsonl"
    file.write_text(
        "".join(json.dumps(row, ensure_ascii=row is not rows[-1]) + "\n" for row in rows), "utf-8"
    )
    counts = import_agent_trace(repo.opened, file=file)
    assert sum(counts.skipped.values()) == len(rows)
    assert counts.intents == 0


def test_a_separator_within_a_line_does_not_end_it(repo: RepoBuilder) -> None:
    store = Store(repo)
    compact = json.dumps(
        {"type": "user", "ts": AT, "content": [{"text": "Add a.\u2028And test it."}]}, ensure_ascii=False
    )
    session = {"metadata.json": json.dumps({"session_id": "s", "agent": "Claude Code", "created_at": AT})}
    store.add(ONE, {**session, "transcript.jsonl": compact + "\n"})
    a = repo.commit(naming(ONE), {"a.py": "a\n"})
    import_entire(repo.opened)
    assert told(repo, a) == ["Add a.\u2028And test it."]


def test_refs_of_checkpoints_that_lead_nowhere_do_not_hide_the_others(repo: RepoBuilder) -> None:
    store, chat = Store(repo, "refs"), Transcript()
    chat.prompt(0, "Add a.").write(0, "a.py")
    store.add(ONE, store.session(chat.text, files=["a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})
    bad = repo.commit(naming(TWO), {"b.py": "b\n"})
    blob = repo.git("rev-parse", "HEAD:a.py")
    times = b"author A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n"
    raw = b"tree 1234567890123456789012345678901234567890\n" + times + b"\nx\n"
    lost = repo.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=raw)
    repo.git("tag", "-a", "-m", "x", "t")
    for oid in ("1234567890123456789012345678901234567890", blob, lost, repo.git("rev-parse", "t")):
        ref = repo.path / ".git" / "refs" / "entire" / "checkpoints" / "f6" / TWO
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(oid + "\n")
        counts = import_entire(repo.opened)
        assert told(repo, a) == ["Add a."]
        assert [(left.commit, left.reason) for left in counts.left] == [(bad, NOT_HERE)]


def test_a_name_in_a_note_cannot_drive_a_terminal(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = repo.commit("Add a", {"a.py": "a\n"})
    about = {"agent_id": {"tool": "evil\x1b[2Jtool" + "x" * 5000, "id": "i"}}
    data = {"schema_version": "authorship/3.0.0", "prompts": {"k": about}}
    raw = f"a.py\n  k 1-1\n---\n{json.dumps(data)}".encode()
    repo.git("notes", "--ref=ai", "add", "-f", "-F", "-", commit, stdin=raw)
    assert [left.reason for left in import_git_ai(repo.opened).left] == [
        "what was said to its agent is neither in the note nor on this machine"
    ]
    monkeypatch.chdir(repo.path)
    run(["import", "git-ai"])
    shown = capsys.readouterr().out
    assert "skipped: what was said to its agent" in shown
    assert "\x1b" not in shown


def test_a_large_chat_of_aider_is_read_in_one_go(tmp_path: Path) -> None:
    file = tmp_path / ".aider.chat.history.md"
    with file.open("wb") as out:
        out.write(b"# aider chat started at 2026-01-02 03:04:05\n\n#### Add a.  \n")
        for _ in range(60):
            out.write((b"y" * 999 + b"\n") * 1000)
    with patience():
        chat = chat_at(str(file), 0, "")
    assert chat is not None
    assert [ask.text for ask in chat.asks] == ["Add a."]


def test_numbers_that_nobody_wrote_are_not_remembered(tmp_path: Path) -> None:
    rows = ["claude\ts1\t--5\t/x", f"claude\ts2\t{'9' * 5000}\t/x", "claude\t\t5\t/x", "claude\ts3\t-1\t/x"]
    (tmp_path / "met").write_text("\n".join(rows) + "\n")
    assert [(one.session, one.size) for one in met_sessions(str(tmp_path))] == [("s3", -1)]


def test_binary_rubbish_is_a_session_of_nothing(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_bytes(b"\0\xff\xfe{" * 1000 + b"\n" + b"[" * 200_000 + b"\n" + b'{"a":' * 200_000 + b"\n")
    assert read_session(file) is None


def test_databases_of_other_releases_may_hold_anything(tmp_path: Path) -> None:
    data = tmp_path / "opencode"
    data.mkdir()
    odd = [None, 1, 2.5, b"\xff\0", "", "x", '{"role": "user"}', '{"messageID": 5}', '{"messageID": "m"}']
    rows = [(one, other) for one in odd for other in odd]
    with closing(sqlite3.connect(data / "opencode.db")) as database:
        database.execute("CREATE TABLE session (id, directory, parent_id, version, time_created, revert)")
        database.execute("CREATE TABLE message (id, session_id, time_created, data)")
        database.execute("CREATE TABLE part (id, message_id, session_id, data)")
        for number, (one, other) in enumerate(rows):
            session = f"s{number}"
            values = (session, str(tmp_path), None, other, one, other)
            database.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)", values)
            database.execute("INSERT INTO session VALUES (?, ?, NULL, 1, 1, NULL)", (one, other))
            database.execute("INSERT INTO message VALUES (?, ?, ?, ?)", (one, session, other, other))
            database.execute("INSERT INTO message VALUES (?, ?, ?, ?)", ("m", session, one, odd[6]))
            database.execute("INSERT INTO part VALUES (?, ?, ?, ?)", (one, "m", session, other))
        database.commit()
    files = opencode.session_files([str(tmp_path)], {"XDG_DATA_HOME": str(tmp_path)})
    assert len(files) == len(rows)
    assert [opencode.read_session(file) for file in files] == [None] * len(rows)
    (data / "opencode.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert opencode.session_files([str(tmp_path)], {"XDG_DATA_HOME": str(tmp_path)}) == []


def test_a_message_without_an_id_does_not_end_a_session(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "opencode.db")) as database:
        database.execute("CREATE TABLE session (id, directory, parent_id, version, time_created, revert)")
        database.execute("CREATE TABLE message (id, session_id, time_created, data)")
        database.execute("CREATE TABLE part (id, message_id, session_id, data)")
        database.execute("INSERT INTO session VALUES ('s', '/x', NULL, '1', 1, NULL)")
        database.execute("INSERT INTO message VALUES (NULL, 's', 1, '{}')")
        database.execute("INSERT INTO message VALUES ('m', 's', 2, '{\"role\": \"user\"}')")
        part = '{"type": "text", "text": "Add a."}'
        database.execute("INSERT INTO part VALUES ('p', 'm', 's', ?)", (part,))
        database.commit()
    session = opencode.read_session(f"{tmp_path / 'opencode.db'}#s")
    assert session is not None
    assert [turn.prompts[0].text for turn in session.turns] == ["Add a."]
