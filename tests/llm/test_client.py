"""Requests have one form, and one digest."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.llm.client import Message, Request, estimate_tokens, prompt_bound, prompt_estimate

TEXTS = st.text(st.characters(codec=None), max_size=40)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), TEXTS)
REQUESTS = st.builds(
    Request,
    model=TEXTS,
    messages=st.lists(MESSAGES, max_size=3).map(tuple),
    parameters=st.dictionaries(TEXTS, VALUES, max_size=3),
    sample=st.integers(0, 5),
)


def request(text: str = "hello", **parameters: Any) -> Request:
    return Request("openai/gpt-4o", (Message("user", text),), parameters)


def test_the_digest_of_a_known_request_never_changes() -> None:
    asked = Request(
        "openai/gpt-4o",
        (Message("system", "rules"), Message("user", "Intent 3f9c2a7be01d4c55\nnaïve")),
        {"temperature": 0, "max_tokens": 4096},
    )
    assert asked.canonical().decode() == (
        '{"messages":[{"content":"rules","role":"system"},'
        '{"content":"Intent 3f9c2a7be01d4c55\\nnaïve","role":"user"}],'
        '"model":"openai/gpt-4o","parameters":{"max_tokens":4096,"temperature":0},"sample":0}'
    )
    assert asked.digest == "82c46768f3a5ed1f4ee876d258adfa1aa3740be0d432a1154690cdc3753b93af"


@settings(deadline=None, max_examples=100)
@given(REQUESTS)
def test_the_canonical_form_does_not_depend_on_the_order_of_parameters(asked: Request) -> None:
    turned = Request(
        asked.model, asked.messages, dict(reversed(list(asked.parameters.items()))), asked.sample
    )
    assert turned.canonical() == asked.canonical()
    assert turned.digest == asked.digest
    assert len(asked.digest) == 64


@settings(deadline=None, max_examples=100)
@given(REQUESTS, REQUESTS)
def test_different_requests_have_different_digests(one: Request, other: Request) -> None:
    same = (one.model, one.messages, one.sample) == (other.model, other.messages, other.sample)
    if one.digest == other.digest:
        assert same
        assert json.loads(json.dumps(dict(one.parameters))) == json.loads(json.dumps(dict(other.parameters)))
    elif same:
        assert repr(one.parameters) != repr(other.parameters)


def test_a_whole_float_and_an_integer_ask_the_same() -> None:
    assert request(temperature=1.0).digest == request(temperature=1).digest
    assert request(temperature=1.0).digest != request(temperature=1.5).digest


def test_two_samples_of_a_request_are_two_requests() -> None:
    first = request()
    assert Request(first.model, first.messages, first.parameters, 1).digest != first.digest


def test_undecodable_bytes_in_a_prompt_keep_their_own_form() -> None:
    forms = {request(text).canonical() for text in ("\udc80", "\udc81", "?", "\ud83d\ude00", "😀")}
    assert len(forms) == 5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        request(temperature=value).canonical()


def test_a_value_that_json_lacks_is_refused() -> None:
    with pytest.raises(TypeError):
        request(stop=b"bytes").canonical()


def test_a_request_keeps_its_own_copy_of_the_parameters() -> None:
    parameters = {"seed": 1}
    asked = Request("m", (), parameters)
    before = asked.digest
    parameters["seed"] = 2
    assert asked.digest == before
    assert len({asked, Request("m", (), {"seed": 1})}) == 1


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=200))
def test_the_bound_is_never_below_the_estimate_nor_the_bytes(text: str) -> None:
    asked = request(text)
    assert prompt_bound(asked) >= prompt_estimate(asked)
    assert prompt_bound(asked) >= len(text.encode())
    assert estimate_tokens(text) <= len(text)


def test_nothing_heavy_is_imported_with_the_room() -> None:
    code = (
        "import sys\n"
        "import regen_git.llm.client, regen_git.llm.replies, regen_git.llm.budget, regen_git.llm.prices\n"
        "import regen_git.llm.cassette, regen_git.llm.failures, regen_git.llm.litellm_client\n"
        "names = {'litellm', 'openai', 'pygit2', 'yaml', 'rich', 'tenacity', 'click', 'httpx'}\n"
        "heavy = names & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert regen_git.llm.prices.lookup('gpt-4o')\n"
        "assert 'litellm' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
