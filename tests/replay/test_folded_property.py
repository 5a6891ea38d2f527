"""Whatever the spec and whatever is answered: one commit, within bounds, and always the same."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.model_server import ModelServer

from regen_git.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

CONFIG = "paths:\n  tests: [tests/**]\n"
NAMES = ["a", "b", "c", "d", "e"]
PATTERNS = ["a.py", "b.py", "lib/**", "lib/*.py", "lib/b.py", "*.txt"]
WRITES = [
    "a.py", "b.py", "c.py", "lib/a.py", "lib/b.py", "lib/x/c.py", "notes.txt", "tests/test_a.py", ".regen/x",
    "../out.py", ".git/config", "kept.py",
]  # fmt: skip
_OFTEN = 120  # of 256


@st.composite
def pages(draw: st.DrawFn) -> dict[str, str]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    found = {}
    for name in names:
        needs = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
        paths = draw(st.lists(st.sampled_from(PATTERNS), max_size=2, unique=True))
        front = f"---\npaths: {json.dumps(paths)}\nneeds: {json.dumps(needs)}\n---\n"
        found[name] = f"{front}# {name}\n\n- Do {name}.\n"
    if draw(st.booleans()):
        found["project"] = "# All\n\n- Be kind.\n"
    return found


def answered(body: Mapping[str, Any], seed: int) -> str:
    """Return an answer that follows from the request and the seed alone."""
    text = str(body["messages"][-1]["content"])
    if text.startswith("Interfaces"):
        names = re.findall(r"^- interfaces/(\w+)\.md", text, re.MULTILINE)
        return "".join(f"FILE interfaces/{n}.md\n```\nabout {n}\n```\n" for n in [*names, "other"])
    name = text.split("\n", 1)[0].split(",", maxsplit=1)[0].removeprefix("Module ")
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    is_repair = ", repair" in text.split("\n", 1)[0]
    chosen = [path for path, byte in zip(WRITES, digest, strict=False) if byte < _OFTEN]
    if is_repair:
        chosen = [path for path in chosen if not path.startswith((".", ".."))]
    lines = zip(chosen, digest[20:], strict=False)
    parts = [f"FILE {path}\n```\n{name}_{byte % 3} = {byte}\n```\n" for path, byte in lines]
    return "".join(parts) + f"FILE new_{name}.py\n```\ndef {name}():\n    return {seed}\n```\n"


def quiet(*args: str) -> tuple[int, str]:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = run(args)
    return status, out.getvalue()


def git(*args: str) -> str:
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout.strip()


def outcome(*args: str) -> tuple[int, str | None, list[str]]:
    status, out = quiet("replay", "--model", "openai/x", "--check", "never", "--json", *args)
    assert status in (0, 1), out
    told = json.loads(out.splitlines()[-1])
    stuck = told.get("stuck") or {}
    return status, told.get("tip"), stuck.get("why", [])


@given(pages(), st.integers(0, 1000), st.integers(0, 4))
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_answers_give_the_same_commit_within_bounds(
    monkeypatch: pytest.MonkeyPatch, spec: dict[str, str], seed: int, edited: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        ModelServer(lambda body: answered(body, seed)) as server,
        monkeypatch.context() as patch,
    ):
        patch.setenv("OPENAI_API_KEY", "unused")
        patch.setenv("OPENAI_API_BASE", server.url)
        patch.chdir(folder)
        git("init", "-q")
        files = {f".regen/spec/{name}.md": text for name, text in spec.items()}
        files |= {".regen/config.yaml": CONFIG, "tests/test_a.py": "import a\n", "kept.py": "kept = 1\n"}
        for path, text in files.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text)
        git("add", "-A")
        git("commit", "-q", "-m", "Say what is wanted")
        quiet("trust", "--yes")
        first = outcome("--jobs", "8")
        replies = Path(".git/refs/regen/replies").read_text()
        calls = server.count

        assert outcome("--jobs", "1", "--force") == first
        assert server.count == calls
        git("update-ref", "-d", "refs/regen/replies")
        shutil.rmtree(".git/regen/replies", ignore_errors=True)
        assert outcome("--jobs", "3", "--force") == first
        git("update-ref", "refs/regen/replies", replies.strip())
        if first[1] is None:
            return
        changed = git("diff", "--name-only", "HEAD", first[1]).split()
        assert not [p for p in changed if p.startswith((".regen", "tests/", ".git", "..")) or p == "kept.py"]
        assert not Path("../out.py").exists()
        assert outcome("--locked", "--force")[1] == first[1]
        assert quiet("adopt", "x-folded")[0] == 0
        assert "nothing to do" in quiet("replay", "--model", "openai/x", "--changed", "--check", "never")[1]

        one = sorted(spec)[edited % len(spec)]
        with Path(f".regen/spec/{one}.md").open("a") as file:
            file.write("- Do more.\n")
        git("commit", "-q", "-am", "More")
        calls = server.count
        status, tip, _ = outcome("--changed")
        asked = [str(b["messages"][-1]["content"]).split("\n", 1)[0] for b in server.requests[calls:]]
        assert f"Module {one}" in asked or one == "project"
        if one != "project":
            # The answers are the same again: nobody looks different from outside.
            assert {head.split(",")[0] for head in asked} <= {"Interfaces", f"Module {one}"}
        if status == 0:
            assert tip == git("rev-parse", "HEAD")
