"""What a server may not do to a client: send it elsewhere, fill its memory, lose an answer it paid for."""

from __future__ import annotations

import asyncio
import json
import resource
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.model_server import Fault, ModelServer

from regen_git.errors import ModelError
from regen_git.llm.client import Message, Reply, Request
from regen_git.llm.guard import BODY_LIMIT, mended
from regen_git.llm.litellm_client import LitellmClient

# What litellm and what it builds on warn of is not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

FIGURES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.integers(), max_size=2),
)


def ask(server: ModelServer, model: str = "openai/gpt-4o-mini") -> Reply:
    async def main() -> Reply:
        client = LitellmClient(api_base=server.url, timeout_s=10.0, attempts=1)
        try:
            return await client.ask(Request(model, (Message("user", "hello"),), {"max_tokens": 5}))
        finally:
            await client.aclose()

    return asyncio.run(main())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"])
def test_nothing_is_sent_where_a_server_sends_on_to(
    status: int, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "unused")
    with ModelServer(lambda _: {"choices": []}) as other:
        moved = Fault(status, "", {"Location": f"{other.url}/chat/completions"})
        with (
            ModelServer(lambda _: moved) as server,
            pytest.raises(ModelError, match="another address") as caught,
        ):
            ask(server, model)
        assert other.count == 0
        assert other.url in str(caught.value)
    assert "regen.apiBase" in caught.value.hint
    assert caught.value.kind == "moved"
    assert not caught.value.may_be_billed


@pytest.mark.parametrize("model", ["openai/gpt-4o-mini", "anthropic/claude-sonnet-4-5"])
def test_an_endless_answer_does_not_fill_the_memory(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "unused")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        ModelServer(lambda _: Fault(endless=True)) as server,
        pytest.raises(ModelError, match="end") as caught,
    ):
        ask(server, model)
    assert caught.value.kind == "endless"
    assert caught.value.may_be_billed
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 8 * BODY_LIMIT


def test_a_gateway_that_wraps_an_error_into_a_success_is_told_by_what_it_wraps() -> None:
    wrapped = {"error": {"message": "upstream is down", "code": 503}}
    assert mended(200, json.dumps(wrapped).encode())[0] == 503
    assert mended(200, b'{"error": {"message": "no", "code": "bad"}}')[0] == 200
    assert mended(200, b'{"error": {"code": 503}, "choices": [{}]}')[0] == 200


def test_good_answers_pass_to_the_byte() -> None:
    body = b'{ "choices":[{"message":{"content":"x"}}], "usage" : {"prompt_tokens":1,"completion_tokens":2} }'
    assert mended(200, body) == (200, body)


@settings(max_examples=200)
@given(
    st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens"]), FIGURES)
    | FIGURES
)
def test_figures_are_numbers_afterwards_and_the_answer_stays(usage: Any) -> None:
    shape = {"choices": [{"message": {"content": "kept"}}], "usage": usage}
    status, body = mended(200, json.dumps(shape).encode())
    data = json.loads(body)
    assert status == 200
    assert data["choices"] == shape["choices"]
    left = data.get("usage") or {}
    assert all(value is None or int(value) == int(str(value)) for value in left.values())


@settings(max_examples=200)
@given(
    st.binary(max_size=60)
    | st.recursive(
        FIGURES,
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["choices", "error", "usage", "message", "code"]), inner)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_breaks_the_guard(body: bytes) -> None:
    status, passed = mended(200, body)
    assert 200 <= status <= 599
    assert isinstance(passed, bytes)
