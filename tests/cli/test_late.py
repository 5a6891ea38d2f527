"""What hooks have missed is found in transcripts, when somebody asks how things stand."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from support.lab import Lab, bare_lab, lab

__all__ = ["bare_lab", "lab"]

_NOW = {"GIT_AUTHOR_DATE": "2026-01-02T03:10:00+00:00", "GIT_COMMITTER_DATE": "2026-01-02T03:10:00+00:00"}


def place(lab: Lab) -> Path:
    """Return where session ``s1`` is kept."""
    folder = re.sub(r"[^A-Za-z0-9-]", "-", os.path.realpath(lab.path))
    return Path.home() / ".claude" / "projects" / folder / "s1.jsonl"


def transcript(lab: Lab, *turns: tuple[str, str, str]) -> None:
    """Write the transcript of session ``s1``: for each turn its id, its prompt and the file it wrote."""
    path = place(lab)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, Any]] = []
    for number, (key, text, name) in enumerate(turns):
        at = {"timestamp": f"2026-01-02T03:0{number + 5}:00.000Z", "sessionId": "s1", "cwd": str(lab.path)}
        ids = (f"u{number}", f"a{number}", f"r{number}")
        before = lines[-1]["uuid"] if lines else None
        asked = {"role": "user", "content": text}
        lines.append(
            {"type": "user", "uuid": ids[0], "parentUuid": before, "promptId": key, "message": asked, **at}
        )
        use = {
            "type": "tool_use",
            "id": f"t{number}",
            "name": "Write",
            "input": {"file_path": str(lab.path / name)},
        }
        said = {"role": "assistant", "model": "m-1", "content": [use]}
        lines.append({"type": "assistant", "uuid": ids[1], "parentUuid": ids[0], "message": said, **at})
        result = {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": f"t{number}", "content": "ok"}],
        }
        lines.append({"type": "user", "uuid": ids[2], "parentUuid": ids[1], "message": result, **at})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def captured(lab: Lab) -> None:
    """Let session ``s1`` write a file that its hooks tell of, and commit it."""
    key = lab.prompt("Write a", transcript_path=str(place(lab)))
    lab.edit(key, "a.txt", "a\n")
    said = {"last_assistant_message": "Done.", "transcript_path": str(place(lab))}
    lab.send("Stop", prompt_id=key, **said)
    lab.git("add", "-A")
    lab.git("commit", "-q", "-m", "Add a", env=_NOW)
    lab.let_hooks_finish()


def missed(lab: Lab) -> None:
    """Commit a file that the session wrote while its hooks told nothing."""
    (lab.path / "b.txt").write_text("b\n")
    lab.git("add", "-A")
    lab.git("commit", "-q", "-m", "Add b", env=_NOW)


def prompts(lab: Lab) -> dict[str, list[str]]:
    rows = [json.loads(line) for line in lab.regen("log", "--json").splitlines()]
    return {
        row["subject"]: [p["text"] for i in row["intents"] if i["intent"] for p in i["prompts"]]
        for row in rows
    }


def test_a_prompt_that_only_the_transcript_has_is_recorded_by_status(lab: Lab) -> None:
    captured(lab)
    missed(lab)
    transcript(lab, ("prompt-1", "Write a", "a.txt"), ("prompt-2", "Write b, too", "b.txt"))
    done = lab.run("git-regen", "status")
    assert b"recorded 1 prompt that no hook told of, from transcripts" in done.stderr
    assert prompts(lab) == {"Add b": ["Write b, too"], "Add a": ["Write a"], "Start": []}
    assert lab.run("git-regen", "status").stderr == b""


def test_a_transcript_that_has_not_grown_is_not_read_again(lab: Lab) -> None:
    captured(lab)
    missed(lab)
    transcript(lab, ("prompt-1", "Write a", "a.txt"), ("prompt-2", "Write b, too", "x.txt"))
    lab.regen("status")
    # As long as before: who does not read it cannot know that it speaks of b.txt now.
    transcript(lab, ("prompt-1", "Write a", "a.txt"), ("prompt-2", "Write b, too", "b.txt"))
    lab.regen("status")
    assert prompts(lab)["Add b"] == []
    transcript(lab, ("prompt-1", "Write a", "a.txt"), ("prompt-2", "Write b, please", "b.txt"))
    lab.regen("status")
    assert prompts(lab)["Add b"] == ["Write b, please"]


def test_a_session_that_was_never_captured_is_left_to_import(lab: Lab) -> None:
    missed(lab)
    transcript(lab, ("prompt-2", "Write b", "b.txt"))
    assert lab.run("git-regen", "status").stderr == b""
    assert prompts(lab) == {"Add b": [], "Start": []}


def test_a_prompt_that_waits_for_its_commit_is_not_bound_to_another(lab: Lab) -> None:
    captured(lab)
    missed(lab)
    key = lab.prompt("Write b")
    lab.edit(key, "b.txt", "b\n")
    transcript(lab, ("prompt-1", "Write a", "a.txt"), (key, "Write b", "b.txt"))
    assert lab.run("git-regen", "status").stderr == b""
    assert prompts(lab)["Add b"] == []


def test_a_transcript_that_is_no_transcript_is_no_failure(lab: Lab) -> None:
    captured(lab)
    transcript(lab, ("prompt-1", "Write a", "a.txt"))
    (path,) = Path.home().glob(".claude/projects/*/s1.jsonl")
    path.write_bytes(b"\xff\x00{]\n" * 40)
    done = lab.run("git-regen", "status")
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (lab.data / "log").exists()


def test_what_is_remembered_of_sessions_may_be_broken(lab: Lab) -> None:
    captured(lab)
    (lab.data / "met").write_bytes(b"\xffnonsense\nclaude\ts1\tx\ty\n\t\t\t\nclaude\ts1\t5\t/nowhere\n")
    done = lab.run("git-regen", "status")
    assert (done.returncode, done.stderr) == (0, b"")
