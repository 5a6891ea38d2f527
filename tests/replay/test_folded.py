from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from support import tiny_runner
from support.histories import History
from support.model_server import Fault, ModelServer

from regen_git.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support.builder import RepoBuilder

CONFIG = f"""\
paths:
  tests: [tests/**]
checks:
- name: tests
  run: {sys.executable} -S {tiny_runner.__file__}
  junit: true
"""

COUNTER = """\
FILE counter.py
```python
def count(text):
    return {result}
```
"""


@dataclass
class Script:
    """Answers a folded request by what stands in it; keeps the first lines of what was asked."""

    code: dict[str, str]
    asked: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)

    def __call__(self, body: Mapping[str, Any]) -> str:
        message = str(body["messages"][-1]["content"])
        head = message.split("\n", 1)[0]
        self.asked.append(head)
        self.last.append("\n".join(str(m["content"]) for m in body["messages"]))
        if head.startswith("Interfaces"):
            wanted = re.findall(r"^- interfaces/(\S+)\.md", message, re.MULTILINE)
            return "\n".join(
                f"FILE interfaces/{name}.md\n```markdown\nabout {name}\n```\n" for name in wanted
            )
        name = re.match(r"Module (\w+)", head)
        assert name, head
        return self.code[name[1]]


@pytest.fixture
def project(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> History:
    history = History(repo)
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    (repo.path / ".regen").mkdir()
    (repo.path / ".regen" / "config.yaml").write_text(CONFIG)
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Set up")
    assert history.regen("trust", "--yes") == 0
    return history


def write(history: History, files: Mapping[str, str], message: str) -> None:
    for path, text in files.items():
        target: Path = history.repo.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    history.repo.git("add", "-A")
    history.repo.git("commit", "-q", "-m", message)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return found


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, project: History) -> Iterator[Script]:
    script = Script({})
    with ModelServer(script) as server:
        project.repo.git("config", "regen.model", "openai/scripted")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        yield script


def test_forward_from_nothing_to_an_application_and_one_change(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    git = project.repo.git
    write(
        project,
        {
            ".regen/spec/app.md": "# Counter\n\n- Count the words of a text.\n",
            "tests/test_counter.py": "from counter import count\n\n\ndef test_words():\n"
            "    assert count('a b') == 2\n",
        },
        "Say what is wanted",
    )
    served.code["app"] = COUNTER.format(result="len(text.split())")
    before = git("rev-parse", "HEAD")
    capsys.readouterr()

    assert project.regen("replay", "--json") == 0

    made = told(capsys)
    assert (made["verdict"], made["mode"], made["steps"]["regenerated"]) == ("pass", "folded", 1)
    assert git("rev-parse", "HEAD") == before
    assert git("rev-parse", "regen/scripted-folded~1") == before
    assert served.asked == ["Module app"]
    assert project.regen("adopt", "scripted-folded") == 0
    assert "counter.py" in git("ls-files")

    write(
        project,
        {
            ".regen/spec/app.md": "# Counter\n\n- Count the words of a text.\n- Refuse what is no text.\n",
            "tests/test_refused.py": "from counter import count\n\n\ndef test_refused():\n"
            "    try:\n        count(3)\n    except TypeError:\n        return\n    raise AssertionError\n",
        },
        "Refuse what is no text",
    )
    served.code["app"] = COUNTER.format(result="len(str.split(text))")
    capsys.readouterr()

    assert project.regen("plan", "--changed", "--json") == 0
    step = told(capsys)["steps"][0]
    assert (step["module"], step["runs"]) == ("app", True)
    assert "its page of the spec changed" in step["why"]

    assert project.regen("replay", "--changed", "--json") == 0

    assert told(capsys)["verdict"] == "pass"
    assert len(served.asked) == 2
    assert git("rev-list", "--count", "HEAD..regen/scripted-folded") == "1"
    assert project.regen("adopt", "scripted-folded") == 0
    assert project.regen("replay", "--changed") == 0
    assert "nothing to do" in capsys.readouterr().out
    assert len(served.asked) == 2


STORE = "---\npaths: [store.py]\n---\n# Store\n\n- Keep amounts by name.\n"
CLI = "---\npaths: [cli.py]\nneeds: [store]\n---\n# Command line\n\n- Print what is kept.\n"

STORE_CODE = """\
FILE store.py
```python
def put(amounts, name, amount):
    amounts[name] = amount


def total(amounts):
    return {total}
```
"""

CLI_CODE = """\
FILE cli.py
```python
from store import put, total


def run(pairs):
    amounts = {}
    for name, amount in pairs:
        put(amounts, name, amount)
    return f"total: {total(amounts)}"
```
"""

TESTS = {
    "tests/test_store.py": "from store import put, total\n\n\ndef test_total():\n    amounts = {}\n"
    "    put(amounts, 'a', 2)\n    put(amounts, 'b', 3)\n    assert total(amounts) == 5\n",
    "tests/test_cli.py": "from cli import run\n\n\ndef test_run():\n"
    "    assert run([('a', 2)]) == 'total: 2'\n",
}


def two_modules(project: History, served: Script) -> None:
    write(project, {".regen/spec/store.md": STORE, ".regen/spec/cli.md": CLI, **TESTS}, "Say what is wanted")
    served.code["store"] = STORE_CODE.format(total="sum(amounts.values())")
    served.code["cli"] = CLI_CODE


def generate_and_adopt(project: History, served: Script) -> None:
    two_modules(project, served)
    assert project.regen("replay") == 0
    assert project.regen("adopt", "scripted-folded") == 0
    served.asked.clear()
    served.last.clear()


def mend_by_hand(project: History) -> None:
    """Let a person add a line to a generated file, and then a requirement to its page."""
    store = (project.repo.path / "store.py").read_text()
    mended = store.replace(
        "    return sum", "    assert isinstance(amounts, dict)  # by hand\n    return sum"
    )
    write(project, {"store.py": mended}, "Check by hand")
    write(project, {".regen/spec/store.md": STORE + "- Add up exactly.\n"}, "Add up exactly")


def test_modules_agree_on_interfaces_first_and_then_see_what_they_need(
    project: History, served: Script
) -> None:
    two_modules(project, served)

    assert project.regen("replay") == 0

    assert served.asked == ["Interfaces", "Module store", "Module cli"]
    assert "about store" in served.last[2]
    assert "def total(amounts)" in served.last[2]
    assert "sum(amounts.values())" not in served.last[2]
    assert sorted(project.repo.git("ls-tree", "--name-only", "regen/scripted-folded").split()) == [
        ".regen", "cli.py", "store.py", "tests",
    ]  # fmt: skip


def test_a_module_that_looks_the_same_from_outside_triggers_nobody(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_and_adopt(project, served)
    write(project, {".regen/spec/store.md": STORE + "- Add up exactly.\n"}, "Add up exactly")
    served.code["store"] = STORE_CODE.format(total="sum(amounts.values(), 0)")
    capsys.readouterr()

    assert project.regen("replay", "--changed", "--json") == 0

    assert served.asked == ["Interfaces", "Module store"]
    assert "Interfaces, so far, of what you write now:\n\nInterface of store:" in served.last[0]
    made = told(capsys)
    assert (made["steps"]["regenerated"], made["steps"]["reused"], made["verdict"]) == (1, 1, "pass")


def test_other_docstrings_imports_and_private_names_trigger_nobody(project: History, served: Script) -> None:
    generate_and_adopt(project, served)
    write(project, {".regen/spec/store.md": STORE + "- Add up exactly.\n"}, "Add up exactly")
    served.code["store"] = (
        STORE_CODE.format(total="_added(amounts)")
        .replace("```python\n", '```python\n"""Amounts."""\n\nfrom math import fsum\n\n\n')
        .replace("def put(", "def _added(amounts):\n    return int(fsum(amounts.values()))\n\n\ndef put(")
        .replace("amount):\n", 'amount):\n    """Keep an amount."""\n')
    )

    assert project.regen("replay", "--changed") == 0

    assert served.asked == ["Interfaces", "Module store"]


def test_a_clone_without_the_adopted_branch_knows_what_changed_by_the_notes(
    project: History,
    served: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    generate_and_adopt(project, served)
    clone = tmp_path / "clone"
    project.repo.git("clone", "-q", "--no-local", "--single-branch", project.repo.path.as_uri(), str(clone))
    notes = "refs/notes/regen-provenance"
    project.repo.git("-C", str(clone), "fetch", "-q", project.repo.path.as_uri(), f"{notes}:{notes}")
    capsys.readouterr()

    monkeypatch.chdir(clone)
    assert run(["plan", "--changed", "--model", "openai/scripted", "--json"]) == 0

    assert [step["runs"] for step in told(capsys)["steps"]] == [False, False, False]


def test_a_page_that_asks_for_nothing_is_refused_before_anything_is_sent(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, {".regen/spec/app.md": "# app\n\n<!-- say what -->\n\n## Requirements\n"}, "Start")

    assert project.regen("replay") != 0

    assert "page 'app' of the spec asks for nothing" in capsys.readouterr().err
    assert served.asked == []


def test_a_module_that_looks_different_from_outside_triggers_those_that_need_it(
    project: History, served: Script
) -> None:
    generate_and_adopt(project, served)
    write(project, {".regen/spec/store.md": STORE + "- Tell how many.\n"}, "Tell how many")
    served.code["store"] = (
        STORE_CODE.format(total="sum(amounts.values())")
        .replace("```\n", "\n\ndef count(amounts):\n    return len(amounts)\n```\n")
        .replace("```python\n\n\ndef count", "```python\ndef count")
    )

    assert project.regen("replay", "--changed") == 0

    assert served.asked == ["Interfaces", "Module store", "Module cli"]


def test_a_new_frozen_test_makes_the_module_it_is_about_run(project: History, served: Script) -> None:
    generate_and_adopt(project, served)
    write(
        project,
        {"tests/test_more.py": "from store import total\n\n\ndef test_none():\n    assert total({}) == 0\n"},
        "Test the empty store",
    )

    assert project.regen("replay", "--changed") == 0

    assert served.asked == ["Interfaces", "Module store"]


def test_the_module_that_a_failing_test_is_about_is_repaired_with_the_name_of_the_test(
    project: History, served: Script
) -> None:
    two_modules(project, served)
    right = served.code["store"]

    def answer(body: Mapping[str, Any]) -> str:
        text = str(body["messages"][-1]["content"])
        repaired = text.startswith("Module store") and "- fails: tests.test_store::test_total" in text
        served.code["store"] = right if repaired else STORE_CODE.format(total="0")
        return Script.__call__(served, body)

    with ModelServer(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_BASE", server.url)
        assert project.regen("replay") == 0

    assert served.asked[:3] == ["Interfaces", "Module store", "Module cli"]
    assert {head.split(",")[0] for head in served.asked[3:]} == {"Module store", "Module cli"}
    assert "sum(amounts.values())" in project.repo.git("show", "regen/scripted-folded:store.py")


def test_recorded_replies_give_the_same_commit_offline_and_with_any_number_of_jobs(
    project: History, served: Script
) -> None:
    two_modules(project, served)
    git = project.repo.git
    assert project.regen("replay") == 0
    first = git("rev-parse", "regen/scripted-folded")
    served.asked.clear()

    assert project.regen("replay", "--locked") == 0
    assert git("rev-parse", "regen/scripted-folded") == first
    assert project.regen("replay", "--jobs", "1") == 0
    assert git("rev-parse", "regen/scripted-folded") == first
    assert served.asked == []


def test_the_whole_spec_fits_into_one_request_or_is_refused_with_its_size(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    served.code["whole"] = served.code["store"] + "\n" + served.code["cli"]

    assert project.regen("replay", "--mode", "oneshot") == 0

    assert served.asked == ["Module whole"]
    assert "Keep amounts by name" in served.last[0]
    assert "Print what is kept" in served.last[0]
    capsys.readouterr()
    assert project.regen("replay", "--mode", "oneshot", "--context-tokens", "100", "--name", "small") == 3
    said = capsys.readouterr().err
    assert re.search(r"the spec needs about [\d,]+ tokens in one request; 100 are allowed", said)


def test_what_a_person_wrote_into_a_generated_file_is_still_there_when_it_is_generated_again(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_and_adopt(project, served)
    mend_by_hand(project)
    served.code["store"] = STORE_CODE.format(total="sum(amounts.values(), 0)").replace(
        "    return sum", "    assert isinstance(amounts, dict)  # by hand\n    return sum"
    )
    capsys.readouterr()

    assert project.regen("replay", "--changed", "--json") == 0

    assert "assert isinstance(amounts, dict)  # by hand" in served.last[-1]
    hunks = told(capsys)["hunks_by_people"]
    assert [(hunk["path"], hunk["how"]) for hunk in hunks] == [("store.py", "exact")]


def test_a_model_that_drops_what_a_person_wrote_is_told_so_and_then_a_person_is_wanted(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_and_adopt(project, served)
    mend_by_hand(project)
    served.code["store"] = STORE_CODE.format(total="sum(amounts.values(), 0)")
    capsys.readouterr()

    assert project.regen("replay", "--changed", "--json") == 1

    stuck = told(capsys)["stuck"]
    assert "lines a person wrote are missing" in stuck["why"][0]
    assert "lines a person wrote are missing" in served.last[-1]


def test_a_spec_that_no_answer_fulfils_waits_for_a_person(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    right = served.code["store"]
    served.code["store"] = STORE_CODE.format(total="0")
    before = project.repo.git("rev-parse", "HEAD")
    capsys.readouterr()

    assert project.regen("replay", "--json") == 1

    stuck = told(capsys)["stuck"]
    assert any("test_total" in line for line in stuck["why"])
    assert project.repo.git("rev-parse", "HEAD") == before
    served.code["store"] = right
    assert project.regen("resolve", "scripted-folded", "--note", "add the amounts up") == 0
    assert project.regen("replay", "--resume", "scripted-folded") == 0
    assert "A person adds: add the amounts up" in "".join(served.last)


def test_history_itself_answers_for_modules_with_the_very_same_tree(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_and_adopt(project, served)
    capsys.readouterr()

    assert project.regen("replay", "--model", "original", "--json") == 0

    made = told(capsys)
    assert made["tip"] == project.repo.git("rev-parse", "HEAD")
    assert served.asked == []


def test_a_page_that_needs_one_that_is_not_there_is_refused(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, {".regen/spec/cli.md": CLI}, "Say what is wanted")

    assert project.regen("replay") == 3

    assert "page 'cli' of the spec needs 'store', which is no page" in capsys.readouterr().err
    assert served.asked == []


def test_what_was_changed_and_what_stayed_is_followed_offline_to_the_same_commit(
    project: History, served: Script
) -> None:
    generate_and_adopt(project, served)
    write(project, {".regen/spec/store.md": STORE + "- Add up exactly.\n"}, "Add up exactly")
    served.code["store"] = STORE_CODE.format(total="sum(amounts.values(), 0)")
    assert project.regen("replay", "--changed") == 0
    first = project.repo.git("rev-parse", "regen/scripted-folded")
    served.asked.clear()

    assert project.regen("replay", "--changed", "--locked") == 0

    assert project.repo.git("rev-parse", "regen/scripted-folded") == first
    assert served.asked == []


def test_a_module_writes_no_file_of_another_and_no_test(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    served.code["cli"] = (
        CLI_CODE
        + "\n"
        + "".join(
            f"FILE {path}\n```python\nraise SystemExit\n```\n\n" for path in ("store.py", "tests/test_cli.py")
        )
    )
    capsys.readouterr()

    assert project.regen("replay", "--json") == 0

    assert told(capsys)["verdict"] == "pass"
    assert "sum(amounts.values())" in project.repo.git("show", "regen/scripted-folded:store.py")


def test_a_generation_is_taken_over_as_a_tree_and_has_no_history(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    assert project.regen("replay") == 0

    assert project.regen("adopt", "scripted-folded", "--history") == 3

    assert "it has no history of its own" in capsys.readouterr().err


def test_a_replay_of_a_range_is_a_replay_of_history_though_there_is_a_spec(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    two_modules(project, served)
    capsys.readouterr()

    assert project.regen("replay", "HEAD~1..HEAD", "--model", "original", "--json") == 0

    assert told(capsys)["mode"] == "chained"


def test_modules_that_rest_on_an_intent_are_asked_afresh_and_no_others(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    intent = "3f9c2a7be01d4c55"
    two_modules(project, served)
    write(project, {".regen/spec/store.md": STORE.rstrip() + f" [{intent}]\n"}, "Say where it comes from")
    assert project.regen("replay") == 0
    assert project.regen("adopt", "scripted-folded") == 0
    served.asked.clear()
    served.code["store"] = STORE_CODE.format(total="sum(amounts.values(), 0)")

    assert project.regen("replay", "--from", intent[:8]) == 0

    assert served.asked == ["Module store"]
    assert "values(), 0)" in project.repo.git("show", "regen/scripted-folded:store.py")
    served.asked.clear()
    assert project.regen("replay", "--from", intent[:8], "--locked") == 0
    assert "values(), 0)" in project.repo.git("show", "regen/scripted-folded:store.py")
    assert served.asked == []
    capsys.readouterr()
    assert project.regen("replay", "--from", "ffff") == 2
    assert "no statement of the spec rests on 'ffff'" in capsys.readouterr().err


def test_a_clone_without_the_rebuilt_branch_knows_what_an_adopted_line_was_asked_for(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    git = project.repo.git
    project.asked("Keep amounts by name", {"note.txt": "kept\n"})
    [intent] = project.by_intent
    two_modules(project, served)
    page = STORE.rstrip() + f" [{intent}]\n"
    write(project, {".regen/spec/store.md": page}, "Say where it comes from")
    assert project.regen("replay") == 0
    assert project.regen("adopt", "scripted-folded") == 0
    git("branch", "-D", "regen/scripted-folded")
    git("reflog", "expire", "--expire=now", "--all")
    git("gc", "-q", "--prune=now")
    capsys.readouterr()

    assert project.regen("why", "store.py:1", "--json") == 0

    line = told(capsys)
    assert (line["by"], line["module"]) == ("prompt", "store")
    assert [each["intent"] for each in line["intents"]] == [intent]


def test_a_module_that_comes_out_as_it_was_is_up_to_date_from_then_on(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_and_adopt(project, served)
    more = "from store import total\n\n\ndef test_none():\n    assert total({}) == 0\n"
    write(project, {"tests/test_more.py": more}, "Test the empty store")
    assert project.regen("replay", "--changed") == 0
    assert project.repo.git("rev-parse", "regen/scripted-folded") == project.repo.git("rev-parse", "HEAD")
    write(project, {"notes.txt": "later\n"}, "Say something else")
    served.asked.clear()
    capsys.readouterr()

    assert project.regen("replay", "--changed") == 0

    assert "nothing to do" in capsys.readouterr().out
    assert served.asked == []


@pytest.mark.usefixtures("served")
def test_a_module_whose_request_the_model_cannot_take_is_not_sampled_again(
    project: History, capsys: pytest.CaptureFixture[str]
) -> None:
    write(project, {".regen/spec/app.md": "# App\n\n- Count words.\n", **TESTS}, "Say what is wanted")
    said = {"message": "This model's maximum context length is 10 tokens", "code": "context_length_exceeded"}
    with (
        ModelServer(lambda _body: Fault(400, {"error": said})) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("OPENAI_API_BASE", server.url)
        capsys.readouterr()
        assert project.regen("replay", "--json") == 1
        sent = [json.dumps(body["messages"]) for body in server.requests]

    assert len(sent) == len(set(sent)) > 1
