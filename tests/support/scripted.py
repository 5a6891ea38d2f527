"""A scripted model that writes what its request lets it know. What it does says nothing about models.

It leaves out what a requirement asks for when the requirement's text is not in the request. It calls another
module wrongly when neither that module's signature is in the request nor the module is written in the same
answer. Some first answers have a mistake in them, chosen by the request's own text; a repair puts right what
the tests that it names need, and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from support.fragments import blocks, render, stands_in, stood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.chains import Project
    from support.fragments import Block, Branch

__all__ = ["Scripted", "normal", "said_to"]

_FILE = re.compile(r"^FILE (\S+)\n(`{3,})\w*\n(.*?)^\2$", re.MULTILINE | re.DOTALL)
_WANTED = re.compile(
    r"^(?:Files that the change once made and that do not exist yet|Paths that it may have|"
    r"Files of this part so far, to be written anew; others may join): (.*)$",
    re.MULTILINE,
)
_INTERFACE = re.compile(r"^- interfaces/(\S+)\.md(.*)$", re.MULTILINE)
_TEST = re.compile(r"\btest_\w+")
_DEFINED = re.compile(r"^ *def ((\w+)\((?:self, )?(.*?)\)):", re.MULTILINE)


def normal(text: str) -> str:
    """Return a text without what a spec may change about it: breaks, quoting, capitals, last full stop."""
    return re.sub(r"\s+", " ", re.sub(r"^> ?", "", text, flags=re.MULTILINE)).casefold().rstrip(" .")


def said_to(body: Mapping[str, Any]) -> str:
    """Return all that the people's side of a request says."""
    return "\n".join(each["content"] for each in body["messages"] if each["role"] == "user")


@dataclass
class Scripted:
    """Answers for one project. One in ``slips`` new fragments has a mistake at first; 0 means none."""

    project: Project
    slips: int = 0
    _texts: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._texts = {key: normal(each.text) for key, each in self.project.requirements.items()}

    def __call__(self, body: Mapping[str, Any]) -> str:
        """Return the answer to one request of an OpenAI-compatible client."""
        last = body["messages"][-1]["content"]
        if last.startswith("Interfaces"):
            return self._interfaces(self.told(body), last)
        answer = _Answer(self, body)
        return "\n".join(_file(path, "python", answer.text(path)) for path in answer.targets)

    def told(self, body: Mapping[str, Any]) -> frozenset[str]:
        """Return the requirements whose text is in a request."""
        said = normal(said_to(body))
        return frozenset(key for key, text in self._texts.items() if text in said)

    def _interfaces(self, keys: frozenset[str], last: str) -> str:
        written = self.project.written(keys)
        files = []
        for match in _INTERFACE.finditer(last):
            paths = self.paths_in(match[2]) or self.paths_in(f"{match[1]}.py")
            lines = [f"- `{head}` in {path}" for path in paths for head in heads(written[path])]
            files.append(
                _file(f"interfaces/{match[1]}.md", "markdown", "\n".join(lines or ["- nothing"]) + "\n")
            )
        return "\n".join(files)

    def paths_in(self, text: str) -> list[str]:
        """Return the paths of the project's modules that a text names."""
        paths = self.project.modules
        return [path for path in paths if re.search(rf"(?<![\w/.-]){re.escape(path)}(?![\w/-])", text)]


@dataclass
class _Answer:
    """What one request lets the model know."""

    model: Scripted
    body: Mapping[str, Any]

    def __post_init__(self) -> None:
        messages: Sequence[Mapping[str, Any]] = self.body["messages"]
        task = max(
            i for i, each in enumerate(messages) if each["role"] == "user" and _is_task(each["content"])
        )
        self.task = messages[task]["content"]
        self.is_repair = task < len(messages) - 1
        self.current: dict[str, str] = {}
        for message in messages[task:]:
            if message["role"] == "assistant" or message is messages[task]:
                self.current.update({m[1]: m[3] for m in _FILE.finditer(message["content"])})
        self.targets = self._targets()
        self.told = self.model.told(self.body)
        self.said = re.sub(r"\s", "", said_to(self.body))
        needs = self.model.project.needs
        named = set(_TEST.findall(messages[-1]["content"])) if self.is_repair else set()
        self.needed = [keys for test, keys in needs.items() if test.partition(".")[2] in named]

    def _targets(self) -> list[str]:
        named = ", ".join([*self.current, *_WANTED.findall(self.task)])
        found = self.model.paths_in(named) or self.model.paths_in(f"{self.task.split()[1]}.py")
        return found or list(self.model.project.modules)

    def text(self, path: str) -> str:
        """Return the file that is answered with."""
        parts, shown = self.model.project.modules[path], self.current.get(path, "")
        held = {each.key for block in blocks(parts) for each in block.branches if stood(each, shown)} - {""}
        return render(parts, lambda block: self._choice(block, shown, held))

    def _choice(self, block: Block, shown: str, held: set[str]) -> list[str | Block]:
        for branch in block.branches:
            if self._knows(block, branch, shown) or branch.key in held:
                is_wrong = branch.slip is not None and self._slips(block, branch, shown)
                return branch.slip or [] if is_wrong else branch.parts
        return []

    def _knows(self, block: Block, branch: Branch, shown: str) -> bool:
        if not branch.key:
            return True
        if branch.key.startswith("@"):
            module, _, name = branch.key[1:].partition(".")
            path = f"{module}.py"
            is_told = path in self.targets or self._has_signature(path, name)
            return is_told or stands_in(branch.parts, shown) or self._mends(block)
        return branch.key in self.told

    def _has_signature(self, path: str, name: str) -> bool:
        written = self.model.project.written(frozenset(self.model.project.requirements))[path]
        wanted = [match for match in _DEFINED.finditer(written) if match[2] == name]
        forms = {f"{name}({self_}{match[3]})" for match in wanted for self_ in ("", "self, ")}
        return any(form.replace(" ", "") in self.said for form in forms)

    def _mends(self, block: Block, key: str = "") -> bool:
        """Return whether a test that is named needs this block."""
        keys = {each for each in (*block.keys, key) if each and not each.startswith("@")}
        return any(keys <= needs for needs in self.needed)

    def _slips(self, block: Block, branch: Branch, shown: str) -> bool:
        if self.is_repair or stood(branch, shown):
            was_wrong = stands_in(branch.slip or [], shown) and not stands_in(branch.parts, shown)
            return was_wrong and not self._mends(block, branch.key)
        if not self.model.slips or branch.key.startswith("@"):
            return False
        chance = int(sha256(f"{block.name}\0{self.task}".encode()).hexdigest()[:8], 16)
        return chance % self.model.slips == 0


def heads(text: str) -> list[str]:
    """Return the signatures of a module's public functions."""
    return [match[1] for match in _DEFINED.finditer(text) if not match[2].startswith("_")]


def _is_task(text: str) -> bool:
    heading = "\n".join(text.split("\n", 2)[:2])
    return heading.startswith(("Intent ", "Module ")) and ", repair " not in heading


def _file(path: str, language: str, text: str) -> str:
    return f"FILE {path}\n```{language}\n{text}```\n"
