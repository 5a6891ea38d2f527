"""A cassette answers by intent and attempt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from regen_git.errors import ModelError, NoRecordedReplyError
from regen_git.llm.cassette import Cassette, attempt_of, intent_of
from regen_git.llm.client import Message, ModelClient, Request

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "3f9c2a7be01d4c55", "00000000000000aa"


def asked(*texts: str, sample: int = 0) -> Request:
    """Return a conversation: user, assistant, user, …"""
    messages = tuple(Message("assistant" if i % 2 else "user", text) for i, text in enumerate(texts))
    return Request("cassette", (Message("system", f"Intent {TWO}"), *messages), sample=sample)


def play(cassette: ModelClient, request: Request) -> str:
    return asyncio.run(cassette.ask(request)).text


def test_the_first_attempt_and_each_repair_have_an_answer_of_their_own() -> None:
    cassette = Cassette({ONE: "first", f"{ONE}.1": "repaired"})
    assert play(cassette, asked(f"Intent {ONE}\ndo it")) == "first"
    assert play(cassette, asked(f"Intent {ONE}\ndo it", "first", "it fails")) == "repaired"


def test_a_fresh_sample_follows_after_the_repairs_of_the_one_before() -> None:
    assert attempt_of(asked(f"Intent {ONE}", sample=1)) == 3
    assert attempt_of(asked(f"Intent {ONE}", "answer", "again", sample=1)) == 4


def test_the_last_user_message_that_names_an_intent_counts() -> None:
    assert intent_of(asked(f"Intent {ONE}", "answer", f"Intent {TWO}\nrepair")) == TWO
    assert intent_of(asked(f"Intent {ONE}", f"Intent {TWO}", "repair")) == ONE
    assert intent_of(asked(f"some rules\nIntent {ONE}\nIntent {TWO}")) == ONE


@pytest.mark.parametrize(
    "line", [f" Intent {ONE}", f"Intent {ONE}0", f"intent {ONE}", "Intent 3F9C2A7BE01D4C55"]
)
def test_only_the_exact_line_names_an_intent(line: str) -> None:
    assert intent_of(asked(line)) is None
    with pytest.raises(NoRecordedReplyError, match="names no intent"):
        play(Cassette({}), asked(line))


def test_a_missing_answer_names_the_intent_and_the_attempt() -> None:
    with pytest.raises(NoRecordedReplyError, match=f"intent '{ONE}', attempt 1") as caught:
        play(Cassette({ONE: "first"}), asked(f"Intent {ONE}", "first", "no"))
    assert f"{ONE}.1.md" in caught.value.hint


def test_a_folder_is_played_and_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / f"{ONE}.md").write_text("FILE a\n```\nnaïve\n```\n")
    reply = asyncio.run(Cassette.from_folder(tmp_path).ask(asked(f"Intent {ONE}")))
    assert reply.text == "FILE a\n```\nnaïve\n```\n"
    assert (reply.finish, reply.cost_usd, reply.model) == ("stop", 0.0, "cassette")
    assert reply.usage.completion_tokens > 0


def test_a_file_that_is_not_text_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / f"{ONE}.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match=f"{ONE}.md"):
        play(Cassette.from_folder(tmp_path), asked(f"Intent {ONE}"))
