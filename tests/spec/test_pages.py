from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from regen_git.domain.ids import IntentId
from regen_git.errors import SpecError
from regen_git.spec.pages import for_model, parse_page, read_pages, render_page, statement_of
from regen_git.spec.values import LeftOut, Page, Source, Statement

if TYPE_CHECKING:
    from support.builder import RepoBuilder

A, B = IntentId("3f9c2a7be01d4c55"), IntentId("77aa77aa77aa77aa")
PAGE = """\
---
paths: [src/http.py]
needs: [store]
---
# http

Prose.

## Requirements

- Retry with exponential backoff. [3f9c2a7be01d4c55]
  - At most five attempts. [77aa77aa77aa77aa@2]

## Left out

- noise: looks good [3f9c2a7be01d4c55]
"""


def test_a_page_as_we_write_it_is_read_and_written_back() -> None:
    page = parse_page("http", PAGE)
    condition = Statement("At most five attempts.", (Source(B, 2),))
    assert page == Page(
        "http",
        "http",
        ("src/http.py",),
        ("store",),
        "Prose.",
        (Statement("Retry with exponential backoff.", (Source(A),), (condition,)),),
        (LeftOut("looks good", (Source(A),), "noise"),),
    )
    assert render_page(page) == PAGE
    assert render_page(_unread(page)) == PAGE


def _unread(page: Page) -> Page:
    """Return the page as if no file had ever held it."""

    def bare(one: Statement) -> Statement:
        return replace(one, read=None, conditions=tuple(map(bare, one.conditions)))

    left = tuple(replace(one, read=None) for one in page.left_out)
    return replace(page, head=None, statements=tuple(map(bare, page.statements)), left_out=left)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", []),
        ("Only prose, and no heading.\n", []),
        ("# app\n\n* one\n* two", ["one", "two"]),
        ("- one\n+ two\n1. three\n2) four\n", ["one", "two", "three", "four"]),
        ("### app\n\n#### Requirements\n- one\n\n\n- two\n", ["one", "two"]),
        ("app\n===\n\n- one\nstill one\n\ntext\n\n## More\n\n- two\n", ["one\nstill one", "two"]),
        ("- one\n  ```\n  - no item\n  ```\n- two\n", ["one\n```\n- no item\n```", "two"]),
        ("```\n- no item\n```\n- one\n", ["one"]),
        ("<!--\n- no item\n-->\n- one\n", ["one"]),
        ("- one\n  ```\n- two\n", ["one\n```", "two"]),
        ("- [ ] one\n---\n- two\n", ["[ ] one", "two"]),
        ("# a\r\n\r\n- one\r\n- two\r\n", ["one", "two"]),
        ("# a\n\n- one\r\n- two\n", ["one", "two"]),
        ("\ufeff# a\n- one\n", ["one"]),
        ("---\n\n- one\n", ["one"]),
    ],
)
def test_what_people_write_is_understood_and_kept(text: str, asked: list[str]) -> None:
    page = parse_page("app", text)
    assert [one.text for one in page.statements] == asked
    assert render_page(page) == text


def test_items_below_an_item_are_its_conditions() -> None:
    page = parse_page("app", "1. one\n  - a\n\n    more\n     * b\n\n- two\n\t- c\n")
    one, two = page.statements
    assert [each.text for each in one.conditions] == ["a\n\nmore"]
    assert [each.text for each in one.conditions[0].conditions] == ["b"]
    assert [each.text for each in two.conditions] == ["c"]


def test_ids_are_read_wherever_they_stand_and_links_are_none() -> None:
    page = parse_page("app", f"- Retry. [{A}] Five times. [{B}@3, {A}]\n- See [{A}](x) and \\[{A}]\n")
    one, two = page.statements
    assert (one.text, one.sources) == ("Retry. Five times.", (Source(A), Source(B, 3), Source(A)))
    assert (two.text, two.sources) == (f"See [{A}](x) and [{A}]", ())


def test_a_statement_that_changes_leaves_all_other_bytes() -> None:
    text = "intro\r\n\r\n* one\r\n   * deep\r\n\r\n## B\r\n1. two\r\n   more\r\n2. three [x]\r\nend\r\n"
    page = parse_page("app", text)
    one, two, three = page.statements
    changed = render_page(replace(page, statements=(one, replace(two, text="second"), three)))
    assert changed == text.replace("1. two\r\n   more\r\n", "1. second\r\n")
    added = render_page(replace(page, statements=(one, two, three, Statement("four", (Source(A),)))))
    assert added == text + f"3. four [{A}]\r\n"


def test_the_first_statement_of_a_page_of_prose_gets_a_heading() -> None:
    page = replace(parse_page("app", "# app\n\nProse."), statements=(Statement("one"),))
    assert render_page(page) == "# app\n\nProse.\n\n## Requirements\n\n- one\n"


def test_statements_below_what_is_left_out_stay_there() -> None:
    text = "- one\n\n## Left out\n\n- noise: hi\n  - deeper\n\n## More\n\n- two\n\nend"
    page = parse_page("app", text)
    assert ([one.text for one in page.statements], page.late) == (["one", "two"], 1)
    assert page.left_out[0].text == "hi\n- deeper"
    assert render_page(page) == text
    more = replace(page, statements=(page.statements[0], Statement("new"), page.statements[1]))
    assert render_page(more) == text.replace("- one\n", "- one\n- new\n")


def test_a_request_holds_what_is_asked_and_nothing_else() -> None:
    text = PAGE.replace("Prose.", "Prose.\n\n<!-- how to\n- write -->") + "\n## More\n\nText.\n\n- Last\n"
    assert for_model(parse_page("http", text)) == (
        "# http\n\nProse.\n\n## Requirements\n\n- Retry with exponential backoff.\n"
        "  - At most five attempts.\n\n## More\n\nText.\n\n- Last\n"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# a\n\n<<<<<<< spec\n- one\n=======\n", "a conflict is not resolved (.regen/spec/app.md:3)"),
        ("---\npaths: [a\n---\n", "(.regen/spec/app.md:"),
        ("---\npaths: [a]\n", "front matter is not closed (.regen/spec/app.md:1)"),
        ("---\nx: &a [1]\npaths: *a\n---\n", "aliases are not read (.regen/spec/app.md:3)"),
        ("---\nneeds:\n- {a: b}\n---\n", "(.regen/spec/app.md:3)"),
        ("---\npath: [a]\n---\n", "front matter has 'path' (.regen/spec/app.md:1)"),
        ("---\nx: " + "[" * 5000 + "\n---\n", ".regen/spec/app.md"),
        ("---\nx: " + "a" * 70_000 + "\n---\n", "longer than 64 KiB"),
        ("x" * (1 << 20) + "y", "page is longer than 1024 KiB (.regen/spec/app.md)"),
        ("## Left out\n- a\n# b\n## Left out\n", "two lists of what is left out (.regen/spec/app.md:4)"),
    ],
)
def test_a_page_that_cannot_be_meant_so_names_its_line(text: str, complaint: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse_page("app", text)
    assert complaint in str(raised.value)


LINES = st.sampled_from(
    [
        *("", "  ", "- a", "  - b", "    * c", "1. n", " 2) m", "+ p", "text", "  more", "\tdeep", "\t- t"),
        *("# H", "## Requirements", "## Left out", "### S", "===", "---", "***", "```", "  ```py", "~~~"),
        *("<!-- c", "-->", "<!-- one -->", f"- x [{A}]", f"[{B}@2]", f"  \\[{A}] [{B}] z", "- noise: hi"),
        *("> q", "| t |", "    code", "-", "- - d", "paths: [a]", "\x0b", "\u2028x", "a\rb", "x\r"),
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, max_size=14).map("\n".join), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_whatever_is_read_is_written_back_byte_for_byte(text: str, newline: str, ended: bool) -> None:  # noqa: FBT001
    text = (text + "\n" * ended).replace("\n", newline)
    try:
        page = parse_page("app", text)
    except SpecError:
        return
    written = render_page(page)
    assert written == text
    assert parse_page("app", written) == page


PROMPTS = st.one_of(st.lists(LINES, max_size=8).map("\n".join), st.text(max_size=40))
SOURCES = st.lists(st.builds(Source, st.sampled_from([A, B]), st.integers(1, 3)), max_size=2).map(tuple)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(PROMPTS, SOURCES), max_size=4), st.booleans())
@example(asked=[("- - -", ())], with_prose=False)
def test_any_prompt_becomes_a_statement_that_reads_the_same(
    asked: list[tuple[str, tuple[Source, ...]]],
    with_prose: bool,  # noqa: FBT001
) -> None:
    statements = tuple(statement_of(text, sources) for text, sources in asked)
    page = Page("app", "app", ("/a b.py", "src/*.py", "1.0"), ("no",), "P." * with_prose, statements)
    assert parse_page("app", render_page(page)) == page


def test_pages_of_a_tree_are_read_by_name(repo: RepoBuilder) -> None:
    files = {".regen/spec/b.md": "- two\n", ".regen/spec/a.md": "- one\n", ".regen/spec/x/c.md": "- no\n"}
    repo.commit("spec", {**files, ".regen/spec/.folded": "x", "a.py": ""})
    opened = repo.opened
    tree = opened.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert [(page.name, page.statements[0].text) for page in read_pages(opened.objects, tree)] == [
        ("a", "one"),
        ("b", "two"),
    ]
    repo.commit("none", dict.fromkeys(files) | {".regen/spec/.folded": None})
    tree = opened.git("rev-parse", "HEAD^{tree}").decode().strip()
    assert read_pages(opened.objects, tree) == []


_WORD = st.one_of(
    st.from_regex(r"[A-Za-z_/.0-9-]{1,8}", fullmatch=True),
    st.sampled_from(["no", "Yes", "null", "a//b", "1", "e5", "~", "src/*.py", "'a'", "x y", "a:b"]),
)


@given(st.lists(_WORD, max_size=3), st.lists(_WORD, max_size=2), st.sampled_from([1, -1]))
@settings(deadline=None, max_examples=150)
def test_front_matter_in_its_usual_shape_says_what_yaml_says(
    paths: list[str], needs: list[str], order: int
) -> None:
    lines = [f"{key}: [{', '.join(words)}]\n" for key, words in (("paths", paths), ("needs", needs)) if words]
    matter = "".join(lines[::order])

    def read(text: str) -> tuple[object, ...] | str:
        try:
            page = parse_page("a", text)
        except SpecError:
            return "refused"
        return page.paths, page.needs

    # A comment behind it is nothing to YAML, and no shape that is known without it.
    assert read(f"---\n{matter}---\n# a\n") == read(f"---\n{matter}# more\n---\n# a\n")
