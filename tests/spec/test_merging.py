from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.domain.ids import IntentId
from regen_git.spec.drafts import Draft
from regen_git.spec.memory import Memory, read_memory, write_memory
from regen_git.spec.merging import Merged, merge
from regen_git.spec.pages import parse_page, render_page

if TYPE_CHECKING:
    from regen_git.spec.values import Page, Statement

A, B, C = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc"
FIRST = f"# http\n\n## Requirements\n\n- Retry. [{A}]\n  - At most five. [{B}]\n- Cache. [{C}]\n"


def folded(text: str) -> list[Page]:
    """Return a page as a fold makes it: no file has held it yet."""
    page = parse_page("http", text)

    def new(one: Statement) -> Statement:
        return replace(one, read=None, conditions=tuple(map(new, one.conditions)))

    left_out = tuple(replace(one, read=None) for one in page.left_out)
    return [replace(page, head=None, statements=tuple(map(new, page.statements)), left_out=left_out)]


def after(*texts: str, edited: str | None = None, folds: str | None = None) -> tuple[str, Merged]:
    """Fold each text onto what the one before left; ``edited`` is what a person makes of that at last."""
    memory, here = Memory(), ""
    merged = merge([], [], memory)
    for at, text in enumerate(texts):
        if at == len(texts) - 1 and edited is not None:
            here = edited
        mine = [parse_page("http", here)] if here else []
        merged = merge(folded(text), mine, read_memory(write_memory(memory) if folds is None else folds))
        memory = merged.memory
        here = "".join(render_page(page) for page in merged.pages)
    return here, merged


def signs(merged: Merged) -> list[tuple[str, str]]:
    return [(change.sign, change.text) for change in merged.changes]


def test_a_first_fold_writes_everything_and_a_second_one_nothing() -> None:
    text, merged = after(FIRST)
    assert text == FIRST
    assert signs(merged) == [("+", "Retry."), ("+", "At most five."), ("+", "Cache.")]
    text, merged = after(FIRST, FIRST)
    assert (text, signs(merged)) == (FIRST, [])


def test_what_nobody_edited_follows_its_intent() -> None:
    second = FIRST.replace(f"Cache. [{C}]", f"Cache for an hour. [{C}@2]")
    text, merged = after(FIRST, second)
    assert (text, signs(merged)) == (second, [("~", "Cache for an hour.")])


def test_what_a_person_edited_stays_where_the_intent_did_not_change() -> None:
    edited = FIRST.replace("Cache.", "Cache, but not on Sundays.") + "- By hand\n\nProse.\n"
    text, merged = after(FIRST, FIRST, edited=edited)
    assert (text, signs(merged)) == (edited, [])


def test_a_new_revision_of_the_same_words_only_changes_the_id() -> None:
    edited = FIRST.replace("Cache.", "Cache, but not on Sundays.")
    text, merged = after(FIRST, FIRST.replace(C, f"{C}@2"), edited=edited)
    assert (text, signs(merged)) == (edited.replace(C, f"{C}@2"), [])


def test_what_both_changed_is_a_conflict_as_git_marks_it() -> None:
    edited = FIRST.replace("At most five.", "At most four.")
    second = FIRST.replace(f"At most five. [{B}]", f"At most six. [{B}@2]")
    text, merged = after(FIRST, second, edited=edited)
    assert text == FIRST.replace(
        f"  - At most five. [{B}]\n",
        f"<<<<<<< spec\n  - At most four. [{B}]\n=======\n  - At most six. [{B}@2]\n>>>>>>> fold\n",
    )
    assert signs(merged) == [("!", "At most six.")]


def test_a_settled_conflict_does_not_come_back() -> None:
    edited = FIRST.replace("Cache.", "Cache well.")
    second = FIRST.replace(f"Cache. [{C}]", f"Cache long. [{C}@2]")
    _, merged = after(FIRST, second, edited=edited)
    settled = edited.replace(C, f"{C}@2").replace("Cache well.", "Cache well and long.")
    again = merge(folded(second), [parse_page("http", settled)], merged.memory)
    assert (render_page(again.pages[0]), again.changes) == (settled, [])


def test_what_a_person_took_out_stays_out_whatever_becomes_of_the_intent() -> None:
    edited = FIRST.replace(f"- Cache. [{C}]\n", "")
    assert after(FIRST, FIRST, edited=edited)[0] == edited
    second = FIRST.replace(f"Cache. [{C}]", f"Cache long. [{C}@2]")
    assert after(FIRST, second, edited=edited)[0] == edited


def test_what_is_not_asked_any_more_goes_unless_a_person_edited_it() -> None:
    gone = FIRST.replace(f"- Cache. [{C}]\n", f"\n## Left out\n\n- retracted: Cache. [{C}]\n")
    text, merged = after(FIRST, gone)
    assert (text, signs(merged)) == (gone, [("-", "Cache.")])
    text, merged = after(FIRST, gone, edited=FIRST.replace("Cache.", "Cache well."))
    assert f"<<<<<<< spec\n- Cache well. [{C}]\n=======\n>>>>>>> fold\n" in text
    assert signs(merged) == [("!", "Cache well.")]


def test_conditions_of_other_intents_outlive_their_statement() -> None:
    gone = FIRST.replace(f"- Retry. [{A}]\n  -", "-") + f"\n## Left out\n\n- retracted: R [{A}]\n"
    text, _ = after(FIRST, gone)
    assert text == gone


def test_other_ranges_are_left_alone() -> None:
    part = f"- Cache for an hour. [{C}@2]\n"
    text, _ = after(FIRST, part)
    assert text == FIRST.replace(f"Cache. [{C}]", f"Cache for an hour. [{C}@2]")


def test_new_statements_go_where_they_belong_and_change_no_other_byte() -> None:
    new = IntentId("d" * 16)
    second = FIRST.replace("- Cache.", f"  - Within a minute. [{new}]\n- Cache.") + f"- Log. [{new}]\n"
    edited = FIRST.replace("- Cache", "\n### Speed\n\n*  Cache") + "\n## Notes\n\ntext\n"
    text, _ = after(FIRST, second, edited=edited)
    assert text == edited.replace(
        "five. [" + B + "]\n", f"five. [{B}]\n  - Within a minute. [{new}]\n"
    ).replace(f"[{C}]\n", f"[{C}]\n*  Log. [{new}]\n")


def test_a_statement_that_a_person_moved_is_followed() -> None:
    memory = after(FIRST)[1].memory
    pages = [
        parse_page("http", FIRST.replace(f"- Cache. [{C}]\n", "")),
        parse_page("store", f"- Cache. [{C}]\n"),
    ]
    second = FIRST.replace(f"Cache. [{C}]", f"Cache for an hour. [{C}@2]")
    merged = merge(folded(second), pages, memory)
    assert [render_page(page) for page in merged.pages] == [
        render_page(pages[0]),
        f"- Cache for an hour. [{C}@2]\n",
    ]


def test_one_statement_of_several_changes_alone() -> None:
    first = f"- One. [{A}]\n- Two. [{A}]\n- Three. [{A}]\n"
    second = f"- One. [{A}@2]\n- Twofold. [{A}@2]\n- Three. [{A}@2]\n- Four. [{A}@2]\n"
    assert after(first, second, edited=f"- One, well. [{A}]\n- Two. [{A}]\n")[0] == (
        f"- One, well. [{A}@2]\n- Twofold. [{A}@2]\n- Four. [{A}@2]\n"
    )


def test_without_its_memory_a_fold_takes_everything_for_a_persons() -> None:
    edited = FIRST.replace("Cache.", "Cache well.").replace(f"  - At most five. [{B}]\n", "")
    text, merged = after(FIRST, FIRST, edited=edited, folds="<<<<<<< HEAD\nbroken\n")
    assert text == edited.replace(f"Retry. [{A}]\n", f"Retry. [{A}]\n  - At most five. [{B}]\n")
    second = FIRST.replace(f"Cache. [{C}]", f"Cache long. [{C}@2]")
    text, merged = after(FIRST, second, edited=edited, folds="")
    assert ("!", "Cache long.") in signs(merged)


def test_a_models_words_replace_the_folds_and_no_persons() -> None:
    _, first = after(FIRST)
    model = folded(f"- Retries at most five times. [{A} {B}]\n- Caches. [{C}]\n")
    merged = merge(model, first.pages, first.memory, asked=_asked(first), reworded={"http"})
    text = render_page(merged.pages[0])
    assert text == f"# http\n\n## Requirements\n\n- Retries at most five times. [{A} {B}]\n- Caches. [{C}]\n"
    again = merge(folded(FIRST), merged.pages, merged.memory)
    assert (render_page(again.pages[0]), again.changes) == (text, [])
    changed = merge(folded(FIRST.replace(f"five. [{B}]", f"six. [{B}@2]")), merged.pages, merged.memory)
    assert f"- Retry. [{A}]\n  - At most six. [{B}@2]\n" in render_page(changed.pages[0])
    edited = [parse_page("http", FIRST.replace("Cache.", "Cache well."))]
    kept = merge(model, edited, first.memory, asked=_asked(first), reworded={"http"})
    assert "- Cache well." in render_page(kept.pages[0])


def _asked(merged: Merged) -> dict[IntentId, str]:
    return {one: next(iter(digests)) for one, digests in merged.memory.asked.items()}


LINES = [
    "- Retry. [{a}]",
    "  - At most {b}. [{b}]",
    "- Cache {c}. [{c}]",
    "- Log {c}. [{c}]",
    "- Wait. [{b}]",
]
VERSIONS = st.tuples(st.lists(st.sampled_from(LINES), unique=True), st.integers(1, 3), st.integers(1, 3)).map(
    lambda told: "".join(f"{line}\n" for line in told[0]).format(a=A, b=f"{B}@{told[1]}", c=f"{C}@{told[2]}")
)
EDITS = st.lists(
    st.tuples(st.sampled_from(["add", "change", "drop", "prose"]), st.integers(0, 9)), max_size=3
)


@settings(deadline=None, max_examples=150)
@given(VERSIONS, VERSIONS, EDITS)
def test_no_word_of_a_person_is_lost_and_folding_again_changes_nothing(
    first: str, second: str, edits: list[tuple[str, int]]
) -> None:
    memory = merge(folded(first), [], Memory())
    lines = "".join(render_page(page) for page in memory.pages).splitlines()
    for number, (what, at) in enumerate(edits):
        place = at % (len(lines) + 1)
        if what == "add":
            lines.insert(place, f"- mine{number}")
        elif what == "prose":
            lines[place:place] = ["", f"prose{number}", ""]
        elif place < len(lines) and lines[place].lstrip().startswith("- "):
            if what == "drop":
                del lines[place]
            else:
                lines[place] = lines[place].replace("- ", f"- edit{number} ", 1)
    mine = [parse_page("http", "".join(f"{line}\n" for line in lines))]
    merged = merge(folded(second), mine, memory.memory)
    text = render_page(merged.pages[0])
    for line in lines:
        for word in ("mine", "prose", "edit"):
            if word in line:
                assert line.split("[")[0].strip() in text, text
    if not any(change.sign == "!" for change in merged.changes):
        again = merge(folded(second), [parse_page("http", text)], merged.memory)
        assert (render_page(again.pages[0]), again.changes) == (text, [])


def test_a_page_that_only_is_written_differently_is_not_taken_for_the_same() -> None:
    page = parse_page(
        "app", "# app\n\n## Requirements\n\n* One. [3f9c2a7be01d4c55]\n  * Two. [3f9c2a7be01d4c55]\n"
    )
    draft = Draft(page)
    assert draft.built() is page

    outer = draft.statements[0]
    outer.children[0].unindent()

    assert draft.built() is not page
    assert render_page(draft.built()) != render_page(page)
