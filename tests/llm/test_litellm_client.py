"""Real HTTP through the real library: answers, failures, waits and limits."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.model_server import Answer, Fault, ModelServer

import regen_git
from regen_git.errors import BudgetError, ModelError
from regen_git.llm.client import Message, Reply, Request, Usage
from regen_git.llm.litellm_client import LitellmClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Scripted = str | Answer | Fault | Mapping[str, Any]

# What litellm and what it builds on warn of is not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:pydantic"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Waits(list[float]):
    """Note how long the client would have waited, and do not wait."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def request(text: str = "hello", model: str = "openai/gpt-4o-mini", **parameters: Any) -> Request:
    return Request(model, (Message("system", "rules"), Message("user", text)), parameters)


def scripted(*answers: Scripted) -> ModelServer:
    """Answer with each in turn, and with the last one for ever."""
    script: Iterator[Scripted] = chain(answers, repeat(answers[-1]))
    return ModelServer(lambda _: next(script))


def ask(server: ModelServer, asked: Request | None = None, **options: Any) -> Reply:
    async def main() -> Reply:
        client = LitellmClient(api_base=server.url, **{"timeout_s": 10.0, "wait": Waits(), **options})
        try:
            return await client.ask(asked or request())
        finally:
            await client.aclose()

    return asyncio.run(main())


def fails(server: ModelServer, asked: Request | None = None, **options: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask(server, asked, **options)
    return caught.value


def test_an_answer_arrives_with_its_usage_and_its_cost() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    with scripted(Answer("naïve\n", usage=usage, model="gpt-4o-mini-2024-07-18")) as server:
        reply = ask(server, request("hello", temperature=0, max_tokens=50))
    assert (reply.text, reply.finish, reply.usage) == ("naïve\n", "stop", Usage(100, 20))
    assert reply.cost_usd == pytest.approx(100 * 0.15e-6 + 20 * 0.6e-6)
    assert reply.model == "gpt-4o-mini-2024-07-18"
    body = server.requests[0]
    assert body["messages"] == [{"role": "system", "content": "rules"}, {"role": "user", "content": "hello"}]
    assert (body["temperature"], body["max_tokens"], body["model"]) == (0, 50, "gpt-4o-mini")


def test_a_prompt_the_server_had_seen_is_counted_as_cached() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 80}}
    with scripted(Answer("x", usage=usage)) as server:
        assert ask(server).usage == Usage(100, 20, 80)


def test_a_model_without_a_price_has_no_cost() -> None:
    with scripted("hi") as server:
        reply = ask(server, request(model="openai/of-my-own"))
    assert reply.cost_usd is None
    assert reply.usage.prompt_tokens > 0


@pytest.mark.parametrize(
    ("answer", "finish"),
    [
        (Answer("cut sh", finish_reason="length"), "length"),
        (Answer("", finish_reason="content_filter"), "refused"),
        (
            Fault(400, {"error": {"message": "rejected by our content filter", "code": "content_filter"}}),
            "refused",
        ),
    ],
)
def test_a_cut_and_a_refused_answer_are_replies(answer: Scripted, finish: str) -> None:
    with scripted(answer) as server:
        assert ask(server).finish == finish
    assert server.count == 1


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": -5, "completion_tokens": 3},
        {"prompt_tokens": 5, "completion_tokens": 10**15},
    ],
)
def test_figures_that_cannot_be_true_have_no_cost(usage: dict[str, Any] | None) -> None:
    with scripted(Answer("hi", usage=usage)) as server:
        reply = ask(server)
    assert reply.text == "hi"
    assert reply.cost_usd is None
    assert reply.usage.prompt_tokens in {0, 5}
    assert reply.usage.completion_tokens in {0, 3}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, {"error": {"message": "slow down"}}),
        Fault(500, "boom"),
        Fault(502, "<html>bad gateway</html>"),
        Fault(503, "busy"),
        Fault(529, "{}"),
        Fault(cut="before"),
        Fault(cut="within"),
        Fault(200, '{"choices": [{'),
        {"id": "x", "choices": []},
        {},
    ],
)
def test_a_passing_failure_is_tried_again(fault: Scripted) -> None:
    waits = Waits()
    with scripted(fault, fault, "at last") as server:
        assert ask(server, wait=waits).text == "at last"
    assert server.count == 3
    assert len(waits) == 2
    assert 1 <= waits[0] <= 2 <= waits[1] <= 3


def test_the_wait_that_the_server_asks_for_is_kept() -> None:
    waits = Waits()
    with scripted(
        Fault(429, "{}", {"Retry-After": "7"}), Fault(503, "", {"Retry-After": "3"}), "ok"
    ) as server:
        ask(server, wait=waits)
    assert waits == [7, 3]


def test_a_wait_that_is_too_long_ends_the_question_and_says_so() -> None:
    with scripted(Fault(429, "{}", {"Retry-After": "3600"})) as server:
        error = fails(server)
    assert server.count == 1
    assert "3600 seconds" in error.hint


def test_attempts_are_bounded_and_the_last_failure_is_told() -> None:
    with scripted(Fault(500, "boom")) as server:
        error = fails(server, attempts=4)
    assert server.count == 4
    assert str(error) == f"the server of 'openai/gpt-4o-mini' at '{server.url}' failed with status 500: boom"
    assert error.hint


@pytest.mark.parametrize(
    ("fault", "message", "hint"),
    [
        (Fault(401, {"error": {"message": "Incorrect API key provided"}}), "no valid key", "OPENAI_API_KEY"),
        (Fault(403, {"error": {"message": "no access"}}), "may not use", "OPENAI_API_KEY"),
        (Fault(404, {"error": {"message": "The model does not exist"}}), "is unknown", "name"),
        (
            Fault(400, {"error": {"message": "bad parameter"}}),
            "refused the request: bad parameter",
            "parameters",
        ),
        (
            Fault(
                400, {"error": {"message": "maximum context length is 10", "code": "context_length_exceeded"}}
            ),
            "too long",
            "larger context",
        ),
        (
            Fault(
                429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
            ),
            "no credit",
            "billing",
        ),
    ],
)
def test_a_lasting_failure_is_told_at_once(fault: Fault, message: str, hint: str) -> None:
    waits = Waits()
    with scripted(fault) as server:
        error = fails(server, wait=waits)
    assert (server.count, waits) == (1, [])
    assert message in str(error)
    assert "\n" not in str(error)
    assert hint in error.hint


def test_a_slow_server_runs_into_the_timeout() -> None:
    with scripted(Answer("late", delay_s=0.6)) as server:
        error = fails(server, timeout_s=0.2, attempts=2)
        assert server.count == 2
    assert "did not answer within 0.2 seconds" in str(error)


def test_an_address_where_nobody_listens_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    waits = Waits()
    unsure: list[Request] = []

    async def note(asked: Request) -> None:
        unsure.append(asked)

    async def main() -> None:
        client = LitellmClient(api_base=address, wait=waits, on_unsure=note)
        try:
            await client.ask(request())
        finally:
            await client.aclose()

    with pytest.raises(ModelError, match=f"cannot reach 'openai/gpt-4o-mini' at '{address}'") as caught:
        asyncio.run(main())
    assert "regen.apiBase" in caught.value.hint
    assert len(waits) == 2
    assert unsure == []


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-4o-mini", "OPENAI_API_KEY"),
        ("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-pro", "GEMINI_API_KEY"),
    ],
)
def test_a_missing_key_names_its_variable(model: str, variable: str) -> None:
    with pytest.raises(ModelError, match="no valid key") as caught:
        asyncio.run(LitellmClient(wait=Waits()).ask(request(model=model)))
    assert variable in caught.value.hint


def test_a_name_without_a_provider_says_how_to_write_it() -> None:
    with pytest.raises(ModelError, match="'some-model' names no provider") as caught:
        asyncio.run(LitellmClient(wait=Waits()).ask(request(model="some-model")))
    assert "openai/gpt-4o" in caught.value.hint


def test_a_key_from_the_environment_is_sent_and_none_is_made_up_beside_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with scripted("ok") as server:
        ask(server)
        monkeypatch.setenv("OPENAI_API_KEY", "the-users-own")
        ask(server)
    assert [headers["authorization"] for headers in server.headers] == [
        "Bearer unused",
        "Bearer the-users-own",
    ]


@pytest.mark.parametrize("name", ["api_base", "api_key", "model", "mock_response", "extra_headers", "n"])
def test_a_parameter_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with scripted("ok") as server:
        error = fails(server, Request("openai/gpt-4o-mini", (Message("user", "hi"),), {name: "x"}))
    assert f"parameter '{name}'" in str(error)
    assert server.count == 0


def test_undecodable_characters_do_not_stop_a_question() -> None:
    with scripted("ok") as server:
        ask(server, request("caf\udce9 \ud83d\ude00 naïve"))
    assert server.requests[0]["messages"][1]["content"] == "caf\ufffd 😀 naïve"


def test_no_more_than_the_agreed_number_is_asked_at_once() -> None:
    async def main(url: str) -> list[Reply]:
        client = LitellmClient(3, api_base=url)
        try:
            return await asyncio.gather(*(client.ask(request(str(i))) for i in range(9)))
        finally:
            await client.aclose()

    with ModelServer(lambda body: Answer(body["messages"][1]["content"], delay_s=0.05)) as server:
        replies = asyncio.run(main(server.url))
    assert [reply.text for reply in replies] == [str(i) for i in range(9)]
    assert 2 <= server.most_at_once <= 3


def test_a_second_client_works_after_the_first_is_closed() -> None:
    async def main(url: str) -> None:
        for _ in range(2):
            client = LitellmClient(api_base=url)
            client.warm()
            assert (await client.ask(request())).text == "ok"
            await client.aclose()

    with scripted("ok") as server:
        asyncio.run(main(server.url))
        asyncio.run(main(server.url))
    assert server.count == 4


def test_a_call_that_may_be_billed_twice_is_announced_and_can_be_stopped() -> None:
    asked: list[Request] = []

    async def note(request: Request) -> None:
        asked.append(request)

    async def stop(_: Request) -> None:
        raise BudgetError("nothing is left", hint="raise it")

    with scripted(Fault(cut="within"), Fault(503, "busy"), "ok") as server:
        ask(server, on_unsure=note)
        assert asked == [request()]
    with scripted(Fault(cut="within"), "ok") as server:
        error = fails(server, on_unsure=stop)
    assert isinstance(error, BudgetError)
    assert server.count == 1


def test_the_library_is_imported_offline_and_reads_no_file_of_a_repository(tmp_path: Path) -> None:
    # A package inside a virtual environment inside a repository: its '.env' lies above the package.
    (tmp_path / ".env").write_text("OPENAI_API_KEY=stolen\nOPENAI_API_BASE=http://127.0.0.1:9\n")
    found = find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    (tmp_path / "venv").mkdir()
    for package in Path(found.origin).parents[1].iterdir():
        (tmp_path / "venv" / package.name).symlink_to(package)
    code = (
        "import os, socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('the network was asked')\n"
        "socket.getaddrinfo = refuse\n"
        "from regen_git.llm.litellm_client import _load\n"
        "found = _load(4)\n"
        "assert found.__file__.startswith(os.environ['HERE']), found.__file__\n"
        "assert 'OPENAI_API_KEY' not in os.environ and 'OPENAI_API_BASE' not in os.environ\n"
    )
    root = Path(regen_git.__file__).parents[1]
    env = {**os.environ, "HERE": str(tmp_path), "PYTHONPATH": f"{tmp_path / 'venv'}:{root}"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
