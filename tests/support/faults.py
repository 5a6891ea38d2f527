"""How models and their servers misbehave: one table, for the tests, the benchmark and the page about them.

Each entry says how the loopback server plays a fault, and what is right to do about it: when it happens once,
and when it happens for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from support.model_server import Answer, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ELISIONS", "FAULTS", "Good", "Misbehaviour", "Reaction", "Scripted", "patience_of", "rest_of"]

Scripted: TypeAlias = "str | Answer | Fault | Mapping[str, Any]"

Reaction: TypeAlias = Literal[
    "taken", "sent again", "asked again", "continued", "new sample", "shorter", "stopped"
]
"""What is done about a fault.

``taken``: the answer is good in spite of it. ``sent again``: the same request, after a pause.
``asked again``: the reply is shown to the model with what is wrong. ``continued``: the rest is asked for.
``new sample``: asked anew, once. ``shorter``: asked with less around it. ``stopped``: the replay ends with an
error, and resumes.
"""

Ending: TypeAlias = Literal["done", "stuck", "stopped"]


@dataclass(frozen=True)
class Good:
    """The right reply to a request, and how long the client waits in silence."""

    text: str
    timeout_s: float = 600.0

    def with_line(self, line: str, *endings: str) -> str:
        """Return the reply with a line added at the end of the first file of this kind."""
        lines, _, close = self._block(endings)
        return "\n".join([*lines[:close], line, *lines[close:]])

    def with_file(self, path: str, text: str = "evil\n") -> str:
        """Return the reply with one more file."""
        return f"{self.text}\nFILE {path}\n```\n{text}```\n"

    def path(self, *endings: str) -> str:
        """Return the first path of this kind."""
        lines, start, _ = self._block(endings)
        return lines[start].split()[1]

    def replaced(self, path: str, text: str, *endings: str, mark: str = "") -> str:
        """Return the reply with another file in the place of the first of this kind."""
        lines, start, close = self._block(endings)
        return "\n".join([*lines[:start], f"FILE {path}\n```{mark}\n{text}```", *lines[close + 1 :]])

    def has(self, *endings: str) -> bool:
        """Return whether the reply gives a file of this kind."""
        headers = [line.split() for line in self.text.split("\n") if line.startswith("FILE ")]
        return any(words[1].endswith(endings) for words in headers)

    def _block(self, endings: tuple[str, ...]) -> tuple[list[str], int, int]:
        """Return all lines, and where the first file of this kind has its FILE line and its last fence."""
        lines = self.text.split("\n")
        start = next(
            number
            for number, line in enumerate(lines)
            if line.startswith("FILE ") and line.split()[1].endswith(endings or ("",))
        )
        return lines, start, lines.index(lines[start + 1], start + 2)


@dataclass(frozen=True)
class Misbehaviour:
    """One way to misbehave. ``row`` is its row in the page; several may share one.

    Happening once, it costs ``extra`` requests. Happening always, the step ends as ``ending`` says, after at
    most ``most`` requests, with ``says`` in what a person reads. ``billed`` says that a provider may charge
    for it; ``waits`` is the pause that a server asks for, where it does.
    ``needs`` are endings, one of which a file of the reply must have to be spoiled so; ``stands`` is a path
    that the tree must have, and its mode.
    """

    row: str
    name: str
    play: Callable[[Good], Scripted]
    reaction: Reaction
    says: str = ""
    billed: bool = True
    most: int = 0
    waits: float | None = None
    needs: tuple[str, ...] = ("",)
    stands: tuple[str, str] = ("", "")

    @property
    def extra(self) -> int:
        """How many requests more it takes."""
        return 0 if self.reaction == "taken" else 1

    @property
    def ending(self) -> Ending:
        """How a step ends to which this happens for ever."""
        if self.reaction == "taken":
            return "done"
        return "stopped" if self.reaction in ("sent again", "stopped") else "stuck"

    @property
    def least(self) -> int:
        """The fewest requests for one step to which this happens for ever."""
        return {"taken": 1, "stopped": 1, "sent again": 5}.get(self.reaction, 2)

    @property
    def bound(self) -> int:
        """The most requests for one step to which this happens for ever."""
        known = {"taken": 1, "sent again": 5, "asked again": 4, "continued": 8, "new sample": 2, "stopped": 1}
        return self.most or known[self.reaction]


ELISIONS = (
    "# ... rest unchanged",
    "# rest of the file unchanged",
    "// … existing code …",
    "// ... existing code ...",
    "/* unchanged */",
    "/* ... */",
    "{/* ... existing code ... */}",
    "(rest of file as before)",
    "[...]",
    "[... rest of the code remains the same ...]",
    "# same as above",
    "# same as before",
    "<!-- … -->",
    "<!-- rest of the page unchanged -->",
    "-- snip --",
    "# --- snip ---",
    "# [existing code here]",
    "# (previous code remains unchanged)",
    "# code omitted for brevity",
    "# Keep the existing methods as is",
    "// remaining functions stay the same",
    "; rest of the configuration is unchanged",
    "# all other methods remain unchanged",
    "<existing code>",
    "# implementation goes here",
)
"""Lines that stand for code that was left out, as models write them."""

_GO = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("hello")\n}\n'
_LARGE = 10**15
_CODE = (".py", ".js", ".ts", ".tsx")
_FILE, _LINK, _MODULE, _FOLDER = "100644", "120000", "160000", "040000"


def _cut(good: Good) -> str:
    """Return the reply up to the middle of its last file."""
    end = good.text.rstrip("\n").rindex("\n")
    start = good.text.rindex("\nFILE ", 0, end) if "\nFILE " in good.text else 0
    body = good.text.index("\n```", start) + 4
    return good.text[: max(body + 1, (body + end) // 2)]


def rest_of(good: str, so_far: str) -> str:
    """Return what a model goes on with when it is asked to continue."""
    return good.removeprefix(so_far)


def patience_of(good: Good) -> float:
    """Return seconds of silence after which any client has given up."""
    return good.timeout_s * 3


def _said(status: int, message: str, **more: Any) -> Callable[[Good], Fault]:
    return lambda _: Fault(status, {"error": {"message": message, **more}})


def _json(shape: Mapping[str, Any]) -> Callable[[Good], Scripted]:
    return lambda _: {"id": "x", "object": "chat.completion", "created": 1, "model": "m", **shape}


def _choice(message: Mapping[str, Any], reason: str = "stop") -> Callable[[Good], Scripted]:
    whole = {"role": "assistant", "content": None, **message}
    return _json({"choices": [{"index": 0, "message": whole, "finish_reason": reason}]})


def _usage(usage: Mapping[str, Any] | None) -> Callable[[Good], Scripted]:
    return lambda good: Answer(good.text, usage=usage)


def _without_fences(good: Good) -> str:
    return "\n".join(line for line in good.text.split("\n") if not line.startswith("```"))


def _short_fences(good: Good) -> str:
    path = good.path()
    return (
        f"FILE {path}.md\n```\n# How to\n\n```\nmake\n```\n\nThen:\n\n```\nmake test\n```\n```\n\n{good.text}"
    )


def _tilde_fences(good: Good) -> str:
    return re.sub(r"^`{3,}", lambda found: "~" * len(found[0]), good.text, flags=re.MULTILINE)


def _unclosed(good: Good) -> str:
    return good.text.rstrip().rstrip("`")


def _closed_twice(good: Good) -> str:
    return good.text.rstrip("\n") + "\n```\n"


def _two_versions(good: Good) -> str:
    return good.text + "\n" + good.with_line("another = True", *_CODE)


def _texts() -> list[Misbehaviour]:
    """Return what is wrong with the words of a reply."""

    def again(
        row: str, name: str, play: Callable[[Good], Scripted], says: str, needs: tuple[str, ...] = ("",)
    ) -> Misbehaviour:
        return Misbehaviour(row, name, play, "asked again", says, needs=needs)

    nothing = "no FILE block"
    cut = "stops before its end"
    found = [
        again("Empty reply", "empty", lambda _: Answer(""), nothing),
        again("Empty reply", "blank", lambda _: Answer("\n \n"), nothing),
        again("Empty reply", "content null", _choice({}), nothing),
        again(
            "Empty reply",
            "thought until its tokens were used up",
            lambda _: Answer("", finish_reason="length"),
            cut,
        ),
        again("Prose only", "prose", lambda _: "You could add a function to the module.", nothing),
        again("Prose only", "refusal in prose", lambda _: "I'm sorry, but I can't help with that.", nothing),
        again(
            "A tool call in the place of text",
            "tool call",
            _choice(
                {
                    "tool_calls": [
                        {"id": "1", "type": "function", "function": {"name": "write", "arguments": "{}"}}
                    ]
                },
                "tool_calls",
            ),
            nothing,
        ),
        Misbehaviour(
            "Half a file, cut at the longest reply",
            "half a file, finish length",
            lambda good: Answer(_cut(good), finish_reason="length"),
            "continued",
            cut,
        ),
        again("Half a file, as if it were whole", "half a file, finish stop", _cut, cut),
        again("Wrong fence", "no fence", _without_fences, "without a fenced block"),
        again(
            "Wrong fence", "fence too short for one inside", _short_fences, "not clear where the file ends"
        ),
        again("Wrong fence", "fence not closed", _unclosed, cut),
        Misbehaviour("Another fence, or one too many", "fence of tildes", _tilde_fences, "taken"),
        Misbehaviour("Another fence, or one too many", "fence closed twice", _closed_twice, "taken"),
        Misbehaviour(
            "The same file twice", "two equal versions", lambda good: good.text + "\n" + good.text, "taken"
        ),
        again("Two versions of one file", "two versions", _two_versions, "given twice", _CODE),
        again(
            "Wrong language",
            "another file in another language",
            lambda good: good.replaced("src/main.go", _GO, ".py"),
            "written in go",
            (".py",),
        ),
        again(
            "Wrong language",
            "another language under the right name",
            lambda good: good.replaced(good.path(".py"), _GO, ".py"),
            "is not Python",
            (".py",),
        ),
        again(
            "Wrong language",
            "a block marked as another language",
            lambda good: good.replaced(good.path(".py"), "x = 1\n", ".py", mark="go"),
            "marked as go",
            (".py",),
        ),
        again(
            "Control characters and terminal escapes",
            "escape sequence in a file",
            lambda good: good.with_line("# \x1b[31mred\x1b[0m", *_CODE),
            "U+001B",
            _CODE,
        ),
        again(
            "Control characters and terminal escapes",
            "NUL in a file",
            lambda good: good.with_line("# \0", *_CODE),
            "U+0000",
            _CODE,
        ),
        again(
            "Half a character",
            "lone surrogate",
            lambda good: good.with_line("# \ud800", *_CODE),
            "U+FFFD",
            _CODE,
        ),
        Misbehaviour(
            "BOM and CRLF", "CRLF everywhere", lambda good: good.text.replace("\n", "\r\n"), "taken"
        ),
        Misbehaviour("BOM and CRLF", "BOM before the reply", lambda good: "\ufeff" + good.text, "taken"),
        Misbehaviour(
            "BOM and CRLF",
            "BOM in a file",
            lambda good: re.sub(r"(\.py.*\n`+.*\n)", "\\1\ufeff", good.text, count=1),
            "taken",
        ),
    ]
    found += [
        again("Elision", line, lambda good, line=line: good.with_line(line, *_CODE), "left out", _CODE)  # type: ignore[misc]
        for line in ELISIONS
    ]
    alone = (".js", ".ts")
    found.append(again("Elision", "... alone", lambda good: good.with_line("...", *alone), "left out", alone))
    return found


def _paths() -> list[Misbehaviour]:
    """Return files where none may be."""
    row = "A path outside the tree"
    outside = ("../x", "/etc/passwd", "C:\\x", "a/../../x", "\\\\host\\share\\x")
    inside = (".git/hooks/x", ".GIT/config", ".g\u200cit/hooks/x", "git~1/x", ".git./x", "src/.git/config")

    def file(path: str) -> Callable[[Good], Scripted]:
        return lambda good: good.with_file(path)

    found = [Misbehaviour(row, path, file(path), "asked again", "the path ") for path in outside]
    row = "A path into .git"
    found += [Misbehaviour(row, path, file(path), "asked again", "enters .git") for path in inside]
    below = "nothing can be written below it"
    onto = "Onto a symbolic link, a submodule or a frozen file"
    link, sub, frozen = ("link", _LINK), ("sub", _MODULE), ("LICENSE", _FILE)

    def through(row: str, path: str, stands: tuple[str, str], says: str = below) -> Misbehaviour:
        return Misbehaviour(row, path, file(path), "asked again", says, stands=stands)

    return [
        *found,
        through("Through a symbolic link", "link/x.py", link),
        through("Below a submodule's path", "sub/x.py", sub),
        through("Below a file", "LICENSE/x.py", frozen),
        through("In the place of a folder", "src", ("src", _FOLDER), "folder"),
        Misbehaviour(onto, "link", file("link"), "taken", stands=link),
        Misbehaviour(onto, "sub", file("sub"), "taken", stands=sub),
        Misbehaviour(onto, "LICENSE", file("LICENSE"), "taken", stands=frozen),
        Misbehaviour(
            onto,
            "delete a frozen file",
            lambda good: good.text + "\nDELETE LICENSE\n",
            "taken",
            stands=frozen,
        ),
    ]


def _statuses() -> list[Misbehaviour]:
    """Return what servers say with a status."""

    def busy(name: str, retry_after: str = "", waits: float | None = None) -> Misbehaviour:
        headers = {"Retry-After": retry_after} if retry_after else {}
        fault = Fault(429, {"error": {"message": "slow down"}}, headers)
        return Misbehaviour(
            "429", name, lambda _: fault, "sent again", "no more requests", billed=False, waits=waits
        )

    def ill(status: int, row: str, body: str = "", *, billed: bool = False) -> Misbehaviour:
        fault = Fault(status, body, {"Content-Type": "text/html"})
        return Misbehaviour(
            row, str(status), lambda _: fault, "sent again", f"status {status}", billed=billed
        )

    def ends(row: str, name: str, play: Callable[[Good], Scripted], says: str) -> Misbehaviour:
        return Misbehaviour(row, name, play, "stopped", says, billed=False)

    page = "<html><body><h1>Bad Gateway</h1></body></html>"
    return [
        busy("429"),
        busy("429, Retry-After in seconds", "1", 1.0),
        busy("429, Retry-After as a date", "Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        busy("429, absurd Retry-After", "99999999999999"),
        busy("429, Retry-After in words", "soon"),
        ends(
            "429 with an hour's Retry-After",
            "429, Retry-After of an hour",
            lambda _: Fault(429, "{}", {"Retry-After": "3600"}),
            "no more requests",
        ),
        ill(500, "500 and 503", "boom"),
        ill(503, "500 and 503", page),
        ill(529, "500 and 503", "overloaded"),
        ill(502, "502 and 504 from a gateway", page, billed=True),
        ill(504, "502 and 504 from a gateway", page, billed=True),
        Misbehaviour(
            "500 and 503",
            "error inside a success",
            lambda _: Fault(200, {"error": {"message": "upstream failed", "code": 503}}),
            "sent again",
            "upstream failed",
            billed=False,
        ),
        ends("Key refused", "401", _said(401, "Incorrect API key provided"), "no valid key"),
        ends("Key refused", "403", _said(403, "no access to this model"), "may not use"),
        ends("Unknown model", "404", _said(404, "The model does not exist"), "is unknown"),
        ends(
            "No credit left",
            "429 insufficient_quota",
            _said(429, "You exceeded your current quota", code="insufficient_quota"),
            "no credit left",
        ),
        ends("Request refused", "400", _said(400, "unknown parameter"), "refused the request"),
        ends(
            "Redirect",
            "307",
            lambda _: Fault(307, "", {"Location": "/v1/elsewhere"}),
            "sends on to another address",
        ),
        ends(
            "Redirect",
            "302 to another host",
            lambda _: Fault(302, "", {"Location": "http://localhost:9/v1/chat/completions"}),
            "sends on to another address",
        ),
        Misbehaviour(
            "Request too long for the model",
            "context length exceeded",
            _said(400, "This model's maximum context length is 8192 tokens", code="context_length_exceeded"),
            "shorter",
            "too long",
            billed=False,
            most=3,
            stands=("AGENTS.md", _FILE),
        ),
        Misbehaviour(
            "Content filter",
            "content filter, 400",
            _said(400, "The prompt was filtered by our content management policy", code="content_filter"),
            "new sample",
            "refused to answer",
            billed=False,
        ),
        Misbehaviour(
            "Content filter",
            "content filter in the middle",
            lambda good: Answer(_cut(good), finish_reason="content_filter"),
            "new sample",
            "refused to answer",
        ),
        Misbehaviour(
            "Content filter",
            "refusal field",
            _choice({"refusal": "I can't help with that."}),
            "new sample",
            "refused to answer",
        ),
    ]


def _lines() -> list[Misbehaviour]:
    """Return what goes wrong on the way."""

    def lost(row: str, name: str, play: Callable[[Good], Scripted], says: str) -> Misbehaviour:
        return Misbehaviour(row, name, play, "sent again", says)

    unread = "cannot be read"
    text = {"role": "assistant", "content": "x"}
    choice = {"index": 0, "message": text, "finish_reason": "stop"}
    return [
        lost("Cut connection", "cut before the headers", lambda _: Fault(cut="before"), "broke"),
        lost("Cut connection", "cut in the body", lambda _: Fault(cut="within"), "broke"),
        lost("Cut connection", "cut in the stream", lambda _: Fault(cut="stream"), "broke"),
        lost(
            "Silence",
            "headers never come",
            lambda good: Fault(delay_s=patience_of(good)),
            "did not answer within",
        ),
        lost(
            "Silence",
            "body stalls",
            lambda good: Fault(stall_s=patience_of(good)),
            "did not answer within",
        ),
        Misbehaviour(
            "Slow stream", "drip", lambda good: Answer(good.text, drip_s=patience_of(good)), "taken"
        ),
        lost("Malformed JSON", "half of the JSON", lambda _: Fault(200, '{"choices": [{'), unread),
        lost("Malformed JSON", "a web page", lambda _: Fault(200, "<html>hello</html>"), unread),
        lost("Malformed JSON", "nothing", lambda _: Fault(200, ""), unread),
        lost("Malformed JSON", "too deep", lambda _: Fault(200, "[" * 100_000), unread),
        lost("JSON of the wrong shape", "no choices", _json({}), unread),
        lost("JSON of the wrong shape", "choices empty", _json({"choices": []}), unread),
        lost("JSON of the wrong shape", "choices null", _json({"choices": None}), unread),
        lost("JSON of the wrong shape", "no message", _json({"choices": [{"index": 0}]}), unread),
        lost("JSON of the wrong shape", "a number as text", _choice({"content": 7}), unread),
        lost("JSON of the wrong shape", "a list", lambda _: Fault(200, "[1, 2]"), unread),
        lost(
            "Invalid UTF-8",
            "invalid UTF-8",
            lambda _: Fault(200, b'{"choices": [{"message": {"content": "caf\xe9"}}]}'),
            unread,
        ),
        lost(
            "A compressed answer that nobody asked for",
            "gzip",
            lambda _: Fault(200, "hello", {"Content-Encoding": "gzip"}),
            unread,
        ),
        Misbehaviour(
            "Endless reply",
            "endless body",
            lambda _: Fault(endless=True),
            "new sample",
            "without an end",
        ),
        Misbehaviour("Wrong usage figures", "usage missing", _usage(None), "taken"),
        Misbehaviour("Wrong usage figures", "usage empty", _usage({}), "taken"),
        Misbehaviour(
            "Wrong usage figures",
            "usage zero",
            _usage({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
            "taken",
        ),
        Misbehaviour(
            "Wrong usage figures",
            "usage negative",
            _usage({"prompt_tokens": -5, "completion_tokens": -9, "total_tokens": -14}),
            "taken",
        ),
        Misbehaviour(
            "Wrong usage figures",
            "usage absurd",
            _usage({"prompt_tokens": _LARGE, "completion_tokens": _LARGE, "total_tokens": _LARGE}),
            "taken",
        ),
        Misbehaviour(
            "Wrong usage figures",
            "usage in words",
            _usage({"prompt_tokens": "many", "completion_tokens": "few", "total_tokens": 1.5}),
            "taken",
        ),
        Misbehaviour(
            "Wrong usage figures",
            "usage is a list",
            lambda good: {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [{**choice, "message": {**text, "content": good.text}}],
                "usage": [1, 2],
            },
            "taken",
        ),
    ]


FAULTS: tuple[Misbehaviour, ...] = (*_texts(), *_paths(), *_statuses(), *_lines())
"""All of them. The order is that of the page."""
