from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.agents.claude_transcripts import read_session, session_files

if TYPE_CHECKING:
    from pathlib import Path

    from regen_git.agents.transcripts import Session


class Transcript:
    """Writes lines as Claude Code does: each names the one before as its parent."""

    def __init__(self, path: Path, session: str = "5e55104a-0000-4000-8000-000000000000") -> None:
        self.path = path
        self.session = session
        self.lines: list[Any] = []
        self.last: str | None = None
        self.count = 0

    def line(self, kind: str, content: Any = None, **more: Any) -> str:
        self.count += 1
        uuid = f"u{self.count}"
        line: dict[str, Any] = {
            "type": kind,
            "uuid": uuid,
            "parentUuid": self.last,
            "sessionId": self.session,
        }
        line |= {"timestamp": f"2026-01-02T03:{self.count:02}:00.000Z", "cwd": "/w", "version": "2.1.0"}
        if content is not None:
            line["message"] = {"role": kind, "content": content, "model": "claude-x"}
        line |= more
        self.lines.append(line)
        self.last = uuid
        return uuid

    def prompt(self, text: Any, key: str, **more: Any) -> str:
        return self.line("user", text, promptId=key, **{"promptSource": "typed", **more})

    def tool(self, tool: str, given: dict[str, Any], result: Any = "ok", **more: Any) -> None:
        use = f"t{self.count}"
        self.line("assistant", [{"type": "tool_use", "id": use, "name": tool, "input": given}])
        block = {"type": "tool_result", "tool_use_id": use, "content": "x", **more}
        self.line("user", [block], toolUseResult=result)

    def read(self) -> Session:
        self.path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        session = read_session(self.path)
        assert session is not None
        return session


def texts(session: Session) -> list[str]:
    return [typed.text for turn in session.turns for typed in turn.prompts]


def test_a_turn_has_its_prompt_its_edits_and_its_model(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Add a cache", "p1")
    t.tool("Edit", {"file_path": "/w/a.py"}, {"filePath": "/w/a.py"})
    t.tool("NotebookEdit", {"notebook_path": "/w/b.ipynb"}, {})
    t.prompt([{"type": "text", "text": "Add a lock"}, {"type": "image", "source": {}}], "p2")
    t.line("assistant", [{"type": "text", "text": "Done."}], isApiErrorMessage=True)
    session = t.read()
    assert (session.id, session.cwd, session.version) == (t.session, "/w", "2.1.0")
    assert texts(session) == ["Add a cache", "Add a lock"]
    assert session.turns[0].edits == ("/w/a.py", "/w/b.ipynb")
    assert (session.turns[0].key, session.turns[0].model) == ("p1", "claude-x")
    assert session.turns[0].at < session.turns[0].ended < session.turns[1].at


def test_edits_that_were_refused_or_failed_do_not_count(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Add a cache", "p1")
    t.tool("Write", {"file_path": "/w/a.py"}, "User rejected tool use", is_error=True)
    t.tool("Write", {"file_path": "/w/b.py"}, "Error: File has not been read yet.")
    t.line(
        "assistant",
        [{"type": "tool_use", "id": "killed", "name": "Write", "input": {"file_path": "/w/c.py"}}],
    )
    assert t.read().turns[0].edits == ()


def test_commits_of_the_agent_are_known_by_their_short_id(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Commit it", "p1")
    t.tool(
        "Bash", {"command": "git commit -m x"}, {"gitOperation": {"commit": {"sha": "abc1234"}}, "stdout": ""}
    )
    t.tool("Bash", {"command": "cd w && git commit -m y"}, {"stdout": "[main (root-commit) def5678] Start\n"})
    t.prompt("Show the log", "p2")
    t.tool("Bash", {"command": "cat notes"}, {"stdout": "[main 0123456] Not a commit now\n"})
    assert [turn.commits for turn in t.read().turns] == [("abc1234", "def5678"), ()]


def test_only_what_a_person_typed_is_a_prompt(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("<system-reminder>Be brief</system-reminder>\nAdd a cache", "p1")
    t.line("user", "Expanded text", isMeta=True, promptId="p1")
    t.line("user", "Summary", isCompactSummary=True, promptId="p1")
    t.line("user", "Only shown", isVisibleInTranscriptOnly=True)
    t.line("user", "Task for a helper", isSidechain=True)
    t.line("user", "From the system", promptSource="system")
    t.line("user", "From a channel", origin={"kind": "channel"})
    t.line("user", "<bash-input>git log</bash-input>")
    t.line("user", "<bash-stdout>one</bash-stdout>")
    t.line("user", "<task-notification>done</task-notification>")
    t.line("user", [{"type": "text", "text": "[Request interrupted by user for tool use]"}], promptId="p2")
    t.prompt("List the branches", "p2", promptSource="queued")
    assert texts(t.read()) == ["Add a cache", "List the branches"]


def test_slash_commands_are_kept_as_typed_but_not_those_for_the_program(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    named = "<command-message>greet</command-message>\n<command-name>/greet</command-name>\n"
    t.line("user", named + "<command-args>Ada Lovelace</command-args>", promptId="p1")
    t.line("user", "Write a haiku for Ada Lovelace", isMeta=True, promptId="p1")
    t.line("user", "<local-command-caveat>Caveat</local-command-caveat>", isMeta=True, promptId="p2")
    t.line(
        "user", "<command-name>/newer-builtin</command-name>\n<command-args></command-args>", promptId="p2"
    )
    t.line("user", "<command-name>/compact</command-name>", promptId="p3")
    t.line("user", "<command-message>tidy</command-message><command-name>/tidy</command-name>", promptId="p4")
    assert texts(t.read()) == ["/greet Ada Lovelace", "/tidy"]


def test_a_rewound_branch_is_left_out_but_parallel_tool_results_are_not(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Add a cache", "p1")
    t.line("assistant", [{"type": "tool_use", "id": "x", "name": "Write", "input": {"file_path": "/w/a"}}])
    first = t.last
    t.line("assistant", [{"type": "tool_use", "id": "y", "name": "Write", "input": {"file_path": "/w/b"}}])
    second = t.last
    t.line("user", [{"type": "tool_result", "tool_use_id": "x"}], parentUuid=first)
    t.line("user", [{"type": "tool_result", "tool_use_id": "y"}], parentUuid=second)
    fork = t.last
    t.prompt("Make it global", "p2")
    t.tool("Write", {"file_path": "/w/dead"})
    t.last = fork
    t.prompt("Make it local", "p3")
    t.line("system", subtype="turn_duration")
    session = t.read()
    assert texts(session) == ["Add a cache", "Make it local"]
    assert session.turns[0].edits == ("/w/a", "/w/b")


def test_compaction_joins_what_was_before(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Add a cache", "p1")
    before = t.last
    t.line("system", subtype="compact_boundary", parentUuid=None, logicalParentUuid=before)
    t.line("user", "This session is being continued", isCompactSummary=True)
    t.prompt("Add a lock", "p2")
    assert texts(t.read()) == ["Add a cache", "Add a lock"]


def test_an_accepted_plan_is_not_counted_as_typed(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Plan a cache", "p1")
    t.tool("ExitPlanMode", {"plan": "1. Write it"}, {"plan": "1. Write it"})
    t.prompt("Implement the following plan:\n\n# Cache\n\nWrite it.", "p2")
    session = t.read()
    assert texts(session) == ["Plan a cache"]
    assert [turn.approved for turn in session.turns] == ["1. Write it", "# Cache\n\nWrite it."]


def test_a_question_of_the_agent_is_kept_with_its_answer(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Add a cache", "p1")
    t.line("assistant", [{"type": "text", "text": "I read the code.\n\nIn memory or on disk?"}])
    t.prompt("In memory", "p2")
    t.line("assistant", [{"type": "text", "text": "x" * 5000 + " Done."}])
    t.prompt("Thanks", "p3")
    t.tool("AskUserQuestion", {}, {"answers": {"How many entries?": "100"}})
    typed = [typed for turn in t.read().turns for typed in turn.prompts]
    assert typed[1].answers == "I read the code.\n\nIn memory or on disk?"
    assert typed[2].answers is None
    assert (typed[3].text, typed[3].answers) == ("100", "How many entries?")


def test_a_prompt_typed_while_the_agent_was_busy_belongs_to_that_turn(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Add a cache", "p1")
    t.line(
        "attachment", attachment={"type": "queued_command", "prompt": "and a lock", "commandMode": "prompt"}
    )
    t.line(
        "attachment", attachment={"type": "queued_command", "prompt": "x", "commandMode": "task-notification"}
    )
    t.line("attachment", attachment={"type": "todo", "prompt": "no"})
    assert [[typed.text for typed in turn.prompts] for turn in t.read().turns] == [
        ["Add a cache", "and a lock"]
    ]


def test_broken_and_unknown_lines_do_not_cut_the_session(tmp_path: Path) -> None:
    t = Transcript(tmp_path / "a.jsonl")
    t.prompt("Add a cache", "p1")
    t.line("assistant", [{"type": "text", "text": "Done."}])
    lost = t.lines.pop()
    t.prompt("Add a lock", "p2")
    assert t.lines[-1]["parentUuid"] == lost["uuid"]
    t.lines.append({"type": "brand-new", "uuid": "n1", "parentUuid": t.last, "message": {"content": 7}})
    t.read()
    with t.path.open("ab") as file:
        file.write(b'[1, 2]\nnull\n{"type": "user", "uuid": 3}\n\xff\xfe{"type": "us')
    session = read_session(t.path)
    assert session is not None
    assert texts(session) == ["Add a cache", "Add a lock"]


def test_a_file_without_a_session_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"type":"summary","summary":"x","leafUuid":"y"}\n\n')
    assert read_session(tmp_path / "a.jsonl") is None


def test_sessions_are_found_by_folder_without_those_of_subagents(tmp_path: Path) -> None:
    top = tmp_path / "my.work"
    top.mkdir()
    projects = tmp_path / "config" / "projects"
    encoded = "".join(c if c.isalnum() or c == "-" else "-" for c in str(top.resolve()))
    for name in (encoded, encoded + "-src", "-other"):
        (projects / name / "s" / "subagents").mkdir(parents=True)
        (projects / name / "s.jsonl").write_text("")
        (projects / name / "agent-1.jsonl").write_text("")
        (projects / name / "s" / "subagents" / "agent-2.jsonl").write_text("")
    found = session_files([str(top)], {"CLAUDE_CONFIG_DIR": str(tmp_path / "config")})
    assert found == [projects / encoded / "s.jsonl", projects / (encoded + "-src") / "s.jsonl"]
    (tmp_path / "home").mkdir(exist_ok=True)
    assert session_files([str(top)], {"HOME": str(tmp_path / "home")}) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = [
    "type",
    "uuid",
    "parentUuid",
    "logicalParentUuid",
    "message",
    "toolUseResult",
    "attachment",
    "origin",
    "cwd",
]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(_KEYS), _JSON | st.sampled_from(["user", "assistant", "attachment", "u1", "u2"])
        )
    )
)
def test_no_line_makes_the_reader_fail(tmp_path_factory: Any, lines: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("t") / "a.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    read_session(path)
