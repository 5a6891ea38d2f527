from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regen_git.agents.classes import classify, guess
from regen_git.capture.binding import intent_of_record
from regen_git.capture.inbox import Entry
from regen_git.domain.intent import PROMPT_CLASSES

LABELS = Path(__file__).parents[1] / "data" / "prompt_labels.tsv"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Add a retry with exponential backoff to the HTTP client.", "feature"),
        ("can you also show the branch name in the list?", "feature"),
        ("Please rename `shout` to `loud` everywhere", "feature"),
        ("Never log the token, not even in debug mode.", "constraint"),
        ("make sure all of this works on Windows", "constraint"),
        ("the tests are failing", "correction"),
        ("fix the lint errors", "correction"),
        ("That's not what I asked for, the menu is still broken", "correction"),
        ("--- FAIL: TestMerge (0.01s)\n    merge_test.go:12: want 2, got 3\nFAIL", "correction"),
        ("yes please", "answer"),
        ("option 2", "answer"),
        ("1 and 3", "answer"),
        ("Let's go with the second one", "answer"),
        ("what does `read_span` return for an empty range?", "question"),
        ("can you check how this behaves in a bare repository?", "question"),
        ("explain the difference between the two", "question"),
        ("commit and push", "operation"),
        ("ok, commit this, then open a draft PR", "operation"),
        ("run the tests", "operation"),
        ("/review", "operation"),
        ("continue", "noise"),
        ("Thanks! Great work.", "noise"),
        ("hello", "noise"),
        ("👍", "noise"),
    ],
)
def test_plain_prompts_get_their_class(text: str, kind: str) -> None:
    assert classify(text) == guess(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "为什么不用这个呢?",
        "Почему тест не проходит?",
        "src/app.py",
        "<task-notification>\n<status>done</status>\n</task-notification>",
    ],
)
def test_what_the_rules_cannot_read_is_left_open(text: str) -> None:
    assert classify(text) is None
    assert guess(text) is None


def test_an_order_after_a_commit_is_no_mere_operation() -> None:
    assert classify("commit this, then add a test for the empty case") != "operation"
    assert classify("run the tests and fix what fails") != "operation"


def test_thanks_before_an_order_are_not_noise() -> None:
    assert classify("Great, now add a button for it") == "feature"
    assert classify("ok, push") == "operation"


def test_what_is_guessed_only_is_not_written() -> None:
    text = "As users grow, the list gets long, so we want to be able to page through it"
    assert (classify(text), guess(text)) == (None, "feature")


def test_a_short_reply_to_a_question_is_guessed_an_answer() -> None:
    assert guess("object storage only", "Where shall it go?") == "answer"
    assert classify("yes, both of them", "Shall I do one or both?") == "answer"


def test_a_record_keeps_the_class_that_somebody_gave_and_else_gets_the_sure_one() -> None:
    def kind(text: str, label: str = "") -> str | None:
        entry = Entry("record", id="00000000000000aa", text=text, label=label)
        return intent_of_record(entry, "Ada <ada@example.org>").prompts[0].kind

    assert kind("commit and push") == "operation"
    assert kind("commit and push", "feature") == "feature"
    assert kind("Schöne Grüße") is None


@settings(max_examples=150)
@given(st.text(max_size=300), st.none() | st.text(max_size=60))
def test_any_text_has_one_class_or_none_and_a_sure_one_is_the_guess(text: str, answers: str | None) -> None:
    kind = classify(text, answers)
    assert kind is None or kind in PROMPT_CLASSES
    assert kind in (None, guess(text, answers))
    assert kind == classify(text, answers)


@pytest.mark.parametrize(
    "piece",
    [
        "ok, ",
        "<a>",
        "> x\n",
        "`",
        "1, ",
        "@a ",
        "it is ",
        "but x, ",
        "```",
        "the a an ",
        "-> ",
        "?",
        "and then ",
    ],
)
def test_long_repetitions_are_read_like_any_text(piece: str) -> None:
    assert guess(piece * 50_000) in (None, *PROMPT_CLASSES)


def test_the_labels_are_well_formed_and_name_each_text_once() -> None:
    _, *rows = (line.split("\t") for line in LABELS.read_text(encoding="ascii").splitlines())
    assert all(len(row) == 6 and len(row[3]) == 64 for row in rows)
    assert len({row[3] for row in rows}) == len(rows)
    typed = [row[4] for row in rows if row[4] in PROMPT_CLASSES]
    assert len(typed) >= 300
    assert {row[4] for row in rows} == {*PROMPT_CLASSES, "machine", "unclear"}
