"""A purge in every kind of object store: what was purged is gone, and all else is there and sound."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from support.builder import RepoBuilder
from support.team import Clone, intent

from regen_git.ledger.store import INTENTS_REF, Ledger
from regen_git.sharing.purging import Wish, purge
from regen_git.sharing.purging.storage import contents

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "ghp_" + "Zq8vW2kLm5Rt7Yp1Xc4NbQd9Hs3Jf6Tg0"
KINDS = ("loose", "packed", "indexed", "graphed", "kept", "sha256", "worktree", "reftable")


def version() -> tuple[int, ...]:
    words = subprocess.run(["git", "version"], check=True, capture_output=True, text=True).stdout.split()
    return tuple(int(part) for part in words[2].split(".")[:2])


def made(folder: Path, kind: str) -> RepoBuilder:
    args = {"sha256": ["--object-format=sha256"], "reftable": ["--ref-format=reftable"]}.get(kind, [])
    repo = RepoBuilder.init(folder / "repo", *args)
    for number in range(4):
        repo.commit(f"c{number}", {f"f{number}": str(number)})
    for number in range(4):
        text = f"use {SECRET}" if number == 2 else f"do {number}"
        Ledger(repo.opened).append({repo.git("rev-parse", f"HEAD~{number}"): [intent(number + 1, text)]})
    if kind == "loose":
        packs = repo.path / ".git" / "objects" / "pack"
        moved = folder / "moved"
        packs.rename(moved)
        packs.mkdir()
        for pack in moved.glob("*.pack"):
            repo.git("unpack-objects", "-q", stdin=pack.read_bytes())
    if kind in ("packed", "graphed", "kept", "sha256"):
        repo.git("gc", "-q")
    if kind == "graphed":
        repo.git("commit-graph", "write", "--reachable", "--split")
    if kind == "indexed":
        repo.git("multi-pack-index", "write")
    if kind == "worktree":
        repo.git("worktree", "add", "-q", "--detach", str(folder / "linked"), "HEAD~1")
    return repo


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_store_is_rid_of_it_and_sound(tmp_path: Path, kind: str) -> None:
    if kind == "reftable" and version() < (2, 45):
        pytest.skip("this git has no reftable")
    repo = made(tmp_path, kind)
    mine = repo.git("hash-object", "-w", "--stdin", stdin=b"lost work\n")
    reached = set(repo.git("rev-list", "--objects", "--no-object-names", "--all").split())
    ledger = set(repo.git("rev-list", "--objects", "--no-object-names", INTENTS_REF).split())
    if kind == "kept":
        pack = next((repo.path / ".git" / "objects" / "pack").glob("*.pack"))
        pack.with_suffix(".keep").touch()

    outcome = purge(repo.opened, Wish((intent(3).id,)))

    if kind == "kept":
        assert "marked to be kept" in outcome.troubles[0]
        return
    assert outcome.troubles == []
    left = {oid: data for oid, _, data in contents(repo.opened)}
    assert not any(SECRET.encode() in data for data in left.values())
    assert reached - ledger <= left.keys()
    assert mine in left
    assert repo.git("fsck", "--full", "--no-dangling") == ""
    assert Clone(repo).ids("HEAD~1") == [2]
    assert Clone(repo).ids("HEAD~2") == []
    if kind == "graphed":
        repo.git("commit-graph", "verify")
    if kind == "indexed":
        repo.git("multi-pack-index", "verify")


def test_an_object_that_is_longer_than_what_is_read_at_once_is_seen_in_pieces(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.sharing.purging.storage._WHOLE", 1000)
    monkeypatch.setattr("regen_git.sharing.purging.storage._OVERLAP", 100)
    oid = repo.git("hash-object", "-w", "--stdin", stdin=b"x" * 990 + SECRET.encode() + b"y" * 5000)
    repo.git("hash-object", "-w", "--stdin", stdin=b"")
    repo.git("hash-object", "-w", "--stdin", stdin=b"z" * 1000)

    seen = [(one, data) for one, _, data in contents(repo.opened)]

    assert len({one for one, _ in seen}) == 3
    assert any(SECRET.encode() in data for one, data in seen if one == oid)


def test_the_staged_file_that_has_it_stays_and_is_listed(repo: RepoBuilder) -> None:
    head = repo.commit("c", {"f": "1"})
    Ledger(repo.opened).append({head: [intent(1, f"use {SECRET}")]})
    (repo.path / "g").write_text(SECRET)
    repo.git("add", "g")

    outcome = purge(repo.opened, Wish((intent(1).id,)))

    assert [(one.kind, one.commit) for one in outcome.holders] == [("blob", "")]
    assert repo.git("show", ":g") == SECRET
