"""Which prompts belong to which commit, where several things happen at once or in an unusual order."""

from __future__ import annotations

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.lab import WITHOUT_HOOKS

from regen_git.agents import AgentEvent
from regen_git.capture.aside import spool
from regen_git.capture.events import file_event
from regen_git.capture.flush import flush
from regen_git.capture.inbox import Inbox
from regen_git.capture.setup import set_up
from regen_git.git.repository import Repository
from regen_git.importers.reading import one

if TYPE_CHECKING:
    from support.lab import Lab

    from regen_git.domain.intent import Binding


def tell(lab: Lab, agent: str, kind: str, *, session: str = "s1", **more: str) -> None:
    """Hand an event of any agent to capture, in this process."""
    more.setdefault("cwd", str(lab.path))
    file_event(AgentEvent(kind=kind, agent=agent, session=session, **more))  # type: ignore[arg-type]


def asked(lab: Lab, text: str, *, session: str = "s1", agent: str = "claude", **more: str) -> None:
    """Type a prompt, whose turn has the text's name."""
    tell(
        lab, agent, "prompt", session=session, text=text, turn=f"turn of {text}", key=f"key of {text}", **more
    )


def wrote(
    lab: Lab, text: str, name: str, content: str, *, session: str = "s1", agent: str = "claude"
) -> None:
    """Let an agent write a file on a prompt."""
    path = lab.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    tell(lab, agent, "edit", session=session, turn=f"turn of {text}", path=str(path))


def texts(lab: Lab, rev: str = "HEAD") -> list[str]:
    flush(lab.repo)
    intents = one(lab.repo, rev).note.intents.values()
    return sorted(prompt.text for intent in intents for prompt in intent.prompts)


def binding(lab: Lab, text: str, rev: str = "HEAD") -> Binding:
    """Return what the intent with this prompt did in a commit."""
    flush(lab.repo)
    told = one(lab.repo, rev)
    intent = next(i for i in told.note.intents.values() if any(p.text == text for p in i.prompts))
    found = told.binding(intent)
    assert found is not None
    return found


def commit_all(lab: Lab, message: str, **env: str) -> str:
    lab.git("add", "-A")
    return lab.commit(message, env=env)[1]


def test_a_new_file_that_was_stashed_away_keeps_its_prompt(lab: Lab) -> None:
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "a\n")
    lab.git("stash", "-u")
    (lab.path / "hand.txt").write_text("by hand\n")
    commit_all(lab, "By hand")
    assert texts(lab) == []
    lab.git("stash", "pop")
    commit_all(lab, "Add a")
    assert texts(lab) == ["Write a"]


def test_a_changed_file_that_was_stashed_away_keeps_its_prompt(lab: Lab) -> None:
    asked(lab, "Say more")
    wrote(lab, "Say more", "README", "hello\nmore\n")
    lab.git("stash")
    (lab.path / "hand.txt").write_text("by hand\n")
    commit_all(lab, "By hand")
    lab.git("stash", "pop")
    commit_all(lab, "Say more")
    assert texts(lab) == ["Say more"]


def test_a_switch_of_branches_between_the_edit_and_the_commit_changes_nothing(lab: Lab) -> None:
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "a\n")
    lab.git("checkout", "-q", "-b", "other")
    commit_all(lab, "Add a")
    assert texts(lab) == ["Write a"]


def test_edits_without_a_turn_s_id_stay_with_their_turn_when_later_ones_are_retired(lab: Lab) -> None:
    def ask(text: str) -> None:
        tell(lab, "copilot", "prompt", text=text, key=text)

    def write(name: str, content: str) -> None:
        (lab.path / name).write_text(content)
        tell(lab, "copilot", "edit", path=str(lab.path / name))

    ask("Write b")
    write("b.txt", "b\n")
    ask("Write a")
    write("a.txt", "a\n")
    lab.git("add", "a.txt")
    lab.commit("Add a")
    assert texts(lab) == ["Write a"]
    ask("Now explain")
    (lab.path / "hand").write_text("hand\n")
    lab.git("add", "hand")
    lab.commit("By hand")
    assert texts(lab) == []
    (lab.path / "a.txt").write_text("a by hand\n")
    lab.git("add", "a.txt")
    lab.commit("Mend a by hand")
    assert texts(lab) == []


def test_an_edit_of_a_session_without_turns_and_prompts_is_told_of(lab: Lab) -> None:
    tell(lab, "copilot", "session")
    (lab.path / "a.txt").write_text("a\n")
    tell(lab, "copilot", "edit", path=str(lab.path / "a.txt"))
    said = commit_all(lab, "Add a")
    assert "NOTHING recorded" in said


def test_an_agent_that_commits_in_another_worktree_takes_the_prompt_that_asked_for_it(
    lab: Lab, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    asked(lab, "Make a worktree and write a there")
    lab.git("worktree", "add", "-q", str(other))
    (other / "a.txt").write_text("a\n")
    env = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s1"}
    assert lab.run("git", "-C", str(other), "add", "-A").returncode == 0
    done = lab.run("git", "-C", str(other), "commit", "-q", "-m", "Add a", env=env)
    assert b"recorded 1 prompt" in done.stderr, done.stderr
    assert texts(lab, "other") == ["Make a worktree and write a there"]


def test_an_agent_that_names_no_session_commits_in_another_worktree(lab: Lab, tmp_path: Path) -> None:
    other = tmp_path / "other"
    asked(lab, "Make a worktree and write a there", agent="gemini")
    lab.git("worktree", "add", "-q", str(other))
    (other / "a.txt").write_text("a\n")
    assert lab.run("git", "-C", str(other), "add", "-A").returncode == 0
    done = lab.run("git", "-C", str(other), "commit", "-q", "-m", "Add a", env={"GEMINI_CLI": "1"})
    assert b"recorded 1 prompt" in done.stderr, done.stderr
    assert texts(lab, "other") == ["Make a worktree and write a there"]


def test_a_person_who_commits_in_another_worktree_takes_nothing_of_a_session_here(
    lab: Lab, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    asked(lab, "Explain the parser")
    lab.git("worktree", "add", "-q", str(other))
    (other / "a.txt").write_text("a\n")
    assert lab.run("git", "-C", str(other), "add", "-A").returncode == 0
    done = lab.run("git", "-C", str(other), "commit", "-q", "-m", "Add a")
    assert done.stderr == b""
    assert texts(lab, "other") == []


def test_a_prompt_that_two_forks_share_binds_the_files_of_both(lab: Lab) -> None:
    for session, name in (("s1", "a.txt"), ("s2", "b.txt")):
        asked(lab, "Write it", session=session)
        wrote(lab, "Write it", name, "x\n", session=session)
    lab.git("add", "a.txt")
    lab.commit("Add a")
    assert binding(lab, "Write it").wrote == ("a.txt",)
    lab.git("add", "b.txt")
    lab.commit("Add b")
    assert binding(lab, "Write it").wrote == ("b.txt",)


def test_a_fork_that_writes_on_a_prompt_of_its_parent_has_that_prompt(lab: Lab) -> None:
    asked(lab, "Write it")
    wrote(lab, "Write it", "b.txt", "x\n", session="fork")
    commit_all(lab, "Add b")
    assert texts(lab) == ["Write it"]


def test_what_is_written_while_a_commit_waits_for_its_note_takes_no_earlier_prompt_along(lab: Lab) -> None:
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "one\n")
    lab.git("add", "-A")
    data = lab.data
    (data / "flush.lock").touch()
    import fcntl

    with (data / "flush.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lab.commit("Add a")
        asked(lab, "Write it anew")
        wrote(lab, "Write it anew", "a.txt", "two\n")
    lab.let_hooks_finish()
    commit_all(lab, "Change a")
    assert texts(lab) == ["Write it anew"]
    assert texts(lab, "HEAD~") == ["Write a"]


def test_a_file_that_the_agent_wrote_and_moved_belongs_to_its_prompt(lab: Lab) -> None:
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "what was written\n")
    (lab.path / "src").mkdir()
    (lab.path / "a.txt").rename(lab.path / "src" / "b.txt")
    commit_all(lab, "Add src/b.txt")
    assert texts(lab) == ["Write a"]
    assert binding(lab, "Write a").wrote == ("src/b.txt",)


def test_a_file_of_the_history_that_was_changed_and_moved_is_in_the_footprint(lab: Lab) -> None:
    asked(lab, "Say more")
    wrote(lab, "Say more", "README", "hello\nand more than that\n")
    lab.git("add", "-A")
    lab.git("mv", "README", "README.md")
    lab.commit("Say more")
    assert binding(lab, "Say more").wrote == ("README", "README.md")


def test_two_agents_in_one_commit_of_one_of_them(lab: Lab) -> None:
    asked(lab, "Write a", session="one")
    wrote(lab, "Write a", "a.txt", "a\n", session="one")
    asked(lab, "Write b", session="two", agent="codex")
    wrote(lab, "Write b", "b.txt", "b\n", session="two", agent="codex")
    commit_all(lab, "Add both", CODEX_THREAD_ID="two")
    assert texts(lab) == ["Write a", "Write b"]


def test_several_commits_in_one_turn_have_one_intent_each_with_its_own_files(lab: Lab) -> None:
    env = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "s1"}
    asked(lab, "Write three")
    for name in ("a", "b", "c"):
        wrote(lab, "Write three", name, name)
        commit_all(lab, f"Add {name}", **env)
    for rev, name in (("HEAD", "c"), ("HEAD~", "b"), ("HEAD~2", "a")):
        assert binding(lab, "Write three", rev).wrote == (name,)
    tell(lab, "claude", "end", turn="turn of Write three")
    (lab.path / "hand").write_text("hand")
    commit_all(lab, "By hand")
    assert texts(lab) == []


def test_parts_of_a_file_committed_one_after_the_other_are_of_one_intent(lab: Lab) -> None:
    base = "".join(f"{i}\n" for i in range(30))
    (lab.path / "f").write_text(base)
    commit_all(lab, "Base")
    asked(lab, "Mend both ends")
    wrote(lab, "Mend both ends", "f", "first\n" + base + "last\n")
    lab.git("add", "-p", "f", stdin=b"y\nn\n")
    lab.commit("First part")
    assert texts(lab) == ["Mend both ends"]
    commit_all(lab, "Second part")
    assert texts(lab) == ["Mend both ends"]
    (lab.path / "f").write_text("by hand\n")
    commit_all(lab, "By hand")
    assert texts(lab) == []


@pytest.mark.parametrize("way", [("-a",), ("--", "README"), ("--only", "README"), ("--include", "README")])
def test_what_is_staged_by_the_commit_itself_is_matched(lab: Lab, way: tuple[str, ...]) -> None:
    asked(lab, "Say more")
    wrote(lab, "Say more", "README", "more\n")
    asked(lab, "Write a", session="s2")
    wrote(lab, "Write a", "a.txt", "a\n", session="s2")
    lab.commit("Say more", *way)
    assert texts(lab) == ["Say more"]
    commit_all(lab, "Add a")
    assert texts(lab) == ["Write a"]


def test_a_session_that_crashed_leaves_its_edits_and_no_more_to_the_next(lab: Lab) -> None:
    asked(lab, "Write a", session="crashed")
    wrote(lab, "Write a", "a.txt", "a\n", session="crashed")
    tell(lab, "claude", "session", session="new")
    asked(lab, "Write b", session="new")
    wrote(lab, "Write b", "b.txt", "b\n", session="new")
    lab.git("add", "b.txt")
    lab.commit("Add b")
    assert texts(lab) == ["Write b"]
    commit_all(lab, "Add a")
    assert texts(lab) == ["Write a"]


def test_a_subagent_s_edits_belong_to_what_the_person_typed(lab: Lab) -> None:
    key = lab.prompt("Let helpers write a and b")
    for name in ("a.txt", "b.txt"):
        lab.edit(key, name, f"{name}\n", agent_id="helper", agent_type="general-purpose")
    lab.git("add", "-A")
    lab.commit("Add both")
    assert binding(lab, "Let helpers write a and b").wrote == ("a.txt", "b.txt")


def test_an_edit_that_was_rewound_has_no_part_in_later_commits(lab: Lab) -> None:
    asked(lab, "Say it badly")
    wrote(lab, "Say it badly", "README", "bad\n")
    (lab.path / "README").write_text("hello\n")
    tell(lab, "claude", "session")
    asked(lab, "Say it well")
    wrote(lab, "Say it well", "README", "hello, well\n")
    commit_all(lab, "Say it well")
    assert "Say it well" in texts(lab)


def test_an_edit_that_was_undone_is_forgotten_by_the_next_commits(lab: Lab) -> None:
    asked(lab, "Say it badly")
    wrote(lab, "Say it badly", "README", "bad\n")
    lab.git("checkout", "-q", "--", "README")
    (lab.path / "x").write_text("x\n")
    commit_all(lab, "By hand")
    flush(lab.repo)
    (lab.path / "README").write_text("by hand\n")
    commit_all(lab, "Also by hand")
    assert texts(lab) == []


def test_edits_in_a_nested_repository_leave_the_outer_one_s_commits_alone(lab: Lab) -> None:
    nested = lab.path / "vendor" / "lib"
    nested.mkdir(parents=True)
    assert lab.run("git", "init", "-q", str(nested)).returncode == 0
    asked(lab, "Mend the library")
    (nested / "lib.c").write_text("int x;\n")
    tell(lab, "claude", "edit", turn="turn of Mend the library", path=str(nested / "lib.c"))
    (lab.path / "hand").write_text("hand\n")
    lab.git("add", "hand")
    lab.commit("By hand")
    assert texts(lab) == []


def test_prompts_before_the_one_that_edits_a_nested_repository_go_there_too(lab: Lab) -> None:
    nested = lab.path / "lib"
    nested.mkdir()
    assert lab.run("git", "init", "-q", str(nested)).returncode == 0
    asked(lab, "How should the library be mended?")
    asked(lab, "Then do so")
    (nested / "lib.c").write_text("int x;\n")
    tell(lab, "claude", "edit", turn="turn of Then do so", path=str(nested / "lib.c"))
    assert lab.run("git", "-C", str(nested), "add", "-A").returncode == 0
    assert lab.run("git", "-C", str(nested), "commit", "-q", "-m", "Mend").returncode == 0
    from regen_git.capture.setup import set_up
    from regen_git.git.repository import Repository

    inner = Repository.open(nested)
    set_up(inner)
    (nested / "lib.c").write_text("int y;\n")
    tell(lab, "claude", "edit", turn="turn of Then do so", path=str(nested / "lib.c"))
    done = lab.run("git", "-C", str(nested), "commit", "-q", "-am", "Mend again")
    assert b"recorded 2 prompts" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "a\0b",
        "half \ud83d of it",
        "\udcff",
        "e\u0301\u202e\u2028x",
        "\ufeffbom",
        "---\nintent: x\n---",
        "# c\r\nd",
    ],
)
def test_odd_characters_in_a_prompt_cost_nothing_but_themselves(lab: Lab, text: str) -> None:
    key = lab.prompt(f"start {text} end")
    lab.edit(key, "a.txt", "a\n")
    commit_all(lab, "Add a")
    (found,) = texts(lab)
    assert found.startswith("start ")
    assert found.endswith(" end")


@pytest.mark.parametrize("agent", ["copilot", "gemini", "qwen", "codex", "droid"])
def test_half_a_character_in_a_payload_of_any_agent_costs_no_prompt(lab: Lab, agent: str) -> None:
    names = {"gemini": "BeforeAgent"}
    payload = {
        "hook_event_name": names.get(agent, "UserPromptSubmit"),
        "session_id": "s1",
        "cwd": str(lab.path),
        "prompt": "half \ud83d of it",
        "timestamp": "2026-01-02T03:04:05.678Z",
    }
    lab.run("git-regen", "capture", "--agent", agent, stdin=json.dumps(payload).encode(), cwd=Path("/"))
    assert [e.kind for e in lab.inbox().read()] == ["prompt"]


def test_a_file_with_half_a_character_in_its_name_costs_no_prompt(lab: Lab) -> None:
    key = lab.prompt("Write a")
    payload = {
        "session_id": "s1",
        "cwd": str(lab.path),
        "hook_event_name": "PostToolUse",
        "prompt_id": key,
        "tool_name": "Write",
        "tool_input": {"file_path": f"{lab.path}/a\ud83d.txt"},
    }
    done = lab.run("git-regen", "capture", "--agent", "claude", stdin=json.dumps(payload).encode())
    assert (done.returncode, done.stdout) == (0, b"")
    lab.edit(key, "a.txt", "a\n")
    commit_all(lab, "Add a")
    assert texts(lab) == ["Write a"]


def test_a_prompt_of_five_megabytes_is_recorded_whole(lab: Lab) -> None:
    text = "Do this with each line:\n" + "some line of a log\n" * 280_000
    key = lab.prompt(text)
    lab.edit(key, "a.txt", "a\n")
    commit_all(lab, "Add a")
    (found,) = texts(lab)
    assert found.rstrip("\n") == text.rstrip("\n")


def test_without_a_home_everything_in_a_repository_is_recorded(lab: Lab) -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("HOME", "XDG_DATA_HOME")}
    payload = {
        "session_id": "s1",
        "cwd": str(lab.path),
        "hook_event_name": "UserPromptSubmit",
        "prompt": "Hi",
    }
    import subprocess

    done = subprocess.run(
        ["git-regen", "capture", "--agent", "claude"],
        input=json.dumps(payload).encode(),
        env=env,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [e.text for e in lab.inbox().read()] == ["Hi"]


def test_many_captures_at_once_lose_nothing(lab: Lab) -> None:
    def ask(i: int) -> None:
        payload = {
            "session_id": f"s{i % 7}",
            "prompt_id": f"p{i}",
            "cwd": str(lab.path),
            "hook_event_name": "UserPromptSubmit",
            "prompt": f"Prompt {i}",
        }
        lab.run("git-regen", "capture", "--agent", "claude", stdin=json.dumps(payload).encode())

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(24)))
    assert sorted(e.text for e in lab.inbox().read()) == sorted(f"Prompt {i}" for i in range(24))


def test_a_session_goes_on_after_days_in_the_same_turn(lab: Lab) -> None:
    asked(lab, "Write a, then b when the data is there")
    wrote(lab, "Write a, then b when the data is there", "a.txt", "a\n")
    commit_all(lab, "Add a")
    flush(lab.repo)
    # Nothing is heard for days.
    days = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3 * 24 * 3600))
    old = [e._replace(at=days) for e in lab.inbox().read()]
    (lab.data / "inbox.jsonl").unlink()
    lab.inbox().append(old)
    (lab.path / "hand").write_text("x")
    commit_all(lab, "By hand")
    flush(lab.repo)
    wrote(lab, "Write a, then b when the data is there", "b.txt", "b\n")
    said = commit_all(lab, "Add b")
    assert texts(lab) == ["Write a, then b when the data is there"], said


def test_a_trailer_that_was_deleted_leaves_later_commits_of_the_session_alone(lab: Lab) -> None:
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "a\n")
    lab.git("add", "-A")
    editor = "sed -i -e /^Regen-Intent/d -e 1iAdd"
    lab.git("commit", "-q", env={"GIT_EDITOR": editor})
    assert texts(lab) == []
    (lab.path / "a.txt").write_text("by hand\n")
    commit_all(lab, "By hand")
    assert texts(lab) == []


def test_a_commit_without_hooks_in_another_worktree_is_that_worktree_s(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.capture.matching.YOUNG", 0)
    other = tmp_path / "other"
    lab.git("worktree", "add", "-q", str(other))
    asked(lab, "Write a there")
    flush(lab.repo)
    (other / "a.txt").write_text("a\n")
    tell(lab, "claude", "edit", turn="turn of Write a there", path=str(other / "a.txt"))
    lab.run("git", "-C", str(other), "add", "-A")
    lab.run("git", "-C", str(other), *WITHOUT_HOOKS, "commit", "-q", "-m", "Add a")
    flush(lab.repo)
    assert texts(lab, "other") == ["Write a there"]


def test_a_submodule_s_commit_and_the_outer_one_that_takes_it_up_have_the_prompt(
    lab: Lab, tmp_path: Path
) -> None:
    lab.git("init", "-q", str(tmp_path / "origin"))
    origin = tmp_path / "origin"
    lab.git("-C", str(origin), "commit", "-q", "--allow-empty", "-m", "Start")
    lab.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(origin), "sub")
    lab.git("commit", "-q", "-m", "Add the submodule")
    asked(lab, "How does the library work?")
    asked(lab, "Mend the library")
    (lab.path / "sub" / "lib.c").write_text("int x;\n")
    tell(lab, "claude", "edit", turn="turn of Mend the library", path=str(lab.path / "sub" / "lib.c"))
    (lab.path / "hand").write_text("hand\n")
    lab.git("add", "hand")
    lab.commit("By hand")
    assert texts(lab) == []
    set_up(Repository.open(lab.path / "sub"))
    lab.git("-C", "sub", "add", "-A")
    done = lab.run("git", "-C", "sub", "commit", "-q", "-m", "Mend")
    assert b"recorded 2 prompts" in done.stderr, done.stderr
    commit_all(lab, "Take up the mended library")
    assert texts(lab) == ["How does the library work?", "Mend the library"]
    assert binding(lab, "Mend the library").wrote == ("sub",)
    (lab.path / "hand").write_text("more\n")
    commit_all(lab, "By hand again")
    assert texts(lab) == []


def test_a_session_over_days_has_each_day_s_prompts_in_that_day_s_commit(lab: Lab) -> None:
    for day in (1, 2, 3):
        clock = ("faketime", f"2026-11-0{day} 10:00:00")
        if shutil.which("faketime") is None:
            pytest.skip("faketime is not installed")
        for event, fields in (
            ("UserPromptSubmit", {"prompt": f"Write day {day}"}),
            ("PostToolUse", {"tool_name": "Write", "tool_input": {"file_path": str(lab.path / f"day{day}")}}),
        ):
            (lab.path / f"day{day}").write_text(f"{day}\n")
            payload = {
                "session_id": "s1",
                "prompt_id": f"p{day}",
                "cwd": str(lab.path),
                "hook_event_name": event,
            }
            payload |= fields  # type: ignore[arg-type]
            lab.run(*clock, "git-regen", "capture", "--agent", "claude", stdin=json.dumps(payload).encode())
        lab.git("add", "-A")
        done = lab.run(*clock, "git", "commit", "-q", "-m", f"Day {day}")
        assert b"recorded 1 prompt " in done.stderr, done.stderr
        lab.let_hooks_finish()
    for day in (1, 2, 3):
        assert texts(lab, f"HEAD~{3 - day}") == [f"Write day {day}"]


def test_a_commit_that_is_taken_back_and_made_again_is_found_by_repair(lab: Lab) -> None:
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "a\n")
    commit_all(lab, "Add a")
    assert texts(lab) == ["Write a"]
    lab.git("reset", "-q", "--soft", "HEAD~")
    said = commit_all(lab, "Add a, said better", CLAUDECODE="1", CLAUDE_CODE_SESSION_ID="s1")
    lab.regen("repair")
    assert texts(lab) == ["Write a"], said


def test_edits_added_to_a_commit_by_amending_it_are_of_their_own_prompt(lab: Lab) -> None:
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "a\n")
    commit_all(lab, "Add a")
    asked(lab, "Write b", session="s2", agent="codex")
    wrote(lab, "Write b", "b.txt", "b\n", session="s2", agent="codex")
    lab.git("add", "-A")
    lab.git("commit", "-q", "--amend", "--no-edit")
    assert texts(lab) == ["Write a", "Write b"]
    assert binding(lab, "Write b").wrote == ("b.txt",)
    assert lab.waiting() == [] or all(not w["wrote"] for w in lab.waiting())


def test_three_quick_commits_of_two_sessions_have_their_own_prompts(lab: Lab) -> None:
    for name in ("a", "b", "c"):
        asked(lab, f"Write {name}", session=name)
        wrote(lab, f"Write {name}", name, name, session=name)
    for name in ("a", "b", "c"):
        lab.git("add", name)
        lab.commit(f"Add {name}")
    lab.let_hooks_finish()
    assert [texts(lab, rev) for rev in ("HEAD~2", "HEAD~", "HEAD")] == [["Write a"], ["Write b"], ["Write c"]]


def test_one_file_of_two_sessions_in_parts_belongs_to_both_until_all_is_committed(lab: Lab) -> None:
    base = "".join(f"{i}\n" for i in range(30))
    (lab.path / "f").write_text(base)
    commit_all(lab, "Base")
    asked(lab, "Mend the start", session="s1")
    wrote(lab, "Mend the start", "f", "first\n" + base, session="s1")
    asked(lab, "Mend the end", session="s2")
    wrote(lab, "Mend the end", "f", "first\n" + base + "last\n", session="s2")
    commit_all(lab, "Both")
    assert texts(lab) == ["Mend the end", "Mend the start"]
    (lab.path / "f").write_text("by hand\n")
    commit_all(lab, "By hand")
    assert texts(lab) == []


def test_a_commit_without_hooks_of_a_moved_file_is_found_from_the_reflog(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.capture.matching.YOUNG", 0)
    asked(lab, "Write a")
    wrote(lab, "Write a", "a.txt", "what was written\n")
    flush(lab.repo)
    (lab.path / "a.txt").rename(lab.path / "b.txt")
    lab.git("add", "-A")
    lab.git(*WITHOUT_HOOKS, "commit", "-q", "-m", "Add b")
    assert binding(lab, "Write a").wrote == ("b.txt",)


def test_a_commit_without_hooks_is_not_forgotten_while_it_is_young(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(lab, "Say more")
    wrote(lab, "Say more", "README", "more\n")
    asked(lab, "Write a", session="s2")
    wrote(lab, "Write a", "a.txt", "a\n", session="s2")
    lab.git("add", "README")
    lab.git(*WITHOUT_HOOKS, "commit", "-q", "-m", "Say more")
    commit_all(lab, "Add a")
    lab.let_hooks_finish()
    monkeypatch.setattr("regen_git.capture.matching.YOUNG", 0)
    assert texts(lab, "HEAD~") == ["Say more"]
    assert texts(lab) == ["Write a"]


def test_a_folder_of_data_that_cannot_be_made_costs_neither_prompt_nor_commit(lab: Lab) -> None:
    shutil.rmtree(lab.data)
    Path(lab.data).write_text("in the way\n")
    done = lab.run(
        "git-regen",
        "capture",
        "--agent",
        "claude",
        stdin=json.dumps(
            {
                "session_id": "s1",
                "prompt_id": "p",
                "cwd": str(lab.path),
                "hook_event_name": "UserPromptSubmit",
                "prompt": "Hi",
            }
        ).encode(),
    )
    assert (done.returncode, done.stdout) == (0, b"")
    (lab.path / "a.txt").write_text("a\n")
    commit_all(lab, "Add a", CLAUDECODE="1")
    Path(lab.data).unlink()
    lab.prompt("And this")
    assert sorted(e.text for e in lab.inbox().read() if e.kind == "prompt") == ["And this", "Hi"]


def test_a_file_named_with_a_null_in_a_prompt_costs_no_prompt(lab: Lab) -> None:
    lab.prompt('Read @"a\0b" and @"half \ud83d" first')
    assert [e.kind for e in lab.inbox().read()] == ["prompt"]


def test_a_session_in_a_folder_that_no_file_system_has_costs_no_prompt(lab: Lab) -> None:
    for cwd in ("/nowhere/a\0b", "/nowhere/\ud83d", "relative"):
        payload = {
            "session_id": "s1",
            "prompt_id": f"p{cwd!r}",
            "cwd": cwd,
            "hook_event_name": "UserPromptSubmit",
        }
        payload["prompt"] = f"Asked in {cwd!r}"
        lab.run("git-regen", "capture", "--agent", "claude", stdin=json.dumps(payload).encode())
    kept = [e.text for e in Inbox(spool()).read()] + [e.text for e in lab.inbox().read()]
    assert len(kept) == 3, kept
