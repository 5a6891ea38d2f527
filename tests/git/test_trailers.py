from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.git import trailers

LINES = st.sampled_from(
    [
        "Subject line",
        "",
        "Regen-Intent: 0123456789abcdef",
        "Signed-off-by: A <a@example.org>",
        "(cherry picked from commit abc)",
        "Key: value",
        " continued",
        "prose that says nothing",
        "---",
        "# a comment",
        "Key : spaced",
    ]
)


@settings(max_examples=80, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=9).map(lambda lines: "\n".join(["Subject", "", *lines, ""])))
def test_trailers_are_read_as_git_reads_them(message: str) -> None:
    git = subprocess.run(
        ["git", "interpret-trailers", "--parse", "--no-divider"],
        input=message.encode(),
        capture_output=True,
        check=True,
    )
    expected = [line for line in git.stdout.decode().splitlines() if ": " in line and line[0] != "("]

    found = [f"{key}: {value}" for key, value in trailers.parse(message.encode())]

    assert found == expected


def test_a_trailer_joins_the_block_and_is_not_repeated() -> None:
    message = b"Subject\n\nBody.\n\nSigned-off-by: A <a@example.org>\n"
    pair = ("Regen-Intent", "0123456789abcdef")

    once = trailers.add(message, [pair])

    assert once == message + b"Regen-Intent: 0123456789abcdef\n"
    assert trailers.add(once, [pair]) == once


def test_a_message_without_trailers_gets_a_paragraph_for_them() -> None:
    assert trailers.add(b"Subject: yes\n", [("Regen-Intent", "ab")]) == b"Subject: yes\n\nRegen-Intent: ab\n"
