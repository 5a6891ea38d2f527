from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import faults

from regen_git.replay.reply import (
    Deletion,
    Edit,
    FileEdit,
    NoMatchError,
    Replacement,
    apply_replacements,
    join_continuation,
    parse_reply,
    render_reply,
)
from regen_git.replay.reply.paths import path_problem, quote, unquote

CODE = "import os\n\n\ndef f():\n    return os\n"
FENCED = f"```python\n{CODE}```\n"


def kinds(text: str, current: dict[str, str] | None = None, finish: str = "stop") -> list[str]:
    return [problem.kind for problem in parse_reply(text, current=current or {}, finish=finish).problems]


def only_file(text: str, current: dict[str, str] | None = None) -> FileEdit:
    parsed = parse_reply(text, current=current or {}, finish="stop")
    assert parsed.problems == ()
    assert parsed.complete
    assert len(parsed.files) == 1
    return parsed.files[0]


# What models really send


@pytest.mark.parametrize(
    "head",
    [
        "FILE src/x.py",
        "FILE: src/x.py",
        "FILE `src/x.py`",
        'FILE "src/x.py"',
        "FILE 'src/x.py'",
        "**FILE src/x.py**",
        "**FILE** `src/x.py`",
        "**FILE:** src/x.py",
        "### FILE src/x.py",
        "### FILE `src/x.py`:",
        "`FILE src/x.py`",
        "- FILE src/x.py",
        "1. FILE src/x.py",
        "FILE src/x.py (new file)",
        "FILE ./src/x.py",
        "FILE src/x.py:",
        "File: src/x.py",
        "file: `src/x.py`",
        "Filename: src/x.py",
        "src/x.py:",
        "src/x.py",
        "`src/x.py`",
        "`src/x.py`:",
        "**src/x.py**",
        "**`src/x.py`**",
        "**src/x.py:**",
        "### src/x.py",
        "### `src/x.py`",
        "#### 1. `src/x.py`",
        "## **src/x.py** (modified)",
        '"src/x.py"',
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_file_is_named_in_many_ways(head: str, gap: str) -> None:
    assert only_file(f"Here it is.\n\n{head}{gap}{FENCED}\nDone!\n") == FileEdit("src/x.py", CODE)


@pytest.mark.parametrize(
    "info",
    [
        "python src/x.py",
        'python title="src/x.py"',
        "python title='src/x.py'",
        "python file=src/x.py",
        "python:src/x.py",
        "src/x.py",
        "title=src/x.py",
    ],
)
@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~"])
def test_a_path_may_stand_in_the_fence_line(info: str, fence: str) -> None:
    assert only_file(f"{fence}{info}\n{CODE}{fence}\n") == FileEdit("src/x.py", CODE)


def test_a_file_line_may_be_followed_by_prose_before_its_fence() -> None:
    assert only_file(f"FILE src/x.py\nThis one retries.\n\n{FENCED}").text == CODE


def test_other_names_before_a_fence_need_to_stand_right_above_it() -> None:
    assert kinds("### src/x.py\nRun this:\n```bash\npytest\n```\n") == ["no files"]


def test_examples_and_prose_around_are_not_files() -> None:
    text = f"Let me explain.\n```bash\npip install x\n```\nFILE a.py\n{FENCED}\nThen run:\n```\npytest\n```\n"
    assert only_file(text) == FileEdit("a.py", CODE)


def test_a_reply_with_carriage_returns_loses_them() -> None:
    assert only_file(f"FILE a.py\n{FENCED}".replace("\n", "\r\n")).text == CODE


def test_carriage_returns_inside_a_file_stay_when_the_reply_has_none() -> None:
    assert (
        only_file("FILE a.txt\n```\none\r\ntwo\rthree\x0c\u2028four\n```\n").text
        == "one\r\ntwo\rthree\x0c\u2028four\n"
    )


def test_a_byte_order_mark_and_an_indented_fence_are_taken_off() -> None:
    text = "\ufeffFILE a.py\n  ```python\n  def f():\n      pass\n  ```\n"
    assert only_file(text).text == "def f():\n    pass\n"


def test_thoughts_are_not_answers() -> None:
    text = f"<think>\nFILE a.py\n```\nx\n```\n</think>\nFILE a.py\n{FENCED}"
    assert only_file(text).text == CODE
    assert only_file(text.removeprefix("<think>\n")).text == CODE
    assert only_file(f"<think>hm</think>FILE a.py\n{FENCED}").text == CODE


def test_a_tag_of_thought_inside_a_file_is_text() -> None:
    assert only_file("FILE a.md\n```\n<think>\nx\n</think>\n```\n").text == "<think>\nx\n</think>\n"


def test_a_fence_around_the_whole_reply_is_ignored() -> None:
    text = f"```\nFILE a.py\n{FENCED}DELETE b.py\n```\n"
    parsed = parse_reply(text, current={}, finish="stop")
    assert parsed.files == (FileEdit("a.py", CODE),)
    assert parsed.deletions == (Deletion("b.py"),)
    assert parsed.problems == ()


def test_flags_after_the_path_are_read() -> None:
    assert only_file("FILE run.sh NOEOL EXEC\n```\n#!/bin/sh\nexit\n```\n") == FileEdit(
        "run.sh", "#!/bin/sh\nexit", final_newline=False, executable=True
    )
    assert only_file("FILE `run.sh` (EXEC)\n```\nx\n```\n").executable is True


@pytest.mark.parametrize(
    "line", ["DELETE src/old.py", "**DELETE** `src/old.py`", "DELETE: src/old.py", "- DELETE FILE src/old.py"]
)
def test_a_deletion_is_one_line(line: str) -> None:
    parsed = parse_reply(f"{line}\n", current={}, finish="stop")
    assert parsed.deletions == (Deletion("src/old.py"),)
    assert parsed.problems == ()


def test_a_sentence_that_begins_like_a_deletion_is_prose() -> None:
    assert parse_reply("DELETE requests are now retried too.\n", current={}, finish="stop").deletions == ()


def test_a_path_with_spaces_is_read_where_it_is_plain() -> None:
    assert only_file(f"FILE my docs/read me.py\n{FENCED}").path == "my docs/read me.py"


# Fences inside fences


def test_fences_inside_a_longer_fence_are_text() -> None:
    text = "# T\n```bash\nx\n```\nFILE y\n```\n"
    assert only_file(f"FILE README.md\n````markdown\n{text}````\n").text == text


def test_inner_fences_of_the_same_length_are_resolved_when_they_name_a_language() -> None:
    text = "# T\n\n```bash\nx\n```\n\nmore\n\n```python\ny\n```\n"
    parsed = parse_reply(
        f"FILE README.md\n```markdown\n{text}```\n\nFILE a.py\n{FENCED}", current={}, finish="stop"
    )
    assert [file.text for file in parsed.files] == [text, CODE]
    assert parsed.problems == ()


def test_inner_fences_that_cannot_be_told_from_the_outer_one_are_refused() -> None:
    assert "ambiguous" in kinds("FILE README.md\n```\n# T\n```\ncode\n```\nmore\n```\n")


def test_a_forgotten_closing_fence_does_not_swallow_the_next_file() -> None:
    assert kinds(f"FILE a.py\n```python\nx = 1\n\nFILE b.py\n{FENCED}") == ["ambiguous"]
    assert "ambiguous" in kinds("FILE a.py\n```\nx = 1\n\nFILE b.py\n```\ny = 2\n```\n")


# What is refused


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x.py",
        "a/../../x.py",
        "a/./x.py",
        ".git/config",
        ".GIT/hooks/pre-commit",
        "sub/.git/config",
        "git~1/config",
        ".git./config",
        ".git /config",
        ".git. . /x",
        ".git::$INDEX_ALLOCATION/x",
        ".g\u200cit/config",
        "..\\x.py",
        "a\\.git\\config",
        "\\\\host\\share",
        "C:\\x.py",
        "c:/x.py",
        "a//b.py",
        "a/",
        "",
        "a\0b",
        "\ud800",
        "x" * 5000,
    ],
)
def test_a_path_that_leaves_the_tree_is_refused(path: str) -> None:
    assert path_problem(path) is not None


@pytest.mark.parametrize(
    "path", ["a.py", ".github/x.yml", ".gitignore", "dev\\x2duuid", "a b", "git", "..a", "é/ü.py"]
)
def test_an_ordinary_path_is_not_refused(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize(
    "line", ["FILE ../x.py", "FILE /etc/x.py", 'FILE ".g\\151t/config"', "### ../../x.py"]
)
def test_a_bad_path_in_a_reply_is_a_problem_and_no_file(line: str) -> None:
    parsed = parse_reply(f"{line}\n{FENCED}", current={}, finish="stop")
    assert [problem.kind for problem in parsed.problems] == ["bad path"]
    assert parsed.files == ()


def test_an_open_fence_is_a_truncated_reply() -> None:
    parsed = parse_reply("FILE a.py\n```python\nimport os\n", current={}, finish="stop")
    assert not parsed.complete
    assert [problem.kind for problem in parsed.problems] == ["truncated"]


def test_a_reply_cut_by_the_token_limit_is_truncated_even_between_files() -> None:
    parsed = parse_reply(f"FILE a.py\n{FENCED}", current={}, finish="length")
    assert not parsed.complete
    assert kinds(f"FILE a.py\n{FENCED}", finish="length") == ["truncated"]


def test_two_contents_for_one_path_are_refused_and_two_copies_are_one() -> None:
    block = f"FILE a.py\n{FENCED}"
    assert only_file(block + block).text == CODE
    assert kinds(block + "FILE a.py\n```\nother\n```\n") == ["two versions"]
    assert kinds(block + "DELETE a.py\n") == ["two versions"]
    assert kinds(block + f"FILE a.py/b.py\n{FENCED}") == ["two versions"]


def test_a_reply_without_files_says_so() -> None:
    assert kinds("I cannot do that.") == ["no files"]
    assert kinds(FENCED) == ["no files"]
    assert kinds("") == ["no files"]
    assert kinds("NO CHANGES\n") == []


def test_a_file_line_without_a_fence_is_ambiguous() -> None:
    assert kinds("FILE a.py\nimport os\n") == ["ambiguous"]


ELISIONS = [
    "# ...",
    "# …",
    "# ... rest unchanged ...",
    "# ... rest of the code remains the same ...",
    "# existing code here",
    "# ... existing code ...",
    "# (rest of the file unchanged)",
    "# Rest of the methods remain unchanged",
    "# [rest of code]",
    "# unchanged",
    "# same as before",
    "# ... other methods ...",
    "# omitted for brevity",
    "# --- remaining implementation unchanged ---",
    "# ... (keep existing imports)",
    "# previous code here",
    "# the rest of this class stays the same",
    "# rest of handlers.py is unchanged",
    "# no changes below",
    "# <existing code>",
    "... rest unchanged ...",
    "[... rest of file unchanged ...]",
    "# code omitted",
    "# your code here",
    "# snip",
]


@pytest.mark.parametrize("line", dict.fromkeys([*ELISIONS, *faults.ELISIONS]))
def test_a_line_that_stands_for_left_out_code_is_refused(line: str) -> None:
    text = f"FILE a.py\n```\nimport os\n    {line}\n```\n"
    assert kinds(text) == ["elided"]
    assert kinds(text, {"a.py": f"x\n{line}\n"}) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.js", "// ..."),
        ("a.js", "..."),
        ("a.js", "// ... existing code ..."),
        ("a.js", "/* ... rest of the component ... */"),
        ("a.jsx", "{/* ... rest of the component ... */}"),
        ("a.html", "<!-- rest of the file unchanged -->"),
        ("a.sql", "-- ... existing code"),
        ("a.lisp", ";; rest unchanged"),
        ("a.tex", "% ... "),
    ][:-1],
)
def test_left_out_code_is_seen_in_other_languages(path: str, line: str) -> None:
    assert kinds(f"FILE {path}\n```\nx\n  {line}\n```\n") == ["elided"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.py", "..."),
        ("a.py", "    ...  # abstract"),
        ("a.py", "# keep the existing code paths fast: callers depend on them"),
        ("a.py", "# other imports"),
        ("a.py", "# The same rule as in parse()"),
        ("a.py", "# Unchanged files are skipped, so that mtimes stay."),
        ("a.py", "# the rest of the arguments are passed on to pytest"),
        ("a.py", "# Existing rows are kept."),
        ("a.py", 'print("... rest unchanged ...")'),
        ("a.yml", "..."),
        ("a.md", "# ..."),
        ("a.md", "The rest of the file is unchanged"),
        ("a.js", "...rest,"),
        ("a.js", "[...items]"),
        ("a.js", "...props"),
        ("a.js", "...existing,"),
        ("a.go", "args..."),
        ("a.py", "# Helpers"),
        ("a.py", "# configuration"),
        ("a.py", "matrix = [\n[...],\n[...]\n]"),
        ("a.py", "f(\n[...]\n)"),
        ("a.py", "# Same as above, but for bytes"),
        ("a.py", "# snipping is done by the caller"),
    ],
)
def test_ordinary_lines_are_not_taken_for_left_out_code(path: str, line: str) -> None:
    assert kinds(f"FILE {path}\n```\nx\n{line}\n```\n") == []


@pytest.mark.parametrize("line", ["# \x1b[31mred", "# \0", "# \x7f", "# \ufffd"])
def test_a_character_that_no_file_holds_is_refused_unless_it_is_meant(line: str) -> None:
    text = f"FILE a.py\n```\nx\n{line}\n```\n"
    assert kinds(text) == ["not text"]
    assert kinds(text, {"a.py": f"x\n{line}\n"}) == []
    assert kinds(text.replace("a.py", "a.py WHOLE")) == []
    assert kinds(text.replace("a.py", "a.py WHOLE").replace(line, "\ud800")) == ["not text"]


@pytest.mark.parametrize(
    ("path", "mark", "found"),
    [
        ("a.py", "go", ["wrong language"]),
        ("a.rs", "python", ["wrong language"]),
        ("a.py", "py", []),
        ("a.ts", "javascript", []),
        ("a.h", "cpp", []),
        ("a.py", "text", []),
        ("a.md", "python", []),
        ("Makefile", "python", []),
        ("a.py", "python title=x", []),
    ],
)
def test_a_block_that_is_marked_as_another_language_is_refused(
    path: str, mark: str, found: list[str]
) -> None:
    assert kinds(f"FILE {path}\n```{mark}\nx = 1\n```\n", {path: "x\n"}) == found


def test_a_refused_answer_is_not_read() -> None:
    parsed = parse_reply("FILE a.py\n```\nx\n```\n", current={}, finish="refused")
    assert [problem.kind for problem in parsed.problems] == ["refused"]


# Search and replace

OLD = "def f():\n    return 1\n\n\ndef g():\n    return 1\n"


def edited(block: str, current: str = OLD) -> str:
    parsed = parse_reply(block, current={"a.py": current}, finish="stop")
    assert parsed.problems == ()
    assert parsed.files == ()
    return apply_replacements(current, parsed.replacements)


SWAP = "<<<<<<< SEARCH\ndef g():\n    return 1\n=======\ndef g():\n    return 2\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    "text",
    [
        f"FILE a.py\n{SWAP}",
        f"FILE a.py\n```python\n{SWAP}```\n",
        f"a.py\n```python\n{SWAP}```\n",
        f"```python\na.py\n{SWAP}```\n",
        f"```python a.py\n{SWAP}```\n",
        f"FILE a.py\n```\n{SWAP}```\n".replace("\n", "\r\n"),
        f"Change this:\n\n### `a.py`\n\n{SWAP}\nDone.\n",
    ],
)
def test_a_search_block_replaces_the_one_place(text: str) -> None:
    assert edited(text) == OLD[:-2] + "2\n"


def test_several_search_blocks_apply_in_order() -> None:
    second = "<<<<<<< SEARCH\n    return 2\n=======\n    return 3\n>>>>>>> REPLACE\n"
    expected = OLD[:-2] + "3\n"
    assert edited(f"FILE a.py\n```\n{SWAP}\n{second}```\n") == expected
    assert edited(f"FILE a.py\n```\n{SWAP}```\n\nand\n\n```\n{second}```\n") == expected


@pytest.mark.parametrize(
    ("search", "word"),
    [("    return 1\n", "more than once"), ("nothing\n", "not in the file"), ("", "empty")],
)
def test_a_search_text_that_is_not_there_once_is_refused(search: str, word: str) -> None:
    text = f"FILE a.py\n<<<<<<< SEARCH\n{search}=======\nx\n>>>>>>> REPLACE\n"
    problems = parse_reply(text, current={"a.py": OLD}, finish="stop").problems
    assert [problem.kind for problem in problems] == ["no match"]
    assert word in problems[0].message


def test_only_white_space_may_differ_and_new_lines_move_along() -> None:
    current = "class A:\n    def g(self):\n        return 1  \n"
    search, replace = "def g(self):\n    return 1\n", "def g(self):\n    if x:\n        return 2\n"
    block = f"<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"
    assert (
        edited(f"FILE a.py\n{block}", current)
        == "class A:\n    def g(self):\n        if x:\n            return 2\n"
    )
    with pytest.raises(NoMatchError):
        apply_replacements("  a\n b\n", [Replacement("x", "a\nb\n", "c\n")])


def test_a_replacement_keeps_the_line_endings_it_finds() -> None:
    assert apply_replacements("a\r\nb\r\n", [Replacement("x", "a\n", "c\nd\n")]) == "c\r\nd\r\nb\r\n"


def test_an_underline_that_looks_like_the_separator_is_told_apart_by_what_matches() -> None:
    block = "<<<<<<< SEARCH\nTitle\n=======\nold\n=======\nTitle\n=======\nnew\n>>>>>>> REPLACE\n"
    assert edited(f"FILE a.py\n{block}", "Title\n=======\nold\n") == "Title\n=======\nnew\n"


def test_an_empty_search_makes_a_new_file() -> None:
    assert only_file("FILE n.py\n<<<<<<< SEARCH\n=======\nx = 1\n>>>>>>> REPLACE\n") == FileEdit(
        "n.py", "x = 1\n"
    )


def test_a_search_block_that_stops_is_truncated_and_one_without_a_separator_is_refused() -> None:
    assert kinds("FILE a.py\n<<<<<<< SEARCH\nx\n", {"a.py": "x\n"}) == ["truncated"]
    assert kinds("FILE a.py\n<<<<<<< SEARCH\nx\n>>>>>>> REPLACE\n", {"a.py": "x\n"}) == ["ambiguous"]


# There and back

PIECES = st.sampled_from(
    ["```", "````", "`", "\n", "```python\n", "FILE x\n", "DELETE y\n", "\r\n", "\r", "\u2028", "\f", "~~~\n"]
) | st.sampled_from(
    [
        "<<<<<<< SEARCH\n",
        "=======\n",
        ">>>>>>> REPLACE\n",
        "# ...\n",
        "</think>\n",
        "<think>\n",
        "  ",
        "\ufeff",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=12).map("".join)
PARTS = st.sampled_from(
    ["a/b.py", " ", "#", "`", '"', "'", "**", "EXEC", "FILE", ":", "\\", "(x)", "\t", "\udcff"]
)
PATHS = (
    st.lists(PARTS | st.text(max_size=5), min_size=1, max_size=4)
    .map("".join)
    .filter(lambda p: path_problem(p) is None)
)


@st.composite
def edit_lists(draw: st.DrawFn) -> list[Edit]:
    edits: list[Edit] = []
    taken: list[str] = []
    for path in draw(st.lists(PATHS, max_size=4, unique=True)):
        if any((path + "/").startswith(t + "/") or (t + "/").startswith(path + "/") for t in taken):
            continue
        taken.append(path)
        text = draw(TEXTS)
        mode = draw(st.sampled_from([None, True, False]))
        open_end = FileEdit(path, text + "\n" if text else "", None, mode)
        exact = FileEdit.exact(path, text, executable=mode)
        choices: list[Edit] = [open_end, exact, exact, Deletion(path)]
        edits.append(draw(st.sampled_from(choices)))
    return edits


@settings(deadline=None, max_examples=300)
@given(edit_lists(), st.dictionaries(PATHS, TEXTS, max_size=2))
def test_reading_what_was_written_gives_the_same_edits(edits: list[Edit], current: dict[str, str]) -> None:
    parsed = parse_reply(render_reply(edits), current=current, finish="stop")
    assert list(parsed.files) == [edit for edit in edits if isinstance(edit, FileEdit)]
    assert list(parsed.deletions) == [edit for edit in edits if isinstance(edit, Deletion)]
    assert parsed.problems == ()
    assert parsed.complete


@settings(deadline=None, max_examples=200)
@given(PATHS, TEXTS.filter(str.strip), TEXTS)
def test_replacements_are_read_back_exactly(path: str, search: str, replace: str) -> None:
    edit = Replacement(path, search + "\n", replace + "\n" if replace else "")
    parsed = parse_reply(render_reply([edit]), current={path: search}, finish="stop")
    assert [problem for problem in parsed.problems if problem.kind not in {"elided", "not text"}] == []
    assert parsed.replacements == (edit,)


@settings(deadline=None, max_examples=200)
@given(PATHS)
def test_a_quoted_path_is_read_back_exactly(path: str) -> None:
    shown = quote(path)
    assert shown.isprintable()
    assert shown == path or unquote(shown) == (path, "")


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join), st.sampled_from(["stop", "length"]))
def test_no_reply_breaks_the_reader(text: str, finish: str) -> None:
    parsed = parse_reply(text, current={"x": "y\n"}, finish=finish)
    assert all(path_problem(file.path) is None for file in parsed.files)
    assert parsed.complete is not any(problem.kind == "truncated" for problem in parsed.problems)


HOSTILE_SIZE = 1 << 16


@pytest.mark.parametrize(
    "unit",
    [
        "x = 1\n",
        "\n",
        "```\n",
        "```a\n",
        "````\n```\n",
        "`" * 7 + "\n~~~~\n",
        "FILE a.py\n",
        "FILE a.py\n```x\n```y\n```\n",
        "FILE a.md\np\n```\nx\n```\np\n~~~\n",
        "```x a.py\n```y\n```\n",
        "<<<<<<< SEARCH\n=======\n",
        "FILE a\n<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE\n",
        "</think>",
        "<think>\n</think>\n",
        "# rest of the the the the the the the the the the the\n",
        "**",
        "`a.py` ",
        " ",
        '"\\',
        "FILE ",
        "DELETE a.py\n",
        "(",
        "# . . . ... ",
    ],
)
def test_a_hostile_reply_is_read_to_its_end(unit: str) -> None:
    text = unit * (HOSTILE_SIZE // len(unit))
    parsed = parse_reply(text, current={"a.py": "x\n"}, finish="stop")
    assert (
        parsed.problems or set(parsed.deletions) == {Deletion("a.py")} or parsed.files == (FileEdit("a", ""),)
    )
    assert kinds(f"FILE a.py\n``````````\n{text}") == ["truncated"]


# Continuations


def joined(first: str, second: str) -> FileEdit:
    return only_file(join_continuation(first, second))


WHOLE = "FILE a.py\n```python\nimport os\nimport sys\n\ndef function():\n    return os.name\n```\n"
EXPECTED = "import os\nimport sys\n\ndef function():\n    return os.name\n"


@pytest.mark.parametrize("cut", range(WHOLE.index("import sys"), len(WHOLE) - 5))
def test_a_reply_goes_on_where_it_stopped(cut: int) -> None:
    assert joined(WHOLE[:cut], WHOLE[cut:]).text == EXPECTED
    assert joined(WHOLE[:cut], f"<think>go on</think>\n{WHOLE[cut:].lstrip()}").path == "a.py"


@pytest.mark.parametrize(
    "opening", ["```python\n", "FILE a.py\n```python\n", "Continuing:\n\nFILE a.py\n```\n"]
)
def test_a_repeated_opening_is_dropped(opening: str) -> None:
    cut = WHOLE.index("def function")
    assert joined(WHOLE[:cut], opening + WHOLE[cut:]).text == EXPECTED
    assert joined(WHOLE[: cut + 6], opening + WHOLE[cut + 6 :]).text == EXPECTED


def test_repeated_lines_are_dropped() -> None:
    cut = WHOLE.index("    return")
    assert joined(WHOLE[:cut], WHOLE[WHOLE.index("def function") :]).text == EXPECTED
    assert joined(WHOLE[: cut + 8], WHOLE[cut:]).text == EXPECTED


def test_a_file_begun_again_replaces_its_start() -> None:
    cut = WHOLE.index("os.name")
    assert joined(WHOLE[:cut], WHOLE).text == EXPECTED


def test_a_short_repeated_line_is_not_an_overlap() -> None:
    first, second = "FILE a.js\n```js\nf(() => {\n  g(() => {\n  }\n", "  }\n}\n```\n"
    assert joined(first, second).text == "f(() => {\n  g(() => {\n  }\n  }\n}\n"


def test_a_continuation_between_files_is_appended() -> None:
    parsed = parse_reply(join_continuation(WHOLE, f"FILE b.py\n{FENCED}"), current={}, finish="stop")
    assert [file.path for file in parsed.files] == ["a.py", "b.py"]
