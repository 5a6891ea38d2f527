"""Writers of notes that do not look, git's own among them, and that nothing is lost to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.ledger.codec import split
from regen_git.ledger.store import INTENTS_REF, Ledger, guard
from regen_git.ledger.tips import forget
from regen_git.ledger.uniting import current

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]


def intent(number: int, text: str = "do it") -> Intent:
    return Intent(IntentId(f"{number:016x}"), (Prompt(text),), "explicit")


def record(repo: RepoBuilder, commit: str, number: int) -> None:
    Ledger(repo.opened).append({commit: [intent(number)]})


def ids(repo: RepoBuilder, commit: str) -> list[int]:
    return sorted(int(one, 16) for one in Ledger(repo.opened).of(commit).intents)


def tip(repo: RepoBuilder) -> str:
    return repo.git("rev-parse", INTENTS_REF)


def started(trace: Path) -> int:
    """Return how many processes of git have begun."""
    if not trace.exists():
        return 0
    return sum(json.loads(line)["event"] == "start" for line in trace.read_text().splitlines())


@pytest.fixture
def commits(repo: RepoBuilder) -> list[str]:
    found = [repo.commit(f"c{n}", {"f": str(n)}) for n in range(4)]
    record(repo, found[0], 1)
    return found


def overwrite_blindly(repo: RepoBuilder, since: str, commit: str, text: str) -> str:
    """Do what two of git's writers do that begin together: the second knows nothing of the first."""
    repo.git("update-ref", "refs/notes/scratch", since)
    repo.git("notes", "--ref=scratch", "append", "-m", text, commit)
    new = repo.git("rev-parse", "refs/notes/scratch")
    repo.git("update-ref", "-d", "refs/notes/scratch")
    repo.git("update-ref", "-m", "notes: Notes added by 'git notes append'", INTENTS_REF, new)
    return new


def test_a_tip_that_was_overwritten_is_united_again(repo: RepoBuilder, commits: list[str]) -> None:
    before = tip(repo)
    record(repo, commits[1], 2)
    ours = tip(repo)
    theirs = overwrite_blindly(repo, before, commits[2], "by git")
    assert ids(repo, commits[1]) == []

    assert guard(repo.opened)

    assert (ids(repo, commits[0]), ids(repo, commits[1])) == ([1], [2])
    assert repo.git("notes", "--ref=regen", "show", commits[2]) == "by git"
    assert repo.git("log", "-1", "--format=%P", INTENTS_REF).split() == [theirs, ours]
    assert not guard(repo.opened)


def test_what_several_writers_overwrote_is_united_in_one_commit(
    repo: RepoBuilder, commits: list[str]
) -> None:
    before = tip(repo)
    for number in range(3):
        overwrite_blindly(repo, before, commits[number + 1], f"text {number}")

    assert guard(repo.opened)

    shown = [repo.git("notes", "--ref=regen", "show", commit) for commit in commits[1:]]
    assert [text.removeprefix("---\n") for text in shown] == ["text 0", "text 1", "text 2"]
    assert repo.git("rev-list", "--count", "--max-count=2", f"{INTENTS_REF}^@", INTENTS_REF) == "2"


def test_what_was_written_while_an_editor_was_open_is_put_back(
    repo: RepoBuilder, commits: list[str], tmp_path: Path
) -> None:
    # 'git notes edit' reads the notes, waits for the editor, and writes what it has read.
    script = tmp_path / "editor.py"
    script.write_text(
        "import sys\n"
        f"sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}, {str(Path(__file__).parent)!r}]\n"
        "from pathlib import Path\n"
        "from support.builder import RepoBuilder\n"
        "from test_guard import record\n"
        f"record(RepoBuilder(Path({str(repo.path)!r})), {commits[1]!r}, 2)\n"
        "Path(sys.argv[1]).write_text('typed\\n')\n"
    )
    editor = f"{sys.executable} {script}"
    repo.git("notes", "--ref=regen", "edit", commits[2], env={"GIT_EDITOR": editor})
    assert ids(repo, commits[1]) == [], "git names our commit as the parent and drops what it holds"

    assert guard(repo.opened)

    assert (ids(repo, commits[0]), ids(repo, commits[1])) == ([1], [2])
    assert repo.git("notes", "--ref=regen", "show", commits[2]) == "typed"
    assert not guard(repo.opened)


def test_a_document_that_was_appended_meanwhile_is_put_back(
    repo: RepoBuilder, commits: list[str], tmp_path: Path
) -> None:
    script = tmp_path / "editor"
    added = "---\npart: of another kind\n"
    script.write_text(
        f"#!/bin/sh\ngit notes --ref=regen append -m '{added}' {commits[0]}\necho typed >\"$1\"\n"
    )
    script.chmod(0o755)
    repo.git("notes", "--ref=regen", "add", commits[2], env={"GIT_EDITOR": str(script)})

    assert guard(repo.opened)

    assert added.encode() in split(repo.git("notes", "--ref=regen", "show", commits[0]).encode())
    assert ids(repo, commits[0]) == [1]


def test_what_was_removed_on_purpose_stays_out(repo: RepoBuilder, commits: list[str]) -> None:
    record(repo, commits[1], 2)
    repo.git("notes", "--ref=regen", "remove", commits[0])

    assert not guard(repo.opened)
    record(repo, commits[2], 3)

    assert [ids(repo, commit) for commit in commits[:3]] == [[], [2], [3]]


def test_what_was_removed_before_another_writer_was_overwritten_stays_out(
    repo: RepoBuilder, commits: list[str]
) -> None:
    record(repo, commits[1], 2)
    before = tip(repo)
    record(repo, commits[2], 3)
    repo.git("update-ref", "refs/notes/scratch", before)
    repo.git("notes", "--ref=scratch", "remove", commits[0])
    repo.git("update-ref", INTENTS_REF, "refs/notes/scratch")

    assert guard(repo.opened)

    assert [ids(repo, commit) for commit in commits[:3]] == [[], [2], [3]]


def test_a_note_that_was_replaced_on_purpose_stays_so(repo: RepoBuilder, commits: list[str]) -> None:
    repo.git("notes", "--ref=regen", "add", "-f", "-m", "other words", commits[0])

    assert not guard(repo.opened)

    assert repo.git("notes", "--ref=regen", "show", commits[0]) == "other words"


def test_what_was_put_back_and_then_removed_stays_out(
    repo: RepoBuilder, commits: list[str], tmp_path: Path
) -> None:
    script = tmp_path / "editor"
    script.write_text(f'#!/bin/sh\ngit notes --ref=regen append -m late {commits[1]}\necho typed >"$1"\n')
    script.chmod(0o755)
    repo.git("notes", "--ref=regen", "add", commits[2], env={"GIT_EDITOR": str(script)})
    assert guard(repo.opened)
    repo.git("notes", "--ref=regen", "remove", commits[1])

    assert not guard(repo.opened)
    forget(repo.opened)
    assert not guard(repo.opened)

    assert repo.git("notes", "--ref=regen", "list", "--", commits[0])
    assert commits[1] not in repo.git("notes", "--ref=regen", "list")


def test_a_ledger_that_was_deleted_stays_deleted(repo: RepoBuilder, commits: list[str]) -> None:
    record(repo, commits[1], 2)
    repo.git("update-ref", "-d", INTENTS_REF)

    record(repo, commits[2], 3)

    assert [ids(repo, commit) for commit in commits[:3]] == [[], [], [3]]
    repo.git("update-ref", "-d", INTENTS_REF)
    assert not guard(repo.opened)
    assert repo.git("for-each-ref", INTENTS_REF) == ""


def test_an_expired_reflog_and_objects_that_are_gone_are_no_trouble(
    repo: RepoBuilder, commits: list[str]
) -> None:
    before = tip(repo)
    record(repo, commits[1], 2)
    lost = tip(repo)
    repo.git("update-ref", INTENTS_REF, before)
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now")
    assert lost not in repo.git("rev-list", "--all")

    assert not guard(repo.opened)
    record(repo, commits[2], 3)

    assert (ids(repo, commits[0]), ids(repo, commits[2])) == ([1], [3])


def test_an_overwritten_tip_is_found_without_any_memory_of_it(repo: RepoBuilder, commits: list[str]) -> None:
    before = tip(repo)
    record(repo, commits[1], 2)
    overwrite_blindly(repo, before, commits[2], "by git")
    forget(repo.opened)

    assert guard(repo.opened)

    assert ids(repo, commits[1]) == [2]


def test_packed_refs_are_read_too(repo: RepoBuilder, commits: list[str]) -> None:
    before = tip(repo)
    record(repo, commits[1], 2)
    overwrite_blindly(repo, before, commits[2], "by git")
    repo.git("pack-refs", "--all", "--prune")

    assert guard(repo.opened)

    assert ids(repo, commits[1]) == [2]
    repo.git("pack-refs", "--all", "--prune")
    assert not guard(repo.opened)


def test_a_document_that_grew_together_with_appended_text_is_put_back(
    repo: RepoBuilder, commits: list[str]
) -> None:
    repo.git("notes", "--ref=regen", "append", "-m", "no document", commits[0])
    assert ids(repo, commits[0]) == []

    assert guard(repo.opened)

    assert ids(repo, commits[0]) == [1]
    assert "no document" in repo.git("notes", "--ref=regen", "show", commits[0])


def test_looking_costs_no_process_and_one_where_somebody_wrote(
    repo: RepoBuilder, commits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = repo.opened
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))

    guard(opened)
    assert started(trace) == 0

    repo.git("notes", "--ref=regen", "append", "-m", "---\npart: of another kind\n", commits[0])
    after_git = started(trace)
    guard(opened)
    assert started(trace) - after_git == 1
    guard(opened)
    assert started(trace) - after_git == 1


def test_writing_costs_no_process_more_than_the_write_itself(
    repo: RepoBuilder, commits: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regen_git.git.notes import update_notes

    opened = repo.opened
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    update_notes(opened, "refs/notes/plain", {commits[1]: lambda _: b"x\n"}, "x")
    bare = started(trace)

    Ledger(opened).append({commits[1]: [intent(2)]})

    assert started(trace) - bare == bare


def test_looking_makes_nothing_where_nothing_is_set_up(repo: RepoBuilder) -> None:
    commit = repo.commit("c", {"f": "1"})
    repo.git("notes", "--ref=regen", "add", "-m", "by git", commit)

    assert not guard(repo.opened)

    assert not repo.opened.data_dir.exists()


WRITER = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from support.builder import RepoBuilder
from test_guard import record
repo = RepoBuilder(Path({repo!r}))
for number in range({first}, {first} + 8):
    record(repo, {commits!r}[number % 4], number)
"""


def test_writers_of_all_kinds_at_once_lose_nothing(repo: RepoBuilder, commits: list[str]) -> None:
    repo.git("config", "notes.rewriteRef", "refs/notes/regen*")
    amended = repo.path.parent / "amended"
    repo.git("worktree", "add", "-q", "-b", "side", str(amended), commits[3])
    paths = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
    env = {**os.environ, "GIT_EDITOR": "true"}
    ours = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                WRITER.format(path=paths, repo=str(repo.path), first=first, commits=commits),
            ],
            env=env,
        )
        for first in (100, 200)
    ]
    append = 'for n in 0 1 2 3 4 5 6 7; do git notes --ref=regen append -m "text: $0-$n" $1 || exit; done'
    gits = [
        subprocess.Popen(["sh", "-c", append, f"w{number}", commits[number]], cwd=repo.path, env=env)
        for number in range(2)
    ]
    amend = 'for n in 0 1 2 3 4 5; do git commit -q --amend --allow-empty -m "again $n" || exit; done'
    record(repo, commits[3], 7)
    amender = subprocess.Popen(["sh", "-c", amend], cwd=amended, env=env)
    for process in [*ours, *gits, amender]:
        # A writer of git that finds the ref locked gives up, and says so.
        assert process.wait(120) in ((0,) if process in ours else (0, 1, 128))

    guard(repo.opened)

    found = current(repo.opened, INTENTS_REF)
    texts = b"".join(raw for documents in found.values() for raw in documents.values())
    lost = [n for n in [1, 7, *range(100, 108), *range(200, 208)] if f"{n:016x}".encode() not in texts]
    assert lost == []
    history = repo.git("log", "--format=%H", INTENTS_REF).split()
    assert len(history) >= 18
