"""A chain of specifications as a history with recorded intents, rebuilt in a mode, and what came of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.git.commits import read_commit
from regen_git.ledger.store import Ledger
from support.builder import RepoBuilder
from support.chains import outcomes
from support.histories import History
from support.model_server import ModelServer
from support.scripted import Scripted, normal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from support.chains import Checkpoint, Project

__all__ = ["LABEL", "MODEL", "Came", "Chain", "judged"]

LABEL = "scripted; they say nothing about models"
"""What stands beside every figure that comes from here."""

MODEL = "openai/gpt-5"
CONFIG = """\
paths:
  tests: [tests/**]
checks:
- {name: tests, run: python3 -B tests/run.py, junit: true, timeout: 60}
"""


@dataclass
class Came:
    """What came of one replay. ``passed`` is by test, on the rebuilt tip; tokens are the server's count."""

    status: int
    told: Mapping[str, Any]
    passed: dict[str, bool]
    calls: int = 0
    repairs: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    sent_bytes: int = 0
    texts: int = 0
    """How many texts of requirements were sent, in all requests together."""

    @property
    def lost(self) -> set[str]:
        """The tests that fail now; all of them passed on the original."""
        return {test for test, is_well in self.passed.items() if not is_well}

    @property
    def checkpoints(self) -> set[str]:
        """The checkpoints of which every test passes."""
        return {test.partition(".")[0] for test in self.passed} - {t.partition(".")[0] for t in self.lost}


@dataclass
class Chain:
    """A project as a repository: one commit for each specification, by intents of one sentence each."""

    project: Project
    history: History
    intents: dict[str, IntentId] = field(default_factory=dict)

    @classmethod
    def build(cls, project: Project, path: Path) -> Chain:
        """Make the repository, its checks trusted and run without a sandbox."""
        chain = cls(project, History(RepoBuilder.init(path)))
        repo = chain.history.repo
        repo.git("config", "regen.sandbox", "off")
        chain.history.by_hand("Say how it is tested", {".regen/config.yaml": CONFIG, **project.tests(0)})
        for checkpoint in project.checkpoints:
            chain._ask(checkpoint)
        if chain.regen("trust", "--yes")[0] != 0:
            raise AssertionError("the checks could not be trusted")
        return chain

    def _ask(self, checkpoint: Checkpoint) -> None:
        before = self.project.written(self.project.after(checkpoint.number - 1))
        after = self.project.written(self.project.after(checkpoint.number))
        repo = self.history.repo
        base = repo.git("rev-parse", "HEAD^{tree}")
        for each in checkpoint.requirements:
            self.intents[each.key] = IntentId(f"{len(self.intents) + 1:016x}")
        files = {path: text for path, text in after.items() if text != before[path]}
        if checkpoint.number == 1:
            files = after
        lines = [f"Regen-Intent: {self.intents[each.key]}" for each in checkpoint.requirements]
        message = "\n".join([checkpoint.title, "", *lines]) + "\n"
        oid = repo.commit(message, {**files, **self.project.tests(checkpoint.number)})
        self.history.by_intent.update({self.intents[each.key]: oid for each in checkpoint.requirements})
        tree = read_commit(repo.opened.objects, oid).tree
        footprints = self._footprints(checkpoint, files)
        found: list[Intent | Binding] = []
        for each in checkpoint.requirements:
            prompts = [Prompt(each.text, kind="feature")]
            if each == checkpoint.requirements[-1]:
                prompts += [Prompt(text, kind="noise") for text in checkpoint.noise]
            intent = self.intents[each.key]
            wrote = footprints[each.key]
            found += [
                Intent(intent, tuple(prompts), "captured"),
                Binding(intent, wrote, base=base, result=tree),
            ]
        Ledger(repo.opened).append({oid: found})

    def _footprints(self, checkpoint: Checkpoint, files: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the files of each requirement; those of none came with the first."""
        keys = self.project.after(checkpoint.number)
        with_all = self.project.written(keys)
        found: dict[str, tuple[str, ...]] = {}
        for each in checkpoint.requirements:
            without = self.project.written(keys - {each.key})
            found[each.key] = tuple(path for path, text in with_all.items() if text != without[path])
        claimed = {path for paths in found.values() for path in paths}
        first = checkpoint.requirements[0].key
        found[first] += tuple(path for path in files if path not in claimed)
        return found

    def regen(self, *args: str) -> tuple[int, str]:
        """Run the program; return its status and what it printed, with its talk where it failed."""
        out, talk = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(talk):
            status = self.history.regen(*args)
        return status, out.getvalue() or talk.getvalue()

    def fold(self) -> None:
        """Fold the history into a spec and commit it."""
        status, said = self.regen("fold")
        if status != 0:
            raise AssertionError(f"fold gave {status}: {said}")
        self.history.by_hand("Fold", {})

    def specify(self, *, without: str = "") -> None:
        """Write a spec by hand: what is wanted on the project's page, and a bare page for each module."""
        wanted = "".join(f"- {each.text}\n" for each in self.project.requirements.values())
        pages = {"project": f"# project\n\n## Requirements\n\n{wanted}"}
        for path in self.project.modules:
            name = path.removesuffix(".py")
            if path != without:
                pages[name] = f"---\npaths: [/{path}]\n---\n# {name}\n"
        files = {f".regen/spec/{name}.md": text for name, text in pages.items()}
        self.history.by_hand("Say what is wanted", files)

    @contextlib.contextmanager
    def without_line(self, key: str) -> Iterator[None]:
        """Take the line of a requirement out of the committed spec, for a while."""
        repo, text = self.history.repo, normal(self.project.requirements[key].text)
        before = repo.git("rev-parse", "HEAD")
        found = [
            (path, lines, number)
            for path in sorted((repo.path / ".regen/spec").glob("*.md"))
            for lines in [path.read_text("utf-8").splitlines(keepends=True)]
            for number, line in enumerate(lines)
            if text in normal(line)
        ]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} lines of the spec ask for '{key}'")
        path, lines, number = found[0]
        path.write_text("".join(lines[:number] + lines[number + 1 :]), "utf-8")
        self.history.by_hand(f"Drop {key}", {})
        try:
            yield
        finally:
            repo.git("reset", "-q", "--hard", before)

    def replay(self, mode: str, *args: str, slips: int = 0) -> Came:
        """Rebuild with the scripted model and judge the tip by the black-box tests."""
        with ModelServer(Scripted(self.project, slips)) as server, _pointed_at(server):
            status, said = self.regen("replay", "--model", MODEL, "--mode", mode, "--json", "--force", *args)
        try:
            told = json.loads(said.strip().splitlines()[-1])
        except (ValueError, IndexError):
            raise AssertionError(f"replay --mode {mode} gave {status}: {said}") from None
        came = Came(status, told, judged(self.history.repo, _state(told)))
        return _counted(came, server, self.project)


@contextlib.contextmanager
def _pointed_at(server: ModelServer) -> Iterator[None]:
    names = {"OPENAI_API_KEY": "unused", "OPENAI_API_BASE": server.url}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _counted(came: Came, server: ModelServer, project: Project) -> Came:
    from support.model_server import Answer, completion

    model = Scripted(project)
    for body, headers in zip(server.requests, server.headers, strict=True):
        usage = completion(Answer(""), body)["usage"]
        came.calls += 1
        came.repairs += "is not accepted yet" in body["messages"][-1]["content"]
        came.prompt_tokens += usage["prompt_tokens"]
        came.sent_bytes += int({name.lower(): value for name, value in headers.items()}["content-length"])
        came.texts += len(model.told(body))
    came.completion_tokens = (
        came.told["tokens"] - came.prompt_tokens if isinstance(came.told["tokens"], int) else 0
    )
    return came


def _state(told: Mapping[str, Any]) -> str:
    """Return what was rebuilt: the tip, or the best that a stuck replay came to."""
    return str(told["stuck"]["best"] if told["stuck"] else told["tip"])


def judged(repo: RepoBuilder, rev: str) -> dict[str, bool]:
    """Run the black-box tests that belong to HEAD on the code of a revision."""
    code = [path for path in _paths(repo, rev) if "/" not in path]
    tests = [path for path in _paths(repo, "HEAD") if path.startswith("tests/checkpoint_")]
    files = {path: repo.git("show", f"{rev}:{path}") + "\n" for path in code}
    return outcomes(files | {path: repo.git("show", f"HEAD:{path}") + "\n" for path in tests})


def _paths(repo: RepoBuilder, rev: str) -> list[str]:
    return [
        path for path in repo.git("ls-tree", "-r", "--name-only", rev).splitlines() if path.endswith(".py")
    ]
