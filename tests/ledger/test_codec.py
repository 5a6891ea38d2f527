from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.records import INTENTS, RECORDS

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, Prompt, Tombstone
from regen_git.ledger.codec import document, encode, parse_note, split, union
from regen_git.ledger.marks import Mark, encode_mark, mark_of, marked_as
from regen_git.ledger.yamlread import load

if TYPE_CHECKING:
    from regen_git.ledger.marks import Maker


@settings(deadline=None)
@given(RECORDS)
def test_what_is_written_reads_back_as_it_was(record: Intent | Binding | Tombstone) -> None:
    documents, warnings = parse_note(encode(record))

    assert warnings == []
    assert [d.record for d in documents] == [record]


@settings(deadline=None)
@given(INTENTS)
def test_our_writer_and_pyyaml_agree_on_every_prompt(intent: Intent) -> None:
    data = yaml.load(encode(intent), Loader=yaml.BaseLoader)

    assert [p["text"] for p in data["prompts"]] == [p.text for p in intent.prompts]


@settings(deadline=None, max_examples=60)
@given(st.lists(RECORDS, max_size=6), st.randoms())
def test_union_is_commutative_associative_and_idempotent(
    records: list[Intent | Binding | Tombstone], random: object
) -> None:
    notes = [encode(r) for r in records]
    shuffled = list(notes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def as_set(note: bytes) -> set[bytes]:
        return set(split(note))

    together = union(*notes)

    assert as_set(union(*shuffled)) == as_set(together)
    assert union(together, together) == together
    assert as_set(union(union(*notes[:2]), *notes[2:])) == as_set(union(*notes[:2], union(*notes[2:])))


def test_a_person_meets_the_words_within_the_first_four_lines() -> None:
    intent = Intent(
        IntentId("3f9c2a7be01d4c55"), (Prompt("Add a retry.\n", "2026-11-22T09:58:12Z"),), "captured"
    )

    assert encode(intent).decode().split("\n")[:5] == [
        "---",
        'intent: "3f9c2a7be01d4c55"',
        "prompts:",
        "- text: |",
        "    Add a retry.",
    ]


def test_a_broken_document_is_kept_and_told() -> None:
    good = document(Tombstone(IntentId("0" * 16), "ab" * 32)).raw
    note = b"---\nintent: [oops\n" + good + b"---\nfuture: 1\n"

    documents, warnings = parse_note(note)

    assert len(documents) == 3
    assert len(warnings) == 1
    assert union(note) == note


def test_a_document_from_the_future_is_passed_on_unread() -> None:
    note = b'---\nintent: "0000000000000000"\nprompts: []\nformat: 9\n'

    documents, warnings = parse_note(note)

    assert documents[0].record is None
    assert warnings == []


def test_aliases_and_deep_nesting_are_refused() -> None:
    bomb = b"---\nintent: &a [x]\nb: *a\n"
    deep = b"---\nintent: " + b"[" * 500 + b"]" * 500 + b"\n"

    for note in (bomb, deep):
        documents, warnings = parse_note(note)
        assert documents[0].record is None
        assert len(warnings) == 1


def test_a_tombstone_buries_its_document_in_every_union() -> None:
    secret = document(Intent(IntentId("1" * 16), (Prompt("the password is x"),), "captured"))
    stone = document(Tombstone(IntentId("1" * 16), secret.digest))

    assert union(secret.raw, stone.raw) == stone.raw
    assert union(stone.raw, secret.raw) == stone.raw


@settings(deadline=None)
@given(
    st.sampled_from(["human", "agent"]),
    st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), min_size=1, max_size=20),
)
def test_a_mark_reads_back_and_is_no_record(maker: Maker, author: str) -> None:
    mark = Mark(maker, "2026-11-22T09:58:12Z", author)
    older = Mark("agent" if maker == "human" else "human", "2026-11-22T09:58:11Z", "x")
    documents, _ = parse_note(union(encode_mark(mark), encode_mark(older)))

    assert mark_of(documents) == mark
    assert marked_as(documents) == maker
    assert [d.record for d in documents] == [None, None]


TREES = st.recursive(
    st.sampled_from(["a", "b*c", "d & e"]),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("klm"), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(TREES, TREES, st.booleans(), st.sampled_from(["[{0}, {1}]", "- {0}\n- {1}", "k: {0}\nl: {1}"]))
def test_an_alias_is_refused_wherever_it_stands(tree: object, other: object, deep: bool, shape: str) -> None:  # noqa: FBT001 - drawn
    anchored = f"&x {json.dumps(tree)}"
    alias = f"[{json.dumps(other)}, {{y: *x }}]" if deep else "*x"
    text = shape.format(anchored, alias)

    assert load(text.replace("&x ", "").replace("*x", "z").encode()) is not None
    with pytest.raises(ValueError, match="alias"):
        load(text.encode())


@settings(deadline=None)
@given(st.lists(st.sampled_from(["* item", "&name", "*name", "- *a", "k: &b |", "  ", "[{"]), max_size=8))
def test_stars_and_ampersands_in_a_prompt_read_exactly(lines: list[str]) -> None:
    intent = Intent(IntentId("0" * 16), (Prompt("\n".join(lines) + "\n"),), "captured")
    documents, warnings = parse_note(encode(intent))

    assert ([d.record for d in documents], warnings) == ([intent], [])


@pytest.mark.parametrize("level", ["- ", "[ ", "[a, ", "{a: ", "? ", "- ? "])
def test_no_depth_ends_the_process(level: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        load((level * 200_000).encode())


def test_what_is_no_document_is_refused() -> None:
    assert load(b"") is None
    for text in ("a: 1\n--- b\n", "{a: b}: c", "[", "a: \0"):
        with pytest.raises(ValueError, match=r"^\S"):
            load(text.encode())
