from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from regen_git.cli.boundary import run_command

if TYPE_CHECKING:
    from support.builder import RepoBuilder

CONFIG = "checks: [{name: tests, run: 'test ! -e broken'}, {name: \"odd\\e[31m\", run: 'true'}]\nodd: 1\n"


@pytest.fixture
def project(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> RepoBuilder:
    monkeypatch.chdir(repo.path)
    repo.git("config", "regen.sandbox", "off")
    repo.commit("original", {".regen/config.yaml": CONFIG, "tests/a": "a\n", "app.py": "def f(): pass\n"})
    return repo


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = run_command(argv)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_trust_shows_every_command_and_needs_a_yes(
    project: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, "trust")
    assert status == 1
    assert "check tests: test ! -e broken" in out
    assert "\x1b" not in out + err
    assert "warning: unknown key 'odd'" in err
    status, out, _ = run(capsys, "trust", "--yes", "--json")
    found = json.loads(out)
    assert (status, found["trusted"], found["already"]) == (0, True, False)
    assert found["commands"][0] == {"for": "check tests", "run": "test ! -e broken"}
    assert run(capsys, "trust")[1].endswith("already trusted\n")
    project.write({".regen/config.yaml": CONFIG.replace("broken", "other")})
    assert run(capsys, "trust")[0] == 1


@pytest.mark.usefixtures("project")
def test_verify_runs_nothing_and_says_so_before_trust(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "verify")
    assert status == 3
    assert out.startswith("indeterminate")
    assert "configuration is not trusted: git regen trust" in err


def test_verify_leaves_zero_one_or_three(project: RepoBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "trust", "--yes")
    assert run(capsys, "verify")[0] == 0
    project.commit("worse", {"broken": "x\n"})
    assert run(capsys, "verify")[0] == 1
    status, out, _ = run(capsys, "verify", "--against", "HEAD~", "--json")
    found = json.loads(out)
    assert (status, found["verdict"]) == (1, "fail")
    assert found["original"] == project.git("rev-parse", "HEAD~")
    assert {"tree", "verdict", "checks", "ratchet", "gates"} <= found.keys()


def test_a_rebuilt_commit_is_held_against_its_source(
    project: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "trust", "--yes")
    source = project.git("rev-parse", "HEAD")
    project.commit(f"rebuilt\n\nRegen-Source: {source}\n", {"tests/a": "b\n", "app.py": "def g(): pass\n"})
    status, out, err = run(capsys, "verify", "--json")
    found = json.loads(out)
    problems = {gate["name"]: gate["problems"] for gate in found["gates"] if gate["problems"]}
    assert (status, found["original"], sorted(problems)) == (1, source, ["frozen"])
    assert "tests/a: differs" in err


def test_an_unknown_revision_has_a_known_reason(
    project: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "verify", "nowhere")[0] == 3
    project.commit("broken", {".regen/config.yaml": "checks: 3\n"})
    status, _, err = run(capsys, "verify")
    assert (status, "'checks' must be a list" in err) == (3, True)
