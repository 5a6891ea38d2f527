"""The examples in the documents are run, in order, and print what the documents say they print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support import counter, shop
from support.model_server import ModelServer

from regen_git.cli.boundary import group

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLE = re.compile(r"<!-- example: (\w+) -->")
# What an example begins with, and the model that answers in it.
BEGINNINGS = {"shop": (shop.shop, shop.answer), "nothing": (counter.nothing, counter.answer)}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages_with_examples() -> list[Path]:
    return [page for page in PAGES if EXAMPLE.search(page.read_text("utf-8"))]


def commands_of(page: Path) -> list[tuple[str, list[str]]]:
    """Return what is typed in a page's ``console`` blocks, each with the lines shown below it."""
    found: list[tuple[str, list[str]]] = []
    for language, body in BLOCK.findall(page.read_text("utf-8")):
        if language != "console":
            continue
        for line in body.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def matches(shown: list[str], printed: list[str]) -> bool:
    """Return whether the lines are those shown; ``…`` stands for anything, alone for any number of lines."""
    parts = []
    for line in shown:
        any_text = ".*".join(re.escape(part) for part in line.split("…"))
        parts.append(r"(?:.*\n)*?" if line.strip() == "…" else any_text + r"[ \t]*\n")
    return re.fullmatch("".join(parts), "".join(line + "\n" for line in printed)) is not None


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Return a folder to put on the PATH, with the program of this checkout in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "git-regen"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m regen_git "$@"\n')
    script.chmod(0o755)
    return folder


@pytest.mark.parametrize("page", pages_with_examples(), ids=lambda page: page.name)
def test_the_examples_print_what_the_page_shows(page: Path, tmp_path: Path, program: Path) -> None:
    named = EXAMPLE.search(page.read_text("utf-8"))
    assert named
    begin, answer = BEGINNINGS[named[1]]
    repo = begin(tmp_path / named[1])
    with ModelServer(answer) as server:
        repo.git("config", "--global", "regen.apiBase", f"{server.url}")
        # Unbuffered, so that results and talk come in the order in which a terminal shows them.
        env = {**os.environ, "OPENAI_API_KEY": "none", "PYTHONUNBUFFERED": "1"}
        env["PATH"] = f"{program}{os.pathsep}{env['PATH']}"
        for typed, shown in commands_of(page):
            done = subprocess.run(
                ["sh", "-c", f"exec 2>&1\n{typed}"],
                cwd=repo.path,
                env=env,
                stdout=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                text=True,
                check=False,
                timeout=120,
            )
            printed = done.stdout.splitlines()
            expected = "\n".join(shown)
            assert matches(shown, printed), f"$ {typed}\n--- shown\n{expected}\n--- printed\n{done.stdout}"


def typed_commands(page: Path) -> list[list[str]]:
    """Return every ``git regen …`` of a page's code blocks and code spans, split into words."""
    text = page.read_text("utf-8")
    lines = [line.removeprefix("$ ") for _, body in BLOCK.findall(text) for line in body.splitlines()]
    lines += re.findall(r"`(git regen [^`]*)`", BLOCK.sub("", text))
    found = []
    for line in lines:
        parts = re.findall(r"\bgit regen ([^|&;#]*)", line)
        found += [re.sub(r"\"[^\"]*\"|'[^']*'", "text", part).split() for part in parts]
    return [words for words in found if words]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    commands = group()
    unknown = []
    with click.Context(commands) as ctx:
        for words in typed_commands(page):
            name, *rest = (word.strip(",.:()[]") for word in words)
            if name in ("-h", "--help", "--version", "help", "hook", "capture") or name.startswith(
                ("<", "…")
            ):
                continue
            command = commands.get_command(ctx, name)
            if isinstance(command, click.Group) and rest and rest[0] in command.commands:
                command = command.get_command(ctx, rest[0])
            if command is None:
                unknown.append(" ".join(words))
                continue
            known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"-h", "--help", "--"}
            options = [word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"]
            unknown += [f"{name} {option}" for option in options if option not in known]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_between_pages_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        if "://" in name:
            continue
        file = (page.parent / name) if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Return what headings can be linked to by, as forges name them."""
    heads = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
