from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.histories import History

from regen_git.config import LONGEST_TEXT, Kind, Ownership
from regen_git.config.settings import PathRules
from regen_git.git.commits import read_commit
from regen_git.git.trees import lookup

if TYPE_CHECKING:
    from support.builder import RepoBuilder


def cut_short(repo: RepoBuilder, oid: str) -> None:
    """Leave of an object only its beginning: its size can be told, and reading it fails."""
    path = repo.path / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(AssertionError, match="failed"):
        repo.git("cat-file", "blob", oid)


@pytest.mark.parametrize("is_text", [False, True])
def test_large_files_that_only_move_are_never_read(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str], *, is_text: bool
) -> None:
    history = History(repo)
    data = random.Random(1).randbytes(LONGEST_TEXT)
    large = data.hex().encode() if is_text else data + b"\0"
    history.by_hand("Add it", {"large.py": large, "kept.txt": "x\n"})
    oid = repo.git("rev-parse", "HEAD:large.py")
    repo.git("mv", "large.py", "moved.py")
    history.asked("Move the large file; write a small one.", {"a.py": "a = 1\n"})
    (repo.path / "moved.py").chmod(0o755)
    history.asked("Make it a program.", {"a.py": "a = 2\n"})
    history.by_hand("Remove it", {"moved.py": None})
    cut_short(repo, oid)

    for arguments in ([], ["--rewrite"]):
        assert history.regen("replay", "--model", "original", "--json", "--force", *arguments) == 0

    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["first_difference"] is None
    assert told["steps"]["regenerated"] == 2
    found = repo.git("log", "--format=%T", "regen/original").split()
    assert found == repo.git("log", "--format=%T", "HEAD").split()


def test_a_file_too_long_for_any_answer_is_history_s(repo: RepoBuilder) -> None:
    repo.commit("one", {"short.py": b"x" * LONGEST_TEXT, "long.py": b"x" * (LONGEST_TEXT + 1)})
    store = repo.opened.objects
    tree = read_commit(store, repo.git("rev-parse", "HEAD")).tree
    ownership = Ownership(PathRules())

    def kind_of(path: str) -> Kind:
        leaf = lookup(store, tree, path)
        assert leaf is not None
        return ownership.classify(path, leaf.mode, lambda: store.short_blob(leaf.oid, LONGEST_TEXT))

    kinds = {path: kind_of(path) for path in ("short.py", "long.py")}

    assert kinds == {"short.py": Kind.MODEL, "long.py": Kind.FROZEN}


def test_dropped_signatures_are_counted(repo: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    history = History(repo)
    history.asked("Write one.", {"a.py": "a = 1\n"})
    raw = subprocess.run(
        ["git", "cat-file", "commit", "HEAD"], cwd=repo.path, check=True, capture_output=True
    ).stdout
    head, _, message = raw.partition(b"\n\n")
    signed = (
        head + b"\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n abcd\n -----END PGP SIGNATURE-----\n\n" + message
    )
    oid = repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=signed)
    repo.git("update-ref", "HEAD", oid)

    assert history.regen("replay", "--model", "original") == 0
    assert "signature" not in capsys.readouterr().out
    assert history.regen("replay", "--model", "original", "--rewrite", "--force") == 0

    assert "1 signature dropped" in capsys.readouterr().out
    assert "gpgsig" not in repo.git("cat-file", "commit", "regen/original")
