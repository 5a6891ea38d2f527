"""Strategies for records of the ledger, and for what may become of their documents."""

from __future__ import annotations

from hypothesis import strategies as st

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Agent, Binding, Intent, LineRange, Prompt, Tombstone

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=60)
NASTY = st.lists(
    st.sampled_from(
        ["---", "- a", "  b: c", "'q\"", "#x", "", " ", "\t", "&a", "*a", "|", "é\u2028", "\r", "\ufeff"]
    ),
    max_size=6,
).map("\n".join)
PLAIN = st.lists(st.sampled_from(["Add a cache.", "    indented", "", "ü # x: y", "- item"]), max_size=4).map(
    "\n".join
)
ANY_TEXT = st.one_of(TEXT, NASTY, PLAIN)
IDS = st.from_regex(r"[0-9a-f]{16}", fullmatch=True).map(IntentId)
MAYBE = st.none() | ANY_TEXT
TIMES = st.none() | st.just("2026-11-22T09:58:12Z")
PATHS = st.sampled_from(["src/a.py", "b c.txt", "ä.py", 'q"r', "[x]"]) | st.text(
    st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=20
)
RAW_PATHS = st.binary(min_size=1, max_size=12).map(lambda b: b.decode("utf-8", "surrogateescape"))
PROMPTS = st.builds(
    Prompt,
    text=ANY_TEXT,
    at=TIMES,
    kind=st.sampled_from([None, "feature", "noise"]),
    answers=MAYBE,
    refs=st.lists(ANY_TEXT, max_size=2).map(tuple),
)
AGENTS = st.builds(Agent, name=ANY_TEXT, version=MAYBE, model=MAYBE, session=MAYBE)
INTENTS = st.builds(
    Intent,
    id=IDS,
    prompts=st.lists(PROMPTS, max_size=3).map(tuple),
    origin=st.sampled_from(["captured", "explicit", "imported"]),
    author=MAYBE,
    agent=st.none() | AGENTS,
    approved=MAYBE,
    revision=st.integers(1, 999),
    supersedes=st.lists(IDS, max_size=2).map(tuple),
    redacted=st.integers(0, 99),
    retracted=st.booleans(),
    edits=st.lists(st.from_regex(r"[0-9a-f]{16}", fullmatch=True), max_size=2).map(tuple),
)
RANGES = st.builds(LineRange, st.integers(1, 9999), st.integers(1, 9999))
BINDINGS = st.builds(
    Binding,
    intent=IDS,
    wrote=st.lists(PATHS | RAW_PATHS, max_size=3).map(tuple),
    read=st.lists(PATHS, max_size=2).map(tuple),
    hand=st.none() | st.dictionaries(PATHS | RAW_PATHS, st.lists(RANGES, max_size=3).map(tuple), max_size=2),
    base=st.none() | st.just("1" * 40),
    result=st.none() | st.just("2e" * 20),
)
RECORDS = st.one_of(INTENTS, BINDINGS, st.builds(Tombstone, IDS, st.just("ab" * 32)))


def mutated(raw: bytes) -> st.SearchStrategy[bytes]:
    """Change a note as accidents and people do: a bit, a line, the end, the line endings, the encoding."""
    lines = raw.splitlines(keepends=True)
    line = st.integers(0, max(0, len(lines) - 1))
    bit = st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 7))
    odd = st.sampled_from(
        [b"\0", b"\xff", b"---\n", b"<<<<<<< ours\n", b"\t", b": ", b"&a ", b"\xef\xbb\xbf"]
    )
    return st.one_of(
        bit.map(lambda at: raw[: at[0]] + bytes([raw[at[0]] ^ 1 << at[1]]) + raw[at[0] + 1 :]),
        line.map(lambda at: b"".join(lines[:at] + lines[at + 1 :])),
        line.map(lambda at: b"".join(lines[: at + 1] + lines[at:])),
        st.permutations(lines).map(b"".join),
        st.integers(0, len(raw)).map(lambda at: raw[:at]),
        st.tuples(st.integers(0, len(raw)), odd).map(lambda at: raw[: at[0]] + at[1] + raw[at[0] :]),
        st.just(raw.replace(b"\n", b"\r\n")),
        st.just(b"".join(sorted(set(lines)))),
        st.just(b"\xef\xbb\xbf" + raw),
    )
