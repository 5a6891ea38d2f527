from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bad_notes import ALL, BROKEN, CLAIM, GOOD, ONE, READABLE
from support.records import RECORDS, mutated

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.ledger.codec import MAX_DOCUMENT, MAX_DOCUMENTS, MAX_NOTE, parse_note, split, union
from regen_git.ledger.encoding import digest_of, encode
from regen_git.ledger.store import INTENTS_REF, Ledger, view

if TYPE_CHECKING:
    from support.builder import RepoBuilder

    from regen_git.ledger.encoding import Record

OTHER = encode(Intent(IntentId("00000000000000bb"), (Prompt("Other."),), "captured"))


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_told_in_few_lines_and_the_rest_is_read(name: str) -> None:
    found = view(BROKEN[name] + b"\n" + OTHER)

    assert IntentId("00000000000000bb") in found.intents
    assert 0 < len(found.warnings) <= 7
    assert all(warning.isprintable() and len(warning) < 200 for warning in found.warnings)


@pytest.mark.parametrize("name", READABLE)
def test_what_can_be_read_gives_no_warning(name: str) -> None:
    assert view(READABLE[name]).warnings == ()


@pytest.mark.parametrize("name", ALL)
def test_a_union_keeps_every_document_byte_for_byte(name: str) -> None:
    bad = ALL[name]
    for both in (
        union(bad, OTHER),
        union(OTHER, bad),
        union(OTHER, union(bad, bad)),
        union(union(OTHER, bad), bad),
    ):
        assert set(split(both)) == {*split(bad), *split(OTHER)}
    if len(split(bad)) == len(set(split(bad))):
        assert union(bad) == union(bad, bad) == bad


def test_line_endings_of_windows_and_a_byte_order_mark_change_nothing_that_is_said() -> None:
    plain = view(GOOD)
    for name in ("line endings of Windows", "a byte order mark"):
        assert view(READABLE[name]).intents == plain.intents
        assert view(READABLE[name]).bindings == plain.bindings


def test_two_claims_are_a_conflict_the_same_in_every_clone_until_a_newer_revision() -> None:
    one, two = view(GOOD + CLAIM), view(CLAIM + GOOD)
    assert one.conflicts == two.conflicts == (ONE,)
    assert one.intents == two.intents
    assert [intent.prompts[0].text for intent in one.versions[ONE]] == [
        intent.prompts[0].text for intent in two.versions[ONE]
    ]
    newer = encode(Intent(ONE, (Prompt("Settled."),), "captured", revision=2))
    assert view(GOOD + CLAIM + newer).conflicts == ()
    assert view(GOOD + CLAIM + newer).intents[ONE].prompts[0].text == "Settled."


def test_a_binding_of_an_intent_that_the_note_lacks_is_told() -> None:
    assert view(READABLE["a binding alone"]).unknown == ("00000000000000dd",)


def test_a_huge_note_costs_little_and_is_read_from_its_beginning() -> None:
    filler = b"---\nx: " + b"a" * 500_000 + b"\n"
    note = GOOD + b"".join(filler.replace(b"x", b"x%d" % at) for at in range(40))
    assert len(note) > 2 * MAX_NOTE
    found = view(note)
    assert ONE in found.intents
    assert found.warnings == (
        f"the note has more than {MAX_NOTE >> 20} MiB; what stands after them is kept but not read",
    )
    assert union(note, OTHER) == note + OTHER


def test_of_countless_documents_the_first_are_read_and_all_are_kept() -> None:
    note = GOOD + b"".join(b"---\nx: %d\n" % at for at in range(MAX_DOCUMENTS + 5))
    found = view(note)
    assert len(found.documents) == MAX_DOCUMENTS
    assert len(found.warnings) == 1
    assert len(split(union(note, OTHER))) == MAX_DOCUMENTS + 8


@settings(max_examples=150)
@given(
    st.binary(max_size=300)
    | st.lists(
        st.sampled_from([b"---", b"\n", b"intent: ", b"[", b"\xef\xbb\xbf", b"\r", b"a", b"purge: "])
    ).map(b"".join)
)
def test_no_bytes_at_all_raise_and_none_are_lost(note: bytes) -> None:
    documents, _ = parse_note(note)
    assert {document.raw for document in documents} <= set(split(note))
    for both in (union(note, OTHER), union(OTHER, note)):
        assert set(split(both)) == {*split(note), OTHER}
        assert union(both, note, OTHER) == both


@settings(max_examples=150)
@given(st.lists(RECORDS, min_size=1, max_size=4), st.data())
def test_of_a_changed_note_the_unchanged_documents_are_read(
    records: list[Record], data: st.DataObject
) -> None:
    whole = union(*(encode(record) for record in records))
    note = data.draw(mutated(whole))
    before = {document.digest: document.record for document in parse_note(whole)[0]}
    after = {document.digest: document.record for document in parse_note(note)[0]}
    assert all(before[digest] == record for digest, record in after.items() if digest in before)
    again = union(note, whole)
    assert set(split(again)) >= {*split(note), *split(whole)}


@pytest.mark.parametrize(
    "text",
    ["a" * 2_000_000, "line\n" * 250_000, "\x01" * 300_000, "\U0001f600é\r\n" * 60_000, " \n" * 300_000],
)
def test_a_prompt_longer_than_a_document_reads_back_whole(text: str) -> None:
    intent = Intent(
        ONE, (Prompt("Before."), Prompt(text, answers="Yes?"), Prompt("After.")), "captured", approved=text
    )
    note = union(encode(intent), encode(Binding(ONE)))
    assert all(len(raw) <= MAX_DOCUMENT for raw in split(note))
    found = view(note)
    assert found.warnings == ()
    assert found.intents == {ONE: intent}
    assert len(found.bindings) == 1


def test_an_intent_of_countless_prompts_reads_back_whole() -> None:
    intent = Intent(ONE, tuple(Prompt(f"Prompt {at}", refs=("x" * 300,)) for at in range(4_000)), "captured")
    raw = encode(intent)
    assert len(split(raw)) > 1
    assert view(raw).intents == {ONE: intent}


def test_half_a_prompt_is_not_taken_for_the_whole() -> None:
    intent = Intent(ONE, (Prompt(" ".join(map(str, range(200_000)))),), "captured")
    head, *parts = split(encode(intent))
    found = view(head + parts[0])
    assert found.intents == {}
    assert found.warnings == (
        f"document {digest_of(head)[:12]} is kept but not read: {len(parts) - 1} of its parts are missing",
    )
    assert view(union(head + parts[0], *parts)).intents == {ONE: intent}


def put(repo: RepoBuilder, notes: dict[str, bytes], ref: str = INTENTS_REF) -> None:
    """Write notes as they are, past all our writers."""
    stream = [b"commit %s\ncommitter A <a@b> 1800000000 +0000\ndata 0\n" % ref.encode()]
    stream += [b"N inline %s\ndata %d\n%s\n" % (oid.encode(), len(note), note) for oid, note in notes.items()]
    repo.git("fast-import", "--quiet", stdin=b"".join(stream))


def test_a_scan_reads_past_bad_notes_with_flat_memory(repo: RepoBuilder) -> None:
    commits = {name: repo.commit(name) for name in ALL}
    huge = repo.commit("huge")
    notes = {commits[name]: ALL[name] for name in ALL if ALL[name]}
    put(repo, notes | {huge: GOOD + b"---\nx: " + b"a" * (12 << 20) + b"\n"})

    found = dict(Ledger(repo.opened).scan(["HEAD"]))

    assert list(found) == repo.git("rev-list", "HEAD").split()
    assert ONE in found[huge].intents
    assert all(
        bool(found[oid].warnings) == (name in BROKEN) for name, oid in commits.items() if name != "NUL bytes"
    )
    repo.git("gc", "--quiet")
    assert found == dict(Ledger(repo.opened).scan(["HEAD"]))


def test_appending_beside_a_bad_note_keeps_it_byte_for_byte(repo: RepoBuilder) -> None:
    commits = {name: repo.commit(name) for name in ALL if ALL[name].strip()}
    put(repo, {oid: ALL[name] for name, oid in commits.items()})

    Ledger(repo.opened).append_raw(dict.fromkeys(commits.values(), OTHER))

    for name, oid in commits.items():
        blob = repo.opened.git("notes", f"--ref={INTENTS_REF}", "list", oid).decode().strip()
        kept = set(split(repo.opened.git("cat-file", "blob", blob)))
        assert kept == {*split(ALL[name]), OTHER}, name
