"""A generation in a hostile world: odd pages, odd answers, odd tips, odd repositories."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from replay.test_folded import COUNTER, STORE_CODE, project, served, told, two_modules, write
from support.model_server import Fault, ModelServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.test_folded import Script
    from support.histories import History

__all__ = ["project", "served"]

NAME = "scripted-folded"
RIGHT = STORE_CODE.format(total="sum(amounts.values())")


def files_of(project: History, rev: str = f"regen/{NAME}") -> list[str]:
    return project.repo.git("ls-tree", "-r", "--name-only", rev).split()


def file(path: str, text: str = "x = 1\n") -> str:
    return f"FILE {path}\n```\n{text}```\n\n"


def test_an_answer_that_writes_where_it_may_not_changes_nothing_there(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    paths = [
        ".git/hooks/post-checkout", "../outside.py", "/etc/passwd", ".regen/config.yaml",
        ".regen/spec/cli.md",
        "tests/test_store.py", "tests/test_new.py", "tests/conftest.py", ".gitignore", "poetry.lock",
        "cli.py",
        ".GIT/config", "a/../../b.py", "store.py/x.py",
    ]  # fmt: skip
    served.code["store"] = RIGHT + "\n" + "".join(file(path) for path in paths if not path.startswith("a/"))
    before = project.repo.git("rev-parse", "HEAD")
    capsys.readouterr()

    project.regen("replay", "--json")

    tip = told(capsys)["tip"]
    if tip is not None:
        changed = project.repo.git("diff", "--name-only", before, tip).split()
        assert set(changed) <= {"store.py", "cli.py"}
    assert not (project.repo.path.parent / "outside.py").exists()
    assert not (project.repo.path / ".git/hooks/post-checkout").exists()


def test_a_module_none_of_whose_files_was_written_is_not_done(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    served.code["store"] = file("elsewhere.py")
    capsys.readouterr()

    assert project.regen("replay", "--json", "--check", "never") == 1

    assert "elsewhere.py" in told(capsys)["stuck"]["why"][0]


def test_a_program_in_another_language_than_its_tests_is_no_mistake(project: History, served: Script) -> None:
    write(
        project,
        {
            ".regen/spec/app.md": "# Count\n\n- A shell script count.sh counts words.\n",
            ".regen/spec/web.md": "---\npaths: [web/*.js]\n---\n# Web\n\n- Show it.\n",
            "tests/test_count.py": "from pathlib import Path\n\ndef test_it():\n"
            "    assert 'wc' in Path('count.sh').read_text()\n",
        },
        "Say what is wanted",
    )
    served.code["app"] = file("count.sh", "wc -w\n")
    served.code["web"] = file("web/app.js", "export const x = 1;\n")

    assert project.regen("replay") == 0

    assert {"count.sh", "web/app.js"} <= set(files_of(project))


def test_a_new_file_belongs_to_the_page_with_the_longest_pattern(project: History, served: Script) -> None:
    write(
        project,
        {
            ".regen/spec/all.md": "---\npaths: [src/**]\n---\n# All\n\n- Do all.\n",
            ".regen/spec/one.md": "---\npaths: [src/one/*.py]\n---\n# One\n\n- Do one.\n",
        },
        "Say what is wanted",
    )
    served.code["all"] = file("src/a.py") + file("src/one/b.py", "taken = 1\n")
    served.code["one"] = file("src/one/b.py", "mine = 1\n")

    assert project.regen("replay", "--check", "never") == 0

    assert project.repo.git("show", f"regen/{NAME}:src/one/b.py").strip() == "mine = 1"


@pytest.mark.parametrize(
    "pages",
    [
        {"app": "# App\r\n\r\n- Count words.\r\n"},
        {"app": "Only prose, and no title.\n"},
        {"a b'c": "# Odd\n\n- Count.\n"},
        {"größe": "# Größe\n\n- Count.\n"},
        {"a.b": "---\nneeds: [a.b]\n---\n# Self\n\n- Count.\n"},
        {"-x": "# Dash\n\n- Count.\n"},
        {"interfaces": "# Named as a step\n\n- Count.\n", "other": "# Other\n\n- Count.\n"},
        {"whole": "# Whole\n\n- Count.\n"},
        {"x": "---\nneeds: [y]\n---\n# X\n\n- Count.\n", "y": "---\nneeds: [x]\n---\n# Y\n\n- Count.\n"},
    ],
    ids=["crlf", "prose", "spaces", "umlaut", "self", "dash", "interfaces", "whole", "circle"],
)
def test_pages_that_are_odd_are_generated_all_the_same(
    project: History, pages: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    write(project, {f".regen/spec/{name}.md": text for name, text in pages.items()}, "Say what is wanted")

    def answer(body: Mapping[str, Any]) -> str:
        text = str(body["messages"][-1]["content"])
        if text.startswith("Interfaces"):
            names = re.findall(r"^- interfaces/(.+?)\.md(?: \(|$)", text, re.MULTILINE)
            return "".join(file(f"interfaces/{name}.md", "count()\n") for name in names)
        name = text.split("\n", 1)[0].removeprefix("Module ")
        return file(f"m{list(pages).index(name)}.py")

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        project.repo.git("config", "regen.model", "openai/scripted")
        capsys.readouterr()
        assert project.regen("plan", "--mode", "folded", "--json") == 0
        assert len(told(capsys)["steps"]) == len(pages) + (len(pages) > 1)
        assert project.regen("replay", "--check", "never") == 0
        first = project.repo.git("rev-parse", f"regen/{NAME}")
        assert project.regen("replay", "--check", "never", "--locked") == 0
        assert project.repo.git("rev-parse", f"regen/{NAME}") == first
        assert project.regen("adopt", NAME) == 0
        capsys.readouterr()
        assert project.regen("replay", "--changed") == 0
        assert "nothing to do" in capsys.readouterr().out
    assert {f"m{i}.py" for i in range(len(pages))} <= set(files_of(project))


@pytest.mark.parametrize("tip", ["merge", "latin1", "signed"])
def test_any_tip_can_be_the_source(project: History, served: Script, tip: str) -> None:
    two_modules(project, served)
    git = project.repo.git
    if tip == "merge":
        git("checkout", "-q", "-b", "side", "HEAD~1")
        git("commit", "-q", "--allow-empty", "-m", "Side")
        git("checkout", "-q", "-")
        git("merge", "-q", "--no-ff", "-m", "Merge", "side")
    elif tip == "latin1":
        raw = (
            git("cat-file", "commit", "HEAD")
            .replace("Ada", "J\u00f6rg")
            .replace("\n\n", "\nencoding ISO-8859-1\n\n", 1)
        )
        (project.repo.path / ".git/raw").write_bytes((raw + "\n").encode("latin-1"))
        git("reset", "-q", "--soft", git("hash-object", "-t", "commit", "-w", ".git/raw"))
    else:
        raw = git("cat-file", "commit", "HEAD").replace(
            "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n", 1
        )
        (project.repo.path / ".git/raw").write_text(raw + "\n")
        git("reset", "-q", "--soft", git("hash-object", "-t", "commit", "-w", ".git/raw"))
    before = git("rev-parse", "HEAD")

    assert project.regen("replay") == 0

    assert git("rev-parse", f"regen/{NAME}~1") == before
    assert git("log", "-1", "--format=%an", f"regen/{NAME}") == git("log", "-1", "--format=%an", "HEAD")
    assert git("fsck", "--strict", "--no-dangling") == ""


def test_held_out_tests_are_in_no_request(project: History, served: Script) -> None:
    config = (project.repo.path / ".regen/config.yaml").read_text()
    (project.repo.path / ".regen/config.yaml").write_text(
        config.replace("  tests: [tests/**]\n", "  tests: [tests/**]\n  holdout: [tests/hidden/**]\n")
    )
    two_modules(project, served)
    write(
        project,
        {
            "tests/hidden/test_secret_rule.py": "from store import total\n\n\n"
            "def test_sesame():\n    assert total({'a': 7}) == 7, 'sesame'\n"
        },
        "Hold out",
    )
    assert project.regen("trust", "--yes") == 0
    served.code["store"] = STORE_CODE.format(total="0")

    assert project.regen("replay") == 1

    said = "".join(served.last)
    assert "sesame" not in said
    assert "secret_rule" not in said


def test_tests_that_failed_before_do_not_block_and_new_ones_do(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    assert project.regen("replay") == 0
    assert project.regen("adopt", NAME) == 0
    write(
        project,
        {
            "tests/test_legacy.py": "from store import total\n\n\n"
            "def test_never():\n    assert total({}) == 1\n"
        },
        "A test that fails",
    )
    capsys.readouterr()

    assert project.regen("replay", "--json") == 0

    assert told(capsys)["verdict"] == "pass"


def test_a_key_that_is_refused_stops_all_and_loses_nothing(
    project: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"m{i}" for i in range(20)]
    write(
        project,
        {f".regen/spec/{n}.md": f"---\npaths: [{n}.py]\n---\n# {n}\n\n- Do {n}.\n" for n in names},
        "Say what is wanted",
    )
    asked: list[str] = []
    broken = [True]

    def answer(body: Mapping[str, Any]) -> str | Fault:
        text = str(body["messages"][-1]["content"])
        if text.startswith("Interfaces"):
            asked.append("Interfaces")
            return "".join(file(f"interfaces/{name}.md", "count()\n") for name in names)
        name = text.split("\n", 1)[0].removeprefix("Module ")
        if broken[0] and name == "m3":
            return Fault(401, {"error": {"message": "no such key", "type": "invalid_request_error"}})
        asked.append(name)
        return file(f"{name}.py")

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        project.repo.git("config", "regen.model", "openai/scripted")
        assert project.regen("replay", "--check", "never", "--jobs", "4") == 3
        broken[0] = False
        assert project.regen("replay", "--resume", NAME) == 0
    assert sorted(asked) == sorted(["Interfaces", *names])


def test_a_page_that_is_gone_leaves_its_files_and_that_is_said(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, {".regen/spec/app.md": "# App\n\n- Count.\n"}, "Say what is wanted")
    served.code["app"] = COUNTER.format(result="1")
    assert project.regen("replay", "--check", "never") == 0
    assert project.regen("adopt", NAME) == 0
    project.repo.git("mv", ".regen/spec/app.md", ".regen/spec/words.md")
    project.repo.git("commit", "-q", "-m", "Rename")
    served.code["words"] = COUNTER.format(result="2")
    capsys.readouterr()

    status = project.regen("replay", "--check", "never")

    captured = capsys.readouterr()
    assert "'counter.py' was written for page 'app', which is gone" in captured.err
    assert status in (0, 1)


def test_the_whole_in_one_request_can_be_generated_again_and_then_by_modules(
    project: History, served: Script
) -> None:
    write(project, {".regen/spec/app.md": "# App\n\n- Count.\n"}, "Say what is wanted")
    for number, (mode, name) in enumerate([("oneshot", "whole"), ("oneshot", "whole"), ("folded", "app")]):
        served.code[name] = COUNTER.format(result=number)
        args = ("--mode", mode, "--name", f"n{number}", "--check", "never", "--rewrite")
        project.repo.git("commit", "-q", "--allow-empty", "-m", "Go on")
        project.repo.git("config", "regen.model", f"openai/scripted{number}")
        assert project.regen("replay", *args) == 0
        assert project.regen("adopt", f"n{number}") == 0
        assert f"return {number}" in (project.repo.path / "counter.py").read_text()


def test_a_request_for_interfaces_that_is_too_long_is_asked_with_less(
    project: History, served: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_modules(project, served)
    refused: list[int] = []

    def answer(body: Mapping[str, Any]) -> str | Fault:
        said = "".join(str(message["content"]) for message in body["messages"])
        if str(body["messages"][-1]["content"]).startswith("Interfaces") and "def test_" in said:
            refused.append(len(said))
            return Fault(400, {"error": {"message": "This model's maximum context length is 100 tokens"}})
        return served(body)

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        assert project.regen("replay") == 0
    assert refused
    assert served.asked[0] == "Interfaces"


def test_json_of_a_plan_is_one_object_whatever_the_spec(
    project: History, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, {".regen/spec/project.md": "# All\n\n- Be kind.\n"}, "Only the project")
    capsys.readouterr()
    assert project.regen("plan", "--mode", "folded", "--json") == 3
    write(project, {".regen/spec/a.md": "# A\n<<<<<<< ours\n- x\n=======\n- y\n>>>>>>> theirs\n"}, "Conflict")
    assert project.regen("plan", "--mode", "folded", "--json") == 3
    assert "a.md:2" in capsys.readouterr().err
