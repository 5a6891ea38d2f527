"""Nothing typed is lost: whatever dies, and whoever writes at the same time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.capture.flush import flush
from regen_git.capture.inbox import Entry, Inbox
from regen_git.capture.pending import quote
from regen_git.capture.place import find_place
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from conftest import Lab

RECORDINGS = Path(__file__).resolve().parents[2].parent / "shared" / "agent-fixtures" / "claude"


def test_entries_are_read_as_they_were_written(tmp_path: Path) -> None:
    inbox = Inbox(str(tmp_path / "data"))
    entry = Entry("prompt", text="naïve \ud800 \x00 日本", refs=("a@b", "/c"), private=True)
    inbox.append([entry])
    assert inbox.read() == [entry._replace(n=1)]


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    inbox = Inbox(str(tmp_path))
    inbox.append([Entry("prompt", text="one")])
    with Path(inbox.path).open("ab") as file:
        file.write(b'{"kind":"prompt","n":2,"te')
    inbox.append([Entry("prompt", text="three")])
    assert [entry.text for entry in inbox.read()] == ["one", "three"]
    inbox.rewrite([])
    assert b'"te\n' in Path(inbox.path).read_bytes()


def test_numbers_go_on_after_everything_was_taken_out(tmp_path: Path) -> None:
    inbox = Inbox(str(tmp_path))
    inbox.append([Entry("prompt"), Entry("prompt")])
    inbox.rewrite([])
    assert inbox.append([Entry("prompt")])[-1].n == 3


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    def write(i: int) -> None:
        Inbox(str(tmp_path)).append([Entry("prompt", text=str(i))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(80)))
    entries = Inbox(str(tmp_path)).read()
    assert {entry.text for entry in entries} == {str(i) for i in range(80)}
    assert [entry.n for entry in entries] == list(range(1, 81))


@pytest.mark.parametrize(
    "step",
    ["drop_marks", "_settle", "append_raw", "_bind", "take_marks"],
)
def test_a_flush_killed_at_any_step_is_made_good_by_the_next(lab: Lab, step: str) -> None:
    lab.git("config", "regen.flush", "later")
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.stop(key)
    (lab.bin / "git-regen").rename(lab.bin / "away")
    (lab.data / "command").write_text("/nowhere\n")
    lab.git("add", "-A")
    lab.commit("Add hello.py")
    (lab.bin / "away").rename(lab.bin / "git-regen")
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "import regen_git.capture.flush as f\n"
        "from regen_git.git.repository import Repository\n"
        f"where = f.Ledger if {step!r} == 'append_raw' else f\n"
        f"real = getattr(where, {step!r})\n"
        "def last(*a, **k):\n"
        f"    if {step!r} == 'append_raw': real(*a, **k)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"setattr(where, {step!r}, last)\n"
        "f.flush(Repository.open(Path(sys.argv[1])))\n"
    )
    done = lab.run(sys.executable, "-c", code, str(lab.path))
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    typed = [entry.text for entry in lab.inbox().read() if entry.kind == "prompt"]
    assert typed == ["Add a greeting"]
    assert lab.texts() == ["Add a greeting"]
    assert len(lab.note().documents) == 2
    assert lab.waiting() == []


def test_a_capture_is_on_the_disk_when_the_program_is_killed_later(lab: Lab) -> None:
    lab.prompt("Keep this")
    assert '"Keep this"' in Path(lab.inbox().path).read_text()


def test_a_second_flush_changes_nothing(lab: Lab) -> None:
    key = lab.prompt("Add a greeting")
    lab.edit(key, "hello.py", "print('hello')\n")
    lab.git("add", "-A")
    lab.commit("Add hello.py")
    lab.let_hooks_finish()
    tip = lab.git("rev-parse", "refs/notes/regen")
    flush(lab.repo)
    assert lab.git("rev-parse", "refs/notes/regen") == tip


def test_the_same_prompt_from_two_hook_files_is_one(lab: Lab) -> None:
    for _ in range(2):
        lab.send("UserPromptSubmit", prompt_id="p", prompt="Once")
    for _ in range(2):
        lab.send("UserPromptSubmit", prompt="No id")
    assert [e.text for e in lab.inbox().read() if e.kind == "prompt"] == ["Once", "No id"]


def test_secrets_never_reach_the_disk(lab: Lab) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    lab.prompt(f"Use {secret}")
    lab.stop("prompt-1", f"I used {secret}?")
    done = subprocess.run(["grep", "-r", secret, str(lab.path / ".git")], capture_output=True, check=False)
    assert done.stdout == b""


def test_files_and_commands_that_a_person_points_at_are_kept(lab: Lab) -> None:
    lab.prompt("/review @README and @nothing, or mail a@b.example")
    refs = lab.inbox().read()[-1].refs
    assert refs == ("/review", "README@" + lab.git("rev-parse", "HEAD:README"))


def test_context_can_be_switched_off(lab: Lab) -> None:
    lab.git("config", "regen.context", "false")
    lab.stop(lab.prompt("Which?"), "This one, or that one?")
    lab.prompt("that")
    assert all(not entry.answers for entry in lab.inbox().read())


def test_an_edit_in_another_repository_takes_its_prompt_there(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "other"
    lab.git("init", "-q", str(other))
    key = lab.prompt("Change the other one")
    (other / "a").write_text("a\n")
    tool: dict[str, Any] = {"tool_name": "Write", "tool_input": {"file_path": str(other / "a")}}
    lab.send("PostToolUse", prompt_id=key, **tool)
    there = Inbox(str(other / ".git" / "regen")).read()
    assert [(e.kind, e.text or e.path) for e in there] == [("prompt", "Change the other one"), ("edit", "a")]


def test_a_session_outside_of_every_repository_waits_in_the_spool(lab: Lab, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    lab.send("UserPromptSubmit", cwd=outside, prompt_id="p", prompt="From outside")
    spooled = Inbox(str(Path(os.environ["XDG_DATA_HOME"]) / "git-regen" / "spool")).read()
    assert [entry.text for entry in spooled] == ["From outside"]
    (lab.path / "a").write_text("a\n")
    tool: dict[str, Any] = {"tool_name": "Write", "tool_input": {"file_path": str(lab.path / "a")}}
    lab.send("PostToolUse", cwd=outside, prompt_id="p", **tool)
    lab.git("add", "-A")
    lab.commit("Add a")
    assert lab.texts() == ["From outside"]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"a": 1}', b"\xff\xfe", b'\xef\xbb\xbf{"cwd": "/"}'])
def test_capture_never_fails_and_never_speaks(lab: Lab, payload: bytes) -> None:
    done = lab.run("git-regen", "capture", "--agent", "claude", stdin=payload)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_failed_capture_is_in_the_log_that_doctor_reads(lab: Lab) -> None:
    lab.run("git-regen", "capture", "--agent", "claude", stdin=b"{")
    assert b"capture: JSONDecodeError" in lab.run("git-regen", "doctor").stdout


def test_a_place_is_found_from_anywhere_below(lab: Lab, tmp_path: Path) -> None:
    lab.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    for top, key in ((lab.path, "main"), (tmp_path / "linked", "worktrees/linked")):
        (top / "x" / "y").mkdir(parents=True)
        place = find_place(str(top / "x" / "y"))
        assert place is not None
        assert (place.top, place.key, place.common_dir) == (str(top), key, str(lab.path / ".git"))
    assert find_place(str(tmp_path)) is None


@settings(deadline=None, max_examples=25)
@given(
    name=st.binary(min_size=1, max_size=12).filter(lambda b: not {0, 47} & set(b) and b not in (b".", b".."))
)
def test_paths_are_quoted_as_git_quotes_them(tmp_path_factory: pytest.TempPathFactory, name: bytes) -> None:
    folder = tmp_path_factory.mktemp("quote")
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=folder, input=b"", capture_output=True, check=True
    ).stdout.strip()
    line = b"100644 " + blob + b"\t" + name + b"\0"
    done = subprocess.run(
        ["git", "update-index", "-z", "--index-info"],
        cwd=folder,
        input=line,
        capture_output=True,
        check=False,
    )
    shown = subprocess.run(
        ["git", "-c", "core.quotePath=true", "ls-files"], cwd=folder, capture_output=True, check=True
    ).stdout
    if done.returncode == 0 and shown:
        assert shown == quote(os.fsdecode(name)).encode("ascii") + b"\n"


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings lie beside the checkout")
def test_a_recorded_session_ends_in_a_trailer_and_a_note(bare_lab: Lab) -> None:
    """The payloads of three real headless turns: create, change, 'Commit the change'."""
    from regen_git.capture.setup import set_up

    (bare_lab.path / "README.md").write_text("# hello\n")
    bare_lab.git("add", "-A")
    bare_lab.git("commit", "-q", "-m", "Start")
    set_up(bare_lab.repo)
    lines = (RECORDINGS / "headless" / "hooks.jsonl").read_text("utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for row in rows:
        if "stdin" not in row:
            if "--fork-session" in row.get("mark", ""):
                break
            continue
        text = row["stdin"].replace("/home/dev/work/hello", str(bare_lab.path))
        payload = json.loads(text)
        given = payload.get("tool_input", {})
        if payload["hook_event_name"] == "PostToolUse" and payload["tool_name"] == "Write":
            Path(given["file_path"]).write_text(given["content"])
        if payload["hook_event_name"] == "PostToolUse" and payload["tool_name"] == "Edit":
            path = Path(given["file_path"])
            path.write_text(path.read_text().replace(given["old_string"], given["new_string"]))
        if payload["hook_event_name"] == "PostToolUse" and "git commit" in given.get("command", ""):
            bare_lab.run("sh", "-c", given["command"], env=row["env"])
        done = bare_lab.run("git-regen", "capture", "--agent", "claude", stdin=text.encode(), env=row["env"])
        assert (done.returncode, done.stdout) == (0, b"")
    assert bare_lab.texts() == [
        "Create hello.py that prints a greeting",
        "Now make the greeting take a name argument",
        "Commit the change",
    ]
    assert len(bare_lab.trailers()) == 3
    assert bare_lab.waiting() == []
    assert [b.wrote for b in Ledger(bare_lab.repo).of(bare_lab.git("rev-parse", "HEAD")).bindings] == [
        ("hello.py",),
        ("hello.py",),
        (),
    ]
