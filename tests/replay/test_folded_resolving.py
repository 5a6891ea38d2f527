"""A person helps a generation that is stuck: in the interface pass, at a module, over the whole."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from replay.test_folded import CLI_CODE, STORE_CODE, project, served, told, two_modules
from support.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from replay.test_folded import Script
    from support.histories import History

__all__ = ["project", "served"]

BROKEN = "FILE store.py\n```python\ndef put(:\n```\n"
RIGHT = STORE_CODE.format(total="sum(amounts.values())")
NAME = "scripted-folded"


def fixed(folder: Path, **files: str) -> None:
    for name, text in files.items():
        code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
        assert code
        (folder / f"{name}.py").write_text(code[1])


def locked_gives(project: History, commit: str, served: Script) -> None:
    served.asked.clear()
    assert project.regen("replay", "--locked") == 0
    assert project.repo.git("rev-parse", f"regen/{NAME}") == commit
    assert served.asked == []


def test_a_module_that_no_answer_gives_is_taken_from_a_persons_tree(
    project: History, served: Script, tmp_path: Path
) -> None:
    two_modules(project, served)
    served.code["store"] = BROKEN

    assert project.regen("replay") == 1
    assert project.regen("resolve", NAME, "--edit", str(tmp_path / "fix")) == 0
    fixed(tmp_path / "fix", store=RIGHT, cli=CLI_CODE)
    assert project.regen("resolve", NAME, "--tree", str(tmp_path / "fix")) == 0
    served.asked.clear()

    assert project.regen("replay", "--resume", NAME) == 0

    assert "sum(amounts.values())" in project.repo.git("show", f"regen/{NAME}:store.py")
    assert "Module store" not in served.asked
    locked_gives(project, project.repo.git("rev-parse", f"regen/{NAME}"), served)


def test_the_state_that_a_person_goes_on_from_has_every_module(
    project: History, served: Script, tmp_path: Path
) -> None:
    two_modules(project, served)
    wrong = STORE_CODE.format(total="0")
    seen: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        text = str(body["messages"][-1]["content"])
        if text.startswith("Module store"):
            seen.append(text)
            return wrong if len(seen) <= 2 else BROKEN
        return type(served).__call__(served, body)

    with ModelServer(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_BASE", server.url)
        assert project.regen("replay") == 1

    assert project.regen("resolve", NAME, "--edit", str(tmp_path / "fix")) == 0
    assert (tmp_path / "fix" / "cli.py").exists()
    assert (tmp_path / "fix" / "store.py").exists()
    fixed(tmp_path / "fix", store=RIGHT)
    assert project.regen("resolve", NAME, "--tree", str(tmp_path / "fix")) == 0
    assert project.regen("replay", "--resume", NAME) == 0
    files = project.repo.git("ls-tree", "--name-only", f"regen/{NAME}").split()
    assert files == [".regen", "cli.py", "store.py", "tests"]
    locked_gives(project, project.repo.git("rev-parse", f"regen/{NAME}"), served)


def test_a_module_is_taken_as_history_has_it(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    assert project.regen("replay") == 0
    assert project.regen("adopt", NAME) == 0
    served.code["store"] = BROKEN
    served.code["cli"] = CLI_CODE.replace("amounts = {}", "amounts: dict[str, int] = {}")
    project.repo.git("commit", "--allow-empty", "-q", "-m", "Go on")
    (project.repo.path / ".regen/spec/store.md").write_text(
        (project.repo.path / ".regen/spec/store.md").read_text() + "- Be exact.\n"
    )
    (project.repo.path / ".regen/spec/cli.md").write_text(
        (project.repo.path / ".regen/spec/cli.md").read_text() + "- Be typed.\n"
    )
    project.repo.git("commit", "-q", "-am", "Want more")

    assert project.regen("replay") == 1
    assert project.regen("resolve", NAME, "--take", "original") == 0
    capsys.readouterr()
    assert project.regen("replay", "--resume", NAME, "--json") == 0

    assert told(capsys)["verdict"] == "pass"
    git = project.repo.git
    assert git("rev-parse", f"regen/{NAME}:store.py") == git("rev-parse", "HEAD:store.py")
    assert "dict[str, int]" in git("show", f"regen/{NAME}:cli.py")
    locked_gives(project, git("rev-parse", f"regen/{NAME}"), served)


def test_what_does_not_help_a_module_is_refused(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    served.code["store"] = BROKEN
    assert project.regen("replay") == 1
    capsys.readouterr()

    assert project.regen("resolve", NAME, "--drop") != 0


@pytest.mark.parametrize("way", ["note", "tree", "original"])
def test_interfaces_that_no_answer_has_are_resolved_by_a_person(
    project: History, served: Script, tmp_path: Path, way: str
) -> None:
    two_modules(project, served)
    said: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        text = str(body["messages"][-1]["content"])
        if text.startswith("Interfaces"):
            said.append(text)
            if "use cents" not in "".join(str(m["content"]) for m in body["messages"]):
                return "FILE interfaces/other.md\n```markdown\nnothing\n```\n"
        return type(served).__call__(served, body)

    with ModelServer(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_BASE", server.url)
        assert project.regen("replay") == 1
        if way == "note":
            assert project.regen("resolve", NAME, "--note", "use cents") == 0
        elif way == "original":
            assert project.regen("resolve", NAME, "--take", "original") != 0
            return
        else:
            assert project.regen("resolve", NAME, "--edit", str(tmp_path / "fix")) == 0
            fixed(tmp_path / "fix", store=RIGHT, cli=CLI_CODE)
            assert project.regen("resolve", NAME, "--tree", str(tmp_path / "fix")) == 0
        assert project.regen("replay", "--resume", NAME) == 0
    assert "total: " in project.repo.git("show", f"regen/{NAME}:cli.py")
    locked_gives(project, project.repo.git("rev-parse", f"regen/{NAME}"), served)
