"""``git regen agents`` and what ``init``, ``doctor`` and ``deinit`` do about agents."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.lab import Lab, bare_lab, lab

from regen_git.agents import NAMES, load
from regen_git.capture.telling.entries import with_entries
from regen_git.capture.undo import replace_file
from regen_git.cli.main import run

if TYPE_CHECKING:
    from support.builder import RepoBuilder

__all__ = ["bare_lab", "lab"]

ODD = b'\xef\xbb\xbf{\r\n  // mine\r\n  "theme":"dark", // t\r\n}'
"""A settings file as nobody's program would write it."""


@pytest.fixture
def here(repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a repository, on a machine whose only agent is Qwen Code."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("git", "sh"):
        (folder / name).symlink_to(shutil.which(name) or "")
    (folder / "qwen").write_text("#!/bin/sh\n")
    (folder / "qwen").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.chdir(repo.path)
    return repo.path


def facts(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert run(["agents", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {row["name"]: row for row in rows}


def files(top: Path) -> dict[str, bytes]:
    """Return every file of the working tree, and every empty folder."""
    found = {
        str(path.relative_to(top)): path.read_bytes() if path.is_file() else b"/"
        for path in top.rglob("*")
        if not path.is_dir() or not any(path.iterdir())
    }
    return {name: data for name, data in found.items() if not name.startswith(".git/")}


def test_the_list_says_what_is_here_told_and_tested(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".gemini").mkdir()
    (Path.home() / ".codex").mkdir()
    rows = facts(capsys)
    assert list(rows)[:4] == ["claude", "codex", "gemini", "copilot"]
    assert rows["qwen"]["installed"].endswith("/qwen")
    assert rows["codex"]["installed"] == str(Path.home() / ".codex")
    assert (rows["gemini"]["installed"], rows["gemini"]["used_here"]) == (None, True)
    assert rows["claude"]["project"] == {
        "path": str(here / ".claude" / "settings.json"),
        "told": "none",
        "missing": [],
        "problem": None,
    }
    assert rows["claude"]["tested"] == load("claude").TESTED
    assert rows["claude"]["last_report"] is None
    assert run(["agents"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["agent", "here", "told", "last", "report", "tested", "with"]
    assert len({len(line) - len(line.lstrip()) for line in lines}) == 1
    assert len(lines) == len(rows) + 1


def test_adding_and_removing_gives_back_every_byte(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".gemini").mkdir()
    (here / ".gemini" / "settings.json").write_bytes(ODD)
    before = files(here)
    names = ["gemini", "claude", "codex", "opencode"]
    assert run(["agents", "add", *names]) == 0
    said = capsys.readouterr()
    assert f"Gemini CLI reports prompts ('{here / '.gemini' / 'settings.json'}')" in said.out
    assert "trust" in said.err
    rows = facts(capsys)
    assert {name for name, row in rows.items() if (row["project"] or {}).get("told") == "all"} == set(names)
    text = (here / ".gemini" / "settings.json").read_bytes()
    assert text.startswith(ODD[:40])
    assert b"\r\n" in text
    assert b"\n" not in text.replace(b"\r\n", b"")
    assert run(["agents", "add", *names]) == 0
    assert capsys.readouterr().out.count("was told already") == len(names)
    assert run(["agents", "remove", *names]) == 0
    assert files(here) == before
    assert run(["agents", "remove", *names]) == 0
    assert capsys.readouterr().out.count("was not told") == len(names)


def test_what_was_there_before_comes_back_also_where_it_was_empty(here: Path) -> None:
    for text in ("", "{}\n", '{"hooks": {}}', "{ }", '{\n  "hooks": {"Stop": []}\n}\n'):
        (here / ".claude").mkdir(exist_ok=True)
        (here / ".claude" / "settings.json").write_text(text)
        assert run(["agents", "add", "claude"]) == 0
        assert run(["agents", "remove", "claude"]) == 0
        assert (here / ".claude" / "settings.json").read_text() == text


def test_deinit_takes_out_all_that_was_told(here: Path) -> None:
    settings = Path.home() / ".codex" / "hooks.json"
    settings.parent.mkdir()
    settings.write_bytes(ODD)
    before = files(here)
    assert run(["init", "--yes", "--no-config"]) == 0
    assert set(files(here)) == {".claude/settings.json", ".codex/hooks.json", ".qwen/settings.json"}
    assert run(["agents", "add", "codex", "--user"]) == 0
    assert run(["agents", "add", "opencode", "--user"]) == 0
    plugin = Path.home() / ".config" / "opencode" / "plugins" / "git-regen.js"
    assert plugin.exists()
    assert settings.read_bytes() != ODD
    assert run(["deinit"]) == 0
    assert files(here) == before
    assert settings.read_bytes() == ODD
    assert not (Path.home() / ".config").exists()


def test_entries_of_a_colleague_are_not_taken_for_ours_by_deinit(here: Path) -> None:
    settings = here / ".claude" / "settings.json"
    settings.parent.mkdir()
    agent = load("claude")
    assert agent.SETTINGS
    half = agent.SETTINGS._replace(events={"Stop": None})
    settings.write_text(with_entries('{"model": "x"}', "claude", half))
    before = settings.read_text()
    assert run(["agents", "add", "claude"]) == 0
    assert settings.read_text() != before
    assert run(["deinit"]) == 0
    assert settings.read_text() == before


def test_what_was_told_twice_with_changes_between_goes_altogether(here: Path) -> None:
    settings = here / ".claude" / "settings.json"
    assert run(["agents", "add", "claude"]) == 0
    data = json.loads(settings.read_text())
    del data["hooks"]["Stop"]
    settings.write_text(json.dumps({**data, "model": "y"}))
    assert run(["agents", "add", "claude"]) == 0
    assert "Stop" in json.loads(settings.read_text())["hooks"]
    assert run(["deinit"]) == 0
    assert json.loads(settings.read_text()) == {"model": "y"}


def test_what_an_earlier_version_wrote_down_is_undone(here: Path) -> None:
    before = files(here)
    assert run(["agents", "add", "claude"]) == 0
    record = here / ".git" / "regen" / "undo.json"
    assert record.stat().st_mode & 0o077 == 0
    items = json.loads(record.read_text())
    record.write_text(json.dumps([{k: v for k, v in item.items() if k != "made"} for item in items]))
    assert run(["deinit"]) == 0
    assert files(here) == before


def test_a_file_that_cannot_be_understood_is_left_as_it_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = here / ".claude" / "settings.json"
    settings.parent.mkdir()
    for broken in (b'{"a": 1,,}', b'{"a": "\xff"}', b'{"hooks": []}'):
        settings.write_bytes(broken)
        assert run(["agents", "add", "claude"]) == 3
        said = capsys.readouterr().err
        assert f"error: cannot tell Claude Code in '{settings}'" in said
        assert "hint: the file is as it was" in said
        assert run(["init", "--yes", "--no-config"]) == 0
        assert "warning: cannot tell Claude Code" in capsys.readouterr().err
        assert settings.read_bytes() == broken
        assert facts(capsys)["claude"]["project"]["told"] == "unreadable"
        assert run(["agents", "remove", "claude"]) == 0
    settings.write_bytes(b'{"a": "git regen capture",,}')
    assert run(["agents", "remove", "claude"]) == 3
    assert settings.read_bytes() == b'{"a": "git regen capture",,}'


def test_deinit_leaves_what_became_unreadable_and_says_so(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = here / ".claude" / "settings.json"
    assert run(["agents", "add", "claude"]) == 0
    broken = settings.read_text().rstrip()[:-1]
    settings.write_text(broken)
    assert run(["deinit"]) == 0
    assert "take the lines with 'git-regen capture' out by hand" in capsys.readouterr().out
    assert settings.read_text() == broken


def test_a_link_out_of_the_tree_is_not_followed(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / ".claude").mkdir()
    (here / ".claude" / "settings.json").symlink_to(tmp_path / "elsewhere.json")
    assert run(["agents", "add", "claude"]) == 3
    assert "leads out of the working tree" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere.json").exists()


@pytest.mark.usefixtures("here")
def test_ones_own_settings_may_be_a_link_and_stay_one(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_bytes(ODD)
    real.chmod(0o600)
    link = Path.home() / ".claude" / "settings.json"
    link.parent.mkdir()
    link.symlink_to(real)
    assert run(["agents", "add", "claude", "--user"]) == 0
    assert link.is_symlink()
    assert b"git-regen capture" in real.read_bytes()
    assert real.stat().st_mode & 0o777 == 0o600
    assert run(["agents", "remove", "claude", "--user"]) == 0
    assert link.is_symlink()
    assert real.read_bytes() == ODD


@pytest.mark.usefixtures("here")
def test_the_folder_of_settings_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    assert run(["agents", "add", "codex", "--user"]) == 0
    assert (tmp_path / "codex" / "hooks.json").exists()
    assert run(["agents", "remove", "codex"]) == 0
    assert not (tmp_path / "codex").exists()


def test_a_plugin_of_somebody_else_is_not_overwritten(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = here / ".opencode" / "plugins" / "git-regen.js"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("// mine\n")
    assert run(["agents", "add", "opencode"]) == 3
    assert "is not ours" in capsys.readouterr().err
    assert run(["agents", "remove", "opencode"]) == 0
    assert plugin.read_text() == "// mine\n"


def test_an_older_plugin_of_ours_is_replaced(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = here / ".opencode" / "plugins" / "git-regen.js"
    assert run(["agents", "add", "opencode"]) == 0
    new = plugin.read_text()
    plugin.write_text(new + "\n// older\n")
    assert facts(capsys)["opencode"]["project"]["told"] == "none"
    assert run(["agents", "add", "opencode"]) == 0
    assert plugin.read_text() == new


def test_names_that_cannot_be_told_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agents", "add", "nobody"]) == 2
    assert "known are claude, codex" in capsys.readouterr().err
    assert run(["agents", "add", "claude", "continue"]) == 2
    assert "has no hooks" in capsys.readouterr().err
    assert not (here / ".claude").exists()


def test_init_tells_claude_and_the_agents_it_finds(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".gemini").mkdir()
    assert run(["init", "--json", "--no-config"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["agents"] == {"claude": "project", "gemini": "project", "qwen": "project"}
    assert given["claude"] == "project"
    assert run(["init", "--json", "--no-config"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["agents"] == given["agents"]
    assert not [line for line in again["done"] if "reports prompts" in line]


@pytest.mark.parametrize(
    ("options", "agents"),
    [
        (["--agents-at", "none"], {}),
        (["--claude", "none"], {"qwen": "project"}),
        (["--claude", "none", "--agents-at", "none"], {}),
        (["--claude", "project", "--agents-at", "none"], {"claude": "project"}),
        (["--claude", "user"], {"claude": "user", "qwen": "project"}),
        (["--agents-at", "user"], {"claude": "user", "qwen": "user"}),
        (["--agent", "codex-cli"], {"codex": "project"}),
        (["--agent", "codex", "--claude", "user"], {"claude": "user", "codex": "project"}),
        (
            ["--agent", "codex", "--agent", "gemini", "--agents-at", "user"],
            {"codex": "user", "gemini": "user"},
        ),
    ],
)
def test_init_tells_whom_it_is_told_to(
    here: Path, capsys: pytest.CaptureFixture[str], options: list[str], agents: dict[str, str]
) -> None:
    assert run(["init", "--json", "--no-config", *options]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["agents"] == agents
    rows = facts(capsys)
    found = [
        (n, at)
        for n, row in rows.items()
        for at in ("project", "user")
        if (row[at] or {}).get("told") == "all"
    ]
    assert dict(found) == agents
    assert len(found) == len(agents)
    assert here.exists()


@pytest.mark.parametrize(
    ("typed", "agents"),
    [("", "project"), ("user", "user"), ("none", None)],
)
def test_init_asks_once_where(here: Path, typed: str, agents: str | None) -> None:
    """A person at a terminal is asked one question about all agents that were found."""
    master, slave = os.openpty()
    argv = [sys.executable, "-m", "regen_git", "init", "--hooks", "--no-config", "--no-import"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(argv, cwd=here, stdin=slave, stdout=-1, stderr=-1, env=env) as process:
        os.write(master, f"{typed}\n".encode())
        _, said = process.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    assert process.returncode == 0, said
    assert said.count(b"where shall Claude Code and Qwen Code be told to report prompts?") == 1
    places = {"project": here, "user": Path.home()}
    for name, top in places.items():
        assert (top / ".claude" / "settings.json").exists() == (name == agents)
        assert (top / ".qwen" / "settings.json").exists() == (name == agents)


def test_a_switch_that_keeps_hooks_from_running_is_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / ".claude").mkdir()
    (here / ".claude" / "settings.json").write_text('{"disableAllHooks": true}')
    (here / ".gemini").mkdir()
    (here / ".gemini" / "settings.json").write_text('{"hooksConfig": {"enabled": false /* why */}}')
    assert run(["agents", "add", "claude", "gemini"]) == 0
    said = capsys.readouterr().err
    assert "Claude Code runs no hooks: disableAllHooks in" in said
    assert "Gemini CLI runs no hooks: hooksConfig.enabled in" in said
    assert "disableAllHooks" in facts(capsys)["claude"]["switched_off"]


def test_what_an_agent_reports_is_seen_by_agents_and_doctor(bare_lab: Lab) -> None:
    bare_lab.regen("init", "--yes", "--no-config", "--claude", "project", "--agents-at", "none")
    text = bare_lab.run("git-regen", "doctor").stdout.decode()
    assert "last never yet" in text
    bare_lab.prompt("Add a cache")
    rows = [json.loads(line) for line in bare_lab.regen("agents", "--json").splitlines()]
    seen = {row["name"]: row["last_report"] for row in rows if row["last_report"]}
    assert list(seen) == ["claude"]
    text = bare_lab.run("git-regen", "doctor").stdout.decode()
    assert f"last {seen['claude']}" in text
    os.utime(bare_lab.data / "fired" / "claude", (0, 0))
    assert "1970-01-01T00:00:00Z" in bare_lab.regen("agents")
    bare_lab.regen("deinit")
    assert not (bare_lab.data / "fired").exists()


def test_doctor_says_what_is_told_in_part(bare_lab: Lab) -> None:
    bare_lab.regen("init", "--yes", "--no-config", "--claude", "project", "--agents-at", "none")
    settings = bare_lab.path / ".claude" / "settings.json"
    data = json.loads(settings.read_text())
    del data["hooks"]["Stop"]
    settings.write_text(json.dumps(data))
    done = bare_lab.run("git-regen", "doctor")
    assert done.returncode == 1
    assert "Claude Code is told in part" in done.stdout.decode()
    assert "without Stop" in done.stdout.decode()
    assert "hint: git regen agents add claude" in done.stdout.decode()


def test_the_page_about_agents_says_what_the_program_does() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "agents.md").read_text("utf-8")
    rows = {
        line.split(" | ")[0].removeprefix("| "): line for line in page.splitlines() if line.startswith("| ")
    }
    for agent in (load(name) for name in NAMES):
        title = agent.TITLE if agent.NAME != "continue" else "Continue (`cn`)"
        row = rows[title]
        assert f"| {agent.TESTED or '*untested*'} |" in row, title
        if agent.SETTINGS is not None:
            assert f"| `{agent.SETTINGS.project}` | `~/{agent.SETTINGS.user}` |" in row, title
        assert f"### {title.removesuffix(' (Cascade)').removesuffix(' (`cn`)')}" in page
        variable = agent.SETTINGS.variable if agent.SETTINGS else ""
        assert f"`{variable}`" in page or not variable


@pytest.mark.parametrize("odd", ["folder", "pipe", "loop", "above"])
def test_what_is_no_file_keeps_no_other_agent_back(
    here: Path, capsys: pytest.CaptureFixture[str], odd: str
) -> None:
    settings = here / ".claude" / "settings.json"
    if odd == "above":
        settings.parent.write_text("a file\n")
    else:
        settings.parent.mkdir()
    if odd == "folder":
        settings.mkdir()
    elif odd == "pipe":
        os.mkfifo(settings)
    elif odd == "loop":
        settings.symlink_to(settings.name)
    assert run(["agents", "add", "claude"]) == 3
    said = capsys.readouterr().err
    assert f"error: cannot tell Claude Code in '{settings}': " in said
    assert "hint: make it a file that you may write, or leave this agent out" in said
    assert run(["init", "--yes", "--no-config"]) == 0
    out, err = capsys.readouterr()
    assert "warning: cannot tell Claude Code" in err
    assert "Qwen Code reports prompts" in out
    assert "hooks in" in out
    assert run(["agents"]) == 0
    assert run(["deinit"]) == 0


def test_deinit_goes_on_past_a_file_that_became_a_folder(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = here / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_bytes(ODD)
    assert run(["agents", "add", "qwen"]) == 0
    assert run(["agents", "add", "claude"]) == 0
    told = settings.read_bytes()
    settings.unlink()
    settings.mkdir()
    assert run(["agents", "remove", "claude"]) == 3
    assert "hint: " in capsys.readouterr().err
    assert run(["deinit"]) == 0
    assert f"'{settings}' cannot be read or written (" in capsys.readouterr().out
    assert not (here / ".qwen").exists()
    settings.rmdir()
    settings.write_bytes(told)
    assert run(["deinit"]) == 0
    assert settings.read_bytes() == ODD
    assert not (here / ".git" / "regen").exists()


def test_a_file_that_cannot_be_replaced_leaves_no_copy_behind(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "settings.json").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        replace_file(folder / "settings.json", b"{}")
    assert files(folder) == {"settings.json": b"/"}


@pytest.mark.parametrize("home", ["", "relative", None])
def test_without_a_home_nothing_is_told_there(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: str | None
) -> None:
    if home is None:
        monkeypatch.delenv("HOME")
        monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    else:
        monkeypatch.setenv("HOME", home)
    before = files(here)
    assert run(["agents", "add", "claude", "--user"]) == 2
    said = capsys.readouterr().err
    assert "error: Claude Code cannot be told in a file of yours" in said
    assert "hint: set HOME" in said
    assert run(["init", "--yes", "--no-config", "--no-import", "--agents-at", "user"]) == 0
    assert "Claude Code cannot be told in a file of yours" in capsys.readouterr().err
    assert run(["agents"]) == 0
    assert files(here) == before


def test_a_bare_repository_says_where_else_to_tell(
    repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare.git"
    repo.git("init", "--quiet", "--bare", str(bare))
    monkeypatch.chdir(bare)
    assert run(["agents", "add", "claude", "--project"]) == 2
    assert "hint: git regen agents add claude --user" in capsys.readouterr().err
    assert run(["init", "--yes", "--agent", "claude"]) == 0
    assert "git regen agents add claude --user" in capsys.readouterr().err


def test_deinit_takes_back_a_proposal_that_nobody_made_their_own(
    here: Path, repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    proposal = here / ".regen" / "config.yaml"
    before = files(here)
    assert run(["init", "--yes"]) == 0
    assert proposal.exists()
    assert run(["deinit"]) == 0
    assert files(here) == before
    assert run(["init", "--yes", "--agents-at", "none"]) == 0
    proposal.write_text(proposal.read_text() + "# mine\n")
    assert run(["deinit"]) == 0
    assert f"'{proposal}' stays: it is yours" in capsys.readouterr().out
    assert proposal.read_text().endswith("# mine\n")
    proposal.unlink()
    assert run(["init", "--yes", "--agents-at", "none"]) == 0
    repo.git("add", ".regen")
    assert run(["deinit"]) == 0
    assert f"'{proposal}' stays: it is yours" in capsys.readouterr().out
    assert proposal.exists()
