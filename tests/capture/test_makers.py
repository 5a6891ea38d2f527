"""Commits that an agent makes itself: found by the environment and the processes of its shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.lab import WITHOUT_HOOKS

from regen_git.agents import AgentEvent
from regen_git.capture.events import file_event
from regen_git.capture.flush import flush
from regen_git.importers.reading import one

if TYPE_CHECKING:
    from pathlib import Path

    from support.lab import Lab


def tell(lab: Lab, agent: str, kind: str, *, session: str = "s1", **more: str) -> None:
    """Hand an event of any agent to capture, in this process."""
    file_event(AgentEvent(kind=kind, agent=agent, session=session, cwd=str(lab.path), **more))  # type: ignore[arg-type]


def texts(lab: Lab, rev: str = "HEAD") -> list[str]:
    flush(lab.repo)
    return [prompt.text for intent in one(lab.repo, rev).note.intents.values() for prompt in intent.prompts]


def write(lab: Lab, name: str, content: str = "x\n") -> Path:
    path = lab.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    lab.git("add", name)
    return path


@pytest.mark.parametrize(
    ("agent", "env"),
    [
        ("gemini", {"GEMINI_CLI": "1"}),
        ("qwen", {"QWEN_CODE": "1"}),
        ("pi", {"PI_CODING_AGENT": "true"}),
        ("opencode", {"OPENCODE": "1", "AGENT": "1"}),
        ("opencode", {"OPENCODE": "1", "REGEN_SESSION": "mine"}),
        ("claude", {"CLAUDECODE": "1"}),
        ("codex", {"CODEX_THREAD_ID": "mine"}),
        ("copilot", {"COPILOT_CLI": "1", "COPILOT_AGENT_SESSION_ID": "mine"}),
    ],
)
def test_the_prompt_on_which_an_agent_commits_belongs_to_the_commit(
    lab: Lab, agent: str, env: dict[str, str]
) -> None:
    tell(lab, "claude", "prompt", session="other", text="Explain the parser", turn="t0")
    tell(lab, agent, "prompt", session="mine", text="Commit what is there", turn="t1")
    write(lab, "a.txt")
    lab.commit("Add a", env=env)
    assert texts(lab) == ["Commit what is there"]


def test_an_agent_that_commits_takes_no_prompt_of_a_session_that_only_waits(lab: Lab) -> None:
    tell(lab, "claude", "prompt", session="other", text="Explain the parser", turn="t0")
    write(lab, "a.txt")
    lab.commit("Add a", env={"GEMINI_CLI": "1"})
    assert texts(lab) == []


def test_the_newest_session_of_an_agent_that_names_none_is_the_one_that_commits(lab: Lab) -> None:
    tell(
        lab,
        "gemini",
        "prompt",
        session="old",
        text="Yesterday's question",
        turn="t0",
        at="2026-01-02T03:04:05Z",
    )
    tell(lab, "gemini", "prompt", session="new", text="Commit it", turn="t1", at="2026-01-02T03:09:05Z")
    write(lab, "a.txt")
    lab.commit("Add a", env={"GEMINI_CLI": "1"})
    assert texts(lab) == ["Commit it"]


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="processes are not told of in /proc here")  # noqa: PTH110 - one path
def test_droid_is_known_by_the_processes_above_the_hook(lab: Lab) -> None:
    program = lab.bin / "droid"
    program.write_text('#!/bin/sh\n"$@"\n')
    program.chmod(0o755)
    tell(lab, "claude", "prompt", session="other", text="Explain the parser", turn="t0")
    tell(lab, "droid", "prompt", text="Commit what is there", turn="t1")
    write(lab, "a.txt")
    done = lab.run("droid", "git", "commit", "-q", "-m", "Add a")
    assert done.returncode == 0, done.stderr.decode()
    assert texts(lab) == ["Commit what is there"]


def test_a_commit_without_hooks_is_the_session_s_whose_command_just_ended(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regen_git.capture.matching.YOUNG", 0)
    tell(lab, "claude", "prompt", session="other", text="Explain the parser", turn="t0")
    tell(lab, "gemini", "prompt", text="Commit what is there", turn="t1")
    write(lab, "a.txt")
    lab.git(*WITHOUT_HOOKS, "commit", "-q", "-m", "Add a")
    tell(lab, "gemini", "shell")
    assert texts(lab) == ["Commit what is there"]


def test_a_prompt_that_was_expanded_is_recorded_as_it_was_typed(lab: Lab) -> None:
    (lab.path / "README").write_text("hello\n")
    tell(lab, "gemini", "prompt", text="Greet Ada Lovelace, politely.", turn="t1", key="k1")
    path = write(lab, "a.txt")
    tell(lab, "gemini", "edit", turn="t1", path=str(path))
    tell(lab, "gemini", "typed", key="k1", text="/greet Ada Lovelace @README")
    tell(lab, "gemini", "typed", key="k1", text="/greet Ada Lovelace @README")
    lab.commit("Add a")
    flush(lab.repo)
    (intent,) = one(lab.repo, "HEAD").note.intents.values()
    assert [prompt.text for prompt in intent.prompts] == ["/greet Ada Lovelace @README"]
    blob = lab.git("rev-parse", "HEAD:README")
    assert intent.prompts[0].refs == ("/greet", f"README@{blob}")


def test_what_was_typed_of_a_prompt_nobody_knows_is_no_prompt(lab: Lab) -> None:
    tell(lab, "gemini", "typed", key="k1", text="/greet Ada")
    path = write(lab, "a.txt")
    tell(lab, "gemini", "edit", path=str(path))
    lab.commit("Add a")
    assert texts(lab) == []


def test_a_file_that_an_agent_deletes_belongs_to_its_prompt(lab: Lab) -> None:
    write(lab, "old.txt")
    lab.git("commit", "-q", "-m", "By hand")
    tell(lab, "codex", "prompt", text="Remove the old file", turn="t1")
    (lab.path / "old.txt").unlink()
    tell(lab, "codex", "edit", turn="t1", path=str(lab.path / "old.txt"))
    lab.git("add", "-A")
    lab.commit("Remove old.txt")
    assert texts(lab) == ["Remove the old file"]
    flush(lab.repo)
    told = one(lab.repo, "HEAD")
    (intent,) = told.note.intents.values()
    binding = told.binding(intent)
    assert binding is not None
    assert binding.wrote == ("old.txt",)


def test_a_file_that_was_written_and_removed_again_waits_for_no_commit(lab: Lab) -> None:
    tell(lab, "codex", "prompt", text="Try it in a scratch file, then write a", turn="t1")
    scratch = lab.path / "scratch.txt"
    scratch.write_text("try\n")
    tell(lab, "codex", "edit", turn="t1", path=str(scratch))
    scratch.unlink()
    path = write(lab, "a.txt")
    tell(lab, "codex", "edit", turn="t1", path=str(path))
    lab.commit("Add a")
    assert texts(lab) == ["Try it in a scratch file, then write a"]
    tell(lab, "codex", "gone")
    flush(lab.repo)
    write(lab, "b.txt")
    lab.commit("Add b")
    assert texts(lab) == []
    assert lab.waiting() == []


def test_hooks_are_told_of_the_newest_sessions_only(lab: Lab) -> None:
    for i in range(40):
        tell(lab, "claude", "prompt", session=f"s{i}", text=f"Question {i}", turn=f"t{i}")
    pending = (lab.data / "pending" / "main").read_text()
    assert pending.count("\nidle ") == 16
    assert len(lab.waiting()) == 40


AGENTS = ({"CLAUDECODE": "1"}, {"CODEX_THREAD_ID": "t"}, {"GEMINI_CLI": "1"}, {"OPENCODE": "1"})


@pytest.mark.parametrize("env", AGENTS, ids=lambda one: next(iter(one)))
def test_an_agent_that_commits_and_never_reported_anything_is_told_of(lab: Lab, env: dict[str, str]) -> None:
    write(lab, "a.txt")
    _, said = lab.commit("Add a", env=env)
    assert said.startswith("regen: nothing recorded: an agent made this commit")
    write(lab, "b.txt")
    assert lab.commit("Add b")[1] == ""


def test_an_agent_that_amends_or_picks_a_recorded_commit_is_not_told_of(lab: Lab) -> None:
    env = {"CLAUDECODE": "1"}
    lab.git("branch", "before")
    tell(lab, "claude", "prompt", text="Write a", turn="t1")
    path = write(lab, "a.txt")
    tell(lab, "claude", "edit", turn="t1", path=str(path))
    tell(lab, "claude", "end", turn="t1")
    lab.commit("Add a")
    flush(lab.repo)
    made = lab.git("rev-parse", "HEAD")
    done = lab.run("git", "commit", "-q", "--amend", "--no-edit", env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    lab.git("checkout", "-q", "before")
    done = lab.run("git", "cherry-pick", made, env=env)
    assert b"nothing recorded" not in done.stderr


def test_an_edit_that_is_committed_is_done_with_once(lab: Lab) -> None:
    tell(lab, "codex", "prompt", text="Write a", turn="t1")
    path = write(lab, "a.txt")
    tell(lab, "codex", "edit", turn="t1", path=str(path))
    lab.commit("Add a")
    flush(lab.repo)
    assert [entry.path for entry in lab.inbox().read() if entry.kind == "done"] == ["a.txt"]
