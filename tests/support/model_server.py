"""A scripted OpenAI-compatible server on loopback: real HTTP, kept alive, with real servers' faults."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["Answer", "Fault", "ModelServer", "completion"]

_PIECES = 20


@dataclass(frozen=True)
class Answer:
    """A well-formed answer. ``usage`` replaces the honest count; ``None`` leaves it out."""

    text: str | None
    finish_reason: str = "stop"
    usage: Mapping[str, Any] | None = field(default_factory=lambda: {"honest": True})
    model: str | None = None
    delay_s: float = 0.0
    drip_s: float = 0.0
    """The body leaves in many pieces, over this many seconds together."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    ``status`` with ``body`` and ``headers`` is sent as it is. ``cut`` ends the connection before the answer
    (``"before"``), in the middle of it (``"within"``), or in the middle of a chunked one (``"stream"``).
    ``delay_s`` comes first; ``stall_s`` comes after the headers and the first bytes. ``endless`` sends a body
    that goes on until the client hangs up, a megabyte at a time.
    """

    status: int = 500
    body: str | bytes | Mapping[str, Any] = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: str = ""
    delay_s: float = 0.0
    stall_s: float = 0.0
    endless: bool = False


def completion(answer: Answer, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON of a chat completion; tokens are counted as one for each four characters."""
    prompt = sum(len(str(message.get("content", ""))) for message in body.get("messages", ()))
    shape: dict[str, Any] = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": answer.model or body.get("model", "scripted"),
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text},
                "finish_reason": answer.finish_reason,
            }
        ],
    }
    if answer.usage is not None:
        honest = {"prompt_tokens": prompt // 4 + 1, "completion_tokens": len(answer.text or "") // 4 + 1}
        honest["total_tokens"] = honest["prompt_tokens"] + honest["completion_tokens"]
        shape["usage"] = honest if answer.usage == {"honest": True} else dict(answer.usage)
    return shape


class ModelServer:
    """Answer each request with what ``answer`` returns for its body.

    A string is the text of a complete answer, an :class:`Answer` says more, a mapping is sent as the JSON
    body, a :class:`Fault` goes wrong. ``requests`` and ``headers`` keep what came in, in order of arrival;
    ``most_at_once`` is how many were being answered at the same time.
    """

    def __init__(self, answer: Callable[[dict[str, Any]], str | Answer | Mapping[str, Any] | Fault]) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._answer = answer
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The address to give as API base."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def count(self) -> int:
        """How many requests came in."""
        return len(self.requests)

    def __enter__(self) -> ModelServer:  # noqa: PYI034 - Self is younger than the oldest Python we run on
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(
        self, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> str | Answer | Mapping[str, Any] | Fault:
        """Note a request and return its scripted answer."""
        with self._lock:
            self.requests.append(body)
            self.headers.append(headers)
            self.paths.append(path)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        return self._answer(body)

    def done(self) -> None:
        """Note that an answer is ready to go out."""
        with self._lock:
            self._at_once -= 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        # Kept-alive connections would hold their threads, and so their sockets, past the end of a test.
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet when the client hangs up first: that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    script: ModelServer
    protocol_version = "HTTP/1.1"
    # Headers and body leave as two writes; without this the second waits for an acknowledgement.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = json.loads(raw)
        answer = self.script.take(self.path, dict(self.headers.items()), body)
        if isinstance(answer, str):
            answer = Answer(answer)
        if isinstance(answer, Answer | Fault) and answer.delay_s:
            time.sleep(answer.delay_s)
        self.script.done()
        if isinstance(answer, Fault):
            self._fail(answer)
        else:
            shape = completion(answer, body) if isinstance(answer, Answer) else dict(answer)
            drip_s = answer.drip_s if isinstance(answer, Answer) else 0.0
            self._send(200, json.dumps(shape).encode(), {}, drip_s)

    def do_GET(self) -> None:
        """Answer what follows a redirect the wrong way."""
        self.script.take(self.path, dict(self.headers.items()), {})
        self.script.done()
        self._send(405, b"{}", {})

    def _fail(self, fault: Fault) -> None:
        if fault.cut == "before":
            self._reset()
        elif fault.cut or fault.stall_s or fault.endless:
            self._begin(fault)
        else:
            text = json.dumps(fault.body) if not isinstance(fault.body, str | bytes) else fault.body
            self._send(fault.status, text.encode() if isinstance(text, str) else text, fault.headers)

    def _begin(self, fault: Fault) -> None:
        """Begin an answer that does not end."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        is_chunked = fault.cut == "stream" or fault.endless
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", "100000")
        self.end_headers()
        start = b'{"id": "chatcmpl-cut", "choices": ['
        self.wfile.write(b"%x\r\n%b\r\n" % (len(start), start) if is_chunked else start)
        self.wfile.flush()
        time.sleep(fault.stall_s)
        if fault.endless:
            self._flood()
        self._reset()

    def _flood(self) -> None:
        piece = b"%x\r\n%b\r\n" % (1 << 20, b" " * (1 << 20))
        for _ in range(1 << 14):
            self.wfile.write(piece)

    def _reset(self) -> None:
        # Lingering for no time turns the close into a reset, as a crashed server's is.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], drip_s: float = 0.0) -> None:
        self.send_response(status)
        sent = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        step = max(1, len(body) // _PIECES) if drip_s else len(body) or 1
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            time.sleep(drip_s / _PIECES)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Print nothing."""
