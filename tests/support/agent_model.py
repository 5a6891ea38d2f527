"""A scripted model that coding agents talk to over HTTP on loopback, whichever of four dialects they speak.

Anthropic's Messages, OpenAI's Chat Completions and Responses, Gemini's generateContent. The server finds the
agent's own tools in the request: asked to create a file it calls the one that writes files, asked to commit
the one that runs commands.
"""

from __future__ import annotations

import gzip
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AgentModel"]

COMMANDS = ("git add -A", 'git commit -m "Add hello.py"')
"""Two calls: Droid refuses to stage and to commit in one."""

CONTENT = 'print("hello")\n'
_PATCH = '*** Begin Patch\n*** Add File: hello.py\n+print("hello")\n*** End Patch\n'

_WRITERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Write", {"file_path": "PATH", "content": CONTENT}),
    ("write_file", {"file_path": "PATH", "content": CONTENT}),
    ("Create", {"file_path": "PATH", "content": CONTENT}),
    ("create", {"path": "PATH", "file_text": CONTENT}),
    ("write", {"filePath": "PATH", "path": "PATH", "content": CONTENT}),
    ("apply_patch", {"input": _PATCH, "patch": _PATCH}),
)
_SHELLS = (
    "Bash",
    "run_shell_command",
    "bash",
    "Execute",
    "exec_command",
    "shell_command",
    "shell",
    "local_shell",
)


class _Call(NamedTuple):
    tool: str
    given: dict[str, Any]
    is_raw: bool = False


class _Tool(NamedTuple):
    name: str
    fields: tuple[str, ...]
    is_raw: bool


class AgentModel:
    """A server on a free port of loopback; ``folder`` is where agents are told to write."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._numbers = itertools.count(1)
        model = self

        class Handler(_Handler):
            server_of = model

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the server listens, without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def number(self) -> str:
        """Return the next number, for ids."""
        return f"{next(self._numbers):04}"

    def decide(self, said: list[tuple[str, str]], tools: list[_Tool]) -> str | _Call:
        """Return what to answer: words, or a call of one of the agent's tools."""
        last = max((i for i, (who, text) in enumerate(said) if who == "user" and _wish(text)), default=-1)
        if last < 0 or not tools:
            return "Hello."
        wish = _wish(said[last][1])
        done = sum(who == "tool" for who, _ in said[last + 1 :])
        if done >= (len(COMMANDS) if wish == "commit" else 1):
            return "Done."
        by_name = {tool.name: tool for tool in tools}
        if wish == "commit":
            for name in _SHELLS:
                if name in by_name:
                    return _Call(name, self._shell(by_name[name], COMMANDS[done]))
        for name, given in _WRITERS:
            if name not in by_name:
                continue
            tool = by_name[name]
            if tool.is_raw:
                return _Call(name, {"input": _PATCH}, is_raw=True)
            fitting = {k: v for k, v in given.items() if k in tool.fields} or given
            return _Call(name, {k: v.replace("PATH", f"{self.folder}/hello.py") for k, v in fitting.items()})
        return "I have no tool for that."

    @staticmethod
    def _shell(tool: _Tool, command: str) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name in tool.fields:
            if name in ("command", "cmd"):
                given[name] = command
            elif name in ("description", "summary", "riskLevelReason"):
                given[name] = "Commit all the changes"
            elif name == "is_background":
                given[name] = False
            elif name == "riskLevel":
                given[name] = "medium"
        return given or {"command": command}


def _wish(text: str) -> str:
    where = {"create": text.rfind("Create hello.py"), "commit": text.rfind("Commit the change")}
    wish = max(where, key=lambda one: where[one])
    return wish if where[wish] >= 0 else ""


class _Handler(BaseHTTPRequestHandler):
    """One request of an agent."""

    protocol_version = "HTTP/1.1"
    server_of: AgentModel

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """List one model."""
        names = ["fake-model", "gpt-5.5", "gpt-4.1"]
        self._send({"object": "list", "data": [{"id": n, "object": "model", "type": "model"} for n in names]})

    def do_POST(self) -> None:
        """Answer in the dialect of the path."""
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        try:
            body = json.loads(raw)
        except ValueError:
            body = {}
        path = self.path.split("?")[0]
        self.server_of.asked.append((path, body))
        if path.endswith("/messages"):
            self._messages(body)
        elif path.endswith("/chat/completions"):
            self._chat(body)
        elif path.endswith("/responses"):
            self._responses(body)
        elif "enerateContent" in path:
            self._gemini(body, stream="stream" in path)
        elif path.endswith("count_tokens"):
            self._send({"input_tokens": 100})
        elif path.endswith("countTokens"):
            self._send({"totalTokens": 100})
        else:
            self._send({"error": {"type": "not_found_error", "message": "not found"}}, 404)

    def _messages(self, body: dict[str, Any]) -> None:
        said = []
        for message in body.get("messages", []):
            for block in _blocks(message.get("content")):
                kind = block.get("type")
                said.append(
                    ("tool", "") if kind == "tool_result" else (message["role"], block.get("text") or "")
                )
        tools = [_tool(t.get("name"), t.get("input_schema")) for t in body.get("tools") or []]
        answer = self.server_of.decide(said, tools)
        number = self.server_of.number()
        usage = {"input_tokens": 100, "output_tokens": 20, "cache_creation_input_tokens": 0}
        usage["cache_read_input_tokens"] = 0
        if isinstance(answer, str):
            block, stop = {"type": "text", "text": answer}, "end_turn"
            start, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": answer}
        else:
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": answer.tool, "input": answer.given}
            start, stop = {**block, "input": {}}, "tool_use"
            delta = {"type": "input_json_delta", "partial_json": json.dumps(answer.given)}
        whole = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": body.get("model")}
        ending = {"stop_reason": stop, "stop_sequence": None}
        if not body.get("stream"):
            self._send({**whole, "content": [block], **ending, "usage": usage})
            return
        begun = {**whole, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        self._stream(
            {"type": "message_start", "message": begun},
            {"type": "content_block_start", "index": 0, "content_block": start},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 20}},
            {"type": "message_stop"},
        )

    def _chat(self, body: dict[str, Any]) -> None:
        said = []
        for message in body.get("messages", []):
            who = message.get("role")
            text = "\n".join(block.get("text") or "" for block in _blocks(message.get("content")))
            said.append(("tool", "") if who in ("tool", "function") else (who, text))
        tools = [
            _tool(t.get("function", {}).get("name"), t.get("function", {}).get("parameters"))
            for t in body.get("tools") or []
        ]
        answer = self.server_of.decide(said, tools)
        number = self.server_of.number()
        if isinstance(answer, str):
            message, stop = {"role": "assistant", "content": answer}, "stop"
        else:
            function = {"name": answer.tool, "arguments": json.dumps(answer.given)}
            call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
            message, stop = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        base = {"id": f"chatcmpl-{number}", "created": 1, "model": body.get("model")}
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": stop}
            self._send({**base, "object": "chat.completion", "choices": [choice], "usage": usage})
            return
        chunk = {**base, "object": "chat.completion.chunk"}
        self._stream(
            {**chunk, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": stop}]},
            {**chunk, "choices": [], "usage": usage},
            named=False,
        )

    def _responses(self, body: dict[str, Any]) -> None:
        given = body.get("input") or []
        given = [{"role": "user", "content": given}] if isinstance(given, str) else given
        said = []
        for item in given:
            if str(item.get("type", "message")) == "message":
                text = "\n".join(block.get("text") or "" for block in _blocks(item.get("content")))
                said.append((str(item.get("role")), text))
            elif str(item.get("type")).endswith("_output"):
                said.append(("tool", ""))
        tools = [
            _tool(t.get("name") or t.get("type"), t.get("parameters"), t) for t in body.get("tools") or []
        ]
        answer = self.server_of.decide(said, tools)
        number = self.server_of.number()
        item: dict[str, Any] = {"id": f"it_{number}", "status": "completed"}
        if isinstance(answer, str):
            content = [{"type": "output_text", "text": answer, "annotations": []}]
            item |= {"type": "message", "role": "assistant", "content": content}
        elif answer.is_raw:
            item |= {"type": "custom_tool_call", "call_id": f"call_{number}", "name": answer.tool}
            item["input"] = answer.given["input"]
        else:
            item |= {"type": "function_call", "call_id": f"call_{number}", "name": answer.tool}
            item["arguments"] = json.dumps(answer.given)
        usage = {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120}
        whole = {"id": f"resp_{number}", "object": "response", "created_at": 1, "status": "completed"}
        whole |= {"model": body.get("model"), "output": [item], "usage": usage}
        if not body.get("stream"):
            self._send(whole)
            return
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {**item, "status": "in_progress"},
            },
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
        self._stream(*({**event, "sequence_number": i} for i, event in enumerate(events)))

    def _gemini(self, body: dict[str, Any], *, stream: bool) -> None:
        said = []
        for message in body.get("contents", []):
            for part in message.get("parts", []):
                is_user = message.get("role") == "user"
                who = "tool" if "functionResponse" in part else "user" if is_user else "assistant"
                said.append((who, part.get("text") or ""))
        declared = [f for t in body.get("tools") or [] for f in t.get("functionDeclarations") or []]
        tools = [_tool(f.get("name"), f.get("parametersJsonSchema") or f.get("parameters")) for f in declared]
        answer = self.server_of.decide(said, tools)
        number = self.server_of.number()
        part = (
            {"text": answer}
            if isinstance(answer, str)
            else {"functionCall": {"name": answer.tool, "args": answer.given, "id": f"call_{number}"}}
        )
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        usage = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}
        reply = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake-model"}
        if stream:
            self._raw(b"data: " + json.dumps(reply).encode() + b"\r\n\r\n", "text/event-stream")
        else:
            self._send(reply)

    def _stream(self, *events: dict[str, Any], named: bool = True) -> None:
        out = []
        for event in events:
            head = f"event: {event['type']}\n" if named else ""
            out.append(f"{head}data: {json.dumps(event)}\n\n")
        if not named:
            out.append("data: [DONE]\n\n")
        self._raw("".join(out).encode(), "text/event-stream")

    def _send(self, reply: dict[str, Any], status: int = 200) -> None:
        self._raw(json.dumps(reply).encode(), "application/json", status)

    def _raw(self, data: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _blocks(content: object) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))


def _tool(name: object, schema: object, whole: dict[str, Any] | None = None) -> _Tool:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    fields = tuple(properties) if isinstance(properties, dict) else ()
    return _Tool(str(name), fields, is_raw=(whole or {}).get("type") == "custom")
