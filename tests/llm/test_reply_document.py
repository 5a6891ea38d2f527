"""A reply survives being written down, and what is no reply is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.errors import ModelError
from regen_git.llm.client import FINISHES, Reply, Usage
from regen_git.llm.reply_document import LIMIT_BYTES, decode, encode

TEXTS = st.text(st.characters(codec=None), max_size=60)
COUNTS = st.integers(-10, 10**12)
REPLIES = st.builds(
    Reply,
    text=TEXTS,
    finish=st.sampled_from(FINISHES),
    usage=st.builds(Usage, COUNTS, COUNTS, COUNTS),
    cost_usd=st.none() | st.floats(0, 1e6),
    model=TEXTS | st.sampled_from(["gpt-4o", "a b", '"quoted"', "trailing ", "", "x: y"]),
)
EXAMPLE = Reply("FILE a.py\n```\nx = 1\n```\n", "stop", Usage(812, 240, 5), 0.00443, "gpt-4o-2024-08-06")


def test_a_person_can_read_the_document() -> None:
    assert encode(EXAMPLE).decode() == (
        "format: 1\n"
        "model: gpt-4o-2024-08-06\n"
        "finish: stop\n"
        "prompt-tokens: 812\n"
        "completion-tokens: 240\n"
        "cached-tokens: 5\n"
        "cost-usd: 0.00443\n"
        "\n"
        "FILE a.py\n```\nx = 1\n```\n"
    )


@settings(deadline=None, max_examples=200)
@given(REPLIES)
def test_every_reply_comes_back_as_it_was(reply: Reply) -> None:
    assert decode(encode(reply)) == reply
    assert encode(decode(encode(reply))) == encode(reply)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=80) | st.binary(max_size=20).map(lambda tail: encode(EXAMPLE)[:60] + tail))
def test_any_bytes_are_a_reply_or_a_value_error(data: bytes) -> None:
    try:
        decode(data)
    except ValueError:
        return


def test_keys_of_the_future_are_passed_over() -> None:
    assert decode(encode(EXAMPLE).replace(b"\n\n", b"\nmood: cheerful\n\n", 1)) == EXAMPLE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"format: 1", b"format: 2"),
        (b"finish: stop", b"finish: maybe"),
        (b"prompt-tokens: 812", b"prompt-tokens: many"),
        (b"cost-usd: 0.00443", b"cost-usd: nan"),
        (b"cost-usd: 0.00443", b"cost-usd: -1"),
        (b"finish: stop", b"finish: stop\nfinish: length"),
        (b"model: gpt", b'model: "gpt'),
        (b"\n\nFILE", b"\nFILE"),
        (b"x = 1", b"\xff"),
    ],
)
def test_a_damaged_document_is_refused(old: bytes, new: bytes) -> None:
    assert old in encode(EXAMPLE)
    with pytest.raises(ValueError):  # noqa: PT011 - the kinds of damage are many, the type is the promise
        decode(encode(EXAMPLE).replace(old, new))


def test_a_reply_beyond_the_limit_is_neither_written_nor_read() -> None:
    huge = Reply("x" * LIMIT_BYTES, "stop", Usage(1, 1), None, "m")
    with pytest.raises(ModelError, match="at most"):
        encode(huge)
    with pytest.raises(ValueError, match="larger"):
        decode(b"x" * (LIMIT_BYTES + 1))
