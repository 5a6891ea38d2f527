"""The quick ways to say whose a path is and which tests name it agree with the plain ones."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from regen_git.replay.folded.claims import Claims
from regen_git.replay.folded.mentions import Mentions
from regen_git.replay.imports import is_about

parts = st.sampled_from(
    ["a", "b", "src", "lib", "a.py", "x.b.py", "main.py", "__init__.py", "*", "**", "*.py"]
)
names = st.sampled_from(["a", "b", "src", "lib", "a.py", "x.b.py", "main.py", "__init__.py"])
paths = st.lists(names, min_size=1, max_size=3).map("/".join)
patterns = st.builds(
    lambda start, middle, end: start + "/".join(middle) + end,
    st.sampled_from(["", "", "/", "!"]),
    st.lists(parts, min_size=1, max_size=3),
    st.sampled_from(["", "/"]),
)
pages = st.dictionaries(st.sampled_from("pqr"), st.lists(patterns, max_size=3), max_size=3)


@given(pages, st.lists(paths, max_size=5))
@settings(deadline=None, max_examples=100)
def test_a_path_is_that_of_the_page_with_the_longest_pattern(
    claimed: dict[str, list[str]], asked: list[str]
) -> None:
    claims = Claims(claimed.items())
    for path in asked:
        found = [
            (-len(pattern), page)
            for page, patterns in claimed.items()
            for pattern in patterns
            if not pattern.startswith("!")
            and GitIgnoreSpec.from_lines([pattern]).match_file(path)
            and GitIgnoreSpec.from_lines(patterns).match_file(path)
        ]
        assert claims.owner(path) == (min(found)[1] if found else None)


@given(
    st.dictionaries(
        paths, st.lists(st.sampled_from(["a", "x.b", "lib", "a-b", "src_", "'a'", "main"])), max_size=4
    ),
    paths,
)
@settings(deadline=None, max_examples=100)
def test_tests_name_a_file_as_their_text_says(words: dict[str, list[str]], path: str) -> None:
    texts = {test: " ".join(some) for test, some in words.items()}

    found = Mentions(texts)

    wanted = {test for test, text in texts.items() if is_about(text, path)}
    assert set(found.of(path)) == found.of_any([path]) == wanted
