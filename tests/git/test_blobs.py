from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regen_git.errors import RegenError
from regen_git.git.blobs import _Pieces, present, read_blobs

if TYPE_CHECKING:
    from support.builder import RepoBuilder


def test_blobs_come_in_the_order_in_which_they_were_asked_for(repo: RepoBuilder) -> None:
    texts = [b"one\n", b"", b"three\nlines\nof 200000\n" + b"x" * 200_000, b"one\n"]
    oids = [repo.git("hash-object", "-w", "--stdin", stdin=text) for text in texts]

    assert list(read_blobs(repo.opened, oids)) == list(zip(oids, texts, strict=True))


def test_what_is_not_here_is_told_apart_beforehand(repo: RepoBuilder) -> None:
    oid = repo.git("hash-object", "-w", "--stdin", stdin=b"x")

    assert present(repo.opened, [oid, "1" * 40]) == {oid}
    with pytest.raises(RegenError, match="missing"):
        list(read_blobs(repo.opened, [oid, "1" * 40]))


def test_no_blobs_start_no_process(repo: RepoBuilder) -> None:
    assert list(read_blobs(repo.opened, [])) == []


@given(st.lists(st.binary(max_size=9), max_size=6), st.integers(1, 7))
def test_pieces_of_any_size_give_the_same_lines_and_bytes(parts: list[bytes], size: int) -> None:
    stream = b"".join(b"%d\n%s\n" % (len(part), part) for part in parts)
    pieces = _Pieces(stream[at : at + size] for at in range(0, len(stream), size))

    found = []
    for _ in parts:
        found.append(pieces.take(int(pieces.line())))
        assert pieces.take(1) == b"\n"
    assert found == parts
