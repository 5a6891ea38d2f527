"""What the page for users of hook managers shows is what the program writes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from support.managed import state_of

from regen_git.capture.managers import husky, lefthook
from regen_git.capture.setup import set_up

if TYPE_CHECKING:
    from conftest import Lab

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hook-managers.md").read_text("utf-8")


def shown(language: str, part: str) -> str:
    """Return the one block of a language in a section of the page."""
    [section] = [text for text in re.split(r"^## ", PAGE, flags=re.MULTILINE) if text.startswith(part)]
    [block] = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(block)


def test_the_line_for_husky() -> None:
    assert shown("sh", "husky").strip() == husky.line("post-commit")


def test_the_entry_for_lefthook() -> None:
    assert shown("yaml", "lefthook").splitlines() == lefthook.entries(["prepare-commit-msg"])


def test_the_hooks_for_the_framework() -> None:
    settings = yaml.safe_load(shown("yaml", "pre-commit"))
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [hook["id"] for hook in settings["repos"][0]["hooks"]] == [hook["id"] for hook in offered]
    assert settings["default_install_hook_types"] == [hook["stages"][0] for hook in offered]


def test_the_entry_in_gits_configuration(bare_lab: Lab) -> None:
    bare_lab.git("config", "--global", "regen.hooks", "config")
    before = state_of(bare_lab)
    set_up(bare_lab.repo)
    assert shown("", "git 2.54") in (bare_lab.path / ".git" / "config").read_text()
    changed = {name for name, digest in state_of(bare_lab).items() if before.get(name) != digest}
    assert changed == {".git/config"}
