"""The command reference is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

from regen_git.cli.reference import reference
from regen_git.cli.summary import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_not_stale() -> None:
    written = (ROOT / "docs" / "commands.md").read_text("utf-8")
    hint = "write it again: python -m regen_git.cli.reference > docs/commands.md"
    assert written == reference(), hint


def test_the_reference_has_every_command_and_says_what_each_option_does() -> None:
    lines = reference().splitlines()
    for group, names in COMMANDS.items():
        assert f"## {group}" in lines
        for name in names:
            assert f"### {name}" in lines
    options = [line for line in lines if line.startswith("- `-")]
    assert [line for line in options if ": " not in line] == []


def test_the_manual_page_names_every_command() -> None:
    page = (ROOT / "docs" / "man" / "git-regen.1").read_text("utf-8")
    for names in COMMANDS.values():
        for name in names:
            assert f".TP\n\\fB{name}\\fR" in page, name
