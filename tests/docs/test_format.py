"""What docs/format.md shows is what the program reads and writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.shop import shop

from regen_git import __version__
from regen_git.domain.verdict import CheckResult, Outcome, Verdict, Verification
from regen_git.ledger import store
from regen_git.ledger.codec import encode, parse_note, union
from regen_git.llm import reply_document
from regen_git.llm.replies import REPLIES_REF
from regen_git.replay import facts, provenance
from regen_git.replay.people.carry import Carried, How, Part
from regen_git.replay.plan import Kind, Step
from regen_git.replay.workbench import Made

if TYPE_CHECKING:
    from support.builder import RepoBuilder

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "format.md").read_text("utf-8")
YAML = [body.encode() for body in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)]
LEDGER = [body for body in YAML if not body.startswith(b"---\nprovenance")]


@pytest.mark.parametrize("body", LEDGER, ids=["intent", "binding", "tombstone", "part"])
def test_a_document_on_the_page_is_what_our_writer_makes_of_it(body: bytes) -> None:
    [document], warnings = parse_note(body)
    assert warnings == []
    assert document.record is not None
    assert encode(document.record) == body


def test_the_documents_on_the_page_together_are_a_note() -> None:
    documents, warnings = parse_note(union(*LEDGER))
    assert (len(documents), warnings) == (4, [])


def test_the_provenance_on_the_page_is_read_with_all_its_keys() -> None:
    [body] = [body for body in YAML if body.startswith(b"---\nprovenance")]
    [found] = provenance.read_note_documents(body)
    assert found["replies"] == [f"{found['request']}/9daeafb9864cf43055ae93beb0afd6c7d144bfa4"]
    assert found["carried"] == [{"path": "README.md", "how": "exact", "hunks": "1"}]
    assert found["verdict"] == "pass"


def test_the_reply_on_the_page_is_what_our_writer_makes_of_it() -> None:
    [body] = re.findall(r"^```\n(format: 1\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    reply = reply_document.decode(body.encode())
    assert reply.text == "FILE src/http.py\n"
    assert reply_document.encode(reply) == body.encode()


def test_the_refs_and_trailers_on_the_page_are_the_programs() -> None:
    for ref in (store.INTENTS_REF, store.PRIVATE_REF, store.PROVENANCE_REF, REPLIES_REF):
        assert f"`{ref}`" in PAGE
    for trailer in (facts.INTENT, facts.SOURCE, facts.MODEL, facts.ADOPTS):
        assert f"| `{trailer}: " in PAGE


def documented() -> dict[str, set[str]]:
    """Return the top-level fields that the page lists, by command."""
    section = PAGE.split("\n## JSON\n")[1]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.MULTILINE)
    found: dict[str, set[str]] = {}
    for commands, fields in rows:
        names = {re.split(r"[:\s]", one)[0] for one in re.findall(r"`([^`]*)`", fields)}
        for command in re.findall(r"`([^`]*)`", commands):
            found[command] = names
    found["show"] |= found["log"]
    return found


def said(repo: RepoBuilder, *args: str, ok: tuple[int, ...] = (0,)) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "regen_git", *args, "--json"],
        cwd=repo.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in ok, done.stderr
    lines = done.stdout.splitlines()
    assert lines, done.stderr
    shown = json.loads(lines[0])
    assert isinstance(shown, dict)
    return shown


def test_json_has_the_fields_that_the_page_lists(tmp_path: Path) -> None:
    repo = shop(tmp_path / "shop")
    listed = documented()

    def has(name: str, *args: str, ok: tuple[int, ...] = (0,)) -> dict[str, Any]:
        shown = said(repo, *args, ok=ok)
        assert set(shown) == listed.pop(name), name
        return shown

    has("import", "import", "commits")
    has("export -o FILE", "export", "json", "-o", str(tmp_path / "ledger.jsonl"))
    repo.git("config", "regen.sandbox", "off")
    has("trust", "trust", "--yes")
    log = has("log, one a line".partition(",")[0], "log", "HEAD~1")
    assert set(log["intents"][0]) == fields_within("log", "intents")
    has("show", "show", "HEAD~1")
    has("why FILE:LINE", "why", "shop/price.py:1")
    has("blame FILE", "blame", "shop/price.py", "-L", "1,1")
    has("why FILE", "why", "shop/price.py")
    has("status", "status")
    has("doctor", "doctor", ok=(0, 1))
    agent = has("agents", "agents")
    assert set(agent["project"]) == fields_within("agents", "project")
    has("agents add", "agents", "add", "codex")
    has("agents remove", "agents", "remove", "codex")
    has("record", "record", "a word", "--commit", "HEAD")
    has("edit", "edit", "HEAD", "-m", "another word")
    has("supersede", "supersede", "HEAD", "-m", "better words")
    has("retract", "retract", "HEAD")
    has("describe", "describe")
    diff = has("diff", "diff", "HEAD~2")
    assert set(diff["added"][0]) == fields_within("diff", "added")
    has("mark", "mark", "human", "HEAD")
    plan = has("plan", "plan")
    assert set(plan["steps"][0]) == fields_within("plan", "steps")
    has("replay --dry-run", "replay", "--model", "original", "--dry-run")
    replayed = has("replay", "replay", "--model", "original", "--rewrite", "--name", "again")
    assert set(replayed["steps"]) == fields_within("replay", "steps")
    has("try", "try", "HEAD~1", "--model", "original")
    verified = has("verify", "verify", ok=(0, 3))
    assert set(verified) >= {"tree", "verdict", "checks", "ratchet", "gates"}
    has("adopt", "adopt", "again", "--history")
    has("repair", "repair", "--dry-run")
    has("check", "check", "HEAD")
    has("classify", "classify")
    repo.git("init", "-q", "--bare", str(tmp_path / "team.git"))
    repo.git("remote", "add", "origin", str(tmp_path / "team.git"))
    rehearsed = said(repo, "sync", "--dry-run")
    assert set(rehearsed) == {*has("sync", "sync", "--yes"), "news"}
    assert listed == {}


def fields_within(command: str, field: str) -> set[str]:
    """Return the names inside ``field: {…}`` or ``field: [{…}]`` in a command's row."""
    section = PAGE.split("\n## JSON\n")[1]
    [row] = re.findall(rf"^\| `{command}`.*$", section, re.MULTILINE)
    [inner] = re.findall(rf"`{field}: \[?\{{(.*?)\}}\]?`", row)
    flat = re.sub(r"\[\{.*?\}\]", "", inner)
    return {re.split(r"[:\s]", name.strip())[0] for name in flat.split(",")}


def test_the_provenance_on_the_page_is_what_our_writer_makes() -> None:
    [body] = [body for body in YAML if body.startswith(b"---\nprovenance")]
    request = "0f343b0931126a20f133d67c2b018a3b5ed2cb3f2d3f1d4b2d6f8a5f3c0e1d2a"
    tree = "77164706af06eea945f7ed8d6d2763f6b5810fdb"
    step = Step(0, "f7d82bf75798f82a18d2c3eda5041d5710aaf597", "", Kind.REGENERATED)
    tests = {f"test_{number}": Outcome.PASSED for number in range(12)}
    made = Made(
        tree,
        carried=(Carried("README.md", None, (Part(None, None, How.EXACT),)),),
        replies=(f"{request}/9daeafb9864cf43055ae93beb0afd6c7d144bfa4",),
        request=request,
        attempts=2,
        asked=("3f9c2a7be01d4c55@1",),
        inputs=(
            ("prompt", "5e884898da28"),
            ("files", "9b74c9897bac"),
            ("model", "1a79a4d60de6"),
            ("rules", "d3b07384d113"),
        ),
        verification=Verification(
            tree,
            Verdict.PASS,
            checks=(CheckResult("tests", Verdict.PASS, 0.1, 0, tests),),
            frozen=("a", "b", "c"),
        ),
    )
    written = provenance.encode(step, made, model="openai/gpt-5", mode="chained")
    assert written.replace(__version__.encode(), b"0.1.0") == body
