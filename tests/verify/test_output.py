from __future__ import annotations

from regen_git.verify.output import normalise


def test_paths_times_and_colours_are_taken_out() -> None:
    data = (
        b"\x1b[31mFAILED\x1b[0m /w/tree/src/a.py:3 in /w/tree\r\n"
        b"at 2026-01-02T03:04:05.678Z took 0.12s, 3 ms and 1.5 seconds\n"
        b"<object at 0x7f00aa11bb22> in /tmp/abc123/x   \n1 failed in 61.00s (0:01:01)\n"
    )
    assert normalise(data, {"/w/tree": ""}) == (
        "FAILED src/a.py:3 in .\n"
        "at <time> took <duration>, <duration> and <duration>\n"
        "<object at 0x...> in <tmp>/x\n1 failed in <duration> (<duration>)"
    )


def test_a_folder_inside_another_is_named_first() -> None:
    assert normalise(b"/w/env/bin /w/x", {"/w": "<w>", "/w/env": "<env>"}) == "<env>/bin <w>/x"


def test_long_output_keeps_its_head_and_more_of_its_tail() -> None:
    text = normalise(b"first\n" + b"x\n" * 50_000 + b"last\xff\n", {})
    assert text.startswith("first\n")
    assert text.endswith("last\ufffd")
    assert "characters left out" in text
    assert len(text) < 20_000
