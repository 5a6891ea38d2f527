from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regen_git.ledger.links import named_in

ONE = "00000000000000aa"
TWO = "00000000000000bb"
NOBODY = "1234567890abcdef"


def test_trailers_name_intents_and_a_squash_buries_some() -> None:
    message = f"Title (#7)\n\n* Add a\n\nRegen-Intent: {ONE}\n\n* Add b\n\nRegen-Intent: {TWO}\n"
    named = named_in(message.encode())
    assert (named.buried, named.trailers, named.indented) == ((ONE,), (TWO,), ())
    assert named.ids == (ONE, TWO)
    assert named.prose == ()


def test_an_indented_line_is_told_apart() -> None:
    message = f"Squashed commit of the following:\n\n    Add a\n\n    Regen-Intent: {ONE}\n\nEnd.\n"
    named = named_in(message.encode())
    assert (named.buried, named.indented) == ((ONE,), (ONE,))


@pytest.mark.parametrize(
    "text",
    [
        f"A commit ends in 'Regen-Intent: {ONE}' from now on.",
        f"See Regen-Intent: {ONE}",
        f"> Regen-Intent: {ONE}\n\nquoted",
        f"```\nRegen-Intent: {ONE}\n```\nin a fence",
        f"~~~text\n    Regen-Intent: {ONE}\n~~~~\nin a fence",
        f"Regen-Intent: {ONE} and more\n\nwords",
        f"Regen-Intent: {ONE[:-1]}\n\ntoo short",
        f"Regen-Intent: {ONE.upper()}\n\nnot lower case",
    ],
)
def test_words_about_trailers_name_nothing_and_are_told(text: str) -> None:
    named = named_in(f"Subject\n\n{text}\n".encode())
    assert named.ids == ()
    assert len(named.prose) == 1


def test_a_fence_that_nothing_closes_is_only_a_line() -> None:
    named = named_in(f"Subject\n\n```\n\nRegen-Intent: {ONE}\n\nEnd.\n".encode())
    assert named.buried == (ONE,)


def test_a_trailer_that_is_no_id_is_malformed() -> None:
    named = named_in(f"Subject\n\nRegen-Intent: soon\nRegen-Intent: {ONE}\n".encode())
    assert (named.malformed, named.trailers, named.prose) == (("soon",), (ONE,), ())


def test_line_ends_of_windows_do_not_matter() -> None:
    named = named_in(f"Subject\r\n\r\nRegen-Intent: {ONE}\r\n\r\nMore.\r\n".encode())
    assert named.buried == (ONE,)


@given(
    st.lists(
        st.sampled_from(
            [
                *("", "Subject", "```", "~~~", "\tmore", "# comment", "Signed-off-by: A <a@b>"),
                *(f"Regen-Intent: {ONE}", f"  Regen-Intent: {TWO}", "Regen-Intent: x"),
                f"say Regen-Intent: {NOBODY}",
            ]
        ),
        max_size=12,
    )
)
def test_every_mention_is_either_counted_or_told_of(lines: list[str]) -> None:
    named = named_in("\n".join(lines).encode())
    assert NOBODY not in named.ids
    told = {*named.ids, *named.malformed} or named.prose
    assert bool(told) == any("Regen-Intent" in line for line in lines)
    assert set(named.indented) <= set(named.buried)
    assert not set(named.trailers) & set(named.buried)
