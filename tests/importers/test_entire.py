from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builder import RepoBuilder
from support.entire import SESSION, Store, Transcript, at, naming

from regen_git.cli.main import run
from regen_git.domain.ids import new_intent_id
from regen_git.domain.intent import Agent, Binding, Intent, Prompt
from regen_git.errors import RegenError
from regen_git.importers.entire import import_entire
from regen_git.importers.harness import split_prompts, typed_in
from regen_git.ledger.store import Ledger

ONE, TWO, THREE = "a1b2c3d4e5f6", "b1b2c3d4e5f6", "c1b2c3d4e5f6"
ULID = "01KVBJCWYA4YW6J5M9GP655HZN"


def told(repo: RepoBuilder, commit: str) -> list[str]:
    """Return the prompts on a commit, in the order of their intents."""
    note = Ledger(repo.opened).of(commit)
    return [prompt.text for intent in note.intents.values() for prompt in intent.prompts]


def wrote(repo: RepoBuilder, commit: str) -> list[list[str]]:
    return [list(binding.wrote) for binding in Ledger(repo.opened).of(commit).bindings]


@pytest.mark.parametrize(("form", "first"), [("branch", ONE), ("refs", ONE), ("refs", ULID)])
def test_each_commit_gets_what_was_typed_since_the_checkpoint_before(
    repo: RepoBuilder, form: Literal["branch", "refs"], first: str
) -> None:
    store, chat = Store(repo, form), Transcript()
    chat.prompt(0, "Add a.").write(0, "a.py")
    store.add(first, store.session(chat.text, files=["a.py"]))
    a = repo.commit(naming(first), {"a.py": "a\n"})
    lines = len(chat.lines)
    chat.prompt(2, "Now b.").prompt(3, "With a test.").write(3, "b.py")
    store.add(TWO, store.session(chat.text, files=["b.py"], start=lines))
    b = repo.commit(naming(TWO), {"b.py": "b\n"})

    counts = import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]
    assert told(repo, b) == ["Now b.", "With a test."]
    assert wrote(repo, a) == [["a.py"]]
    assert wrote(repo, b) == [["b.py"]]
    assert (counts.commits, counts.intents, counts.prompts, counts.left) == (2, 2, 3, [])
    intent = next(iter(Ledger(repo.opened).of(b).intents.values()))
    assert intent.agent == Agent("claude", "2.1.0", "claude-x", SESSION)
    assert intent.prompts[0].at == "2026-01-02T03:06:05Z"


def test_without_an_offset_the_earlier_checkpoint_tells_what_is_new(repo: RepoBuilder) -> None:
    store, chat = Store(repo), Transcript()
    chat.prompt(0, "Add a.").write(0, "a.py")
    store.add(ONE, store.session(chat.text, files=["a.py"]))
    repo.commit(naming(ONE), {"a.py": "a\n"})
    chat.prompt(2, "Now b.").write(3, "b.py")
    store.add(TWO, store.session(chat.text, files=["b.py"]))
    b = repo.commit(naming(TWO), {"b.py": "b\n"})

    import_entire(repo.opened)

    assert told(repo, b) == ["Now b."]


def test_an_offset_beyond_the_transcript_is_of_another_file_and_cuts_nothing(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"], start=4000))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]


def test_what_the_agent_put_in_is_no_prompt(repo: RepoBuilder) -> None:
    store, chat = Store(repo), Transcript()
    chat.prompt(0, "This session is being continued from before", isCompactSummary=True)
    chat.prompt(1, "Base directory for this skill: /x", isMeta=True)
    chat.prompt(2, "[Request interrupted by user]").prompt(3, "Add a.")
    chat.prompt(4, "Operation stopped by hook: another session is active")
    store.add(ONE, store.session(chat.text, files=["a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]


def test_the_same_import_again_adds_nothing(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"]))
    repo.commit(naming(ONE), {"a.py": "a\n"})
    import_entire(repo.opened)
    before = repo.git("rev-parse", "refs/notes/regen")

    counts = import_entire(repo.opened)

    assert repo.git("rev-parse", "refs/notes/regen") == before
    assert (counts.commits, counts.intents, counts.skipped) == (0, 0, {"already in the ledger": 1})


def test_a_dry_run_counts_and_writes_nothing(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"]))
    repo.commit(naming(ONE), {"a.py": "a\n"})

    counts = import_entire(repo.opened, dry_run=True)

    assert (counts.commits, counts.intents, counts.prompts) == (1, 1, 1)
    assert repo.git("for-each-ref", "refs/notes") == ""


def test_commits_that_name_one_checkpoint_share_its_intent_also_when_they_come_later(
    repo: RepoBuilder,
) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add both.").text, files=["a.py", "b.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})
    b = repo.commit(naming(ONE, subject="rest"), {"b.py": "b\n"})
    import_entire(repo.opened)
    repo.git("checkout", "-q", "--detach", a)
    later = repo.commit(naming(ONE, subject="again"), {"b.py": "b\n"})

    counts = import_entire(repo.opened)

    notes = [Ledger(repo.opened).of(commit) for commit in (a, b, later)]
    assert len({tuple(note.intents) for note in notes}) == 1
    assert [list(note.bindings[0].wrote) for note in notes] == [["a.py"], ["b.py"], ["b.py"]]
    assert (counts.commits, counts.intents) == (1, 0)


def test_an_edited_intent_is_bound_to_later_commits_as_it_was_edited(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})
    import_entire(repo.opened)
    (intent,) = Ledger(repo.opened).of(a).intents.values()
    edited = Intent(intent.id, (Prompt("Add a, well."),), "imported", revision=2)
    Ledger(repo.opened).append({a: [edited]})
    later = repo.commit(naming(ONE, subject="again"), {"a.py": "aa\n"})

    import_entire(repo.opened)

    assert told(repo, later) == ["Add a, well."]


def test_a_commit_made_in_the_middle_of_a_turn_has_the_turns_intent(repo: RepoBuilder) -> None:
    store, chat = Store(repo), Transcript()
    chat.prompt(0, "Add a and b, commit each.").write(0, "a.py")
    store.add(ONE, store.session(chat.text, files=["a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})
    lines = len(chat.lines)
    chat.write(1, "b.py")
    store.add(TWO, store.session(chat.text, files=["b.py"], start=lines))
    b = repo.commit(naming(TWO), {"b.py": "b\n"})

    import_entire(repo.opened)

    assert told(repo, a) == told(repo, b) == ["Add a and b, commit each."]
    assert list(Ledger(repo.opened).of(a).intents) == list(Ledger(repo.opened).of(b).intents)
    assert wrote(repo, b) == [["b.py"]]


def test_a_prompt_that_an_old_copy_of_the_transcript_lacks_goes_to_the_commit_it_led_to(
    repo: RepoBuilder,
) -> None:
    store, chat = Store(repo), Transcript()
    chat.prompt(0, "Add a.").write(0, "a.py")
    copied = chat.text
    chat.prompt(0.5, "And a test, then commit.").write(0.5, "test_a.py")
    store.add(ONE, store.session(copied, files=["a.py", "test_a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n", "test_a.py": "t\n"})
    chat.prompt(1.5, "Now b.").write(1.5, "b.py")
    store.add(TWO, store.session(chat.text, files=["b.py"], start=copied.count("\n")))
    b = repo.commit(naming(TWO), {"b.py": "b\n"})

    import_entire(repo.opened)

    assert told(repo, a) == ["Add a.", "And a test, then commit."]
    assert told(repo, b) == ["Now b."]


def test_a_file_left_out_of_its_commit_takes_its_prompt_to_the_next(repo: RepoBuilder) -> None:
    store, chat = Store(repo), Transcript()
    chat.prompt(0, "Add a and b.").write(0, "a.py", "b.py")
    store.add(ONE, store.session(chat.text, files=["a.py", "b.py"]))
    repo.commit(naming(ONE), {"a.py": "a\n"})
    chat.prompt(2, "Now c.").write(2, "c.py")
    store.add(TWO, store.session(chat.text, files=["b.py", "c.py"]))
    second = repo.commit(naming(TWO), {"b.py": "b\n", "c.py": "c\n"})

    import_entire(repo.opened)

    assert told(repo, second) == ["Add a and b.", "Now c."]
    assert wrote(repo, second) == [["b.py"], ["c.py"]]


def test_a_session_that_was_only_open_meanwhile_gets_no_part_of_the_commit(repo: RepoBuilder) -> None:
    store = Store(repo)
    mine = Transcript().prompt(0, "Add a.").write(0, "a.py").text
    other = Transcript("0ther104-0000-4000-8000-000000000000").prompt(0, "Add z.").write(0, "z.py").text
    store.add(
        ONE,
        store.session(mine, files=["a.py"]),
        store.session(other, files=["z.py"], session="0ther104-0000-4000-8000-000000000000"),
    )
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    counts = import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]
    assert [orphan.text for orphan in counts.orphans] == ["Add z."]


def test_a_squash_that_lists_two_checkpoints_gets_the_intents_of_both(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"]))
    other = "0ther104-0000-4000-8000-000000000000"
    store.add(TWO, store.session(Transcript(other).prompt(0, "Add b.").text, files=["b.py"], session=other))
    message = (
        f"a and b (#7)\n\n* a\n\nEntire-Checkpoint: {ONE}\n\n* b\n\nEntire-Checkpoint: {TWO}\n\nSee: there"
    )
    squash = repo.commit(message, {"a.py": "a\n", "b.py": "b\n"})

    import_entire(repo.opened)

    assert told(repo, squash) == ["Add a.", "Add b."]
    assert wrote(repo, squash) == [["a.py"], ["b.py"]]


def test_a_missing_transcript_leaves_the_texts_of_the_prompts(repo: RepoBuilder) -> None:
    store = Store(repo)
    first = [
        "Add a.",
        "[Request interrupted by user]",
        "This session is being continued from a previous conversation: …",
    ]
    chat = Transcript().prompt(0, "not to be read any more").text
    store.add(ONE, store.session(chat, files=["a.py"], prompts=first))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})
    then = [
        *first,
        "<command-message>review</command-message>\n<command-name>/review</command-name>",
        "Now b.",
    ]
    store.add(TWO, store.session(None, files=["b.py"], prompts=then, start=40))
    b = repo.commit(naming(TWO), {"b.py": "b\n"})
    blob = repo.git("rev-parse", f"entire/checkpoints/v1:{ONE[:2]}/{ONE[2:]}/0/full.jsonl")
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()

    counts = import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]
    assert told(repo, b) == ["/review", "Now b."]
    assert counts.skipped == {"text that nobody typed": 2}


def test_an_agent_that_nobody_knows_is_not_given_a_name(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(None, files=["a.py"], prompts=["Add a."], agent="Agent"))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert [intent.agent for intent in Ledger(repo.opened).of(a).intents.values()] == [None]


def test_a_repository_of_longer_ids_is_read_too(tmp_path: Path) -> None:
    repo = RepoBuilder.init(tmp_path / "long", "--object-format=sha256")
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]


def test_texts_that_may_be_of_earlier_commits_are_not_guessed_at(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(None, files=["a.py"], prompts=["One.", "Two."], start=99))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    counts = import_entire(repo.opened)

    assert told(repo, a) == []
    assert [(left.commit, "does not tell its prompts" in left.reason) for left in counts.left] == [(a, True)]


def test_a_transcript_in_pieces_is_read_as_one(repo: RepoBuilder) -> None:
    store, chat = Store(repo), Transcript().prompt(0, "Add a.").prompt(1, "And b.").prompt(2, "And c.")
    more = {"full.jsonl.001": chat.lines[1], "full.jsonl.002": chat.lines[2] + "\n"}
    store.add(ONE, store.session(chat.lines[0], files=["a.py"], more=more))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert told(repo, a) == ["Add a.", "And b.", "And c."]


@pytest.mark.parametrize("indent", [None, 2])
def test_another_agents_transcript_is_read_by_its_own_reader(repo: RepoBuilder, indent: int | None) -> None:
    said = [("user", "Add a."), ("gemini", "Done."), ("user", "Now b."), ("gemini", "Done.")]
    rows = [
        {"id": str(number), "timestamp": at(number), "type": kind, "content": text}
        for number, (kind, text) in enumerate(said)
    ]
    whole = json.dumps({"sessionId": SESSION, "startTime": at(0), "messages": rows}, indent=indent)
    store = Store(repo)
    store.add(ONE, store.session(whole, files=["b.py"], agent="Gemini CLI", start=2))
    b = repo.commit(naming(ONE), {"b.py": "b\n"})

    import_entire(repo.opened)

    assert told(repo, b) == ["Now b."]
    (intent,) = Ledger(repo.opened).of(b).intents.values()
    assert intent.agent is not None
    assert intent.agent.name == "gemini"


def test_entires_own_short_form_is_read_where_nothing_else_is(repo: RepoBuilder) -> None:
    store = Store(repo)
    rows = [("user", "Old."), ("assistant", "Done."), ("user", "Add a."), ("user", "<task-notification>x")]
    short = "".join(
        json.dumps({"v": 1, "type": kind, "ts": "2026-01-02T03:06:05Z", "content": [{"text": text}]}) + "\n"
        for kind, text in rows
    )
    more = {"transcript.jsonl": short}
    store.add(
        ONE, store.session(None, files=["a.py"], agent="OpenCode", compact_transcript_start=2, more=more)
    )
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]


def test_commits_without_an_intent_are_named_with_the_reason(repo: RepoBuilder) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, kind="imported"))
    store.add(TWO, store.session(None))
    store.add(THREE, store.session(Transcript("other").prompt(0, "Lost.").text, session="other"))
    imported = repo.commit(naming(ONE), {"a.py": "a\n"})
    empty = repo.commit(naming(TWO), {"b.py": "b\n"})
    unknown = repo.commit(naming("ffffffffffff"), {"c.py": "c\n"})

    counts = import_entire(repo.opened)

    reasons = {left.commit: left.reason for left in counts.left}
    assert set(reasons) == {imported, empty, unknown}
    assert "imported into Entire" in reasons[imported]
    assert "neither a transcript nor prompts" in reasons[empty]
    assert "not in this repository" in reasons[unknown]
    assert [orphan.text for orphan in counts.orphans] == [f"checkpoint {THREE}"]


def test_secrets_are_taken_out(repo: RepoBuilder) -> None:
    store = Store(repo)
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    store.add(ONE, store.session(Transcript().prompt(0, f"Use {secret} there").text, files=["a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert secret not in told(repo, a)[0]


def test_what_was_captured_is_not_imported_again(repo: RepoBuilder) -> None:
    store, chat = Store(repo), Transcript().prompt(0, "Add a.").prompt(1, "Commit.")
    store.add(ONE, store.session(chat.text, files=["a.py"]))
    a = repo.commit(naming(ONE), {"a.py": "a\n"})
    captured = Intent(
        new_intent_id(),
        (Prompt("Add a.", at="2026-01-02T03:04:05Z"), Prompt("Commit.", at="2026-01-02T03:05:05Z")),
        "captured",
        agent=Agent("claude", session=SESSION),
    )
    Ledger(repo.opened).append({a: [captured, Binding(captured.id)]})

    counts = import_entire(repo.opened)

    assert counts.intents == 0
    assert told(repo, a) == ["Add a.", "Commit."]


def test_older_branches_and_remote_ones_are_read(repo: RepoBuilder) -> None:
    store = Store(repo, branch="entire/sessions")
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"]))
    repo.git("update-ref", "refs/remotes/origin/entire/sessions", "refs/heads/entire/sessions")
    repo.git("update-ref", "-d", "refs/heads/entire/sessions")
    a = repo.commit(naming(ONE), {"a.py": "a\n"})

    import_entire(repo.opened)

    assert told(repo, a) == ["Add a."]


def test_where_entire_recorded_nothing_the_person_is_told_how_to_fetch(repo: RepoBuilder) -> None:
    repo.commit(naming(ONE), {"a.py": "a\n"})

    with pytest.raises(RegenError, match="no checkpoints") as error:
        import_entire(repo.opened)

    assert "git fetch" in error.value.hint


def test_the_command_counts_for_scripts(
    repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(repo)
    store.add(ONE, store.session(Transcript().prompt(0, "Add a.").text, files=["a.py"]))
    repo.commit(naming(ONE), {"a.py": "a\n"})
    lost = repo.commit(naming("ffffffffffff"), {"c.py": "c\n"})
    monkeypatch.chdir(repo.path)

    assert run(["import", "entire", "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert (said["commits"], said["intents"], said["prompts"]) == (1, 1, 1)
    assert said["left"] == [{"commit": lost, "reason": "its checkpoint is not in this repository"}]


def test_entire_finds_the_program_under_the_name_it_looks_for() -> None:
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    entry = re.search(r'^entire-regen = "([\w.]+):(\w+)"', project, re.MULTILINE)
    assert entry is not None
    assert callable(getattr(importlib.import_module(entry[1]), entry[2]))


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Add a.", "Add a."),
        ("<system-reminder>x</system-reminder>\nAdd a.", "Add a."),
        (
            "<command-message>x</command-message>\n<command-name>/x</command-name>\n<command-args>y</command-args>",
            "/x y",
        ),
        ("<command-name>/clear</command-name>", ""),
        ("Implement the following plan:\n\n# Plan", ""),
        ("Stop hook feedback:\nx", ""),
        ("The file a.py has a fault", "The file a.py has a fault"),
    ],
)
def test_of_a_text_alone_only_the_typed_part_is_kept(text: str, typed: str) -> None:
    assert typed_in(text) == typed


def test_an_outline_tells_a_rule_in_a_prompt_from_one_between_two() -> None:
    text = "First\n\n---\n\nstill first\n\n---\n\nSecond"
    outline = "## User Prompts\n\n### Prompt 1\n\nFirst\n\n---\n\nstill fir...\n\n### Prompt 2\n\nSecond\n\n"
    assert split_prompts(text, outline) == ["First\n\n---\n\nstill first", "Second"]
    assert split_prompts(text) == ["First", "still first", "Second"]
    assert split_prompts("Plan\n\n---\n\n## Step 2\n\n---\n\nGo") == ["Plan\n\n---\n\n## Step 2", "Go"]


@given(st.text(alphabet="ab-# \n.", max_size=80), st.text(alphabet="ab-# \n.123Prompt", max_size=80))
def test_no_text_is_lost_between_prompts(text: str, outline: str) -> None:
    assert "\n\n---\n\n".join(split_prompts(text, outline)) == (text.strip("\n") if text.strip() else "")
