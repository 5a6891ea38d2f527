from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml

from regen_git.cli.check_formats import inert, junit, workflow_commands
from regen_git.cli.main import run
from regen_git.domain.ids import IntentId
from regen_git.domain.intent import Intent, Prompt
from regen_git.ledger.marks import Mark, encode_mark
from regen_git.ledger.store import Ledger
from regen_git.sharing.check import Problem, Standing, Verdict, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "check" / "action.yml"
PAGE = ROOT / "docs" / "ci.md"
ONE = IntentId("00000000000000aa")
AGENT = "Co-Authored-By: Claude <noreply@anthropic.com>"
EVIL = "##[error]::error::%0A<b>|`x`\x1b[2J"


def note(repo: RepoBuilder, commit: str, intent: IntentId = ONE) -> None:
    Ledger(repo.opened).append({commit: [Intent(intent, (Prompt("Do it"),), "captured")]})


@pytest.fixture
def mixed(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> RepoBuilder:
    """Return a repository with a commit of every state, after a first one."""
    monkeypatch.chdir(repo.path)
    repo.commit("Start", {"a": "1\n"})
    note(repo, repo.commit(f"Asked\n\nRegen-Intent: {ONE}", {"b": "1\n"}))
    repo.commit(f"Lost\n\nRegen-Intent: {'b' * 16}", {"c": "1\n"})
    repo.commit(f"Unsaid\n\n{AGENT}", {"d": "1\n"})
    marked = repo.commit(f"Marked\n\n{AGENT}", {"e": "1\n"})
    mark = Mark("human", "2026-01-02T03:04:05Z", "Ada <ada@example.org>")
    Ledger(repo.opened).append_raw({marked: encode_mark(mark)})
    repo.commit("Plain", {"f": "1\n"})
    repo.git("revert", "--no-edit", "HEAD")
    return repo


@pytest.mark.usefixtures("mixed")
def test_each_commit_is_said_to_stand_somewhere_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "HEAD~6..", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(each["subject"].split()[0], each["state"]) for each in told["each"]] == [
        ("Asked", "intent"),
        ("Lost", "lost"),
        ("Unsaid", "unrecorded"),
        ("Marked", "human"),
        ("Plain", "human"),
        ("Revert", "passed"),
    ]
    assert told["counts"] == {"intent": 1, "lost": 1, "unrecorded": 1, "human": 2, "passed": 1}
    assert told["each"][0]["intents"] == [ONE]
    reasons = [each["reason"] for each in told["each"]]
    assert "which no note here has" in reasons[1]
    assert AGENT in reasons[2]
    assert reasons[3] == "marked human by Ada <ada@example.org>"
    assert reasons[5] == "a revert"
    assert run(["check", "HEAD~6..", "--each"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"unrecorded Unsaid +\(trailer 'Co-Authored-By", said)
    counts = "6 commits in HEAD~6..: 1 with an intent, 1 lost theirs, 1 by an agent without one, 2 by people"
    assert f"{counts}, 1 merges, reverts and adopted trees: 1 errors" in said


def test_a_report_refuses_nothing(mixed: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "HEAD~6..", "--require", "--report-only", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["good"], sum(problem["fatal"] for problem in told["problems"])) == (False, 2)
    assert run(["check", "HEAD~6..", "--require", "--report-only", "--format", "github"]) == 0
    assert capsys.readouterr().out.count("::warning title=") == 2
    assert mixed.git("status", "--porcelain") == ""


def test_annotations_name_commit_and_reason(mixed: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    lost = mixed.git("rev-parse", "HEAD~4")
    assert run(["check", "HEAD~6..", "--format", "github"]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first == (
        f"::error title=unknown in {lost[:12]}::it names intent {'b' * 16}, which no note here has (Lost)"
    )


def parsed(line: str) -> tuple[str, dict[str, str], str] | None:
    """Read a line as GitHub's runner does: the new form where it begins a line, the old form anywhere."""
    new = re.match(r"\s*::(\w+)(?: ([^\n]*?))?::(.*)", line)
    if new is None:
        assert "##[" not in line
        return None
    given = dict(pair.split("=", 1) for pair in (new[2] or "").split(",") if "=" in pair)

    def plain(text: str) -> str:
        for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            text = text.replace(code, char)
        return text

    return new[1], {name: plain(value) for name, value in given.items()}, plain(new[3])


@given(
    st.text(max_size=60)
    | st.sampled_from([EVIL, "a::b", "\n::set-output name=x::y", "100%25,:", "##[add-mask]x"])
)
def test_words_of_others_stay_inside_their_annotation(text: str) -> None:
    verdict = Verdict("HEAD", 1, 0, [Problem("a" * 40, text, "unknown", text)])
    (line,) = workflow_commands(verdict)
    assert "\n" not in line
    assert "\r" not in line
    assert "##[" not in line
    found = parsed(line)
    assert found is not None
    kind, fields, data = found
    assert (kind, fields) == ("error", {"title": f"unknown in {'a' * 12}"})
    assert data.endswith(")")
    assert all(parsed(one) is None for one in inert(text).split("\n"))


@given(st.text(max_size=60) | st.sampled_from([EVIL, "]]>", "\ufffe", "<a href='x'>"]))
def test_a_test_report_can_be_read_whatever_a_subject_says(text: str) -> None:
    standing = Standing("a" * 40, text, "lost", text)
    verdict = Verdict("HEAD", 1, 0, [Problem("a" * 40, text, "unknown", text)], [standing])
    (suite,) = JUnitXml.fromstring(junit(verdict).encode("utf-8"))
    assert (suite.tests, suite.failures) == (1, 1)


@pytest.mark.usefixtures("mixed")
def test_a_test_report_has_a_test_for_each_commit(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "HEAD~6..", "--require", "--format", "junit"]) == 1
    (suite,) = JUnitXml.fromstring(capsys.readouterr().out.encode())
    assert (suite.tests, suite.failures, suite.skipped) == (6, 2, 3)


def test_the_summary_is_a_table_in_which_no_word_is_markup(
    mixed: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed.commit("<script>|`x`[y](z) @everyone #1", {"g": "1\n"})
    assert run(["check", "HEAD~7..", "--summary"]) == 2
    target = tmp_path / "summary.md"
    target.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
    assert run(["check", "HEAD~7..", "--summary"]) == 1
    text = target.read_text()
    assert text.startswith("before\n### Intents are missing\n")
    rows = [line for line in text.splitlines() if line.startswith("| <code>")]
    assert (len(rows), "**lost**" in rows[0]) == (7, True)
    assert all(row.count("|") == 5 for row in rows)
    assert "<script>" not in text
    assert "&#60;script&#62;&#124;" in rows[-1]


def test_a_range_beyond_a_shallow_clone_says_what_to_set(
    mixed: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = tmp_path / "clone"
    mixed.git("clone", "-q", "--depth", "2", f"file://{mixed.path}", str(clone))
    monkeypatch.chdir(clone)
    for span in ("", "HEAD~1..HEAD", f"{mixed.git('rev-parse', 'HEAD~4')}..HEAD"):
        status = run(["check", span] if span else ["check", "HEAD"])
        said = capsys.readouterr().err
        if span == "HEAD~1..HEAD":
            assert status == 0
        else:
            assert status == 3
            assert "fetch-depth: 0" in said
            assert "GIT_DEPTH: 0" in said


def test_what_is_lost_is_said_before_what_is_there(repo: RepoBuilder) -> None:
    note(repo, repo.commit(f"Two\n\nRegen-Intent: {ONE}\nRegen-Intent: {'b' * 16}", {"a": "1\n"}))
    (standing,) = check(repo.opened, "HEAD").standings
    assert (standing.state, standing.intents) == ("lost", (ONE,))


# --- the action, as GitHub runs it --------------------------------------------------------------------


def value_of(expression: str, context: Mapping[str, str]) -> str:
    """Evaluate what stands in ``${{ }}``: names joined by ``||``. An unknown name is a mistake."""
    names = [name.strip() for name in expression.split("||")]
    return next((context[name] for name in names if context[name]), "")


def run_action(
    clone: Path, tmp_path: Path, inputs: Mapping[str, str], event: Mapping[str, str], *, program: Path | None
) -> tuple[int, str, str]:
    """Run the action's steps one after the other; return the last status, what was printed, the summary."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    assert action["runs"]["using"] == "composite"
    assert set(inputs) <= set(action["inputs"])
    context = {f"inputs.{name}": inputs.get(name, each["default"]) for name, each in action["inputs"].items()}
    names = ("pull_request.base.sha", "pull_request.head.sha", "merge_group.base_sha", "before")
    context |= {f"github.event.{name}": event.get(name, "") for name in names}
    context |= {
        "github.event.repository.default_branch": "main",
        "github.sha": subprocess.check_output(["git", "-C", clone, "rev-parse", "HEAD"], text=True).strip(),
    }
    summary = tmp_path / "summary.md"
    runner = tmp_path / "runner"
    runner.mkdir(exist_ok=True)
    env = {
        **os.environ,
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_PATH": str(tmp_path / "path"),
        "GITHUB_ACTION_PATH": str(ACTION.parent),
        "RUNNER_TEMP": str(runner),
    }
    if program is not None:
        env["PATH"] = f"{program}{os.pathsep}{env['PATH']}"
    printed = ""
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        own = {
            name: re.sub(r"\$\{\{(.*?)\}\}", lambda m: value_of(m[1], context), value)
            for name, value in step.get("env", {}).items()
        }
        script = tmp_path / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=clone,
            env={**env, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        printed += done.stdout + done.stderr
        if done.returncode:
            break
    return done.returncode, printed, summary.read_text() if summary.exists() else ""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a folder with the program of this checkout in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "git-regen"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m regen_git "$@"\n')
    script.chmod(0o755)
    return folder


def checkout(origin: RepoBuilder, folder: Path, *args: str) -> Path:
    """Clone as the checkout action does: no notes, no hooks, HEAD detached."""
    origin.git("clone", "-q", *args, f"file://{origin.path}", str(folder))
    subprocess.run(["git", "-C", str(folder), "checkout", "-q", "--detach"], check=True)
    return folder


def test_the_action_fetches_the_ledger_and_passes_a_good_pull_request(
    repo: RepoBuilder, tmp_path: Path, program: Path
) -> None:
    base = repo.commit("Start", {"a": "1\n"})
    note(repo, repo.commit(f"Asked\n\nRegen-Intent: {ONE}", {"b": "1\n"}))
    clone = checkout(repo, tmp_path / "clone")
    event = {"pull_request.base.sha": base, "pull_request.head.sha": repo.git("rev-parse", "HEAD")}
    status, printed, summary = run_action(clone, tmp_path, {"require": "true"}, event, program=program)
    assert status == 0, printed
    assert f"1 commits in {base}.." in printed
    assert "### Every intent is there" in summary
    unfetched = checkout(repo, tmp_path / "unfetched")
    status, printed, _ = run_action(unfetched, tmp_path, {"remote": ""}, event, program=program)
    assert (status, "::error title=unknown" in printed) == (1, True)


def test_the_action_refuses_an_agent_s_commit_only_where_that_is_asked_for(
    mixed: RepoBuilder, tmp_path: Path, program: Path
) -> None:
    clone = checkout(mixed, tmp_path / "clone")
    event = {"before": mixed.git("rev-parse", "HEAD~4")}
    status, printed, _ = run_action(clone, tmp_path, {"summary": "false"}, event, program=program)
    assert (status, "unrecorded Unsaid" in printed) == (0, True), printed
    status, printed, summary = run_action(clone, tmp_path, {"require": "true"}, event, program=program)
    assert (status, "::error title=unrecorded" in printed, "**unrecorded**" in summary) == (1, True, True)
    inputs = {"require": "true", "report-only": "true"}
    status, printed, _ = run_action(clone, tmp_path, inputs, event, program=program)
    assert (status, "::warning title=unrecorded" in printed) == (0, True)


@pytest.mark.parametrize("before", ["0" * 40, "", "f" * 40], ids=["new", "other event", "forced"])
def test_the_action_checks_a_branch_from_the_default_branch_where_no_commit_is_before_it(
    repo: RepoBuilder, tmp_path: Path, program: Path, before: str
) -> None:
    base = repo.commit("Start", {"a": "1\n"})
    repo.git("checkout", "-q", "-b", "side")
    head = repo.commit("More", {"b": "1\n"})
    clone = checkout(repo, tmp_path / "clone")
    status, printed, _ = run_action(clone, tmp_path, {}, {"before": before}, program=program)
    assert (status, f"1 commits in {base}..{head}" in printed) == (0, True), printed


@pytest.mark.parametrize("before", ["0" * 40, "f" * 40], ids=["new", "forced"])
def test_the_action_checks_all_of_a_default_branch_that_is_new_or_was_forced(
    mixed: RepoBuilder, tmp_path: Path, program: Path, before: str
) -> None:
    clone = checkout(mixed, tmp_path / "clone")
    status, printed, _ = run_action(clone, tmp_path, {}, {"before": before}, program=program)
    assert (status, "7 commits in " in printed) == (1, True), printed


def test_the_action_says_what_to_set_where_the_checkout_was_shallow(
    mixed: RepoBuilder, tmp_path: Path, program: Path
) -> None:
    clone = checkout(mixed, tmp_path / "clone", "--depth", "1")
    for before in (mixed.git("rev-parse", "HEAD~1"), "0" * 40):
        status, printed, _ = run_action(clone, tmp_path, {}, {"before": before}, program=program)
        assert (status, "fetch-depth: 0" in printed) == (3, True), printed


def test_no_input_becomes_part_of_a_script(repo: RepoBuilder, tmp_path: Path, program: Path) -> None:
    repo.commit("Start", {"a": "1\n"})
    clone = checkout(repo, tmp_path / "clone")
    for name in ("range", "remote"):
        value = '"; touch owned; $(touch owned) `touch owned`'
        status, _, _ = run_action(clone, tmp_path, {name: value}, {}, program=program)
        assert status != 0
    assert not (clone / "owned").exists()


def test_the_action_installs_from_the_checkout_that_it_lies_in() -> None:
    steps = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
    assert '"$GITHUB_ACTION_PATH/../../.."' in steps[0]["run"]
    assert (ACTION.parent / "../../..").resolve() == ROOT
    assert (ROOT / "pyproject.toml").exists()


# --- the examples of the page -------------------------------------------------------------------------


def examples() -> list[tuple[str, str]]:
    found = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [(language, body) for language, body in found]


def test_the_workflow_on_the_page_uses_the_action_with_inputs_it_has() -> None:
    workflow = yaml.safe_load(next(body for language, body in examples() if language == "yaml"))
    steps = workflow["jobs"]["check"]["steps"]
    assert steps[0]["with"] == {"fetch-depth": 0}
    where, _, _ = steps[1]["uses"].partition("@")
    assert ROOT / where.split("/", 2)[2] == ACTION.parent
    inputs = yaml.safe_load(ACTION.read_text("utf-8"))["inputs"]
    assert set(steps[1]["with"]) <= set(inputs)
    assert set(re.findall(r"^\| `([\w-]+)` \|.*\|.*\|$", PAGE.read_text("utf-8"), re.MULTILINE)) >= set(
        inputs
    )


def test_the_gitlab_job_on_the_page_runs(mixed: RepoBuilder, tmp_path: Path, program: Path) -> None:
    job = yaml.safe_load([body for language, body in examples() if language == "yaml"][1])["prompts"]
    clone = checkout(mixed, tmp_path / "clone")
    env = {
        **os.environ,
        "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": mixed.git("rev-parse", "HEAD~6"),
        "CI_COMMIT_SHA": mixed.git("rev-parse", "HEAD"),
    }
    script = "\n".join(["set -e", *job["before_script"], *job["script"]])
    done = subprocess.run(["bash", "-c", script], cwd=clone, env=env, capture_output=True, check=False)
    assert done.returncode == 1, done.stderr
    report = clone / job["artifacts"]["reports"]["junit"]
    (suite,) = JUnitXml.fromstring(report.read_bytes())
    assert (suite.tests, suite.failures, suite.skipped) == (6, 2, 3)


def test_the_plain_commands_on_the_page_run(mixed: RepoBuilder, tmp_path: Path, program: Path) -> None:
    script = next(body for language, body in examples() if language == "sh")
    clone = checkout(mixed, tmp_path / "clone")
    env = {**os.environ, "PATH": f"{program}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-ec", script], cwd=clone, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"0 commits in origin/main..HEAD" in done.stdout
