from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records import RECORDS, mutated

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt
from regen_git.ledger.decoding import read_document, read_in_full
from regen_git.ledger.encoding import encode
from regen_git.ledger.fastread import read_known_shape

if TYPE_CHECKING:
    from regen_git.ledger.encoding import Record

BLOCKS = [
    "|",
    "|-",
    "|+",
    "|2",
    ">",
    '"a"',
    '" a "',
    '"\\n"',
    "a",
    "'a'",
    "a # b",
    "&x a",
    "*x",
    "!!str a",
    "",
]
LINES = [
    "    a",
    "    a ",
    "     b",
    "    \tc",
    "",
    " ",
    "    ",
    "\t",
    "    # d",
    "    ---",
    "   e",
    "    \u2028",
]
HEAD = '---\nintent: "00000000000000aa"\n'
BOUND = '---\nbinding: "00000000000000aa"\n'
END = "revision: 1\nsupersedes: []\nformat: 1\nredacted: 0\n"
SHAPES = [
    HEAD + "prompts:\n- text: {0}\n{1}\norigin: captured\n" + END,
    HEAD + "prompts: []\napproved: {0}\n{1}\norigin: captured\n" + END,
]
FLOWS = (
    "",
    "a",
    "a, b",
    '"a"',
    '"a", b',
    "a,b",
    " a",
    "a ",
    "a: b",
    "[a]",
    "a # b",
    "a#b",
    "'a'",
    '"a\\t"',
    ",",
    "a, ",
)
FLOW_SHAPES = [
    BOUND + "wrote: [{0}]\nread: []\n",
    BOUND + "wrote: []\nread: [{0}]\nhand: {{{0}: [1-2]}}\n",
    BOUND + "wrote: []\nread: []\nhand: {{b: [{0}], a: [1-2]}}\n",
    HEAD + "prompts: []\norigin: captured\nauthor: {0}\nagent: {{name: {0}}}\n" + END,
]


def agree(raw: bytes) -> bool:
    """Check that the fast reader says what the full one says or nothing; return whether it did."""
    found = read_known_shape(raw)
    if found is not None:
        assert found == read_in_full(raw)
    return found is not None


@settings(max_examples=300)
@given(RECORDS)
def test_of_what_our_writer_makes_both_readers_say_the_same(record: Record) -> None:
    agree(encode(record))


@settings(max_examples=600)
@given(RECORDS.map(encode).flatmap(mutated))
def test_of_what_somebody_changed_both_readers_say_the_same(raw: bytes) -> None:
    agree(raw)


@settings(max_examples=600)
@given(st.sampled_from(SHAPES), st.sampled_from(BLOCKS), st.lists(st.sampled_from(LINES), max_size=5))
def test_of_odd_blocks_both_readers_say_the_same(shape: str, mark: str, lines: list[str]) -> None:
    agree(shape.format(mark, "\n".join(lines)).encode())


@pytest.mark.parametrize("shape", FLOW_SHAPES)
@pytest.mark.parametrize("flow", FLOWS)
def test_of_odd_lists_both_readers_say_the_same(shape: str, flow: str) -> None:
    agree(shape.format(flow).encode())


def test_what_our_writer_makes_of_an_ordinary_intent_is_read_fast() -> None:
    intent = Intent(
        IntentId("3f9c2a7be01d4c55"),
        (
            Prompt(
                "Add a retry.\n\n    indented\n", "2026-11-22T09:58:12Z", "feature", refs=("docs/http.md",)
            ),
            Prompt("“yes”", answers="Ok?\n\n"),
        ),
        "captured",
        "Ada Example <ada@example.org>",
        Agent("claude", "2.1.197", "claude-opus-4-8", "0a93878f"),
        "1. Read.\n2. Write.",
        supersedes=(IntentId("aaaaaaaaaaaaaaaa"),),
    )
    binding = Binding(
        intent.id, ("a.py", "ä b.py"), ("c",), {"a.py": (LineRange(1, 2), LineRange(9, 8)), "b": ()}, "1" * 40
    )
    assert agree(encode(intent))
    assert agree(encode(binding))


def test_a_path_longer_than_a_plain_key_may_be_reads_back() -> None:
    path = "a" * 2000 + "/b c"
    binding = Binding(IntentId("00000000000000aa"), (path,), (), {path: (LineRange(1, 2),)})
    assert read_document(encode(binding)) == binding
