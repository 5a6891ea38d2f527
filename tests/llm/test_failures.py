"""Failures are told apart by status first, by words where no server answered."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import get_args

import pytest

from regen_git.llm.failures import Failure, Kind, classify, explain, retry_after_s, told

SERVED = {"server": "x"}


@pytest.mark.parametrize(
    ("status", "kind", "again"),
    [
        (400, "bad", False),
        (401, "key", False),
        (402, "quota", False),
        (403, "denied", False),
        (404, "model", False),
        (408, "timeout", True),
        (413, "long", False),
        (429, "limit", True),
        (500, "server", True),
        (503, "server", True),
        (529, "server", True),
    ],
)
def test_a_servers_status_decides(status: int, kind: str, again: bool) -> None:  # noqa: FBT001 - a table's column
    failure = classify("no", status=status, headers=SERVED)
    assert (failure.kind, failure.is_worth_retrying) == (kind, again)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("You exceeded your current quota, please check your plan", "quota"),
        ("This model's maximum context length is 8192 tokens", "long"),
        ("prompt is too long: 210000 tokens > 200000 maximum", "long"),
        ("filtered due to the prompt triggering Azure OpenAI's content management policy", "filtered"),
        ("Incorrect API key provided: sk-abc", "key"),
    ],
)
def test_the_words_of_a_refusal_decide_before_its_status(text: str, kind: str) -> None:
    assert classify(text, status=429, headers=SERVED).kind == kind


def test_a_server_in_trouble_is_believed_by_its_status() -> None:
    assert classify("billing service is down", status=503, headers=SERVED).kind == "server"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Missing Anthropic API Key - A call is being made to anthropic but no key is set", "key"),
        ("Missing credentials. Please pass an `api_key`", "key"),
        ("Missing Gemini API key. Set the GEMINI_API_KEY or GOOGLE_API_KEY environment variable.", "key"),
        ("LLM Provider NOT provided. Pass in the LLM provider", "provider"),
        ("Connection error.", "cut"),
        ("Expecting value: line 1 column 1 (char 0)", "unreadable"),
    ],
)
def test_without_an_answer_the_words_decide_whatever_status_was_made_up(text: str, kind: str) -> None:
    assert classify(text, status=500, headers={}).kind == kind


def test_what_never_connected_was_not_billed() -> None:
    failure = classify("Connection error.", status=500, headers={}, connected=False)
    assert (failure.kind, failure.may_be_billed, failure.is_worth_retrying) == ("unreachable", False, True)
    assert classify("Connection error.", status=500, headers={}).may_be_billed
    assert classify("", status=408, headers={}, timed_out=True).may_be_billed


def test_the_time_to_wait_is_read_in_all_its_forms() -> None:
    assert retry_after_s({"Retry-After": "7"}) == 7
    assert retry_after_s({"retry-after-ms": "1500", "retry-after": "2"}) == 1.5
    soon = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=60))
    assert 50 < (retry_after_s({"retry-after": soon}) or 0) <= 60
    assert retry_after_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    for nonsense in ("", "soon", "-3", "1e9", "nan"):
        assert retry_after_s({"retry-after": nonsense}) is None


def test_what_was_said_is_one_short_line_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hunter2hunter2")
    line = told(
        "litellm.AuthenticationError: AuthenticationError: OpenAIException - bad\n key sk-abcdefghij or "
        "hunter2hunter2\nTraceback (most recent call last):\n  File x"
    )
    assert line == "bad key [key] or [key]"
    assert len(told("x" * 5000)) < 400


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_has_a_message_and_a_hint(kind: Kind) -> None:
    message, hint = explain(
        Failure(kind, "it said no", 500), "openai/gpt-4o", address="http://x", keys=["K"], timeout_s=3.0
    )
    assert "openai/gpt-4o" in message
    assert message[0] != " "
    assert not message.endswith(".")
    assert hint
