from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.entire import Transcript, at

from regen_git.cli.main import run
from regen_git.domain.intent import LineRange
from regen_git.errors import RegenError
from regen_git.importers.git_ai import import_git_ai
from regen_git.importers.git_ai_notes import parse_ai_note
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from support.builder import RepoBuilder

KEY = "d12bb7f562bfb806"
CHAT = "83d99c18-259c-40b3-bbe5-706dc0a780d0"


def message(kind: str, minute: float, text: str = "") -> dict[str, Any]:
    return {"type": kind, "text": text, "timestamp": at(minute)}


def note(lines: str, **about: Any) -> bytes:
    data = {"schema_version": "authorship/3.0.0", "base_commit_sha": "0" * 40, "prompts": {}, **about}
    return f"{lines}---\n{json.dumps(data, indent=2)}".encode()


def prompts(messages: list[dict[str, Any]], tool: str = "cursor", key: str = KEY) -> dict[str, Any]:
    about = {"tool": tool, "id": CHAT, "model": "model-x"}
    return {key: {"agent_id": about, "human_author": "Ada <ada@example.org>", "messages": messages}}


def put(repo: RepoBuilder, commit: str, raw: bytes) -> None:
    repo.git("notes", "--ref=ai", "add", "-f", "-F", "-", commit, stdin=raw)


def told(repo: RepoBuilder, commit: str) -> list[str]:
    intents = Ledger(repo.opened).of(commit).intents.values()
    return [prompt.text for intent in intents for prompt in intent.prompts]


def test_each_commit_gets_what_was_said_since_the_one_before(repo: RepoBuilder) -> None:
    said = [message("user", 0, "Add a."), message("assistant", 0, "Shall I test it?")]
    a = repo.commit("a", {"a.py": "a\n"})
    put(repo, a, note(f"a.py\n  {KEY} 1\n", prompts=prompts(said)))
    said += [message("user", 1, "Yes."), message("user", 1.5, "Now b.")]
    b = repo.commit("b", {"b.py": "b\n", "c.py": "c\n"})
    put(repo, b, note(f"b.py\n  {KEY} 1\n", prompts=prompts(said)))

    counts = import_git_ai(repo.opened)

    assert told(repo, a) == ["Add a."]
    assert told(repo, b) == ["Yes.", "Now b."]
    view = Ledger(repo.opened).of(b)
    (intent,) = view.intents.values()
    assert intent.agent is not None
    assert (intent.agent.name, intent.agent.model, intent.agent.session) == ("cursor", "model-x", CHAT)
    assert intent.prompts[0].answers == "Shall I test it?"
    assert [binding.wrote for binding in view.bindings] == [("b.py",)]
    assert (counts.commits, counts.intents, counts.prompts) == (2, 2, 3)


def test_a_commit_before_which_nothing_was_said_has_the_intent_said_last(repo: RepoBuilder) -> None:
    said = prompts([message("user", 0, "Add a and b.")])
    a = repo.commit("a", {"a.py": "a\n"})
    b = repo.commit("b", {"b.py": "b\n"})
    put(repo, a, note(f"a.py\n  {KEY} 1\n", prompts=said))
    put(repo, b, note(f"b.py\n  {KEY} 1\n", prompts=said))

    counts = import_git_ai(repo.opened)

    assert told(repo, a) == told(repo, b) == ["Add a and b."]
    assert (counts.commits, counts.intents) == (2, 1)


def test_output_of_tools_kept_as_a_users_words_is_no_prompt(repo: RepoBuilder) -> None:
    said = [
        message("user", 0, "Add a."),
        message("assistant", 0, "I look."),
        message("tool_use", 0),
        message("tool_use", 0),
        message("user", 0, "     1→use crate"),
        message("user", 0, "On branch main"),
        message("assistant", 1, "Done."),
        message("user", 2, "Thanks, now rename it."),
        message("tool_use", 2),
        message("user", 2, "[Request interrupted by user for tool use]"),
    ]
    a = repo.commit("a", {"a.py": "a\n"})
    put(repo, a, note(f"a.py\n  {KEY} 1\n", prompts=prompts(said, "claude")))

    import_git_ai(repo.opened)

    assert told(repo, a) == ["Add a.", "Thanks, now rename it."]


def test_where_output_of_tools_is_not_kept_a_prompt_may_follow_a_tool(repo: RepoBuilder) -> None:
    said = [message("user", 0, "Add a.")]
    said += [message(kind, 1) for kind in ("tool_use", "assistant") * 3]
    said += [message("tool_use", 2), message("user", 2, "No, stop.")]
    said += [message("user", 3, "<command-message>x</command-message>\n<command-name>/x</command-name>")]
    said += [message("user", 3, "The text that /x stands for")]
    a = repo.commit("a", {"a.py": "a\n"})
    put(repo, a, note(f"a.py\n  {KEY} 1\n", prompts=prompts(said, "claude")))

    import_git_ai(repo.opened)

    assert told(repo, a) == ["Add a.", "No, stop.", "/x"]


@pytest.mark.parametrize("by_hash", [False, True])
def test_a_newer_note_is_joined_with_the_session_on_this_machine(
    repo: RepoBuilder, tmp_path: Path, *, by_hash: bool
) -> None:
    chat = Transcript(CHAT).prompt(0, "Add a.").write(0, "a.py").prompt(30, "Later.")
    encoded = re.sub(r"[^A-Za-z0-9-]", "-", str(repo.path.resolve()))
    folder = tmp_path / "home" / ".claude" / "projects" / encoded
    folder.mkdir(parents=True)
    (folder / f"{CHAT}.jsonl").write_text(chat.text)
    key = "s_" + hashlib.sha256(f"claude:{CHAT}".encode()).hexdigest()[:14]
    about = {"tool": "claude", "model": "model-x", **({} if by_hash else {"id": CHAT})}
    a = repo.commit("a", {"a.py": "a\n"})
    put(repo, a, note(f"a.py\n  {key}::t_0123456789abcd 1\n", sessions={key: {"agent_id": about}}))

    import_git_ai(repo.opened)

    assert told(repo, a) == ["Add a."]


def test_lines_that_people_are_known_to_have_written_are_by_hand(repo: RepoBuilder) -> None:
    a = repo.commit("a", {"a.py": "a\nb\nc\n", "b.py": "b\n"})
    lines = f"a.py\n  {KEY} 1\n  h_0123456789abcd 2-3\nb.py\n  h_0123456789abcd 1\n"
    put(repo, a, note(lines, prompts=prompts([message("user", 0, "Add a.")]), humans={}))

    import_git_ai(repo.opened)

    (binding,) = Ledger(repo.opened).of(a).bindings
    assert binding.hand == {"a.py": (LineRange(2, 3),)}


def test_commits_without_an_intent_are_named_with_the_reason(repo: RepoBuilder) -> None:
    said = prompts([message("user", 0, "Add it.")])
    names = ("session", "test", "version", "broken", "none", "silent")
    commits = {name: repo.commit(name, {f"{name}.py": "x\n"}) for name in names}
    session = {"s_0123456789abcd": {"agent_id": {"tool": "codex", "id": "elsewhere"}}}
    raw = {
        "session": note("session.py\n  s_0123456789abcd::t_1 1\n", sessions=session),
        "test": note(f"test.py\n  {KEY} 1\n", prompts=prompts([message("user", 0, "x")], "mock_ai")),
        "version": note(f"version.py\n  {KEY} 1\n", prompts=said, schema_version="authorship/9.0.0"),
        "broken": b"broken.py\n  x 1\n---\n{",
        "none": note("", prompts=said),
        "silent": note(
            f"silent.py\n  {KEY} 1\n", prompts=prompts([message("user", 0, "<task-notification>x")])
        ),
    }
    for name, text in raw.items():
        put(repo, commits[name], text)

    counts = import_git_ai(repo.opened)

    reasons = {left.commit: left.reason for left in counts.left}
    assert {name: reasons[commit] for name, commit in commits.items()} == {
        "session": "what was said to codex is neither in the note nor on this machine",
        "test": "its conversation is one of git-ai's own tests",
        "version": "note that is broken, or of another version",
        "broken": "note that is broken, or of another version",
        "none": "no line of it comes from a conversation with an agent",
        "silent": "nobody typed anything in its conversations",
    }
    assert counts.intents == 0


def test_the_same_import_again_adds_nothing(repo: RepoBuilder) -> None:
    a = repo.commit("a", {"a.py": "a\n"})
    put(repo, a, note(f"a.py\n  {KEY} 1\n", prompts=prompts([message("user", 0, "Add a.")])))
    import_git_ai(repo.opened)
    before = repo.git("rev-parse", "refs/notes/regen")

    counts = import_git_ai(repo.opened)

    assert repo.git("rev-parse", "refs/notes/regen") == before
    assert (counts.commits, counts.intents) == (0, 0)


def test_where_git_ai_recorded_nothing_the_person_is_told_how_to_fetch(repo: RepoBuilder) -> None:
    repo.commit("a", {"a.py": "a\n"})

    with pytest.raises(RegenError, match="no notes of git-ai") as error:
        import_git_ai(repo.opened)

    assert "git fetch" in error.value.hint


def test_the_command_counts_for_scripts(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a = repo.commit("a", {"a.py": "a\n"})
    put(repo, a, note(f"a.py\n  {KEY} 1\n", prompts=prompts([message("user", 0, "Add a.")])))
    monkeypatch.chdir(repo.path)

    assert run(["import", "git-ai", "--dry-run", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["commits"], said["intents"], said["prompts"], said["left"]) == (1, 1, 1, [])


PATHS = st.text(alphabet="abc/. é", min_size=1, max_size=12).filter(lambda path: path.strip() == path)
RANGES = st.lists(st.tuples(st.integers(1, 999), st.integers(0, 50)), min_size=1, max_size=4)
HUMAN, SESSION = "h_0123456789abcd", "s_0123456789abcd"


@given(st.dictionaries(PATHS, st.dictionaries(st.sampled_from([KEY, HUMAN, SESSION]), RANGES, min_size=1)))
def test_what_is_written_as_a_note_is_read_back(files: dict[str, dict[str, list[tuple[int, int]]]]) -> None:
    lines = ""
    for path, entries in files.items():
        lines += (f'"{path}"' if " " in path else path) + "\n"
        for key, ranges in entries.items():
            full = f"{key}::t_0123456789abcd" if key == SESSION else key
            lines += f"  {full} " + ",".join(f"{a}-{a + n}" if n else str(a) for a, n in ranges) + "\n"
    sessions = {SESSION: {"agent_id": {"tool": "codex", "id": "other"}}}
    found = parse_ai_note(note(lines, prompts=prompts([message("user", 0, "Hi.")]), sessions=sessions))

    assert found is not None
    wrote = {one.tool: set(paths) for one, paths in found.wrote.items()}
    for tool, key in (("cursor", KEY), ("codex", SESSION)):
        assert wrote.get(tool, set()) == {path for path, entries in files.items() if key in entries}
    assert found.hand == {
        path: tuple(sorted(LineRange(a, a + n) for a, n in entries[HUMAN]))
        for path, entries in files.items()
        if HUMAN in entries
    }


@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet='a.py\n -0123"{}:,', max_size=120).map(str.encode))
)
def test_no_bytes_make_the_reader_fail(raw: bytes) -> None:
    parse_ai_note(raw)
    parse_ai_note(raw + b"\n---\n" + raw)
    parse_ai_note(b'a\n  k 1\n---\n{"schema_version": "authorship/3.0.0", "prompts": ' + raw + b"}")


@given(
    st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))
)
def test_no_odd_value_makes_the_reader_fail(odd: Any) -> None:
    for about in (
        {"prompts": odd},
        {"prompts": {"k": odd}},
        {"prompts": {"k": {"agent_id": odd, "messages": odd}}},
    ):
        assert parse_ai_note(note("a\n  k 1\n", **about)) is not None
