from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regen_git.cli.main import run
from regen_git.domain.intent import Agent
from regen_git.errors import RegenError
from regen_git.importers.aider import import_aider
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from support.builder import RepoBuilder

TRAILER = "\n\nCo-authored-by: aider (openai/m-x) <aider@aider.chat>"
UNTOLD = "made by aider, and no chat history here tells of it"


def chat(*parts: str, started: str = "2026-01-02 03:04:20") -> str:
    """Return one chat as aider writes it."""
    head = "> Aider v0.86.2  \n> Model: openai/m-x with diff edit format  \n\n"
    return f"\n# aider chat started at {started}\n\n{head}" + "".join(parts)


def asked(prompt: str, *told: str) -> str:
    """Return a prompt with what aider did for it."""
    typed = "".join(f"#### {line}  \n" for line in prompt.split("\n"))
    lines = "".join(f"> {line}  \n" for line in ("Tokens: 1k sent, 2 received.", *told))
    return f"{typed}\nI will.\n\n#### Change\n\n{lines}\n"


def words(repo: RepoBuilder, commit: str) -> list[list[str]]:
    note = Ledger(repo.opened).of(commit)
    return [[prompt.text for prompt in intent.prompts] for intent in note.intents.values()]


def made(repo: RepoBuilder, subject: str, path: str, text: str) -> str:
    """Commit as aider does."""
    return repo.commit(subject + TRAILER, {path: text})


def test_a_prompt_goes_to_the_commit_that_the_history_names(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    first = made(repo, "feat: cache", "a.py", "1\n")
    second = made(repo, "feat: limit", "a.py", "2\n")
    history = chat(
        asked("Add a cache\nto the client", "Applied edit to a.py", f"Commit {first[:7]} feat: cache"),
        asked("And a limit", "Applied edit to a.py", f"Commit {second[:7]} feat: limit"),
        asked("Thanks"),
    )
    repo.write({".aider.chat.history.md": history})
    counts = import_aider(repo.opened)
    assert (counts.commits, counts.intents, counts.prompts, counts.sessions) == (2, 2, 3 - 1, 1)
    assert words(repo, first) == [["Add a cache\nto the client"]]
    assert words(repo, second) == [["And a limit"]]
    note = Ledger(repo.opened).of(second)
    [intent] = note.intents.values()
    assert intent.agent == Agent("aider", "0.86.2", "openai/m-x", "2026-01-02T03:04:20")
    assert note.bindings[0].wrote == ("a.py",)
    assert [(orphan.session, orphan.text) for orphan in counts.orphans] == [("2026-01-02T03:04:20", "Thanks")]
    assert counts.skipped == {}
    again = import_aider(repo.opened)
    assert (again.intents, again.skipped) == (0, {"already in the ledger": 2})


def test_after_a_rebase_the_commit_is_found_by_its_first_line_and_date(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    other = made(repo, "feat: cache", "a.py", "1\n")
    repo.ticks = 60 * 24 * 20
    mine = made(repo, "feat: cache", "a.py", "2\n")
    history = chat(
        asked("Add a cache", "Applied edit to b.py", "Commit 0123456 feat: cache"),
        started="2026-01-22 03:00:00",
    )
    repo.write({".aider.chat.history.md": history})
    counts = import_aider(repo.opened)
    assert (words(repo, other), words(repo, mine)) == ([], [["Add a cache"]])
    assert counts.skipped == {UNTOLD: 1}


def test_a_commit_that_is_only_out_of_sight_is_found_by_when_it_was_made(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    old = made(repo, "feat: cache", "a.py", "1\n")
    repo.git("commit", "-q", "--amend", "--no-edit", env={"GIT_COMMITTER_DATE": "2026-01-09T00:00:00Z"})
    history = chat(asked("Add a cache", "Applied edit to b.py", f"Commit {old[:7]} feat: cache"))
    repo.write({".aider.chat.history.md": history})
    import_aider(repo.opened)
    assert words(repo, repo.git("rev-parse", "HEAD")) == [["Add a cache"]]


def test_commits_of_aider_without_a_history_are_counted(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    made(repo, "feat: one", "a.py", "1\n")
    repo.commit("feat: two", {"a.py": "2\n"}, "--author=Ada Example (aider) <ada@example.org>")
    repo.commit("By hand", {"a.py": "4\n"})
    counts = import_aider(repo.opened)
    assert (counts.intents, counts.looked_at, counts.skipped) == (0, 4, {UNTOLD: 2})
    monkeypatch.chdir(repo.path)
    assert run(["import", "aider"]) == 0
    assert UNTOLD in capsys.readouterr().out


def test_what_aider_saved_of_a_persons_work_comes_from_no_prompt(repo: RepoBuilder) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    saved = made(repo, "chore: save", "a.py", "by hand\n")
    mine = made(repo, "feat: cache", "a.py", "1\n")
    done = (f"Commit {saved[:7]} chore: save", "Applied edit to a.py", f"Commit {mine[:7]} feat: cache")
    repo.write({".aider.chat.history.md": chat(asked("Add a cache", *done))})
    counts = import_aider(repo.opened)
    assert (words(repo, saved), words(repo, mine)) == ([], [["Add a cache"]])
    assert counts.skipped == {"made by aider of what a person had changed": 1}


def test_the_history_may_have_another_name_or_lie_elsewhere(
    repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo.commit("Start", {"a.py": "0\n"})
    mine = made(repo, "feat: cache", "src/a.py", "1\n")
    history = chat(asked("Add a cache", "Applied edit to src/a.py", f"Commit {mine[:7]} feat: cache"))
    elsewhere = tmp_path / "chats" / "kept.md"
    elsewhere.parent.mkdir()
    elsewhere.write_text(history)
    assert import_aider(repo.opened, dry_run=True).intents == 0
    repo.write({"notes/chat.md": history})
    for name in (str(elsewhere), "notes/chat.md"):
        monkeypatch.setenv("AIDER_CHAT_HISTORY_FILE", name)
        assert import_aider(repo.opened, dry_run=True).intents == 1, name
    monkeypatch.delenv("AIDER_CHAT_HISTORY_FILE")
    monkeypatch.chdir(repo.path)
    assert run(["import", "aider", "--file", str(elsewhere), "--json"]) == 0
    assert '"prompts": 1' in capsys.readouterr().out
    assert Ledger(repo.opened).of(mine).bindings[0].wrote == ("src/a.py",)
    with pytest.raises(RegenError):
        import_aider(repo.opened, file=repo.path / "a.py")
    assert run(["import", "aider", "--file", "nosuch"]) == 2
