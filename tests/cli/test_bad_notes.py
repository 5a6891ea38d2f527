"""Every command that reads notes, beside every kind of bad note."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.bad_notes import ALL, BROKEN, CLAIM, GOOD, ONE

from regen_git.cli.main import run
from regen_git.ledger.codec import split
from regen_git.ledger.store import INTENTS_REF, PRIVATE_REF, PROVENANCE_REF

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]
SAFE = {"\n", "\t"}


def put(repo: RepoBuilder, notes: dict[str, bytes], ref: str = INTENTS_REF) -> None:
    """Write notes as they are, past all our writers."""
    stream = [b"commit %s\ncommitter A <a@b> 1800000000 +0000\ndata 0\n" % ref.encode()]
    stream += [b"N inline %s\ndata %d\n%s\n" % (oid.encode(), len(note), note) for oid, note in notes.items()]
    repo.git("fast-import", "--quiet", stdin=b"".join(stream))


def note_of(repo: RepoBuilder, oid: str, ref: str = INTENTS_REF) -> bytes:
    blob = repo.git("notes", f"--ref={ref}", "list", oid)
    return repo.opened.git("cat-file", "blob", blob)


@pytest.fixture
def bad(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return a commit with each kind of bad note, in every notes ref that is read."""
    repo.git("config", "regen.sandbox", "off")
    repo.commit("Start", {"a.py": "start\n"})
    names = [name for name in ALL if ALL[name].strip()]
    commits = {
        name: repo.commit(f"{name}\n\nPrompt: Say {at}.", {"a.py": f"start\n{name}\n", f"{at}.py": "x\n"})
        for at, name in enumerate(names)
    }
    for ref in (INTENTS_REF, PRIVATE_REF, PROVENANCE_REF, "refs/notes/remotes/origin/regen"):
        put(repo, {oid: ALL[name] for name, oid in commits.items()}, ref)
    monkeypatch.chdir(repo.path)
    return commits


COMMANDS: list[tuple[str, ...]] = [
    ("log",),
    ("log", "--json"),
    ("why", "a.py"),
    ("why", "a.py:2", "--json"),
    ("status", "--json"),
    ("plan",),
    ("plan", "--include", "message", "--json"),
    ("replay", "--model", "original", "--rewrite", "--name", "again"),
    ("verify",),
    ("doctor",),
    ("import", "commits", "--json"),
    ("mark", "human", "HEAD~3..HEAD"),
    ("record", "A word.", "--commit", "HEAD"),
    ("check", "HEAD~5..HEAD"),
    ("repair",),
    ("adopt", "again"),
]


def test_no_command_fails_or_drives_the_terminal_or_loses_a_document(
    repo: RepoBuilder, bad: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    before = {name: split(note_of(repo, oid)) for name, oid in bad.items()}
    for command in COMMANDS:
        status = run(command)
        said = capfd.readouterr()
        assert status in (0, 1, 3), (command, status, said.err)
        assert "defect" not in said.err, (command, said.err)
        shown = said.out + said.err
        odd = {char for char in shown if not char.isprintable()} - SAFE
        assert not odd or (command[-1] == "--json" and not odd & {"\x1b", "\x07"}), (command, odd)
        assert len(said.err.splitlines()) < 40, (command, said.err)
    for name, oid in bad.items():
        assert set(split(note_of(repo, oid))) >= set(before[name]), name
    assert repo.git("status", "--porcelain") == ""
    assert not (repo.path.parent / "out").exists()
    assert not (repo.path / "pwned").exists()


def test_show_tells_each_commit_and_what_is_wrong_with_its_note(
    bad: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    for name, oid in bad.items():
        assert run(["show", oid]) == 0, name
        said = capfd.readouterr()
        if name != "NUL bytes":  # git shows them as empty lines
            assert ("kept" in said.err) == (name in BROKEN), (name, said.err)
        assert not {char for char in said.out + said.err if not char.isprintable()} - SAFE, name
        assert run(["show", oid, "--json"]) == 0, name
        assert json.loads(capfd.readouterr().out)["commit"] == oid


def test_log_names_a_few_broken_notes_and_counts_the_rest(
    bad: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    newest = [oid for name, oid in bad.items() if name in BROKEN][-1]
    assert run(["log"]) == 0
    err = capfd.readouterr().err.splitlines()
    warnings = [line for line in err if line.startswith("warning: ")]
    assert any(line.startswith(f"warning: note of commit {newest[:10]}: document ") for line in warnings)
    assert 1 < len(warnings) < 30
    assert "more notes; 'git regen doctor' counts" in warnings[-1]


def test_doctor_counts_what_is_broken_and_says_what_to_do(
    bad: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", "--json"]) == 1
    findings = {one["name"]: one for one in json.loads(capfd.readouterr().out)["findings"]}
    broken = len([name for name in bad if name in BROKEN])
    assert findings["documents"]["text"].startswith(f"{broken} of {len(bad)} notes hold what cannot be read")
    assert "git notes --ref=" in findings["documents"]["hint"]
    assert f"intent {ONE}" in findings["conflicts"]["text"]


def test_a_conflict_is_shown_with_every_version(
    repo: RepoBuilder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    oid = repo.commit("Start", {"a.py": "start\n"})
    put(repo, {oid: GOOD + CLAIM})
    monkeypatch.chdir(repo.path)
    assert run(["show"]) == 0
    said = capfd.readouterr()
    assert "Add a cache." in said.out
    assert "Add no cache." in said.out
    assert f"2 documents claim revision 1 of intent {ONE}" in said.err
    assert run(["log"]) == 0
    assert "conflict: 1 other version, see 'git regen show" in capfd.readouterr().out
    assert run(["show", "--json"]) == 0
    shown = json.loads(capfd.readouterr().out)
    assert (shown["conflicts"], len(shown["versions"][ONE])) == ([ONE], 2)


def test_a_commit_is_recorded_beside_bad_notes(repo: RepoBuilder, bad: dict[str, str]) -> None:
    del bad
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    def regen(*args: str, stdin: str = "") -> str:
        argv = [sys.executable, "-m", "regen_git", *args]
        done = subprocess.run(
            argv, cwd=repo.path, env=env, input=stdin, capture_output=True, text=True, check=True
        )
        return done.stdout

    regen("record", "Add one line.")
    repo.write({"a.py": "start\nmore\n"})
    repo.git("commit", "-qam", f"More\n\nRegen-Intent: {ONE}")
    regen("record", "Said of it.", "--commit", "HEAD")
    shown: dict[str, Any] = json.loads(regen("show", "--json"))
    assert "Said of it." in [prompt["text"] for one in shown["intents"] for prompt in one["prompts"]]


@pytest.mark.parametrize("kind", ["blob", "tree", "tag", "commit without notes", "odd entries"])
def test_a_notes_ref_that_is_not_one_ends_in_a_reason_or_in_nothing(
    repo: RepoBuilder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    oid = repo.commit("Start\n\nPrompt: Say so.", {"a.py": "start\n"})
    blob = repo.git("hash-object", "-w", "--stdin", stdin=GOOD)
    tree = repo.git("rev-parse", "HEAD^{tree}")
    at = oid[:2], oid[2:4], oid[4:]
    inner = repo.git("mktree", stdin=f"100644 blob {blob}\t{at[2]}\n".encode())
    rows = (
        f"040000 tree {repo.git('mktree', stdin=f'040000 tree {inner}{chr(9)}{at[1]}'.encode())}\t{at[0]}\n"
        f"120000 blob {blob}\t{'1' * 40}\n160000 commit {oid}\t{'2' * 40}\n100644 blob {blob}\t{'3' * 40}\n"
        f"040000 tree {tree}\t{'4' * 40}\n100644 blob {blob}\tREADME\n040000 tree {tree}\tzz\n"
        f"100644 blob {blob}\t{blob}\n100644 blob {blob}\t{tree}\n"
    )
    odd = repo.git("mktree", stdin=rows.encode())
    if kind == "tag":
        repo.git("tag", "-a", "-m", "x", "t")
    target = {
        "blob": blob,
        "tree": odd,
        "tag": repo.git("rev-parse", "t") if kind == "tag" else "",
        "commit without notes": oid,
        "odd entries": repo.git("commit-tree", "-m", "x", odd),
    }[kind]
    name = Path(repo.path, ".git", INTENTS_REF)
    name.parent.mkdir(parents=True, exist_ok=True)
    name.write_text(target + "\n")
    monkeypatch.chdir(repo.path)
    for command in [*COMMANDS, ("show",), ("show", "--json")]:
        if "HEAD~" in " ".join(command):
            continue
        status = run(command)
        said = capfd.readouterr()
        assert status in (0, 1, 3), (command, status, said.err)
        assert "defect" not in said.err
        assert status != 3 or "hint: " in said.err or command == ("verify",), (command, said.err)
    if kind == "odd entries":
        assert GOOD.split(b"---\n")[1] in note_of(repo, oid)


def test_a_prompt_longer_than_a_document_is_captured_shown_and_rewritten_whole(
    repo: RepoBuilder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("Start", {"a.py": "start\n"})
    monkeypatch.chdir(repo.path)
    assert run(["init"]) == 0
    prompt = "Mend what this log tells of.\n" + "\n".join(f"line {at} of the log" for at in range(90_000))
    payload = {
        "hook_event_name": "UserPromptSubmit",
        "session_id": "s" * 36,
        "cwd": str(repo.path),
        "prompt": prompt,
    }
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "regen_git", "capture", "--agent", "claude"]
    subprocess.run(argv, input=json.dumps(payload).encode(), cwd=repo.path, env=env, check=True)
    repo.commit("Mend", {"a.py": "mended\n"})
    capfd.readouterr()
    for again in (False, True):
        if again:
            repo.git("commit", "-q", "--amend", "--no-edit", "--date", "2026-01-03T00:00:00Z")
        assert run(["show", "--json"]) == 0
        shown = json.loads(capfd.readouterr().out)
        assert [one["text"] for intent in shown["intents"] for one in intent["prompts"]] == [prompt]
        assert shown["warnings"] == []
    assert len(split(note_of(repo, repo.git("rev-parse", "HEAD")))) > 15
