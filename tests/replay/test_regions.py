from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.domain.intent import LineRange
from regen_git.replay.people.hand_placing import place_hand_lines
from regen_git.replay.people.regions import (
    hand_lines,
    kept_regions,
    marker_problems,
    missing_hand_lines,
    missing_regions,
    united,
)

KEPT = "a\n# regen: keep\nmine\n# regen: end\nb\n"


@pytest.mark.parametrize(
    ("keep", "end"),
    [
        ("# regen: keep", "# regen: end"),
        ("    // regen: keep tuning", "    // regen: end"),
        ("/* regen: keep */", "/* regen: end */"),
        ("<!-- regen: keep -->", "<!-- regen: end -->"),
        ("-- regen:keep", "-- regen:end"),
        ("REM regen: keep", "REM regen: end"),
        ("x = 1  # regen: keep", "y = 2  # regen: end"),
        ("{/* regen: keep */}", "{/* regen: end */}"),
    ],
)
def test_regions_are_found_in_any_comment(keep: str, end: str) -> None:
    (region,) = kept_regions(f"a\n{keep}\nmine\n{end}\nb")
    assert region.text == f"{keep}\nmine\n{end}\n"
    assert (region.ordinal, region.first, region.last) == (1, 2, 4)
    assert region.name == ("tuning" if "tuning" in keep else "")


@pytest.mark.parametrize(
    "line", ["between `regen: keep` and the end", "regenerate: keep", "the regen: keeper", "`regen: end`"]
)
def test_words_about_markers_are_not_markers(line: str) -> None:
    assert kept_regions(line) == []
    assert marker_problems(line) == []


def test_markers_out_of_balance_are_named_by_line() -> None:
    assert marker_problems(KEPT) == []
    assert "line 1" in marker_problems("# regen: end\n")[0]
    assert "never ended" in marker_problems("a\n# regen: keep\nb\n")[0]
    assert len(marker_problems("# regen: keep\n# regen: keep\n# regen: end\n")) == 1
    assert kept_regions("a\n# regen: keep\nb\n")[0].text == "# regen: keep\nb\n"


def test_a_region_must_stand_word_for_word() -> None:
    assert missing_regions(KEPT, "new\n" + KEPT) == []
    assert missing_regions(KEPT, "new\n" + KEPT.replace("mine", "yours"))[0].ordinal == 1
    assert missing_regions(KEPT, "# regen: keep\nmine\n# regen: end") == []
    assert len(missing_regions(KEPT, "x # regen: keep\nmine\n# regen: end\n")) == 1


def test_regions_must_stand_in_order_and_as_often() -> None:
    one, two = "# regen: keep\n1\n# regen: end\n", "# regen: keep\n2\n# regen: end\n"
    assert missing_regions(one + two, one + two) == []
    assert len(missing_regions(one + two, two + one)) == 1
    assert len(missing_regions(one + one, one)) == 1


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from(["# regen: keep", "# regen: end", "a", "", "b\r"]), max_size=12).map("\n".join)
)
def test_a_file_never_misses_its_own_regions(text: str) -> None:
    assert missing_regions(text, text) == []


# Lines mended by hand

FILE = b"def f():\n    a = 1\n    b = 2\n    return a\n"


def test_hand_lines_are_the_bytes_of_their_ranges() -> None:
    assert hand_lines(b"1\n2\n3", [LineRange(2, 3), LineRange(2, 1), LineRange(9, 9)]) == [b"2\n3", b"", b""]


def test_hand_lines_are_present_with_another_indentation_only() -> None:
    ranges = [LineRange(2, 3)]
    assert missing_hand_lines(FILE, ranges, b"x\n" + FILE) == []
    assert missing_hand_lines(FILE, ranges, b"class A:\n        a = 1\n        b = 2") == []
    assert missing_hand_lines(FILE, ranges, b"    a = 1\n\n    b = 2\n") == ranges
    assert missing_hand_lines(FILE, ranges, b"    a = 1\n    b = 22\n") == ranges
    assert missing_hand_lines(FILE, [LineRange(2, 1)], b"") == []


def test_equal_hand_lines_must_stand_as_often() -> None:
    ranges = [LineRange(1, 1), LineRange(3, 3)]
    assert missing_hand_lines(b"x\ny\nx\n", ranges, b"x\nx\n") == []
    assert missing_hand_lines(b"x\ny\nx\n", ranges, b"x\ny\n") == [LineRange(3, 3)]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from([b"a\n", b" b\n", b"\n", b"c"]), max_size=9).map(b"".join),
    st.integers(1, 6),
    st.integers(0, 4),
)
def test_a_file_never_misses_its_own_hand_lines(text: bytes, first: int, size: int) -> None:
    ranges = [LineRange(first, first + size - 1)]
    assert missing_hand_lines(text, ranges, text) == []
    assert place_hand_lines(None, text, ranges, text) == text


def test_a_mended_line_replaces_the_generated_one_between_its_neighbours() -> None:
    original = b"def f():\n    a = 1\n    b = 2  # measured\n    return a\n"
    new = (
        b"import x\n\n\ndef f():\n    a = 1\n    b = 9\n    return a\n\n\ndef g():\n    a = 1\n    return a\n"
    )
    placed = place_hand_lines(None, original, [LineRange(3, 3)], new, path="a.py")
    assert placed == new.replace(b"b = 9", b"b = 2  # measured")
    assert place_hand_lines(None, original, [LineRange(3, 3)], new, path="a.txt") == placed


def test_mended_lines_are_inserted_where_nothing_stands_between() -> None:
    new = b"def f():\n        a = 1\n        return a\n"
    assert (
        place_hand_lines(None, FILE, [LineRange(3, 3)], new)
        == b"def f():\n        a = 1\n        b = 2\n        return a\n"
    )


def test_a_symbol_tells_equal_places_apart() -> None:
    body = b"    a = 1\n    return a\n"
    new = b"def e():\n" + body + b"\n\ndef f():\n" + body
    assert (
        place_hand_lines(None, FILE, [LineRange(3, 3)], new, path="a.py")
        == new[:-13] + b"    b = 2\n    return a\n"
    )
    original = FILE.replace(b"def f():\n", b"")
    new = body + b"\n" + body
    assert place_hand_lines(None, original, [LineRange(2, 2)], new) is None


def test_lines_of_a_symbol_that_is_gone_are_left_to_a_person() -> None:
    assert (
        place_hand_lines(
            None,
            FILE,
            [LineRange(3, 3)],
            FILE.replace(b"def f", b"def h").replace(b"b = 2", b"c = 3"),
            path="a.py",
        )
        is None
    )


def test_a_function_written_by_hand_comes_back_whole() -> None:
    original = b"def a():\n    pass\n\n\ndef mine():\n    return 42\n\n\ndef z():\n    pass\n"
    new = b"def z():\n    return None\n\n\ndef a():\n    return 1\n"
    for part in (LineRange(4, 7), LineRange(5, 6)):
        placed = place_hand_lines(None, original, [part], new, path="a.py")
        assert placed == new + b"\n\ndef mine():\n    return 42\n"
    other = new + b"\n\ndef mine():\n    return 0\n"
    assert place_hand_lines(None, original, [LineRange(5, 6)], other, path="a.py") == other.replace(
        b" 0", b" 42"
    )


def test_much_generated_text_does_not_give_way() -> None:
    original = b"start\nmine\nend\n"
    assert place_hand_lines(None, original, [LineRange(2, 2)], b"start\n1\n2\n3\n4\nend\n") is None


def test_what_stood_before_the_person_helps_only_when_nothing_else_changed() -> None:
    before = b"def f():\n    return 1\n\n\ndef g():\n    return 1\n"
    original = before.replace(b"return 1\n\n", b"return 2\n\n")
    new = b"def g():\n    return 1\n\n\ndef f():\n    return 1\n"
    assert place_hand_lines(before, original, [LineRange(2, 2)], new, path="a.py") == new[:-2] + b"2\n"
    parent = b"def f():\n    return 0\n"
    placed = place_hand_lines(parent, original, [LineRange(2, 2)], new, path="a.py")
    assert placed == new[:-2] + b"2\n"


def test_binary_files_are_left_alone() -> None:
    assert place_hand_lines(None, b"a\nb\n", [LineRange(1, 1)], b"\0") is None


def test_ranges_that_overlap_are_one() -> None:
    ranges = [
        LineRange(4, 6),
        LineRange(1, 3),
        LineRange(2, 2),
        LineRange(6, 9),
        LineRange(1, 3),
        LineRange(12, 11),
    ]

    assert united(ranges) == (LineRange(1, 3), LineRange(4, 9), LineRange(12, 11))
    assert united(()) == ()
