"""The whole check in one run: linters are tests, and so are the promises that files of the project make."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BESIDE_PYTHON = Path(sys.executable).parent
README = (ROOT / "README.md").read_text("utf-8")


def outside(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "CI": "1"},
    )


def files() -> list[Path]:
    """Return the files of the project: tracked, or new and not ignored."""
    if not (ROOT / ".git").exists():
        skipped = {".venv", ".git"}
        found = [p for p in ROOT.rglob("*") if p.is_file() and not skipped & set(p.relative_to(ROOT).parts)]
        return [p for p in found if "__pycache__" not in p.parts and not p.parts[-2].endswith("_cache")]
    # The checkout may belong to somebody else, as in a container; HOME is the test's own.
    subprocess.run(["git", "config", "--global", "safe.directory", "*"], check=True)
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    names = [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    found = {}
    for path in files():
        data = path.read_bytes()
        if b"\0" not in data:
            found[str(path.relative_to(ROOT))] = data.decode("utf-8", "replace")
    return found


def quick_start() -> list[str]:
    """Return the bodies of the ``sh`` blocks under "Quick start"."""
    section = re.split(r"^## ", README, flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith("Quick start\n")]
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "argv",
    [
        ("-m", "ruff", "check", "--no-cache", "."),
        ("-m", "ruff", "format", "--no-cache", "--check", "."),
        ("-m", "mypy"),
    ],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_the_linter_finds_nothing(argv: tuple[str, ...]) -> None:
    done = outside(sys.executable, *argv)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"


def test_imports_point_down() -> None:
    done = outside(str(BESIDE_PYTHON / "lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_and_scripts_are_sound_shell() -> None:
    found = shutil.which("shellcheck")
    if found is None:
        pytest.skip("shellcheck is not installed")
    hooks = sorted(str(path) for path in (ROOT / "hooks").iterdir())
    assert hooks
    # SC2015 warns of "a && b || c", where c is meant to follow a failed b too; SC1007 of several variables
    # emptied on one line.
    done = outside(found, "--shell=sh", "--severity=warning", "--exclude=SC1007,SC2015", *hooks)
    assert done.returncode == 0, done.stdout
    done = outside(found, "--severity=warning", str(ROOT / ".ci" / "run"))
    assert done.returncode == 0, done.stdout


def test_the_top_level_is_what_was_agreed() -> None:
    shown = {path.relative_to(ROOT).parts[0] for path in files()}
    seen = {name for name in shown if not name.startswith(".")}
    assert seen == {"pyproject.toml", "README.md", "LICENSE", "regen_git", "tests", "hooks", "docs"}


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX:"]) + r")\b")
    found = [name for name, text in texts().items() if marks.search(text)]
    assert found == []


def test_no_path_of_a_developers_machine_is_written_down() -> None:
    somebody = r"root|work|home/(?!dev\b|ada\b|user\b|\w*example)\w+|Users/(?!ada\b)\w+"
    home = re.compile(rf"(?<![\w.}}])/(?:{somebody})/\w")
    mine = str(ROOT) + "/"
    found = [
        f"{name}: {match[0]}"
        for name, text in texts().items()
        for match in [home.search(text) or re.search(re.escape(mine), text)]
        if match and name != "tests/test_project.py"
    ]
    assert found == []


def test_no_module_is_longer_than_400_lines_and_no_function_than_60() -> None:
    import ast

    too_long = []
    for name, text in texts().items():
        if not name.startswith("regen_git/") or not name.endswith(".py"):
            continue
        if text.count("\n") > 400:
            too_long.append(name)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                said = len((ast.get_docstring(node) or "").split("\n"))
                if lines - said > 60:
                    too_long.append(f"{name}: {node.name} ({lines - said} lines)")
    assert too_long == []


def test_the_quick_start_is_exactly_two_commands_of_one_line() -> None:
    blocks = quick_start()
    assert len(blocks) == 2
    assert all(block.count("\n") == 1 and block.strip() for block in blocks)
    assert "git regen demo" in blocks[0]
    assert "pytest" in blocks[1]


def test_the_readmes_commands_set_up_for_themselves() -> None:
    for block in quick_start():
        assert block.startswith("python3 -m venv .venv && ")


def continuous_integration(folder: Path, second: str) -> subprocess.CompletedProcess[str]:
    """Run ``.ci/run`` where the README has this as its second command and no program is missing."""
    programs = folder / "bin"
    for name in ("git", "bwrap", "dash", "shellcheck", "strace", "faketime", "python3"):
        script = programs / name
        programs.mkdir(exist_ok=True)
        script.write_text("#!/bin/sh\nexit 0\n")
        script.chmod(0o755)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    blocks = f"```sh\nexit 99\n```\n\n```sh\n{second}\n```\n"
    (folder / "README.md").write_text(f"# A\n\n```sh\nexit 98\n```\n\n## Quick start\n\n{blocks}\n## B\n")
    env = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [str(folder / ".ci" / "run")],
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_continuous_integration_runs_the_readmes_second_command_and_nothing_after(tmp_path: Path) -> None:
    done = continuous_integration(tmp_path, "echo checked && pwd")
    assert done.stdout == f"+ echo checked && pwd\nchecked\n{tmp_path}\n"
    assert done.returncode == 0


def test_continuous_integration_fails_as_the_command_does(tmp_path: Path) -> None:
    assert continuous_integration(tmp_path, "false && echo passed").returncode == 1


def test_continuous_integration_refuses_a_readme_without_one_command(tmp_path: Path) -> None:
    done = continuous_integration(tmp_path, "echo one\necho two")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not one line" in done.stderr


def test_the_commands_own_words_are_not_repeated_in_the_script() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert "pytest" not in script


def test_the_licence_comes_with_the_package() -> None:
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License\n")
    assert 'license-files = ["LICENSE"]' in (ROOT / "pyproject.toml").read_text("utf-8")
