"""What is recorded of a generation: enough to give the same commit again, and nothing that misleads later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replay.test_folded import COUNTER, project, served, two_modules, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from replay.test_folded import Script
    from support.histories import History

__all__ = ["project", "served"]

NAME = "scripted-folded"


def test_following_recorded_replies_changes_nothing_of_what_the_generation_rests_on(
    project: History, served: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        project, {".regen/spec/app.md": "# Counter\n\n- Count the words of a text.\n"}, "Say what is wanted"
    )
    served.code["app"] = COUNTER.format(result="len(text.split())")
    assert project.regen("replay") == 0
    note = project.repo.git("notes", "--ref=regen-provenance", "show", f"regen/{NAME}")
    assert project.regen("replay", "--locked") == 0
    assert project.repo.git("notes", "--ref=regen-provenance", "show", f"regen/{NAME}") == note
    assert project.regen("adopt", NAME) == 0
    capsys.readouterr()

    assert project.regen("replay", "--changed") == 0

    assert "nothing to do" in capsys.readouterr().out


def test_a_fresh_clone_gives_the_same_commit_offline(
    project: History, served: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_modules(project, served)
    git = project.repo.git
    assert project.regen("replay") == 0
    made = git("rev-parse", f"regen/{NAME}")
    git("init", "-q", "--bare", str(tmp_path / "hub.git"))
    git("remote", "add", "origin", str(tmp_path / "hub.git"))
    git("push", "-q", "origin", "HEAD")
    git("config", "regen.publish", "always")
    assert project.regen("sync", "--replies") == 0
    git("clone", "-q", str(tmp_path / "hub.git"), str(tmp_path / "clone"))
    served.asked.clear()
    monkeypatch.chdir(tmp_path / "clone")
    from regen_git.cli.main import run

    assert run(["init", "--yes"]) == 0
    assert run(["trust", "--yes"]) == 0
    assert run(["sync", "--replies"]) == 0
    assert run(["replay", "--model", "openai/scripted", "--locked"]) == 0

    monkeypatch.chdir(project.repo.path)
    assert git("-C", str(tmp_path / "clone"), "rev-parse", f"regen/{NAME}") == made
    assert served.asked == []
