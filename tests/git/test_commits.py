from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.odd_pieces import HEADERS, IDENTS, MESSAGES

from regen_git.git.commits import parse_commit, rewrite
from regen_git.git.trailers import add, parse, without

OID = "1" * 40
KEPT = [header for header in HEADERS if not header.startswith((b"gpgsig", b"mergetag"))]


def raw(headers: list[bytes], message: bytes, author: bytes = IDENTS[0], parents: int = 1) -> bytes:
    lines = [b"tree " + b"2" * 40, *[b"parent " + b"3" * 40] * parents, b"author " + author]
    return b"\n".join([*lines, b"committer " + author, *headers]) + b"\n\n" + message


@given(
    st.lists(st.sampled_from(KEPT), max_size=4),
    st.one_of(st.sampled_from(MESSAGES), st.binary(max_size=30)),
    st.sampled_from(IDENTS),
    st.integers(0, 3),
)
def test_a_commit_without_signatures_is_written_again_byte_by_byte(
    headers: list[bytes], message: bytes, author: bytes, parents: int
) -> None:
    data = raw(headers, message, author, parents)
    commit = parse_commit(OID, data)

    assert rewrite(commit, tree=commit.tree, parents=commit.parents, message=commit.message) == data
    assert len(commit.parents) == parents
    # Whatever encoding is named, there is a text, and it can be written down.
    commit.text.encode()
    assert isinstance(commit.time, int)


@pytest.mark.parametrize("header", [header for header in HEADERS if header not in KEPT])
def test_signatures_go_and_what_stands_around_them_stays(header: bytes) -> None:
    commit = parse_commit(OID, raw([b"encoding latin-1", header, b"x y"], b"m\n"))

    assert commit.is_signed
    again = rewrite(commit, tree=commit.tree, parents=commit.parents, message=b"m\n")
    assert again == raw([b"encoding latin-1", b"x y"], b"m\n")


def test_a_commit_may_end_with_its_headers() -> None:
    head = raw([], b"").removesuffix(b"\n")

    commit = parse_commit(OID, head)

    assert (commit.message, commit.subject) == (b"", "")
    assert rewrite(commit, tree=commit.tree, parents=commit.parents, message=b"") == head + b"\n"


def test_trailers_are_taken_out_of_the_trailer_block_alone() -> None:
    message = b"S\n\nRegen-Source: prose\n\nKey: v\nRegen-Source: a\n folded\nregen-model: b\nOther: w\n"

    assert without(message, ("Regen-Source", "Regen-Model")) == (
        b"S\n\nRegen-Source: prose\n\nKey: v\nOther: w\n"
    )
    assert without(b"S\n\nRegen-Source: a\n", ("Regen-Source",)) == b"S\n"
    assert without(b"Regen-Source: a subject\n", ("Regen-Source",)) == b"Regen-Source: a subject\n"


@given(st.sampled_from(MESSAGES))
def test_what_is_added_can_be_taken_out_again(message: bytes) -> None:
    bare = without(message, ("Regen-Source",))
    with_one = add(bare, [("Regen-Source", "4" * 40)])

    assert ("Regen-Source", "4" * 40) in parse(with_one)
    assert without(with_one, ("Regen-Source",)).rstrip() == bare.rstrip()
