from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from regen_git.cli.main import run
from regen_git.errors import RegenError
from regen_git.importers.agent_trace import import_agent_trace
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from support.builder import RepoBuilder

SESSION = "5e55104a-0000-4000-8000-000000000000"


def transcript(path: Path, repo: RepoBuilder) -> str:
    """Write a session of Claude Code and return its address."""
    lines: list[dict[str, Any]] = []

    def line(kind: str, content: Any, **more: Any) -> None:
        head = {"type": kind, "uuid": f"u{len(lines)}", "parentUuid": lines[-1]["uuid"] if lines else None}
        about = {"sessionId": SESSION, "cwd": str(repo.path), "timestamp": "2026-01-02T03:04:35.000Z"}
        lines.append({**head, **about, "message": {"content": content}, **more})

    use = {"type": "tool_use", "id": "t1", "name": "Write", "input": {"file_path": str(repo.path / "a.py")}}
    line("user", "Add a cache", promptId="p1")
    line("assistant", [use])
    line("user", [{"type": "tool_result", "tool_use_id": "t1"}], toolUseResult={"filePath": "a.py"})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return f"file://{str(path).replace(' ', '%20')}"


def record(url: str | None, tool: str = "claude-code") -> str:
    conversation: dict[str, Any] = {"ranges": [{"start_line": 1, "end_line": 1}]}
    if url:
        conversation["url"] = url
    return json.dumps(
        {
            "version": "1.0",
            "id": "x",
            "timestamp": "2026-01-02T03:04:40Z",
            "vcs": {"type": "git", "revision": "0" * 40},
            "tool": {"name": tool},
            "files": [{"path": "a.py", "conversations": [conversation]}],
        }
    )


def test_a_transcript_that_a_record_names_is_read_wherever_it_lies(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = repo.commit("One", {"a.py": "1\n"})
    there = transcript(tmp_path / "kept here" / "x.jsonl", repo)
    lost = record("https://api.example.org/conversations/1")
    odd = ["{broken", "[]", '{"files": 3}', '{"files": [3, {"conversations": [4, {"url": 5}]}]}']
    repo.write(
        {".agent-trace/traces.jsonl": "\n".join([record(there), record(there), lost, record(None), *odd])}
    )
    counts = import_agent_trace(repo.opened)
    assert (counts.commits, counts.prompts, counts.sessions) == (1, 1, 1)
    assert counts.skipped == {"its conversation is not on this machine": 1, "it names no conversation": 2}
    [intent] = Ledger(repo.opened).of(mine).intents.values()
    assert [prompt.text for prompt in intent.prompts] == ["Add a cache"]
    assert intent.agent is not None
    assert intent.agent.name == "claude"
    assert import_agent_trace(repo.opened).intents == 0


def test_records_may_lie_elsewhere_and_none_at_all_is_told(
    repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = repo.commit("One", {"a.py": "1\n"})
    with pytest.raises(RegenError):
        import_agent_trace(repo.opened)
    kept = tmp_path / "traces.jsonl"
    kept.write_text(
        record(transcript(tmp_path / ".claude" / "projects" / "p" / "x.jsonl", repo), "unheard of")
    )
    monkeypatch.chdir(repo.path)
    assert run(["import", "agent-trace", "--file", str(kept)]) == 0
    assert len(Ledger(repo.opened).of(mine).intents) == 1
