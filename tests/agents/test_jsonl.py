"""Lines of JSON, read forwards and backwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.agents import jsonl
from regen_git.agents.jsonl import count_said, lines_with, parse, read_end, read_lines

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def write(path: Path, *lines: Any) -> str:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return str(path)


def test_broken_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"a": 1}\n{"b"\n\n[1]\n{"c": "\xff"}\n{"d": "x\ty"}\n' + b"[" * 5000 + b'\n{"e'
    )
    assert list(read_lines(str(path))) == [{"a": 1}, {"c": "�"}, {"d": "x\ty"}]


def test_a_file_that_is_not_there_has_no_end_and_no_lines() -> None:
    assert read_end("/nowhere/a.jsonl") == b""
    assert list(lines_with("/nowhere/a.jsonl", b"a")) == []
    assert list(lines_with("", b"a")) == []
    assert list(lines_with("a\0b", b"a")) == []
    assert count_said("/", "a", lambda _: None) == 0


def test_the_end_of_a_file_begins_with_a_whole_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a", {"n": 1}, {"n": 2}, {"n": 3})
    assert read_end(path, 15) == b'{"n": 3}\n'
    assert read_end(path).count(b"\n") == 3


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text('ab\u00e9"\\', max_size=30), max_size=12),
    st.integers(1, 40),
    st.sampled_from(["", "\n"]),
)
def test_lines_are_found_from_the_end_whatever_the_size_of_the_blocks(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], block: int, end: str
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    path.write_text("\n".join(json.dumps({"t": text}) for text in texts) + end, "utf-8")
    before = jsonl._BLOCK
    jsonl._BLOCK = block
    try:
        found = [line["t"] for line in lines_with(str(path), b"a")]
        every = [line["t"] for line in lines_with(str(path), b'"t"')]
    finally:
        jsonl._BLOCK = before
    wanted = [text for text in texts if "a" in json.dumps(text)]
    assert found == wanted[::-1]
    assert every == texts[::-1]


def test_prompts_of_one_text_are_counted_once_each(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a",
        {"id": "1", "t": "Go on \u00e9"},
        {"id": "1", "t": "Go on \u00e9"},
        {"id": "2", "t": "Go on"},
        {"id": "3", "t": "Go on \u00e9"},
    )
    assert count_said(path, "Go on \u00e9", lambda line: (line["id"], line["t"])) == 2
    assert count_said(path, "Gone", lambda line: (line["id"], line["t"])) == 0


def test_one_line_is_an_object_or_nothing() -> None:
    assert parse('{"a": 1}') == {"a": 1}
    assert parse(b"3") is None
