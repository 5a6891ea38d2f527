from __future__ import annotations

import pytest

from regen_git.agents.evidence import NOBODY, agent_at, evidence_of


@pytest.mark.parametrize(
    ("trailer", "agent"),
    [
        ("Co-Authored-By: Claude <noreply@anthropic.com>", "claude"),
        ("co-authored-by: aider (gpt-4o) <aider@aider.chat>", "aider"),
        ("Co-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>", "copilot"),
        ("Assisted-by: Claude:claude-opus-4 [linter]", "claude"),
        ("Claude-Session: https://claude.ai/code/session_1", "claude"),
        ("🤖 Generated with [Claude Code](https://claude.com/claude-code)", "claude"),
        ("Generated-by: Gemini", "gemini"),
        ("Entire-Checkpoint: 0123456789ab", None),
    ],
)
def test_trailers_of_known_agents_are_evidence(trailer: str, agent: str | None) -> None:
    found = evidence_of(f"Add a cache\n\nBody.\n\n{trailer}\n")
    assert (found.maker, found.agent) == ("agent", agent)
    assert trailer.strip() in found.reason


@pytest.mark.parametrize(
    "trailer",
    [
        "Co-authored-by: Bob <bob@example.org>",
        "Co-authored-by: Claude Monet <claude@example.org>",
        "Assisted-by: Bob <bob@example.org>",
        "Generated with care",
    ],
)
def test_trailers_of_people_are_not(trailer: str) -> None:
    assert evidence_of(f"Add a cache\n\n{trailer}\n") == NOBODY


def test_bots_and_marked_authors_are_agents() -> None:
    assert agent_at("copilot-swe-agent[bot] <1+Copilot@users.noreply.github.com>") == "copilot"
    assert evidence_of("Add a cache", "Ada Example (aider) <ada@example.org>").agent == "aider"
    assert (
        evidence_of("Add a cache", "Ada <a@example.org>", "Claude <noreply@anthropic.com>").agent == "claude"
    )
    assert agent_at("Ada Example <ada@example.org>") is None


@pytest.mark.parametrize(
    "message",
    [
        "Manually remove the cache.",
        "Finish the cache myself.",
        "Add a readme.\n\nThis is hand-written.",
        "Fix Claude's bug manually.",
        "Rename it.\n\nMade this change manually.",
        "Add a limit.\n\nThis is written by hand.",
    ],
)
def test_people_say_that_they_wrote_it_by_hand(message: str) -> None:
    assert evidence_of(message).maker == "person"


def test_the_subject_decides_before_the_body() -> None:
    told = "Ask Claude to add a cache.\n\nI could have done this faster by hand. One line I pasted in myself."
    assert (evidence_of(told).maker, evidence_of(told).agent) == ("agent", "claude")


@pytest.mark.parametrize(
    "message",
    ["Manually tested the cache", "Add a cache\n\nTested by hand.", "Move the Cursor class", "0.0.2", ""],
)
def test_words_that_prove_nothing_are_no_evidence(message: str) -> None:
    assert evidence_of(message) == NOBODY
