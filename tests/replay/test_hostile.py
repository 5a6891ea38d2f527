"""What was fetched or generated is data: it cannot leave the tree, enter .git, or drive a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.histories import History
from support.model_server import ModelServer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.builder import RepoBuilder

GOOD = "FILE a.py\n```python\none = 1\n```\n"


@pytest.mark.parametrize(
    "path",
    ["../outside.py", "/tmp/outside.py", ".git/hooks/post-commit", "a/../../b.py", ".GIT/config", "x/.git/y"],
)
def test_a_reply_that_leaves_the_tree_is_refused_and_asked_again(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    history = History(repo)
    history.asked("Write one.", {"a.py": "one = 1\n"})
    hooks = sorted(p.name for p in (repo.path / ".git" / "hooks").iterdir())
    asked: list[str] = []

    def answer(body: Mapping[str, Any]) -> str:
        asked.append(body["messages"][-1]["content"])
        return GOOD if len(asked) > 1 else f"{GOOD}FILE {path}\n```\nevil\n```\n"

    with ModelServer(answer) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "unused")
        monkeypatch.setenv("OPENAI_API_BASE", server.url)
        status = history.regen("replay", "--model", "openai/gpt-5")

    assert status == 0
    assert len(asked) == 2
    assert "not accepted yet" in asked[1]
    assert repo.git("ls-tree", "-r", "--name-only", "regen/gpt-5") == "a.py"
    assert sorted(p.name for p in (repo.path / ".git" / "hooks").iterdir()) == hooks
    assert not (repo.path.parent / "outside.py").exists()


def test_a_prompt_from_elsewhere_cannot_drive_a_terminal(
    repo: RepoBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(repo)
    history.asked("Red \x1b[31malert\x1b[0m \u202eback", {"a.py": "one = 1\n"}, subject="Add one")
    capsys.readouterr()

    for command in (["log"], ["show"], ["why", "a.py:1"]):
        assert history.regen(*command) == 0

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "alert" in out
