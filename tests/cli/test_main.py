from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from regen_git import __version__
from regen_git.cli import boundary
from regen_git.cli.main import run
from regen_git.cli.summary import COMMANDS, HIDDEN, SUMMARY
from regen_git.errors import RefusedError, RegenError, UsageError

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]
TYPED = [name for group in COMMANDS.values() for name in group]


def program(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "regen_git", *args],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def loaded(name: str) -> dict[str, click.Command]:
    """Return a command, and those below it, by what is typed."""
    group = boundary.group()
    with click.Context(group) as ctx:
        command = group.get_command(ctx, name)
    assert command is not None, name
    below = command.commands if isinstance(command, click.Group) else {}
    return {name: command, **{f"{name} {sub}": inner for sub, inner in below.items()}}


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command 'status' fail, whatever it is asked."""

    @click.command("status")
    def command() -> None:
        raise error

    monkeypatch.setattr(import_module("regen_git.cli.commands.status"), "command", command)


def test_the_version_is_one_line_on_standard_output() -> None:
    done = program("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"git-regen {__version__}\n", "")


def test_the_short_help_lists_every_command() -> None:
    done = program("-h")
    assert (done.returncode, done.stdout) == (0, SUMMARY)
    for name in TYPED:
        assert f"\n  {name} " in done.stdout


def test_nothing_typed_shows_the_short_help_and_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert capsys.readouterr().out == SUMMARY


@pytest.mark.parametrize("word", ["--help", "help"])
def test_the_long_help_is_the_manual_page(word: str) -> None:
    done = program(word)
    assert done.returncode == 0
    for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "EXAMPLES"):
        assert f"\n{section}\n" in "\n" + done.stdout


def test_a_mistyped_command_is_answered_with_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reply"]) == 2
    assert "'reply' is not a command of git regen; did you mean 'replay'?" in capsys.readouterr().err


def test_a_word_like_no_command_is_answered_with_where_the_list_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["zzzzzz\x1b[2J"]) == 2
    said = capsys.readouterr().err
    assert "'zzzzzz\\x1b[2J' is not a command of git regen; 'git regen -h' lists the commands" in said
    assert "\x1b" not in said


def test_an_unknown_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", "--no-such-option"]) == 2
    assert "--no-such-option" in capsys.readouterr().err


def test_outside_a_repository_the_status_is_3_and_there_is_a_hint(tmp_path: Path) -> None:
    done = program("status", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr


@pytest.mark.parametrize(
    ("error", "status"),
    [(RegenError("it cannot be done"), 3), (RefusedError("no"), 1), (UsageError("not together"), 2)],
)
def test_each_kind_of_failure_has_its_exit_status(
    error: RegenError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error.hint = "do it so"
    failing(error, monkeypatch)
    assert run(["status"]) == status
    assert capsys.readouterr().err == f"error: {error}\nhint: do it so\n"


def test_what_a_failure_quotes_cannot_drive_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(RegenError("cannot read 'a\x1b]0;b\x07'"), monkeypatch)
    run(["status"])
    assert capsys.readouterr().err == "error: cannot read 'a\\x1b]0;b\\x07'\n"


def test_a_failure_of_the_operating_system_is_explained(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(PermissionError(13, "Permission denied", "a/file"), monkeypatch)
    assert run(["status"]) == 3
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "error: Permission denied: 'a/file'"
    assert said[1].startswith("hint: the repository belongs to somebody else")


def test_a_defect_is_70_and_leaves_a_log_without_what_was_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing(ZeroDivisionError("ours"), monkeypatch)
    assert run(["status"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("error: a defect of git regen: ZeroDivisionError: ours\nhint: ")
    [log] = tmp_path.glob("git-regen-*.log")
    assert str(log) in said
    text = log.read_text("utf-8")
    assert f"git-regen {__version__}" in text
    assert "Traceback" in text


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyboardInterrupt(), monkeypatch)
    assert run(["status"]) == 130
    # The empty line comes after the terminal's own "^C".
    assert capsys.readouterr().err == "\ninterrupted\n"


def test_an_interrupt_from_outside_ends_the_whole_program_with_130(repo: RepoBuilder) -> None:
    # 'record -' waits for its standard input, so there is something to interrupt.
    # Whoever runs tests in the background makes them, and what they start, deaf to interrupts: undone here.
    hearing = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code = hearing + "from regen_git.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "record", "-"],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        _until_it_reads(running.pid)
        running.send_signal(signal.SIGINT)
        try:
            assert running.wait(30) == 130
        finally:
            running.kill()
        assert running.stderr is not None
        said = running.stderr.read()
    assert said == b"\ninterrupted\n"


def _until_it_reads(pid: int) -> None:
    """Wait until the process is asleep reading a pipe; where /proc cannot tell, long enough."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            where = Path(f"/proc/{pid}/wchan").read_text("ascii")
        except OSError:
            where = ""
        if "pipe" in where:
            return
        time.sleep(0.02)
        if not where.strip("0"):
            time.sleep(3)
            return


def test_a_reader_that_has_seen_enough_is_no_failure(repo: RepoBuilder) -> None:
    repo.commit("one", {"a": "1\n"})
    done = subprocess.run(
        f"{sys.executable} -m regen_git log | true; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("module", ["regen_git.cli", "regen_git.cli.main", "regen_git.cli.boundary"])
def test_starting_imports_no_heavy_library(module: str) -> None:
    code = (
        f"import sys; import {module}; "
        "print([n for n in ('litellm', 'rich', 'yaml', 'pygit2', 'asyncio', 'griffe') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_help_and_version_do_not_even_load_click() -> None:
    code = (
        "import sys; from regen_git.cli.main import run; "
        "run(['--version']); run(['-h']); sys.exit('click' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert (
        subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False).returncode
        == 0
    )


@pytest.mark.parametrize("name", TYPED)
def test_every_command_loads_under_its_own_name(name: str) -> None:
    command = loaded(name)[name]
    assert command.name == name
    assert not command.hidden


@pytest.mark.parametrize("name", TYPED)
def test_the_first_line_of_help_says_what_a_command_does(name: str) -> None:
    for typed, command in loaded(name).items():
        first = (command.help or "").strip().split("\n\n")[0]
        assert first, f"'{typed}' has no help"
        assert "\n" not in first, f"'{typed}': the first paragraph of the help is more than one line"
        assert len(first) <= 110, f"'{typed}': the first line of the help is too long"
        assert first[0].isupper(), f"'{typed}': the help begins with a capital, as every sentence"


def test_the_short_help_says_it_in_one_line_without_a_full_stop() -> None:
    for group in COMMANDS.values():
        for name, text in group.items():
            assert text[0].islower(), name
            assert not text.endswith("."), name
            assert len(text) <= 70, name


@pytest.mark.parametrize("name", TYPED)
def test_every_command_answers_a_request_for_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for typed in loaded(name):
        assert run([*typed.split(), "-h"]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(f"Usage: git regen {typed}")
        # click's mark for lines that it must not join is one character; two are text that a reader sees.
        assert "\\b" not in shown


@pytest.mark.parametrize("name", TYPED)
def test_every_option_says_what_it_does(name: str) -> None:
    for typed, command in loaded(name).items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"'{typed}': {parameter.opts[0]} has no help"


@pytest.mark.parametrize("name", TYPED)
def test_what_a_command_reports_can_be_had_as_json(name: str) -> None:
    commands = loaded(name)
    for typed, command in commands.items():
        if not isinstance(command, click.Group):
            options = {option for parameter in command.params for option in parameter.opts}
            assert "--json" in options, typed


@pytest.mark.parametrize("name", HIDDEN)
def test_what_programs_call_is_not_listed_and_never_fails_them(name: str, tmp_path: Path) -> None:
    assert f"\n  {name} " not in SUMMARY
    done = subprocess.run(
        [sys.executable, "-m", "regen_git", name, "nonsense"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=b"{not json",
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"")
