"""What others do while a replay runs: move branches, tidy up, start the same replay, lock refs."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.histories import History

from regen_git.cli.replaying import load_for_replay
from regen_git.errors import GitError, ReplayError
from regen_git.git.refs import update_ref
from regen_git.ledger.store import Ledger
from regen_git.replay import engine
from regen_git.replay.journal import Journal, hold
from regen_git.replay.options import ReplayOptions
from regen_git.replay.prepare import prepare
from regen_git.replay.session import replays_folder, run_replay

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.builder import RepoBuilder

    from regen_git.replay.answers import Answers
    from regen_git.replay.engine import Progress
    from regen_git.replay.session import Finish


@pytest.fixture
def history(repo: RepoBuilder) -> History:
    """Return a history with two lines that meet."""
    made = History(repo)
    made.by_hand("Start", {"README": "hello\n"})
    for number in range(4):
        made.asked(f"Write file {number}.", {f"m{number}.py": f"value = {number}\n"})
    repo.git("checkout", "-q", "-b", "side")
    made.by_hand("Beside", {"beside.txt": "x\n"})
    repo.git("checkout", "-q", "main")
    made.asked("Write one more.", {"more.py": "more = 1\n"})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    made.by_hand("End", {"end.txt": "x\n"})
    return made


def run(history: History, at: int, then: Callable[[], object], name: str = "r") -> Finish:
    """Replay with every commit made anew, and do something when so many steps are done."""
    repo = history.repo.opened
    options = ReplayOptions(name, "", repo.resolve("HEAD"), "original", rewrite=True, check="never")
    prepared = prepare(repo, options, load_for_replay(repo))
    done: set[int] = set()

    def watch(progress: Progress, answers: Answers) -> None:
        del answers
        if progress.done == at and at not in done:
            done.add(at)
            then()

    return run_replay(prepared, on_progress=watch)


def expected(history: History) -> str:
    """Return the tip that an undisturbed replay comes to."""
    finish = run(history, -1, lambda: None, "undisturbed")
    assert finish.tip is not None
    return finish.tip


def stop() -> None:
    raise KeyboardInterrupt


def made_so_far(history: History) -> list[str]:
    journal = Journal(replays_folder(history.repo.opened, "r") / "journal.jsonl")
    return [entry["commit"] for entry in journal.read() if entry.get("state") == "committed"]


@pytest.mark.parametrize(
    "tidy",
    [("gc", "-q", "--prune=now"), ("repack", "-adfq"), ("prune", "--expire=now")],
    ids=lambda argv: argv[0],
)
def test_tidying_up_in_the_middle_collects_nothing_that_was_made(
    history: History, tidy: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = expected(history)
    repo = history.repo
    repo.git("branch", "-D", "regen/undisturbed")
    repo.git("update-ref", "-d", "refs/notes/regen-provenance")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    monkeypatch.setattr(engine, "_FLUSH_EVERY", 2)

    finish = run(history, 5, lambda: repo.git(*tidy))

    assert finish.tip == tip
    repo.git("fsck", "--connectivity-only", "--no-dangling", "--no-progress")
    assert repo.git("for-each-ref", "refs/regen/progress") == ""


def test_what_a_stopped_replay_made_survives_gc_and_is_made_again_where_it_did_not(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = expected(history)
    repo = history.repo
    repo.git("branch", "-D", "regen/undisturbed")
    repo.git("update-ref", "-d", "refs/notes/regen-provenance")
    monkeypatch.setattr(engine, "_FLUSH_EVERY", 2)
    with pytest.raises(KeyboardInterrupt):
        run(history, 6, stop)

    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    made = made_so_far(history)
    assert len(made) >= 6
    for commit in made:
        repo.git("cat-file", "-e", f"{commit}^{{tree}}")

    repo.git("update-ref", "-d", "refs/regen/progress/r")
    repo.git("gc", "-q", "--prune=now")
    gone = [c for c in made if c not in repo.git("cat-file", "--batch-all-objects", "--batch-check")]
    assert gone

    assert run(history, -1, lambda: None).tip == tip
    repo.git("fsck", "--connectivity-only", "--no-dangling", "--no-progress")


def test_packs_that_are_replaced_are_found_again(repo: RepoBuilder) -> None:
    blobs = []
    for number in range(6):
        repo.commit(f"c{number}", {f"f{number}": f"{number}\n" * 500})
        blobs.append(repo.git("rev-parse", f"HEAD:f{number}"))
        if number % 2:
            repo.git("repack", "-dq")
    store = repo.opened.objects
    store.blob(blobs[0])
    repo.git("repack", "-adfq")
    repo.git("prune-packed")

    for number, blob in enumerate(blobs):
        assert store.blob(blob) == f"{number}\n".encode() * 500


def test_a_source_branch_that_moves_meanwhile_changes_nothing(history: History) -> None:
    tip = expected(history)

    finish = run(history, 3, lambda: history.by_hand("Meanwhile", {"new.txt": "x\n"}))

    assert finish.tip == tip
    assert history.repo.git("log", "-1", "--format=%s") == "Meanwhile"


def test_commits_that_somebody_puts_on_the_rebuilt_branch_are_never_overwritten(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    tip = expected(history)
    repo = history.repo
    foreign = repo.git("commit-tree", "HEAD^{tree}", "-m", "by somebody")

    with pytest.raises(ReplayError, match="cannot move 'regen/r'"):
        run(history, 3, lambda: repo.git("branch", "regen/r", foreign))

    assert history.regen("replay", "--resume", "r") == 3
    assert "somebody moved the branch" in capsys.readouterr().err
    assert repo.git("rev-parse", "regen/r") == foreign
    repo.git("branch", "-m", "regen/r", "kept")
    assert history.regen("replay", "--resume", "r") == 0
    assert repo.git("rev-parse", "regen/r") == tip


def test_the_second_of_two_replays_of_one_name_is_refused_with_who_has_it(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = replays_folder(history.repo.opened, "r")
    code = (
        "import sys, time; from pathlib import Path; from regen_git.replay.journal import hold\n"
        "with hold(Path(sys.argv[1]), 'r'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        try:
            status = history.regen("replay", "--model", "original", "--rewrite", "--name", "r", "--force")
        finally:
            other.kill()
    said = capsys.readouterr().err
    assert status == 3
    assert f"replay 'r' is running in process {other.pid}" in said

    # The lock of a dead process is no obstacle.
    assert (folder / "lock").read_text().strip() == str(other.pid)
    assert history.regen("replay", "--model", "original", "--rewrite", "--name", "r") == 0


def test_replays_of_two_names_do_not_disturb_each_other(history: History) -> None:
    tip = expected(history)

    argv = [
        sys.executable,
        "-m",
        "regen_git",
        "replay",
        "--model",
        "original",
        "--rewrite",
        "--name",
        "inner",
    ]

    def beside() -> None:
        subprocess.run(argv, cwd=history.repo.path, check=True, capture_output=True)

    finish = run(history, 3, beside, "outer")

    assert finish.tip == tip
    assert history.repo.git("rev-parse", "regen/inner", "regen/outer").split() == [tip, tip]


def test_a_restart_does_not_reach_into_a_replay_that_runs(history: History) -> None:
    repo = history.repo.opened
    folder = replays_folder(repo, "r")
    with hold(folder, "r"):
        Journal(folder / "journal.jsonl").tell([{"state": "begun", "branch": None}], is_durable=True)
        argv = ["replay", "--model", "original", "--name", "r", "--force"]
        assert history.regen(*argv) == 3
    states = [entry["state"] for entry in Journal(folder / "journal.jsonl").read()]
    assert states == ["begun"]


@pytest.mark.parametrize("name", ["refs/notes/regen.lock", "packed-refs.lock"])
def test_a_stale_lock_is_named_and_what_waited_is_written_once_it_is_gone(
    history: History, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.git.notes._TRIES", 2)
    repo = history.repo
    lock = repo.path / ".git" / name
    repo.git("pack-refs", "--all")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    argv = ["record", "--commit", "HEAD", "Explain the end"]
    status = history.regen(*argv)
    said = capsys.readouterr().err
    if name == "packed-refs.lock":
        # Only a deletion needs that file.
        assert status == 0
        opened = repo.opened
        with pytest.raises(GitError, match=r"packed-refs\.lock"):
            update_ref(opened, "refs/heads/side", None, opened.resolve("side"))
        lock.unlink()
    else:
        assert status == 3
        assert str(lock) in said
        assert "hint: if no other git is at work here, one was killed: remove" in said
        lock.unlink()
        assert history.regen(*argv) == 0
    opened = repo.opened
    view = Ledger(opened).of(opened.resolve("HEAD"))
    assert [p.text for i in view.intents.values() for p in i.prompts] == ["Explain the end"]


def test_a_stale_lock_of_the_index_stops_an_adoption_before_anything_moves(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = history.repo
    assert history.regen("replay", "--model", "original", "--rewrite", "--name", "r") == 0
    before = repo.git("rev-parse", "HEAD")
    lock = repo.path / ".git/index.lock"
    lock.touch()
    capsys.readouterr()

    assert history.regen("adopt", "r", "--history") == 3
    assert f"remove '{lock}' and try again" in capsys.readouterr().err
    assert repo.git("rev-parse", "HEAD") == before

    lock.unlink()
    assert history.regen("adopt", "r", "--history", "--json") == 0
    assert json.loads(capsys.readouterr().out)["new"] == repo.git("rev-parse", "regen/r")
