from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regen_git.domain.ids import derived_intent_id, new_intent_id
from regen_git.domain.intent import Binding, Intent, Prompt
from regen_git.errors import RegenError
from regen_git.importers.commits import import_commits
from regen_git.importers.history import read_past
from regen_git.ledger.store import Ledger

if TYPE_CHECKING:
    from support.builder import RepoBuilder


def asked(subject: str, *prompts: str) -> str:
    return "\n\n".join([subject, *(f"Prompt: {prompt}" for prompt in prompts)])


def test_each_message_with_prompts_becomes_one_intent(repo: RepoBuilder) -> None:
    first = repo.commit(asked("Ask Claude for a cache", "Add a cache.", "Add a lock."), {"a.py": "1\n"})
    repo.commit("Tidy up", {"a.py": "2\n"})
    last = repo.commit(asked("Ask Claude for docs", "Write docs."), {"b.md": "x\n"})
    counts = import_commits(repo.opened)
    assert (counts.commits, counts.intents, counts.prompts) == (2, 2, 3)
    assert counts.skipped == {"no prompt in the message": 1}
    note = Ledger(repo.opened).of(first)
    [intent] = note.intents.values()
    assert intent.id == derived_intent_id("commits", first)
    assert [prompt.text for prompt in intent.prompts] == ["Add a cache.", "Add a lock."]
    assert all(prompt.at is None and prompt.kind is None for prompt in intent.prompts)
    assert (intent.origin, intent.author) == ("explicit", "Ada Example <ada@example.org>")
    assert intent.agent is not None
    assert intent.agent.name == "claude"
    [binding] = Ledger(repo.opened).of(last).bindings
    assert binding.wrote == ()
    assert binding.base == repo.git("rev-parse", f"{last}~^{{tree}}")
    assert binding.result == repo.git("rev-parse", f"{last}^{{tree}}")


def test_a_second_import_changes_nothing(repo: RepoBuilder) -> None:
    repo.commit(asked("Ask Claude for a cache", "Add a cache."), {"a.py": "1\n"})
    import_commits(repo.opened)
    tip = repo.git("rev-parse", "refs/notes/regen")
    counts = import_commits(repo.opened)
    assert (counts.intents, counts.skipped) == (0, {"already in the ledger": 1})
    assert repo.git("rev-parse", "refs/notes/regen") == tip


def test_a_dry_run_counts_the_same_and_writes_nothing(repo: RepoBuilder) -> None:
    repo.commit(asked("Ask Claude for a cache", "Add a cache."), {"a.py": "1\n"})
    assert import_commits(repo.opened, dry_run=True).intents == 1
    assert repo.git("for-each-ref", "refs/notes") == ""


def test_a_commit_with_a_captured_intent_of_the_same_words_is_left_alone(repo: RepoBuilder) -> None:
    commit = repo.commit(asked("Ask Claude for a cache", "Add a cache."), {"a.py": "1\n"})
    known = Intent(new_intent_id(), (Prompt("Add a cache.\n"),), "captured")
    Ledger(repo.opened).append({commit: [known, Binding(known.id)]})
    assert import_commits(repo.opened).skipped == {"already in the ledger": 1}


def test_ranges_counts_and_merges_are_respected(repo: RepoBuilder) -> None:
    base = repo.commit(asked("Ask Claude for a cache", "Add a cache."), {"a.py": "1\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit(asked("Ask Claude for docs", "Write docs."), {"b.md": "x\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", asked("Merge", "Write docs."), "side")
    assert import_commits(repo.opened, f"{base}..HEAD", dry_run=True).skipped == {"merge": 1}
    assert import_commits(repo.opened, f"{base}..HEAD", dry_run=True).intents == 1
    assert import_commits(repo.opened, max_count=1, dry_run=True).looked_at == 1


def test_an_unknown_range_and_an_empty_repository_are_refused_with_a_hint(repo: RepoBuilder) -> None:
    for span in ("HEAD", "nosuch", "--output=x"):
        with pytest.raises(RegenError) as caught:
            import_commits(repo.opened, span)
        assert caught.value.hint


def test_secrets_in_a_quoted_prompt_do_not_reach_the_note(repo: RepoBuilder) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    commit = repo.commit(
        asked("Ask Claude for a client", f"Use the token {token} to log in."), {"a.py": "1\n"}
    )
    import_commits(repo.opened)
    [intent] = Ledger(repo.opened).of(commit).intents.values()
    assert token not in intent.prompts[0].text
    assert intent.redacted == 1


def test_the_log_is_read_whatever_names_and_messages_hold(repo: RepoBuilder) -> None:
    repo.commit("Start", {"plain": "1\n"})
    odd = "Subject \x01\x02\x03\n\n\x01" + "a" * 40 + "\x02 body"
    repo.commit(odd, {"line\nbreak": "1\n", "tab\there": "1\n", "\udcff.bin": "1\n"})
    repo.commit("Nothing changes")
    past = read_past(repo.opened, paths=True)
    assert [commit.message.splitlines()[0] for commit in past] == [
        "Nothing changes",
        "Subject \x01\x02\x03",
        "Start",
    ]
    assert set(past[1].changed) == {"line\nbreak", "tab\there", "\udcff.bin"}
    assert (past[0].changed, past[2].base) == ((), None)
