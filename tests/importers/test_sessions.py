from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from regen_git.agents import NAMES
from regen_git.agents.transcripts import Session, Turn, Typed
from regen_git.cli.main import run
from regen_git.domain.ids import derived_intent_id, new_intent_id
from regen_git.domain.intent import Agent, Binding, Intent, Prompt
from regen_git.errors import RegenError
from regen_git.importers.history import Counts
from regen_git.importers.matching import Found
from regen_git.importers.sessions import import_found, import_sessions
from regen_git.importers.survey import survey
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from support.builder import RepoBuilder

SESSION = "5e55104a-0000-4000-8000-000000000000"


class Sessions:
    """Claude Code's folder of transcripts for one repository; minutes count from before the first commit."""

    def __init__(self, home: Path, top: Path) -> None:
        self.top = top
        encoded = re.sub(r"[^A-Za-z0-9-]", "-", os.path.realpath(top))
        self.folder = home / ".claude" / "projects" / encoded
        self.folder.mkdir(parents=True)

    def write(
        self, turns: list[tuple[float, str, list[str], str]], session: str = SESSION, cwd: str = ""
    ) -> None:
        """Write turns of (minute, prompt, files written, short id of the agent's own commit)."""
        lines: list[dict[str, Any]] = []

        def line(kind: str, minute: float, content: Any, **more: Any) -> None:
            seconds = 4 * 60 + 5 + int(minute * 60)
            at = f"2026-01-02T03:{seconds // 60:02}:{seconds % 60:02}.500Z"
            parent = lines[-1]["uuid"] if lines else None
            head = {"type": kind, "uuid": f"{session}-{len(lines)}", "parentUuid": parent, "timestamp": at}
            about = {"sessionId": session, "cwd": cwd or str(self.top), "version": "2.1.0"}
            lines.append({**head, **about, "message": {"content": content, "model": "claude-x"}, **more})

        for minute, prompt, files, commit in turns:
            line("user", minute, prompt, promptId=f"key of {prompt}", promptSource="typed")
            uses: list[tuple[str, dict[str, Any], dict[str, Any]]]
            uses = [("Write", {"file_path": str(self.top / f)}, {"filePath": f}) for f in files]
            if commit:
                made = {"gitOperation": {"commit": {"sha": commit, "kind": "committed"}}}
                uses.append(("Bash", {"command": "git commit -m x"}, made))
            for tool, given, result in uses:
                use = f"t{len(lines)}"
                line("assistant", minute, [{"type": "tool_use", "id": use, "name": tool, "input": given}])
                line("user", minute, [{"type": "tool_result", "tool_use_id": use}], toolUseResult=result)
        (self.folder / f"{session}.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in lines))


@pytest.fixture
def sessions(tmp_path: Path, repo: RepoBuilder) -> Sessions:
    return Sessions(tmp_path / "home", repo.path)


def words(repo: RepoBuilder, commit: str) -> list[list[str]]:
    note = Ledger(repo.opened).of(commit)
    return [[prompt.text for prompt in intent.prompts] for intent in note.intents.values()]


def test_a_prompt_goes_to_the_first_later_commit_that_changes_its_files(
    repo: RepoBuilder, sessions: Sessions
) -> None:
    repo.commit("Start", {"a.py": "0\n", "b.py": "0\n"})
    other = repo.commit("Unrelated", {"b.py": "1\n"})
    mine = repo.commit("Cache", {"a.py": "1\n", "c.py": "1\n"})
    later = repo.commit("Cache again", {"a.py": "2\n"})
    sessions.write(
        [(0.5, "What is here?", [], ""), (0.6, "Add a cache", ["a.py", "d.py"], ""), (0.7, "Thanks", [], "")]
    )
    counts = import_sessions(repo.opened, ["claude"])
    assert (counts.commits, counts.intents, counts.prompts, counts.sessions) == (1, 1, 2, 1)
    assert [(orphan.text, orphan.reason) for orphan in counts.orphans] == [
        ("Thanks", "no file was written after it in its session")
    ]
    assert (words(repo, other), words(repo, later)) == ([], [])
    note = Ledger(repo.opened).of(mine)
    [intent] = note.intents.values()
    assert [prompt.text for prompt in intent.prompts] == ["What is here?", "Add a cache"]
    assert intent.id == derived_intent_id("claude", "key of What is here?")
    assert (intent.origin, intent.author) == ("imported", "Ada Example <ada@example.org>")
    assert intent.agent is not None
    assert (intent.agent.name, intent.agent.version) == ("claude", "2.1.0")
    assert (intent.agent.model, intent.agent.session) == ("claude-x", SESSION)
    assert intent.prompts[0].at == "2026-01-02T03:04:35Z"
    [binding] = note.bindings
    assert binding.wrote == ("a.py",)
    assert binding.result == repo.git("rev-parse", f"{mine}^{{tree}}")


def test_a_commit_that_the_agent_made_itself_wins(repo: RepoBuilder, sessions: Sessions) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    repo.commit("By hand meanwhile", {"a.py": "1\n"})
    mine = repo.commit("Cache", {"b.py": "1\n", "c.py": "1\n"})
    sessions.write([(0.5, "Add a cache", ["a.py"], mine[:7]), (0.6, "Commit", [], "0000000")])
    counts = import_sessions(repo.opened, ["claude"])
    assert words(repo, mine) == [["Add a cache"]]
    assert len(counts.orphans) == 1


def test_one_session_is_cut_at_its_commits(repo: RepoBuilder, sessions: Sessions) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    first = repo.commit("One", {"a.py": "1\n"})
    second = repo.commit("Two", {"a.py": "2\n"})
    turns = [(0.2, "one", ["a.py"], ""), (0.4, "and test it", ["a.py"], ""), (1.5, "two", ["a.py"], "")]
    sessions.write(turns)
    counts = import_sessions(repo.opened, ["claude"])
    assert (counts.commits, counts.intents, counts.prompts) == (2, 2, 3)
    assert words(repo, first) == [["one", "and test it"]]
    assert words(repo, second) == [["two"]]


def test_a_second_import_changes_nothing_even_after_the_session_went_on(
    repo: RepoBuilder, sessions: Sessions
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    repo.commit("One", {"a.py": "1\n"})
    sessions.write([(0.5, "one", ["a.py"], "")])
    import_sessions(repo.opened, ["claude"])
    tip = repo.git("rev-parse", "refs/notes/regen")
    sessions.write([(0.5, "one", ["a.py"], ""), (9, "two", ["a.py"], "")])
    counts = import_sessions(repo.opened, ["claude"])
    assert (counts.intents, counts.skipped, len(counts.orphans)) == (0, {"already in the ledger": 1}, 1)
    assert repo.git("rev-parse", "refs/notes/regen") == tip


def test_a_prompt_that_was_captured_on_the_commit_is_not_imported_again(
    repo: RepoBuilder, sessions: Sessions
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = repo.commit("One", {"a.py": "1\n"})
    captured = Intent(new_intent_id(), (Prompt("Add a cache\n"),), "captured")
    Ledger(repo.opened).append({mine: [captured, Binding(captured.id)]})
    sessions.write([(0.5, "Add a cache", ["a.py"], "")])
    assert import_sessions(repo.opened, ["claude"]).skipped == {"already in the ledger": 1}
    assert words(repo, mine) == [["Add a cache\n"]]


def test_a_prompt_that_was_captured_anywhere_is_not_imported_again(
    repo: RepoBuilder, sessions: Sessions
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    elsewhere = repo.commit("Captured here", {"z.py": "1\n"})
    mine = repo.commit("One", {"a.py": "1\n", "b.py": "1\n"})
    # As the hooks record it: the first prompt names the intent, the session is whole, clocks differ a little.
    captured = Intent(
        derived_intent_id("claude", "key of Add a cache"),
        (Prompt("Add a cache", at="2026-01-02T03:04:36Z"), Prompt("With a limit", at="2026-01-02T03:04:42Z")),
        "captured",
        agent=Agent("claude", session=SESSION),
    )
    Ledger(repo.opened).append({elsewhere: [captured, Binding(captured.id)]})
    turns = [(0.5, "Add a cache", ["a.py"], ""), (0.6, "With a limit", ["a.py"], "")]
    sessions.write(turns)
    counts = import_sessions(repo.opened, ["claude"])
    assert (counts.intents, counts.skipped) == (0, {"already in the ledger": 1})
    assert words(repo, mine) == []
    sessions.write([*turns, (0.8, "And b", ["b.py"], "")])
    import_sessions(repo.opened, ["claude"])
    note = Ledger(repo.opened).of(mine)
    assert words(repo, mine) == [["And b"]]
    assert list(note.intents) == [derived_intent_id("claude", "key of And b")]


def test_a_fork_does_not_repeat_the_prompts_it_copied(repo: RepoBuilder, sessions: Sessions) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = repo.commit("One", {"a.py": "1\n", "b.py": "1\n"})
    sessions.write([(0.5, "one", ["a.py"], "")])
    fork = "f0f0f0f0-0000-4000-8000-000000000000"
    sessions.write([(0.5, "one", ["a.py"], ""), (0.7, "two", ["b.py"], "")], session=fork)
    import_sessions(repo.opened, ["claude"])
    assert words(repo, mine) == [["one"], ["two"]]


def test_other_folders_old_prompts_and_files_outside_are_left_with_a_reason(
    repo: RepoBuilder, sessions: Sessions, tmp_path: Path
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    repo.ticks = 60 * 24 * 15
    late = repo.commit("Two weeks later", {"a.py": "1\n"})
    sessions.write([(0.5, "one", ["a.py"], ""), (0.6, "two", ["../elsewhere.py"], "")])
    sessions.write(
        [(0.5, "of another folder", ["a.py"], "")], session="0" * 8, cwd=str(tmp_path / "repo-src")
    )
    counts = import_sessions(repo.opened, ["claude"])
    assert words(repo, late) == []
    assert [orphan.reason for orphan in counts.orphans] == [
        "no commit within 14 days changed a file written for it",
        "the files written for it are outside this repository",
    ]


def test_sessions_in_linked_worktrees_count(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    mine = repo.commit("One", {"a.py": "1\n"})
    Sessions(tmp_path / "home", tmp_path / "side").write([(0.5, "one", ["a.py"], "")])
    import_sessions(repo.opened, ["claude"])
    assert words(repo, mine) == [["one"]]


def test_secrets_are_taken_out(repo: RepoBuilder, sessions: Sessions) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    repo.commit("Start", {"a.py": "0\n"})
    repo.commit("One", {"a.py": "1\n"})
    sessions.write([(0.5, f"Log in with {token}", ["a.py"], "")])
    import_sessions(repo.opened, ["claude"])
    assert token not in repo.git("log", "--notes=regen", "-p", "refs/notes/regen", "HEAD")
    [intent] = Ledger(repo.opened).of(repo.git("rev-parse", "HEAD")).intents.values()
    assert intent.redacted == 1


def test_the_survey_offers_only_what_would_add_something(repo: RepoBuilder, sessions: Sessions) -> None:
    assert survey(repo.opened) == []
    repo.commit("Start", {"a.py": "0\n"})
    repo.commit("Ask Claude\n\nPrompt: one", {"b.py": "1\n"})
    assert [offer.question for offer in survey(repo.opened)] == [
        "1 of your last 2 commit messages carry 1 prompt: import?"
    ]
    sessions.write([(0.5, "two", ["b.py"], "")])
    offers = survey(repo.opened)
    assert offers[0].question == (
        "1 prompt in 1 local session of Claude Code match 1 of your last 1 commit: import?"
    )
    assert repo.git("for-each-ref", "refs/notes") == ""
    assert [offer.command for offer in offers] == ["git regen import claude", "git regen import commits"]
    for offer in offers:
        assert offer.run().intents == 1
    assert survey(repo.opened) == []


def test_a_prompt_goes_to_where_a_rebase_has_put_its_commit(repo: RepoBuilder, sessions: Sessions) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    repo.git("checkout", "-q", "-b", "side")
    own = repo.commit("Made by the agent", {"b.py": "1\n"})
    repo.commit("Made by hand", {"a.py": "1\n"})
    repo.commit("By hand, later", {"a.py": "2\n"})
    repo.git("checkout", "-q", "main")
    repo.ticks = 60 * 24 * 30
    repo.commit("Upstream", {"c.py": "1\n"})
    repo.git("checkout", "-q", "side")
    late = {"GIT_COMMITTER_DATE": f"{1_767_323_045 + 60 * repo.ticks} +0000"}
    repo.git("rebase", "-q", "main", env=late)
    sessions.write(
        [(0.5, "one", ["b.py"], own[:7]), (1.5, "two", ["a.py"], ""), (2.5, "three", ["a.py"], "")]
    )
    counts = import_sessions(repo.opened, ["claude"])
    assert words(repo, repo.git("rev-parse", "HEAD~2")) == [["one"]]
    assert words(repo, repo.git("rev-parse", "HEAD~1")) == [["two"]]
    assert words(repo, repo.git("rev-parse", "HEAD")) == [["three"]]
    assert counts.orphans == []


def test_a_prompt_before_an_amend_belongs_to_what_was_amended(repo: RepoBuilder, sessions: Sessions) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    repo.commit("One", {"a.py": "1\n"})
    repo.write({"a.py": "2\n"})
    repo.git("commit", "-qa", "--amend", "-m", "One", env={"GIT_COMMITTER_DATE": "2026-01-02T03:06:05Z"})
    mine = repo.git("rev-parse", "HEAD")
    repo.ticks = 5
    repo.commit("Next", {"a.py": "3\n"})
    sessions.write([(0.5, "one", ["a.py"], ""), (1.5, "and mend it", ["a.py"], "")])
    import_sessions(repo.opened, ["claude"])
    assert words(repo, mine) == [["one", "and mend it"]]


def test_what_a_partial_commit_leaves_goes_to_the_next_one_as_well(
    repo: RepoBuilder, sessions: Sessions
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    first = repo.commit("One", {"a.py": "1\n"})
    second = repo.commit("Two", {"b.py": "1\n"})
    repo.ticks = 60 * 24 * 2
    late = repo.commit("Another day", {"c.py": "1\n"})
    sessions.write([(0.5, "both", ["a.py", "b.py", "c.py"], "")])
    counts = import_sessions(repo.opened, ["claude"])
    assert (counts.commits, counts.intents, counts.prompts) == (2, 1, 1)
    ledger = Ledger(repo.opened)
    assert [list(ledger.of(one).intents) for one in (first, second)] == [
        [derived_intent_id("claude", "key of both")]
    ] * 2
    assert [ledger.of(one).bindings[0].wrote for one in (first, second)] == [("a.py",), ("b.py",)]
    assert words(repo, late) == []


def test_prompts_of_commits_before_a_range_are_not_pressed_into_it(
    repo: RepoBuilder, sessions: Sessions
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    before = repo.commit("One", {"a.py": "1\n"})
    repo.git("tag", "v1")
    inside = repo.commit("Two", {"a.py": "2\n"})
    sessions.write([(0.5, "one", ["a.py"], ""), (1.5, "two", ["a.py"], "")])
    counts = import_sessions(repo.opened, ["claude"], "v1..HEAD")
    assert (counts.intents, counts.looked_at) == (1, 1)
    assert counts.skipped == {"their commit is outside of the range": 1}
    assert (words(repo, before), words(repo, inside)) == ([], [["two"]])
    assert import_sessions(repo.opened, ["claude"], max_count=1).intents == 0
    with pytest.raises(RegenError):
        import_sessions(repo.opened, ["claude"], "nosuch..HEAD")


def test_a_session_that_another_agent_has_copied_is_taken_once(repo: RepoBuilder, sessions: Sessions) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = repo.commit("One", {"a.py": "1\n"})
    sessions.write([(0.5, "Add a cache", ["a.py"], "")])
    folder = sessions.folder.parents[1].parent / ".factory" / "sessions" / sessions.folder.name
    folder.mkdir(parents=True)
    at = "2026-01-02T03:04:35.000Z"

    def line(number: int, role: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        message = {"role": role, "content": content}
        return {
            "type": "message",
            "id": f"m{number}",
            "parentId": f"m{number - 1}",
            "timestamp": at,
            "message": message,
        }

    wrote = {
        "type": "tool_use",
        "id": "t1",
        "name": "Create",
        "input": {"file_path": str(repo.path / "a.py")},
    }
    lines = [
        {"type": "session_start", "id": SESSION, "cwd": str(repo.path), "title": "x"},
        line(1, "user", [{"type": "text", "text": "Add a cache"}]),
        line(2, "assistant", [wrote]),
        line(3, "user", [{"type": "tool_result", "tool_use_id": "t1", "content": "ok"}]),
    ]
    (folder / f"{SESSION}.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    counts = import_sessions(repo.opened, ["claude", "droid"])
    assert (counts.sessions, counts.intents, counts.skipped) == (2, 1, {"already in the ledger": 1})
    assert words(repo, mine) == [["Add a cache"]]
    assert import_sessions(repo.opened, ["droid"]).intents == 0


def test_progress_is_told_for_each_transcript(repo: RepoBuilder, sessions: Sessions) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    sessions.write([(0.5, "one", ["a.py"], "")])
    sessions.write([(0.6, "two", ["a.py"], "")], session="f" * 8)
    told: list[tuple[int, int]] = []
    import_sessions(repo.opened, ["claude"], on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_what_a_prompt_points_at_is_kept_as_hooks_keep_it(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit("Start", {"a.py": "0\n", "docs/x.md": "old\n"})
    mine = repo.commit("One", {"a.py": "1\n", "docs/x.md": "new\n", "docs/new.md": "x\n"})
    top = str(repo.path)
    refs = (f"{top}/docs/x.md", f"{top}/docs/new.md", f"{top}/gone.md", "/review", str(tmp_path / "other.md"))
    at = "2026-01-02T03:04:35Z"
    turn = Turn("k", (Typed("Go", at, "Shall I?", refs),), at, at, edits=(f"{top}/a.py",))
    found = [Found("codex", Session("s" * 8, top, None, at, (turn,)))]
    import_found(repo.opened, found, "HEAD", counts=Counts(), tops=[top], source="x")
    [prompt] = Ledger(repo.opened).of(mine).intents[derived_intent_id("codex", "k")].prompts
    blobs = [repo.git("rev-parse", name) for name in ("HEAD~1:docs/x.md", "HEAD:docs/new.md")]
    assert prompt.refs == (f"docs/x.md@{blobs[0]}", f"docs/new.md@{blobs[1]}", "gone.md", "/review")
    assert prompt.answers == "Shall I?"


def test_what_a_prompt_answers_is_left_out_where_somebody_wants_that(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = repo.commit("One", {"a.py": "1\n"})
    repo.git("config", "regen.context", "false")
    at = "2026-01-02T03:04:35Z"
    turn = Turn("k", (Typed("Yes", at, "Shall I?"),), at, at, edits=(f"{repo.path}/a.py",))
    found = [Found("codex", Session("s" * 8, str(repo.path), None, at, (turn,)))]
    import_found(repo.opened, found, "HEAD", counts=Counts(), tops=[str(repo.path)], source="x")
    [intent] = Ledger(repo.opened).of(mine).intents.values()
    assert [(prompt.text, prompt.answers) for prompt in intent.prompts] == [("Yes", None)]


def test_every_agent_has_its_import_and_scripts_get_counts(
    repo: RepoBuilder, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = repo.commit("One", {"a.py": "1\n"})
    sessions.write([(0.5, "one", ["a.py"], ""), (0.6, "two", [], "")])
    monkeypatch.chdir(repo.path)
    for name in NAMES:
        assert run(["import", name, "--dry-run", "--json"]) == (2 if name == "amp" else 0), name
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["prompts"] for one in shown] == [1, *[0] * (len(NAMES) - 2)]
    assert words(repo, mine) == []
    assert run(["import", "sessions", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {key: told[key] for key in ("commits", "intents", "prompts", "orphans", "sessions")} == {
        "commits": 1,
        "intents": 1,
        "prompts": 1,
        "orphans": 1,
        "sessions": 1,
    }
    assert words(repo, mine) == [["one"]]
    assert run(["import", "-h"]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in (*NAMES, "sessions", "specstory") if name != "amp")
    assert run(["import", "nosuch"]) == 2
