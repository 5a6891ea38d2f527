from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.domain.intent import LineRange
from regen_git.replay.people.textmerge import Hunk, first_difference, hunks, merge_text, ranges_changed

FILES = st.lists(
    st.sampled_from([b"a\n", b"b\n", b"c\n", b"\n", b"a\r\n", b"\r", b"\0\n", b"\xff\n", b"\x0c\n", b"x"]),
    max_size=14,
).map(b"".join)
LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\r\n", b"\xff\n", b"e"]), max_size=10).map(
    b"".join
)


def test_changes_in_different_places_merge() -> None:
    outcome = merge_text(b"1\n2\n3\n4\n5\n", b"1a\n2\n3\n4\n5\n", b"1\n2\n3\n4\n5\xff\n")
    assert (outcome.clean, outcome.data, outcome.conflicts) == (True, b"1a\n2\n3\n4\n5\xff\n", 0)


def test_a_conflict_shows_three_sides_with_their_names() -> None:
    outcome = merge_text(b"1\n", b"2\n", b"3\n", labels=("rebuilt", "-base", "Ada's"))
    assert not outcome.clean
    assert outcome.conflicts == 1
    assert outcome.data == b"<<<<<<< rebuilt\n2\n||||||| -base\n1\n=======\n3\n>>>>>>> Ada's\n"


def test_many_conflicts_are_counted() -> None:
    def numbered(word: bytes) -> bytes:
        return b"".join(b"%s%d\nsame\nsame\nsame\nsame\n" % (word, n) for n in range(300))

    assert merge_text(numbered(b"a"), numbered(b"b"), numbered(b"c")).conflicts == 300


def test_binary_files_do_not_merge_unless_one_side_is_unchanged() -> None:
    outcome = merge_text(b"a\0", b"b\0", b"c\0")
    assert (outcome.clean, outcome.data) == (False, b"b\0")
    assert merge_text(b"a\0", b"a\0", b"c\0").data == b"c\0"
    assert merge_text(b"a\0", b"c\0", b"c\0").clean


@settings(deadline=None, max_examples=40)
@given(LINES, LINES)
def test_an_unchanged_side_takes_the_other(base: bytes, changed: bytes) -> None:
    for ours, theirs in ((base, changed), (changed, base), (changed, changed)):
        outcome = merge_text(base, ours, theirs)
        assert outcome.clean
        assert outcome.data == changed


@settings(deadline=None, max_examples=200)
@given(FILES, FILES)
def test_hunks_lead_from_old_to_new(old: bytes, new: bytes) -> None:
    before = old.split(b"\n")
    after = new.split(b"\n")
    old_lines = [line + b"\n" for line in before[:-1]] + ([before[-1]] if before[-1] else [])
    new_lines = [line + b"\n" for line in after[:-1]] + ([after[-1]] if after[-1] else [])
    rebuilt: list[bytes] = []
    at = 0
    for hunk in hunks(old, new):
        rebuilt += old_lines[at : hunk.old_start - 1]
        assert len(rebuilt) == hunk.new_start - 1
        rebuilt += new_lines[hunk.new_start - 1 : hunk.new_start - 1 + hunk.new_lines]
        at = hunk.old_start - 1 + hunk.old_lines
    assert b"".join(rebuilt + old_lines[at:]) == new


def test_an_empty_side_stands_before_its_start() -> None:
    assert hunks(b"a\nb\n", b"a\nx\nb\n") == [Hunk(2, 0, 2, 1)]
    assert hunks(b"a\nx\nb\n", b"a\nb\n") == [Hunk(2, 1, 2, 0)]
    assert hunks(b"", b"a\n") == [Hunk(1, 0, 1, 1)]


def test_changed_ranges_are_those_of_the_new_file() -> None:
    assert ranges_changed(b"a\nb\nc\n", b"a\nB\nc\nd\ne\n") == (LineRange(2, 2), LineRange(4, 5))
    assert ranges_changed(b"a\nb\n", b"b\n") == (LineRange(1, 0),)
    assert ranges_changed(b"a\n", b"a\n") == ()


@pytest.mark.parametrize(
    ("a", "b", "line"),
    [(b"", b"", None), (b"a\nb\n", b"a\nc\n", 2), (b"a\n", b"a", 2), (b"", b"a", 1), (b"a\n", b"a\nb\n", 2)],
)
def test_the_first_difference_is_named_by_its_line(a: bytes, b: bytes, line: int | None) -> None:
    assert first_difference(a, b) == line
