"""Any history, however odd, is rebuilt from its own answers as the history it was.

The suite tries sixty random histories, ten side by side in a repository, the same each time. To try many,
others with each seed::

    REGEN_CASES=10000 REGEN_SEED=1 python -m pytest tests/replay/test_odd_histories.py -k random

``REGEN_AT_ONCE=1`` gives each a repository of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from support.identity import problems_of, reached, read_everything
from support.odd_histories import (
    EMPTY_FOLDER,
    Asked,
    OddCommit,
    OddHistory,
    Thing,
    joined,
    odd_histories,
    write,
)

from regen_git.config import load_settings
from regen_git.domain.intent import LineRange
from regen_git.git.repository import Repository
from regen_git.replay.options import ReplayOptions
from regen_git.replay.prepare import prepare
from regen_git.replay.session import run_replay

if TYPE_CHECKING:
    from pathlib import Path

    from support.builder import RepoBuilder
    from support.odd_histories import Written

CASES = int(os.environ.get("REGEN_CASES", "60"))
AT_ONCE = int(os.environ.get("REGEN_AT_ONCE", "10"))
SEED = int(os.environ.get("REGEN_SEED", "0"))
_FSCK = re.compile(r"(?:error|warning) in (\w+) ([0-9a-f]{40}): (\w+)")


class Scratch:
    """A small repository with something staged and something edited, and copies of it with odd histories."""

    def __init__(self, repo: RepoBuilder) -> None:
        repo.commit("Start", {"kept.txt": "committed\n"})
        repo.write({"kept.txt": "staged\n"})
        repo.git("add", "kept.txt")
        repo.write({"kept.txt": "edited\n", "new.txt": "untracked\n"})
        shutil.rmtree(repo.path / ".git" / "hooks")
        self.template = repo.path
        self.number = 0

    def copy(self, history: OddHistory) -> Path:
        self.number += 1
        path = self.template.parent / f"odd-{self.number}"
        shutil.copytree(self.template, path, symlinks=True)
        if history.config is not None:
            (path / ".regen").mkdir()
            (path / ".regen" / "config.yaml").write_bytes(history.config)
        return path


@pytest.fixture
def scratch(repo: RepoBuilder) -> Scratch:
    return Scratch(repo)


def snapshot(path: Path) -> dict[str, bytes]:
    """Return every byte that is the user's: files, index, HEAD, branches that no replay made."""
    found = {}
    for file in path.rglob("*"):
        name = file.relative_to(path).as_posix()
        is_theirs = not name.startswith(".git/") or name in {
            ".git/HEAD",
            ".git/index",
            ".git/refs/heads/main",
        }
        if is_theirs and file.is_file():
            found[name] = file.read_bytes()
    return found


def replay(repo: Repository, history: OddHistory, span: str, tip: str, *, rewrite: bool) -> str | None:
    """Replay in this process as the command does, and return the rebuilt tip."""
    name = "rewritten" if rewrite else "plain"
    options = ReplayOptions(
        name, span, tip, "original", include=history.include, grouped=history.grouped, rewrite=rewrite
    )
    finish = run_replay(prepare(repo, options, load_settings(repo)))
    assert finish.outcome.stuck is None, finish.outcome.stuck.why
    if not rewrite:
        assert len(finish.outcome.reused) == len(finish.prepared.plan.steps)
    return finish.tip


def fsck(path: Path) -> dict[str, set[tuple[str, str]]]:
    """Return, by object, its kind and the names of what git finds wrong with it."""
    argv = ["git", "-C", str(path), "fsck", "--strict", "--no-dangling", "--no-progress"]
    done = subprocess.run(argv, capture_output=True, check=False)
    found: dict[str, set[tuple[str, str]]] = {}
    for kind, oid, what in _FSCK.findall(os.fsdecode(done.stdout + done.stderr)):
        # Files are written as they were; a submodule's id may even be named like one.
        if kind == "blob":
            continue
        found.setdefault(oid, set()).add((kind, what))
    return found


def opened(path: Path) -> Repository:
    return Repository(path / ".git", path / ".git", path, "sha1")


def check_identity(scratch: Scratch, history: OddHistory) -> None:
    path = scratch.copy(history)
    try:
        written = write(opened(path), history)
        _check_identity(path, history, written)
    finally:
        shutil.rmtree(path)


def _check_identity(path: Path, history: OddHistory, written: Written) -> None:
    tip, span, base = written.tip, written.tip, None
    if history.base is not None and history.base < len(written.commits) - 1:
        base = written.commits[history.base]
        span = f"{base}..{tip}"
    before = snapshot(path)

    # Opened anew each time: nothing that the first replay remembers may help the second.
    plain = replay(opened(path), history, span, tip, rewrite=False)
    rebuilt = replay(opened(path), history, span, tip, rewrite=True)

    assert plain == tip
    assert snapshot(path) == before
    everything = read_everything(path)
    source = reached(everything, tip)
    kept = reached(everything, base) if base is not None else {}
    old = {oid: commit for oid, commit in source.items() if oid not in kept}
    new = {oid: each for oid, each in reached(everything, str(rebuilt)).items() if oid not in source}
    assert not (wrongs := problems_of(old, new)), wrongs
    # No object that was made may be worse than those it was made from.
    found = fsck(path)
    odd_trees = {what for oid in written.objects for kind, what in found.get(oid, ()) if kind == "tree"}
    for oid in found.keys() - written.objects:
        allowed = found.get(new[oid.encode()].source.decode(), set()) if oid.encode() in new else set()
        for kind, what in found[oid]:
            assert (kind, what) in allowed or (kind == "tree" and what in odd_trees), (oid, what)


def asked(*edits: tuple[tuple[bytes, ...], Thing | None], **rest: Any) -> OddCommit:
    return OddCommit((0,), edits=edits, asked=Asked(prompts=("Do it.",)), **rest)


def text(data: bytes = b"x\n", mode: bytes = b"100644") -> Thing:
    return Thing(mode, data)


FIRST = OddCommit(edits=(((b"a.py",), text()), ((b"src", b"b.py"), text(b"y\n", b"100664"))))
BAD_NAMES = [b"end\\", b"c:stream", b"...", b"git~1", b"back\\slash", b"dot."]
ENCODINGS = [b"punycode", b"idna", b"hex", b"utf-7", b"unicode_escape", b"\xff"]
PROSE = b"S\n\nRegen-Source: said in prose\n\nRegen-Model: too, see above\n"
BEFORE = b"S\n\nKey: v\nRegen-Source: " + b"3" * 40 + b"\nRegen-Model: old\n"
ODD = {
    "modes as old tools wrote them": (
        FIRST,
        asked(((b"a.py",), text(b"x\n", b"100600"))),
        asked(((b"src", b"b.py"), text(b"z\n", b"100775")), ((b"src", b"c.py"), text(b"", b"100664"))),
        asked(((b"src", b"c.py"), text(b"c\n")), padded=True),
    ),
    "a folder without files": (
        FIRST,
        asked(((b"empty",), EMPTY_FOLDER), ((b"a.py",), text(b"z\n"))),
        asked(((b"src", b"b.py"), None), ((b"src", b"none"), EMPTY_FOLDER)),
    ),
    "names that no answer may write": tuple(
        asked(((name,), text(b"%d\n" % number)), ((b"a.py",), text(b"%d\n" % number)))
        for number, name in enumerate(BAD_NAMES)
    ),
    "a file and a folder change places": (
        FIRST,
        asked(((b"a.py", b"inner"), text())),
        asked(((b"a.py",), text()), ((b"src",), Thing(b"120000", b"a.py"))),
        asked(((b"src", b"b.py"), text())),
    ),
    "encodings that are none": tuple(
        asked(((b"a.py",), text(b"%d\n" % i)), headers=(b"encoding " + name,), message=b"\\ud800 +2AA-\n")
        for i, name in enumerate(ENCODINGS)
    ),
    "lines that are said twice to be mended": (
        FIRST,
        replace(
            asked(((b"a.py",), text(b"one\n"))),
            asked=Asked(("Do it.",), hand=((0, LineRange(1, 3)), (0, LineRange(1, 6)), (0, LineRange(2, 1)))),
        ),
    ),
    "words of an earlier replay": (
        FIRST,
        asked(((b"a.py",), text(b"z\n")), message=PROSE),
        asked(((b"a.py",), text(b"w\n")), message=BEFORE),
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_thing_is_rebuilt_as_it_was(scratch: Scratch, name: str) -> None:
    commits = ODD[name]
    check_identity(scratch, OddHistory((replace(commits[0], parents=()), *commits[1:])))


@seed(SEED)
@settings(
    max_examples=max(1, CASES // AT_ONCE),
    deadline=None,
    derandomize=not SEED,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(histories=st.lists(odd_histories(), min_size=AT_ONCE, max_size=AT_ONCE))
def test_random_odd_histories_are_rebuilt_as_they_were(scratch: Scratch, histories: list[OddHistory]) -> None:
    try:
        check_identity(scratch, joined(histories))
    except Exception:
        # Processes are slow, so hypothesis would shrink for an hour: name the one that fails alone instead.
        for history in sorted(histories, key=lambda each: len(each.commits)):
            check_identity(scratch, history)
        raise
